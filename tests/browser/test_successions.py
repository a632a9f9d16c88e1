"""Two boards merge, in a browser: recorded, planned by those whom it concerns, handed over, and read afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.needs import places
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import Organisation
from tests.browser.conftest import Visitor
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.people import PASSWORD, make_user
from tests.factories.successions import organisation_of

WAYS = pytest.mark.parametrize(
    ("script", "width"),
    [(True, 1280), (True, 375), (False, 1280)],
    ids=["with script", "on a telephone", "without script"],
)
MERGED = "NHS London Test"


@dataclass
class World:
    """Two real boards with needs, and the people who change them."""

    north_west: Organisation
    north_central: Organisation
    names: tuple[str, str]
    administrator: str
    lead: str
    titles: tuple[str, ...] = ("Fewer falls at night", "Faster scans", "Shorter waits for hearing tests")


@pytest.fixture
def world(session: Session, app: Flask) -> World:
    with app.app_context():
        load_reference()
    session.rollback()
    one, two = organisation_of(session, "QRV"), organisation_of(session, "QMJ")
    yesterday = clock.now() - timedelta(days=1)
    world = World(one, two, (one.name, two.name), "", "")
    with clock.pretend(yesterday):
        cycle = make_cycle(session, name="Spring")
        make_need(session, one, rank=1, title=world.titles[0])
        make_need(session, one, rank=2, title=world.titles[1])
        make_need(session, two, rank=1, title=world.titles[2])
        make_draft(session, one, title="Not finished yet")
        for organisation in (one, two):
            places.note(session, organisation.id, cycle.id)
        world.administrator = make_user(session, Role.ADMINISTRATOR).email
        world.lead = make_user(session, Role.NEED_LEAD, one).email
        session.commit()
    return world


def record(admin: Visitor, world: World) -> None:
    """Record the merger of today as an administrator."""
    today = clock.today()
    admin.choose("Merger: several become one")
    for field in ("effective_on", "source_date"):
        for part in ("day", "month", "year"):
            admin.page.locator(f"#{field}-{part}").fill(str(getattr(today, part)))
    admin.fill("Organisation 1", "QRV").fill("Organisation 2", "QMJ").fill("Successor 1", MERGED)


@WAYS
def test_a_merger_is_recorded_planned_and_handed_over_and_the_past_stays_readable(
    visitor: Callable[..., Visitor], world: World, script: bool, width: int
) -> None:
    # given two boards with needs, one of them with a draft
    admin = visitor(script=script, width=width).sign_in(world.administrator, PASSWORD)
    # when an administrator records that they merge, first without saying where that is known from
    admin.open("/successions/new")
    record(admin, world)
    admin.click("Check").sees("Enter where you know this from").fits()
    # then nothing typed is lost, and what would happen is shown before it does
    admin.fill("Where do you know this from?", "Order in law").click("Check")
    admin.sees("Check what will be recorded").sees(f"{MERGED}, new").fits()
    admin.click("Record this change").sees("The change is recorded.").fits()
    admin.picture(f"succession-recorded-{script}-{width}")
    change = admin.page.url.removeprefix(admin.address)

    # given the lead of one of them, who comes the same day
    lead = visitor(script=script, width=width).sign_in(world.lead, PASSWORD).open("/")
    lead.sees("See where your organisation’s work goes").sees("Your organisation changes").fits()
    # when they want to write a need
    lead.open("/top-three/new").sees(f"{world.names[0]} closed on").fits()
    assert lead.page.get_by_role("button", name="Start").count() == 0
    lead.open("/top-three").sees("Not finished yet").fits().picture(f"succession-closed-{script}-{width}")
    # then they are led to choose where theirs goes, and see nothing of the other's
    lead.open("/").follow(f"become {MERGED}").sees("Where everything goes").fits()
    lead.follow("Needs and drafts").sees("Not finished yet")
    assert world.titles[2] not in lead.page.content()
    lead.click("Save, and choose this for the rest").sees("All 3 chosen").fits()
    lead.picture(f"succession-choices-{script}-{width}")

    # when the administrator chooses the rest, place by place
    admin.open(change)
    while admin.page.get_by_text("To choose", exact=True).count():
        row = admin.page.locator(
            ".nhsuk-task-list__item", has=admin.page.get_by_text("To choose", exact=True)
        )
        row.first.get_by_role("link").click()
        admin.page.wait_for_load_state()
        admin.check().fits()
        rest = admin.page.get_by_role("button", name="for the rest")
        rest.first.click()
        admin.page.wait_for_load_state()
        admin.check().open(change)
    admin.follow("Check and confirm the handover").sees("Who would be missing").fits()
    admin.picture(f"succession-confirm-{script}-{width}")
    admin.click("Hand everything over").sees("Everything is handed over.").sees(
        "4 needs before, 4 needs after."
    ).fits()
    admin.picture(f"succession-done-{script}-{width}")
    # then nothing is left at what has closed
    admin.open("/successions/left-behind").sees("Nothing.").fits()

    # and everybody is led from the old address to the new one, and finds the past as it was
    anybody = visitor(script=script, width=width).open("/organisations/QRV")
    assert anybody.page.url.endswith("/organisations/nhs-london-test")
    anybody.sees(world.titles[0]).fits()
    anybody.open("/demand?organisation=QMJ").sees(world.titles[2])
    assert "organisation=nhs-london-test" in anybody.page.url
    anybody.open("/needs/as-of")
    for part in ("day", "month", "year"):
        yesterday = clock.today() - timedelta(days=1)
        anybody.page.locator(f"#{part}").fill(str(getattr(yesterday, part)))
    anybody.page.get_by_role("main").get_by_role("button").first.click()
    anybody.page.wait_for_load_state()
    anybody.check().fits().sees(world.titles[0]).sees(world.names[0])
    assert MERGED not in anybody.page.get_by_role("main").inner_text()
    anybody.picture(f"succession-past-{script}-{width}")
    # and the lead goes on at the successor, with the draft
    lead.open("/top-three").sees(MERGED).sees("Not finished yet").fits()
