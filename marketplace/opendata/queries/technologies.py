"""Technologies and their versions: which were ever listed, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, select
from sqlalchemy.orm import joinedload, selectinload

from marketplace.clock import LONDON
from marketplace.database import db
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.queries.organisations import organisation_told
from marketplace.opendata.records import EvidenceRecord, TechnologyRecord, TechnologyVersionRecord
from marketplace.organisations.models import Organisation
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyVersion
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType
from marketplace.web.links import public_link


def public_technologies() -> Select[int]:
    """Select every technology that was ever listed."""
    return (
        select(Technology.id)
        .join(Organisation, Organisation.id == Technology.supplier_id)
        .join(
            TechnologyVersion,
            and_(
                TechnologyVersion.technology_id == Technology.id,
                TechnologyVersion.number == Technology.version,
            ),
        )
        .where(Technology.listed_at.is_not(None))
    )


def technology_changed() -> ColumnElement[datetime]:
    """Return when a technology's record changed: a version, evidence, its supplier, or that it was taken off."""
    own = EvidenceItem.technology_id == Technology.id
    return latest(
        TechnologyVersion.listed_at,
        Technology.archived_at,
        organisation_told(),
        select(func.max(EvidenceItem.added_at)).where(own).scalar_subquery(),
        select(func.max(EvidenceItem.withdrawn_at)).where(own).scalar_subquery(),
    )


def holds(column: Any, value: str) -> ColumnElement[bool]:
    """Return the condition that a JSON list of our vocabulary holds a value, on both databases."""
    return cast(column, String).contains(f'"{value}"', autoescape=True)


def technology_records(changed: Changed) -> list[TechnologyRecord]:
    """Return the records of some technologies."""
    found = db.session.scalars(
        select(Technology)
        .where(Technology.id.in_(changed), Technology.listed_at.is_not(None))
        .options(
            joinedload(Technology.current),
            joinedload(Technology.supplier),
            selectinload(Technology.evidence),
        )
    )
    rows = {one.id: one for one in found}
    return [_technology_record(one, when) for one, when in in_order(rows, changed)]


def _technology_record(technology: Technology, when: datetime) -> TechnologyRecord:
    page = public_link("technologies.technology", ref=technology.ref)
    version = technology.current
    if technology.archived_at is not None or version is None:
        return TechnologyRecord(
            id=technology.ref, updated_at=when, withdrawn_at=technology.archived_at, page=page
        )
    return TechnologyRecord(
        id=technology.ref,
        updated_at=when,
        page=page,
        name=version.name,
        supplier=technology.supplier.name,
        summary=version.summary,
        intended_use=version.intended_use,
        replaces=version.replaces,
        claims=list(version.claims),
        settings=[CareSetting(value) for value in version.settings],
        clinical_areas=[ClinicalArea(value) for value in version.clinical_areas],
        readiness=version.readiness,
        version=version.number,
        version_listed_at=version.listed_at,
        evidence=[
            EvidenceRecord(**evidence_told(item), summary=item.summary)
            for item in technology.evidence
            # What was withdrawn before the first listing was never public.
            if item.withdrawn_at is None
            or (technology.listed_at is not None and item.withdrawn_at > technology.listed_at)
        ],
    )


def evidence_told(item: EvidenceItem) -> dict[str, Any]:
    """Return what every record tells of an item of evidence."""
    return {
        "type": EvidenceType(item.type),
        "number": item.number,
        "issuer": item.issuer,
        "scope": item.scope,
        "issued_on": item.issued_on,
        "expires_on": item.expires_on,
        "withdrawn_on": item.withdrawn_at.astimezone(LONDON).date() if item.withdrawn_at else None,
    }


def public_technology_versions() -> Select[int]:
    """Select every version of every technology that was ever listed."""
    return (
        select(TechnologyVersion.id)
        .join(Technology, Technology.id == TechnologyVersion.technology_id)
        .where(Technology.listed_at.is_not(None))
    )


def technology_version_changed() -> ColumnElement[datetime]:
    """Return when a version was listed, or taken off with its technology."""
    return latest(TechnologyVersion.listed_at, Technology.archived_at)


def technology_version_records(changed: Changed) -> list[TechnologyVersionRecord]:
    """Return the records of some versions."""
    found = db.session.scalars(
        select(TechnologyVersion)
        .where(TechnologyVersion.id.in_(changed))
        .options(joinedload(TechnologyVersion.technology))
    )
    rows = {one.id: one for one in found}
    return [_version_record(one, when) for one, when in in_order(rows, changed)]


def _version_record(version: TechnologyVersion, when: datetime) -> TechnologyVersionRecord:
    technology = version.technology
    told: dict[str, Any] = {
        "listed_at": version.listed_at,
        "change_note": version.change_note or None,
        "name": version.name,
        "summary": version.summary,
        "intended_use": version.intended_use,
        "replaces": version.replaces,
        "claims": list(version.claims),
        "settings": [CareSetting(value) for value in version.settings],
        "clinical_areas": [ClinicalArea(value) for value in version.clinical_areas],
        "readiness": version.readiness,
    }
    return TechnologyVersionRecord(
        id=f"{technology.ref}-{version.number}",
        updated_at=when,
        withdrawn_at=technology.archived_at,
        page=public_link("technologies.past_version", ref=technology.ref, number=version.number),
        technology=technology.ref,
        number=version.number,
        **({} if technology.archived_at is not None else told),
    )
