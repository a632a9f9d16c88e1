"""What an assessor does: issue a passport, suspend it, lift the suspension, revoke it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import DomainError
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.outbox.actions import enqueue
from marketplace.passports import queries, rules
from marketplace.passports.models import Passport
from marketplace.passports.rules import PassportContent, Standing
from marketplace.submissions.actions import once
from marketplace.technologies.models import EvidenceItem, Technology
from marketplace.technologies.rules import TOPIC
from marketplace.web.words import day


def issue(actor: Actor, technology_ref: str, content: PassportContent, *, form_key: str = "") -> str:
    """Issue a passport for the listed version of a technology and return its number.

    Raises:
        ConflictOfInterest: the assessor belongs to the supplier.
        TechnologyChanged: the technology was archived, or has another version than the one that was read.
        OrganisationClosed: the issuing body has closed.
    """
    with transaction() as session:
        issuer_id = issuing_body(actor, content.issuer_id)
        ensure(actor, Permission.PASSPORT_ISSUE, issuer_id, visible=True)
        lineage.check_open(session, session.get_one(Organisation, issuer_id))
        technology = queries.technology_to_assess(technology_ref, lock=True)
        check_interest(actor, technology)
        now = clock.now()
        number = _new_number(clock.today().year)
        once(session, actor, form_key, _page(number))
        relied_on = check(technology, content)
        passport = Passport(
            number=number,
            technology_id=technology.id,
            technology_version=technology.version,
            issuer_id=issuer_id,
            assessor_id=actor.user_id,
            scope=content.scope,
            conditions=content.conditions,
            valid_from=content.valid_from,
            valid_to=content.valid_to,
            issued_at=now,
            relied_on=relied_on,
        )
        session.add(passport)
        _note(session, actor, "passport.issued", passport, technology)
        return number


def suspend(actor: Actor, number: str, reason: str, *, form_key: str = "") -> None:
    """Suspend a passport until the suspension is lifted; everybody sees the reason."""
    with _changing(actor, number, form_key) as (session, passport):
        rules.check_reason(reason)
        standing = passport.standing(clock.today())
        if standing in (Standing.SUSPENDED, Standing.REVOKED, Standing.EXPIRED):
            raise rules.StandingChanged(
                f"This passport is {standing.label.lower()} already, so it cannot be suspended"
            )
        passport.suspended_at = clock.now()
        passport.suspended_reason = reason
        _note(session, actor, "passport.suspended", passport, passport.technology)


def lift(actor: Actor, number: str, *, form_key: str = "") -> None:
    """End a suspension: the passport stands again as its dates say."""
    with _changing(actor, number, form_key) as (session, passport):
        if passport.revoked_at is not None or passport.suspended_at is None:
            raise rules.StandingChanged("This passport is not suspended, so there is no suspension to lift")
        passport.suspended_at = None
        passport.suspended_reason = ""
        _note(session, actor, "passport.reinstated", passport, passport.technology)


def revoke(actor: Actor, number: str, reason: str, *, form_key: str = "") -> None:
    """Revoke a passport for good; everybody sees the reason."""
    with _changing(actor, number, form_key) as (session, passport):
        rules.check_reason(reason)
        if passport.revoked_at is not None:
            raise rules.StandingChanged(f"This passport was revoked on {day(passport.revoked_at)} already")
        passport.revoked_at = clock.now()
        passport.revoked_reason = reason
        _note(session, actor, "passport.revoked", passport, passport.technology)


def check(technology: Technology, content: PassportContent) -> list[EvidenceItem]:
    """Return the evidence relied on, or raise where a passport could not be issued now."""
    _check_still_there(technology, content)
    rules.check_passport(content, today=clock.today())
    return _relied_on(technology, content.evidence)


def issuing_body(actor: Actor, issuer_id: int | None) -> int:
    """Return the body that issues: the one asked for, or the only one for which the actor assesses."""
    if issuer_id is not None:
        return issuer_id
    bodies = actor.organisations(Permission.PASSPORT_ISSUE)
    if len(bodies) != 1:
        raise DomainError("Select the organisation that issues the passport", "issuer")
    return next(iter(bodies))


def check_interest(actor: Actor, technology: Technology) -> None:
    """Raise for an assessor who belongs to the technology's supplier in any role."""
    if any(grant.organisation_id == technology.supplier_id for grant in actor.grants):
        raise rules.ConflictOfInterest


@contextmanager
def _changing(actor: Actor, number: str, form_key: str) -> Iterator[tuple[Session, Passport]]:
    with transaction() as session:
        passport = queries.own_by_number(actor, number, lock=True)
        once(session, actor, form_key, _page(passport.number))
        yield session, passport


def _page(number: str) -> str:
    # Where a second press of a button leads. Actions know no routes; a web test follows it.
    return f"/passports/{number}"


def _new_number(year: int) -> str:
    while queries.number_taken(number := rules.new_number(year)):
        pass
    return number


def _check_still_there(technology: Technology, content: PassportContent) -> None:
    if technology.archived_at is not None:
        raise rules.TechnologyChanged("The supplier took this technology off the register meanwhile")
    if content.technology_version not in (None, technology.version):
        raise rules.TechnologyChanged(
            f"The supplier listed version {technology.version} after you opened the page. "
            "Read what has changed before you issue a passport for it"
        )


def _relied_on(technology: Technology, refs: tuple[str, ...]) -> list[EvidenceItem]:
    held = {item.ref: item for item in technology.evidence_held(clock.today())}
    if any(ref not in held for ref in refs):
        raise DomainError(
            "An evidence item that you selected has been withdrawn or has expired. Select from the current ones",
            "evidence",
        )
    return [item for ref, item in held.items() if ref in refs]


def _note(session: Session, actor: Actor, action: str, passport: Passport, technology: Technology) -> None:
    record(
        session,
        actor,
        action,
        "passport",
        passport.number,
        organisation_id=passport.issuer_id,
        technology=technology.ref,
    )
    enqueue(session, TOPIC, technology.ref)
