"""An innovator lists a technology, an assessor issues a passport for it, and everybody finds both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.organisations.models import Kind
from marketplace.vocabulary import ClinicalArea
from tests.browser.conftest import Visitor
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import PASSWORD, make_user
from tests.factories.technologies import falls_answer, make_evidence, make_technology


def fill_date(person: Visitor, name: str, days_from_today: int) -> None:
    day = clock.today() + timedelta(days=days_from_today)
    for part, value in (("day", day.day), ("month", day.month), ("year", day.year)):
        person.page.locator(f"#{name}-{part}").fill(str(value))


@pytest.mark.parametrize(
    ("script", "width"), [(True, 1280), (False, 375)], ids=["desktop", "phone-no-script"]
)
def test_a_listing_gets_a_passport_and_both_are_found(
    visitor: Callable[..., Visitor], session: Session, script: bool, width: int
) -> None:
    # Given an innovator and an assessor
    supplier = make_organisation(session, Kind.SUPPLIER, name="Silverthrush Ltd")
    innovator = make_user(session, Role.INNOVATOR, supplier).email
    assessor = make_user(session, Role.ASSESSOR).email

    # When the innovator answers the questions
    maker = visitor(script=script, width=width).sign_in(innovator, PASSWORD)
    maker.open("/our-technologies").click("List a technology")
    maker.click("Continue").sees("Enter the name of the technology")
    maker.fill("What is the technology called?", "Nightlight").click("Continue")
    maker.follow("What it is and does").fill("What is it", "A sensor that sees who gets up at night.")
    maker.click("Save and continue").fill("intended use", "Adults in care homes.")
    maker.click("Save and continue").fill("What does it replace?", "Rounds every hour")
    maker.click("Save and continue").fill("Claim 1", "Falls fell by a third.")
    maker.click("Add another claim").fill("Claim 2", "Nights are calmer.").picture(f"claims-{width}")
    maker.click("Save and continue").choose("Care home")
    maker.click("Save and continue").choose("Older people and frailty")
    maker.click("Save and continue").choose("In a pilot").click("Save and continue")
    maker.sees("All questions are answered").click("Add evidence")
    maker.page.get_by_label("What kind of evidence is it?").select_option("clinical-study")
    maker.fill("Who issued or wrote it?", "Test University").fill(
        "What does it show?", "Falls fell by a third."
    )
    fill_date(maker, "issued_on", 30)
    maker.click("Add this evidence").sees("Date of issue must be today or in the past").picture(
        f"error-{width}"
    )
    fill_date(maker, "issued_on", -30)
    maker.click("Add this evidence").sees("The evidence is added.").picture(f"tasks-{width}")
    maker.click("Check your answers and list it").picture(f"check-{width}")
    maker.click("List this technology").sees("Your technology is on the register.").picture(f"listed-{width}")

    # And the assessor records an assessment
    body = visitor(script=script, width=width).sign_in(assessor, PASSWORD)
    body.open("/our-passports").click("Issue a passport").follow("Nightlight")
    body.click("Continue").sees("Enter what was assessed, and for which use").picture(f"compose-{width}")
    body.fill("What was assessed", "Release 1 in care homes")
    body.page.locator("input[name=evidence]").first.check()
    fill_date(body, "valid_to", 500)
    body.click("Continue").sees("Check your answers").picture(f"passport-check-{width}")
    body.click("Issue the passport").sees("This passport is valid until")
    body.follow("Suspend").fill("Why?", "A notice is being looked into").click("Suspend the passport")
    body.sees("A notice is being looked into").picture(f"suspended-{width}")

    # Then everybody finds the technology and its passport, and learns how it stands
    reader = visitor(script=script, width=width).open("/technologies").picture(f"register-{width}")
    reader.follow("Nightlight").sees("Passport: suspended").picture(f"technology-{width}")
    reader.follow("Passport DS-").sees("Do not rely on it meanwhile").picture(f"passport-{width}")
    reader.open("/passports?standing=suspended").sees("1 passport found").picture(f"passports-{width}")


def test_the_register_answers_while_one_chooses_and_the_address_can_be_shared(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    make_technology(session, name="For hearts", clinical_areas=(ClinicalArea.CARDIOVASCULAR,))
    make_technology(session, name="For lungs")
    reader = visitor().open("/technologies").sees("2 technologies on the register")
    reader.page.get_by_label("Clinical area").select_option("cardiovascular")
    expect(reader.page.get_by_role("status")).to_have_text("1 technology found")
    expect(reader.page.get_by_role("link", name="For lungs")).to_have_count(0)
    assert "clinical_area=cardiovascular" in reader.page.url
    reader.check()
    another = visitor(script=False)
    another.page.goto(reader.page.url)
    another.sees("1 technology found").sees("For hearts")
    reader.page.go_back()
    expect(reader.page.get_by_role("link", name="For lungs")).to_have_count(1)


def test_a_search_that_is_too_long_takes_the_reader_to_the_message(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    make_technology(session)
    reader = visitor().open("/technologies")
    reader.page.get_by_label("Search technologies").fill("falls " * 40)
    expect(reader.page.locator(".nhsuk-error-summary")).to_be_focused()
    reader.check()


def test_the_supplier_sees_which_evidence_lapses(visitor: Callable[..., Visitor], session: Session) -> None:
    supplier = make_organisation(session, Kind.SUPPLIER)
    one = make_technology(session, supplier, name="Hearthview")
    make_evidence(session, one, expires_on=clock.today() - timedelta(days=1))
    make_evidence(session, one, withdrawn=True)
    make_passport(session, one)
    maker = visitor(width=375).sign_in(make_user(session, Role.INNOVATOR, supplier).email, PASSWORD)
    maker.open("/our-technologies").sees("1 evidence item expired").picture("workspace-375")
    maker.follow("Hearthview").sees("Withdrawn or replaced evidence (1)").picture("evidence-375")
    maker.follow("Archive this technology").sees("You cannot undo this")


@pytest.mark.parametrize(
    ("script", "width"), [(True, 1280), (False, 375)], ids=["desktop", "phone-no-script"]
)
def test_an_author_is_told_before_listing_what_does_not_count_and_why(
    visitor: Callable[..., Visitor],
    session: Session,
    reindex: Callable[[], None],
    script: bool,
    width: int,
) -> None:
    # Given a need, a listing, and a draft that holds text of the one and is nearly the other
    need = make_need(session, title="Fewer falls at night")
    make_technology(session, name="Firstlight", **falls_answer())
    supplier = make_organisation(session, Kind.SUPPLIER, name="Silverthrush Ltd")
    innovator = make_user(session, Role.INNOVATOR, supplier).email
    assert need.current is not None
    copy = f"{need.current.problem} {need.current.outcome}"
    text = f"{falls_answer()['summary']} {copy} {'Falls. ' * 40}"
    draft = make_technology(
        session, supplier, listed=False, name="Secondlight", **(falls_answer() | {"summary": text})
    )
    ref = draft.ref
    session.rollback()
    reindex()

    # When the author checks the answers, then they are told what does not count, with a way to each
    author = visitor(script=script, width=width).sign_in(innovator, PASSWORD)
    author.open(f"/our-technologies/{ref}/check").sees("What does not count towards matching")
    author.sees("These are words of the need “Fewer falls at night”")
    author.sees("“Falls.” stands 40 times").sees("nearly the same as “Firstlight”")
    author.picture(f"uncounted-{width}")

    # And beside the question itself
    author.open(f"/our-technologies/{ref}/summary").sees("“Falls.” stands 40 times")
    author.picture(f"uncounted-question-{width}")

    # When the answer is their own, then nothing is said beside the question any more
    author.page.locator("#summary").fill("A mat that hears who gets up, and rings.")
    author.click("Save and continue").open(f"/our-technologies/{ref}/summary")
    assert "does not count" not in author.page.inner_text("main")
