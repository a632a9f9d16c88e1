"""Technologies, valid and listed by default."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.organisations.models import Kind, Organisation
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyDraft, TechnologyVersion
from marketplace.technologies.rules import EvidenceContent, TechnologyContent, new_ref
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, Readiness
from tests.factories.organisations import make_organisation

_numbers = count(1)

CONTENT = TechnologyContent(
    name="Hearthview",
    summary="A kit of sensors that sends pulse and breathing from home to a virtual ward.",
    intended_use="Remote monitoring of adults under a virtual ward team.",
    replaces="Twice-daily telephone calls",
    claims=("Unplanned returns fell from 13% to 8%.", "One nurse can watch 34 people at once."),
    settings=(CareSetting.HOME, CareSetting.CARE_HOME),
    clinical_areas=(ClinicalArea.RESPIRATORY,),
    readiness=Readiness.IN_USE,
)

_FALLS = (
    "A mat beside the bed calls staff of care homes when older residents fall. Nobody has to be in their rooms.",
    "At night nobody sees into every room. If older residents of care homes fall, this lamp calls staff in minutes.",
    "Staff of care homes carry a bell. It rings when older residents fall, in rooms where they would not be seen.",
    "Care homes hang this sensor in rooms. It sees what nobody sees at night: residents who fall and need staff.",
    "Falls at night are heard by a small box. Minutes later staff of care homes see residents in their rooms.",
)


def falls_answer(number: int = 0) -> dict[str, Any]:
    """Return answers of a technology that does what the factory's need asks for, each in words of its own."""
    return {
        "summary": _FALLS[number],
        "intended_use": "Homes for older people whose staff cannot be in all rooms at night.",
        "claims": ("Tell staff within 2 minutes of a fall", "Works in buildings where there is no wifi"),
    }


def technology_content(**changes: object) -> TechnologyContent:
    """Return complete answers, with changes."""
    return replace(CONTENT, **changes)  # type: ignore[arg-type]


def evidence_content(**changes: object) -> EvidenceContent:
    """Return a certificate that was issued a year ago and runs for two more."""
    today = clock.today()
    content = EvidenceContent(
        type=EvidenceType.DEVICE_CERTIFICATE,
        number="TEST-20114",
        issuer="Test Certification Ltd",
        scope="Class IIa, patch and hub",
        summary="UKCA certificate for the patch and the hub.",
        issued_on=today - timedelta(days=365),
        expires_on=today + timedelta(days=730),
    )
    return replace(content, **changes)  # type: ignore[arg-type]


def make_technology(
    session: Session,
    supplier: Organisation | None = None,
    *,
    listed: bool = True,
    archived: bool = False,
    **changes: object,
) -> Technology:
    """Return a committed technology: on the register as version 1, or a draft, or archived."""
    now = clock.now()
    content = technology_content(**({"name": f"Hearthview {next(_numbers)}"} | changes))
    technology = Technology(
        ref=new_ref(),
        supplier_id=(supplier or make_organisation(session, Kind.SUPPLIER)).id,
        created_at=now,
        listed_at=now if listed else None,
        archived_at=now if archived else None,
        version=1 if listed else 0,
    )
    draft = TechnologyDraft(technology=technology, saved_at=now)
    draft.fill(content)
    session.add_all((technology, draft))
    session.flush()
    if listed:
        version = TechnologyVersion(technology_id=technology.id, number=1, listed_at=now)
        version.fill(content)
        session.add(version)
    session.commit()
    return technology


def make_evidence(
    session: Session, technology: Technology, *, withdrawn: bool = False, **changes: object
) -> EvidenceItem:
    """Return a committed evidence item of a technology."""
    content = evidence_content(**changes)
    item = EvidenceItem(
        ref=new_ref(),
        technology_id=technology.id,
        type=content.type,
        number=content.number,
        issuer=content.issuer,
        scope=content.scope,
        summary=content.summary,
        issued_on=content.issued_on,
        expires_on=content.expires_on,
        added_at=clock.now(),
        withdrawn_at=clock.now() if withdrawn else None,
    )
    session.add(item)
    session.commit()
    return item


def date_fields(name: str, day: date) -> dict[str, object]:
    """Return a date as the three fields of a form."""
    return {f"{name}-day": day.day, f"{name}-month": day.month, f"{name}-year": day.year}
