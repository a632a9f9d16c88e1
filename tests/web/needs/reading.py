"""What tests of the pages of needs read off a page and out of the database."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.needs.models import Need, NeedDraft
from tests.conftest import Browser


def draft_of(session: Session, need: Need) -> NeedDraft:
    session.rollback()
    return session.scalars(select(NeedDraft).where(NeedDraft.need_id == need.id)).one()


def errors_of(browser: Browser) -> list[str]:
    """Return what the error summary says."""
    summary = re.search(r'class="nhsuk-error-summary".*?</ul>', browser.page, re.S)
    assert summary, "no error summary"
    return [re.sub(r"<[^>]+>", "", item).strip() for item in re.findall(r"<li>(.*?)</li>", summary[0], re.S)]


def assert_told_in_three_places(browser: Browser, message: str, target: str) -> None:
    """The title, the summary with a link, and beside the field."""
    assert "<title>Error: " in browser.page
    assert message in errors_of(browser)
    assert f'href="#{target}"' in browser.page
    assert f'id="{target}"' in browser.page
    assert browser.text.count(message) >= 2
