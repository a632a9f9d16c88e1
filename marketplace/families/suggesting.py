"""Let the matcher suggest families and themes, and keep what it suggests. What a HIN settled is never overridden.

The outcome follows from the needs, from what HINs settled, and from what families and themes were called before;
never from the order of anything. A run reads everything anew, in small steps, so that a worker can do other things.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from flask import current_app
from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session, selectinload

from marketplace import clock
from marketplace.access.actor import SERVICE
from marketplace.audit.actions import record
from marketplace.database import db, transaction
from marketplace.families import rules
from marketplace.families.models import Family, FamilyExclusion, FamilyMember, FamilyRun, Theme, ThemeMember
from marketplace.matches import grouping
from marketplace.matches.grouping import Kept, Near
from marketplace.needs import queries as needs
from marketplace.needs.models import Need, NeedVersion

#: Needs that are looked up in one step: a third of a second or so.
STEP = 25
#: A run that took so long is not repeated before this many times as much has passed, whatever changes meanwhile.
REST = 20
KEPT_RUNS = 50
_KNOWN = "family_neighbours"


#: Must-haves that mean the same, as `Family.joint` keeps them.
Joint = list[list[list[str | int]]]


class Proposal(NamedTuple):
    """What a run has found, before it is written; ``ids`` are those of the needs, by reference.

    ``joint`` holds what the families of two or more ask for together, by the families' names.
    """

    families: Sequence[grouping.Family]
    themes: Sequence[grouping.Theme]
    ids: Mapping[str, int]
    degraded: bool
    joint: Mapping[str, Joint] = MappingProxyType({})


class Settlement(NamedTuple):
    """What HINs have settled, in references: members of families, needs that do not belong to one, and names."""

    settled: Mapping[str, Sequence[str]]
    exclusions: Mapping[str, Sequence[str]]
    dissolved: frozenset[str]
    before: Mapping[str, str]


def suggest(*, at_once: bool = False) -> Iterator[None]:
    """Suggest families and themes anew where anything has changed; yields between steps.

    What this process knows of needs that are untouched by the change is not looked up again. ``at_once`` runs also
    where nothing has changed, soon after a long run, and looks everything up.
    """
    mark = fingerprint()
    if not mark or (not at_once and not _due(mark)):
        return
    started = time.perf_counter()
    generation, digests = grouping.state()
    on_board = {ref: digests[ref] for ref in board()}
    known: Known = current_app.extensions.setdefault(_KNOWN, Known())
    known.turn_to("" if at_once else generation)
    try:
        for wanted in (known.changed, known.touched):
            refs = wanted(on_board)
            for start in range(0, len(refs), STEP):
                grouping.neighbours(known.near, refs[start : start + STEP], on_board.keys())
                db.session.rollback()
                yield
    except grouping.NoMatcher:
        return  # this process is starting: the next turn comes soon
    known.remember(generation, on_board)
    proposal = propose(known.near)
    db.session.rollback()
    if fingerprint() != mark:
        return  # something was settled or published meanwhile: the next turn starts anew
    with transaction() as session:
        keep(session, proposal)
        session.add(
            FamilyRun(
                fingerprint=fingerprint(),
                ran_at=clock.now(),
                milliseconds=round(1000 * (time.perf_counter() - started)),
                needs=len(on_board),
                degraded=proposal.degraded,
            )
        )
        old = select(FamilyRun.id).order_by(FamilyRun.id.desc()).offset(KEPT_RUNS).limit(1).scalar_subquery()
        session.execute(delete(FamilyRun).where(FamilyRun.id <= old))


@dataclass(slots=True)
class Known:
    """What this process has looked up: of which index, of which text of each need, and its likest others."""

    generation: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    near: Near = field(default_factory=Near)
    gone: set[str] = field(default_factory=set)

    def turn_to(self, generation: str) -> None:
        """Forget everything unless it was looked up in this index."""
        if not generation or generation != self.generation:
            self.digests, self.near, self.generation = {}, Near(), generation

    def changed(self, on_board: Mapping[str, str]) -> list[str]:
        """Return the needs that are new or say something else, and forget those that have left the board."""
        fresh = [ref for ref, digest in on_board.items() if self.digests.get(ref) != digest]
        self.gone = set(self.digests) - on_board.keys()
        for ref in (*fresh, *self.gone):
            self.near.hits.pop(ref, None)
            self.digests.pop(ref, None)
            self.gone.add(ref)
        return sorted(fresh)

    def touched(self, on_board: Mapping[str, str]) -> list[str]:
        """Return the other needs whose lists hold, or may hold now, one that has changed or left."""
        still = on_board.keys() - self.gone
        near_changed = {hit.id for ref in self.gone for hit in self.near.hits.get(ref, ())}
        holding = {ref for ref, hits in self.near.hits.items() if any(hit.id not in still for hit in hits)}
        return sorted(((near_changed | holding) & on_board.keys()) - self.gone)

    def remember(self, generation: str, on_board: Mapping[str, str]) -> None:
        """Note what has been looked up now."""
        self.generation, self.digests = generation, dict(on_board)


def suggest_now() -> None:
    """Suggest families and themes anew, whether anything has changed or not."""
    for _ in suggest(at_once=True):
        pass


def _due(mark: str) -> bool:
    last = db.session.scalar(select(FamilyRun).order_by(FamilyRun.id.desc()).limit(1))
    if last is None:
        return True
    rest = timedelta(milliseconds=REST * last.milliseconds)
    return last.fingerprint != mark and clock.now() - last.ran_at >= rest


def board() -> list[str]:
    """Return the needs on the board that are indexed, by reference."""
    _, digests = grouping.state()
    return sorted(ref for ref in needs.published_refs(SERVICE) if ref in digests)


def fingerprint() -> str:
    """Return a digest of all that suggestions are made from; empty while nothing is indexed."""
    serving, digests = grouping.state()
    if not serving:
        return ""
    on_board = [(ref, digests[ref]) for ref in board()]
    locks = db.session.execute(select(Family.ref, Family.lock_version).order_by(Family.ref)).all()
    made_of = repr((serving, on_board, [tuple(row) for row in locks]))
    return hashlib.sha256(made_of.encode()).hexdigest()


# What is kept --------------------------------------------------------------------------------------------------


def settlement(session: Session) -> Settlement:
    """Return what has been settled, and in which family each need is."""
    settled: dict[str, list[str]] = {}
    before: dict[str, str] = {}
    rows = session.execute(
        select(Family.ref, Need.ref, FamilyMember.settled)
        .join(FamilyMember, FamilyMember.family_id == Family.id)
        .join(Need, Need.id == FamilyMember.need_id)
        .order_by(Family.ref, Need.ref)
    )
    for family, need, is_settled in rows:
        before[need] = family
        if is_settled:
            settled.setdefault(family, []).append(need)
    exclusions: dict[str, list[str]] = {}
    out = session.execute(
        select(Family.ref, Need.ref)
        .join(FamilyExclusion, FamilyExclusion.family_id == Family.id)
        .join(Need, Need.id == FamilyExclusion.need_id)
        .order_by(Family.ref, Need.ref)
    )
    for family, need in out:
        exclusions.setdefault(family, []).append(need)
    dissolved = frozenset(session.scalars(select(Family.ref).where(Family.dissolved_at.is_not(None))))
    return Settlement(settled, exclusions, dissolved, before)


def propose(near: Near) -> Proposal:
    """Work out the families and themes that follow from what is near. Writes nothing, and may take long."""
    told = settlement(db.session)
    found = db.session.execute(
        select(Need.ref, Need.id, Need.published_at).where(Need.ref.in_(board())).order_by(Need.ref)
    ).all()
    ages = {ref: published_at.isoformat() for ref, _, published_at in found if published_at is not None}
    same = {
        (members[0], other)
        for members in (
            [ref for ref in settled if ref in ages] for settled in told.settled.values() if len(settled) > 1
        )
        for other in members[1:]
    }
    different = rules.pairs_apart(told.exclusions, told.settled, told.dissolved)
    different |= _settled_apart(near, told)
    grouped = grouping.families_of(ages, near, same=same, different=different, before=told.before)
    ids = {ref: id_ for ref, id_, _ in found}
    themes, degraded = grouping.themes_of(
        {one.id: one.members for one in grouped}, _themes_before({id_: ref for ref, id_ in ids.items()})
    )
    return Proposal(grouped, themes, ids, degraded, _joint(grouped))


def _joint(grouped: Sequence[grouping.Family]) -> dict[str, Joint]:
    """Return what each family of two or more asks for together; a text that has changed meanwhile is left out."""
    several = [one for one in grouped if len(one.members) > 1]
    said: dict[str, tuple[int, list[str]]] = {
        ref: (number, must)
        for ref, number, must in db.session.execute(
            select(Need.ref, NeedVersion.number, NeedVersion.must)
            .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
            .where(Need.ref.in_(board()))
        )
    }
    found: dict[str, Joint] = {}
    for family in several:
        groups: Joint = []
        for one in grouping.joint(family.members):
            # The words that stand nearest to all come first: they are what the list is read by.
            wordings = sorted(one.wordings, key=lambda wording: wording[1] != one.text)
            places: list[list[str | int]] = [
                [ref, said[ref][0], said[ref][1].index(text)]
                for ref, text in wordings
                if ref in said and text in said[ref][1]
            ]
            if len(places) > 1:
                groups.append(places)
        found[family.id] = groups
    return found


def _themes_before(refs: Mapping[int, str]) -> list[Kept]:
    rows = db.session.scalars(select(Theme).options(selectinload(Theme.members)).order_by(Theme.key))
    return [
        Kept(
            row.key,
            row.name,
            tuple(row.said),
            frozenset(refs[member.need_id] for member in row.members if member.need_id in refs),
        )
        for row in rows
    ]


def keep(session: Session, proposal: Proposal) -> None:
    """Write the families and themes that were proposed."""
    _write_families(session, proposal)
    _write_themes(session, proposal)


def _settled_apart(near: Near, told: Settlement) -> set[tuple[str, str]]:
    """Keep settled families apart: only a HIN joins them. One pair of members stands for each two families."""
    home = {need: family for family, members in told.settled.items() for need in members}
    touching = {
        tuple(sorted((home[one], home[other])))
        for one, other in near.linked()
        if one in home and other in home and home[one] != home[other]
    }
    return {(told.settled[left][0], told.settled[right][0]) for left, right in touching}


def _write_families(session: Session, proposal: Proposal) -> None:
    ids = proposal.ids
    rows = {row.ref: row for row in session.scalars(select(Family).options(selectinload(Family.members)))}
    home = {member.need_id: member for row in rows.values() for member in row.members}
    now = clock.now()
    wanted: dict[int, Family] = {}
    for group in proposal.families:
        row = rows.get(group.id)
        if row is not None and (row.dissolved_at is not None or row.merged_into_id is not None):
            row = None  # it is over: a new family of its oldest need gets a name of its own
        if row is None:
            if len(group.members) < 2:
                continue
            row = Family(ref=_free(group.id, rows), created_at=now, changed_at=now, joint=[], members=[])
            rows[row.ref] = row
            session.add(row)
            session.flush()
            record(session, SERVICE, "family.suggested", "family", row.ref, needs=list(group.members))
        together = proposal.joint.get(group.id, [])
        if row.joint != together:
            row.joint, row.changed_at = together, now
        wanted |= dict.fromkeys((ids[ref] for ref in group.members), row)
        for former in group.formerly:
            old = rows[former]
            if not any(member.settled for member in old.members):
                old.merge_into(row, now)
                record(session, SERVICE, "family.merged", "family", old.ref, into=row.ref)
    for need_id, member in list(home.items()):
        family = wanted.pop(need_id, None)
        if member.settled:
            continue  # whatever the matcher says, and also when the need does not stand any more
        if family is None:
            member.family.changed_at = now
            session.delete(member)
        elif member.family_id != family.id:
            member.family.changed_at = family.changed_at = now
            member.family_id, member.since = family.id, now
    for need_id, family in wanted.items():
        family.changed_at = now
        session.add(FamilyMember(need_id=need_id, family_id=family.id, since=now))
    session.flush()
    session.expire_all()


def _free(ref: str, taken: Mapping[str, Family]) -> str:
    """Return a reference that no family has or had."""
    number, free = 2, ref
    while free in taken:
        free, number = f"{ref}-{number}", number + 1
    return free


def _write_themes(session: Session, proposal: Proposal) -> None:
    rows = {row.key: row for row in session.scalars(select(Theme).options(selectinload(Theme.members)))}
    before = {key: {member.need_id for member in row.members} for key, row in rows.items()}
    grouped = {one.id: one.members for one in proposal.families}
    after: dict[str, set[int]] = {}
    now = clock.now()
    session.execute(delete(ThemeMember), execution_options={"synchronize_session": False})
    session.expire_all()
    for theme in proposal.themes:
        row, said = rows.get(theme.key), list(theme.said)
        if row is None:
            row = Theme(key=theme.key, name=theme.name, said=said, changed_at=now)
            session.add(row)
        elif row.name != theme.name:
            row.changed_at = now
        if (row.name, row.said) != (theme.name, said):
            row.name, row.said = theme.name, said
        session.flush()
        after[theme.key] = {proposal.ids[ref] for family in theme.families for ref in grouped[family]}
        session.add_all(ThemeMember(need_id=id_, theme_id=row.id) for id_ in sorted(after[theme.key]))
    for key, row in rows.items():
        if before[key] != after.get(key, set()):
            row.changed_at = now
