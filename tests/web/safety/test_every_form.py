"""Every route that changes something, of every room, wants a form token and a page of ours."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.routing import AnyConverter, IntegerConverter, Rule

from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from marketplace.audit.models import AuditEvent
from tests.conftest import Browser
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
#: Pressed by mail programs, which have no form token (RFC 8058); the signed address is the proof, and nothing but it.
WITHOUT_TOKEN = {"/demand/unsubscribe/x"}


def unsafe_routes(app: Flask) -> list[tuple[str, str]]:
    """Return (method, path) of each, with some value in place of each part of the path."""

    def path(rule: Rule) -> str:
        values = {
            name: 1
            if isinstance(converter, IntegerConverter)
            else sorted(converter.items)[0]
            if isinstance(converter, AnyConverter)
            else "x"
            for name, converter in rule._converters.items()
        }
        return app.url_map.bind("localhost").build(
            rule.endpoint, values, method=sorted(UNSAFE & rule.methods)[0]
        )

    return sorted(
        (method, path(rule))
        for rule in app.url_map.iter_rules()
        for method in UNSAFE & (rule.methods or set())
    )


@pytest.fixture
def everybody(browser: Browser, session: Session) -> Browser:
    """Return the browser of somebody with every role, so that no door stops a request before the token does."""
    user = make_user(session, Role.ADMINISTRATOR)
    at = make_organisation(session)
    session.add_all(
        Membership(
            user_id=user.id, organisation_id=at.id, role=role, started_on=user.memberships[0].started_on
        )
        for role in Role
    )
    session.commit()
    return browser.sign_in(user)


def audit_rows(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(AuditEvent)) or 0


def test_no_form_is_taken_without_its_token_or_from_another_website(
    app: Flask, everybody: Browser, session: Session
) -> None:
    everybody.get("/account/details")
    token = everybody.hidden()["csrf_token"]
    routes = unsafe_routes(app)
    assert ("POST", "/sign-in") in routes
    assert ("POST", "/account/details") in routes
    before = audit_rows(session)
    for method, path in routes:
        for data in ({}, {"csrf_token": "nonsense"}):
            response = everybody.client.open(path, method=method, data=data)
            assert response.status_code == (404 if path in WITHOUT_TOKEN else 400), (method, path)
        for headers in (
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "null"},
        ):
            response = everybody.client.open(path, method=method, data={"csrf_token": token}, headers=headers)
            assert response.status_code == 403, (method, path, headers)
    assert audit_rows(session) == before


def test_no_form_answers_with_a_server_error_to_nonsense(app: Flask, everybody: Browser) -> None:
    everybody.get("/account/details")
    token = everybody.hidden()["csrf_token"]
    for method, path in unsafe_routes(app):
        if path == "/sign-out":
            continue
        for data in (
            {},
            {"form_key": "x", "email": "\x01", "role": "\ud7ff", "name": "\u202e" * 50, "lock_version": "x"},
            {"form_key": "\x00", "n\x00": "x"},
            {"account": "9" * 400, "organisation": "'; DROP TABLE person", "source_date-day": "٣"},
        ):
            response = everybody.client.open(path, method=method, data=data | {"csrf_token": token})
            assert response.status_code < 500, (method, path, data)
        assert b"Traceback" not in response.get_data()
