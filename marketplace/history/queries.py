"""Reads of the past: the board, its organisations and its withdrawals as they stood at the end of a day.

Everything follows from rows that are never changed: versions, records of places, moves of needs and changes of
organisations. The number of queries does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace import clock
from marketplace.clock import LONDON
from marketplace.errors import NotVisible
from marketplace.history import rules
from marketplace.needs.models import Cycle, Need, NeedVersion, PlacesRecord
from marketplace.organisations.lineage import NEED, called
from marketplace.organisations.models import (
    NEED_KINDS,
    Kind,
    Organisation,
    Succession,
    SuccessionLink,
    SuccessionMove,
)
from marketplace.organisations.rules import Change


@dataclass(frozen=True, slots=True)
class PastOrganisation:
    """An organisation as it was on a day."""

    id: int
    code: str
    name: str
    kind: Kind
    region: str
    open: bool


@dataclass(frozen=True, slots=True)
class PastNeed:
    """A need on the board of a day. ``waiting``: it was not confirmed yet for the round of that day."""

    ref: str
    title: str
    version: int
    owner: PastOrganisation
    rank: int
    round: str
    waiting: bool
    area: str
    setting: str


@dataclass(frozen=True, slots=True)
class PastWithdrawal:
    """A need that had been withdrawn by a day."""

    ref: str
    title: str
    owner: PastOrganisation
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PastBoard:
    """The board of a day."""

    day: date
    round: str
    needs: tuple[PastNeed, ...]
    withdrawn: tuple[PastWithdrawal, ...]
    organisations: Mapping[int, PastOrganisation]

    @property
    def open(self) -> list[PastOrganisation]:
        """Return the organisations that were open, by name."""
        return [one for one in self.organisations.values() if one.open]


def first_day(session: Session) -> date | None:
    """Return the day on which the first need was published."""
    first = session.scalar(select(func.min(Need.published_at)))
    return first.astimezone(LONDON).date() if first is not None else None


def read_day(session: Session, text: str) -> date:
    """Return the day that an address names, or raise `rules.NoSuchDay` with the reason."""
    day = rules.read_day(text)
    rules.check_day(day, clock.today(), first_day(session))
    return day


def board_of(session: Session, day: date) -> PastBoard:
    """Return the board as it stood at the end of a day."""
    end = clock.end_of(day)
    cycles = {one.id: one for one in session.scalars(select(Cycle).order_by(Cycle.opens_on))}
    counting = rules.rounds_on([(one.id, one.round) for one in cycles.values()], day)
    places = {
        (organisation_id, cycle_id): needs
        for organisation_id, cycle_id, needs in session.execute(
            select(PlacesRecord.organisation_id, PlacesRecord.cycle_id, PlacesRecord.needs)
            .where(PlacesRecord.cycle_id.in_(counting), PlacesRecord.at < end)
            .order_by(PlacesRecord.at, PlacesRecord.id)
        ).all()
    }
    organisations = organisations_of(session, day)
    owners = _owners(session, end)
    found, withdrawn = [], []
    opened = cycles[counting[0]].opens_on if counting else day
    # Of all that was ever published, what those places held, and what was withdrawn in that round.
    held = {need_id for needs in places.values() for need_id in needs}
    since = clock.end_of(opened - timedelta(days=1))
    rows = session.connection().execute(
        _rows(end).where(or_(Need.id.in_(held), Need.withdrawn_at.between(since, end)))
    )
    for id_, ref, now_id, number, title, area, setting, gone_at, reason in rows:
        owner = organisations.get(owners.get(id_, now_id))
        if owner is None:
            continue
        if gone_at is not None and gone_at < end:
            if gone_at.astimezone(LONDON).date() >= opened:
                withdrawn.append(PastWithdrawal(ref, title, owner, gone_at, reason))
            continue
        placed = rules.place_of(id_, owner.id, counting, places)
        if placed is None:
            continue
        cycle_id, rank = placed
        found.append(
            PastNeed(
                ref=ref,
                title=title,
                version=number,
                owner=owner,
                rank=rank,
                round=cycles[cycle_id].name,
                waiting=cycle_id != counting[0],
                area=area.label if area is not None else "",
                setting=setting.label if setting is not None else "",
            )
        )
    return PastBoard(
        day=day,
        round=cycles[counting[0]].name if counting else "",
        needs=tuple(sorted(found, key=lambda one: (one.owner.name, one.waiting, one.rank, one.ref))),
        withdrawn=tuple(sorted(withdrawn, key=lambda one: (one.at, one.ref), reverse=True)),
        organisations=organisations,
    )


def _rows(end: datetime):  # type: ignore[no-untyped-def] # nine columns, named where they are read
    later = aliased(NeedVersion)
    number = (
        select(func.max(later.number))
        .where(later.need_id == Need.id, later.published_at < end)
        .correlate(Need)
        .scalar_subquery()
    )
    return (
        select(
            Need.id,
            Need.ref,
            Need.organisation_id,
            NeedVersion.number,
            NeedVersion.title,
            NeedVersion.clinical_area,
            NeedVersion.care_setting,
            Need.withdrawn_at,
            Need.withdrawn_reason,
        )
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == number))
        .where(Need.published_at < end)
        .order_by(Need.id)
    )


def _owners(session: Session, end: datetime, need_id: int | None = None) -> dict[int, int]:
    """Return who owned the needs that have changed hands since, or one: before the first move after that day."""
    wanted = (
        select(SuccessionMove.subject_id, SuccessionMove.from_id)
        .where(SuccessionMove.kind == NEED, SuccessionMove.at >= end)
        .order_by(SuccessionMove.at.desc(), SuccessionMove.id.desc())
    )
    if need_id is not None:
        wanted = wanted.where(SuccessionMove.subject_id == need_id)
    rows = session.execute(wanted).all()
    return {need_id: from_id for need_id, from_id in rows}  # noqa: C416 - rows are not pairs to the type checker


def organisations_of(
    session: Session, day: date, only: Collection[int] | None = None
) -> dict[int, PastOrganisation]:
    """Return the organisations that publish needs as they were on a day, by id, in the order of their names then.

    All of them, or some by their ids.
    """
    wanted: ColumnElement[bool] = Organisation.kind.in_(NEED_KINDS)
    if only is not None:
        wanted = and_(wanted, Organisation.id.in_(only))
    # Plain rows, not objects: there may be thousands, and making objects of them took longer than all the rest.
    rows = session.execute(
        select(
            Organisation.id,
            Organisation.code,
            Organisation.named,
            Organisation.next_name,
            Organisation.kind,
            Organisation.region_id,
            Organisation.opened_on,
            Organisation.closed_on,
        )
        .where(or_(Organisation.kind == Kind.REGION, wanted))
        .order_by(Organisation.id)
    ).all()
    renames: dict[int, list[Succession]] = {}
    for organisation_id, rename in session.execute(
        select(SuccessionLink.from_id, Succession)
        .join(Succession, Succession.id == SuccessionLink.succession_id)
        .where(Succession.kind == Change.RENAME, Succession.cancelled_at.is_(None))
        .order_by(Succession.effective_on)
    ).all():
        renames.setdefault(organisation_id, []).append(rename)
    regions = {
        id_: called(named, next_name, (), day)
        for id_, _, named, next_name, kind, _, _, _ in rows
        if kind is Kind.REGION
    }
    found = [
        PastOrganisation(
            id=id_,
            code=code,
            name=called(named, next_name, renames.get(id_, ()), day),
            kind=kind,
            region=regions.get(region_id or 0, ""),
            open=(opened_on is None or opened_on <= day) and (closed_on is None or closed_on > day),
        )
        for id_, code, named, next_name, kind, region_id, opened_on, closed_on in rows
        if kind is not Kind.REGION
    ]
    return {one.id: one for one in sorted(found, key=lambda one: (one.name, one.id))}


@dataclass(frozen=True, slots=True)
class PastText:
    """A need with the version that people saw on a day, and what became of it since."""

    need: Need
    version: NeedVersion
    owner: PastOrganisation


def need_of(session: Session, ref: str, day: date) -> PastText:
    """Return a need as people saw it at the end of a day, or raise `NotVisible` where they saw none."""
    end = clock.end_of(day)
    found = session.execute(
        select(Need, NeedVersion)
        .join(NeedVersion, NeedVersion.need_id == Need.id)
        .where(
            Need.ref == ref,
            Need.published_at < end,
            NeedVersion.published_at < end,
            or_(Need.withdrawn_at.is_(None), Need.withdrawn_at >= end),
        )
        .order_by(NeedVersion.number.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotVisible
    need, version = found
    owner_id = _owners(session, end, need.id).get(need.id, need.organisation_id)
    owner = organisations_of(session, day, [owner_id]).get(owner_id)
    if owner is None:
        raise NotVisible
    return PastText(need, version, owner)
