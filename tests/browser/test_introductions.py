"""A broker introduces two sides, each answers for itself, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.introductions import rules
from marketplace.introductions.rules import Decision
from tests.browser.conftest import Visitor
from tests.factories.introductions import NOTE, Parties, make_introduction
from tests.factories.needs import make_need
from tests.factories.passports import make_passport
from tests.factories.people import PASSWORD, make_user
from tests.factories.technologies import falls_answer, make_technology

BOTH = pytest.mark.parametrize(
    ("script", "width"), [(True, 1280), (False, 375)], ids=["desktop", "phone-no-script"]
)


@BOTH
def test_a_broker_compares_proposes_and_both_sides_meet(
    visitor: Callable[..., Visitor],
    session: Session,
    reindex: Callable[[], None],
    script: bool,
    width: int,
) -> None:
    # Given a need of the patch and technologies that fit it
    parties = Parties.make(session)
    make_need(session, parties.trust, title="Fewer falls at night")
    for number, name in enumerate(("Nightsight", "Fallbell")):
        make_passport(session, make_technology(session, parties.supplier, name=name, **falls_answer(number)))
    emails = {name: person.email for name, person in parties.people.items()}
    session.rollback()
    reindex()

    # When the broker looks at the morning list, then what needs them first is on top, with a reason
    broker = visitor(script=script, width=width).sign_in(emails["broker"], PASSWORD)
    broker.open("/").sees("What waits for you").picture(f"home-broker-{width}")
    broker.open("/patch").sees("Nothing has been proposed. Published today.").picture(f"patch-{width}")
    broker.follow("Fewer falls at night")

    # When they compare too few, then they are told; two stand side by side
    broker.click("Compare").sees("Select 2 to 4 technologies to compare. You selected 0.")
    for number in (1, 2):
        broker.page.locator(f"#technology-{number}").check()
    broker.click("Compare").sees("Tell staff within 2 minutes of a fall").picture(f"compare-{width}")
    assert broker.page.evaluate("document.documentElement.scrollWidth") <= width if script else True

    # When they propose one with a note, then contact details are kept out of it, and both sides are asked
    broker.follow("Propose Nightsight")
    broker.fill("Why should these two talk?", "Please write to jo@trust.example").click("Continue")
    broker.sees("There is a problem")
    broker.fill("Why should these two talk?", NOTE).click("Continue").sees("Check before you propose")
    broker.click("Propose to both sides").sees("Proposed. Both sides have been written to.")
    broker.sees("Waiting for both sides").picture(f"proposed-{width}")

    # When the need side accepts, then it sees nothing of the other side yet
    lead = visitor(script=script, width=width).sign_in(emails["lead"], PASSWORD)
    lead.open("/").follow("Answer an introduction").click("Accept").click("Accept and share my details")
    lead.sees("You accepted. We will write to you when there is news.").picture(f"accepted-{width}")
    assert emails["innovator"] not in lead.page.content()

    # When the supplier accepts too, then both have each other's details
    innovator = visitor(script=script, width=width).sign_in(emails["innovator"], PASSWORD)
    innovator.open("/").follow("Answer an introduction").click("Accept").click("Accept and share my details")
    innovator.sees("Both sides have accepted").sees(emails["lead"]).picture(f"introduced-{width}")
    lead.open("/introductions").follow("Nightsight").sees(emails["innovator"])


@BOTH
def test_a_refusal_reaches_the_broker_and_nobody_else(
    visitor: Callable[..., Visitor], session: Session, script: bool, width: int
) -> None:
    # Given an introduction that the need side has accepted
    parties = Parties.make(session)
    ref = make_introduction(session, parties, need=Decision.ACCEPTED).ref
    emails = {name: person.email for name, person in parties.people.items()}
    session.rollback()

    # When the supplier declines, then a reason is asked for, for the broker alone
    innovator = visitor(script=script, width=width).sign_in(emails["innovator"], PASSWORD)
    innovator.open(f"/introductions/{ref}").click("Decline").click("Decline").sees(rules.WHY_DECLINED)
    innovator.fill("Why do you decline?", "We have no capacity this year").click("Decline")
    innovator.sees("You declined. Only the broker knows.").picture(f"declined-{width}")

    # Then the need side still waits
    lead = visitor(script=script, width=width).sign_in(emails["lead"], PASSWORD)
    lead.open(f"/introductions/{ref}").sees("We wait for the other side until")
    assert "declined" not in lead.page.content().lower()

    # When the broker closes it, then the need side reads the three possible causes
    broker = visitor(script=script, width=width).sign_in(emails["broker"], PASSWORD)
    broker.open(f"/introductions/{ref}").sees("We have no capacity this year").picture(f"broker-{width}")
    broker.follow("Close this introduction").fill("Why do you close it?", "The supplier has no capacity")
    broker.click("Close this introduction").sees("Closed. Both sides have been told")
    lead.open(f"/introductions/{ref}").sees(rules.NOT_GOING_AHEAD).picture(f"not-going-ahead-{width}")
    for reason in rules.POSSIBLE_REASONS:
        lead.sees(reason)
    assert "capacity" not in lead.page.content()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("width", [320, 1280])
def test_the_start_page_of_each_role_fits_every_width(
    visitor: Callable[..., Visitor], session: Session, role: Role, width: int
) -> None:
    email = make_user(session, role).email
    session.rollback()
    person = visitor(width=width).sign_in(email, PASSWORD)
    person.open("/").sees("What waits for you").picture(f"home-{role.value}-{width}")
    assert person.page.evaluate("document.documentElement.scrollWidth") <= width
