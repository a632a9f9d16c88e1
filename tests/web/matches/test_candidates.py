from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.matches.finder import Finders
from marketplace.matches.pages import WORDS_ONLY
from marketplace.needs.models import Need
from marketplace.technologies.models import Technology
from marketplace.vocabulary import EvidenceType
from marketplace.web.words import UNKNOWN_FILTER
from matching.errors import EncoderUnavailable
from tests.conftest import Browser, statements
from tests.factories.needs import make_need
from tests.factories.people import make_user
from tests.factories.technologies import make_evidence, make_technology

Reindex = Callable[[], None]


@pytest.fixture
def need(session: Session) -> Need:
    # Named: the factories' "Test need 34" and "Test Supplier 56" share words, and nearly fit each other by chance.
    return make_need(session, title="Fewer falls at night")


@pytest.fixture
def nightlight(session: Session) -> Technology:
    technology = make_technology(
        session,
        name="Nightlight",
        summary=(
            "A mat beside the bed of older people in care homes. It tells staff within 2 minutes of a fall at night "
            "in their own rooms, so that residents who fall are found. It works where there is no wifi."
        ),
    )
    make_evidence(session, technology, type=EvidenceType.REAL_WORLD, number="", summary="Ten care homes.")
    return technology


@pytest.fixture
def other(session: Session) -> Technology:
    return make_technology(
        session, name="Payline", summary="Software that pays invoices of suppliers by itself."
    )


@pytest.fixture
def lead(browser: Browser, session: Session, need: Need) -> Browser:
    browser.sign_in(make_user(session, Role.NEED_LEAD, need.organisation))
    session.rollback()  # what was read before the sign-in was written is old now
    return browser


def test_a_lead_sees_technologies_ranked_with_a_reason_for_each_must_have(
    lead: Browser, need: Need, nightlight: Technology, other: Technology, reindex: Reindex
) -> None:
    reindex()
    lead.get(f"/needs/{need.ref}/matches")
    assert lead.text.index("Nightlight") < lead.text.index("Payline")
    assert "Work where there is no wifi Answers" in lead.text
    assert "It works where there is no wifi" in lead.text
    assert "From its summary" in lead.text
    assert "No passport" in lead.text


def test_evidence_wanted_is_set_against_evidence_held(
    lead: Browser, need: Need, nightlight: Technology, reindex: Reindex
) -> None:
    reindex()
    lead.get(f"/needs/{need.ref}/matches")
    assert "Real-world results from a service Held" in lead.text
    assert "Holds 1 of 1 kinds of evidence wanted" in lead.text


def test_when_nothing_fits_the_page_says_so(
    lead: Browser, need: Need, other: Technology, reindex: Reindex
) -> None:
    reindex()
    lead.get(f"/needs/{need.ref}/matches")
    assert "Nothing on the register fits this need well" in lead.text
    assert "with these filters" not in lead.text
    assert 'href="/technologies">Look at all technologies' in lead.page


def test_a_need_published_a_moment_ago_says_that_it_is_being_read(lead: Browser, need: Need) -> None:
    lead.get(f"/needs/{need.ref}/matches")
    assert "Reload the page in a few seconds" in lead.text
    assert "Nothing on the register" not in lead.text


def test_an_archived_technology_is_not_shown_even_before_the_index_knows(
    lead: Browser, need: Need, nightlight: Technology, session: Session, reindex: Reindex
) -> None:
    reindex()
    nightlight.archived_at = clock.now()
    session.commit()
    lead.get(f"/needs/{need.ref}/matches")
    assert "Nightlight" not in lead.text


def test_only_with_a_passport_leaves_out_what_has_none(
    lead: Browser, need: Need, nightlight: Technology, reindex: Reindex
) -> None:
    reindex()
    lead.get(f"/needs/{need.ref}/matches?passport=yes")
    assert "Nightlight" not in lead.text
    # It is the filter that left nothing, and the page does not say that the register has nothing.
    assert "Nothing on the register fits this need well with these filters" in lead.text
    assert f'href="/needs/{need.ref}/matches">Clear the filters' in lead.page


def test_choices_that_are_not_known_count_as_not_made(
    lead: Browser, need: Need, nightlight: Technology, reindex: Reindex
) -> None:
    reindex()
    response = lead.get(f"/needs/{need.ref}/matches?order=price&setting=moon&passport=perhaps")
    assert response.status_code == 200
    assert "Nightlight" in lead.text
    assert lead.text.count(UNKNOWN_FILTER) == 1


@pytest.mark.parametrize("value", ["order=price", "setting=moon", "passport=perhaps"])
def test_both_match_pages_say_once_that_a_filter_is_not_known(
    lead: Browser,
    need: Need,
    nightlight: Technology,
    session: Session,
    new_browser: Callable[[], Browser],
    value: str,
) -> None:
    innovator = new_browser().sign_in(make_user(session, Role.INNOVATOR, nightlight.supplier))
    for browser, path in (
        (lead, f"/needs/{need.ref}/matches"),
        (innovator, f"/technologies/{nightlight.ref}/needs"),
    ):
        browser.get(f"{path}?{value}")
        assert browser.text.count(UNKNOWN_FILTER) == 1
        browser.get(f"{path}?order=fit&setting=&passport=yes")
        assert UNKNOWN_FILTER not in browser.text


def test_htmx_gets_the_list_alone(
    lead: Browser, need: Need, nightlight: Technology, reindex: Reindex
) -> None:
    reindex()
    body = lead.client.get(
        f"/needs/{need.ref}/matches", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    ).get_data(as_text=True)
    assert "Nightlight" in body
    assert "<html" not in body
    assert "hx-" not in body


def test_without_the_model_the_page_matches_words_and_says_so(
    app: Flask,
    lead: Browser,
    need: Need,
    nightlight: Technology,
    reindex: Reindex,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reindex()
    own: Finders = app.extensions["finders"]

    def fail(_texts: object) -> object:
        raise EncoderUnavailable("gone")

    monkeypatch.setattr(own.encoder, "encode_queries", fail)
    lead.get("/technologies?q=fall at night")
    assert "Just now we compare words only" in lead.text
    assert "Nightlight" in lead.text


def test_a_need_matched_by_words_alone_says_so(
    lead: Browser, need: Need, nightlight: Technology, reindex: Reindex, reindex_by_words: Reindex
) -> None:
    reindex_by_words()
    lead.get(f"/needs/{need.ref}/matches")
    assert lead.text.count(WORDS_ONLY) == 1
    assert "Nightlight" in lead.text
    reindex()
    lead.get(f"/needs/{need.ref}/matches")
    assert WORDS_ONLY not in lead.text


def test_the_number_of_queries_does_not_grow_with_the_candidates(
    app: Flask, lead: Browser, need: Need, session: Session, reindex: Reindex
) -> None:
    counts = []
    for more in (3, 12):
        for number in range(more):
            technology = make_technology(
                session, name=f"Nightlight {more} {number}", summary="Falls at night, found."
            )
            make_evidence(session, technology)
        reindex()
        lead.get(f"/needs/{need.ref}/matches")
        with statements(app) as sent:
            lead.get(f"/needs/{need.ref}/matches")
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_an_innovator_sees_open_needs_ranked_with_what_is_missing(
    browser: Browser, session: Session, need: Need, nightlight: Technology, reindex: Reindex
) -> None:
    far = make_need(
        session,
        title="Pay invoices faster",
        problem="Invoices of suppliers wait for weeks.",
        who_affected="Finance teams",
        how_many_note="invoices",
        pathway_today="Paper in trays.",
        outcome="Every invoice is paid on its day.",
        measure="Days to payment",
        must=("Pay in 5 days", "Log each payment"),
        clinical_area="operations",
        care_setting="across-a-system",
    )
    reindex()
    browser.sign_in(make_user(session, Role.INNOVATOR, nightlight.supplier))
    browser.get(f"/technologies/{nightlight.ref}/needs")
    current = need.current
    assert current is not None
    assert current.title in browser.text
    assert "Answers" in browser.text
    assert far.ref not in browser.page.partition("The nearest of the rest")[0]
