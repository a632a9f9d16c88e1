from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import quote_plus
from xml.etree import ElementTree

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.families.models import Family
from marketplace.needs.rules import Wanted
from marketplace.organisations.models import Kind, Organisation
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, FundingState, Shift, Timing
from marketplace.web.feeds import ATOM
from marketplace.web.limits import Turns
from marketplace.web.search import Found
from tests.conftest import Browser
from tests.factories.families import make_co_signature, make_family
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.web.demand.reading import PART, count, titles


def test_what_waits_to_be_confirmed_closes_before_what_has_its_place(
    browser: Browser, session: Session
) -> None:
    today = clock.today()
    past = make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100)
    )
    make_cycle(session, name="Spring", locks_on=today, closes_on=today + timedelta(days=9))
    make_need(session, cycle=past, rank=2, title="From before")
    make_need(session, title="Of this cycle")
    browser.get("/demand?sort=closing")
    assert titles(browser) == ["From before", "Of this cycle"]
    assert "unless confirmed" in browser.text


# One address for one search


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/needs", "/demand"),
        ("/needs?area=diagnostics&q=&sort=rank&page=1", "/demand?area=diagnostics&sort=rank"),
        ("/needs?q=falls&sort=best", "/demand?q=falls"),
        ("/search", "/demand"),
        ("/search?q=falls+at+home", "/demand?q=falls+at+home"),
        ("/demand?sort=newest&q=&utm_source=letter", "/demand"),
        ("/demand?shift=analogue-to-digital&area=eyes", "/demand?area=eyes&shift=analogue-to-digital"),
    ],
)  # fmt: skip
def test_old_and_unusual_addresses_lead_to_the_usual_one(browser: Browser, old: str, new: str) -> None:
    response = browser.get(old)
    assert response.status_code == 200
    path = response.request.path
    query = response.request.query_string.decode()
    assert (f"{path}?{query}" if query else path) == new


def test_a_part_of_the_page_tells_the_usual_address_instead_of_leading_there(browser: Browser) -> None:
    response = browser.client.get("/demand?q=&area=frailty&sort=newest", headers=PART)
    assert response.status_code == 200
    assert response.headers["HX-Replace-Url"] == "/demand?area=frailty"


# Filters


@pytest.fixture
def boxes(browser: Browser) -> Callable[[str], dict[str, tuple[str, bool]]]:
    """Return what reads a page's filter: value to words and whether it is ticked."""

    def read(name: str) -> dict[str, tuple[str, bool]]:
        found = {}
        for tag in re.findall(rf'<input[^>]*name="{name}"[^>]*>', browser.page):
            value, id_ = re.search(r'value="([^"]*)"', tag), re.search(r'id="([^"]*)"', tag)
            assert value
            assert id_
            label = re.search(rf'<label[^>]*for="{id_[1]}"[^>]*>([^<]*)<', browser.page)
            assert label
            found[value[1]] = (label[1], " checked" in tag)
        return found

    return read


Boxes = Callable[[str], dict[str, tuple[str, bool]]]


@pytest.mark.usefixtures("three")
def test_values_of_one_filter_are_alternatives_with_counts_under_the_others(
    browser: Browser, boxes: Boxes
) -> None:
    browser.get("/demand?area=diagnostics&type=trust")
    assert titles(browser) == ["Faster scans"]
    assert boxes("area")["diagnostics"] == ("Diagnostics and imaging (1)", True)
    assert boxes("area")["frailty"] == ("Older people and frailty (1)", False)
    assert boxes("type") == {
        "trust": ("NHS trust (1)", True),
        "icb": ("Integrated care system (0)", False),
        "hin": ("Health innovation network (0)", False),
    }
    browser.get("/demand?area=diagnostics&area=frailty&type=trust")
    assert titles(browser) == ["Faster scans", "Falls in wards"]


@pytest.mark.usefixtures("three")
def test_values_without_any_need_are_folded_away_and_grey(browser: Browser) -> None:
    browser.get("/demand")
    assert "26 without any" in browser.text
    assert re.search(r'app-none" for="area-cancer">Cancer \(0\)<', browser.page)


def test_an_ics_is_the_icb_with_its_trusts(browser: Browser, session: Session, boxes: Boxes) -> None:
    icb = make_organisation(session, Kind.ICB, code="ZZI1", name="Somewhere ICS")
    trust = make_organisation(session, Kind.TRUST, parent_id=icb.id)
    make_need(session, icb, title="Of the board")
    make_need(session, trust, title="Of its trust")
    make_need(session, title="Of another")
    browser.get("/demand?ics=ZZI1")
    assert set(titles(browser)) == {"Of the board", "Of its trust"}
    assert boxes("ics")["ZZI1"] == ("Somewhere ICS (2)", True)


def test_evidence_timing_and_funding_can_be_filtered(browser: Browser, session: Session) -> None:
    make_need(
        session,
        title="With money",
        evidence_wanted=(Wanted(EvidenceType.DTAC, "x"), Wanted(EvidenceType.CARBON, '"type": "dspt"')),
        timing=Timing.NOW,
        funding_state=FundingState.COMMITTED,
    )
    make_need(session, title="Without")
    for query in ("evidence=carbon", "evidence=dtac&evidence=dspt", "timing=now", "funding=committed"):
        browser.get(f"/demand?{query}")
        assert titles(browser) == ["With money"], query
    browser.get("/demand?evidence=dspt")
    assert titles(browser) == []


def test_what_lapsed_or_was_withdrawn_is_found_when_it_is_asked_for(
    browser: Browser, session: Session, boxes: Boxes
) -> None:
    today = clock.today()
    past = make_cycle(session, opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100))
    make_cycle(session, name="Spring", locks_on=today - timedelta(days=1))
    make_need(session, cycle=past, title="From before")
    make_need(session, withdrawn="x", title="Taken back")
    make_need(session, title="Still open")
    make_draft(session, title="A draft")
    browser.get("/demand?state=lapsed&state=withdrawn")
    assert sorted(titles(browser)) == ["From before", "Taken back"]
    assert {value: words for value, (words, _) in boxes("state").items()} == {
        "open": "Open now (1)",
        "lapsed": "Lapsed, confirmed by nobody (1)",
        "withdrawn": "Withdrawn (1)",
    }
    assert "Lapsed: not confirmed for Spring" in browser.text
    browser.get("/needs?show=lapsed")
    assert titles(browser) == ["From before"]
    browser.get("/demand?q=before+residents&state=lapsed")
    assert titles(browser) == ["From before"]
    browser.get("/demand?q=before+zebra&state=lapsed")
    assert titles(browser) == []


@pytest.mark.usefixtures("three")
def test_chosen_filters_can_be_taken_away_one_by_one(browser: Browser) -> None:
    browser.get("/demand?area=diagnostics&type=trust&sort=rank")
    links = [
        unescape(href)
        for href in re.findall(r'<li><a href="([^"]*)"><span[^>]*>Remove the filter', browser.page)
    ]
    assert links == ["/demand?area=diagnostics&sort=rank", "/demand?type=trust&sort=rank"]


# Words


def test_words_in_quotation_marks_are_found_exactly(
    browser: Browser, session: Session, reindex: Callable[[], None]
) -> None:
    make_need(session, title="Beds at home", problem="A virtual ward needs staff.")
    make_need(session, title="Beds in wards", problem="A ward that is virtual needs staff.")
    make_need(session, title="Must say it", must=("Works on a Virtual\u00a0Ward", "Any"))
    reindex()
    browser.get('/demand?q="virtual ward"')
    assert sorted(titles(browser)) == ["Beds at home", "Must say it"]
    browser.get('/demand?q="ward virtual"')
    assert "No need fits" in count(browser)


def test_typing_errors_and_abbreviations_are_understood(
    browser: Browser, session: Session, reindex: Callable[[], None]
) -> None:
    make_need(
        session,
        title="Ambulances wait at emergency departments",
        problem="Ambulance crews wait to hand over.",
    )
    make_need(session, title="Faster pay", problem="Invoices wait.", who_affected="Suppliers", must=("Pay", "Log"),
              outcome="Paid", pathway_today="Paper")  # fmt: skip
    reindex()
    for typed in ("ambulence handover at ED", "ambulance crews A&E waits"):
        browser.get("/demand?q=" + quote_plus(typed))
        assert titles(browser) == ["Ambulances wait at emergency departments"], typed


def test_each_result_shows_how_well_it_fits_and_its_nearest_sentence(
    browser: Browser, session: Session, reindex: Callable[[], None]
) -> None:
    need = make_need(session)
    reindex()
    browser.get("/demand?q=residents fall at night in care homes and nobody sees it, no wifi")
    version = need.current
    assert version is not None
    assert re.search("(Strong|Fair) fit", browser.page)
    quote = re.search("“(.+?)” <span[^>]*>From its ([^<]+)<", browser.page)
    assert quote is not None
    assert "<mark>" in quote[1]
    said = unescape(re.sub("<[^>]+>", "", quote[1]))
    written = [
        version.title,
        version.problem,
        version.outcome,
        version.pathway_today,
        version.who_affected,
        *version.must,
    ]
    assert any(said in text for text in written)


@pytest.mark.parametrize(
    "text",
    [
        "   ",
        "\u200b",
        "<script>alert(1)</script>",
        "x" * 5000,
        "'; DROP TABLE need; --",
        '"',
        '"%_"',
        "“\\”",
        "%",
        "_",
    ],
)
@pytest.mark.usefixtures("three")
def test_any_text_can_be_searched_for(browser: Browser, text: str) -> None:
    for path in ("/demand", "/demand.atom"):
        response = browser.client.get(
            path, query_string={"q": text, "state": "lapsed"}, follow_redirects=True
        )
        assert response.status_code == 200
        assert "<script>alert" not in response.get_data(as_text=True)


# Too often


def test_who_searches_very_often_waits_and_is_told_for_how_long(app: Flask, browser: Browser) -> None:
    with time_machine.travel(clock.now(), tick=False):
        app.extensions["search_turns"] = Turns(each_minute=10)
        for number in range(10):
            assert browser.client.get(f"/demand?q=falls+{number}").status_code == 200
        refused = browser.client.get("/demand?q=falls")
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "6"
        page = refused.get_data(as_text=True)
        assert "You have searched very often" in page
        assert 'href="/demand?q=falls"' in page
        part = browser.client.get("/demand?q=falls", headers=PART)
        assert part.status_code == 429
        assert part.headers["HX-Retarget"] == "#wait"
        assert "<html" not in part.get_data(as_text=True)
        # Looking without a text costs little, and the feed is a search like any other.
        assert browser.client.get("/demand?area=frailty").status_code == 200
        assert browser.client.get("/demand.atom?q=falls").status_code == 429


def test_a_signed_in_person_has_turns_of_their_own(
    app: Flask, browser: Browser, new_browser: Callable[[], Browser], session: Session
) -> None:
    with time_machine.travel(clock.now(), tick=False):
        app.extensions["search_turns"] = Turns(each_minute=1)
        assert browser.client.get("/demand?q=falls").status_code == 200
        assert browser.client.get("/demand?q=falls").status_code == 429
        person = new_browser().sign_in(make_user(session))
        assert person.client.get("/demand?q=falls").status_code == 200


def test_all_addresses_of_one_line_share_its_turns(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False):
        app.extensions["search_turns"] = Turns(each_minute=1)
        statuses = [
            app.test_client().get("/demand?q=falls", environ_base={"REMOTE_ADDR": address}).status_code
            for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:3::1")
        ]
    assert statuses == [200, 429, 200]


# The feed


def test_the_feed_holds_what_the_search_finds_what_changed_last_first(
    browser: Browser, session: Session, three: None
) -> None:
    response = browser.client.get("/demand.atom?organisation=ZZNT&sort=rank")
    assert response.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(response.data)
    ns = {"a": ATOM}
    assert [title.text for title in feed.findall("a:entry/a:title", ns)] == ["Faster scans", "Falls in wards"]
    assert feed.findtext("a:title", "", ns) == "Demand Signal: organisation: Northern Trust"
    links = {link.get("rel"): link.get("href") for link in feed.findall("a:link", ns)}
    assert links == {
        "self": "http://127.0.0.1:8000/demand.atom?organisation=ZZNT&sort=rank",
        "alternate": "http://127.0.0.1:8000/demand?organisation=ZZNT&sort=rank",
    }
    assert feed.findtext("a:updated", "", ns) == "2026-10-02T00:00:00.000000Z"
    ids = [entry.findtext("a:id", "", ns) for entry in feed.findall("a:entry", ns)]
    assert len(set(ids)) == 2
    again = browser.client.get(
        "/demand.atom?organisation=ZZNT&sort=rank", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 304


def test_the_feed_of_a_search_leaves_out_what_does_not_fit_well(
    app: Flask, browser: Browser, session: Session
) -> None:
    best, other = make_need(session, title="Fits").ref, make_need(session, title="Hardly").ref
    app.extensions["need_search"] = lambda *_: Found((best, other), frozenset({best}))
    assert "<title>Fits</title>" in browser.client.get("/demand.atom?q=falls").get_data(as_text=True)
    assert "Hardly" not in browser.client.get("/demand.atom?q=falls").get_data(as_text=True)
    app.extensions["need_search"] = lambda *_: Found((other, best), frozenset())
    assert "<entry>" not in browser.client.get("/demand.atom?q=falls").get_data(as_text=True)


def test_the_page_names_its_feed(browser: Browser, three: None) -> None:
    browser.get("/demand?area=frailty")
    link = re.search(r'<link rel="alternate" type="application/atom\+xml"[^>]*>', browser.page)
    assert link
    assert 'href="/demand.atom?area=frailty"' in link[0]


# Families


@pytest.fixture
def family(session: Session, north: Organisation) -> Family:
    trust = make_organisation(session, Kind.TRUST, name="Northern Trust", region_id=north.id)
    icb = make_organisation(session, Kind.ICB, name="Southern ICB")
    first = make_need(session, trust, title="Falls in wards", published_at=datetime(2026, 10, 1, tzinfo=UTC))
    second = make_need(session, icb, title="Falls at home", published_at=datetime(2026, 10, 3, tzinfo=UTC),
                       care_setting=CareSetting.HOME)  # fmt: skip
    make_need(session, title="Faster scans", published_at=datetime(2026, 10, 2, tzinfo=UTC))
    make_co_signature(session, first, make_organisation(session, name="Eastern Trust"))
    return make_family(session, first, second, name="Falls seen sooner")


def test_a_family_is_found_beside_its_needs_and_leads_to_its_page(
    browser: Browser, session: Session, family: Family, boxes: Boxes
) -> None:
    browser.get("/demand?sort=shared")
    assert count(browser) == "3 needs and 1 family of needs"
    found = re.findall(r'<h3[^>]*><a href="([^"]*)">([^<]*)</a>', browser.page)
    assert found[0] == (f"/families/{family.ref}", "Falls seen sooner")
    assert "3 organisations share it, North" in browser.text.replace(" ,", ",")
    assert "Shared by 1 other organisation" in browser.text
    assert boxes("kind") == {
        "need": ("Needs of one organisation (3)", False),
        "family": ("Families of needs that several share (1)", False),
    }
    # It has the values of each of its needs.
    browser.get("/demand?setting=home&kind=family")
    assert "Falls seen sooner" in browser.text
    browser.get("/demand?kind=need")
    assert "Falls seen sooner" not in browser.text


def test_a_family_is_found_by_what_one_of_its_needs_says(
    app: Flask, browser: Browser, session: Session, family: Family
) -> None:
    refs = {member.need.current.title: member.need.ref for member in family.members if member.need.current}
    session.rollback()
    best = refs["Falls in wards"]
    app.extensions["need_search"] = lambda *_: Found((best,), frozenset({best}), strengths={best: "strong"})
    browser.get("/demand?q=falls")
    assert re.findall(r'<h3[^>]*><a href="[^"]*">([^<]*)</a>', browser.page) == [
        "Falls seen sooner",
        "Falls in wards",
    ]
    assert browser.text.count("Strong fit") == 2
    assert "tag:127.0.0.1,2026:family/" in browser.client.get("/demand.atom?q=falls").get_data(as_text=True)


def test_of_a_withdrawn_need_the_reason_is_found_and_not_what_it_said(
    browser: Browser, session: Session
) -> None:
    need = make_need(session, title="Taken back", problem="Names of patients", withdrawn="Named somebody",
                     clinical_area=ClinicalArea.CANCER)  # fmt: skip
    need.withdrawn_at = datetime(2026, 10, 9, 12, tzinfo=UTC)
    session.commit()
    browser.get("/demand?q=taken+somebody&state=withdrawn")
    assert titles(browser) == ["Taken back"]
    assert "Named somebody" in browser.text
    assert "Names of patients" not in browser.text
    (results,) = re.findall(r'<ol class="app-results">.*?</ol>', browser.page, re.DOTALL)
    assert "Cancer" not in results
    feed = browser.client.get("/demand.atom?q=somebody&state=withdrawn")
    ns = {"a": ATOM}
    (entry,) = ElementTree.fromstring(feed.data).findall("a:entry", ns)
    assert entry.findtext("a:title", "", ns) == "Withdrawn: Taken back"
    assert entry.findtext("a:summary", "", ns) == "Withdrawn on 9 October 2026. Named somebody"
    assert entry.findtext("a:updated", "", ns).startswith("2026-10-09T12:00:00")
    assert entry.findall("a:category", ns) == []
    assert b"Names of patients" not in feed.data


@pytest.mark.parametrize(
    "guess",
    ["q=patients", "q=%22names+of+patients%22", "q=taken+patients", "q=find+room", "q=%22the+room%22", "area=cancer",
     "setting=theatre", "shift=analogue-to-digital", "timing=now", "funding=committed", "evidence=dspt"],
)  # fmt: skip
def test_nobody_can_guess_what_a_withdrawn_need_said(browser: Browser, session: Session, guess: str) -> None:
    values = {
        "title": "Taken back",
        "problem": "Names of patients",
        "must": ("Find the room",),
        "clinical_area": ClinicalArea.CANCER,
        "care_setting": CareSetting.THEATRE,
        "shift": Shift.ANALOGUE_TO_DIGITAL,
        "timing": Timing.NOW,
        "funding_state": FundingState.COMMITTED,
        "evidence_wanted": (Wanted(EvidenceType.DSPT, ""),),
    }
    today = clock.today()
    past = make_cycle(session, opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100))
    make_cycle(session, name="Spring", locks_on=today - timedelta(days=1))
    make_need(session, cycle=past, **values)
    make_need(session, cycle=past, withdrawn="Solved", **values)
    browser.get(f"/demand?{guess}&state=lapsed&state=withdrawn")
    assert titles(browser) == ["Taken back"]  # the one that has lapsed: its text still stands on its page
    browser.get(f"/demand?{guess}&state=withdrawn")
    assert titles(browser) == []


def test_what_was_withdrawn_comes_in_the_feed_by_when_that_was(browser: Browser, session: Session) -> None:
    now = clock.now()
    old = make_need(session, title="Old and withdrawn today", withdrawn="Solved")
    for need, published, gone in (
        (old, 30, 1),
        (make_need(session, title="Younger"), 5, None),
        (make_need(session, title="Young and withdrawn before", withdrawn="Solved"), 8, 6),
    ):
        need.published_at = need.versions[0].published_at = now - timedelta(days=published)
        need.withdrawn_at = now - timedelta(days=gone) if gone else None
    session.commit()
    feed = browser.client.get("/demand.atom?state=open&state=lapsed&state=withdrawn")
    ns = {"a": ATOM}
    entries = ElementTree.fromstring(feed.data).findall("a:entry", ns)
    assert [entry.findtext("a:title", "", ns) for entry in entries] == [
        "Withdrawn: Old and withdrawn today",
        "Younger",
        "Withdrawn: Young and withdrawn before",
    ]
    updated = [entry.findtext("a:updated", "", ns) for entry in entries]
    assert updated == sorted(updated, reverse=True)


def test_a_family_of_which_one_need_is_left_is_no_family(
    browser: Browser, session: Session, family: Family
) -> None:
    need = family.members[0].need
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    browser.get("/demand")
    assert count(browser) == "2 needs"
