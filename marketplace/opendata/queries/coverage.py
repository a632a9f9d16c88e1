"""Who has answered in which cycle: each organisation's answer, the counts of each cycle, and when they changed.

An answer is a pair of a cycle and an organisation and has no row of its own. Its number is made of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, literal_column, or_, select
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.cycles.models import CancelledCycle
from marketplace.database import Moment, db
from marketplace.needs.models import Cycle, Need, PlacesRecord, Priority
from marketplace.opendata.queries.cycles import TOLD_CHANGED, cycle_changed, cycles_told
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest, midnight
from marketplace.opendata.queries.organisations import first_code, organisation_page, organisation_told
from marketplace.opendata.records import AnswerRecord, CoveragePart, CoverageRecord
from marketplace.organisations.models import NEED_KINDS, Kind, Organisation
from marketplace.web.links import public_link

#: Numbers of organisations stay below this, and those of cycles below 2,000: cursors hold 31 bits.
ORGANISATIONS_MOST = 1_000_000


def _number() -> ColumnElement[int]:
    return Cycle.id * ORGANISATIONS_MOST + Organisation.id


def _counted(day: date) -> ColumnElement[bool]:
    """Return the condition that an organisation counts in a cycle: open on the day, or on the cycle's last."""
    return and_(
        or_(
            Organisation.opened_on.is_(None),
            and_(Organisation.opened_on <= day, Organisation.opened_on <= Cycle.closes_on),
        ),
        or_(
            Organisation.closed_on.is_(None),
            Organisation.closed_on > literal(day),
            Organisation.closed_on > Cycle.closes_on,
        ),
    )


#: Columns of what the selection of answers joins by these names.
CYCLED, HELD, SHOWN = (literal_column(f"{name}.{name}", Moment()) for name in ("cycled", "held", "shown"))


def public_answers() -> Select[int]:
    """Select each organisation that could answer in each cycle that has opened.

    One that closed since the cycle opened is among them: whoever counted it before has to learn of it. So is one that
    closed earlier and of which that was written down later.
    """
    opens = midnight(Cycle.opens_on, literal_column("0"))
    # Grouped, so that it is worked out once for each cycle and not for each answer.
    cycled = select(Cycle.id, func.max(cycle_changed()).label("cycled")).group_by(Cycle.id).subquery("cycled")
    own = (PlacesRecord.cycle_id, PlacesRecord.organisation_id)
    held = select(*own, func.max(PlacesRecord.at).label("held")).group_by(*own).subquery("held")
    places = (Priority.cycle_id, Priority.organisation_id)
    shown = (
        select(*places, func.max(Need.published_at).label("shown"))
        .join(Need, Need.id == Priority.need_id)
        .group_by(*places)
        .subquery("shown")
    )
    return (
        select(_number().label("number"))
        .select_from(Cycle)
        .join(Organisation, Organisation.kind.in_(NEED_KINDS))
        .join(cycled, cycled.c.id == Cycle.id)
        .outerjoin(held, and_(held.c.cycle_id == Cycle.id, held.c.organisation_id == Organisation.id))
        .outerjoin(shown, and_(shown.c.cycle_id == Cycle.id, shown.c.organisation_id == Organisation.id))
        .where(
            begun(Cycle.opens_on).is_not(None),
            or_(
                Organisation.opened_on.is_(None),
                and_(begun(Organisation.opened_on).is_not(None), Organisation.opened_on <= Cycle.closes_on),
            ),
            or_(
                Organisation.closed_on.is_(None),
                Organisation.closed_on > Cycle.opens_on,
                Organisation.updated_at >= opens,
            ),
        )
    )


def answer_changed() -> ColumnElement[datetime]:
    """Return when an answer changed: its places, a need of it, its organisation, or the cycle."""
    return latest(
        CYCLED,
        HELD,
        SHOWN,
        organisation_told(),
        begun(Organisation.opened_on),
        begun(Organisation.closed_on),
    )


def answer_ended() -> ColumnElement[datetime | None]:
    """Return when an organisation closed that does not count in the cycle therefore; NULL for those that count."""
    closed = midnight(Organisation.closed_on, literal_column("0"))
    return case((~_counted(clock.today()), closed))


def _closed_at(organisation: Organisation) -> datetime | None:
    day = organisation.closed_on
    return None if day is None else datetime.combine(day, datetime.min.time(), UTC)


class _Answer(NamedTuple):
    """An organisation in a cycle: how many needs it has named, and whether it counts."""

    number: int
    cycle_id: int
    organisation: Organisation
    region: str | None
    named: int
    counts: bool
    first_code: str


def _answers(statement: Select[int], wanted: ColumnElement[bool]) -> list[_Answer]:
    """Return answers with their organisations, by cycle and number."""
    region = aliased(Organisation)
    named = (
        select(Priority.cycle_id, Priority.organisation_id, func.count().label("named"))
        .join(Need, Need.id == Priority.need_id)
        .where(Need.published_at.is_not(None))
        .group_by(Priority.cycle_id, Priority.organisation_id)
        .subquery()
    )
    rows = db.session.execute(
        statement.outerjoin(region, region.id == Organisation.region_id)
        .outerjoin(named, and_(named.c.cycle_id == Cycle.id, named.c.organisation_id == Organisation.id))
        .with_only_columns(
            _number(),
            Cycle.id,
            Organisation,
            region.code,
            func.coalesce(named.c.named, 0),
            _counted(clock.today()),
            first_code(),
        )
        .where(wanted)
        .order_by(Cycle.id, Organisation.id)
    )
    return [_Answer(*row) for row in rows.all()]


def answer_records(changed: Changed) -> list[AnswerRecord]:
    """Return the records of some answers."""
    rows = {one.number: one for one in _answers(public_answers(), _number().in_(changed))}
    return [
        AnswerRecord(
            id=f"{one.cycle_id}-{one.first_code}",
            updated_at=when,
            withdrawn_at=None if one.counts else _closed_at(one.organisation),
            page=organisation_page(one.organisation),
            cycle=str(one.cycle_id),
            organisation=one.organisation.code,
            organisation_name=one.organisation.name,
            kind=one.organisation.kind,
            region=one.region,
            named=one.named if one.counts else None,
            answered=one.named > 0 if one.counts else None,
        )
        for one, when in in_order(rows, changed)
    ]


def public_coverage() -> Select[int]:
    """Select the cycles that have opened, or were cancelled after that, with when an answer in each changed last."""
    answered = (
        public_answers()
        .with_only_columns(Cycle.id.label("cycle_id"), func.max(answer_changed()).label("answered"))
        .group_by(Cycle.id)
        .subquery("answered")
    )
    told = cycles_told()
    return select(told.c.id).outerjoin(answered, answered.c.cycle_id == told.c.id)


def coverage_changed() -> ColumnElement[datetime]:
    """Return when the counts of a cycle may have changed."""
    return latest(TOLD_CHANGED, literal_column("answered.answered", Moment()))


def coverage_records(changed: Changed) -> list[CoverageRecord]:
    """Return the counts of some cycles."""
    found: dict[int, Counter[tuple[Kind, str | None, bool]]] = {row: Counter() for row in changed}
    for one in _answers(public_answers(), Cycle.id.in_(changed)):
        if one.counts:
            found[one.cycle_id][one.organisation.kind, one.region, one.named > 0] += 1
    gone = dict(
        db.session.execute(
            select(CancelledCycle.id, CancelledCycle.cancelled_at).where(CancelledCycle.id.in_(changed))
        ).all()
    )
    return [
        CoverageRecord(id=str(cycle), updated_at=when, withdrawn_at=gone[cycle], cycle=str(cycle))
        if cycle in gone
        else _coverage(cycle, found[cycle], when)
        for cycle, when in changed.items()
    ]


def _coverage(cycle: int, counted: Counter[tuple[Kind, str | None, bool]], when: datetime) -> CoverageRecord:
    parts = sorted({(kind, region) for kind, region, _ in counted}, key=lambda one: (one[0], one[1] or "~"))
    return CoverageRecord(
        id=str(cycle),
        updated_at=when,
        page=public_link("cycles.coverage_of", cycle_id=cycle),
        cycle=str(cycle),
        answered=_sum(counted, {True}),
        asked=_sum(counted, {True, False}),
        parts=[
            CoveragePart(
                kind=kind,
                region=region,
                answered=counted[kind, region, True],
                asked=counted[kind, region, True] + counted[kind, region, False],
            )
            for kind, region in parts
        ],
    )


def _sum(counted: Counter[tuple[Kind, str | None, bool]], wanted: Collection[bool]) -> int:
    return sum(number for (_, _, answered), number in counted.items() if answered in wanted)
