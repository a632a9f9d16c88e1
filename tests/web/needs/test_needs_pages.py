from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.audit.models import AuditEvent
from marketplace.database import db
from marketplace.needs import questions
from marketplace.needs.models import Need, NeedDraft, Priority
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser, statements
from tests.factories.needs import COMPLETE, make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.signing import name_deputies, sign_off


@pytest.fixture
def trust(session: Session) -> Organisation:
    make_cycle(session, name="Spring")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def lead(session: Session, trust: Organisation) -> User:
    return make_user(session, Role.NEED_LEAD, trust)


@pytest.fixture
def colleague(session: Session, trust: Organisation) -> User:
    return make_user(session, Role.NEED_LEAD, trust)


def draft_of(session: Session, need: Need) -> NeedDraft:
    session.rollback()
    return session.scalars(select(NeedDraft).where(NeedDraft.need_id == need.id)).one()


def errors_of(browser: Browser) -> list[str]:
    """Return what the error summary says."""
    summary = re.search(r'class="nhsuk-error-summary".*?</ul>', browser.page, re.S)
    assert summary, "no error summary"
    return [re.sub(r"<[^>]+>", "", item).strip() for item in re.findall(r"<li>(.*?)</li>", summary[0], re.S)]


def assert_told_in_three_places(browser: Browser, message: str, target: str) -> None:
    """The title, the summary with a link, and beside the field."""
    assert "<title>Error: " in browser.page
    assert message in errors_of(browser)
    assert f'href="#{target}"' in browser.page
    assert f'id="{target}"' in browser.page
    assert browser.text.count(message) >= 2


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


# Mistakes


@pytest.mark.parametrize(
    ("slug", "sent", "message", "target"),
    [
        ("title", {"title": "x" * 121}, "Title must be 120 characters or fewer. Take out 1.", "title"),
        ("problem", {"problem": "x" * 3002}, "The problem must be 3,000 characters or fewer. Take out 2.", "problem"),
        ("people", {"how_many": "many"}, "How many people must be a whole number, such as 1,200", "how_many"),
        ("people", {"how_many": "0"}, "How many people must be between 1 and 70,000,000", "how_many"),
        ("must", {"must-0": "y" * 251}, "Statement must be 250 characters or fewer. Take out 1.", "must-0"),
        ("place", {"clinical_area": "wizardry"}, "Clinical area must be one of the choices", "clinical_area"),
        ("timing", {"timing": "yesterday"}, "Timing must be one of the choices", "timing"),
        ("evidence", {"evidence_wanted": ["tea"]}, "Evidence wanted must be one of the choices", "evidence_wanted"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_told_beside_the_field_and_kept(
    browser: Browser, session: Session, lead: User, trust: Organisation,
    slug: str, sent: dict[str, object], message: str, target: str,
) -> None:  # fmt: skip
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/{slug}")
    assert browser.post(f"/needs/{need.ref}/questions/{slug}", sent).status_code == 422
    assert_told_in_three_places(browser, message, target)
    for typed in sent.values():
        if isinstance(typed, str) and slug not in {"place", "timing"}:
            assert typed in browser.page
    assert draft_of(session, need).lock_version == 1


def test_nine_statements_are_too_many_and_none_is_lost(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/must")
    nine = {f"must-{n}": f"Testable thing {n}" for n in range(9)}
    assert browser.post(f"/needs/{need.ref}/questions/must", nine).status_code == 422
    assert_told_in_three_places(browser, "Enter 8 statements or fewer. You have 9", "must-0")
    assert all(text in browser.page for text in nine.values())
    assert draft_of(session, need).must == list(COMPLETE.must)


def test_one_statement_may_be_saved_but_not_published(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/must")
    browser.post(f"/needs/{need.ref}/questions/must", {"must-0": "Only one", "must-1": ""})
    assert draft_of(session, need).must == ["Only one"]
    browser.get(f"/organisations/{trust.code}/top-three")
    assert "Not finished yet" in browser.text
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"})
    assert any("is not finished" in message for message in errors_of(browser))
    assert session.scalar(select(func.count()).select_from(Priority)) == 0


def test_statements_are_added_and_removed_by_plain_buttons(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/must"
    browser.sign_in(lead)
    browser.get(path)
    browser.post(path, {"must-0": "One", "must-1": "Two", "act": "add"})
    assert browser.page.count("<textarea") == 3
    assert "autofocus" in browser.page
    browser.post(path, {"must-0": "One", "must-1": "Two", "must-2": "Three", "act": "remove-1"})
    assert re.findall(r"<textarea[^>]*>([^<]*)</textarea>", browser.page) == ["One", "Three"]
    assert draft_of(session, need).must == list(COMPLETE.must)
    eight = {f"must-{n}": f"Thing {n}" for n in range(8)}
    browser.post(path, eight)
    browser.get(path)
    assert "Add another" not in browser.text


def test_a_detail_without_its_tick_is_asked_about(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/evidence"
    browser.sign_in(lead)
    browser.get(path)
    browser.post(
        path, {"evidence_wanted": ["real-world"], "detail_real_world": "x", "detail_dtac": "Version 2"}
    )
    assert (
        "You wrote what you want to see for “DTAC (digital technology assessment criteria)” but did not tick it"
        in errors_of(browser)[0]
    )
    assert "Version 2" in browser.page
    browser.post(
        path,
        {
            "evidence_wanted": ["dtac"],
            "detail_real_world": COMPLETE.evidence_wanted[0].detail,
            "detail_dtac": "Version 2",
        },
    )
    assert draft_of(session, need).evidence_wanted == [{"type": "dtac", "detail": "Version 2"}]


def test_script_text_is_shown_as_text(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/title")
    browser.post(f"/needs/{need.ref}/questions/title", {"title": "<script>alert(1)</script>{{ 7*7 }}"})
    for path in (f"/needs/{need.ref}/check", "/top-three", f"/needs/{need.ref}/tasks"):
        browser.get(path)
        assert "<script>alert" not in browser.page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in browser.page


def test_control_and_invisible_characters_are_dropped(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/title")
    browser.post(
        f"/needs/{need.ref}/questions/title", {"title": "Fe\u200bwer\x07 \u202efalls\u202c\r\nat night"}
    )
    assert draft_of(session, need).title == "Fewer falls at night"


def test_a_word_of_letters_that_look_alike_is_refused(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/questions/title")
    assert (
        browser.post(f"/needs/{need.ref}/questions/title", {"title": "Help p\u0430tients"}).status_code == 422
    )
    assert "mixes letters of different alphabets" in errors_of(browser)[0]
    assert "Help p\u0430tients" in browser.page


def test_a_form_without_its_token_changes_nothing(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    response = browser.client.post(f"/needs/{need.ref}/questions/title", data={"title": "Forged"})
    assert response.status_code in {400, 403}
    assert draft_of(session, need).title != "Forged"


@pytest.mark.parametrize(
    "path",
    [
        "/needs/nowhere", "/needs/nowhere/versions/1", "/needs/nowhere/tasks", "/needs/nowhere/questions/title",
        "/organisations/NOWHERE", "/organisations/NOWHERE/top-three", "/needs/nowhere/withdraw",
    ],
)  # fmt: skip
def test_an_unknown_address_is_a_plain_page(browser: Browser, lead: User, path: str) -> None:
    browser.sign_in(lead)
    assert browser.get(path).status_code == 404
    assert "Page not found" in browser.text


def test_an_unknown_question_is_a_plain_page(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    browser.sign_in(lead)
    assert browser.get(f"/needs/{need.ref}/questions/budget").status_code == 404


def test_suppliers_have_no_top_three(browser: Browser, session: Session) -> None:
    supplier = make_organisation(session, Kind.SUPPLIER)
    assert browser.get(f"/organisations/{supplier.code}").status_code == 404


# Two people at once


def test_the_second_editor_sees_both_texts_and_can_keep_theirs_or_merge(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/outcome"
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(path)
    theirs.get(path)
    answer = {"outcome": "O", "measure": "M", "baseline": "B"}
    theirs.post(path, answer | {"target": "Their target"})
    response = mine.post(path, answer | {"target": "My target"})
    assert response.status_code == 409
    assert "This answer was changed while you were writing" in mine.text
    assert f"by {colleague.name}" in mine.text
    assert "<pre>Their target</pre>" in mine.page
    assert "<pre>My target</pre>" in mine.page
    assert draft_of(session, need).target == "Their target"
    response = mine.post(path, answer | {"target": "Merged target"})
    assert response.status_code == 200
    assert draft_of(session, need).target == "Merged target"


def test_a_merged_answer_that_is_wrong_stays_on_the_page(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/title"
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(path)
    theirs.get(path)
    theirs.post(path, {"title": "Theirs"})
    mine.post(path, {"title": "Mine"})
    assert mine.post(path, {"title": "m" * 121}).status_code == 422
    assert "m" * 121 in mine.page
    assert draft_of(session, need).title == "Theirs"


def test_people_who_answer_different_questions_do_not_collide(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/needs/{need.ref}/questions/title")
    theirs.get(f"/needs/{need.ref}/questions/problem")
    theirs.post(f"/needs/{need.ref}/questions/problem", {"problem": "Theirs"})
    assert mine.post(f"/needs/{need.ref}/questions/title", {"title": "Mine"}).status_code == 200
    draft = draft_of(session, need)
    assert (draft.title, draft.problem) == ("Mine", "Theirs")


@pytest.mark.parametrize("act", ["next", "add"])
def test_what_was_typed_is_shown_when_the_draft_was_deleted_meanwhile(
    session: Session,
    trust: Organisation,
    lead: User,
    colleague: User,
    new_browser: Callable[[], Browser],
    act: str,
) -> None:
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/must"
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(path)
    theirs.get(f"/needs/{need.ref}/discard")
    theirs.post(f"/needs/{need.ref}/discard")
    response = mine.post(path, {"must-0": "My careful words", "must-1": "More of them", "act": act})
    assert response.status_code == 409
    assert "This draft was deleted while you were writing" in mine.text
    assert "My careful words More of them" in mine.text


def test_what_was_typed_is_shown_when_the_need_was_withdrawn_meanwhile(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_need(session, trust)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/needs/{need.ref}")
    mine.post(f"/needs/{need.ref}/edit")
    mine.get(f"/needs/{need.ref}/questions/title")
    theirs.get(f"/needs/{need.ref}/withdraw")
    theirs.post(f"/needs/{need.ref}/withdraw", {"reason": "We joined a regional scheme"})
    response = mine.post(f"/needs/{need.ref}/questions/title", {"title": "My careful words"})
    assert response.status_code == 409
    assert "Reason: We joined a regional scheme" in mine.text
    assert "My careful words" in mine.text


# Ranking


def test_a_fourth_need_is_refused_and_the_choices_stay(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    published = [make_need(session, trust, rank=n) for n in (1, 2, 3)]
    fourth = make_draft(session, trust, title="The fourth")
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/top-three")
    sent = {
        f"place-{published[0].ref}": "2",
        f"place-{published[1].ref}": "3",
        f"place-{published[2].ref}": "",
        f"place-{fourth.ref}": "1",
    }
    assert browser.post(f"/organisations/{trust.code}/top-three", sent).status_code == 422
    assert "must keep a place. To free its place, withdraw it first" in errors_of(browser)[0]
    assert f'href="#place-{published[2].ref}"' in browser.page
    chosen = re.search(rf'name="place-{fourth.ref}".*?value="(\d)" selected', browser.page, re.S)
    assert chosen
    assert chosen[1] == "1"
    forged = sent | {f"place-{published[2].ref}": "4"}
    assert browser.post(f"/organisations/{trust.code}/top-three", forged).status_code == 422
    assert "Choose a place from 1 to 3" in errors_of(browser)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Priority)) == 3


def test_a_place_given_twice_is_told_beside_the_need(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    one, two = make_draft(session, trust), make_draft(session, trust)
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/top-three")
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{one.ref}": "1", f"place-{two.ref}": "1"})
    assert errors_of(browser) == ["You gave place 1 to two needs. Choose a different place"]


def test_a_need_withdrawn_while_it_is_ranked_is_told_and_the_other_choices_stay(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    gone, kept = make_need(session, trust, rank=1, title="Gone need"), make_draft(session, trust)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/organisations/{trust.code}/top-three")
    theirs.get(f"/needs/{gone.ref}/withdraw")
    theirs.post(f"/needs/{gone.ref}/withdraw", {"reason": "Solved"})
    sent = {f"place-{gone.ref}": "1", f"place-{kept.ref}": "2", f"seen-{kept.ref}": "1"}
    assert mine.post(f"/organisations/{trust.code}/top-three", sent).status_code == 422
    assert "“Gone need” was withdrawn on" in errors_of(mine)[0]
    assert re.search(rf'name="place-{kept.ref}".*?value="2" selected', mine.page, re.S)
    assert f'name="place-{gone.ref}"' not in mine.page


def test_a_draft_that_a_colleague_changed_meanwhile_is_not_submitted_unseen(
    session: Session, trust: Organisation, lead: User, colleague: User, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, trust)
    name_deputies(session, need.ref)
    mine, theirs = new_browser().sign_in(lead), new_browser().sign_in(colleague)
    mine.get(f"/organisations/{trust.code}/top-three")
    theirs.get(f"/needs/{need.ref}/questions/title")
    theirs.post(f"/needs/{need.ref}/questions/title", {"title": "Surprise"})
    assert mine.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"}).status_code == 422
    assert f"by {colleague.name}" in errors_of(mine)[0]
    assert mine.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"}).status_code == 200


def test_a_second_press_of_submit_has_one_effect(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_draft(session, trust)
    name_deputies(session, need.ref)
    browser.sign_in(lead)
    browser.get(f"/organisations/{trust.code}/top-three")
    sent = browser.hidden() | {f"place-{need.ref}": "1"}
    answers = [
        browser.client.post(f"/organisations/{trust.code}/top-three", data=sent).status_code for _ in range(3)
    ]
    assert answers == [303, 303, 303]
    submitted = select(func.count()).where(AuditEvent.action == "top-three.submitted")
    session.rollback()
    assert session.scalar(submitted) == 1


def test_without_an_open_cycle_the_page_says_so(browser: Browser, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    need = make_draft(session, trust)
    browser.sign_in(make_user(session, Role.NEED_LEAD, trust))
    browser.get(f"/organisations/{trust.code}/top-three")
    assert "No cycle is open yet." in browser.text
    assert "Publish in this order" not in browser.text
    browser.post(f"/organisations/{trust.code}/top-three", {f"place-{need.ref}": "1"})
    assert errors_of(browser) == ["No cycle is open yet. Your drafts are kept until one opens"]


# Changing and withdrawing what is published


def test_an_edit_is_published_as_a_new_version_with_its_note(
    app: Flask,
    browser: Browser,
    session: Session,
    lead: User,
    trust: Organisation,
    new_browser: Callable[[], Browser],
) -> None:
    need = make_need(session, trust, title="Old title")
    name_deputies(session, need.ref)
    public = new_browser()
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}")
    browser.post(f"/needs/{need.ref}/edit")
    browser.get(f"/needs/{need.ref}/questions/title")
    browser.post(f"/needs/{need.ref}/questions/title", {"title": "New title"})
    public.get(f"/needs/{need.ref}")
    assert "Old title" in public.text
    assert "New title" not in public.text
    browser.get(f"/needs/{need.ref}/check")
    assert browser.post(f"/needs/{need.ref}/check", {"change_note": ""}).status_code == 422
    assert_told_in_three_places(browser, "Enter what you changed and why", "change_note")
    browser.post(f"/needs/{need.ref}/check", {"change_note": "Clearer <b>words</b>"})
    assert "The new version is submitted" in browser.text
    public.get(f"/needs/{need.ref}")
    assert "Old title" in public.text
    with app.app_context():
        sign_off(db.session, need.ref)
    public.get(f"/needs/{need.ref}")
    assert "New title" in public.text
    assert "Version 2" in public.text
    assert "Clearer &lt;b&gt;words&lt;/b&gt;" in public.page
    public.get(f"/needs/{need.ref}/versions/1")
    assert "Old title" in public.text
    assert "This is version 1. The need has changed since" in public.text


def test_a_withdrawn_need_tells_when_and_why_with_410(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    need = make_need(session, trust, title="Quieter wards")
    browser.sign_in(lead)
    browser.get(f"/needs/{need.ref}/withdraw")
    assert browser.post(f"/needs/{need.ref}/withdraw", {"reason": " \u200b "}).status_code == 422
    assert_told_in_three_places(browser, "Enter why you withdraw this need", "reason")
    assert browser.post(f"/needs/{need.ref}/withdraw", {"reason": "r" * 601}).status_code == 422
    assert "r" * 601 in browser.page
    browser.post(f"/needs/{need.ref}/withdraw", {"reason": "We found a <em>shared</em> solution"})
    assert "The need is withdrawn" in browser.text
    browser.client.delete_cookie("demand_signal")
    assert browser.get(f"/needs/{need.ref}").status_code == 410
    assert "Quieter wards" in browser.text
    assert "This need was withdrawn on" in browser.text
    assert "We found a &lt;em&gt;shared&lt;/em&gt; solution" in browser.page
    assert browser.get(f"/needs/{need.ref}/versions/1").status_code == 410
    browser.get("/demand")
    assert "Quieter wards" not in browser.text
    browser.get(f"/organisations/{trust.code}")
    assert "Quieter wards" in browser.text


def test_the_workspace_tells_each_need_its_next_step(
    browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    make_need(session, trust, rank=1, title="Published one")
    make_draft(session, trust, title="Ready one")
    make_draft(session, trust, title="Half written", problem="")
    make_need(session, trust, withdrawn="No longer needed", title="Gone one")
    past = make_cycle(
        session,
        name="Long ago",
        opens_on=clock.today() - timedelta(days=300),
        closes_on=clock.today() - timedelta(days=200),
    )
    make_need(session, trust, cycle=past, title="Older one")
    make_draft(session, title="Somebody else's secret")
    browser.sign_in(lead)
    browser.get("/top-three")
    for words in (
        "1 of 3 published in this cycle", "Rank and submit 1 need that is ready", "First priority Published one",
        "Ready to submit Ready one", "Draft Half written 8 of 9 questions completed",
        "Withdrawn Gone one", "No longer needed",
        "Not yet confirmed for Spring Older one", "It lapses unless you confirm it by",
    ):  # fmt: skip
        assert words in browser.text, words
    assert "Somebody else" not in browser.text


def test_an_organisation_without_needs_says_what_will_appear(browser: Browser, trust: Organisation) -> None:
    browser.get(f"/organisations/{trust.code}")
    assert "Fernside NHS Trust has not published a need in this cycle" in browser.text


def test_the_organisation_page_shows_its_needs_in_order(
    browser: Browser, session: Session, trust: Organisation
) -> None:
    for rank, title in ((2, "Second thing"), (1, "First thing")):
        make_need(session, trust, rank=rank, title=title)
    browser.get(f"/organisations/{trust.code}")
    assert browser.text.index("First priority First thing") < browser.text.index(
        "Second priority Second thing"
    )
    assert "6 within 12 months" in browser.text


def test_no_page_of_a_lead_grows_its_queries_with_the_number_of_needs(
    app: Flask, browser: Browser, session: Session, lead: User, trust: Organisation
) -> None:
    def sent(path: str) -> int:
        with statements(app) as found:
            browser.get(path)
        return len(found)

    browser.sign_in(lead)
    session.rollback()
    make_need(session, trust, rank=1)
    make_draft(session, trust)
    paths = ("/top-three", f"/organisations/{trust.code}/top-three", f"/organisations/{trust.code}")
    before = [sent(path) for path in paths]
    session.rollback()
    for rank in (2, 3):
        make_need(session, trust, rank=rank)
    for _ in range(5):
        make_draft(session, trust)
        make_need(session, trust, withdrawn="x")
    assert [sent(path) for path in paths] == before
