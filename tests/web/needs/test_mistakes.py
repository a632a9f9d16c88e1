from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.accounts.models import User
from marketplace.needs.models import Priority
from marketplace.organisations.models import Kind, Organisation
from tests.conftest import Browser
from tests.factories.needs import COMPLETE, make_draft
from tests.factories.organisations import make_organisation
from tests.web.needs.reading import assert_told_in_three_places, draft_of, errors_of


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
