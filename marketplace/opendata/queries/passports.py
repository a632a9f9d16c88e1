"""Passports: the whole register, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from marketplace import clock
from marketplace.audit.models import AuditEvent
from marketplace.database import db
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest
from marketplace.opendata.queries.organisations import organisation_told
from marketplace.opendata.queries.technologies import evidence_told
from marketplace.opendata.records import PassportRecord, ReliedOnRecord
from marketplace.organisations.models import Organisation
from marketplace.passports.models import Passport, PassportEvidence
from marketplace.passports.rules import Standing
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyVersion
from marketplace.technologies.rules import EXPIRING
from marketplace.web.links import public_link


def public_passports() -> Select[int]:
    """Select the whole register."""
    return select(Passport.id).join(Technology, Technology.id == Passport.technology_id)


def passport_changed() -> ColumnElement[datetime]:
    """Return when a passport's record changed: by its issuer, by the calendar, or by what it rests on."""
    issuer, supplier = aliased(Organisation), aliased(Organisation)
    lifted = select(func.max(AuditEvent.at)).where(
        AuditEvent.subject_kind == "passport",
        AuditEvent.subject_id == Passport.number,
        AuditEvent.action == "passport.reinstated",
    )
    evidence = (
        select(func.max(EvidenceItem.withdrawn_at))
        .join(PassportEvidence, PassportEvidence.evidence_id == EvidenceItem.id)
        .where(PassportEvidence.passport_id == Passport.id)
    )
    return latest(
        Passport.issued_at,
        Passport.suspended_at,
        Passport.revoked_at,
        lifted.scalar_subquery(),
        evidence.scalar_subquery(),
        begun(Passport.valid_from),
        begun(Passport.valid_to, -EXPIRING.days),
        begun(Passport.valid_to, 1),
        select(organisation_told(issuer)).where(issuer.id == Passport.issuer_id).scalar_subquery(),
        select(organisation_told(supplier)).where(supplier.id == Technology.supplier_id).scalar_subquery(),
    )


def passport_records(changed: Changed) -> list[PassportRecord]:
    """Return the records of some passports."""
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(Passport, TechnologyVersion.name)
            .join(
                TechnologyVersion,
                and_(
                    TechnologyVersion.technology_id == Passport.technology_id,
                    TechnologyVersion.number == Passport.technology_version,
                ),
            )
            .where(Passport.id.in_(changed))
            .options(
                joinedload(Passport.issuer),
                joinedload(Passport.technology).joinedload(Technology.supplier),
                selectinload(Passport.relied_on),
            )
        ).all()
    }
    return [_passport_record(one, name, when) for (one, name), when in in_order(rows, changed)]


def _passport_record(passport: Passport, name: str, when: datetime) -> PassportRecord:
    standing = passport.standing(clock.today())
    reason = {Standing.SUSPENDED: passport.suspended_reason, Standing.REVOKED: passport.revoked_reason}
    return PassportRecord(
        id=passport.number,
        updated_at=when,
        page=public_link("passports.passport", number=passport.number),
        standing=standing,
        reason=reason.get(standing),
        technology=passport.technology.ref,
        technology_name=name,
        technology_version=passport.technology_version,
        supplier=passport.technology.supplier.name,
        issuer=passport.issuer.code,
        issuer_name=passport.issuer.name,
        scope=passport.scope,
        conditions=passport.conditions or None,
        issued_at=passport.issued_at,
        valid_from=passport.valid_from,
        valid_to=passport.valid_to,
        evidence=[ReliedOnRecord(**evidence_told(item)) for item in passport.relied_on],
    )
