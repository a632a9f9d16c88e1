"""The pages on which administrators enter cycles and move their dates."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.cycles.actions import confirm
from marketplace.needs.models import Cycle
from marketplace.organisations.models import Kind
from marketplace.web.words import day
from tests.conftest import Browser
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor, make_user

FIELDS = ("opens_on", "reminds_on", "locks_on", "closes_on")


def typed(name: str, *dates: str) -> dict[str, object]:
    """Return the form; the four dates as day, month and year with spaces between."""
    sent: dict[str, object] = {"name": name}
    for field, words in zip(FIELDS, dates, strict=True):
        parts = zip(("day", "month", "year"), words.split(" "), strict=True)
        sent |= {f"{field}-{part}": value for part, value in parts}
    return sent


def spoken(*days: date) -> tuple[str, ...]:
    return tuple(f"{day.day} {day.month} {day.year}" for day in days)


SPRING = ("1 3 2027", "12 4 2027", "30 4 2027", "31 8 2027")
DATES = (date(2027, 3, 1), date(2027, 4, 12), date(2027, 4, 30), date(2027, 8, 31))


def cycles(session: Session) -> list[tuple[str, tuple[date, ...]]]:
    session.rollback()
    found = session.scalars(select(Cycle).order_by(Cycle.opens_on))
    return [(cycle.name, tuple(getattr(cycle, field) for field in FIELDS)) for cycle in found]


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
    today = clock.today()
    dates = tuple(today + timedelta(days=days) for days in (0, 60, 80, 100))
    admin.post("/cycles", typed("First", *spoken(*dates)))
    assert "The cycle is entered." in admin.text
    assert f"Cycle First, open for answers until {day(dates[2])}." in admin.text
    assert cycles(session) == [("First", dates)]


def test_a_form_sent_twice_opens_one_cycle(admin: Browser, session: Session) -> None:
    admin.get("/cycles")
    form = typed("Spring 2027", *SPRING) | admin.hidden()
    for _ in range(2):
        response = admin.post("/cycles", form, follow=False)
        assert response.status_code == 303
        assert response.location == "/cycles"
    assert cycles(session) == [("Spring 2027", DATES)]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (typed("", *SPRING), "Enter a name for the cycle"),
        (typed("x" * 61, *SPRING), "Name must be 60 characters or fewer. Take out 1."),
        (typed("Spring", "30 2 2027", *SPRING[1:]), "First day must be a real date"),
        (typed("Spring", *SPRING[:3], "31 9 2027"), "Last day of the cycle must be a real date"),
        (typed("Spring", "  ", *SPRING[1:]), "Enter the first day of the cycle"),
        (typed("Spring", SPRING[0], "12 4 ", *SPRING[2:]), "Day of the reminder must include a year"),
        (typed("Spring", SPRING[0], "1 3 2027", *SPRING[2:]), "The reminder must come after the first day"),
        (typed("Spring", "1 11 2020", *SPRING[1:]), "The first day must be today or later"),
        (typed("Winter", *SPRING), "There is a cycle with this name already"),
        (typed("Spring", "28 2 2027", *SPRING[1:]), "Cycles must not overlap: Winter runs from"),
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


def test_dates_that_have_not_passed_are_moved_and_the_others_are_not_offered(
    admin: Browser, session: Session
) -> None:
    today = clock.today()
    cycle = make_cycle(
        session,
        name="Now",
        opens_on=today - timedelta(days=9),
        reminds_on=today + timedelta(days=1),
        locks_on=today + timedelta(days=5),
        closes_on=today + timedelta(days=9),
    )
    admin.get("/cycles")
    assert f'href="/cycles/{cycle.id}"' in admin.page
    admin.get(f"/cycles/{cycle.id}")
    assert "What has passed stays: the first day." in admin.text
    assert 'id="opens_on-day"' not in admin.page
    assert 'id="locks_on-day"' in admin.page
    dates = (cycle.opens_on, cycle.reminds_on, today + timedelta(days=20), today + timedelta(days=30))
    admin.post(f"/cycles/{cycle.id}", typed("Now", *spoken(*dates)) | admin.hidden())
    assert "The dates are changed." in admin.text
    assert cycles(session) == [("Now", dates)]


def test_a_date_that_has_passed_cannot_be_moved_by_a_forged_form(admin: Browser, session: Session) -> None:
    today = clock.today()
    cycle = make_cycle(session, name="Now", opens_on=today)
    before = cycles(session)
    admin.get(f"/cycles/{cycle.id}")
    dates = (today + timedelta(days=1), *before[0][1][1:])
    assert (
        admin.post(f"/cycles/{cycle.id}", admin.hidden() | typed("Now", *spoken(*dates))).status_code == 422
    )
    assert admin.text.count(f"The first day has passed, so it stays {day(today)}") == 2
    assert cycles(session) == before


def test_two_administrators_do_not_overwrite_each_other(admin: Browser, session: Session) -> None:
    today = clock.today()
    cycle = make_cycle(session, name="Next", opens_on=today + timedelta(days=10))
    admin.get(f"/cycles/{cycle.id}")
    mine = typed("Mine", *spoken(*cycles(session)[0][1])) | admin.hidden()
    session.execute(update(Cycle).values(name="Theirs"))
    session.commit()
    assert admin.post(f"/cycles/{cycle.id}", mine).status_code == 409
    assert "Somebody else changed this cycle meanwhile" in admin.text
    assert 'value="Mine"' in admin.page
    assert "Change the dates of Theirs" in admin.text
    admin.post(f"/cycles/{cycle.id}", mine | admin.hidden())
    assert cycles(session)[0][0] == "Mine"


def test_a_closed_cycle_offers_no_change(admin: Browser, session: Session) -> None:
    today = clock.today()
    cycle = make_cycle(session, opens_on=today - timedelta(days=90), closes_on=today - timedelta(days=1))
    admin.get("/cycles")
    assert f'href="/cycles/{cycle.id}"' not in admin.page
    assert f'href="/coverage/{cycle.id}"' in admin.page


def test_an_administrator_cancels_a_cycle_and_everybody_reads_why(admin: Browser, session: Session) -> None:
    cycle = make_cycle(session, name="Spring 2027", opens_on=clock.today() - timedelta(days=1))
    cycle_id, path = cycle.id, f"/cycles/{cycle.id}/cancel"
    session.rollback()
    admin.get("/cycles")
    assert f'href="{path}"' in admin.page
    admin.get(path)
    assert "Nobody has answered in it yet." in admin.text
    response = admin.post(path, {"reason": ""})
    assert response.status_code == 422
    assert 'href="#reason"' in admin.page
    assert admin.text.count("Enter why the cycle is cancelled") == 2
    admin.post(path, {"reason": "It was entered for the wrong year."})
    assert "The cycle is cancelled." in admin.text
    assert "There is no cycle yet" in admin.text
    assert "Spring 2027" in admin.text.split("Cancelled")[1]
    assert "It was entered for the wrong year." in admin.text
    assert admin.get(f"/coverage/{cycle_id}").status_code == 410
    assert "The cycle Spring 2027 was cancelled on" in admin.text
    assert cycles(session) == []


def test_what_is_taken_back_is_said_before_and_told_anew_when_it_changes(
    admin: Browser, session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST)
    opens_on = clock.today() - timedelta(days=200)
    past = make_cycle(session, name="Autumn", opens_on=opens_on, closes_on=opens_on + timedelta(days=90))
    now = make_cycle(session, name="Winter", opens_on=clock.today() - timedelta(days=1))
    refs = [make_need(session, trust, cycle=past, rank=rank).ref for rank in (1, 2)]
    path, lead = f"/cycles/{now.id}/cancel", make_actor(session, Role.NEED_LEAD, trust)
    session.rollback()
    admin.get(path)
    assert "Nobody has answered in it yet." in admin.text
    with admin.client.application.app_context():
        confirm(lead, refs[0])
    response = admin.post(path, {"reason": "Wrong year"})
    assert response.status_code == 409
    assert "Somebody answered, or changed the cycle, meanwhile." in admin.text
    assert "1 organisation confirmed 1 need of the last cycle as still true." in admin.text
    assert ">Wrong year</textarea>" in admin.page
    admin.post(path, {"reason": "Wrong year"})
    assert [name for name, _ in cycles(session)] == ["Autumn"]


def test_a_cycle_that_cannot_be_cancelled_says_why_and_offers_no_button(
    admin: Browser, session: Session
) -> None:
    need = make_need(session)
    assert need.priority is not None
    path = f"/cycles/{need.priority.cycle_id}/cancel"
    session.rollback()
    admin.get(path)
    assert "1 organisation has named new needs" in admin.text
    assert "Cancel this cycle" not in admin.text
    assert "Change the dates" in admin.text
