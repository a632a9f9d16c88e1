"""Others need this too: on a published need, and while one is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.needs.models import NeedDraft, Priority
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser, statements
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user

HEADING = "Others need this too"
OWN_ANYWAY = "These organisations have published something like this. You can co-sign one of these needs"
ONLY_WORDS = "We compared words only just now"

NIGHT = "Residents fall at night in their own rooms and nobody sees it."
NIGHT_TOO = "Nobody sees when residents fall in their rooms at night."
PUMPS = {
    "problem": "Infusion pumps are lost and porters search every store for them.",
    "who_affected": "Porters and ward nurses",
    "pathway_today": "A list on paper says which ward had the pump last.",
    "outcome": "A pump is found within five minutes.",
    "measure": "Minutes of searching",
    "baseline": "21",
    "target": "5",
    "must": ("Show the room that a pump is in",),
    "evidence_wanted": (),
    "clinical_area": None,
    "care_setting": None,
    "shift": None,
}

Reindex = Callable[[], None]


@pytest.fixture
def fernside(session: Session) -> Organisation:
    make_cycle(session)
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def elmbrook(session: Session) -> Organisation:
    return make_organisation(session, Kind.ICB, name="Elmbrook")


def test_a_public_need_shows_who_else_needs_this_and_what_both_speak_of(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    like = make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT_TOO)
    make_need(session, title="Lost infusion pumps", **PUMPS)
    reindex()
    browser.get(f"/needs/{need.ref}")
    part = browser.text.split(HEADING)[1].split("History")[0]
    assert "Night-time falls unseen" in part
    assert "Elmbrook" in part
    assert "Both speak of" in part
    assert "Lost infusion pumps" not in part
    assert f'href="/needs/{like.ref}"' in browser.page
    assert ONLY_WORDS not in browser.text
    assert browser.text.count(HEADING) == 1, "what is like a need is told once"


def test_where_nothing_is_alike_nothing_is_shown(
    browser: Browser, session: Session, fernside: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    make_need(session, title="Lost infusion pumps", **PUMPS)
    reindex()
    browser.get(f"/needs/{need.ref}")
    assert HEADING not in browser.text


def test_a_need_that_is_not_indexed_yet_shows_its_page_all_the_same(
    browser: Browser, session: Session, fernside: Organisation
) -> None:
    need = make_need(session, fernside, title="Falls at night")
    assert browser.get(f"/needs/{need.ref}").status_code == 200
    assert HEADING not in browser.text


def test_at_most_five_are_shown_and_none_of_the_organisation_itself(
    browser: Browser, session: Session, fernside: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    make_need(session, fernside, rank=2, title="Our own second", problem=NIGHT)
    for number in range(7):
        make_need(session, title=f"Like it {number}", problem=NIGHT_TOO)
    reindex()
    browser.get(f"/needs/{need.ref}")
    assert sum(f"Like it {number}" in browser.text for number in range(7)) == 5
    assert "Our own second" not in browser.text


def test_what_was_withdrawn_a_moment_ago_is_not_shown_even_while_it_is_indexed(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    like = make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT_TOO)
    reindex()
    like.withdrawn_at = clock.now()
    session.delete(session.scalars(select(Priority).where(Priority.need_id == like.id)).one())
    session.commit()
    browser.get(f"/needs/{need.ref}")
    assert HEADING not in browser.text


def test_an_earlier_version_shows_no_likes(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT_TOO)
    need.version = 2
    version = type(need.versions[0])(need_id=need.id, number=2, published_at=clock.now())
    version.fill(need.versions[0].content())
    session.add(version)
    session.commit()
    reindex()
    browser.get(f"/needs/{need.ref}/versions/1")
    assert HEADING not in browser.text
    browser.get(f"/needs/{need.ref}/versions/2")
    assert HEADING in browser.text


def test_without_the_model_words_are_compared_and_the_page_says_so(
    browser: Browser,
    session: Session,
    fernside: Organisation,
    elmbrook: Organisation,
    reindex_by_words: Reindex,
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT_TOO)
    reindex_by_words()
    browser.get(f"/needs/{need.ref}")
    assert "Night-time falls unseen" in browser.text.split(HEADING)[1]
    assert ONLY_WORDS in browser.text


def test_while_a_need_is_written_its_lead_sees_who_has_published_something_like_it(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT_TOO)
    draft = make_draft(session, fernside, title="Falls at night", problem=NIGHT)
    reindex()
    browser.sign_in(make_user(session, Role.NEED_LEAD, fernside))
    browser.get(f"/needs/{draft.ref}/check")
    assert OWN_ANYWAY in browser.text
    assert "Night-time falls unseen" in browser.text.split(OWN_ANYWAY)[1]


def test_right_after_the_problem_is_written_its_lead_sees_who_needs_this_too_and_can_co_sign(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    like = make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT_TOO)
    draft = make_draft(session, fernside, title="Falls at night", problem="")
    reindex()
    browser.sign_in(make_user(session, Role.NEED_LEAD, fernside))
    browser.get(f"/needs/{draft.ref}/questions/people")
    assert HEADING not in browser.text
    browser.get(f"/needs/{draft.ref}/questions/problem")
    browser.post(f"/needs/{draft.ref}/questions/problem", {"problem": NIGHT, "act": "next"})
    assert HEADING in browser.text
    assert f'href="/needs/{like.ref}/co-sign"' in browser.page
    browser.get(f"/needs/{draft.ref}/questions/outcome")
    assert HEADING not in browser.text


def test_a_change_of_a_published_need_is_not_told_to_be_like_itself(
    browser: Browser, session: Session, fernside: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    need.draft = NeedDraft(saved_at=clock.now())
    need.draft.fill(need.versions[0].content())
    session.commit()
    reindex()
    browser.sign_in(make_user(session, Role.NEED_LEAD, fernside))
    browser.get(f"/needs/{need.ref}/check")
    assert HEADING not in browser.text


def test_a_draft_with_hardly_a_word_is_compared_with_nothing(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    make_need(session, elmbrook, title="Falls at night", problem=NIGHT)
    draft = make_draft(session, fernside, title="Falls at night", problem="")
    reindex()
    browser.sign_in(make_user(session, Role.NEED_LEAD, fernside))
    browser.get(f"/needs/{draft.ref}/check")
    assert HEADING not in browser.text


def test_nobody_learns_of_a_draft_from_the_page_of_a_need_like_it(
    browser: Browser, session: Session, fernside: Organisation, elmbrook: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, elmbrook, title="Night-time falls unseen", problem=NIGHT)
    make_draft(session, fernside, title="Falls at night, a draft", problem=NIGHT)
    reindex()
    browser.get(f"/needs/{need.ref}")
    assert "a draft" not in browser.text


def test_five_like_needs_cost_as_many_queries_as_one(
    app: Flask, browser: Browser, session: Session, fernside: Organisation, reindex: Reindex
) -> None:
    need = make_need(session, fernside, title="Falls at night", problem=NIGHT)
    make_need(session, title="Like it", problem=NIGHT_TOO)
    reindex()
    counts = []
    for _ in range(2):
        browser.get(f"/needs/{need.ref}")
        with statements(app) as ran:
            browser.get(f"/needs/{need.ref}")
        counts.append(len(ran))
        for number in range(4):
            make_need(session, title=f"Like it {number}", problem=NIGHT_TOO)
        reindex()
    assert counts[0] == counts[1]
