"""Carry the needs of the last cycle forward."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.needs.models import Cycle, Need, Priority
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.conftest import Browser, statements
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


@pytest.fixture
def trust(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST, code="ZZT", name="Fernside NHS Trust")


@pytest.fixture
def lead(session: Session, trust: Organisation) -> User:
    return make_user(session, Role.NEED_LEAD, trust)


@pytest.fixture
def past(session: Session) -> Cycle:
    today = clock.today()
    return make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100)
    )


@pytest.fixture
def now(session: Session) -> Cycle:
    return make_cycle(session, name="Spring", locks_on=clock.today() + timedelta(days=9))


def places(session: Session, cycle: Cycle) -> dict[int, int]:
    session.rollback()
    rows = session.execute(select(Priority.rank, Priority.need_id).where(Priority.cycle_id == cycle.id))
    return dict(rows.all())


PAGE = "/organisations/ZZT/still-true"


def test_one_click_keeps_a_need_with_its_place_and_a_second_one_does_nothing(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, rank=2, cycle=past, title="Fewer falls", problem="People fall at night")
    browser.sign_in(lead)
    browser.get("/")
    assert "1 need of the last cycle waits for your word. What nobody confirms lapses." in browser.text
    assert f'href="{PAGE}"' in browser.page
    browser.get(PAGE)
    assert (
        "Second priority in Autumn Not yet confirmed for Spring Fewer falls People fall at night"
        in browser.text
    )
    for _ in range(2):
        browser.post(f"/needs/{need.ref}/still-true")
        assert "The need is kept. It is your second priority." in browser.text
        assert places(session, now) == {2: need.id}
    assert "1 of 3 places of your top three are taken." in browser.text
    assert "No need of the last cycle waits for your word." in browser.text
    assert places(session, past) == {2: need.id}
    browser.get("/needs")
    assert "Not yet confirmed" not in browser.text
    browser.get("/coverage")
    assert "1 of 1 trust" in browser.text


def test_a_need_whose_place_is_taken_gets_the_next(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    new = make_need(session, trust, rank=1, cycle=now)
    need = make_need(session, trust, rank=1, cycle=past)
    browser.sign_in(lead)
    browser.post(f"/needs/{need.ref}/still-true")
    assert places(session, now) == {1: new.id, 2: need.id}


def test_a_fourth_need_is_refused_in_plain_words_and_stays_as_it_was(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    for rank in (1, 2, 3):
        make_need(session, trust, rank=rank, cycle=now)
    need = make_need(session, trust, rank=1, cycle=past, title="One too many")
    browser.sign_in(lead)
    browser.get(PAGE)
    assert "All three places are taken. To keep another need, withdraw one of those first." in browser.text
    assert "Still true: keep it" not in browser.text
    before = places(session, now)
    assert browser.post(f"/needs/{need.ref}/still-true").status_code == 422
    assert "All three places of Fernside NHS Trust in Spring are taken." in browser.text
    assert "One too many" in browser.text
    assert places(session, now) == before


def test_after_the_lock_nothing_is_kept_and_the_page_says_why(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past, title="Fewer falls")
    browser.sign_in(lead)
    session.rollback()
    now.reminds_on = now.locks_on = clock.today() - timedelta(days=1)
    session.commit()
    assert browser.post(f"/needs/{need.ref}/still-true").status_code == 422
    assert "The cycle Spring was locked at the end of" in browser.text
    assert "No cycle is open just now, so no need can be confirmed." in browser.text
    assert "Lapsed: not confirmed for Spring Fewer falls" in browser.text
    browser.get(f"/needs/{need.ref}")
    assert "Lapsed: not confirmed for Spring" in browser.text
    assert "This need lapsed on" in browser.text
    assert "See which technologies fit" not in browser.text
    browser.get("/organisations/ZZT")
    assert "Lapsed Fewer falls . Not confirmed for Spring" in browser.text
    browser.get("/top-three")
    assert "You can take it up again while a cycle is open" in browser.text


def test_a_lapsed_need_is_taken_up_again_in_a_later_cycle(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle
) -> None:
    today = clock.today()
    make_cycle(
        session, name="Winter", opens_on=today - timedelta(days=90), closes_on=today - timedelta(days=60)
    )
    now = make_cycle(session, name="Spring", opens_on=today)
    need = make_need(session, trust, rank=3, cycle=past, title="Fewer falls")
    browser.sign_in(lead)
    browser.get(PAGE)
    assert "You can take them up again. Lapsed: not confirmed for Winter Fewer falls" in browser.text
    browser.post(f"/needs/{need.ref}/still-true")
    assert places(session, now) == {3: need.id}
    browser.get("/needs")
    assert "Third priority" in browser.text
    browser.get("/organisations/ZZT/top-three")
    # The list for a new ranking counts from 1 down, so that sending it as it stands does.
    assert '<option value="1" selected>First priority</option>' in browser.page.replace("\n", "")


def test_changing_first_opens_a_draft_and_the_published_version_can_still_be_kept(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past, title="Fewer falls")
    browser.sign_in(lead)
    browser.post(f"/needs/{need.ref}/edit")
    browser.get(PAGE)
    assert "What you keep is the published version" in browser.text
    assert f'href="/needs/{need.ref}/tasks"' in browser.page
    assert f'action="/needs/{need.ref}/edit"' not in browser.page
    browser.post(f"/needs/{need.ref}/still-true")
    assert places(session, now) == {1: need.id}


def test_a_need_that_is_no_longer_needed_is_withdrawn_and_asked_about_no_more(
    browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past, title="Fewer falls")
    browser.sign_in(lead)
    browser.get(PAGE)
    assert f'href="/needs/{need.ref}/withdraw"' in browser.page
    browser.post(f"/needs/{need.ref}/withdraw", {"reason": "We solved it"})
    browser.get(PAGE)
    assert "Fewer falls" not in browser.text
    assert places(session, past) == {1: need.id}, "a closed cycle is history"


def test_the_pages_of_a_need_and_its_organisation_tell_that_it_waits(
    browser: Browser, session: Session, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past, title="Fewer falls")
    browser.get(f"/needs/{need.ref}")
    assert "Fernside NHS Trust named this need in Autumn. It can confirm it for Spring until" in browser.text
    assert "Say whether it is still true" not in browser.text
    browser.get("/organisations/ZZT")
    assert "Not yet confirmed for Spring Fewer falls . First priority in Autumn" in browser.text


def test_the_page_takes_as_many_queries_for_nine_needs_as_for_one(
    app: Flask, browser: Browser, session: Session, trust: Organisation, lead: User, past: Cycle, now: Cycle
) -> None:
    def sent() -> int:
        with statements(app) as found:
            assert browser.get(PAGE).status_code == 200
        return len(found)

    make_need(session, trust, rank=1, cycle=past)
    browser.sign_in(lead)
    sent()
    few = sent()
    session.rollback()
    for rank in (2, 3):
        make_need(session, trust, rank=rank, cycle=past)
    make_need(session, trust, rank=1, cycle=now)
    older = make_cycle(
        session, opens_on=clock.today() - timedelta(days=400), closes_on=clock.today() - timedelta(days=300)
    )
    needs: list[Need] = [make_need(session, trust, rank=rank, cycle=older) for rank in (1, 2, 3)]
    assert sent() == few
    assert browser.page.count("/still-true") >= 2 + len(needs)


def test_nobody_asks_about_a_lapsed_need_nor_is_introduced_for_it(
    browser: Browser, session: Session, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past, title="Fewer falls")
    hin = make_organisation(session, Kind.HIN)
    session.add(
        HinPatch(
            hin_id=hin.id, organisation_id=trust.id, source="test", source_date=clock.today(), confirmed=True
        )
    )
    now.reminds_on = now.locks_on = clock.today() - timedelta(days=1)
    session.commit()
    innovator, broker = make_user(session, Role.INNOVATOR), make_user(session, Role.BROKER, hin)
    browser.sign_in(innovator)
    browser.get(f"/needs/{need.ref}")
    assert "Ask a question about this need" not in browser.text
    assert (
        browser.post(f"/needs/{need.ref}/ask", {"question": "Which wards would come first?"}).status_code
        == 409
    )
    assert "This need has lapsed: its organisation has not confirmed it." in browser.text
    browser.post("/sign-out")
    browser.sign_in(broker)
    browser.get(f"/patch/{need.ref}")
    assert "so nobody can be introduced for it." in browser.text
    assert "All matches" not in browser.text
