"""A session is new at sign-in, dead after sign-out, and follows every change of rights at the next page."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from marketplace.factory import create_app
from marketplace.notices.models import Email
from marketplace.settings import Settings
from tests.conftest import Browser
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

COOKIE = "demand_signal"


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie(COOKIE)
    assert found is not None
    return found.value


def test_the_session_and_the_form_token_from_before_are_dead_after_signing_in(
    browser: Browser, session: Session
) -> None:
    user = make_user(session, Role.NEED_LEAD)
    browser.get("/sign-in")
    before, token = cookie(browser), browser.hidden()["csrf_token"]
    browser.sign_in(user)
    after = cookie(browser)
    assert after != before
    stale = browser.client.post("/account/details", data={"csrf_token": token, "name": "Changed"})
    assert stale.status_code == 400
    browser.client.set_cookie(COOKIE, before)
    browser.get("/about")
    assert user.name not in browser.text


def test_a_planted_session_does_not_become_the_signed_in_one(
    browser: Browser, new_browser: object, session: Session
) -> None:
    attacker: Browser = new_browser()  # type: ignore[operator]
    attacker.get("/sign-in")
    planted = cookie(attacker)
    user = make_user(session, Role.NEED_LEAD)
    browser.client.set_cookie(COOKIE, planted)
    browser.get("/sign-in")
    browser.sign_in(user)
    attacker.get("/about")
    assert user.name not in attacker.text


@pytest.mark.parametrize("event", ["sign-out", "password changed elsewhere", "reset", "disabled", "12 hours"])
def test_a_copied_cookie_dies_with_its_sign_in(
    browser: Browser, new_browser: object, session: Session, event: str
) -> None:
    user = make_user(session, Role.NEED_LEAD)
    name = user.name
    browser.sign_in(user)
    thief: Browser = new_browser()  # type: ignore[operator]
    thief.client.set_cookie(COOKIE, cookie(browser))
    thief.get("/account")
    assert name in thief.text
    moment = clock.now()
    if event == "sign-out":
        browser.get("/")
        browser.post("/sign-out")
    elif event == "password changed elsewhere":
        elsewhere: Browser = new_browser()  # type: ignore[operator]
        elsewhere.sign_in(user)
        elsewhere.get("/account/password")
        elsewhere.post(
            "/account/password", {"old_password": PASSWORD, "new_password": "A whole new passphrase"}
        )
        assert "signed out everywhere else" in elsewhere.text
    elif event == "reset":
        browser.get("/forgotten-password")
        browser.post("/forgotten-password", {"email": user.email})
        session.rollback()
        letter = session.scalars(select(Email)).one()
        found = re.search(r"http://127\.0\.0\.1:8000(/reset-password/\S+)", letter.body)
        assert found is not None
        browser.get(found[1])
        browser.post(found[1], {"password": "A whole new passphrase"})
        assert "Sign in with the new one" in browser.text
    elif event == "disabled":
        session.rollback()
        user.disabled_at = clock.now()
        session.commit()
    else:
        moment += timedelta(hours=12, seconds=1)
    with time_machine.travel(moment):
        response = thief.client.get("/account")
    assert (response.status_code, response.headers.get("Location")) == (303, "/sign-in")


def test_an_hour_without_a_page_signs_out_and_each_page_starts_the_hour_anew(
    browser: Browser, session: Session
) -> None:
    browser.sign_in(make_user(session, Role.NEED_LEAD))
    start = clock.now()
    for minutes in (50, 100):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert browser.client.get("/account").status_code == 200
    with time_machine.travel(start + timedelta(minutes=161)):
        assert browser.client.get("/account").status_code == 303


@pytest.mark.parametrize("how", ["membership ended", "organisation closed", "other role"])
def test_a_right_that_ended_is_gone_at_the_next_page(browser: Browser, session: Session, how: str) -> None:
    user = make_user(session, Role.ADMINISTRATOR)
    browser.sign_in(user)
    assert browser.get("/organisations").status_code == 200
    session.rollback()
    membership = session.scalars(select(Membership)).one()
    if how == "membership ended":
        membership.ended_on = clock.today()
    elif how == "organisation closed":
        membership.organisation.closed_on = clock.today()
    else:
        membership.role = Role.INNOVATOR
    session.commit()
    assert browser.get("/organisations").status_code == 403
    assert browser.get("/account").status_code == 200


def test_the_page_that_wanted_the_sign_in_comes_after_it(browser: Browser, session: Session) -> None:
    hin = make_organisation(session)
    user = make_user(session, Role.NEED_LEAD, hin)
    browser.get(f"/organisations/{hin.code}/people")
    assert "Sign in" in browser.text
    response = browser.post("/sign-in", {"email": user.email, "password": PASSWORD}, follow=False)
    assert response.headers["Location"] == f"/organisations/{hin.code}/people"


HOSTS = ("//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example")
HOSTS += ("https://evil.example", "https:evil.example", "http:/evil.example", "//evil.example@localhost")
HOSTS += (
    "javascript:alert(1)",
    "data:text/html,x",
    "/%2f/evil.example",
    "/%5cevil.example",
    "//localhost@evil",
)
BEFORE = (
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\x00",
    "%09",
    "%0a",
    "/./",
    "/../",
    "//",
    "\u00a0",
    "\u2028",
    "/\t",
    "/@",
)
PAYLOADS = [before + host for before in BEFORE for host in HOSTS]


def leaves(location: str) -> bool:
    """Tell whether a browser would leave this service: it drops tabs and new lines and reads \\ as /."""
    seen = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    return not seen.startswith("/") or seen.startswith("//") or bool(urlsplit(seen).netloc)


def test_no_address_that_is_handed_in_is_ever_gone_to_after_signing_in(app: Flask, session: Session) -> None:
    assert len(PAYLOADS) >= 200
    user = make_user(session, Role.NEED_LEAD)
    user.demo_label = "Need lead"
    session.commit()
    for payload in PAYLOADS:
        browser = Browser(app.test_client())
        browser.client.get("/sign-in", query_string={"next": payload, "after_sign_in": payload})
        browser.get("/sign-in")
        data = {"account": str(user.id), "next": payload, "after_sign_in": payload, "kept": payload}
        response = browser.post("/demo-sign-in", data, follow=False)
        # A form with a NUL is refused whole, and leads nowhere.
        expected = (400, None) if "\0" in payload else (303, "/")
        assert (response.status_code, response.headers.get("Location")) == expected, repr(payload)


def test_addresses_with_another_host_inside_stay_here(app: Flask, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    user.demo_label = "Need lead"
    session.commit()
    for payload in PAYLOADS:
        browser = Browser(app.test_client())
        for prefix in ("/organisations/", "/hins/"):
            browser.client.get(prefix + payload.replace("\n", "%0a").replace("\r", "%0d") + "/people")
        browser.get("/sign-in")
        response = browser.post("/demo-sign-in", {"account": str(user.id)}, follow=False)
        assert response.status_code == 303
        assert not leaves(response.headers["Location"]), repr(payload)


def test_the_host_header_cannot_change_the_link_in_a_letter(browser: Browser, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    evil = "http://evil.example"
    page = browser.client.get("/forgotten-password", base_url=evil)
    browser._seen(page)
    response = browser.client.post(
        "/forgotten-password",
        data=browser.hidden() | {"email": user.email},
        base_url=evil,
        headers={"X-Forwarded-Host": "evil.example"},
    )
    assert response.status_code == 303
    session.rollback()
    body = session.scalars(select(Email.body)).one()
    assert "http://127.0.0.1:8000/reset-password/" in body
    assert "evil" not in body


def test_production_knows_no_demo_account(settings: Settings, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    user.demo_label = "Need lead"
    session.commit()
    browser = Browser(create_app(settings.model_copy(update={"mode": "production"})).test_client())
    base = "https://demand.example"
    page = browser._seen(browser.client.get("/sign-in", base_url=base))
    assert page.status_code == 200
    assert "Need lead" not in browser.page
    response = browser.client.post(
        "/demo-sign-in",
        data=browser.hidden() | {"account": str(user.id)},
        base_url=base,
        headers={"Referer": f"{base}/sign-in"},
    )
    assert response.status_code == 404


@pytest.mark.parametrize("account", ["", "0", "-1", "x", "99999999999999999999", "1 OR 1=1", "²"])
def test_a_demo_account_that_is_not_offered_is_not_found(browser: Browser, account: str) -> None:
    browser.get("/sign-in")
    assert browser.post("/demo-sign-in", {"account": account}).status_code == 404


def test_the_demo_offers_its_people_by_role_and_one_press_signs_in(
    browser: Browser, session: Session
) -> None:
    trust = make_organisation(session, name="Test Trust")
    user = make_user(
        session,
        Role.NEED_LEAD,
        trust,
        demo_label="Need lead, Test Trust",
        name="Bo Demo",
        job_title="Head of flow",
    )
    make_user(session, Role.ASSESSOR, trust, name="Not Offered")
    browser.get("/sign-in")
    assert "Need lead, Test Trust Bo Demo, Head of flow" in browser.text
    assert "Not Offered" not in browser.text
    browser.post("/demo-sign-in", {"account": str(user.id)})
    assert "Bo Demo" in browser.text
