"""Reads for finding demand: as many queries for ten thousand needs as for ten."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import Executable, String, and_, cast, func, or_, select, type_coerce
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.accounts.models import User
from marketplace.accounts.rules import DeadLink, hashed
from marketplace.database import db
from marketplace.demand.models import SavedSearch, ToldItem
from marketplace.demand.rules import Fact, State, What
from marketplace.demand.saving import Frequency, Key, awake, last_told, period
from marketplace.errors import NotVisible
from marketplace.families.models import Family, FamilyMember
from marketplace.needs import queries as needs
from marketplace.needs.models import Cycle, Need, NeedVersion, Priority
from marketplace.needs.rules import NeedContent
from marketplace.organisations import lineage
from marketplace.organisations.models import NEED_KINDS, FormerCode, Kind, Organisation
from marketplace.remembered import Part, remembered

NEED, FAMILY = What.NEED.value, What.FAMILY.value
#: The place of what has none in its organisation's top three: after all others.
LAST = 9


@dataclass(frozen=True, slots=True)
class Places:
    """The names of organisations by code: of regions, of ICSs, and of all that publish needs, each by name."""

    regions: Mapping[str, str]
    systems: Mapping[str, str]
    organisations: Mapping[str, str]


def _organisations() -> tuple[dict[int, tuple[str, tuple[tuple[str, ...], ...]]], Places]:
    """Return each organisation's name and values of the filters region, kind, ICS and organisation; and all names."""
    rows = db.session.execute(
        select(
            Organisation.id,
            Organisation.code,
            Organisation.name,
            type_coerce(Organisation.kind, String),
            Organisation.region_id,
            Organisation.parent_id,
        )
        .where(Organisation.kind.in_((*NEED_KINDS, Kind.REGION)))
        .order_by(Organisation.name, Organisation.code)
    ).all()
    codes = {id_: (code, kind) for id_, code, _, kind, _, _ in rows}

    def of_kind(id_: int | None, kind: Kind) -> tuple[str, ...]:
        code, found = codes.get(id_ or 0, ("", ""))
        return (code,) if found == kind else ()

    values: dict[int, tuple[str, tuple[tuple[str, ...], ...]]] = {}
    for id_, code, name, kind, region_id, parent_id in rows:
        system = (code,) if kind == Kind.ICB else of_kind(parent_id, Kind.ICB)
        values[id_] = (name, (of_kind(region_id, Kind.REGION), (kind,), system, (code,)))
    named = {
        kind: {code: name for _, code, name, of, _, _ in rows if of == kind}
        for kind in (Kind.REGION, Kind.ICB)
    }
    everybody = {code: name for _, code, name, kind, _, _ in rows if kind != Kind.REGION}
    return values, Places(named[Kind.REGION], named[Kind.ICB], everybody)


def places() -> Places:
    """Return the names of organisations."""
    return everything(ANONYMOUS).places


def codes_now(codes: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the codes of today for those that stand for an organisation of before; others are left out."""
    former = dict(
        db.session.execute(
            select(FormerCode.code, Organisation.code)
            .join(Organisation, Organisation.id == FormerCode.organisation_id)
            .where(FormerCode.code.in_(codes))
        ).all()
    )
    closed = db.session.execute(
        select(Organisation.code, Organisation.id).where(
            Organisation.code.in_({*codes, *former.values()}), Organisation.closed_on <= clock.today()
        )
    ).all()
    heirs = {
        code: tuple(one.code for one in found)
        for code, id_ in closed
        if (found := lineage.successors_of(db.session, id_))
    }
    return {
        code: heirs.get(former.get(code, code), (former.get(code, code),))
        for code in codes
        if code in former or code in heirs
    }


@lru_cache(maxsize=20_000)
def _evidence_types(written: str | None) -> tuple[str, ...]:
    """Return the types of evidence in a version's column as it is stored; versions never change."""
    return tuple(dict.fromkeys(item["type"] for item in json.loads(written or "[]")))


@lru_cache(maxsize=1_000)
def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


@dataclass(frozen=True, slots=True)
class Everything:
    """What is filtered by of everything that was ever published, the newest first, families last; names of places.

    ``families`` are the refs of the needs of each family, by its own. What a need was about is not told any more once
    it is withdrawn, so no filter finds it by that either; and what is newest of it is that it was withdrawn.
    """

    facts: tuple[Fact, ...]
    places: Places
    families: Mapping[str, tuple[str, ...]]


def everything(_actor: Actor) -> Everything:
    """Return what was ever published; it is the same for everybody, so it is read once for all, until it changes."""
    return remembered("demand", (Part.BOARD,), _everything)


def _everything() -> Everything:
    organisations, places = _organisations()
    connection = (
        db.session.connection()
    )  # not the session: no objects are wanted, and plain rows are read faster
    cycle, today = needs.current_cycle(), clock.today()
    board = _board(ANONYMOUS, cycle)
    shared = _shared(board, cycle)
    found: list[Fact] = []
    by_id: dict[int, tuple[int, int]] = {}
    for age, (
        id_,
        ref,
        version,
        withdrawn_at,
        owner,
        area,
        setting,
        shift,
        timing,
        funding,
        evidence,
    ) in enumerate(connection.execute(_need_rows(ANONYMOUS))):
        rank, closes_on = board.get(id_, (LAST, None))
        state = State.OPEN if id_ in board else State.LAPSED if withdrawn_at is None else State.WITHDRAWN
        name, placed = organisations[owner]
        if withdrawn_at is not None:
            area = setting = shift = timing = funding = evidence = None
        by_id[id_] = owner, len(found)
        found.append(
            Fact(
                NEED,
                ref,
                version,
                rank,
                age,
                closes_on.toordinal() if closes_on is not None and closes_on >= today else 0,
                len(shared.get(id_, ())),
                name,
                (
                    _one(state.value),
                    *placed,
                    _one(area),
                    _one(setting),
                    _one(shift),
                    _one(timing),
                    _one(funding),
                    _evidence_types(evidence),
                    _one(NEED),
                ),
            )
        )
    families = {}
    for ref, ids in _families(board).items():
        members = [found[by_id[id_][1]] for id_ in ids if id_ in by_id]
        sharers = {by_id[id_][0] for id_ in ids if id_ in by_id}.union(*(shared.get(id_, ()) for id_ in ids))
        if len(members) > 1:
            families[ref] = tuple(fact.ref for fact in members)
            found.append(_family_fact(ref, members, len(sharers)))
    return Everything(tuple(found), places, families)


def _families(board: Collection[int]) -> dict[str, list[int]]:
    """Return the ids of the needs on the board of each family, by its ref."""
    rows = db.session.execute(
        select(Family.ref, FamilyMember.need_id)
        .join(FamilyMember, FamilyMember.family_id == Family.id)
        .where(Family.dissolved_at.is_(None), Family.merged_into_id.is_(None))
        .order_by(Family.ref, FamilyMember.need_id)
    )
    found: dict[str, list[int]] = {}
    for ref, id_ in rows:
        if id_ in board:
            found.setdefault(ref, []).append(id_)
    return found


def _family_fact(ref: str, members: Sequence[Fact], sharers: int) -> Fact:
    """Return a family as one thing that is found: it has every value that one of its needs has."""
    columns = zip(*(fact.values for fact in members), strict=True)
    values = [tuple(dict.fromkeys(value for values in column for value in values)) for column in columns]
    return Fact(
        FAMILY,
        ref,
        1,
        min(fact.rank for fact in members),
        min(fact.age for fact in members),
        min((fact.closes for fact in members if fact.closes), default=0),
        sharers - 1,
        "",
        (*values[:-1], _one(FAMILY)),
    )


def _need_rows(actor: Actor) -> Executable:
    return (
        needs.visible_to(actor)
        .with_only_columns(
            Need.id,
            Need.ref,
            Need.version,
            Need.withdrawn_at,
            Need.organisation_id,
            # As plain text: making an enum member of each costs more than the query.
            type_coerce(NeedVersion.clinical_area, String),
            type_coerce(NeedVersion.care_setting, String),
            type_coerce(NeedVersion.shift, String),
            type_coerce(NeedVersion.timing, String),
            type_coerce(NeedVersion.funding_state, String),
            cast(NeedVersion.evidence_wanted, String),
        )
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .where(Need.published_at.is_not(None))
        .order_by(func.coalesce(Need.withdrawn_at, NeedVersion.published_at).desc(), Need.ref)
    )


def _board(actor: Actor, latest: Cycle | None) -> dict[int, tuple[int, date]]:
    """Return of each need on the board, by id, its place and until when it stands.

    That is the end of its cycle, or the lock of the next where nobody has confirmed it yet.
    """
    rows = db.session.execute(
        needs.on_board(needs.visible_to(actor)).with_only_columns(
            Need.id, Priority.rank, Priority.cycle_id, Cycle.closes_on
        )
    )
    return {
        id_: (rank, closes_on if latest is None or cycle_id == latest.id else latest.locks_on)
        for id_, rank, cycle_id, closes_on in rows
    }


def _shared(board: Collection[int], cycle: Cycle | None) -> dict[int, set[int]]:
    """Return which other organisations give a need of the board one of their places too, where any does."""
    if cycle is None:
        return {}
    rows = db.session.execute(
        select(Need.id, Priority.organisation_id)
        .join(Priority, and_(Priority.need_id == Need.id, Priority.organisation_id != Need.organisation_id))
        .where(Priority.cycle_id == cycle.id)
    )
    found: dict[int, set[int]] = {}
    for id_, organisation_id in rows:
        if id_ in board:
            found.setdefault(id_, set()).add(organisation_id)
    return found


# What a list shows

#: What an organisation's name today is made of.
_NAME = (Organisation.named, Organisation.next_name, Organisation.renamed_on)


def items(actor: Actor, refs: Collection[str]) -> dict[str, Need]:
    """Return published needs with what a list shows of them, by ref; the long texts but one stay in the database."""
    statement = (
        needs.visible_to(actor)
        .where(Need.ref.in_(refs), Need.published_at.is_not(None))
        .options(
            joinedload(Need.organisation)
            .load_only(Organisation.code, *_NAME)
            .joinedload(Organisation.region)
            .load_only(*_NAME),
            joinedload(Need.current).load_only(
                NeedVersion.number,
                NeedVersion.published_at,
                NeedVersion.change_note,
                NeedVersion.title,
                NeedVersion.problem,
                NeedVersion.clinical_area,
                NeedVersion.care_setting,
                NeedVersion.shift,
                NeedVersion.timing,
                NeedVersion.funding_state,
            ),
            joinedload(Need.priority).joinedload(Priority.cycle),
        )
    )
    return {need.ref: need for need in db.session.scalars(statement)}


@dataclass(frozen=True, slots=True)
class Shared:
    """A family as lists show it: its name, who shares it, and when its needs changed last."""

    ref: str
    name: str
    organisations: tuple[str, ...]
    regions: tuple[str, ...]
    titles: tuple[str, ...]
    changed_at: datetime


Thing = Need | Shared


def things(actor: Actor, keys: Collection[Key], families: Mapping[str, Sequence[str]]) -> dict[Key, Thing]:
    """Return what a list shows of things of all kinds; ``families`` are the refs of their needs."""
    own = [ref for kind, ref in keys if kind == NEED]
    shared = [ref for kind, ref in keys if kind == FAMILY and ref in families]
    members = [ref for family in shared for ref in families[family]]
    needs_ = items(actor, {*own, *members}) if keys else {}
    found: dict[Key, Thing] = {(NEED, ref): needs_[ref] for ref in own if ref in needs_}
    if shared:
        rows = db.session.execute(select(Family.ref, Family.name).where(Family.ref.in_(shared)))
        for ref, name in rows:
            parts = [needs_[one] for one in families[ref] if one in needs_]
            if parts:
                found[FAMILY, ref] = _as_shared(ref, name, parts)
    return found


def _as_shared(ref: str, name: str, parts: Sequence[Need]) -> Shared:
    parts = sorted(parts, key=lambda need: (str(need.published_at), need.ref))
    titles = [need.current.title for need in parts if need.current is not None]
    regions = [need.organisation.region.name for need in parts if need.organisation.region is not None]
    return Shared(
        ref,
        name or titles[0],
        tuple(dict.fromkeys(need.organisation.name for need in parts)),
        tuple(dict.fromkeys(regions)),
        tuple(titles),
        max(need.current.published_at for need in parts if need.current is not None),
    )


# Saved searches


def saved_by(actor: Actor) -> list[SavedSearch]:
    """Return what a signed-in person has saved, the latest first."""
    return list(
        db.session.scalars(
            select(SavedSearch)
            .where(SavedSearch.user_id == actor.user_id, SavedSearch.user_id.is_not(None))
            .order_by(SavedSearch.id.desc())
        )
    )


def saved_one(actor: Actor, ref: str) -> SavedSearch:
    """Return one search of a signed-in person, or raise `NotVisible`."""
    found = db.session.scalar(
        select(SavedSearch).where(
            SavedSearch.ref == ref,
            SavedSearch.user_id == actor.user_id,
            SavedSearch.user_id.is_not(None),
        )
    )
    if found is None:
        raise NotVisible
    return found


def of_address(session: Session, email: str) -> list[SavedSearch]:
    """Return what is saved for an address without an account, confirmed or not, the latest first."""
    return list(
        session.scalars(select(SavedSearch).where(SavedSearch.email == email).order_by(SavedSearch.id.desc()))
    )


def by_ref(ref: str) -> SavedSearch | None:
    """Return a search whoever keeps it; for holders of a signed token."""
    return db.session.scalar(select(SavedSearch).where(SavedSearch.ref == ref))


def locked(session: Session, ref: str) -> SavedSearch:
    """Return a search for a change, holding its row until the transaction ends, or raise `NotVisible`."""
    found = session.scalar(select(SavedSearch).where(SavedSearch.ref == ref).with_for_update())
    if found is None:
        raise NotVisible
    return found


def to_confirm(session: Session, secret: str, *, lock: bool = False) -> SavedSearch:
    """Return the search that a letter's link is for, confirmed or not, or raise `DeadLink`."""
    statement = select(SavedSearch).where(SavedSearch.confirm_hash == hashed(secret))
    found = session.scalar(statement.with_for_update() if lock else statement)
    late = found is not None and found.confirm_by is not None and found.confirm_by < clock.now()
    if found is None or (late and found.confirmed_at is None):
        raise DeadLink(
            "It has run out, or the search was deleted. Nothing is sent to you. You can save the search again."
        )
    return found


def ledger(session: Session, id_: int) -> dict[Key, int]:
    """Return the last version that a search has told of each thing."""
    return last_told(
        session.execute(
            select(ToldItem.kind, ToldItem.ref, ToldItem.version).where(ToldItem.saved_search_id == id_)
        )
    )


def ledgers(session: Session, ids: Collection[int]) -> dict[int, dict[Key, int]]:
    """Return the same for several searches at once."""
    rows: dict[int, list[tuple[str, str, int]]] = {id_: [] for id_ in ids}
    for id_, kind, ref, version in session.execute(
        select(ToldItem.saved_search_id, ToldItem.kind, ToldItem.ref, ToldItem.version).where(
            ToldItem.saved_search_id.in_(ids)
        )
    ):
        rows[id_].append((kind, ref, version))
    return {id_: last_told(some) for id_, some in rows.items()}


def due(session: Session, now: datetime) -> list[tuple[int, date]]:
    """Return the searches whose digest is due, with its day, the longest waiting first."""
    wanted = {frequency: day for frequency in Frequency if (day := period(frequency, now)) is not None}
    if not awake(now):
        return []
    late = [
        and_(
            SavedSearch.frequency == frequency,
            or_(SavedSearch.period.is_(None), SavedSearch.period < day),
        )
        for frequency, day in wanted.items()
    ]
    rows = session.execute(
        select(SavedSearch.id, SavedSearch.frequency)
        .outerjoin(User, User.id == SavedSearch.user_id)
        .where(
            SavedSearch.confirmed_at.is_not(None),
            or_(*late),
            or_(SavedSearch.user_id.is_(None), User.disabled_at.is_(None)),
        )
        .order_by(SavedSearch.period, SavedSearch.id)
    ).all()
    return [(id_, wanted[frequency]) for id_, frequency in rows]


def versions(actor: Actor, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], NeedContent]:
    """Return the texts of published versions, by the need's ref and the version's number."""
    rows = db.session.execute(
        needs.visible_to(actor)
        .with_only_columns(Need.ref, NeedVersion)
        .join(NeedVersion, NeedVersion.need_id == Need.id)
        .where(
            Need.published_at.is_not(None),
            Need.ref.in_({ref for ref, _ in wanted}),
            NeedVersion.number.in_({number for _, number in wanted}),
        )
    )
    return {(ref, version.number): version.content() for ref, version in rows}
