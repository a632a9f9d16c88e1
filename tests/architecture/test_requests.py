from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace.database import db
from tests.conftest import Browser

PATHS = ("/", "/sign-in", "/no-such-page", "/build/no-such-file.css")


@pytest.fixture
def left_over(app: Flask) -> list[str]:
    """Collect what requests leave in their session without committing it."""
    found: list[str] = []

    @app.teardown_request
    def look(_error: BaseException | None) -> None:
        found.extend(str(thing) for thing in (*db.session.new, *db.session.dirty, *db.session.deleted))

    return found


@pytest.mark.parametrize("path", PATHS)
def test_a_request_leaves_no_uncommitted_work(browser: Browser, left_over: list[str], path: str) -> None:
    browser.get(path)
    assert left_over == []


@pytest.mark.parametrize("path", PATHS)
def test_every_response_carries_the_security_headers(browser: Browser, session: Session, path: str) -> None:
    headers = browser.client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"]
    assert "HX-Request" in headers["Vary"]


def test_a_nonce_is_used_once(browser: Browser) -> None:
    policies = {browser.client.get("/").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3
