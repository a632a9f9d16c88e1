"""What of a listing does not count towards matching: its author is told why, in plain words, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.technologies import CONTENT, make_technology

Reindex = Callable[[], None]

QUIET = "What does not count towards matching"


@pytest.fixture
def need(session: Session) -> Need:
    return make_need(session)


@pytest.fixture
def supplier(session: Session) -> Organisation:
    return make_organisation(session, Kind.SUPPLIER, name="Silverthrush Ltd")


@pytest.fixture
def author(browser: Browser, session: Session, supplier: Organisation) -> Browser:
    browser.sign_in(make_user(session, Role.INNOVATOR, supplier))
    session.rollback()
    return browser


def test_an_honest_author_is_told_nothing(
    author: Browser, session: Session, supplier: Organisation, need: Need, reindex: Reindex
) -> None:
    own = make_technology(session, supplier)
    reindex()
    for page in ("", "/check", "/summary"):
        author.get(f"/our-technologies/{own.ref}{page}")
        assert "does not count" not in author.text


@pytest.mark.parametrize("page", ["", "/check"])
def test_an_author_is_told_which_sentence_is_that_of_a_need(
    author: Browser, session: Session, supplier: Organisation, need: Need, reindex: Reindex, page: str
) -> None:
    assert need.current is not None
    copy = f"{need.current.problem} {need.current.outcome}"
    own = make_technology(session, supplier, summary=f"{CONTENT.summary} {copy}")
    reindex()
    author.get(f"/our-technologies/{own.ref}{page}")
    assert QUIET in author.text
    assert (
        f"“{need.current.problem}” “{need.current.outcome}” These are words of the need “{need.current.title}”. "
        "They do not count towards matching that need." in author.text
    )
    assert f'href="/needs/{need.ref}"' in author.page


def test_an_author_is_told_beside_the_question_and_only_there(
    author: Browser, session: Session, supplier: Organisation, reindex: Reindex
) -> None:
    again = "It stops falls on wards. "
    own = make_technology(session, supplier, summary=f"{CONTENT.summary} {again * 4}")
    author.get(f"/our-technologies/{own.ref}/summary")
    assert (
        "“It stops falls on wards.” stands 4 times. A sentence that is repeated so often does not count."
        in (author.text)
    )
    author.get(f"/our-technologies/{own.ref}/replaces")
    assert "does not count" not in author.text


def test_the_author_of_the_younger_of_two_equal_listings_is_told_and_that_of_the_older_is_not(
    author: Browser, session: Session, supplier: Organisation, reindex: Reindex
) -> None:
    first = make_technology(session, name="Firstling")
    for version in first.versions:
        version.listed_at = clock.now() - timedelta(days=30)
    session.commit()
    own = make_technology(session, supplier, name="Secondling")
    reindex()
    author.get(f"/our-technologies/{own.ref}")
    assert "This listing is nearly the same as “Firstling”." in author.text
    assert f'href="/technologies/{first.ref}"' in author.page
    author.sign_in(make_user(session, Role.INNOVATOR, first.supplier))
    author.get(f"/our-technologies/{first.ref}")
    assert QUIET not in author.text


def test_the_author_is_led_from_the_needs_to_what_does_not_count_and_a_broker_is_not(
    author: Browser, new_browser: Callable[[], Browser], session: Session, supplier: Organisation
) -> None:
    own = make_technology(session, supplier, summary=f"{CONTENT.summary} {'It stops falls on wards. ' * 4}")
    plain = make_technology(session, supplier, name="Plain")
    broker = new_browser().sign_in(make_user(session, Role.BROKER))
    session.rollback()
    author.get(f"/technologies/{own.ref}/needs")
    assert f'<a href="/our-technologies/{own.ref}">Part of your listing does not count' in author.page
    author.get(f"/technologies/{plain.ref}/needs")
    assert "does not count" not in author.text
    assert broker.get(f"/technologies/{own.ref}/needs").status_code == 200
    assert "does not count" not in broker.text


def test_what_the_author_is_told_nobody_else_sees(
    new_browser: Callable[[], Browser], session: Session, supplier: Organisation, reindex: Reindex
) -> None:
    own = make_technology(session, supplier, summary=f"{CONTENT.summary} {'It stops falls on wards. ' * 4}")
    reindex()
    rival = new_browser()
    rival.get(f"/technologies/{own.ref}")
    assert "It stops falls" in rival.text
    assert "does not count" not in rival.text
    rival.sign_in(make_user(session, Role.INNOVATOR, make_organisation(session, Kind.SUPPLIER)))
    assert rival.get(f"/our-technologies/{own.ref}").status_code == 403
    assert "does not count" not in rival.text


def test_two_equal_listings_share_one_place_and_the_other_is_named_beside_it(
    browser: Browser, session: Session, need: Need, reindex: Reindex
) -> None:
    summary = (
        "A mat beside the bed of older people in care homes. It tells staff within 2 minutes of a fall at night in "
        "their own rooms, so that residents who fall are found. It works where there is no wifi."
    )
    first = make_technology(session, name="Nightlight", summary=summary)
    for version in first.versions:
        version.listed_at = clock.now() - timedelta(days=30)
    session.commit()
    second = make_technology(session, name="Moonlight", summary=summary)
    browser.sign_in(make_user(session, Role.NEED_LEAD, need.organisation))
    session.rollback()
    reindex()
    browser.get(f"/needs/{need.ref}/matches")
    assert f"Nearly the same listing: Moonlight by {second.supplier.name}" in browser.text
    assert browser.text.index("Nightlight") < browser.text.index("Moonlight")
    assert browser.page.count(f'href="/technologies/{second.ref}"') == 1
