"""An assessor issues, suspends and revokes by the pages; everybody reads the register."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.organisations.models import Kind, Organisation
from marketplace.passports.models import Passport
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyVersion
from tests.conftest import Browser
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user
from tests.factories.technologies import date_fields, make_evidence, make_technology


@pytest.fixture
def body(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST, name="Test Assessing Trust")


@pytest.fixture
def assessor(session: Session, body: Organisation) -> User:
    return make_user(session, Role.ASSESSOR, body)


@pytest.fixture
def technology(session: Session) -> Technology:
    return make_technology(session, name="Hearthview")


@pytest.fixture
def item(session: Session, technology: Technology) -> EvidenceItem:
    return make_evidence(session, technology)


def tight(page: str) -> str:
    """Return a page's markup without the space between tags and words."""
    return re.sub(r"\s+<", "<", re.sub(r">\s+", ">", page))


def typed(item: EvidenceItem, **changes: object) -> dict[str, object]:
    today = clock.today()
    return {
        "scope": "Adults on virtual wards & at home",
        "conditions": "Not for people under 18",
        "evidence": item.ref,
        "step": "check",
        **date_fields("valid_from", today),
        **date_fields("valid_to", today + timedelta(days=700)),
    } | changes


def test_a_passport_is_issued_after_the_answers_were_checked(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    assessor: User,
    technology: Technology,
    item: EvidenceItem,
) -> None:
    browser.sign_in(assessor).get("/our-passports")
    assert "Passports that your organisation issues will appear here." in browser.text
    browser.get("/our-passports/new")
    address = f"/our-passports/new/{technology.ref}"
    assert f'href="{address}"' in browser.page
    browser.get(address)
    browser.post(address, typed(item))
    for words in ("Check your answers", "Adults on virtual wards & at home", "TEST-20114"):
        assert words in browser.text
    session.rollback()
    assert session.scalars(select(Passport)).all() == []
    # What was typed travels in hidden fields, so that nothing is asked twice.
    response = browser.post(address, {"step": "issue"})
    session.rollback()
    [passport] = session.scalars(select(Passport)).all()
    assert response.request.path == f"/passports/{passport.number}"
    assert f"Passport {passport.number} is issued." in browser.text

    public = new_browser()
    public.get(f"/passports/{passport.number.lower()}")
    for words in (
        "This passport is valid until",
        "Test Assessing Trust",
        "not the official register",
        f"for its record of number {passport.number}",
        "Hearthview, version 1",
        "Not for people under 18",
        "DCB0160",
    ):
        assert words in public.text
    assert "For the issuer" not in public.text
    public.get(f"/technologies/{technology.ref}")
    assert "Passport: valid" in public.text


def test_answers_can_be_changed_after_they_were_checked(
    browser: Browser, assessor: User, technology: Technology, item: EvidenceItem
) -> None:
    address = f"/our-passports/new/{technology.ref}"
    browser.sign_in(assessor).get(address)
    browser.post(address, typed(item))
    browser.post(address, {"step": "change"})
    assert "Record your assessment" in browser.text
    assert "Adults on virtual wards & at home" in unescape(browser.page)
    assert f'value="{item.ref}" checked' in browser.page


@pytest.mark.parametrize(
    ("changes", "message", "control"),
    [
        ({"scope": ""}, "Enter what was assessed, and for which use", "scope"),
        ({"evidence": []}, "Select at least one evidence item that the assessment relied on", "evidence"),
        ({"valid_to-year": "2099"}, "Valid to must be at most 5 years after valid from", "valid_to-day"),
        ({"valid_to-year": "2001"}, "Valid to must be after the day it is valid from", "valid_to-day"),
        ({"valid_from-month": "13"}, "Valid from must be a real date, such as 27 3 2027", "valid_from-day"),
        (
            {"valid_from-year": "1999"},
            "Valid from must be within one year of today. Check the year",
            "valid_from-day",
        ),
    ],
)
def test_a_passport_that_makes_no_sense_is_refused_and_nothing_typed_is_lost(
    browser: Browser,
    session: Session,
    assessor: User,
    technology: Technology,
    item: EvidenceItem,
    changes: dict[str, object],
    message: str,
    control: str,
) -> None:
    address = f"/our-passports/new/{technology.ref}"
    browser.sign_in(assessor).get(address)
    assert browser.post(address, typed(item) | changes).status_code == 422
    assert f'<a href="#{control}">{message}</a>' in tight(browser.page)
    assert browser.text.count(message) == 2
    assert "Not for people under 18" in browser.page
    session.rollback()
    assert session.scalars(select(Passport)).all() == []


def test_an_assessor_of_the_supplier_is_told_plainly(
    browser: Browser, session: Session, assessor: User, technology: Technology, item: EvidenceItem
) -> None:
    session.add(
        Membership(
            user_id=assessor.id,
            organisation_id=technology.supplier_id,
            role=Role.INNOVATOR,
            started_on=clock.today(),
        )
    )
    session.commit()
    address = f"/our-passports/new/{technology.ref}"
    assert browser.sign_in(assessor).get(address).status_code == 403
    assert "You belong to the supplier of this technology, so you cannot assess it." in browser.text
    assert browser.post(address, typed(item, step="issue")).status_code == 403
    session.rollback()
    assert session.scalars(select(Passport)).all() == []


def test_evidence_withdrawn_meanwhile_is_told(
    browser: Browser, session: Session, assessor: User, technology: Technology, item: EvidenceItem
) -> None:
    make_evidence(session, technology, number="TEST-2")
    address = f"/our-passports/new/{technology.ref}"
    browser.sign_in(assessor).get(address)
    browser.post(address, typed(item))
    session.rollback()
    item.withdrawn_at = clock.now()
    session.commit()
    assert browser.post(address, {"step": "issue"}).status_code == 422
    assert "An evidence item that you selected has been withdrawn or has expired." in browser.text
    assert "Adults on virtual wards & at home" in unescape(browser.page)


def test_a_new_version_listed_meanwhile_is_told_before_the_passport_is_issued(
    browser: Browser, session: Session, assessor: User, technology: Technology, item: EvidenceItem
) -> None:
    address = f"/our-passports/new/{technology.ref}"
    browser.sign_in(assessor).get(address)
    browser.post(address, typed(item))
    session.rollback()
    version = TechnologyVersion(technology_id=technology.id, number=2, listed_at=clock.now())
    version.fill(replace(technology.versions[0].content, name="Hearthview 2"))
    technology.version = 2
    session.add(version)
    session.commit()
    assert browser.post(address, {"step": "issue"}).status_code == 409
    assert "The supplier listed version 2 after you opened the page." in browser.text
    assert "Adults on virtual wards & at home" in unescape(browser.page)
    browser.post(address, typed(item, step="issue"))
    session.rollback()
    assert [passport.technology_version for passport in session.scalars(select(Passport))] == [2]


def test_pressing_the_button_twice_issues_one_passport(
    browser: Browser, session: Session, assessor: User, technology: Technology, item: EvidenceItem
) -> None:
    address = f"/our-passports/new/{technology.ref}"
    browser.sign_in(assessor).get(address)
    sent = browser.hidden() | typed(item, step="issue")
    first = browser.client.post(address, data=sent)
    second = browser.client.post(address, data=sent)
    assert first.headers["Location"] == second.headers["Location"]
    assert browser.get(second.headers["Location"]).status_code == 200
    session.rollback()
    assert len(session.scalars(select(Passport)).all()) == 1


def test_a_technology_without_current_evidence_cannot_be_assessed_and_says_why(
    browser: Browser, assessor: User, technology: Technology
) -> None:
    browser.sign_in(assessor).get(f"/our-passports/new/{technology.ref}")
    assert "The supplier has not named any evidence that is current" in browser.text
    assert "<textarea" not in browser.page


def test_a_passport_is_suspended_with_a_public_reason_and_reinstated(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    assessor: User,
    body: Organisation,
    technology: Technology,
) -> None:
    number = make_passport(session, technology, body).number
    public = new_browser()
    browser.sign_in(assessor).get(f"/our-passports/{number}/suspend")
    assert browser.post(f"/our-passports/{number}/suspend", {"reason": " "}).status_code == 422
    assert "Enter the reason. It is shown on the public register" in browser.text
    browser.post(f"/our-passports/{number}/suspend", {"reason": "A notice is being looked into"})
    assert "The passport is suspended." in browser.text
    public.get(f"/passports/{number}")
    assert "This passport was suspended on" in public.text
    assert "A notice is being looked into" in public.text
    public.get(f"/technologies/{technology.ref}")
    assert "Passport: suspended" in public.text

    browser.get(f"/our-passports/{number}/lift")
    browser.post(f"/our-passports/{number}/lift")
    public.get(f"/passports/{number}")
    assert "This passport is valid until" in public.text
    assert "A notice" not in public.text


def test_a_revoked_passport_stays_on_the_register_with_the_reason(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    assessor: User,
    body: Organisation,
    technology: Technology,
) -> None:
    number = make_passport(session, technology, body).number
    browser.sign_in(assessor).get(f"/our-passports/{number}/revoke")
    assert "You cannot undo this." in browser.text
    browser.post(f"/our-passports/{number}/revoke", {"reason": "The certificate was withdrawn"})
    public = new_browser()
    public.get(f"/passports/{number}")
    assert "Do not rely on it. The issuer’s reason: The certificate was withdrawn" in public.text
    assert browser.post(f"/our-passports/{number}/revoke", {"reason": "Again"}).status_code == 409


def test_evidence_that_lapsed_after_the_issue_is_a_warning_on_the_passport(
    browser: Browser, session: Session, technology: Technology
) -> None:
    lapsed = make_evidence(session, technology, expires_on=clock.today() - timedelta(days=1))
    withdrawn = make_evidence(session, technology, withdrawn=True)
    passport = make_passport(session, technology, relied_on=[lapsed, withdrawn])
    browser.get(f"/passports/{passport.number}")
    assert "Evidence behind this passport has lapsed" in browser.text
    assert "expired after" in browser.text
    assert "withdrawn or replaced by the supplier on" in browser.text
    whole = make_passport(session, technology)
    browser.get(f"/passports/{whole.number}")
    assert "has lapsed" not in browser.text


def test_a_passport_of_an_older_version_or_an_archived_technology_says_so(
    browser: Browser, session: Session, technology: Technology
) -> None:
    passport = make_passport(session, technology)
    version = TechnologyVersion(technology_id=technology.id, number=2, listed_at=clock.now())
    version.fill(technology.versions[0].content)
    technology.version = 2
    session.add(version)
    session.commit()
    browser.get(f"/passports/{passport.number}")
    assert "The supplier has listed version 2 since." in browser.text
    technology.archived_at = clock.now()
    session.commit()
    browser.get(f"/passports/{passport.number}")
    assert "The supplier took the technology off the register on" in browser.text
    assert f"/technologies/{technology.ref}" not in browser.page


def test_the_register_is_narrowed_and_searched(
    browser: Browser, session: Session, body: Organisation, technology: Technology
) -> None:
    valid = make_passport(session, technology, body).number
    other = make_technology(session, name="Stepdown Desk")
    revoked = make_passport(session, other, revoked=True).number

    def shown(address: str) -> list[str]:
        browser.get(address)
        return [number for number in (valid, revoked) if number in browser.text]

    assert shown("/passports") == [valid, revoked]
    assert "2 passports on the register" in browser.text
    assert shown("/passports?standing=revoked") == [revoked]
    assert shown(f"/passports?issuer={body.code}") == [valid]
    assert shown("/passports?q=stepdown") == [revoked]
    assert shown(f"/passports?q={valid.lower().replace('-', '+')}") == [valid]
    assert shown(f"/passports?technology={other.ref}") == [revoked]
    assert shown("/passports?q=DS-2026-ZZZZZZ") == []
    assert "A passport that is not here may still exist" in browser.text
    assert browser.get("/passports?standing=fine").status_code == 422
    assert "Select a standing from the list" in browser.text


def test_nobody_is_offered_to_change_another_bodys_passport(
    browser: Browser, session: Session, assessor: User, technology: Technology
) -> None:
    number = make_passport(session, technology).number
    browser.sign_in(assessor).get(f"/passports/{number}")
    assert "For the issuer" not in browser.text
    assert browser.get(f"/our-passports/{number}/revoke").status_code == 403
