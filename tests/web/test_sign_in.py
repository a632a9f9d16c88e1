from __future__ import annotations

from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from tests.conftest import Browser
from tests.factories.people import make_user


def test_a_person_signs_in_and_sees_their_name(browser: Browser, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    browser.sign_in(user)
    browser.get("/")
    assert user.name in browser.text


def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(
    browser: Browser, session: Session
) -> None:
    user = make_user(session, Role.NEED_LEAD)
    answers = []
    for email in (user.email, "nobody@people.example"):
        browser.get("/sign-in")
        response = browser.post("/sign-in", {"email": email, "password": "not this one at all"})
        answers.append((response.status_code, browser.text.replace(email, "")))
    assert answers[0][0] == 422
    assert "The e-mail address or the password is not right" in answers[0][1]
    assert answers[0] == answers[1]


def test_a_copied_cookie_is_dead_after_sign_out(browser: Browser, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    browser.sign_in(user)
    copied = browser.client.get_cookie("demand_signal")
    assert copied is not None
    browser.get("/")
    browser.post("/sign-out")
    browser.client.set_cookie("demand_signal", copied.value)
    browser.get("/")
    assert user.name not in browser.text
