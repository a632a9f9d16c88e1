"""The pages of changes, the redirects of old addresses, and the board of a past day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.needs import places
from marketplace.needs.models import Need, NeedVersion
from marketplace.organisations.models import Kind, Organisation, Succession
from tests.conftest import Browser, statements
from tests.factories.needs import content, make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user

DAY = datetime(2026, 4, 10, 12, tzinfo=UTC)
FORM = {
    "kind": "merge",
    "effective_on-day": "1",
    "effective_on-month": "4",
    "effective_on-year": "2026",
    "source": "Order in law",
    "source_date-day": "9",
    "source_date-month": "9",
    "source_date-year": "2025",
}


@pytest.fixture(autouse=True)
def april() -> object:
    with time_machine.travel(DAY, tick=True):
        yield


def administer(session: Session, browser: Browser) -> None:
    browser.sign_in(make_user(session, Role.ADMINISTRATOR))
    session.rollback()


def merge(session: Session, browser: Browser) -> tuple[Organisation, Organisation, str]:
    """Record and settle a merger of two boards with a need each, all by the pages; return both and its ref."""
    administer(session, browser)
    cycle = make_cycle(session, opens_on=date(2026, 1, 5), closes_on=date(2026, 8, 1))
    one, two = (
        make_organisation(session, name="NHS One Test"),
        make_organisation(session, name="NHS Two Test"),
    )
    for owner, title in ((one, "Falls of one"), (two, "Falls of two")):
        with time_machine.travel(datetime(2026, 2, 1, 12, tzinfo=UTC), tick=False):
            make_need(session, owner, title=title, cycle=cycle)
            places.note(session, owner.id, cycle.id)
            session.commit()
    asked = FORM | {"from_1": one.code, "from_2": two.name, "to_1": "NHS Merged Test"}
    session.rollback()
    assert browser.post("/successions/new", asked | {"act": "check"}).status_code == 200
    assert "NHS Merged Test, new" in browser.text
    browser.post("/successions/new", asked | {"act": "record"})
    session.rollback()
    ref = session.scalars(select(Succession.ref)).one()
    browser.get(f"/successions/{ref}/choices/need")
    browser.post(f"/successions/{ref}/choices/need", {"act": "fill", "fill": "suggested"})
    browser.get(f"/successions/{ref}/places/nhs-merged-test")
    browser.post(f"/successions/{ref}/places/nhs-merged-test", {"act": "fill"})
    browser.get(f"/successions/{ref}/confirm")
    browser.post(f"/successions/{ref}/confirm")
    assert "Everything is handed over." in browser.text
    session.rollback()
    return one, two, ref


def test_a_merger_goes_from_record_to_handover_by_forms_alone(session: Session, browser: Browser) -> None:
    _, _, ref = merge(session, browser)
    assert "2 needs before, 2 needs after." in browser.text
    browser.get("/successions/left-behind")
    assert "Nothing. Every need" in browser.text
    session.rollback()
    owners = session.scalars(
        select(Organisation.name).join(Need, Need.organisation_id == Organisation.id)
    ).all()
    assert owners == ["NHS Merged Test"] * 2
    assert ref


def test_an_old_address_leads_to_the_one_successor_for_good(session: Session, browser: Browser) -> None:
    one, _, _ = merge(session, browser)
    code = one.code
    session.rollback()
    response = browser.client.get(f"/organisations/{code}")
    assert (response.status_code, response.headers["Location"]) == (301, "/organisations/nhs-merged-test")
    browser.get(f"/organisations/{code}/history")
    assert "NHS One Test and NHS Two Test become NHS Merged Test on 1 April 2026." in browser.text
    browser.get("/organisations/nhs-merged-test/history")
    assert "NHS One Test and NHS Two Test become NHS Merged Test" in browser.text


def test_a_need_keeps_its_address_and_tells_who_published_it(session: Session, browser: Browser) -> None:
    merge(session, browser)
    ref = session.scalars(select(Need.ref).order_by(Need.id)).first()
    browser.get(f"/needs/{ref}")
    assert "NHS Merged Test" in browser.text
    assert "Version 1, 1 February 2026, published by NHS One Test" in browser.text


def test_the_board_of_a_past_day_shows_owners_texts_and_places_of_that_day(
    session: Session, browser: Browser
) -> None:
    merge(session, browser)
    need = session.scalars(select(Need).order_by(Need.id)).first()
    assert need is not None
    later = NeedVersion(need_id=need.id, number=2, published_at=datetime(2026, 4, 9, tzinfo=UTC))
    later.fill(content(title="Falls, said anew"))
    session.add(later)
    need.version = 2
    session.commit()
    browser.get("/needs/as-of/2026-03-31")
    assert "Falls of one NHS One Test · First priority" in browser.text
    assert "NHS Merged Test" not in browser.text
    assert "this is how it stood at the end of 31 March 2026" in browser.text
    browser.get("/needs/as-of/2026-04-10")
    assert "Falls, said anew NHS Merged Test · First priority" in browser.text
    assert "Falls of two NHS Merged Test · Second priority" in browser.text
    browser.get("/needs/as-of/2026-04-10/organisations")
    assert "NHS One Test" not in browser.text
    browser.get("/needs/as-of/2026-03-31/organisations")
    assert "NHS One Test" in browser.text
    browser.get(f"/needs/as-of/2026-03-31/needs/{need.ref}")
    assert "Falls of one" in browser.text
    assert "It has changed since: version 2 is the latest." in browser.text


def test_a_withdrawal_is_undone_in_the_past_and_told_afterwards(session: Session, browser: Browser) -> None:
    cycle = make_cycle(session, opens_on=date(2026, 1, 5), closes_on=date(2026, 8, 1))
    with time_machine.travel(datetime(2026, 2, 1, 12, tzinfo=UTC), tick=False):
        need = make_need(session, title="Solved by now", cycle=cycle)
        places.note(session, need.organisation_id, cycle.id)
    need.withdrawn_at, need.withdrawn_reason = datetime(2026, 3, 3, 9, tzinfo=UTC), "Solved"
    session.commit()
    browser.get("/needs/as-of/2026-03-02")
    assert "Solved by now" in browser.text
    browser.get("/needs/as-of/2026-03-03")
    assert "Solved by now" not in browser.text
    browser.get("/needs/as-of/2026-03-03/withdrawn")
    assert "Solved by now" in browser.text


def test_the_text_of_a_need_that_is_withdrawn_today_is_not_read_on_a_past_day(
    session: Session, browser: Browser
) -> None:
    with time_machine.travel(datetime(2026, 2, 1, 12, tzinfo=UTC), tick=False):
        need = make_need(session, title="Solved by now", problem="Names of patients")
        owner = need.organisation.name
    browser.get(f"/needs/as-of/2026-03-02/needs/{need.ref}")
    assert "Names of patients" in browser.text
    need.withdrawn_at, need.withdrawn_reason = datetime(2026, 3, 3, 9, tzinfo=UTC), "Named somebody"
    session.commit()
    browser.get(f"/needs/as-of/2026-03-02/needs/{need.ref}")
    assert "Names of patients" not in browser.text
    assert "Who is affected" not in browser.text
    for words in (
        "Solved by now",
        owner,
        "withdrawn on 3 March 2026, and its text with it",
        "Named somebody",
    ):
        assert words in browser.text


def test_the_board_of_today_and_the_board_as_of_today_show_the_same(
    session: Session, browser: Browser
) -> None:
    merge(session, browser)
    browser.get("/needs/as-of/2026-04-10")
    assert "2 needs" in browser.text
    browser.get("/demand")
    assert "Falls of one" in browser.text
    assert "Falls of two" in browser.text


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-04-11", "lies in the future"),
        ("2020-01-01", "The first need was published here on 1 February 2026"),
        ("yesterday", "must name a day"),
    ],
)
def test_a_day_that_cannot_be_read_is_told_plainly(
    session: Session, browser: Browser, day: str, words: str
) -> None:
    with time_machine.travel(datetime(2026, 2, 1, 12, tzinfo=UTC), tick=False):
        make_need(session)
    response = browser.get(f"/needs/as-of/{day}")
    assert response.status_code == 404
    assert words in browser.text


def test_the_past_is_kept_out_of_search_engines_and_has_a_form(session: Session, browser: Browser) -> None:
    with time_machine.travel(datetime(2026, 2, 1, 12, tzinfo=UTC), tick=False):
        make_need(session)
    assert browser.get("/needs/as-of").headers["X-Robots-Tag"] == "noindex"
    response = browser.client.get("/needs/as-of?day=3&month=3&year=2026")
    assert response.headers["Location"] == "/needs/as-of/2026-03-03"
    assert browser.get("/needs/as-of?day=31&month=2&year=2026").status_code == 422
    assert "Enter a real day" in browser.text
    assert browser.get("/needs/as-of?day=&month=&year=").status_code == 422
    assert "Enter a day" in browser.text, "a form sent empty is answered"
    assert browser.get("/needs/as-of?day=3&month=3&year=20266").status_code == 422, "not read as 2026"
    assert browser.client.get("/needs?as_of=2026-03-03").headers["Location"] == "/needs/as-of/2026-03-03"


def test_the_past_takes_as_many_queries_for_many_needs_as_for_few(
    app: Flask, session: Session, browser: Browser
) -> None:
    cycle = make_cycle(session, opens_on=date(2026, 1, 5), closes_on=date(2026, 8, 1))

    def add(number: int) -> None:
        for _ in range(number):
            need = make_need(session, cycle=cycle)
            places.note(session, need.organisation_id, cycle.id)
        session.commit()

    def asked() -> int:
        with statements(app) as sent:
            browser.get("/needs/as-of/2026-04-10")
        return len(sent)

    add(2)
    few = asked()
    add(15)
    assert asked() == few


def test_a_wrong_answer_is_told_beside_its_field_and_nothing_typed_is_lost(
    session: Session, browser: Browser
) -> None:
    administer(session, browser)
    one = make_organisation(session, name="NHS One Test")
    asked = FORM | {"from_1": one.code, "from_2": "Nobody", "to_1": "X"}
    session.rollback()
    response = browser.post("/successions/new", asked)
    assert response.status_code == 422
    assert "The registry holds no single organisation called “Nobody”" in browser.text
    assert 'value="Nobody"' in browser.page
    assert "Order in law" in browser.page


def test_an_empty_form_asks_for_each_answer_once_and_a_share_shows_one_as_its_example(
    session: Session, browser: Browser
) -> None:
    administer(session, browser)
    session.rollback()
    assert browser.post("/successions/new", {"act": "check"}).status_code == 422
    assert "Choose what happens" in browser.text
    assert "Not a valid choice" not in browser.text
    browser.post("/successions/new", FORM | {"act": "check", "share_1": "half"})
    assert "The share of successor 1 must be a whole number, such as 50" in browser.text


def test_leads_are_told_on_their_start_page_and_administrators_what_waits(
    session: Session, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    administer(session, browser)
    one, two = (
        make_organisation(session, name="NHS One Test"),
        make_organisation(session, name="NHS Two Test"),
    )
    lead = make_user(session, Role.NEED_LEAD, one)
    asked = FORM | {"from_1": one.code, "from_2": two.code, "to_1": "NHS Merged Test", "act": "record"}
    session.rollback()
    browser.post("/successions/new", asked)
    browser.get("/")
    assert "NHS One Test and NHS Two Test become NHS Merged Test on 1 April 2026." in browser.text
    assert "Waits for its handover" in browser.text
    session.rollback()
    theirs = new_browser().sign_in(lead)
    theirs.get("/")
    assert "Your organisation changes" in theirs.text


def test_an_import_shows_what_it_would_do_before_it_does_it(session: Session, browser: Browser) -> None:
    administer(session, browser)
    one, two = make_organisation(session), make_organisation(session)
    lines = ["change,kind,effective_on,from,to,to_name,source,source_date"]
    lines += [f"1,merge,2026-04-01,{x.code},,NHS Merged Test,Order,2025-09-09" for x in (one, two)]
    session.rollback()
    browser.post("/successions/import", {"text": "\n".join(lines), "act": "check"})
    assert "What will be recorded" in browser.text
    session.rollback()
    assert session.scalars(select(Succession)).all() == []
    browser.post("/successions/import", {"text": "\n".join(lines), "act": "record"})
    session.rollback()
    assert session.scalars(select(Organisation.closed_on).where(Organisation.kind == Kind.ICB)).all() == [
        date(2026, 4, 1),
        date(2026, 4, 1),
        None,
    ]
    browser.post("/successions/import", {"text": lines[0] + "\n1,melt,x,y,,,,", "act": "check"})
    assert "Line 2: Fill in source, source_date" in browser.text
