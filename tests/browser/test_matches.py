"""Technologies are ranked for a need and needs for a technology, everybody searches, and each role has its start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType
from tests.browser.conftest import Visitor
from tests.factories.introductions import Parties
from tests.factories.needs import make_need
from tests.factories.passports import make_passport
from tests.factories.people import PASSWORD, make_user
from tests.factories.technologies import make_evidence, make_technology

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@dataclass
class World:
    """A published need of a trust in a HIN's patch, and two technologies of which one has a passport."""

    session: Session
    need_title: str = "Fewer falls at night"
    emails: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parties = Parties.make(self.session)
        self.need = make_need(self.session, parties.trust, title=self.need_title).ref
        nightlight = make_technology(
            self.session,
            parties.supplier,
            name="Nightlight",
            summary="A mat beside the bed of older people in care homes. It tells staff within 2 minutes of a fall "
            "at night in their own rooms, so that residents who fall are found. It works where there is no wifi.",
            settings=(CareSetting.CARE_HOME,),
        )
        proof = make_evidence(
            self.session,
            nightlight,
            type=EvidenceType.REAL_WORLD,
            number="",
            summary="Results of ten care homes.",
        )
        make_passport(self.session, nightlight, relied_on=[proof])
        self.technology = nightlight.ref
        make_technology(
            self.session,
            parties.supplier,
            name="Fallbell",
            summary="A bell that residents of care homes ring when they fall at night, so that staff come.",
            settings=(CareSetting.CARE_HOME,),
        )
        self.emails = {name: person.email for name, person in parties.people.items()}
        self.session.rollback()


@pytest.fixture
def world(session: Session, reindex: Callable[[], None]) -> World:
    made = World(session)
    reindex()
    return made


@BOTH_WAYS
def test_matches_are_ranked_both_ways_with_reasons(
    visitor: Callable[..., Visitor], world: World, script: bool
) -> None:
    # given the lead of a published need
    lead = visitor(script=script).sign_in(world.emails["lead"], PASSWORD)
    # when they ask which technologies fit
    lead.open(f"/needs/{world.need}").follow("See which technologies fit").picture(f"matches-{script}")
    names = lead.page.get_by_role("heading", level=3).get_by_role("link")
    # then the one that answers more is first, with its passport, and the passage that answers each must-have
    expect(names.first).to_have_text("Nightlight")
    first = lead.page.locator("ol.app-results > li").first
    expect(first).to_contain_text("Passport: valid")
    expect(first.locator("dt", has_text="Work where there is no wifi")).to_contain_text("Answers")
    expect(first).to_contain_text("It works where there is no wifi")
    expect(first).to_contain_text("From its summary")
    expect(first.locator("li", has_text="Real-world results")).to_contain_text("Held")
    # when they want only what an NHS body has assessed, then the list follows and the address can be kept
    lead.page.get_by_text("Order and filter").click()
    box = lead.page.get_by_label("Only with a passport in force")
    if script:
        lead.page.evaluate("window.announcer = document.querySelector('[role=status]')")
    box.check()
    if not script:
        lead.page.get_by_role("button", name="Show", exact=True).click()
    expect(lead.page.get_by_role("link", name="Fallbell")).to_have_count(0)
    lead.page.wait_for_url("**passport=yes*")
    lead.check()
    if script:  # the words are said aloud only where the element that says them stays
        assert lead.page.evaluate("window.announcer.isConnected")
        lead.page.go_back()
        expect(lead.page.locator("#candidates")).to_contain_text("Nearly the same listing: Fallbell")
    # and the innovator sees the same need from the other side
    maker = visitor(script=script).sign_in(world.emails["innovator"], PASSWORD)
    maker.open(f"/technologies/{world.technology}").follow("Needs that this may answer")
    expect(maker.page.get_by_role("heading", level=3).get_by_role("link").first).to_have_text(
        world.need_title
    )
    expect(maker.page.locator("ol.app-results > li").first).to_contain_text("First priority")


def test_each_role_finds_on_its_first_page_what_waits_and_one_next_step(
    visitor: Callable[..., Visitor], session: Session, world: World
) -> None:
    # given everybody, and somebody who looks in from outside
    visitor(width=375).open("/").sees("Where NHS demand meets proven technology").sees(world.need_title)
    others = {role: make_user(session, role).email for role in (Role.ASSESSOR, Role.ADMINISTRATOR)}
    nobody = make_user(session).email
    session.rollback()
    steps = {
        world.emails["broker"]: world.need_title,
        world.emails["lead"]: "Write a need",
        world.emails["innovator"]: world.need_title,
        others[Role.ASSESSOR]: "Go to our passports",
        others[Role.ADMINISTRATOR]: "Invite a lead for",
    }
    for email, step in steps.items():
        somebody = visitor(width=375).sign_in(email, PASSWORD)
        somebody.sees("What waits for you").picture(f"home-{email}")
        # then there is one next step for the role
        expect(somebody.page.locator(".app-step a")).to_have_count(1)
        expect(somebody.page.locator(".app-step a")).to_contain_text(step)
    # and who has no role any more is told what to do
    visitor().sign_in(nobody, PASSWORD).sees("You do not belong to an organisation at the moment")


def test_the_demo_signs_a_person_in_by_one_press(visitor: Callable[..., Visitor], session: Session) -> None:
    # given the demo's accounts
    lead = make_user(session, Role.NEED_LEAD, demo_label="Need lead, Test Board")
    name = lead.name
    session.rollback()
    # when somebody presses one, then they are that person, without a password
    somebody = visitor(script=False).open("/sign-in").picture("demo-sign-in")
    somebody.click("Need lead, Test Board").sees("What waits for you").sees(name)
    assert session.scalar(select(User.id).where(User.name == name)) is not None


def test_going_back_from_a_need_finds_the_board_as_it_was_left(
    visitor: Callable[..., Visitor], session: Session, world: World
) -> None:
    # given a board on which somebody has chosen an area
    make_need(session, title="Faster scans", clinical_area=ClinicalArea.CANCER, published_at=clock.now())
    session.rollback()
    reader = visitor().open("/demand")
    reader.page.evaluate("window.announcer = document.querySelector('[role=status]')")
    reader.page.locator("summary", has_text="Clinical area").click()
    reader.page.get_by_label("Cancer (1)").check()
    # then the count is said by the element that was there before, so that it is read aloud
    expect(reader.page.get_by_role("status")).to_have_text("1 need with these filters")
    assert reader.page.evaluate("window.announcer.isConnected && window.announcer.textContent.trim()") == (
        "1 need with these filters"
    )
    # when they open a need and go back, then the board is as they left it
    reader.follow("Faster scans")
    reader.page.go_back()
    expect(reader.page.get_by_label("Cancer (1)")).to_be_checked()
    expect(reader.page.get_by_role("status")).to_have_text("1 need with these filters")
