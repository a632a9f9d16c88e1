"""Publish the top three, and the public board, in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.needs.models import Need, NeedDraft
from marketplace.organisations.models import Kind, Organisation
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@pytest.fixture
def trust(session: Session) -> Organisation:
    make_cycle(session, name="Spring")
    region = make_organisation(session, Kind.REGION, name="North")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust", region_id=region.id)


@BOTH_WAYS
def test_a_lead_writes_a_need_and_publishes_it(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, script: bool
) -> None:
    # given a lead whose organisation has published nothing
    email = make_user(session, Role.NEED_LEAD, trust).email
    lead = visitor(script=script).sign_in(email, PASSWORD)
    lead.open("/top-three").sees("0 of 3 published in this cycle")
    # when they answer the questions one by one
    lead.follow("Write a need").click("Start")
    go = "Save and continue"
    lead.fill("What do you need, in one sentence?", "x" * 121).click(go).sees(
        "Title must be 120 characters or fewer"
    )
    lead.fill("What do you need, in one sentence?", "Fewer falls at night").click(go)
    lead.fill("What is the problem?", "People fall at night and nobody sees it.").click(go)
    lead.fill("Who is affected?", "Residents of care homes").fill("How many people?", "11,000").click(go)
    lead.fill("What happens today?", "Staff ring 999 and wait.").click(go)
    lead.fill("What outcome do you want?", "Found in minutes").fill(
        "How will you measure it?", "Falls a month"
    )
    lead.fill("Where are you now?", "8").fill("Where do you want to be", "6 within a year").click(go)
    lead.fill("Statement 1", "Tell staff within 2 minutes").fill("Statement 2", "Work without wifi")
    lead.click("Add another statement").fill("Statement 3", "One too many").click("Remove statement 3").click(
        go
    )
    lead.choose("Clinical study").fill(
        "What exactly do you want to see? (Clinical study)", "One trial"
    ).click(go)
    lead.page.get_by_label("Clinical area").select_option("frailty")
    lead.page.get_by_label("Care setting").select_option("care-home")
    lead.choose("Sickness to prevention").click(go)
    lead.choose("Within 6 months").choose("No funding yet").click(go)
    # then they can check all of it, give it a place and publish
    lead.sees("Would you put your name to this?").picture(f"needs-check-{script}")
    lead.follow("Continue to your top three")
    lead.page.get_by_label("Fewer falls at night").select_option("1")
    lead.click("Publish in this order").sees("Your top three are published")
    # and everybody can read it
    visitor(script=script).open("/demand").follow("Fewer falls at night").sees(
        "First priority of this organisation"
    )


def test_two_people_who_change_one_answer_lose_nothing(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation
) -> None:
    # given two colleagues with the same question open
    need = make_draft(session, trust)
    path = f"/needs/{need.ref}/questions/problem"
    emails = [make_user(session, Role.NEED_LEAD, trust).email for _ in range(2)]
    session.rollback()
    first, second = (visitor().sign_in(email, PASSWORD).open(path) for email in emails)
    # when both save
    first.fill("What is the problem?", "What the first wrote").click("Save and continue")
    second.fill("What is the problem?", "What the second wrote").click("Save and continue")
    # then the second sees both texts and can merge them
    second.sees("This answer was changed while you were writing").sees("What the first wrote")
    second.picture("needs-conflict")
    second.fill("What is the problem?", "What both wrote").click("Save this answer")
    session.rollback()
    assert session.scalars(select(NeedDraft.problem)).all() == ["What both wrote"]


@BOTH_WAYS
def test_a_published_need_is_changed_and_withdrawn(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, script: bool
) -> None:
    # given a published need
    need = make_need(session, trust, title="Quieter wards at night")
    page = f"/needs/{need.ref}"
    email = make_user(session, Role.NEED_LEAD, trust).email
    lead = visitor(script=script).sign_in(email, PASSWORD).open(page)
    # when its lead changes it
    lead.click("Change this need").follow("What do you need?")
    lead.fill("What do you need, in one sentence?", "Quieter wards").click("Save and come back later")
    lead.follow("Check your answers").fill("What did you change, and why?", "Shorter title")
    lead.click("Publish the new version").sees("Your changes are published")
    # then everybody sees the new version and the history
    visitor(script=script).open(page).sees("Shorter title")
    # when it is withdrawn, then its page tells why
    lead.open(page).follow("Withdraw this need").click("Withdraw this need").sees(
        "Enter why you withdraw this need"
    )
    lead.fill("Why do you withdraw it?", "We found a shared solution").click("Withdraw this need")
    visitor(script=script).open(page).sees("This need was withdrawn on").sees("We found a shared solution")


@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_of_needs_fits_a_small_and_a_wide_screen(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, width: int
) -> None:
    need = make_need(
        session,
        trust,
        title="A need with averyveryverylongwordthatdoesnotfitonasmallscreenatall",
        problem="x" * 400,
    )
    gone = make_need(session, trust, withdrawn="y" * 200)
    draft = make_draft(session, trust, title="w" * 120, must=("z" * 250, "Second"))
    code, email = trust.code, make_user(session, Role.NEED_LEAD, trust).email
    refs = [one.ref for one in (need, gone, draft)]
    session.rollback()
    lead = visitor(width=width).sign_in(email, PASSWORD)
    for name, path in {
        "board": "/demand",
        "need": f"/needs/{refs[0]}",
        "withdrawn": f"/needs/{refs[1]}",
        "organisation": f"/organisations/{code}",
        "workspace": "/top-three",
        "start": "/top-three/new",
        "rank": f"/organisations/{code}/top-three",
        "withdraw": f"/needs/{refs[0]}/withdraw",
        "tasks": f"/needs/{refs[2]}/tasks",
        "check": f"/needs/{refs[2]}/check",
        "discard": f"/needs/{refs[2]}/discard",
        "must": f"/needs/{refs[2]}/questions/must",
        "evidence": f"/needs/{refs[2]}/questions/evidence",
        "people": f"/needs/{refs[2]}/questions/people",
        "place": f"/needs/{refs[2]}/questions/place",
    }.items():
        page = lead.open(path).picture(f"needs-{name}-{width}").page
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert session.scalars(select(Need.ref).order_by(Need.id)).all() == refs
