from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.needs.models import Need, NeedVersion
from marketplace.organisations.models import Kind, Organisation
from marketplace.web.search import Found
from marketplace.web.words import UNKNOWN_FILTER
from tests.conftest import Browser, statements
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.web.demand.reading import PART, count, titles


def test_before_the_first_need_the_board_says_what_will_appear(browser: Browser) -> None:
    browser.get("/needs")
    assert "Nothing has been published in this cycle yet" in browser.text
    assert count(browser) == "0 needs"


@pytest.mark.usefixtures("three")
def test_the_board_shows_published_needs_newest_first_with_what_decides(browser: Browser) -> None:
    browser.get("/needs")
    assert titles(browser) == ["Falls at home", "Faster scans", "Falls in wards"]
    assert count(browser) == "3 needs"
    assert "Faster scans Northern Trust , North" in browser.text
    assert "First priority Diagnostics and imaging Care home Analogue to digital" in browser.text
    assert "A bid or business case is being written" in browser.text


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("area=diagnostics", ["Faster scans"]),
        ("setting=home", ["Falls at home"]),
        ("shift=sickness-to-prevention", ["Falls at home"]),
        ("organisation=ZZNT", ["Faster scans", "Falls in wards"]),
        ("organisation=ZZNT&area=diagnostics", ["Faster scans"]),
        ("organisation=ZZSI&area=diagnostics", []),
        ("sort=rank", ["Faster scans", "Falls in wards", "Falls at home"]),
        ("sort=nonsense&area=unknown&page=nine", ["Falls at home", "Faster scans", "Falls in wards"]),
    ],
)
def test_filters_and_order_stand_in_the_address(browser: Browser, query: str, expected: list[str]) -> None:
    assert browser.get(f"/needs?{query}").status_code == 200
    assert titles(browser) == expected


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "query", ["area=unknown", "sort=nonsense", "sort=nonsense&area=unknown&setting=moon"]
)
def test_filters_that_are_not_known_are_told_once(browser: Browser, query: str) -> None:
    browser.get(f"/needs?{query}")
    assert browser.text.count(UNKNOWN_FILTER) == 1
    browser.get("/needs?area=diagnostics&sort=rank")
    assert UNKNOWN_FILTER not in browser.text


@pytest.mark.usefixtures("three")
def test_the_region_filter_follows_the_organisation(browser: Browser, north: Organisation) -> None:
    browser.get(f"/needs?region={north.code}")
    assert titles(browser) == ["Faster scans", "Falls in wards"]
    assert count(browser) == "2 needs with these filters"


@pytest.mark.usefixtures("three")
def test_each_filter_value_tells_how_many_needs_it_would_show(browser: Browser) -> None:
    browser.get("/needs?organisation=ZZNT")
    assert "Older people and frailty (1)" in browser.text
    assert "Diagnostics and imaging (1)" in browser.text
    assert "Southern ICB (1)" in browser.text
    assert "Northern Trust (2)" in browser.text


@pytest.mark.usefixtures("three")
def test_search_finds_by_words_and_keeps_the_filters(browser: Browser, reindex: Callable[[], None]) -> None:
    reindex()
    browser.get("/needs?q=faster+scans")
    assert titles(browser)[0] == "Faster scans"
    assert "for “faster scans”" in count(browser)
    browser.get("/needs?q=faster+scans&organisation=ZZSI")
    assert "Faster scans" not in titles(browser)


@pytest.mark.usefixtures("three")
def test_a_search_shows_only_what_fits_or_says_that_nothing_does(
    app: Flask, browser: Browser, session: Session
) -> None:
    refs = dict(session.query(NeedVersion.title, Need.ref).join(Need, Need.id == NeedVersion.need_id).all())
    best, other = refs["Falls in wards"], refs["Falls at home"]
    app.extensions["need_search"] = lambda *_: Found((best, other), frozenset({best}))
    browser.get("/needs?q=falls")
    assert titles(browser) == ["Falls in wards"]
    assert count(browser) == "1 need for “falls”"
    app.extensions["need_search"] = lambda *_: Found((other, best), frozenset())
    browser.get("/needs?q=zebra")
    assert count(browser) == "No need fits “zebra” well"
    assert titles(browser) == ["Falls at home", "Falls in wards"]
    assert "These are the closest we have" in browser.text


@pytest.mark.usefixtures("three")
def test_a_search_by_words_alone_says_so(app: Flask, browser: Browser) -> None:
    app.extensions["need_search"] = lambda *_: Found((), degraded=True)
    browser.get("/needs?q=falls")
    assert "Search compares words only just now" in browser.text


@pytest.mark.usefixtures("three")
def test_an_overlong_search_is_cut_and_says_so(browser: Browser) -> None:
    browser.get("/needs?q=" + "falls+" * 90)
    assert "We searched for the first 500 characters" in browser.text


@pytest.mark.usefixtures("three")
def test_what_is_searched_for_is_shown_as_text(browser: Browser) -> None:
    browser.get('/needs?q="><script>alert(1)</script>')
    assert "<script>alert" not in browser.page


@pytest.mark.usefixtures("three")
def test_a_script_gets_the_same_results_as_a_part_of_the_page(browser: Browser) -> None:
    browser.get("/needs?area=diagnostics")
    whole = titles(browser)
    response = browser.client.get("/needs?area=diagnostics", headers=PART, follow_redirects=True)
    browser.page = response.get_data(as_text=True)
    assert titles(browser) == whole
    assert "<html" not in browser.page
    assert "hx-" not in browser.page
    assert "HX-Request-Type" in response.headers["Vary"]


def test_drafts_withdrawn_needs_and_earlier_cycles_are_not_on_the_board(
    browser: Browser, session: Session
) -> None:
    today = clock.today()
    past = make_cycle(session, opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100))
    make_cycle(session, name="Spring", locks_on=today - timedelta(days=1))
    make_need(session, cycle=past, title="From before")
    make_need(session, withdrawn="x", title="Withdrawn")
    make_draft(session, title="Draft")
    make_need(session, title="On the board")
    browser.get("/needs")
    assert titles(browser) == ["On the board"]
    browser.get("/needs?show=lapsed")
    assert titles(browser) == ["From before"]
    assert count(browser) == "1 lapsed need"
    assert "Lapsed: not confirmed for Spring" in browser.text


def test_needs_of_the_last_cycle_stay_on_the_board_until_the_new_one_locks(
    browser: Browser, session: Session
) -> None:
    today = clock.today()
    past = make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100)
    )
    make_cycle(session, name="Spring", locks_on=today, closes_on=today + timedelta(days=9))
    need = make_need(session, cycle=past, rank=2, title="From before")
    browser.get("/needs")
    assert titles(browser) == ["From before"]
    assert "Second priority in Autumn Not yet confirmed for Spring" in browser.text
    browser.get("/needs?show=lapsed")
    assert titles(browser) == []
    assert "No need has lapsed." in browser.text
    browser.get(f"/needs/{need.ref}")
    assert "It can confirm it for Spring until" in browser.text


def test_lapsed_needs_are_searched_for_by_the_words_of_their_texts(
    browser: Browser, session: Session
) -> None:
    today = clock.today()
    past = make_cycle(session, opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100))
    make_cycle(session, locks_on=today - timedelta(days=1))
    make_need(session, cycle=past, title="Fewer falls", problem="At night")
    make_need(session, cycle=past, title="Fewer scans", problem="By day")
    browser.get("/needs?show=lapsed&q=FEWER+night")
    assert titles(browser) == ["Fewer falls"]
    assert count(browser) == "1 lapsed need for “FEWER night”"
    assert "looks for all of your words" in browser.text


def test_the_board_has_pages_that_keep_the_filters(browser: Browser, session: Session) -> None:
    for number in range(23):
        make_need(
            session, rank=1, title=f"Need {number:02}", published_at=datetime(2026, 10, 1, number, tzinfo=UTC)
        )
    browser.get("/needs?area=frailty")
    assert titles(browser) == [f"Need {number:02}" for number in range(22, 2, -1)]
    assert "Page 1 of 2" in browser.text
    following = re.search(r'href="([^"]*)" rel="next"', browser.page)
    assert following
    browser.get(following[1].replace("&amp;", "&"))
    assert titles(browser) == ["Need 02", "Need 01", "Need 00"]
    browser.get("/needs?page=99")
    assert "Page 2 of 2" in browser.text


def test_the_boards_queries_do_not_grow_with_the_data(app: Flask, browser: Browser, session: Session) -> None:
    def sent() -> int:
        with statements(app) as found:
            assert browser.get("/needs").status_code == 200
        return len(found)

    region = make_organisation(session, Kind.REGION)
    make_need(session, make_organisation(session, region_id=region.id))
    first, again = sent(), sent()
    for _ in range(24):
        make_need(session, make_organisation(session, region_id=region.id))
    assert (sent(), sent()) == (first, again)
    assert first <= 10
    assert again <= 4, "what has not changed is read again"
