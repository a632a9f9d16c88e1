"""Nothing typed is lost when a form comes back too late, and nothing is taken from another website."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import SignIn, User
from tests.conftest import Browser
from tests.factories.people import PASSWORD, make_user

OURS = {"Origin": "http://localhost"}
TYPED = {"name": 'Ada "the first" <b>Lovelace</b>', "job_title": "Countess\nof numbers", "telephone": ""}


def send(browser: Browser, path: str, data: dict[str, object], **headers: str) -> TestResponse:
    """Send a form as a browser does, with the headers that it sets itself."""
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    return browser._seen(browser.client.post(path, data=data, headers=names or OURS))


def press(browser: Browser, name: str = "") -> TestResponse:
    """Press the button of the last form of the page that goes to an address holding ``name``."""
    forms = re.findall(r"<form[^>]*>.*?</form>", browser.page, flags=re.S)
    form = [form for form in forms if f'action="{name}' in form][-1]
    action = re.search(r'action="([^"]+)"', form)
    assert action is not None
    page, browser.page = browser.page, form
    data = browser.hidden()
    browser.page = page
    return send(browser, action[1], data)


def end_sign_in(session: Session) -> None:
    session.rollback()
    for row in session.scalars(select(SignIn)):
        row.ended_at = clock.now()
    session.commit()


def name_of(session: Session, user: User) -> str:
    session.rollback()
    session.refresh(user)
    return user.name


@pytest.fixture
def user(session: Session) -> User:
    return make_user(session, Role.NEED_LEAD)


@pytest.fixture
def typing(browser: Browser, user: User) -> dict[str, object]:
    """Return a form that a signed-in person has filled in and not sent yet."""
    browser.sign_in(user)
    browser.get("/account/details")
    return browser.hidden() | TYPED


@pytest.mark.parametrize("how", ["ended", "cookie gone"])
def test_a_form_of_somebody_signed_out_meanwhile_is_kept_through_signing_in(
    browser: Browser, session: Session, user: User, typing: dict[str, object], how: str
) -> None:
    if how == "ended":
        end_sign_in(session)
    else:
        browser.client.delete_cookie("demand_signal")
    response = send(browser, "/account/details", typing)
    assert response.status_code == 401
    assert "You were signed out before this was saved" in browser.text
    assert name_of(session, user) != TYPED["name"]

    wrong = send(browser, "/sign-in", browser.hidden() | {"email": user.email, "password": "wrong"})
    assert wrong.status_code == 422
    response = send(browser, "/sign-in", browser.hidden() | {"email": user.email, "password": PASSWORD})
    assert response.status_code == 200
    assert "We kept what you typed" in browser.text
    assert "<b>Lovelace" not in browser.page
    assert name_of(session, user) != TYPED["name"]

    response = press(browser, "/account/details")
    assert (response.status_code, response.headers["Location"]) == (303, "/account")
    assert name_of(session, user) == TYPED["name"]


def test_a_form_with_the_token_of_an_older_session_is_kept_and_sent_with_one_press(
    browser: Browser, session: Session, user: User, typing: dict[str, object]
) -> None:
    browser.get("/")
    browser.post("/sign-out")
    browser.sign_in(user)
    response = send(browser, "/account/details", typing)
    assert response.status_code == 400
    assert "This page was open for too long" in browser.text
    assert "Countess of numbers" in browser.text
    assert name_of(session, user) != TYPED["name"]
    assert press(browser, "/account/details").status_code == 303
    assert name_of(session, user) == TYPED["name"]


def test_a_sign_in_page_that_was_open_for_too_long_keeps_the_address_and_never_the_password(
    browser: Browser, user: User
) -> None:
    browser.get("/sign-in")
    data = browser.hidden() | {"email": user.email, "password": "a password that was typed"}
    browser.client.delete_cookie("demand_signal")
    response = send(browser, "/sign-in", data)
    assert response.status_code == 400
    assert "We never keep passwords" in browser.text
    assert "a password that was typed" not in browser.page
    press(browser, "/sign-in")
    assert user.email in browser.page
    assert "Enter your password" in browser.text


def test_passwords_are_not_in_what_is_carried_through_signing_in(
    browser: Browser, session: Session, user: User
) -> None:
    browser.sign_in(user)
    browser.get("/account/password")
    data = browser.hidden() | {"old_password": PASSWORD, "new_password": "Another long passphrase"}
    end_sign_in(session)
    send(browser, "/account/password", data)
    assert PASSWORD not in browser.page
    send(browser, "/sign-in", browser.hidden() | {"email": user.email, "password": PASSWORD})
    assert "We kept what you typed" in browser.text
    assert "Another long passphrase" not in browser.page
    assert PASSWORD not in browser.page


def test_what_one_person_typed_is_not_shown_to_the_next(
    browser: Browser, session: Session, typing: dict[str, object]
) -> None:
    end_sign_in(session)
    send(browser, "/account/details", typing)
    other = make_user(session, Role.INNOVATOR)
    send(browser, "/sign-in", browser.hidden() | {"email": other.email, "password": PASSWORD})
    browser.get("/about")
    assert "belongs to another account" in browser.text
    assert "Lovelace" not in browser.page


@pytest.mark.parametrize("damage", ["changed", "old", "nonsense"])
def test_a_kept_form_that_was_changed_or_is_too_old_is_not_believed(
    browser: Browser, session: Session, user: User, typing: dict[str, object], damage: str
) -> None:
    end_sign_in(session)
    send(browser, "/account/details", typing)
    data = browser.hidden() | {"email": user.email, "password": PASSWORD}
    later = clock.now()
    if damage == "changed":
        data["kept"] = str(data["kept"])[:-3] + "abc"
    elif damage == "nonsense":
        data["kept"] = "https://evil.example/"
    else:
        later += timedelta(hours=12, minutes=1)
    with time_machine.travel(later):
        browser.client.delete_cookie("demand_signal")
        browser.get("/sign-in")
        data["csrf_token"] = browser.hidden()["csrf_token"]
        response = send(browser, "/sign-in", data)
        assert (response.status_code, response.headers["Location"]) == (303, "/")
        browser.get("/about")
    assert "could not keep what you typed" in browser.text


def test_a_kept_form_survives_a_sign_in_page_that_is_late_itself(
    browser: Browser, session: Session, user: User, typing: dict[str, object]
) -> None:
    end_sign_in(session)
    send(browser, "/account/details", typing)
    data = browser.hidden() | {"email": user.email, "password": PASSWORD}
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        assert send(browser, "/sign-in", data).status_code == 400
        press(browser, "/sign-in")
        assert user.email in browser.page
        send(browser, "/sign-in", browser.hidden() | {"email": user.email, "password": PASSWORD})
        assert "We kept what you typed" in browser.text
        assert press(browser, "/account/details").status_code == 303
    assert name_of(session, user) == TYPED["name"]


def test_a_text_that_is_too_long_to_keep_is_told_before_signing_in(
    browser: Browser, session: Session, typing: dict[str, object]
) -> None:
    end_sign_in(session)
    response = send(browser, "/account/details", typing | {"name": "x" * 100_001})
    assert response.status_code == 401
    assert "too long for us to keep" in browser.text
    assert 'name="kept"' not in browser.page


def test_a_double_press_keeps_its_form_key(browser: Browser, typing: dict[str, object]) -> None:
    browser.client.delete_cookie("demand_signal")
    send(browser, "/forgotten-password", {"form_key": "a" * 32, "email": "x@people.example"})
    assert browser.hidden()["form_key"] == "a" * 32
    assert press(browser, "/forgotten-password").headers["Location"] == "/check-your-email"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://[evil"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost"},
    ],
)
@pytest.mark.parametrize("path", ["/account/details", "/sign-in", "/sign-out", "/demo-sign-in"])
def test_a_form_of_another_website_is_refused_even_with_a_good_token(
    browser: Browser,
    session: Session,
    user: User,
    typing: dict[str, object],
    headers: dict[str, str],
    path: str,
) -> None:
    response = send(browser, path, typing, **headers)
    assert response.status_code == 403
    assert "This form did not come from our pages" in browser.text
    assert "Lovelace" not in browser.page
    assert name_of(session, user) != TYPED["name"]


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_form_without_token_that_says_nothing_of_where_it_comes_from_is_refused(
    browser: Browser, session: Session, user: User, typing: dict[str, object], token: str | None
) -> None:
    data = dict(typing)
    del data["csrf_token"]
    if token is not None:
        data["csrf_token"] = token
    response = browser._seen(browser.client.post("/account/details", data=data))
    assert response.status_code == 400
    assert "This form could not be checked" in browser.text
    assert "Lovelace" not in browser.page
    assert name_of(session, user) != TYPED["name"]


@pytest.mark.parametrize("headers", [OURS, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}])
def test_a_form_of_ours_with_its_token_is_taken(
    browser: Browser, session: Session, user: User, typing: dict[str, object], headers: dict[str, str]
) -> None:
    assert browser.client.post("/account/details", data=typing, headers=headers).status_code == 303
    assert name_of(session, user) == " ".join(TYPED["name"].split())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_htmx_of_somebody_signed_out_is_led_to_the_sign_in_page(
    browser: Browser, session: Session, typing: dict[str, object], method: str
) -> None:
    end_sign_in(session)
    headers = {**OURS, "HX-Request": "true", "HX-Request-Type": "partial"}
    response = browser.client.open("/account/details", method=method, data=typing, headers=headers)
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/sign-in"
    assert response.get_data() == b""
    assert "HX-Request" in response.headers["Vary"]


def test_without_a_word_of_its_origin_a_late_form_leads_to_the_sign_in_page(
    browser: Browser, session: Session, typing: dict[str, object]
) -> None:
    end_sign_in(session)
    response = browser.client.post("/account/details", data=typing)
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in")


def test_a_demo_account_takes_the_kept_form_along(
    browser: Browser, session: Session, user: User, typing: dict[str, object]
) -> None:
    end_sign_in(session)
    user.demo_label = "Need lead"
    session.commit()
    send(browser, "/account/details", typing)
    response = press(browser, "/demo-sign-in")
    assert response.status_code == 200
    assert "We kept what you typed" in browser.text
    assert press(browser, "/account/details").status_code == 303
    assert name_of(session, user) == TYPED["name"]
