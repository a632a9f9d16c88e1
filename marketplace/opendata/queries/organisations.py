"""Organisations of the NHS: which are public, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest
from marketplace.opendata.records import OrganisationRecord
from marketplace.organisations.models import NEED_KINDS, Kind, Organisation
from marketplace.web.links import public_link

#: Suppliers are named where their technologies are; the service itself is no organisation of the NHS.
NHS_KINDS = (Kind.REGION, *NEED_KINDS)


def public_organisations() -> Select[int]:
    """Select the organisations of the NHS, from the day they open."""
    opened = or_(Organisation.opened_on.is_(None), begun(Organisation.opened_on).is_not(None))
    return select(Organisation.id).where(Organisation.kind.in_(NHS_KINDS), opened)


def organisation_changed() -> ColumnElement[datetime]:
    """Return when an organisation changed."""
    return latest(Organisation.updated_at, begun(Organisation.opened_on))


def organisation_records(changed: Changed) -> list[OrganisationRecord]:
    """Return the records of some organisations."""
    region, parent = aliased(Organisation), aliased(Organisation)
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(Organisation, region.code, parent.code)
            .outerjoin(region, region.id == Organisation.region_id)
            .outerjoin(parent, parent.id == Organisation.parent_id)
            .where(Organisation.id.in_(changed))
        ).all()
    }
    return [
        OrganisationRecord(
            id=one.code,
            updated_at=when,
            page=organisation_page(one),
            name=one.name,
            kind=one.kind,
            ods_code=one.ods_code,
            region=region_code,
            parent=parent_code,
            closed_on=one.closed_on,
        )
        for (one, region_code, parent_code), when in in_order(rows, changed)
    ]


def organisation_page(organisation: Organisation) -> str | None:
    """Return the address of an organisation's page, where it has one."""
    if organisation.kind not in NEED_KINDS:
        return None
    return public_link("needs.organisation", organisation_code=organisation.code)
