"""The broker's morning list, one need of it, and technologies side by side."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.introductions import rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from marketplace.matches.pages import WORDS_ONLY
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind
from marketplace.technologies.models import Technology
from marketplace.vocabulary import ClinicalArea
from tests.conftest import Browser, statements
from tests.factories.introductions import NOTE, Parties, cover
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.technologies import falls_answer, make_technology

Reindex = Callable[[], None]


@pytest.fixture
def parties(session: Session) -> Parties:
    return Parties.make(session)


@pytest.fixture
def broker(session: Session, browser: Browser, parties: Parties) -> Browser:
    browser.sign_in(parties.people["broker"])
    session.rollback()  # SQLite writes from a fresh snapshot alone
    return browser


def falls_need(session: Session, parties: Parties, rank: int, title: str, *, days: int = 0) -> Need:
    return make_need(
        session,
        parties.trust,
        rank=rank,
        title=title,
        published_at=clock.now() - timedelta(days=days),
    )


def falls_technology(session: Session, parties: Parties, name: str, number: int = 0) -> Technology:
    """Return a technology that says in its own words what the falls need asks for; other numbers use others."""
    return make_technology(session, parties.supplier, name=name, **falls_answer(number))


def introduce(
    session: Session,
    parties: Parties,
    need: Need,
    technology: Technology,
    *,
    answers: tuple[Decision | None, Decision | None] = (None, None),
    proposed_days_ago: int = 0,
) -> Introduction:
    proposed = clock.now() - timedelta(days=proposed_days_ago)
    found = Introduction(
        ref=f"{need.ref}-{technology.ref}",
        need_id=need.id,
        technology_id=technology.id,
        hin_id=parties.hin.id,
        broker_id=parties.people["broker"].id,
        note=NOTE,
        proposed_at=proposed,
        decide_by=rules.answer_by(proposed),
    )
    session.add(found)
    session.flush()
    for side, decision in zip(Side, answers, strict=True):
        if decision is not None:
            found.answer(side, decision, "", None, proposed)
    session.commit()
    return found


def test_what_needs_the_broker_first_is_on_top_and_says_why(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    other = make_organisation(session, Kind.TRUST)
    cover(session, parties.hin, other)
    first = falls_technology(session, parties, "Nightsight")
    old = falls_need(session, parties, 1, "Old and untouched", days=20)
    new = falls_need(session, parties, 2, "New and untouched", days=1)
    late = falls_need(session, parties, 3, "Nearly out of time", days=30)
    introduce(session, parties, late, first, proposed_days_ago=12)
    waiting = make_need(session, other, rank=1, title="Waiting for answers")
    introduce(session, parties, waiting, first)
    stopped = make_need(session, other, rank=2, title="All stopped")
    introduce(session, parties, stopped, first, answers=(Decision.DECLINED, None))
    made = make_need(session, other, rank=3, title="Introduced already")
    introduce(session, parties, made, first, answers=(Decision.ACCEPTED, Decision.ACCEPTED))
    reindex()
    broker.get("/patch")
    titles = [need.current.title for need in (late, old, new, stopped, waiting, made)]
    places = [broker.page.index(f">{title}</a>") for title in titles]
    assert places == sorted(places)
    for words in (
        "Nothing has been proposed. Published 20 days ago.",
        "1 proposal stopped, none is open.",
        "1 proposal waits for answers. It runs out on",
        "1 technology introduced. Ask how the first meeting went.",
        "What needs you first is on top",
        "6 needs of 6 in your patch",
    ):
        assert words in broker.text


def test_each_need_shows_its_best_candidates_with_fit_passport_and_the_next_step(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    need = falls_need(session, parties, 1, "Fewer falls at night")
    good = falls_technology(session, parties, "Nightsight")
    proposed = falls_technology(session, parties, "Fallbell", 1)
    make_passport(session, good)
    introduction = introduce(session, parties, need, proposed)
    reindex()
    broker.get("/patch")
    assert "Nightsight" in broker.text
    assert "Strong fit" in broker.text or "Fair fit" in broker.text
    assert "No passport" in broker.text
    assert "must-have" in broker.text
    assert f'href="/needs/{need.ref}/introduce/{good.ref}"' in broker.page
    assert f'href="/needs/{need.ref}/introduce/{proposed.ref}"' not in broker.page
    assert f'href="/introductions/{introduction.ref}"' in broker.page


def test_a_need_that_nothing_fits_says_so(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    falls_need(session, parties, 1, "Fewer falls at night")
    reindex()
    broker.get("/patch")
    assert "Nothing on the register fits this need well." in broker.text


def test_needs_of_other_patches_and_withdrawn_ones_are_not_in_the_list(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    falls_need(session, parties, 1, "In my patch")
    make_need(session, make_organisation(session, Kind.TRUST), title="In another patch")
    make_need(session, parties.trust, withdrawn="The service has closed", title="Withdrawn need")
    reindex()
    broker.get("/patch")
    assert "In my patch" in broker.text
    assert "In another patch" not in broker.text
    assert "Withdrawn need" not in broker.text


def test_the_list_is_filtered_by_organisation_area_and_state(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    other = make_organisation(session, Kind.TRUST)
    cover(session, parties.hin, other)
    falls_need(session, parties, 1, "Falls of the trust")
    make_need(session, other, title="Heart of the other", clinical_area=ClinicalArea.CARDIOVASCULAR)
    proposed = make_need(session, other, rank=2, title="Proposed of the other")
    introduce(session, parties, proposed, falls_technology(session, parties, "Nightsight"))
    reindex()
    for query, there in (
        (f"organisation={parties.trust.code}", {"Falls of the trust"}),
        ("area=cardiovascular", {"Heart of the other"}),
        ("state=in-dialogue", {"Proposed of the other"}),
        (f"state=nothing-proposed&organisation={other.code}", {"Heart of the other"}),
        (
            "state=nonsense&area=nonsense&page=x",
            {"Falls of the trust", "Heart of the other", "Proposed of the other"},
        ),
    ):
        broker.get(f"/patch?{query}")
        every = {"Falls of the trust", "Heart of the other", "Proposed of the other"}
        assert {title for title in every if title in broker.text} == there, query
    broker.get("/patch?state=introduced")
    assert "No need of your patch is like that. Take a filter away." in broker.text
    assert 'href="/patch"' in broker.page


def test_an_empty_patch_says_what_will_appear(broker: Browser) -> None:
    broker.get("/patch")
    assert "When an organisation of your patch publishes a need, it appears here" in broker.text


def test_htmx_gets_the_list_alone(session: Session, parties: Parties, broker: Browser) -> None:
    falls_need(session, parties, 1, "Fewer falls at night")
    response = broker.client.get("/patch", headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    text = response.get_data(as_text=True)
    assert "Fewer falls at night" in text
    assert "<h1>" not in text
    assert "<html" not in text


def test_the_patch_takes_as_many_queries_for_twelve_needs_as_for_two(
    app: Flask, session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    technologies = [falls_technology(session, parties, f"Nightsight {number}", number) for number in range(3)]
    counts = []
    for organisations in (1, 5):
        for _ in range(organisations):
            trust = make_organisation(session, Kind.TRUST)
            cover(session, parties.hin, trust)
            for rank in (1, 2):
                need = make_need(session, trust, rank=rank)
                introduce(session, parties, need, technologies[rank])
        reindex()
        broker.get("/patch")  # takes the index's new rows in
        with statements(app) as sent:
            broker.get("/patch")
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_two_technologies_are_compared_must_have_by_must_have(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    need = falls_need(session, parties, 1, "Fewer falls at night")
    one = falls_technology(session, parties, "Nightsight")
    two = make_technology(session, parties.supplier, name="Bloodpress")
    reindex()
    broker.get(f"/patch/{need.ref}")
    assert "Select 2 to 4 to compare them side by side" in broker.text
    assert (
        broker.get(f"/patch/{need.ref}/compare?technology={one.ref}&technology={two.ref}").status_code == 200
    )
    assert broker.page.count('<th scope="col"') == 3
    assert "Nightsight" in broker.text
    assert "Bloodpress" in broker.text
    assert "Tell staff within 2 minutes of a fall" in broker.text
    assert "Nothing found" in broker.text
    assert f'href="/needs/{need.ref}/introduce/{one.ref}"' in broker.page


@pytest.mark.parametrize("number", [0, 1, 5])
def test_fewer_than_two_or_more_than_four_cannot_be_compared(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex, number: int
) -> None:
    need = falls_need(session, parties, 1, "Fewer falls at night")
    technologies = [falls_technology(session, parties, f"Nightsight {n}", n) for n in range(5)]
    refs = [technology.ref for technology in technologies][:number]
    reindex()
    query = "&".join(f"technology={ref}" for ref in refs)
    assert broker.get(f"/patch/{need.ref}/compare?{query}").status_code == 422
    assert broker.text.count(f"Select 2 to 4 technologies to compare. You selected {number}.") == 2
    assert broker.page.count(" checked") == number


def test_a_technology_that_has_gone_is_told_and_the_others_are_compared(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    need = falls_need(session, parties, 1, "Fewer falls at night")
    one = falls_technology(session, parties, "Nightsight")
    gone = falls_technology(session, parties, "Fallbell", 1)
    reindex()
    session.rollback()
    gone.archived_at = clock.now()
    session.commit()
    broker.get(f"/patch/{need.ref}/compare?technology={one.ref}&technology={gone.ref}")
    assert "1 technology that you selected is no longer listed" in broker.text
    assert "Fallbell" not in broker.text
    assert "Nightsight" in broker.text


def test_the_page_of_a_withdrawn_need_offers_nothing(
    session: Session, parties: Parties, broker: Browser, reindex: Reindex
) -> None:
    falls_technology(session, parties, "Nightsight")
    need = make_need(session, parties.trust, withdrawn="The service has closed")
    reindex()
    broker.get(f"/patch/{need.ref}")
    assert "This need has been withdrawn, so nobody can be introduced for it." in broker.text
    assert "Nightsight" not in broker.text


@pytest.mark.parametrize(
    "page", ["/patch", "/patch/{need}", "/patch/{need}/compare?technology={one}&technology={two}"]
)
def test_a_broker_is_told_when_needs_were_matched_by_words_alone(
    session: Session,
    parties: Parties,
    broker: Browser,
    reindex: Reindex,
    reindex_by_words: Reindex,
    page: str,
) -> None:
    need = falls_need(session, parties, 1, "Fewer falls at night")
    one, two = (
        falls_technology(session, parties, name, at) for at, name in enumerate(("Nightsight", "Fallbell"))
    )
    address = page.format(need=need.ref, one=one.ref, two=two.ref)
    reindex_by_words()
    assert broker.get(address).status_code == 200
    assert broker.text.count(WORDS_ONLY) == 1
    assert "Nightsight" in broker.text
    reindex()
    broker.get(address)
    assert WORDS_ONLY not in broker.text
