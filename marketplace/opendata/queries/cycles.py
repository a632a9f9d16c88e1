"""Cycles: which have opened, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, String, cast, func, literal_column, select

from marketplace.audit.models import AuditEvent
from marketplace.database import db
from marketplace.needs.models import Cycle
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest, midnight
from marketplace.opendata.records import CycleRecord


def public_cycles() -> Select[int]:
    """Select the cycles that have opened."""
    return select(Cycle.id).where(begun(Cycle.opens_on).is_not(None))


def cycle_changed() -> ColumnElement[datetime]:
    """Return when a cycle became public, or was last changed after that."""
    noted = select(func.max(AuditEvent.at)).where(
        AuditEvent.subject_kind == "cycle", AuditEvent.subject_id == cast(Cycle.id, String)
    )
    return latest(midnight(Cycle.opens_on, literal_column("0")), noted.scalar_subquery())


def cycle_records(changed: Changed) -> list[CycleRecord]:
    """Return the records of some cycles."""
    rows = {one.id: one for one in db.session.scalars(select(Cycle).where(Cycle.id.in_(changed)))}
    return [
        CycleRecord(
            id=str(one.id),
            updated_at=when,
            name=one.name,
            opens_on=one.opens_on,
            locks_on=one.locks_on,
            closes_on=one.closes_on,
        )
        for one, when in in_order(rows, changed)
    ]
