"""Every route, method and person, allowed and refused, by what really happens."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import tests.web.access as package
from marketplace.audit.models import AuditEvent
from tests.conftest import Browser, statements
from tests.web.access.world import Case, Who, World

CASES: list[Case] = [
    case
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name)
    if module.name.startswith("cases_")
    for case in importlib.import_module(f"{package.__name__}.{module.name}").CASES
]


def test_every_route_and_method_has_a_case(app: Flask) -> None:
    routes = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    assert routes - {(case.endpoint, case.method) for case in CASES} == set()
    assert {(case.endpoint, case.method) for case in CASES} - routes == set()


@pytest.mark.parametrize("who", list(Who), ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_door_opens_to_the_right_people(
    case: Case, who: Who, app: Flask, browser: Browser, session: Session
) -> None:
    world = World.make(session)
    path, data = case.build(world)
    if who is not Who.ANONYMOUS:
        browser.sign_in(world.people[who])
    before = audit_rows(session)
    if case.method == "GET":
        with statements(app) as sent:
            response = browser.client.get(path)
        assert [line for line in sent if not line.startswith(("SELECT", "BEGIN", "WITH"))] == []
    else:
        browser.get("/")  # for a form token
        response = browser.post(path, data, follow=False)
    assert response.status_code == case.expected(who)
    if who is Who.ANONYMOUS and who not in case.allowed and response.status_code == 303:
        assert response.headers["Location"] == "/sign-in"
    if case.method == "POST" and not case.silent:
        changed = audit_rows(session) != before
        assert changed == (who in case.allowed)
    elif case.method == "GET":
        assert audit_rows(session) == before


def audit_rows(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(AuditEvent)) or 0
