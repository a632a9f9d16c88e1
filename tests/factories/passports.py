"""Passports, valid for two more years by default."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.organisations.models import Kind, Organisation
from marketplace.passports.models import Passport
from marketplace.passports.rules import new_number
from marketplace.technologies.models import EvidenceItem, Technology
from tests.factories.organisations import make_organisation
from tests.factories.technologies import make_evidence


def make_passport(
    session: Session,
    technology: Technology,
    issuer: Organisation | None = None,
    *,
    suspended: bool = False,
    revoked: bool = False,
    relied_on: list[EvidenceItem] | None = None,
    **values: object,
) -> Passport:
    """Return a committed passport for the technology's current version."""
    now, today = clock.now(), clock.today()
    passport = Passport(
        **{
            "number": new_number(today.year),
            "technology_id": technology.id,
            "technology_version": technology.version,
            "issuer_id": (issuer or make_organisation(session, Kind.TRUST)).id,
            "scope": "Use by virtual ward teams for adults.",
            "valid_from": today - timedelta(days=100),
            "valid_to": today + timedelta(days=730),
            "issued_at": now,
            "suspended_at": now if suspended else None,
            "suspended_reason": "A field safety notice is being looked into." if suspended else "",
            "revoked_at": now if revoked else None,
            "revoked_reason": "The certificate was withdrawn." if revoked else "",
        }
        | values
    )
    passport.relied_on = relied_on if relied_on is not None else [make_evidence(session, technology)]
    session.add(passport)
    session.commit()
    return passport
