"""The page that shows each step of a match at work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.matches import workings
from tests.conftest import Browser
from tests.factories.needs import make_need
from tests.factories.people import make_user
from tests.factories.technologies import make_technology

Reindex = Callable[[], None]


@pytest.fixture(autouse=True)
def listings(session: Session, reindex: Reindex) -> None:
    make_technology(session, name="Nightlight", summary="A mat tells staff in care homes of a fall at night.")
    make_technology(session, name="Payline", summary="Software that pays invoices of suppliers by itself.")
    reindex()


def test_a_typed_text_is_shown_at_every_step(browser: Browser) -> None:
    page = browser.get("/how-matching-works?q=DNAs+in+clinics+and+a+fall+at+night").text
    assert "“DNAs”, read also as did not attend" in page
    for heading in ("By words", "By meaning", "2. Proposed", "3. Put together", "Decided"):
        assert heading in page
    assert page.count(">Nightlight</a>") >= 2
    assert "The verdicts" in page


def test_without_a_text_the_steps_are_told_and_nothing_is_ranked(browser: Browser) -> None:
    page = browser.get("/how-matching-works").text
    assert "2. Proposed by words, and by meaning" in page
    assert "Nightlight" not in page
    assert "The verdicts" not in page


def test_a_text_that_is_too_long_is_cut_and_the_page_says_so(browser: Browser) -> None:
    page = browser.get("/how-matching-works?q=" + "falls+" * 200).text
    assert "first 500 characters" in page


def test_what_is_typed_is_shown_as_text(browser: Browser) -> None:
    page = browser.get("/how-matching-works?q=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "<script>alert" not in page


def test_a_lead_sees_how_the_matches_of_a_need_were_made(
    browser: Browser, session: Session, reindex: Reindex
) -> None:
    need = make_need(session)
    reindex()
    browser.sign_in(make_user(session, Role.NEED_LEAD, need.organisation))
    session.rollback()
    listed = browser.get(f"/needs/{need.ref}/matches").text
    assert f'href="/needs/{need.ref}/matches/how"' in listed
    page = browser.get(f"/needs/{need.ref}/matches/how").text
    assert need.current is not None
    assert need.current.title in page
    assert "Nightlight" in page
    assert "must-have" in page


def test_a_need_that_was_just_published_is_told_as_not_read_yet(browser: Browser, session: Session) -> None:
    need = make_need(session)
    browser.sign_in(make_user(session, Role.NEED_LEAD, need.organisation))
    session.rollback()
    assert "published only a moment ago" in browser.get(f"/needs/{need.ref}/matches/how").text


def test_a_term_stands_once_with_all_that_it_is_read_as() -> None:
    found = [("call", "paging"), ("virtual ward", "virtual ward"), ("Call", "ambulance")]
    assert workings._terms(found) == ("“call”, read also as paging or ambulance",)
