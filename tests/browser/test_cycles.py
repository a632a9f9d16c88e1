"""Enter a cycle, say what is still true, and see who has answered, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.organisations.models import Kind, Organisation
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@pytest.fixture
def trust(session: Session) -> Organisation:
    region = make_organisation(session, Kind.REGION, name="North")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust", region_id=region.id)


@BOTH_WAYS
def test_an_administrator_enters_a_cycle_and_moves_its_end(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given an administrator
    email = make_user(session, Role.ADMINISTRATOR).email
    admin = visitor(script=script).sign_in(email, PASSWORD).open("/cycles")
    # when they enter a cycle whose dates are not in order
    admin.fill("Name", "Next")
    today = clock.today()
    days = {"opens_on": 10, "reminds_on": 5, "locks_on": 40, "closes_on": 60}

    def type_dates() -> None:
        for field, ahead in days.items():
            when = today + timedelta(days=ahead)
            for part in ("day", "month", "year"):
                admin.page.locator(f"#{field}-{part}").fill(str(getattr(when, part)))

    type_dates()
    admin.click("Enter this cycle").sees("The reminder must come after the first day")
    # then nothing typed is lost, and the right dates are taken
    days["reminds_on"] = 30
    type_dates()
    admin.click("Enter this cycle").sees("The cycle is entered.").sees("Not open yet")
    # and what has not passed can be moved
    admin.follow("Change the dates (Next)")
    admin.page.locator("#closes_on-year").fill(str((today + timedelta(days=60)).year + 1))
    admin.picture(f"cycles-dates-{script}").click("Change the dates").sees("The dates are changed.")


@BOTH_WAYS
def test_an_administrator_cancels_a_cycle_that_was_a_mistake(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given a cycle that has opened and in which nobody has said anything
    email = make_user(session, Role.ADMINISTRATOR).email
    cycle_id = make_cycle(session, name="Mistake").id
    session.rollback()
    admin = visitor(script=script).sign_in(email, PASSWORD).open("/cycles")
    # when the administrator cancels it without a reason
    admin.follow("Cancel the cycle (Mistake)").sees("Nobody has answered in it yet.")
    admin.click("Cancel this cycle").sees("Enter why the cycle is cancelled")
    # then they are asked for one, and with it the cycle is gone for everybody
    admin.fill("Why is it cancelled?", "It was meant for next year.")
    admin.picture(f"cycles-cancel-{script}").click("Cancel this cycle").sees("The cycle is cancelled.")
    admin.sees("It was meant for next year.").open("/coverage")
    assert visitor(script=script).page.request.get(f"{admin.address}/coverage/{cycle_id}").status == 410


@BOTH_WAYS
def test_a_lead_keeps_one_need_and_withdraws_another(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, script: bool
) -> None:
    # given two needs of the last cycle
    today = clock.today()
    past = make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100)
    )
    make_cycle(session, name="Spring", locks_on=today + timedelta(days=20))
    make_need(session, trust, rank=1, cycle=past, title="Fewer falls at night")
    make_need(session, trust, rank=2, cycle=past, title="Faster scans")
    email = make_user(session, Role.NEED_LEAD, trust).email
    # when the lead comes to the start page and follows it
    lead = visitor(script=script).sign_in(email, PASSWORD).open("/")
    lead.follow("Say which needs are still true").picture(f"cycles-still-true-{script}")
    # then one click keeps the first
    lead.click("Still true: keep it").sees("It is your first priority.")
    # and the other is withdrawn with a reason
    lead.follow("No longer needed")
    lead.fill("Why do you withdraw it?", "We found a solution").click("Withdraw").sees(
        "The need is withdrawn."
    )
    lead.open(f"/organisations/{trust.code}/still-true").sees(
        "No need of the last cycle waits for your word."
    )


@BOTH_WAYS
def test_everybody_sees_who_has_answered_and_looks_for_one(
    visitor: Callable[..., Visitor], session: Session, trust: Organisation, script: bool
) -> None:
    # given three organisations, one of which has answered
    make_cycle(session, name="Spring")
    make_need(session, trust)
    make_organisation(session, Kind.ICB, name="Southern ICB")
    make_organisation(session, Kind.TRUST, name="Silent Trust", region_id=trust.region_id)
    # when somebody looks
    somebody = visitor(script=script).open("/needs").follow("Who has answered")
    # then the numbers and those who have not answered are there
    somebody.sees("0 of 1 ICS answered").sees("1 of 2 trusts answered").sees("Has not yet answered")
    somebody.picture(f"cycles-coverage-{script}")
    # and one of them can be looked for
    somebody.fill("Name or code", "silent")
    if script:
        somebody.sees("1 organisation")
    else:
        somebody.click("Show these organisations").sees("1 organisation")
    assert "Southern ICB" not in somebody.page.content()
