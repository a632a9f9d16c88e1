"""Reads about changes of organisations, for those who keep them. What everybody may read is in `lineage`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Permission
from marketplace.accounts.models import Membership, User
from marketplace.errors import NotPermitted, NotVisible
from marketplace.needs.models import Need
from marketplace.organisations.models import (
    NEED_KINDS,
    FormerCode,
    Kind,
    Organisation,
    Succession,
    SuccessionChoice,
    SuccessionLink,
)
from marketplace.organisations.rules import ENDING, Change
from marketplace.succession import rules
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.movers.needs import CoSigned, Needs
from marketplace.succession.rules import EVERY, STAY, Item, State


def may_keep(actor: Actor) -> bool:
    """Tell whether the actor records changes of organisations."""
    return actor is SERVICE or actor.may(Permission.ORGANISATION_CHANGE)


#: What leads choose themselves; all else is an administrator's to choose.
BY_LEADS = frozenset({Needs.kind, CoSigned.kind})


@dataclass(frozen=True, slots=True)
class Part:
    """What a person may choose in a change: everything, or the needs of ``owners`` and the places of ``ends``."""

    keeps: bool
    owners: frozenset[int]
    ends: frozenset[str]

    def covers(self, kind: str, owner_id: int) -> bool:
        """Tell whether a thing is the person's to choose for."""
        return self.keeps or (kind in BY_LEADS and owner_id in self.owners)


def part_of(actor: Actor, change: Succession) -> Part:
    """Return what a person may choose in a change; raise `NotPermitted` for whom it does not concern.

    Who leads one that it starts from chooses for its needs; who leads a successor of one that closes, for all that
    may come to it, and for its places. Where both stay (a transfer), what is the giver's stays private to the giver.
    """
    starts = {one.id for one in change.predecessors}
    ends = {one.id: one.code for one in change.successors}
    if may_keep(actor):
        return Part(True, frozenset(starts), frozenset(ends.values()))
    led = actor.organisations(Permission.SUCCESSION_CHOOSE)
    own_ends = frozenset(code for id_, code in ends.items() if id_ in led)
    coming = {link.from_id for link in change.links if link.to_id in led and change.kind.ends}
    owners = frozenset(coming | (starts & led))
    if not owners:
        raise NotPermitted
    return Part(False, owners, own_ends)


def state_of(change: Succession) -> State:
    """Return where a change stands today."""
    return rules.state(
        change.effective_on,
        clock.today(),
        cancelled=change.cancelled_at is not None,
        settled=change.settled_at is not None,
        hands_over=change.kind is not Change.RENAME,
    )


def listing(session: Session) -> list[Succession]:
    """Return every change with its organisations, the latest day first."""
    return list(
        session.scalars(
            select(Succession)
            .options(*_whole())
            .order_by(Succession.effective_on.desc(), Succession.id.desc())
        )
    )


def _whole() -> tuple[ExecutableOption, ...]:
    links = selectinload(Succession.links)
    return (links.joinedload(SuccessionLink.predecessor), links.joinedload(SuccessionLink.successor))


def by_ref(session: Session, ref: str, *, lock: bool = False) -> Succession:
    """Return a change with its organisations, or raise `NotVisible`."""
    wanted = select(Succession).where(Succession.ref == ref).options(*_whole())
    if lock:
        wanted = wanted.with_for_update(of=Succession).execution_options(populate_existing=True)
    found = session.scalar(wanted)
    if found is None:
        raise NotVisible
    return found


def to_settle(session: Session) -> list[Succession]:
    """Return the changes that are planned, or whose handover waits, the earliest first."""
    return list(
        session.scalars(
            select(Succession)
            .where(
                Succession.cancelled_at.is_(None),
                Succession.settled_at.is_(None),
                or_(Succession.kind != Change.RENAME, Succession.effective_on > clock.today()),
            )
            .options(*_whole())
            .order_by(Succession.effective_on, Succession.id)
        )
    )


def concerning(session: Session, organisation_ids: frozenset[int]) -> list[Succession]:
    """Return the changes of these organisations that lie ahead or wait for their handover, the earliest first."""
    if not organisation_ids:
        return []
    linked = select(SuccessionLink.succession_id).where(
        or_(SuccessionLink.from_id.in_(organisation_ids), SuccessionLink.to_id.in_(organisation_ids))
    )
    return list(
        session.scalars(
            select(Succession)
            .where(
                Succession.id.in_(linked),
                Succession.cancelled_at.is_(None),
                Succession.settled_at.is_(None),
                or_(Succession.kind != Change.RENAME, Succession.effective_on > clock.today()),
            )
            .options(*_whole())
            .order_by(Succession.effective_on, Succession.id)
        )
    )


# What belongs to the organisations of a change


@dataclass(frozen=True, slots=True)
class Holdings:
    """What belongs to the organisations that a change starts from, and what was chosen for it so far.

    ``shares`` maps each of these organisations to its successors' codes with their share in percent.
    """

    change: Succession
    items: tuple[Item, ...]
    chosen: Mapping[tuple[str, str], str]
    words: Mapping[tuple[str, str], str]
    shares: Mapping[int, Mapping[str, int]]
    names: Mapping[str, str]

    @property
    def stays(self) -> bool:
        """Tell whether the organisations stay, so that things can."""
        return not self.change.kind.ends

    def of(self, kind: str) -> list[Item]:
        """Return the items of one kind."""
        return [item for item in self.items if item.kind == kind]

    def choice(self, item: Item) -> str:
        """Return what was chosen for an item, or the empty text; a choice that no longer is one does not count."""
        chosen = self.chosen.get((item.kind, item.subject), "")
        return chosen if chosen in self.allowed(item) else ""

    def allowed(self, item: Item) -> tuple[str, ...]:
        """Return every choice for an item."""
        return rules.allowed(item, tuple(self.shares.get(item.owner_id, {})), stays=self.stays)

    def suggestion(self, item: Item) -> str:
        """Return the choice that is offered for an item."""
        return rules.suggestion(item, self.shares.get(item.owner_id, {}), stays=self.stays)

    def missing(self) -> list[Item]:
        """Return the items without a choice."""
        return [item for item in self.items if not self.choice(item)]

    def targets(self, item: Item) -> list[str]:
        """Return the codes of the successors that were chosen for an item."""
        choice = self.choice(item)
        if choice == EVERY:
            return list(self.shares.get(item.owner_id, {}))
        return [code] if (code := rules.code_of(choice)) else []

    def remains(self, item: Item) -> bool:
        """Tell whether the item stays where it is."""
        return self.choice(item) == STAY

    def words_of(self, choice: str) -> str:
        """Return a choice as people read it."""
        special = {EVERY: "Every successor", rules.END: "Nobody: it ends", STAY: "It stays where it is"}
        return special.get(choice) or self.names.get(rules.code_of(choice), "")


def holdings(session: Session, change: Succession, part: Part | None = None) -> Holdings:
    """Return what belongs to the organisations of a change, all or a person's part, with the choices so far."""
    from_ids = [one.id for one in change.predecessors]
    items = [
        item
        for mover in MOVERS
        for item in mover.items(session, from_ids)
        if part is None or part.covers(item.kind, item.owner_id)
    ]
    saved = session.scalars(select(SuccessionChoice).where(SuccessionChoice.succession_id == change.id)).all()
    shares: dict[int, dict[str, int]] = {}
    for link in change.links:
        shares.setdefault(link.from_id, {})[link.successor.code] = link.share or 100
    return Holdings(
        change=change,
        items=tuple(items),
        chosen={(row.kind, row.subject): row.choice for row in saved},
        words={(row.kind, row.subject): row.words for row in saved},
        shares=shares,
        names={one.code: one.name for one in (*change.successors, *change.predecessors)},
    )


@dataclass(frozen=True, slots=True)
class Orphan:
    """A thing that still belongs to an organisation that has closed."""

    organisation: Organisation
    item: Item


def orphans(session: Session) -> list[Orphan]:
    """Return everything that still belongs to an organisation that has closed, by organisation and kind."""
    closed = {
        one.id: one
        for one in session.scalars(
            select(Organisation)
            .where(Organisation.kind.in_(NEED_KINDS), Organisation.closed_on <= clock.today())
            .order_by(Organisation.name, Organisation.id)
        )
    }
    if not closed:
        return []
    order = {id_: place for place, id_ in enumerate(closed)}
    found = [
        Orphan(closed[item.owner_id], item) for mover in MOVERS for item in mover.items(session, list(closed))
    ]
    return sorted(found, key=lambda one: order[one.organisation.id])


# The registry


def resolve(session: Session, text: str) -> Organisation | None:
    """Return the organisation with this code or exactly this name, whatever its case; None when not just one."""
    wanted = text.strip()
    found = session.scalars(
        select(Organisation)
        .where(
            or_(
                func.lower(Organisation.code) == wanted.lower(),
                func.lower(Organisation.name) == wanted.lower(),
            )
        )
        .limit(2)
    ).all()
    if not found and wanted.endswith(")") and "(" in wanted:
        return resolve(session, wanted.rsplit("(", 1)[1].rstrip(")"))
    return found[0] if len(found) == 1 else None


def known_codes(session: Session) -> Mapping[str, Organisation]:
    """Return every organisation by its code."""
    return {one.code: one for one in session.scalars(select(Organisation))}


def code_is_taken(session: Session, code: str) -> bool:
    """Tell whether a code stands, or once stood, for an organisation."""
    held = select(Organisation.id).where(or_(Organisation.code == code, Organisation.ods_code == code))
    former = select(FormerCode.code).where(FormerCode.code == code)
    return session.scalar(held) is not None or session.scalar(former) is not None


def can_change(session: Session, day: date) -> Sequence[tuple[str, str]]:
    """Return (code, name) of the organisations that changes are recorded for, by name: those not closed on a day."""
    rows = session.execute(
        select(Organisation.code, Organisation.name)
        .where(
            Organisation.kind.in_(NEED_KINDS),
            or_(Organisation.closed_on.is_(None), Organisation.closed_on > day),
        )
        .order_by(Organisation.name, Organisation.id)
    ).all()
    return [(code, name) for code, name in rows]


def other_end(session: Session, organisation_id: int) -> Succession | None:
    """Return the change in which an organisation closes, if one is recorded."""
    return session.scalar(
        select(Succession)
        .join(SuccessionLink)
        .where(
            SuccessionLink.from_id == organisation_id,
            Succession.kind.in_(ENDING),
            Succession.cancelled_at.is_(None),
        )
        .limit(1)
    )


def still_coming(session: Session, change: Succession) -> Succession | None:
    """Return the earliest change that is still to be handed over to an organisation which closes by this one."""
    return session.scalar(
        select(Succession)
        .join(SuccessionLink)
        .where(
            SuccessionLink.to_id.in_([one.id for one in change.predecessors] if change.kind.ends else []),
            Succession.id != change.id,
            Succession.kind != Change.RENAME,
            Succession.cancelled_at.is_(None),
            Succession.settled_at.is_(None),
        )
        .order_by(Succession.effective_on, Succession.id)
        .limit(1)
    )


def last_rename(session: Session, organisation_id: int) -> date | None:
    """Return the day of an organisation's latest change of name."""
    return session.scalar(
        select(func.max(Succession.effective_on))
        .join(SuccessionLink)
        .where(
            SuccessionLink.from_id == organisation_id,
            Succession.kind == Change.RENAME,
            Succession.cancelled_at.is_(None),
        )
    )


def regions(session: Session) -> Mapping[str, Organisation]:
    """Return the regions by code."""
    return {
        one.code: one for one in session.scalars(select(Organisation).where(Organisation.kind == Kind.REGION))
    }


def members(session: Session, organisation_ids: Sequence[int]) -> list[User]:
    """Return the people with a role at any of these organisations, once each, by name."""
    today = clock.today()
    return list(
        session.scalars(
            select(User)
            .where(
                User.disabled_at.is_(None),
                User.id.in_(
                    select(Membership.user_id).where(
                        Membership.organisation_id.in_(organisation_ids),
                        or_(Membership.ended_on.is_(None), Membership.ended_on > today),
                    )
                ),
            )
            .order_by(User.name, User.id)
        )
    )


def refs_of_needs(session: Session, organisation_ids: Sequence[int]) -> list[str]:
    """Return the refs of the needs of these organisations."""
    return list(
        session.scalars(select(Need.ref).where(Need.organisation_id.in_(organisation_ids)).order_by(Need.id))
    )


def kept(session: Session) -> list[Organisation]:
    """Return the successors that have no ODS code yet, by name."""
    return list(
        session.scalars(
            select(Organisation)
            .where(
                Organisation.ods_code.is_(None),
                Organisation.kind.in_((Kind.ICB, Kind.TRUST)),
                or_(Organisation.closed_on.is_(None), Organisation.closed_on > clock.today()),
            )
            .options(joinedload(Organisation.region))
            .order_by(Organisation.name, Organisation.id)
        )
    )
