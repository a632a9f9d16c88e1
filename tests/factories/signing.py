"""The way of a need through its sign-off, by the actions that people use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.accounts.queries import people_with
from marketplace.database import db
from marketplace.needs import queries as needs
from marketplace.needs import submitting
from marketplace.needs.models import Need, NeedPeople
from marketplace.organisations.models import Organisation
from marketplace.reviews import actions as reviews
from tests.factories.people import make_actor, make_user


def name_deputies(session: Session, *refs: str) -> None:
    """Give each need that has none a deputy: a colleague who assesses."""
    for need in session.scalars(select(Need).where(Need.ref.in_(refs))).all():
        need.people = need.people or NeedPeople()
        if need.people.deputy_id is None:
            organisation = session.get_one(Organisation, need.organisation_id)
            need.people.deputy_id = (
                colleague(session, organisation, {need.people.owner_id or 0})
                or make_deputy(session, organisation)
            ).id
    session.commit()


def colleague(session: Session, organisation: Organisation, besides: Collection[int]) -> User | None:
    """Return an assessor of the organisation."""
    found = people_with(session, organisation.id, Role.ASSESSOR)
    return next((one for one in found if one.id not in besides), None)


def make_deputy(session: Session, organisation: Organisation) -> User:
    """Return a person who can be the deputy."""
    return make_user(session, Role.ASSESSOR, organisation)


def seen(session: Session, ref: str) -> tuple[int, int]:
    """Return what a reviewer who looks now has seen: the round and the lock version."""
    session.rollback()
    need = session.scalars(select(Need).where(Need.ref == ref)).one()
    assert need.sign_off is not None
    return need.sign_off.round, need.sign_off.lock_version


def sign_off(session: Session, *refs: str) -> None:
    """Let a sponsor who wrote nothing approve what waits, and the HIN, where there is one, check it."""
    for ref in refs:
        session.rollback()
        need = session.scalars(select(Need).where(Need.ref == ref)).one()
        if need.waiting is None:
            continue
        organisation = need.organisation
        session.rollback()
        sponsor = make_actor(session, Role.SPONSOR, organisation)
        reviews.approve(sponsor, {ref: seen(session, ref)})
        session.rollback()
        for hin in needs.checking_hins(session.get_one(Organisation, organisation.id))[:1]:
            broker = make_actor(session, Role.BROKER, hin)
            reviews.check(broker, ref, seen(session, ref))


def publish_top_three(
    lead: Actor,
    organisation_code: str,
    refs: Sequence[str],
    *,
    change_notes: Mapping[str, str] | None = None,
    seen: Mapping[str, int] | None = None,
    form_key: str = "",
) -> None:
    """Submit needs in their order and sign off what was submitted; needs an application context."""
    name_deputies(db.session, *refs)
    submitted = submitting.submit_top_three(
        lead, organisation_code, refs, change_notes=change_notes, seen=seen, form_key=form_key
    )
    sign_off(db.session, *submitted)


def publish_edit(lead: Actor, ref: str, *, change_note: str, lock_version: int) -> None:
    """Submit the draft of a published need and sign it off; needs an application context."""
    name_deputies(db.session, ref)
    submitting.submit_edit(lead, ref, change_note=change_note, lock_version=lock_version)
    sign_off(db.session, ref)
