"""Top threes, as they are and as they were: which are public, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.needs.models import Cycle, Need, PlacesRecord, Priority
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest, midnight
from marketplace.opendata.queries.organisations import first_code, organisation_page, organisation_told
from marketplace.opendata.records import HeldRecord, PriorityRecord
from marketplace.organisations.models import Organisation


def public_priorities() -> Select[int]:
    """Select every top three that was published in a cycle that has opened, by its latest change.

    Places are held from the day a need is sent for sign-off; they are public when it is published.
    """
    newest = select(func.max(PlacesRecord.id)).group_by(PlacesRecord.organisation_id, PlacesRecord.cycle_id)
    held = (
        select(Priority.need_id)
        .join(Need, Need.id == Priority.need_id)
        .where(_of_record(), Need.published_at.is_not(None))
    )
    emptied = select(Need.id).where(
        Need.organisation_id == PlacesRecord.organisation_id,
        Need.withdrawn_at >= midnight(Cycle.opens_on, literal_column("0")),
    )
    # What held needs once stays, empty: whoever copied it has to learn that they went to another organisation.
    earlier = aliased(PlacesRecord)
    before = select(earlier.id).where(
        earlier.organisation_id == PlacesRecord.organisation_id,
        earlier.cycle_id == PlacesRecord.cycle_id,
        earlier.id < PlacesRecord.id,
    )
    return (
        select(PlacesRecord.id)
        .join(Organisation, Organisation.id == PlacesRecord.organisation_id)
        .join(Cycle, Cycle.id == PlacesRecord.cycle_id)
        .where(
            PlacesRecord.id.in_(newest),
            begun(Cycle.opens_on).is_not(None),
            or_(
                held.correlate(PlacesRecord).exists(),
                emptied.correlate(PlacesRecord, Cycle).exists(),
                before.correlate(PlacesRecord).exists(),
            ),
        )
    )


def _of_record() -> ColumnElement[bool]:
    return and_(
        Priority.organisation_id == PlacesRecord.organisation_id,
        Priority.cycle_id == PlacesRecord.cycle_id,
    )


def priority_changed() -> ColumnElement[datetime]:
    """Return when a top three changed: its places, or that a need that held one was published."""
    published = select(func.max(Need.published_at)).join(Priority, Priority.need_id == Need.id)
    return latest(
        PlacesRecord.at,
        published.where(_of_record()).correlate(PlacesRecord).scalar_subquery(),
        organisation_told(),
        midnight(Cycle.opens_on, literal_column("0")),
    )


def priority_records(changed: Changed) -> list[PriorityRecord]:
    """Return the records of some top threes, in two queries."""
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(PlacesRecord, Organisation, first_code())
            .join(Organisation, Organisation.id == PlacesRecord.organisation_id)
            .where(PlacesRecord.id.in_(changed))
        ).all()
    }
    places: dict[int, dict[int, str]] = {}
    for row, rank, ref in db.session.execute(
        select(PlacesRecord.id, Priority.rank, Need.ref)
        .join(Priority, _of_record())
        .join(Need, Need.id == Priority.need_id)
        .where(PlacesRecord.id.in_(changed), Need.published_at.is_not(None))
        .order_by(PlacesRecord.id, Priority.rank)
    ).all():
        places.setdefault(row, {})[rank] = ref
    return [
        PriorityRecord(
            id=f"{one.cycle_id}-{first}",
            updated_at=when,
            page=organisation_page(organisation),
            organisation=organisation.code,
            organisation_name=organisation.name,
            cycle=str(one.cycle_id),
            first=places.get(one.id, {}).get(1),
            second=places.get(one.id, {}).get(2),
            third=places.get(one.id, {}).get(3),
        )
        for (one, organisation, first), when in in_order(rows, changed)
    ]


# As they were ----------------------------------------------------------------------------------------------------


def public_places() -> Select[int]:
    """Select what each top three held from a moment on, of cycles that have opened."""
    return (
        select(PlacesRecord.id)
        .join(Organisation, Organisation.id == PlacesRecord.organisation_id)
        .join(Cycle, Cycle.id == PlacesRecord.cycle_id)
        .where(begun(Cycle.opens_on).is_not(None))
    )


def places_changed() -> ColumnElement[datetime]:
    """Return when it was written down, became public with its cycle, or its organisation got another code."""
    return latest(PlacesRecord.at, organisation_told(), midnight(Cycle.opens_on, literal_column("0")))


def place_records(changed: Changed) -> list[HeldRecord]:
    """Return the records of what some top threes held."""
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(PlacesRecord, Organisation)
            .join(Organisation, Organisation.id == PlacesRecord.organisation_id)
            .where(PlacesRecord.id.in_(changed))
        ).all()
    }
    held = {id_ for one, _ in rows.values() for id_ in one.needs}
    refs = dict(
        db.session.execute(
            select(Need.id, Need.ref).where(Need.id.in_(held), Need.published_at.is_not(None))
        ).all()
    )
    records = []
    for (one, organisation), when in in_order(rows, changed):
        first, second, third = ([refs.get(id_) for id_ in one.needs] + [None] * 3)[:3]
        records.append(
            HeldRecord(
                id=str(one.id),
                updated_at=when,
                page=organisation_page(organisation),
                organisation=organisation.code,
                cycle=str(one.cycle_id),
                since=one.at,
                first=first,
                second=second,
                third=third,
            )
        )
    return records
