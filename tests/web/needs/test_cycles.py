"""The page on which administrators open cycles."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.needs.models import Cycle
from marketplace.organisations.models import Kind
from tests.conftest import Browser
from tests.factories.needs import make_cycle
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


def typed(name: str, opens_on: str, closes_on: str) -> dict[str, object]:
    """Return the form; dates as day, month and year with spaces between."""
    parts = ("day", "month", "year")
    return (
        {"name": name}
        | {f"opens_on-{part}": value for part, value in zip(parts, opens_on.split(" "), strict=True)}
        | {f"closes_on-{part}": value for part, value in zip(parts, closes_on.split(" "), strict=True)}
    )


def cycles(session: Session) -> list[tuple[str, date, date]]:
    session.rollback()
    found = session.scalars(select(Cycle).order_by(Cycle.opens_on))
    return [(cycle.name, cycle.opens_on, cycle.closes_on) for cycle in found]


@pytest.fixture
def admin(browser: Browser, session: Session) -> Browser:
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    session.rollback()
    return browser


def test_an_administrator_opens_the_first_cycle_from_the_start_page(admin: Browser, session: Session) -> None:
    admin.get("/")
    assert "No cycle is open yet. Until then nobody can publish needs." in admin.text
    assert 'href="/cycles"' in admin.page
    admin.get("/cycles")
    assert "There is no cycle yet" in admin.text
    today, last = clock.today(), clock.today() + timedelta(days=100)
    form = typed("First", f"{today:%d %m %Y}", f"{last:%d %m %Y}")
    admin.post("/cycles", form)
    assert "The cycle is entered." in admin.text
    assert "Cycle First, open until" in admin.text
    assert cycles(session) == [("First", today, last)]


def test_a_form_sent_twice_opens_one_cycle(admin: Browser, session: Session) -> None:
    admin.get("/cycles")
    form = typed("Spring 2027", "1 3 2027", "31 8 2027") | admin.hidden()
    for _ in range(2):
        response = admin.post("/cycles", form, follow=False)
        assert response.status_code == 303
        assert response.location == "/cycles"
    assert cycles(session) == [("Spring 2027", date(2027, 3, 1), date(2027, 8, 31))]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (typed("", "1 3 2027", "31 8 2027"), "Enter a name for the cycle"),
        (typed("x" * 61, "1 3 2027", "31 8 2027"), "Name must be 60 characters or fewer. Take out 1."),
        (typed("Spring", "30 2 2027", "31 8 2027"), "First day must be a real date"),
        (typed("Spring", "1 3 2027", "31 9 2027"), "Last day must be a real date"),
        (typed("Spring", "  ", "31 8 2027"), "Enter the first day of the cycle"),
        (typed("Spring", "1 3 ", "31 8 2027"), "First day must include a year"),
        (typed("Spring", "1 3 2027", "1 3 2027"), "A cycle must close after it opens"),
        (typed("Winter", "1 3 2027", "31 8 2027"), "There is a cycle with this name already"),
        (typed("Spring", "1 11 2026", "31 8 2027"), "Another cycle opens on this day already"),
    ],
)
def test_a_mistake_is_told_twice_and_nothing_typed_is_lost(
    admin: Browser, session: Session, form: dict[str, object], words: str
) -> None:
    make_cycle(session, name="Winter", opens_on=date(2026, 11, 1), closes_on=date(2027, 2, 28))
    before = cycles(session)
    admin.get("/cycles")
    assert admin.post("/cycles", form).status_code == 422
    assert admin.text.count(words) == 2
    for value in form.values():
        assert not value or f'value="{value}"' in admin.page
    assert cycles(session) == before


def test_a_lead_is_not_sent_to_places_of_a_cycle_that_has_closed(browser: Browser, session: Session) -> None:
    today = clock.today()
    make_cycle(session, opens_on=today - timedelta(days=90), closes_on=today - timedelta(days=1))
    browser.sign_in(make_user(session, Role.NEED_LEAD, make_organisation(session, Kind.TRUST)))
    browser.get("/")
    assert "free in its top three" not in browser.text
    assert "No cycle is open just now." in browser.text
