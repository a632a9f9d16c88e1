from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.database import db
from marketplace.needs import questions
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser
from tests.factories.needs import make_draft
from tests.factories.organisations import make_organisation
from tests.factories.signing import sign_off
from tests.web.needs.reading import assert_told_in_three_places

ANSWERS: dict[str, dict[str, object]] = {
    "title": {"title": "Fewer falls at night"},
    "problem": {"problem": "People fall and nobody sees it."},
    "people": {"who_affected": "Residents", "how_many": "11,000", "how_many_note": "residents in 330 homes"},
    "pathway": {"pathway_today": "Staff ring 999."},
    "outcome": {
        "outcome": "Found in minutes",
        "measure": "Falls a month",
        "baseline": "8",
        "target": "6 within a year",
    },
    "must": {"must-0": "Tell staff within 2 minutes", "must-1": "Work without wifi"},
    "evidence": {"evidence_wanted": ["real-world"], "detail_real_world": "Ten care homes"},
    "place": {"clinical_area": "frailty", "care_setting": "care-home", "shift": "sickness-to-prevention"},
    "timing": {"timing": "now", "funding_state": "bid"},
}


def test_a_lead_writes_checks_ranks_and_submits_a_need_that_is_signed_off(
    app: Flask, session: Session, browser: Browser, lead: User, trust: Organisation, colleague: User
) -> None:
    browser.sign_in(lead)
    browser.get("/top-three")
    assert "0 of 3 published in this cycle" in browser.text
    browser.get("/top-three/new")
    response = browser.post("/top-three/new")
    ref = response.request.path.split("/")[2]
    for question in questions.QUESTIONS:
        assert response.request.path == f"/needs/{ref}/questions/{question.slug}"
        assert question.heading in browser.text
        response = browser.post(response.request.path, ANSWERS[question.slug] | {"act": "next"})
    assert response.request.path == f"/needs/{ref}/check"
    for words in (
        "11,000",
        "residents in 330 homes",
        "Tell staff within 2 minutes",
        "A bid or business case",
    ):
        assert words in browser.text
    assert "Before you can submit" not in browser.text
    browser.get(f"/organisations/{trust.code}/top-three")
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{ref}": "1"})
    assert "“Fewer falls at night” has no deputy. Name one before you submit it" in browser.text
    browser.get(f"/needs/{ref}/people")
    browser.post(f"/needs/{ref}/people", {"deputy": str(colleague.id)})
    assert "The deputy is named" in browser.text
    browser.get(f"/organisations/{trust.code}/top-three")
    assert f"Deputy: {colleague.name}" in browser.text
    response = browser.post(f"/organisations/{trust.code}/top-three", {f"place-{ref}": "1"})
    assert response.request.path == "/top-three"
    assert "1 need submitted" in browser.text
    assert "Waiting for the sponsor" in browser.text
    browser.get("/needs")
    assert "Fewer falls at night" not in browser.text
    with app.app_context():
        sign_off(db.session, ref)
    browser.client.delete_cookie("demand_signal")
    browser.get("/demand")
    assert "1 need" in browser.text
    browser.get(f"/needs/{ref}")
    for words in (
        "Fewer falls at night",
        "First priority of this organisation",
        "11,000 residents in 330 homes",
    ):
        assert words in browser.text


def test_a_lead_of_several_organisations_chooses_one_first(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    second = make_organisation(session, Kind.ICB, name="Second ICB")
    session.add(
        Membership(user_id=lead.id, organisation_id=second.id, role=Role.NEED_LEAD, started_on=clock.today())
    )
    session.commit()
    browser.sign_in(lead)
    browser.get("/top-three/new")
    assert "Which organisation is this need for?" in browser.text
    assert browser.post("/top-three/new").status_code == 422
    assert_told_in_three_places(browser, "Choose the organisation that this need is for", "organisation")
    browser.post("/top-three/new", {"organisation": second.code})
    session.rollback()
    assert session.scalars(select(Need.organisation_id)).all() == [second.id]


def test_a_second_press_of_start_makes_one_draft(browser: Browser, session: Session, lead: User) -> None:
    browser.sign_in(lead)
    browser.get("/top-three/new")
    sent = browser.hidden()
    first = browser.client.post("/top-three/new", data=sent)
    second = browser.client.post("/top-three/new", data=sent)
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.headers["Location"].split("/")[2] == first.headers["Location"].split("/")[2]
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Need)) == 1


def test_the_task_list_tells_how_far_each_question_is(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust, problem="", measure="", target="")
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/tasks")
    assert "You have completed 7 of 9 questions" in browser.text
    assert "What is the problem? Not started" in browser.text
    assert "What outcome do you want? Started" in browser.text
    assert "What must a solution do? Completed" in browser.text
    browser.get(f"/needs/{need.ref}/check")
    assert (
        "Before you can submit this need: Describe the problem Enter how you will measure the outcome"
        in browser.text
    )


def test_a_change_from_the_check_leads_back_to_it(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/title?back=check")
    response = browser.post(f"/needs/{need.ref}/questions/title?back=check", {"title": "Changed"})
    assert response.request.path == f"/needs/{need.ref}/check"
    assert "Changed" in browser.text
