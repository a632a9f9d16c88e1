"""Joining, signing in, and not losing what was typed, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.organisations.models import Kind
from tests.browser.conftest import Visitor
from tests.factories.organisations import make_organisation
from tests.factories.people import PASSWORD, make_user

PHRASE = "A whole new passphrase"
BOTH = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


def open_letter(visitor: Visitor, subject: str) -> Visitor:
    """Open the demo's mailbox and follow the first link of the letter."""
    visitor.open("/mailbox").sees(subject)
    letter = visitor.page.locator("li.app-letter", has_text=subject).first
    href = letter.locator("pre a").first.get_attribute("href")
    assert href is not None
    return visitor.open(urlsplit(href).path)


@BOTH
def test_an_innovator_registers_a_company_and_comes_back_after_forgetting_the_password(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given somebody from a company who has never been here
    ines = visitor(script=script, width=375)
    # when they send the form half empty, then the summary says what is missing and nothing typed is lost
    ines.open("/sign-in").follow("Register your company").fill("Your full name", "Ines Newcomer")
    ines.click("Register").sees("There is a problem").sees("Enter the name of your company")
    assert ines.page.get_by_label("Your full name").input_value() == "Ines Newcomer"
    # when they complete it, then a letter proves their address, and they are in
    ines.fill("E-mail address", "ines@newco.example").fill("Choose a password", PHRASE)
    ines.fill("Company name", "Newco Ltd").fill("What your company does", "We make a new thing.")
    ines.click("Register").sees("Check your e-mail").picture("register-sent")
    open_letter(ines, "Confirm your e-mail address").sees("Newco Ltd")
    ines.click("Confirm and sign in").sees("Your company is registered and you are signed in")
    ines.open("/account").sees("Innovator at Newco Ltd").picture("account-375")
    # when they forget the password, then a link sets a new one, once
    ines.click("Sign out").open("/sign-in").follow("I have forgotten my password")
    ines.fill("E-mail address", "ines@newco.example").click("Send the link").sees("Check your e-mail")
    open_letter(ines, "Set a new password").fill("New password", "Another long passphrase")
    link = ines.page.url
    ines.click("Set password").sees("Your password is changed")
    ines.open(urlsplit(link).path).sees("This link does not work any more")
    ines.sign_in("ines@newco.example", "Another long passphrase").sees("Ines Newcomer")


@BOTH
def test_a_lead_invites_a_colleague_and_ends_the_role_again(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given a need lead of a trust
    trust = make_organisation(session, Kind.TRUST, name="Test Hospitals NHS Trust")
    lead = visitor(script=script).sign_in(make_user(session, Role.NEED_LEAD, trust).email, PASSWORD)
    # when they invite a colleague as assessor
    lead.open("/account").follow("People at Test Hospitals NHS Trust")
    lead.fill("Their e-mail address", "bea@trust.example")
    lead.choose("Assessor: records passports that the organisation issues")
    lead.click("Send invitation").sees("We have sent an invitation").picture("people")
    # then the colleague joins by the link
    bea = open_letter(visitor(script=script), "Join Test Hospitals NHS Trust")
    bea.fill("Your full name", "Bea Colleague").fill("Choose a password", PHRASE)
    bea.click("Create account and join").sees("Your account is ready")
    # when the lead ends the role, then it is asked first, and the colleague has no role from then on
    lead.open(f"/organisations/{trust.code}/people")
    lead.page.get_by_role("link", name="of Bea Colleague").click()
    lead.check().click("End the role").sees("The role has ended")
    bea.open("/account").sees("You do not have a role at an organisation just now")


@BOTH
def test_what_was_typed_survives_a_session_that_ended_meanwhile(
    visitor: Callable[..., Visitor], session: Session, script: bool
) -> None:
    # given somebody who types for long
    email = make_user(session, Role.INNOVATOR).email
    session.rollback()
    somebody = visitor(script=script).sign_in(email, PASSWORD).open("/account/details")
    somebody.fill("Your full name", "A Name That Took Long")
    # when the session is gone as they send it
    somebody.page.context.clear_cookies()
    somebody.click("Save").sees("You were signed out before this was saved").picture("kept-sign-in")
    # then after signing in it is shown, and one press saves it
    somebody.fill("E-mail address", email)
    somebody.page.get_by_label("Password", exact=True).fill(PASSWORD)
    somebody.page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    somebody.check().sees("We kept what you typed").sees("A Name That Took Long").picture("kept")
    somebody.click("Send what I typed").sees("Your details are saved")
    session.rollback()
    assert session.scalar(select(User.name).where(User.email == email)) == "A Name That Took Long"


def test_an_administrator_confirms_an_entry_of_the_patch_and_the_footer_pages_are_in_order(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    # given a HIN and an administrator
    make_organisation(session, Kind.HIN, name="Test HIN")
    make_organisation(session, Kind.ICB, name="Test Board")
    admin = visitor().sign_in(make_user(session, Role.ADMINISTRATOR).email, PASSWORD)
    # when they add an organisation with its source, then it stands there as unconfirmed
    admin.open("/account").follow("Which organisations each HIN covers").follow("Test HIN")
    admin.page.get_by_label("Organisation", exact=True).select_option(index=1)
    admin.fill("Where do you know this from?", "Board paper")
    for part, typed in (("Day", "5"), ("Month", "1"), ("Year", "2026")):
        admin.page.get_by_label(part, exact=True).fill(typed)
    admin.click("Add to the patch").sees("Unconfirmed").picture("patch")
    # when they confirm it, then it says so
    admin.page.get_by_role("link", name="Change Test Board").click()
    admin.check().choose("The HIN has confirmed this").click("Save").sees("The entry is saved")
    for path in ("/about", "/accessibility", "/privacy", "/nothing-here", "/organisations"):
        admin.open(path)


def test_an_administrator_searches_the_registry_without_leaving_the_page(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    # given an administrator and two trusts
    make_organisation(session, Kind.TRUST, name="Aston Hospitals")
    make_organisation(session, Kind.TRUST, name="Bexley Hospitals")
    admin = visitor().sign_in(make_user(session, Role.ADMINISTRATOR).email, PASSWORD)
    # when they search, then the list alone changes and the address follows
    admin.open("/organisations").sees("Bexley Hospitals").fill("Name or code", "aston")
    admin.page.evaluate("window.stayed = true")
    admin.page.get_by_role("button", name="Search").click()
    admin.sees("1 organisation").check().picture("registry")
    assert admin.page.get_by_text("Bexley Hospitals").count() == 0
    assert admin.page.evaluate("window.stayed") is True
    assert "text=aston" in admin.page.url
