"""The demo's mailbox page."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.factory import create_app
from marketplace.notices.models import Email
from marketplace.settings import Settings
from tests.conftest import Browser


def put(session: Session, to: str, subject: str, body: str = "Text") -> None:
    session.add(Email(to=to, subject=subject, body=body, created_at=clock.now(), sent_at=clock.now()))
    session.commit()


def test_an_empty_mailbox_says_what_will_appear(browser: Browser) -> None:
    browser.get("/mailbox")
    assert "What the service sends appears here" in browser.text
    assert "demonstration only" in browser.text


def test_the_newest_email_comes_first_and_one_recipient_can_be_chosen(
    browser: Browser, session: Session
) -> None:
    put(session, "a@people.example", "First")
    put(session, "b@people.example", "Second")
    browser.get("/mailbox")
    assert 0 < browser.text.index("Second") < browser.text.index("First")
    browser.get("/mailbox?to=a@people.example")
    assert "First" in browser.text
    assert "Second" not in browser.text


def test_links_can_be_pressed_and_markup_is_shown_as_text(browser: Browser, session: Session) -> None:
    put(session, "a@people.example", "<b>Bold</b>", "http://127.0.0.1:8000/x <script>alert(1)</script>")
    browser.get("/mailbox")
    assert 'href="http://127.0.0.1:8000/x"' in browser.page
    assert "<script>alert" not in browser.page
    assert "<b>Bold" not in browser.page


@pytest.mark.parametrize("change", [{"mode": "production"}, {"smtp_host": "mail.example"}])
def test_there_is_no_mailbox_in_production_nor_beside_a_mail_server(
    settings: Settings, change: dict[str, str]
) -> None:
    changed = settings.model_copy(update=change)
    assert create_app(changed).test_client().get("/mailbox").status_code == 404
