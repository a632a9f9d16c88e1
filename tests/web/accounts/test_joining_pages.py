"""Joining by the pages: registering, invitations, people, own details."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.accounts.models import Invitation, Membership, User
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind
from tests.conftest import Browser
from tests.factories.joining import make_invitation, make_registration, make_reset
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

PHRASE = "A whole new passphrase"
FORM = {
    "name": "Nora New",
    "job_title": "Director",
    "telephone": "01632 960123",
    "email": "nora@new.example",
    "password": PHRASE,
    "company": "Newco Ltd",
    "about": "We make new things.",
}


def letters(session: Session) -> list[Email]:
    session.rollback()
    return list(session.scalars(select(Email).order_by(Email.id)))


def link(letter: Email) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/(?:invitations|register|reset-password)/\S+)", letter.body)
    assert found is not None
    return found[1]


def test_an_innovator_registers_confirms_and_is_signed_in(browser: Browser, session: Session) -> None:
    browser.get("/register")
    browser.post("/register", FORM)
    assert "Check your e-mail" in browser.text
    (letter,) = letters(session)
    browser.get(link(letter))
    assert "Newco Ltd" in browser.text
    assert session.scalars(select(User)).all() == []
    browser.post(link(letter))
    assert "Your company is registered and you are signed in" in browser.text
    assert browser.get(link(letter)).status_code == 410
    assert "This link does not work any more" in browser.text
    browser.get("/account")
    assert "Innovator at Newco Ltd" in browser.text


def test_a_known_and_an_unknown_address_get_the_same_answer(
    new_browser: Callable[[], Browser], session: Session
) -> None:
    known = make_user(session, Role.NEED_LEAD).email
    for path, form in (("/register", FORM), ("/forgotten-password", {})):
        answers = []
        for email in (known, "nobody@people.example"):
            browser = new_browser()
            browser.get(path)
            response = browser.post(path, form | {"email": email})
            answers.append((response.status_code, response.request.path, browser.text))
        assert answers[0] == answers[1]
        assert "Check your e-mail" in answers[0][2]
    assert "already have a Demand Signal account" in letters(session)[0].subject


def test_mistakes_are_told_in_the_summary_and_beside_the_field_and_nothing_typed_is_lost(
    browser: Browser, session: Session
) -> None:
    browser.get("/register")
    response = browser.post(
        "/register", FORM | {"email": "nora", "telephone": "call me", "about": "x" * 601, "name": "Nоra"}
    )
    assert response.status_code == 422
    assert "<title>" in browser.page
    assert "Error: Register your company" in browser.text
    for words, field in (
        ("What your company does must be 600 characters or fewer. Take out 1.", "about"),
        ("Your full name has a word that mixes letters of different alphabets", "name"),
    ):
        assert browser.text.count(words) == 2
        assert f'href="#{field}"' in browser.page
    assert 'value="Newco Ltd"' in browser.page
    assert "x" * 601 in browser.page
    assert PHRASE not in browser.page
    response = browser.post("/register", FORM | {"email": "nora"})
    assert browser.text.count("Enter an e-mail address in the correct format") == 2
    assert 'value="nora"' in browser.page
    response = browser.post("/register", FORM | {"telephone": "call me"})
    assert browser.text.count("Enter a telephone number, like") == 2
    assert letters(session) == []


def test_pressing_register_twice_sends_one_letter(browser: Browser, session: Session) -> None:
    browser.get("/register")
    data = browser.hidden() | FORM
    answers = [browser.client.post("/register", data=data) for _ in range(2)]
    assert [(a.status_code, a.headers["Location"]) for a in answers] == [(303, "/check-your-email")] * 2
    assert len(letters(session)) == 1


def test_a_lead_invites_a_colleague_who_joins(
    browser: Browser, new_browser: Callable[[], Browser], session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST, name="Test Trust")
    lead = make_user(session, Role.NEED_LEAD, trust)
    people = f"/organisations/{trust.code}/people"
    browser.sign_in(lead)
    browser.get(people)
    assert "HIN broker" not in browser.text
    browser.post(f"/organisations/{trust.code}/invitations", {"email": "Bea@new.example", "role": "assessor"})
    assert "We have sent an invitation to Bea@new.example" in browser.text
    assert "Assessor. Sent" in browser.text
    (letter,) = letters(session)
    assert letter.to == "bea@new.example"
    assert f"{lead.name} has invited you to join Test Trust" in letter.body

    bea = new_browser()
    bea.get(link(letter))
    assert "Join Test Trust" in bea.text
    bea.post(link(letter), {"name": "Bea Colleague", "password": "short"})
    assert "Password must be 12 characters or more" in bea.text
    assert 'value="Bea Colleague"' in bea.page
    bea.post(link(letter), {"name": "Bea Colleague", "password": PHRASE})
    assert "Your account is ready" in bea.text
    assert bea.get(people).status_code == 200
    browser.get(people)
    assert "Bea Colleague" in browser.text
    assert "None. An invitation stays here" in browser.text


def test_an_invitation_for_an_account_leads_through_signing_in_and_back(
    browser: Browser, session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST, name="Test Trust")
    broker = make_user(session, Role.BROKER)
    _, token = make_invitation(session, trust, broker.email, Role.ASSESSOR)
    browser.get(f"/invitations/{token}")
    assert "There is an account with this e-mail address. Sign in to accept." in browser.text
    response = browser.post(f"/invitations/{token}", {"name": "Thief", "password": PHRASE})
    assert response.status_code == 410
    browser.get(f"/invitations/{token}")
    browser.get("/sign-in")
    browser.post("/sign-in", {"email": broker.email, "password": PASSWORD})
    assert "Join Test Trust" in browser.text
    browser.post(f"/invitations/{token}")
    assert "You have joined Test Trust" in browser.text


def test_an_invitation_opened_by_somebody_else_says_so(browser: Browser, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    _, token = make_invitation(session, trust, "new@people.example", Role.ASSESSOR)
    browser.sign_in(make_user(session, Role.BROKER))
    browser.get(f"/invitations/{token}")
    assert "You are signed in with another e-mail address" in browser.text
    assert browser.post(f"/invitations/{token}").status_code == 422
    assert "This invitation is for another e-mail address" in browser.text


@pytest.mark.parametrize(
    ("email", "role", "words"),
    [
        ("", "assessor", "Enter an e-mail address"),
        ("bea", "assessor", "Enter an e-mail address in the correct format"),
        ("bea@new.example", "", "Choose a role"),
        ("bea@new.example", "broker", "Choose a role from the list"),
        ("bea@new.example", "administrator", "Choose a role from the list"),
    ],
)
def test_an_invitation_with_a_mistake_is_told_and_kept(
    browser: Browser, session: Session, email: str, role: str, words: str
) -> None:
    trust = make_organisation(session, Kind.TRUST)
    browser.sign_in(make_user(session, Role.NEED_LEAD, trust))
    browser.get(f"/organisations/{trust.code}/people")
    response = browser.post(f"/organisations/{trust.code}/invitations", {"email": email, "role": role})
    assert response.status_code == 422
    assert browser.text.count(words) == 2
    assert f'value="{email}"' in browser.page or not email
    session.rollback()
    assert session.scalars(select(Invitation)).all() == []


def test_taking_back_an_invitation_kills_its_link(
    browser: Browser, new_browser: Callable[[], Browser], session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_user(session, Role.NEED_LEAD, trust)
    invitation, token = make_invitation(session, trust, "c@new.example", Role.ASSESSOR, lead)
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/people")
    browser.post(f"/organisations/{trust.code}/invitations/{invitation.id}/revoke")
    assert "The invitation is taken back" in browser.text
    assert new_browser().get(f"/invitations/{token}").status_code == 410


def test_ending_a_role_asks_first_and_takes_effect_at_once(
    browser: Browser, new_browser: Callable[[], Browser], session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead, other = make_user(session, Role.NEED_LEAD, trust), make_user(session, Role.ASSESSOR, trust)
    membership = session.scalars(select(Membership.id).where(Membership.user_id == other.id)).one()
    colleague = new_browser().sign_in(other)
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/people")
    path = re.search(rf'href="([^"]+/{membership}/end)"', browser.page)
    assert path is not None
    browser.get(path[1])
    assert f"End {other.name}’s role?" in browser.text
    assert colleague.get(f"/organisations/{trust.code}/people").status_code == 200
    browser.post(path[1])
    assert "The role has ended" in browser.text
    assert other.name not in browser.text
    assert colleague.get(f"/organisations/{trust.code}/people").status_code == 403


def test_who_ends_the_own_role_lands_on_their_account(browser: Browser, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_user(session, Role.NEED_LEAD, trust)
    make_user(session, Role.ASSESSOR, trust)
    membership = session.scalars(select(Membership.id).where(Membership.user_id == lead.id)).one()
    browser.sign_in(lead)
    browser.get("/account")
    browser.post(f"/organisations/{trust.code}/people/{membership}/end")
    assert "You do not have a role at an organisation just now" in browser.text


def test_own_details_are_changed_and_shown(browser: Browser, session: Session) -> None:
    user = make_user(session, Role.INNOVATOR)
    browser.sign_in(user)
    browser.get("/account/details")
    assert f'value="{user.name}"' in browser.page
    browser.post("/account/details", {"name": "Ada   Lovelace", "job_title": "", "telephone": "call me"})
    assert "Enter a telephone number" in browser.text
    browser.post("/account/details", {"name": "Ada   Lovelace", "job_title": "CTO", "telephone": ""})
    assert "Your details are saved" in browser.text
    assert "Ada Lovelace" in browser.text
    assert "CTO" in browser.text


def test_no_other_column_of_a_person_can_be_set_by_a_form(browser: Browser, session: Session) -> None:
    user = make_user(session, Role.INNOVATOR)
    before = {name: getattr(user, name) for name in ("email", "password_hash", "disabled_at", "demo_label")}
    browser.sign_in(user)
    browser.get("/account/details")
    extra = {"email": "x@evil.example", "password_hash": "x", "demo_label": "x", "disabled_at": "2020-01-01"}
    browser.post("/account/details", {"name": "Ada", "id": "1", **extra})
    session.rollback()
    session.refresh(user)
    assert {name: getattr(user, name) for name in before} == before
    assert user.name == "Ada"


@pytest.mark.parametrize("kind", ["confirm", "invitation", "reset"])
def test_opening_a_link_changes_nothing_as_mail_scanners_open_links_too(
    browser: Browser, session: Session, kind: str
) -> None:
    user = make_user(session, Role.NEED_LEAD)
    trust = make_organisation(session, Kind.TRUST)
    path = {
        "confirm": lambda: f"/register/confirm/{make_registration(session, 'n@new.example')}",
        "invitation": lambda: (
            f"/invitations/{make_invitation(session, trust, 'n@new.example', Role.ASSESSOR)[1]}"
        ),
        "reset": lambda: f"/reset-password/{make_reset(session, user)}",
    }[kind]()
    for _ in range(2):
        assert browser.get(path).status_code == 200
        assert browser.client.head(path).status_code == 200
    session.rollback()
    assert session.scalars(select(User.email)).all() == [user.email]
