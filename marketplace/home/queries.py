"""Reads for the start pages that no single room below has: counts, and what wants attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Permission, Role
from marketplace.accounts.queries import invited_to, organisations_with
from marketplace.needs import queries as needs
from marketplace.needs.models import Need, SignOff
from marketplace.organisations.models import NEED_KINDS, Organisation
from marketplace.organisations.queries import is_open
from marketplace.passports import queries as passports
from marketplace.passports.models import Passport, PassportEvidence
from marketplace.technologies import queries as technologies
from marketplace.technologies.models import EvidenceItem, Technology
from marketplace.technologies.rules import EXPIRING


@dataclass(frozen=True, slots=True)
class Counts:
    """What the service holds today, for everybody to see."""

    needs: int
    organisations: int
    technologies: int
    passports: int


@dataclass(frozen=True, slots=True)
class LapsedEvidence:
    """Evidence that has expired under a passport that still counts."""

    passport: str
    technology: str
    type: str
    expired_on: date


@dataclass(frozen=True, slots=True)
class WithoutLead:
    """Organisations that could publish needs and have nobody to do it: how many, and the first few."""

    total: int
    first: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class NoSponsor:
    """An organisation at which nobody can approve: how many of its needs wait, and whether a sponsor is invited."""

    code: str
    name: str
    waiting: int
    invited: bool


def counts_and_newest(session: Session, limit: int) -> tuple[Counts, Sequence[Need]]:
    """Return what the service holds, and the needs published last, newest first."""
    published, organisations = needs.board_size(ANONYMOUS)
    counts = Counts(
        needs=published,
        organisations=organisations,
        technologies=technologies.count_listed(ANONYMOUS),
        passports=session.scalar(select(func.count()).select_from(passports.in_force().subquery())) or 0,
    )
    return counts, needs.newest(ANONYMOUS, limit)


def passports_to_look_at(session: Session, actor: Actor) -> Sequence[Passport]:
    """Return the passports of the assessor's bodies that are suspended or expire soon, what ends first on top."""
    today = clock.today()
    issuers = actor.organisations(Permission.PASSPORT_ISSUE)
    return session.scalars(
        select(Passport)
        .join(Passport.technology)
        .join(Technology.current)
        .options(contains_eager(Passport.technology).contains_eager(Technology.current))
        .where(
            Passport.issuer_id.in_(issuers),
            Passport.revoked_at.is_(None),
            Passport.valid_to >= today,
            or_(Passport.suspended_at.is_not(None), Passport.valid_to <= today + EXPIRING),
        )
        .order_by(Passport.valid_to, Passport.id)
    ).all()


def lapsed_evidence(session: Session, actor: Actor) -> list[LapsedEvidence]:
    """Return evidence that has expired under passports of the assessor's bodies that still count."""
    today = clock.today()
    rows = session.execute(
        select(Passport, EvidenceItem)
        .join(PassportEvidence, PassportEvidence.passport_id == Passport.id)
        .join(EvidenceItem, EvidenceItem.id == PassportEvidence.evidence_id)
        .join(Passport.technology)
        .join(Technology.current)
        .options(contains_eager(Passport.technology).contains_eager(Technology.current))
        .where(
            Passport.issuer_id.in_(actor.organisations(Permission.PASSPORT_ISSUE)),
            Passport.revoked_at.is_(None),
            Passport.suspended_at.is_(None),
            Passport.valid_from <= today,
            Passport.valid_to >= today,
            EvidenceItem.expires_on < today,
        )
        .order_by(EvidenceItem.expires_on, EvidenceItem.id, Passport.id)
    ).all()
    return [
        LapsedEvidence(
            passport=passport.number,
            technology=passport.technology.current.name if passport.technology.current else "",
            type=item.type.label,
            expired_on=item.expires_on,
        )
        for passport, item in rows
        if item.expires_on is not None
    ]


def without_lead(session: Session, limit: int) -> WithoutLead:
    """Return the open organisations that publish needs and have no need lead."""
    led = organisations_with(Role.NEED_LEAD)
    wanted = select(Organisation.code, Organisation.name).where(
        Organisation.kind.in_(NEED_KINDS), is_open(), Organisation.id.not_in(led)
    )
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    rows = session.execute(wanted.order_by(Organisation.name, Organisation.id).limit(limit)).all()
    return WithoutLead(total, tuple((code, name) for code, name in rows))


def without_sponsor(session: Session, limit: int) -> tuple[int, list[NoSponsor]]:
    """Return how many open organisations have needs or a need lead but no sponsor, and the first of them.

    Where most needs wait for approval comes first. Organisations at which nobody has begun are left out: those are
    `without_lead`.
    """
    waiting = (
        select(func.count(SignOff.id))
        .join(Need, and_(Need.id == SignOff.need_id, Need.round == SignOff.round))
        .where(
            Need.organisation_id == Organisation.id,
            Need.withdrawn_at.is_(None),
            SignOff.approved_at.is_(None),
            SignOff.returned_at.is_(None),
            SignOff.taken_back_at.is_(None),
        )
        .correlate(Organisation)
        .scalar_subquery()
    )
    wanted = select(
        Organisation.code,
        Organisation.name,
        waiting.label("waiting"),
        Organisation.id.in_(invited_to(Role.SPONSOR)).label("invited"),
    ).where(
        Organisation.kind.in_(NEED_KINDS),
        is_open(),
        Organisation.id.not_in(organisations_with(Role.SPONSOR)),
        or_(Organisation.id.in_(organisations_with(Role.NEED_LEAD)), waiting > 0),
    )
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    rows = session.execute(
        wanted.order_by(waiting.desc(), Organisation.name, Organisation.id).limit(limit)
    ).all()
    return total, [NoSponsor(code, name, held, bool(invited)) for code, name, held, invited in rows]
