"""Who signs a need off, and what tests of it write and read."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.actor import Actor
from marketplace.audit.models import AuditEvent
from marketplace.needs import actions, submitting
from marketplace.needs.models import Need
from marketplace.needs.signing import Step
from marketplace.notices.models import Email
from marketplace.organisations.models import Organisation
from tests.factories.needs import content


@dataclass
class Parties:
    """A trust with two leads and two sponsors, and the HIN that covers it with a broker."""

    trust: Organisation
    hin: Organisation
    lead: Actor
    colleague: Actor
    sponsor: Actor
    second: Actor
    broker: Actor


def written(parties: Parties, title: str = "Fewer falls at night") -> str:
    """Return a complete draft of the lead, with the colleague as deputy."""
    ref = actions.create_draft(parties.lead, parties.trust.id, content(title=title))
    submitting.name_deputy(parties.lead, ref, parties.colleague.user_id)
    return ref


def submitted(parties: Parties, *titles: str) -> list[str]:
    refs = [written(parties, title) for title in titles or ("Fewer falls at night",)]
    submitting.submit_top_three(parties.lead, parties.trust.code, refs)
    return refs


def step_of(session: Session, ref: str) -> Step:
    session.rollback()
    need = session.scalars(select(Need).where(Need.ref == ref)).one()
    assert need.sign_off is not None
    return need.sign_off.step


def need_of(session: Session, ref: str) -> Need:
    session.rollback()
    return session.scalars(select(Need).where(Need.ref == ref)).one()


def letters(session: Session) -> list[tuple[str, str]]:
    """Return to whom and about what, in order."""
    session.rollback()
    return [(one.to, one.subject) for one in session.scalars(select(Email).order_by(Email.id))]


def audited(session: Session, ref: str) -> list[str]:
    session.rollback()
    return list(
        session.scalars(select(AuditEvent.action).where(AuditEvent.subject_id == ref).order_by(AuditEvent.id))
    )
