from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.audit.models import AuditEvent
from marketplace.needs import coach
from marketplace.needs.models import Need, NeedDraft
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser
from tests.factories.needs import content, make_cycle, make_draft
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.signing import name_deputies

AN_APP = "“app” is a solution. What is the problem that it would solve?"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def trust(session: Session) -> Organisation:
    make_cycle(session, name="Spring")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def need(session: Session, trust: Organisation) -> Need:
    return make_draft(session, trust, title="Fewer falls at night")


@pytest.fixture
def lead(browser: Browser, session: Session, trust: Organisation, need: Need) -> User:
    user = make_user(session, Role.NEED_LEAD, trust)
    browser.sign_in(user)
    session.rollback()
    return user


def draft_of(session: Session, need: Need) -> NeedDraft:
    session.rollback()
    return session.scalars(select(NeedDraft).where(NeedDraft.need_id == need.id)).one()


def values(browser: Browser, name: str) -> list[str]:
    """Return the values of all inputs of this name on the last page."""
    tags = re.findall(rf'<input[^>]*name="{name}"[^>]*>', browser.page)
    return [unescape(match[1]) for tag in tags if (match := re.search(r'value="([^"]*)"', tag))]


def slot(browser: Browser, name: str) -> str:
    """Return the words in the place below a text."""
    start = browser.page.index(f'<div id="coach-{name}">')
    depth = 0
    for tag in re.finditer(r"<(/?)div\b", browser.page[start:]):
        depth += -1 if tag[1] else 1
        if depth == 0:
            break
    found = browser.page[start : start + tag.start()]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found)).split())


def path(need: Need, slug: str) -> str:
    return f"/needs/{need.ref}/questions/{slug}"


def test_saving_stops_once_at_words_that_a_reader_would_ask_about(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    response = browser.post(path(need, "title"), {"title": "An app against falls", "act": "next"})
    assert response.request.path == path(need, "title")
    assert "Your answer is saved. You may want to look at 1 question about what you wrote" in browser.text
    assert 'href="#coach-title"' in browser.page
    assert AN_APP in slot(browser, "title")
    assert draft_of(session, need).title == "An app against falls"
    response = browser.post(path(need, "title"), {"title": "An app against falls", "act": "next"})
    assert response.request.path == path(need, "problem")


def test_a_question_is_there_for_whoever_opens_the_page_later(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    draft_of(session, need).title = "An app against falls"
    session.commit()
    browser.get(path(need, "title"))
    assert AN_APP in slot(browser, "title")
    assert "Your answer is saved" not in browser.text


@pytest.mark.parametrize(("act", "leads_to"), [("later", "tasks"), ("next", "check")])
def test_who_stops_or_came_from_the_check_finds_the_questions_there(
    browser: Browser, lead: User, need: Need, act: str, leads_to: str
) -> None:
    query = "?back=check" if leads_to == "check" else ""
    browser.get(path(need, "title") + query)
    response = browser.post(path(need, "title") + query, {"title": "An app against falls", "act": act})
    assert response.request.path == f"/needs/{need.ref}/{leads_to}"
    assert "You may want to look at" in browser.text
    assert f"Title: {AN_APP}" in browser.text
    back = "?back=check" if leads_to == "check" else ""
    assert f'href="{path(need, "title")}{back}#coach-title"' in browser.page


def test_a_statement_is_asked_about_below_itself(browser: Browser, lead: User, need: Need) -> None:
    sent = {"must-0": "", "must-1": "Work without wifi", "must-2": "Be user friendly", "act": "look"}
    browser.get(path(need, "must"))
    browser.post(path(need, "must"), sent)
    assert slot(browser, "must-0") == ""
    assert slot(browser, "must-1") == ""
    assert "How would somebody test “user friendly”?" in slot(browser, "must-2")


def test_evidence_is_asked_about_below_the_choices(browser: Browser, lead: User, need: Need) -> None:
    browser.get(path(need, "evidence"))
    sent = {"evidence_wanted": ["real-world"], "detail_real_world": "Any evidence", "act": "next"}
    response = browser.post(path(need, "evidence"), sent)
    assert response.request.path == path(need, "evidence")
    assert "What would convince you" in slot(browser, "evidence_wanted")


# While writing


def test_while_writing_only_the_places_come_back_and_nothing_is_saved(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    before = session.scalar(select(func.count()).select_from(AuditEvent))
    sent = browser.hidden() | {"title": "A dashboard", "act": "look"}
    response = browser.client.post(path(need, "title"), data=sent, headers=PARTIAL)
    assert response.status_code == 200
    words = response.get_data(as_text=True)
    assert "<html" not in words
    assert 'id="coach-said"' in words
    assert "1 question about what you wrote" in words
    assert "“dashboard” is a solution" in words
    assert "hx-" not in words.replace("{#", "")
    assert draft_of(session, need).title == "Fewer falls at night"
    assert session.scalar(select(func.count()).select_from(AuditEvent)) == before


def test_a_question_seen_while_writing_does_not_stop_the_saving(
    browser: Browser, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    form = browser.hidden()
    look = browser.client.post(
        path(need, "title"), data=form | {"title": "A dashboard", "act": "look"}, headers=PARTIAL
    )
    shown = re.findall(r'name="shown" value="([^"]+)"', look.get_data(as_text=True))
    assert len(shown) == 1
    response = browser.post(path(need, "title"), {"title": "A dashboard", "act": "next", "shown": shown})
    assert response.request.path == path(need, "problem")


def test_what_is_ticked_stays_ticked_while_writing_goes_on(browser: Browser, lead: User, need: Need) -> None:
    browser.get(path(need, "title"))
    browser.post(path(need, "title"), {"title": "A dashboard", "act": "look"})
    (key,) = values(browser, "leave")
    browser.post(path(need, "title"), {"title": "A dashboard", "act": "look", "leave": key})
    assert re.search(rf'value="{key}"\s+checked', browser.page)


def test_typed_text_that_cannot_be_saved_is_read_all_the_same(
    browser: Browser, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    response = browser.post(path(need, "title"), {"title": "An app " + "x" * 200, "act": "next"})
    assert response.status_code == 422
    assert "Title must be 120 characters or fewer" in browser.text
    assert AN_APP in slot(browser, "title")


def test_the_question_offers_what_the_glossary_takes_the_letters_for(
    browser: Browser, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    browser.post(path(need, "title"), {"title": "Fewer DTOCs", "act": "look"})
    assert "Does “DTOCs” mean delayed transfer of care here?" in slot(browser, "title")


def test_without_a_glossary_the_coach_asks_what_the_letters_stand_for(
    app: Flask, browser: Browser, lead: User, need: Need
) -> None:
    del app.extensions["abbreviation_meanings"]
    browser.get(path(need, "title"))
    browser.post(path(need, "title"), {"title": "Fewer DTOCs", "act": "look"})
    assert "What does “DTOCs” stand for?" in slot(browser, "title")


# Leaving it as it is


def test_what_is_left_as_it_is_is_not_asked_again_until_the_words_change(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    browser.post(path(need, "title"), {"title": "An app against falls", "act": "next"})
    (key,) = values(browser, "leave")
    version = draft_of(session, need).lock_version
    browser.post(path(need, "title"), {"title": "An app against falls", "act": "next", "leave": key})
    assert draft_of(session, need).left_as_is == [key]
    assert draft_of(session, need).lock_version == version
    browser.get(path(need, "title"))
    assert slot(browser, "title") == ""
    browser.get(f"/needs/{need.ref}/check")
    assert "You may want to look at" not in browser.text
    browser.get(path(need, "title"))
    browser.post(path(need, "title"), {"title": "An app for falls", "act": "next"})
    assert AN_APP in slot(browser, "title")


def test_only_findings_of_this_need_can_be_left(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    forged = ["solution-0123456789abcdef", "x" * 5000]
    browser.post(path(need, "title"), {"title": "An app against falls", "act": "next", "leave": forged})
    assert draft_of(session, need).left_as_is == []


def test_findings_whose_words_are_gone_are_forgotten(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    keys = []
    for title in ("An app against falls", "A dashboard of falls"):
        browser.get(path(need, "title"))
        (key,) = (one.key for one in coach.look_over(content(title=title)))
        browser.post(path(need, "title"), {"title": title, "act": "later", "leave": key})
        keys.append(key)
    assert draft_of(session, need).left_as_is == keys[1:]


def test_leaving_is_noted_in_the_record_with_what_was_left(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    (key,) = (one.key for one in coach.look_over(content(title="An app against falls")))
    browser.post(path(need, "title"), {"title": "An app against falls", "act": "later", "leave": key})
    session.rollback()
    noted = session.scalars(select(AuditEvent).where(AuditEvent.action == "need.left-as-is")).all()
    assert [event.detail["findings"] for event in noted] == [[key]]


def test_a_question_never_stands_in_the_way_of_submitting(
    browser: Browser, session: Session, lead: User, need: Need, trust: Organisation
) -> None:
    draft_of(session, need).title = "An app against falls"
    session.commit()
    name_deputies(session, need.ref)
    browser.get(f"/organisations/{trust.code}/top-three")
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"})
    assert "1 need submitted" in browser.text


def test_typed_markup_in_a_question_is_shown_as_typed(browser: Browser, lead: User, need: Need) -> None:
    browser.get(path(need, "must"))
    browser.post(path(need, "must"), {"must-0": "<b>Training</b>", "must-1": "AB<i>C", "act": "look"})
    assert "<b>Training" not in browser.page.replace("&lt;b&gt;", "")


def test_both_texts_of_a_conflict_come_with_what_the_coach_asks_about_yours(
    browser: Browser, session: Session, lead: User, need: Need
) -> None:
    browser.get(path(need, "title"))
    form = browser.hidden()
    draft = draft_of(session, need)
    draft.title, draft.lock_version = "Changed by a colleague", draft.lock_version + 1
    session.commit()
    response = browser.client.post(path(need, "title"), data=form | {"title": "An app", "act": "next"})
    assert response.status_code == 409
    browser.page = response.get_data(as_text=True)
    assert "“app” is a solution" in slot(browser, "title")
