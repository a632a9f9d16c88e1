"""Every route, method and person, allowed and refused, by what really happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.audit.models import AuditEvent
from marketplace.settings import Settings
from tests.conftest import Browser, statements
from tests.web.access.doors import CASES, signed_in
from tests.web.access.world import Case, Who, World


def test_every_route_and_method_has_a_case(app: Flask) -> None:
    routes = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    assert routes - {(case.endpoint, case.method) for case in CASES} == set()
    assert {(case.endpoint, case.method) for case in CASES} - routes == set()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_door_opens_to_the_right_people(
    case: Case, app: Flask, settings: Settings, session: Session, new_browser: Callable[[], Browser]
) -> None:
    world = World.make(session)
    path, data = case.build(world)
    session.commit()
    cookies = {who: signed_in(app, world.people[who].id) for who in Who if who is not Who.ANONYMOUS}
    session.rollback()  # an open read would keep the database from being written out whole
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    kept = snapshot(app, file)
    wrong = []
    for who in Who:
        browser = new_browser()
        if who in cookies:
            browser.client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookies[who])
        wrong += [f"{who}: {problem}" for problem in visit(case, who, app, browser, session, path, data)]
        if case.method != "GET":
            restore(app, session, file, kept)
    assert wrong == []


def visit(
    case: Case,
    who: Who,
    app: Flask,
    browser: Browser,
    session: Session,
    path: str,
    data: dict[str, object],
) -> Iterator[str]:
    """Go there as somebody, and yield what is not as the case says."""
    before = audit_rows(session)
    if case.method == "GET":
        with statements(app) as sent:
            response = browser.client.get(path)
        if written := [line for line in sent if not line.startswith(("SELECT", "BEGIN", "WITH"))]:
            yield f"a GET wrote: {written}"
    else:
        browser.get("/")  # for a form token
        response = browser.post(path, data, follow=False)
    if response.status_code != case.expected(who):
        yield f"got {response.status_code} and not {case.expected(who)}"
    refused = who is Who.ANONYMOUS and who not in case.allowed
    if refused and response.status_code == 303 and response.headers["Location"] != "/sign-in":
        yield f"was sent to {response.headers['Location']}"
    if case.method == "POST" and not case.silent:
        audited = audit_rows(session) != before
        if audited != (who in case.allowed):
            yield "left an audit row" if audited else "left no audit row"


def snapshot(app: Flask, file: Path) -> bytes:
    """Return the whole database as bytes."""
    engine: Engine = app.extensions["engine"]
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        assert not busy
    return file.read_bytes()


def restore(app: Flask, session: Session, file: Path, kept: bytes) -> None:
    """Put the database back as it was."""
    session.rollback()
    session.close()
    engine: Engine = app.extensions["engine"]
    engine.dispose()
    for rest in ("-wal", "-shm"):
        file.with_name(file.name + rest).unlink(missing_ok=True)
    file.write_bytes(kept)


def audit_rows(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(AuditEvent)) or 0
