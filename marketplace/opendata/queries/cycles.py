"""Cycles: which have opened, when each changed, and their records; and those that were cancelled after that."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    Subquery,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from marketplace.audit.models import AuditEvent
from marketplace.cycles.models import CancelledCycle
from marketplace.database import Moment, db
from marketplace.needs.models import Cycle
from marketplace.opendata.queries.moments import Changed, begun, latest, midnight
from marketplace.opendata.records import CycleRecord

#: Columns of what the selections of cycles select from by this name.
TOLD_ID = literal_column("cycles_told.id", Integer())
TOLD_CHANGED, TOLD_GONE = (literal_column(f"cycles_told.{name}", Moment()) for name in ("changed", "gone"))


def cycles_told() -> Subquery:
    """Select the cycles that have opened, those cancelled after that included, with when each changed and went."""
    there = select(Cycle.id, cycle_changed().label("changed"), cast(null(), Moment()).label("gone")).where(
        begun(Cycle.opens_on).is_not(None)
    )
    gone = select(
        CancelledCycle.id, CancelledCycle.cancelled_at.label("changed"), CancelledCycle.cancelled_at
    ).where(midnight(CancelledCycle.opens_on, literal_column("0")) <= CancelledCycle.cancelled_at)
    return union_all(there, gone).subquery("cycles_told")


def public_cycles() -> Select[int]:
    """Select the cycles that have opened, and those that were cancelled after that."""
    return select(cycles_told().c.id)


def cycle_changed() -> ColumnElement[datetime]:
    """Return when a cycle became public, or was last changed after that."""
    noted = select(func.max(AuditEvent.at)).where(
        AuditEvent.subject_kind == "cycle", AuditEvent.subject_id == cast(Cycle.id, String)
    )
    return latest(midnight(Cycle.opens_on, literal_column("0")), noted.scalar_subquery())


def told_changed() -> ColumnElement[datetime]:
    """Return when a cycle that was selected became public, was changed, or was cancelled."""
    return TOLD_CHANGED


def told_gone() -> ColumnElement[datetime]:
    """Return when a cycle that was selected was cancelled; NULL where it was not."""
    return TOLD_GONE


def told_by_number(number: int) -> ColumnElement[bool]:
    """Return the condition that a cycle that was selected has a number."""
    found: ColumnElement[bool] = TOLD_ID == number  # noqa: SIM300 - a column, named like a constant
    return found


def cycle_records(changed: Changed) -> list[CycleRecord]:
    """Return the records of some cycles."""
    there = {one.id: one for one in db.session.scalars(select(Cycle).where(Cycle.id.in_(changed)))}
    gone = {
        one.id: one
        for one in db.session.scalars(select(CancelledCycle).where(CancelledCycle.id.in_(changed)))
    }
    records = []
    for row, when in changed.items():
        if row in there:
            one = there[row]
            records.append(
                CycleRecord(
                    id=str(row),
                    updated_at=when,
                    name=one.name,
                    opens_on=one.opens_on,
                    locks_on=one.locks_on,
                    closes_on=one.closes_on,
                )
            )
        elif row in gone:
            records.append(
                CycleRecord(
                    id=str(row),
                    updated_at=when,
                    withdrawn_at=gone[row].cancelled_at,
                    withdrawn_reason=gone[row].reason,
                    name=gone[row].name,
                )
            )
    return records
