"""What machines are told about the service."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.outbox.actions import enqueue
from marketplace.outbox.models import OutboxRow
from tests.conftest import Browser


def test_a_healthy_service_says_so_with_the_age_of_the_oldest_row(browser: Browser, session: Session) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False):
        enqueue(session, "email", 1)
    with time_machine.travel(start + timedelta(seconds=30), tick=False):
        enqueue(session, "email", 2)
        parked = OutboxRow(
            topic="email",
            subject_id="3",
            created_at=start - timedelta(days=1),
            due_at=start,
            parked_at=start,
            attempts=5,
        )
        session.add(parked)
        session.commit()
        response = browser.client.get("/health")
    assert response.status_code == 200
    told = response.get_json()
    assert told.pop("encoder") in {"starting", "ready", "words-only"}
    assert told == {
        "live": True,
        "ready": True,
        "database": "answers",
        "migrations": "current",
        "index": {
            "serving": None,
            "here": None,
            "behind": 0,
            "building": None,
            "checked_at": None,
            "findings": None,
            "encoder_fault": None,
        },
        "outbox": {"waiting": 2, "parked": 1, "oldest_seconds": 30},
    }
    assert "Set-Cookie" not in response.headers


def test_an_older_schema_is_live_but_not_ready(browser: Browser, session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    session.commit()
    assert browser.client.get("/health/live").get_json() == {"live": True}
    response = browser.client.get("/health")
    assert response.status_code == 503
    told = response.get_json()
    assert (told["live"], told["ready"], told["migrations"]) == (True, False, "not current")


def test_the_pages_of_the_footer_are_linked_from_every_page(browser: Browser) -> None:
    browser.get("/sign-in")
    for path, words in (
        ("/about", "It is not the official register of innovator passports"),
        ("/accessibility", "not a formal accessibility statement"),
        ("/privacy", "We use one cookie"),
        ("/mailbox", "demonstration only"),
    ):
        browser.get("/sign-in")
        assert f'href="{path}"' in browser.page
        assert browser.get(path).status_code == 200
        assert words in browser.text
