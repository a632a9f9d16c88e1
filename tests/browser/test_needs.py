"""Write and submit the top three, sign them off, and the public board, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.needs.models import Need, NeedDraft
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user
from tests.factories.signing import name_deputies

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@pytest.fixture
def trust(session: Session) -> Organisation:
    make_cycle(session, name="Spring")
    region = make_organisation(session, Kind.REGION, name="North")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust", region_id=region.id)


@BOTH_WAYS
def test_a_lead_writes_a_need_the_sponsor_returns_it_and_it_is_published_after_the_check(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, script: bool
) -> None:
    # given a lead whose organisation has published nothing, a sponsor, and the HIN that covers them
    email = make_user(session, Role.NEED_LEAD, trust).email
    make_user(session, Role.NEED_LEAD, trust, name="Dora Deputy")
    sponsor_email = make_user(session, Role.SPONSOR, trust).email
    hin = make_organisation(session, Kind.HIN, name="Health Innovation North")
    broker_email = make_user(session, Role.BROKER, hin).email
    session.add(
        HinPatch(hin_id=hin.id, organisation_id=trust.id, source="test", source_date=date(2026, 1, 1))
    )
    session.commit()
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
    lead.choose("Clinical study").fill("What exactly? (Clinical study)", "One trial").click(go)
    lead.page.get_by_label("Clinical area").select_option("frailty")
    lead.page.get_by_label("Care setting").select_option("care-home")
    lead.choose("Sickness to prevention").click(go)
    lead.choose("Within 6 months").choose("No funding yet").click(go)
    # then they can check all of it, name a deputy, give it a place and submit
    lead.sees("Would you put your name to this?").picture(f"needs-check-{script}")
    lead.follow("Change who leads it")
    lead.page.get_by_label("Who is the deputy?").select_option(label="Dora Deputy, need lead")
    lead.click("Save").sees("The deputy is named").picture(f"reviews-people-{script}")
    lead.follow("Back to the list of questions").follow("Check your answers")
    lead.follow("Continue to your top three")
    lead.page.get_by_label("Fewer falls at night").select_option("1")
    lead.click("Submit in this order").sees("1 need submitted").sees("Waiting for the sponsor")
    lead.picture(f"needs-workspace-submitted-{script}")
    # when the sponsor returns it with a comment beside the title
    sponsor = visitor(script=script).sign_in(sponsor_email, PASSWORD)
    sponsor.open("/").sees("Waiting for your approval (1)").follow("Approve or return 1 need")
    sponsor.picture(f"reviews-queue-{script}").follow("Fewer falls at night")
    sponsor.page.get_by_text("Comment on Title", exact=True).first.click()
    sponsor.fill("Comment on Title", "Say of whom, please.").picture(f"reviews-review-{script}")
    sponsor.click("Return with comments").sees("The need is returned")
    # then the lead finds it beside the title, answers, and submits again
    lead.open("/").follow("Deal with a reviewer’s comments").sees("Say of whom, please.")
    lead.picture(f"needs-check-returned-{script}").follow("Title: Say of whom, please.")
    lead.fill("What do you need, in one sentence?", "Fewer falls of care home residents at night")
    lead.fill("Your reply to the reviewer", "Done.").picture(f"needs-question-comment-{script}")
    lead.click(go).sees("Check your answers").follow("Continue to your top three")
    lead.click("Submit in this order").sees("1 need submitted")
    # when the sponsor approves and the HIN checks
    sponsor.open("/sign-off").choose("I approve this need: Fewer falls of care home residents at night")
    sponsor.click("Approve").sees("sent to the HIN to check")
    broker = visitor(script=script).sign_in(broker_email, PASSWORD)
    broker.open("/").follow("Check “Fewer falls of care home residents at night”")
    broker.picture(f"reviews-check-{script}").click("Checked: publish it").sees("checked and published")
    # then everybody can read it, and who signed it off
    reader = visitor(script=script).open("/demand").follow("Fewer falls of care home residents at night")
    reader.sees("First priority of this organisation").sees("checked by Health Innovation North on")


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
    name_deputies(session, need.ref)
    sponsor_email = make_user(session, Role.SPONSOR, trust).email
    page = f"/needs/{need.ref}"
    email = make_user(session, Role.NEED_LEAD, trust).email
    lead = visitor(script=script).sign_in(email, PASSWORD).open(page)
    # when its lead changes it
    lead.click("Change this need").follow("What do you need?")
    lead.fill("What do you need, in one sentence?", "Quieter wards").click("Save and come back later")
    lead.follow("Check your answers").fill("What did you change, and why?", "Shorter title")
    lead.click("Submit the new version").sees("The new version is submitted")
    # then everybody sees the old one until the sponsor has approved; no HIN covers this trust
    visitor(script=script).open(page).sees("Quieter wards at night")
    sponsor = visitor(script=script).sign_in(sponsor_email, PASSWORD)
    sponsor.open("/sign-off").follow("Quieter wards").sees("Changes since version 1")
    sponsor.picture(f"reviews-edit-{script}").click("Approve").sees("approved and published")
    reader = (
        visitor(script=script).open(page).sees("Shorter title").sees("Not checked by a health innovation")
    )
    # and compares the two side by side
    reader.follow("Compare two versions").sees("1 answer differs").picture(f"reviews-compare-{script}")
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
