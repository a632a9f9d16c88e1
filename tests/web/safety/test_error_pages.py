"""Each error has a plain page: what happened, what can be done, no traceback, and all the headers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.access.policy import Role
from marketplace.errors import Conflict, DomainError, Gone, NotPermitted, NotVisible
from marketplace.factory import create_app
from marketplace.settings import Settings
from tests.conftest import Browser
from tests.factories.people import make_user

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def raising(error: Exception) -> Callable[..., ResponseReturnValue]:
    def view(**_: object) -> ResponseReturnValue:
        raise error

    return view


def check(browser: Browser, response: TestResponse, status: int, *words: str) -> None:
    assert response.status_code == status, browser.text
    text = response.get_data(as_text=True)
    assert "<h1" in text
    for word in words:
        assert word in browser.text
    for forbidden in ("Traceback", "sqlalchemy", "Werkzeug", "Internal Server Error", "Exception"):
        assert forbidden not in text
    check_headers(response)


def check_headers(response: TestResponse) -> None:
    for name, value in HEADERS.items():
        assert response.headers.get(name) == value, name
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    vary = {name.strip() for name in response.headers["Vary"].split(",")}
    assert {"HX-Request", "HX-Request-Type"} <= vary


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotPermitted(), 403, "You are not allowed to do this"),
        (NotVisible(), 404, "Page not found"),
        (Conflict("Kim has changed this need since you opened it."), 409, "Kim has changed this need"),
        (Gone("The need was withdrawn: money was found elsewhere."), 410, "money was found elsewhere"),
        (DomainError("You have three needs already."), 422, "You have three needs already."),
        (RuntimeError("secret words that somebody typed"), 500, "Sorry, there is a problem with the service"),
    ],
)
def test_what_goes_wrong_inside_is_told_in_plain_english(
    app: Flask, browser: Browser, error: Exception, status: int, words: str
) -> None:
    app.view_functions["about.service"] = raising(error)
    check(browser, browser.get("/about"), status, words)
    assert "secret words" not in browser.page


@pytest.mark.parametrize("path", ["/nothing", "/hins/../../etc/passwd", "/%ff%fe", "/a" * 2000, "/sign-in/"])
def test_an_unknown_address_is_not_found(browser: Browser, path: str) -> None:
    check(browser, browser.get(path), 404, "Page not found", "check that it is correct")


@pytest.mark.parametrize("path", ["/organisations/%00/people", "/mailbox?to=%00", "/sign-in?%00=x"])
def test_an_address_with_a_nul_character_is_refused(browser: Browser, path: str) -> None:
    check(browser, browser.get(path), 400, "There is a problem with what was sent")


@pytest.mark.parametrize("data", [{"email": "a\0b"}, {"a\0b": "x"}], ids=["value", "name"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_with_a_nul_character_is_refused(browser: Browser, data: dict[str, str], kind: str) -> None:
    browser.get("/sign-in")
    sent = browser.hidden() | {"email": "", "password": "x"} | data
    response = browser._seen(browser.client.post("/sign-in", data=sent, content_type=kind))
    check(browser, response, 400, "There is a problem with what was sent")


def test_a_number_that_no_row_can_have_is_not_found(browser: Browser, session: Session) -> None:
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    for number in (2**31, 2**63, 10**40):
        check(browser, browser.get(f"/organisations/x/people/{number}/end"), 404, "Page not found")


def test_a_signed_in_person_without_the_role_is_refused_and_told_whom_to_ask(
    browser: Browser, session: Session
) -> None:
    browser.sign_in(make_user(session, Role.INNOVATOR))
    check(browser, browser.get("/organisations"), 403, "ask the person in your organisation who invited you")


def test_a_wrong_method_is_told_with_the_right_ones(browser: Browser) -> None:
    browser.get("/sign-in")
    response = browser.post("/about")
    check(browser, response, 405, "This page cannot be used that way")
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("kind", ["form", "multipart"])
def test_a_body_over_the_limit_is_refused(browser: Browser, kind: str) -> None:
    browser.get("/sign-in")
    token = browser.hidden()["csrf_token"]
    if kind == "form":
        body, content_type = f"csrf_token={token}&email={'x' * 600_000}", "application/x-www-form-urlencoded"
    else:
        part = '--cut\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        body = part.format("csrf_token", token) + part.format("email", "x" * 600_000) + "--cut--\r\n"
        content_type = "multipart/form-data; boundary=cut"
    response = browser._seen(browser.client.post("/sign-in", data=body.encode(), content_type=content_type))
    check(browser, response, 413, "That is too much text")


def test_a_multipart_body_of_very_many_parts_is_refused(browser: Browser) -> None:
    browser.get("/sign-in")
    data = {**browser.hidden(), **{f"field{number}": "x" for number in range(1100)}}
    response = browser._seen(browser.client.post("/sign-in", data=data, content_type="multipart/form-data"))
    check(browser, response, 413, "That is too much text")


def test_too_many_wrong_passwords_are_told_and_the_address_stays(browser: Browser, session: Session) -> None:
    user = make_user(session, Role.NEED_LEAD)
    browser.get("/sign-in")
    for _ in range(6):
        response = browser.post("/sign-in", {"email": user.email, "password": "wrong"})
    check(browser, response, 429, "There is a problem", "Wait 15 minutes")
    assert user.email in browser.page


def test_bytes_that_are_no_text_are_no_server_error(browser: Browser) -> None:
    browser.get("/sign-in")
    for path in ("/sign-in?next=%ff%fe", "/organisations?text=%ff", "/mailbox?to=%ff%fe"):
        assert browser.get(path).status_code < 500
    response = browser.post("/sign-in", {"email": "\x01\ud7ff\u202e@x", "password": "\x01"})
    assert response.status_code == 422


def test_a_host_that_is_not_ours_is_refused(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"trusted_hosts": "demand.example"}))
    client = app.test_client()
    assert client.get("/about", base_url="http://demand.example").status_code == 200
    response = client.get("/about", base_url="http://evil.example")
    assert response.status_code == 400
    assert "evil.example" not in response.get_data(as_text=True)
    check_headers(response)


@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "signed in"])
def test_a_database_that_is_gone_is_told_and_the_page_recovers_by_itself(
    browser: Browser, session: Session, settings: Settings, signed_in: bool
) -> None:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    user = make_user(session, Role.ADMINISTRATOR)
    name = user.name
    if signed_in:
        browser.sign_in(user)
    assert browser.get("/mailbox").status_code == 200
    session.close()
    away = path.with_suffix(".away")
    path.rename(away)
    for _ in range(2):
        response = browser.get("/mailbox")
        check(browser, response, 503, "We cannot reach our database", "recovers by itself")
        assert response.headers["Retry-After"] == "10"
        assert not path.exists()
    health = browser.client.get("/health/ready")
    assert (health.status_code, health.get_json()) == (503, {"ready": False})
    assert browser.client.get("/health/live").status_code == 200
    away.rename(path)
    assert browser.get("/mailbox").status_code == 200
    assert (name in browser.text) == signed_in


def test_a_database_that_was_replaced_by_a_backup_is_read_from_then_on(
    browser: Browser, session: Session, settings: Settings, migrated_file: Path
) -> None:
    user = make_user(session, Role.ADMINISTRATOR)
    name = user.name
    browser.sign_in(user)
    session.close()
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    shutil.copy(migrated_file, path)
    browser.get("/")
    assert name not in browser.text


def test_pages_that_are_fine_carry_the_same_headers(browser: Browser) -> None:
    for path in ("/", "/sign-in", "/about", "/mailbox", "/health"):
        check_headers(browser.get(path))
    nonces = {
        re.search(r"nonce-([^']+)", browser.get("/").headers["Content-Security-Policy"])[1] for _ in "ab"
    }
    assert len(nonces) == 2


def test_the_build_is_cached_for_long_and_still_guarded(app: Flask, browser: Browser) -> None:
    page = browser.get("/").get_data(as_text=True)
    address = re.search(r'href="([^"]+\.css)"', page)
    assert address is not None
    response = browser.client.get(address[1])
    response.close()
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response.headers
    assert "HX-Request" not in response.headers.get("Vary", "")


def test_an_error_below_the_build_is_kept_by_nobody(browser: Browser) -> None:
    response = browser.client.get("/build/no-such-file.css")
    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


def test_a_built_file_sets_no_cookie_for_somebody_who_is_signed_in(
    browser: Browser, session: Session
) -> None:
    browser.sign_in(make_user(session, Role.NEED_LEAD))
    address = re.search(r'href="([^"]+\.css)"', browser.get("/").get_data(as_text=True))
    assert address is not None
    response = browser.client.get(address[1])
    response.close()
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.parametrize("path", ["/technologies", "/demand", "/passports"])
@pytest.mark.parametrize("page", ["9" * 5000, "9" * 9, "-1", "²", "one"])
def test_a_page_number_that_nobody_means_is_no_error(browser: Browser, path: str, page: str) -> None:
    assert browser.get(f"{path}?page={page}").status_code == 200


def test_production_asks_for_https_and_sends_the_cookie_over_it_alone(settings: Settings) -> None:
    client = create_app(settings.model_copy(update={"mode": "production"})).test_client()
    response = client.get("/sign-in", base_url="https://demand.example")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-demand_signal=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
