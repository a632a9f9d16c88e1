"""What the coach asks while a need is written, in a browser: as one types, and after saving without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind, Organisation
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_draft
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

A_DASHBOARD = "“dashboard” is a solution. What is the problem that it would solve?"


@pytest.fixture
def trust(session: Session) -> Organisation:
    make_cycle(session, name="Spring")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def need(session: Session, trust: Organisation) -> Need:
    return make_draft(session, trust, title="Fewer falls at night")


@pytest.fixture
def email(session: Session, trust: Organisation, need: Need) -> str:
    found = make_user(session, Role.NEED_LEAD, trust).email
    session.rollback()
    return found


def test_a_question_comes_while_one_writes_and_goes_when_the_words_change(
    visitor: Callable[..., Visitor], email: str, need: Need
) -> None:
    # given a lead at the first question of a draft
    lead = visitor().sign_in(email, PASSWORD).open(f"/needs/{need.ref}/questions/title")
    box = lead.page.get_by_label("What do you need, in one sentence?")
    # when they type a solution
    box.fill("")
    box.press_sequentially("A dashboard for falls", delay=10)
    # then the coach asks below the field, the count is announced, and the box keeps the focus
    lead.sees(A_DASHBOARD).check().picture("needs-coach-typing").fits()
    lead.page.get_by_role("status").get_by_text("1 question about what you wrote").wait_for()
    assert box.evaluate("box => box === document.activeElement")
    # when they write the problem instead
    box.fill("Fewer falls at night in care homes")
    # then the question goes away, and saving goes on to the next page
    lead.page.get_by_text(A_DASHBOARD, exact=True).wait_for(state="detached")
    lead.click("Save and continue").sees("What is the problem?")


def test_a_statement_added_by_the_button_is_read_while_one_writes(
    visitor: Callable[..., Visitor], email: str, need: Need
) -> None:
    lead = visitor().sign_in(email, PASSWORD).open(f"/needs/{need.ref}/questions/must")
    lead.click("Add another statement")
    lead.page.get_by_label("Statement 3").press_sequentially("Be robust and portable", delay=10)
    lead.sees("How would somebody test “robust”?").sees("Are these two demands?").check()
    lead.picture("needs-coach-must")
    assert lead.page.locator("#coach-must-2").get_by_role("checkbox").count() == 2
    assert lead.page.locator("#coach-must-0").get_by_role("checkbox").count() == 0


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_lead_leaves_their_words_as_they_are_and_is_not_asked_again(
    visitor: Callable[..., Visitor], email: str, need: Need, script: bool
) -> None:
    # given a title that names a solution, saved at once
    lead = visitor(script=script).sign_in(email, PASSWORD).open(f"/needs/{need.ref}/questions/title")
    lead.fill("What do you need, in one sentence?", "A dashboard for falls").click("Save and continue")
    # then the page comes back once and says that nothing is lost
    lead.sees("Your answer is saved").sees(A_DASHBOARD).picture(f"needs-coach-saved-{script}").fits()
    # when they tick that it shall stay
    lead.page.get_by_label("Leave as it is").check()
    lead.click("Save and continue").sees("What is the problem?")
    # then neither the page nor the check asks again
    lead.open(f"/needs/{need.ref}/questions/title")
    assert lead.page.get_by_text(A_DASHBOARD).count() == 0
    lead.open(f"/needs/{need.ref}/check")
    assert lead.page.get_by_text("You may want to look at").count() == 0


def test_the_check_gathers_what_is_open_and_leads_to_it(
    visitor: Callable[..., Visitor], session: Session, email: str, need: Need
) -> None:
    draft = session.get_one(Need, need.id).draft
    assert draft is not None
    draft.title, draft.target, draft.must = (
        "A dashboard for falls",
        "Fewer",
        ["Be robust", "Work without wifi"],
    )
    session.commit()
    lead = visitor().sign_in(email, PASSWORD).open(f"/needs/{need.ref}/tasks")
    lead.sees("You may want to look at").picture("needs-coach-tasks").open(f"/needs/{need.ref}/check")
    lead.picture("needs-coach-check").follow("How would somebody test “robust”?")
    assert lead.page.url.endswith(f"/needs/{need.ref}/questions/must?back=check#coach-must-0")
    lead.fill("Statement 1", "Send an alert within 2 minutes").click("Save and continue")
    lead.sees("Check your answers")
    assert lead.page.get_by_text("robust").count() == 0
