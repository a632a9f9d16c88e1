"""Changes of organisations: all that were recorded, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select
from sqlalchemy.orm import aliased, selectinload

from marketplace.database import Moment, db
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.queries.organisations import organisation_told
from marketplace.opendata.records import SuccessionLinkRecord, SuccessionRecord
from marketplace.organisations.models import Organisation, Succession, SuccessionLink
from marketplace.web.links import public_link


def public_successions() -> Select[int]:
    """Select every change that was recorded, those ahead and those taken back included."""
    start, end = aliased(Organisation), aliased(Organisation)
    linked = (
        select(
            SuccessionLink.succession_id,
            func.max(latest(organisation_told(start), organisation_told(end))).label("linked"),
        )
        .join(start, start.id == SuccessionLink.from_id)
        .join(end, end.id == SuccessionLink.to_id)
        .group_by(SuccessionLink.succession_id)
        .subquery("linked")
    )
    return select(Succession.id).outerjoin(linked, linked.c.succession_id == Succession.id)


def succession_changed() -> ColumnElement[datetime]:
    """Return when a change was recorded, taken back or handed over, or one of its organisations changed."""
    return latest(
        Succession.recorded_at,
        Succession.cancelled_at,
        Succession.settled_at,
        literal_column("linked.linked", Moment()),
    )


def of_organisation(code: str) -> ColumnElement[bool]:
    """Return the condition that an organisation changes or follows in a change."""
    wanted = select(Organisation.id).where(Organisation.code == code)
    linked = select(SuccessionLink.succession_id).where(
        or_(SuccessionLink.from_id.in_(wanted), SuccessionLink.to_id.in_(wanted))
    )
    return Succession.id.in_(linked) & Succession.cancelled_at.is_(None)


def succession_records(changed: Changed) -> list[SuccessionRecord]:
    """Return the records of some changes."""
    links = selectinload(Succession.links)
    found = db.session.scalars(
        select(Succession)
        .where(Succession.id.in_(changed))
        .options(links.joinedload(SuccessionLink.predecessor), links.joinedload(SuccessionLink.successor))
    )
    rows = {one.id: one for one in found}
    return [_record(one, when) for one, when in in_order(rows, changed)]


def _record(change: Succession, when: datetime) -> SuccessionRecord:
    if change.cancelled_at is not None:
        return SuccessionRecord(id=change.ref, updated_at=when, withdrawn_at=change.cancelled_at)
    first = change.predecessors[0].code if change.links else None
    return SuccessionRecord(
        id=change.ref,
        updated_at=when,
        page=public_link("succession.history", organisation_code=first) if first else None,
        kind=change.kind,
        effective_on=change.effective_on,
        links=[
            SuccessionLinkRecord(
                predecessor=link.predecessor.code,
                predecessor_name=link.predecessor.name,
                successor=link.successor.code,
                successor_name=link.successor.name,
                share=link.share,
            )
            for link in change.links
        ],
        old_name=change.old_name or None,
        new_name=change.new_name or None,
        source=change.source,
        source_date=change.source_date,
        handed_over_at=change.settled_at,
    )
