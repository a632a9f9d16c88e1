"""What stands still for want of a person, on the administrator's desk, and the way to mend it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.needs.models import NeedPeople
from marketplace.organisations.models import Kind, Organisation
from marketplace.outbox.actions import enqueue
from marketplace.outbox.models import OutboxRow
from tests.conftest import Browser
from tests.factories.needs import make_cycle, make_draft, make_need, make_sign_off
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


@pytest.fixture
def trust(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST, name="Ambleside Trust")


@pytest.fixture
def administrator(session: Session) -> User:
    make_cycle(session)
    return make_user(session, Role.ADMINISTRATOR)


def desk(session: Session, browser: Browser, user: User) -> str:
    session.rollback()
    browser.sign_in(user)
    assert browser.get("/").status_code == 200
    return browser.text


def block(text: str, heading: str) -> str:
    """Return the words from a heading of the desk onward; fail where it is not there once."""
    assert text.count(heading) == 1
    return text.split(heading)[1]


def leave(session: Session, user: User) -> None:
    """End every role of a person."""
    for membership in session.query(Membership).filter_by(user_id=user.id):
        membership.started_on = membership.ended_on = clock.today() - timedelta(days=1)
    session.commit()


def test_needs_that_nobody_can_approve_lead_to_an_invitation_of_a_sponsor(
    session: Session, browser: Browser, administrator: User, trust: Organisation
) -> None:
    lead = make_user(session, Role.NEED_LEAD, trust)
    make_user(session, Role.NEED_LEAD, make_organisation(session, Kind.TRUST, name="Aaron Trust"))
    make_sign_off(session, make_draft(session, trust), submitted_by_id=lead.id)
    code = trust.code
    text = desk(session, browser, administrator)
    assert text.split("Your next step: ")[1].startswith(
        "Invite a sponsor for Ambleside Trust 1 need waits there"
    )
    found = block(text, "Organisations without a sponsor (2)")
    assert found.index("Ambleside Trust") < found.index("Aaron Trust")
    assert "1 need waits" in found
    browser.get(f"/organisations/{code}/people")
    assert "Nobody there has the role Sponsor, so you can invite somebody." in browser.text
    assert "Need lead: writes" not in browser.text
    browser.post(
        f"/organisations/{code}/invitations",
        {"email": "sam@sponsor.example", "role": "sponsor"},
    )
    session.rollback()
    assert "sam@sponsor.example" in browser.text
    browser.get("/")
    assert "A sponsor is invited and has not joined yet." in browser.text
    assert "Invite a sponsor for" not in browser.text


def test_an_organisation_with_a_sponsor_or_with_nobody_is_not_counted(
    session: Session, browser: Browser, administrator: User, trust: Organisation
) -> None:
    make_user(session, Role.NEED_LEAD, trust)
    make_user(session, Role.SPONSOR, trust)
    make_organisation(session, Kind.TRUST)
    text = desk(session, browser, administrator)
    assert "Wherever needs are written, somebody can approve them." in block(
        text, "Organisations without a sponsor (0)"
    )


def test_a_need_without_a_lead_or_a_deputy_leads_to_who_can_mend_it(
    session: Session, browser: Browser, administrator: User, trust: Organisation
) -> None:
    owner, deputy = make_user(session, Role.NEED_LEAD, trust), make_user(session, Role.ASSESSOR, trust)
    alone = make_need(session, trust, rank=1, title="Nobody leads this")
    alone.people = NeedPeople(owner_id=owner.id, deputy_id=None)
    kept = make_need(session, trust, rank=2, title="Its deputy stays")
    kept.people = NeedPeople(owner_id=owner.id, deputy_id=deputy.id)
    secret = make_draft(session, trust, title="Nobody outside reads this")
    secret.people = NeedPeople(owner_id=owner.id, deputy_id=owner.id)
    session.commit()
    leave(session, owner)
    text = desk(session, browser, administrator)
    found = block(text, "Needs without a lead or a deputy (2)")
    assert "“Nobody leads this”. Invite a need lead, who can take it over." in found
    assert "A need that is not published yet." in found
    assert "Its deputy stays" not in text
    assert "Nobody outside reads this" not in text
    assert f'href="/organisations/{trust.code}/people"' in browser.page
    session.rollback()
    make_user(session, Role.NEED_LEAD, trust)
    browser.get("/")
    assert "A need lead there can take it over and name a deputy." in browser.text


def test_a_need_whose_lead_is_there_or_that_is_withdrawn_is_not_listed(
    session: Session, browser: Browser, administrator: User, trust: Organisation
) -> None:
    owner = make_user(session, Role.NEED_LEAD, trust)
    make_need(session, trust, title="Led").people = NeedPeople(owner_id=owner.id)
    other = make_user(session, Role.NEED_LEAD, trust)
    make_need(session, trust, withdrawn="Done", title="Gone").people = NeedPeople(owner_id=other.id)
    session.commit()
    leave(session, other)
    text = desk(session, browser, administrator)
    assert "Where a lead has left, a deputy can take over." in block(
        text, "Needs without a lead or a deputy (0)"
    )


def test_an_administrator_reads_the_health_of_the_service_in_words(
    browser: Browser, session: Session, administrator: User
) -> None:
    now = clock.now()
    with time_machine.travel(now - timedelta(minutes=5), tick=False):
        enqueue(session, "email", 1)
    session.add(
        OutboxRow(topic="email", subject_id="3", created_at=now, due_at=now, parked_at=now, attempts=5)
    )
    session.commit()
    assert "1 piece of work failed five times and is parked." in desk(session, browser, administrator)
    assert 'href="/service-health"' in browser.page
    with time_machine.travel(now, tick=False):
        browser.get("/service-health")
    assert "The service is ready." in browser.text
    assert "1 piece waiting, the oldest for 5 minutes" in browser.text
    assert "What failed five times waits for a person." in browser.text
