"""Organisations of the NHS: which are public, when each changed, and their records."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest
from marketplace.opendata.records import OrganisationRecord
from marketplace.organisations.models import NEED_KINDS, HinPatch, Kind, Organisation
from marketplace.web.links import public_link

#: Suppliers are named where their technologies are; the service itself is no organisation of the NHS.
NHS_KINDS = (Kind.REGION, *NEED_KINDS)


def public_organisations() -> Select[int]:
    """Select the organisations of the NHS, from the day they open."""
    opened = or_(Organisation.opened_on.is_(None), begun(Organisation.opened_on).is_not(None))
    return select(Organisation.id).where(Organisation.kind.in_(NHS_KINDS), opened)


def organisation_told(one: Any = Organisation) -> ColumnElement[datetime]:
    """Return when what other records tell of an organisation changed: a new name holds from its day on."""
    return latest(one.updated_at, begun(one.renamed_on))


def organisation_changed() -> ColumnElement[datetime]:
    """Return when an organisation changed."""
    return latest(organisation_told(), begun(Organisation.opened_on))


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
    patches = _patches([id_ for id_, (one, *_) in rows.items() if one.kind is Kind.HIN])
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
            patch=patches.get(one.id, []),
        )
        for (one, region_code, parent_code), when in in_order(rows, changed)
    ]


def _patches(hins: Collection[int]) -> dict[int, list[str]]:
    """Return the codes of what some networks cover."""
    if not hins:
        return {}
    rows = db.session.execute(
        select(HinPatch.hin_id, Organisation.code)
        .join(Organisation, Organisation.id == HinPatch.organisation_id)
        .where(HinPatch.hin_id.in_(hins))
        .order_by(HinPatch.hin_id, Organisation.code)
    )
    found: dict[int, list[str]] = {}
    for hin_id, code in rows:
        found.setdefault(hin_id, []).append(code)
    return found


def organisation_page(organisation: Organisation) -> str | None:
    """Return the address of an organisation's page, where it has one."""
    if organisation.kind not in NEED_KINDS:
        return None
    return public_link("needs.organisation", organisation_code=organisation.code)
