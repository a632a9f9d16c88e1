"""A supplier lists a technology by the pages, and what happens on the unhappy paths."""

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
from marketplace.outbox.models import OutboxRow
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyVersion
from tests.conftest import Browser
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.technologies import CONTENT, date_fields, make_evidence, make_technology


@pytest.fixture
def supplier(session: Session) -> Organisation:
    return make_organisation(session, Kind.SUPPLIER, name="Silverthrush Ltd")


@pytest.fixture
def innovator(session: Session, supplier: Organisation) -> User:
    return make_user(session, Role.INNOVATOR, supplier)


def tight(page: str) -> str:
    """Return a page's markup without the space between tags and words."""
    return re.sub(r"\s+<", "<", re.sub(r">\s+", ">", page))


def evidence(**changes: object) -> dict[str, object]:
    return {
        "type": "clinical-study",
        "issuer": "Test University",
        "summary": "Falls fell by a third.",
        **date_fields("issued_on", clock.today() - timedelta(days=30)),
    } | changes


def test_a_technology_is_listed_from_the_first_question_to_the_public_page(
    browser: Browser, new_browser: Callable[[], Browser], session: Session, innovator: User
) -> None:
    browser.sign_in(innovator).get("/our-technologies")
    assert "You do not need a passport" in browser.text
    browser.get("/our-technologies/new")
    response = browser.post("/our-technologies/new", {"name": "Nightlight"})
    home = response.request.path
    assert "7 questions left" in browser.text
    for question, answer in {
        "summary": {"summary": "A sensor that sees who gets up at night."},
        "intended-use": {"intended_use": "Adults in care homes."},
        "replaces": {"replaces": "Rounds every hour"},
        "claims": {"claims-0": "Falls fell by a third.", "claims-1": ""},
        "settings": {"settings": ["care-home", "home"]},
        "clinical-areas": {"clinical_areas": ["frailty"]},
        "readiness": {"readiness": "pilot"},
    }.items():
        browser.get(f"{home}/{question}")
        assert browser.post(f"{home}/{question}", answer).status_code == 200, browser.text
    browser.get(home)
    assert "All questions are answered" in browser.text
    browser.get(f"{home}/check")
    assert "A sensor that sees who gets up at night." in browser.text
    response = browser.post(f"{home}/check")
    assert "Your technology is on the register." in browser.text

    public = new_browser()
    public.get(response.request.path)
    for words in ("Nightlight", "Silverthrush Ltd", "A person’s own home; Care home", "No passport yet"):
        assert words in public.text
    assert "Falls fell by a third." in public.text
    session.rollback()
    [row] = session.scalars(select(OutboxRow)).all()
    assert (row.topic, row.subject_id) == ("technology", home.rsplit("/", 1)[1])


def test_saving_an_answer_leads_to_the_next_question(browser: Browser, innovator: User) -> None:
    browser.sign_in(innovator).get("/our-technologies/new")
    home = browser.post("/our-technologies/new", {"name": "Nightlight"}).request.path
    browser.get(f"{home}/summary")
    response = browser.post(f"{home}/summary", {"summary": "A sensor"}, follow=False)
    assert response.headers["Location"] == f"{home}/intended-use"


def test_an_answer_changed_from_the_check_page_leads_back_there(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/summary?from=check"
    browser.sign_in(innovator).get(f"/our-technologies/{one.ref}/check")
    assert f'href="{address}"' in browser.page
    browser.get(address)
    response = browser.post(address, {"summary": "Shorter"}, follow=False)
    assert response.headers["Location"] == f"/our-technologies/{one.ref}/check"


@pytest.mark.parametrize(
    ("question", "answer", "message", "control"),
    [
        ("name", {"name": " \u200b "}, "Enter the name of the technology", "name"),
        ("summary", {"summary": ""}, "Describe what the technology is and does", "summary"),
        ("claims", {"claims-0": ""}, "Enter at least one claim", "claims-0"),
        ("settings", {}, "Select at least one care setting", "settings"),
        ("settings", {"settings": "moon"}, "Select at least one care setting", "settings"),
        ("readiness", {"readiness": "done"}, "Select how far the technology has come", "readiness"),
    ],
)
def test_a_missing_answer_is_told_in_title_summary_and_beside_the_field(
    browser: Browser,
    session: Session,
    innovator: User,
    supplier: Organisation,
    question: str,
    answer: dict[str, object],
    message: str,
    control: str,
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/{question}"
    browser.sign_in(innovator).get(address)
    response = browser.post(address, answer)
    assert response.status_code == 422
    assert "<title>Error: " in browser.page
    assert f'<a href="#{control}">{message}</a>' in tight(browser.page)
    assert f'id="{control}' in browser.page
    assert browser.text.count(message) == 2


def test_an_over_long_answer_is_told_by_how_much_and_kept(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/summary"
    typed = "A sensor. " * 160
    browser.sign_in(innovator).get(address)
    assert browser.post(address, {"summary": typed}).status_code == 422
    assert "Summary must be 1,500 characters or fewer. Take out 99." in browser.text
    assert typed.strip() in unescape(browser.page)


def test_claims_are_added_and_removed_without_script_and_without_loss(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False, claims=())
    address = f"/our-technologies/{one.ref}/claims"
    browser.sign_in(innovator).get(address)
    browser.post(address, {"claims-0": "First <b>claim</b>", "add": "1"})
    assert 'value="First &lt;b&gt;claim&lt;/b&gt;"' in browser.page
    assert 'name="claims-1"' in browser.page
    browser.post(address, {"claims-0": "First", "claims-1": "Second", "claims-2": "Third", "remove": "1"})
    assert 'value="First"' in browser.page
    assert 'name="claims-1" type="text" value="Third"' in browser.page
    assert "Second" not in browser.page
    browser.post(address, {"claims-0": "First", "claims-1": "Third"})
    session.rollback()
    assert one.draft is not None
    assert one.draft.claims == ["First", "Third"]


def test_no_more_than_eight_claims_can_be_added_or_sent(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/claims"
    eight: dict[str, object] = {f"claims-{number}": f"Claim {number}" for number in range(8)}
    browser.sign_in(innovator).get(address)
    browser.post(address, eight | {"add": "1"})
    assert 'name="claims-8"' not in browser.page
    assert "Add another claim" not in browser.text
    assert browser.post(address, eight | {"claims-8": "The ninth"}).status_code == 422
    assert "Give at most 8 claims" in browser.text
    assert "The ninth" in browser.page


def test_a_draft_changed_elsewhere_shows_both_texts_and_can_then_be_saved(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    innovator: User,
    supplier: Organisation,
) -> None:
    one = make_technology(session, supplier, listed=False)
    colleague = make_user(session, Role.INNOVATOR, supplier)
    address = f"/our-technologies/{one.ref}/summary"
    browser.sign_in(innovator).get(address)
    other = new_browser().sign_in(colleague)
    other.get(address)
    other.post(address, {"summary": "The colleague’s words"})

    assert browser.post(address, {"summary": "My own words"}).status_code == 409
    assert "Somebody changed this draft after you opened the page" in browser.text
    assert "The colleague’s words" in browser.text
    assert "My own words" in browser.page
    session.rollback()
    assert one.draft is not None
    assert one.draft.summary == "The colleague’s words"

    browser.post(address, {"summary": "Both words"})
    session.rollback()
    assert one.draft.summary == "Both words"


@pytest.mark.parametrize("lock_version", ["", "x", "-1", "99999999999999999999", "٣"])
def test_a_damaged_lock_version_is_a_conflict_and_no_error(
    browser: Browser, session: Session, innovator: User, supplier: Organisation, lock_version: str
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/name"
    browser.sign_in(innovator).get(address)
    assert browser.post(address, {"name": "New", "lock_version": lock_version}).status_code == 409


def test_answers_changed_after_the_check_page_are_checked_again(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/check"
    browser.sign_in(innovator).get(address)
    session.rollback()
    assert one.draft is not None
    one.draft.fill(replace(one.draft.content, summary="Changed by a colleague"))
    one.draft.lock_version += 1
    session.commit()
    assert browser.post(address).status_code == 409
    assert "Check them again" in browser.text
    assert "Changed by a colleague" in browser.text
    browser.post(address)
    assert "Your technology is on the register." in browser.text


def test_pressing_the_button_twice_lists_one_version(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False)
    address = f"/our-technologies/{one.ref}/check"
    browser.sign_in(innovator).get(address)
    sent = browser.hidden()
    first = browser.client.post(address, data=sent)
    second = browser.client.post(address, data=sent)
    assert first.headers["Location"] == second.headers["Location"] == f"/technologies/{one.ref}"
    assert browser.get(second.headers["Location"]).status_code == 200
    session.rollback()
    assert [version.number for version in session.scalars(select(TechnologyVersion))] == [1]


def test_pressing_the_button_twice_begins_one_draft(
    browser: Browser, session: Session, innovator: User
) -> None:
    browser.sign_in(innovator).get("/our-technologies/new")
    sent = browser.hidden() | {"name": "Nightlight"}
    first = browser.client.post("/our-technologies/new", data=sent)
    second = browser.client.post("/our-technologies/new", data=sent)
    assert first.headers["Location"] == second.headers["Location"]
    session.rollback()
    assert len(session.scalars(select(Technology)).all()) == 1


def test_an_unfinished_technology_cannot_be_listed_and_says_what_is_missing(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False, claims=(), readiness=None)
    address = f"/our-technologies/{one.ref}/check"
    browser.sign_in(innovator).get(address)
    assert "List this technology" not in browser.text
    assert "Still to be answered Claims Readiness" in browser.text
    assert browser.post(address, {"lock_version": "1"}).status_code == 422
    assert "Answer every question before you list the technology" in browser.text


def test_the_public_sees_the_old_version_until_the_new_one_is_listed_with_a_note(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    innovator: User,
    supplier: Organisation,
) -> None:
    one = make_technology(session, supplier)
    home = f"/our-technologies/{one.ref}"
    public = new_browser()
    browser.sign_in(innovator).get(f"{home}/summary")
    browser.post(f"{home}/summary", {"summary": "A better kit."})
    assert "Your changes" in browser.text
    public.get(f"/technologies/{one.ref}")
    assert CONTENT.summary in public.text
    assert "A better kit." not in public.text

    browser.get(f"{home}/check")
    assert browser.post(f"{home}/check").status_code == 422
    assert "Tell people in a sentence what has changed" in browser.text
    browser.post(f"{home}/check", {"change_note": "A new battery"})
    public.get(f"/technologies/{one.ref}")
    assert "A better kit." in public.text
    assert "A new battery" in public.text
    public.get(f"/technologies/{one.ref}/versions/1")
    assert CONTENT.summary in public.text
    assert "A later version replaced it." in public.text


def test_discarded_changes_are_gone(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier)
    home = f"/our-technologies/{one.ref}"
    browser.sign_in(innovator).get(f"{home}/summary")
    browser.post(f"{home}/summary", {"summary": "A slip"})
    browser.get(f"{home}/discard")
    browser.post(f"{home}/discard")
    assert "Your changes are discarded." in browser.text
    browser.get(f"{home}/summary")
    assert CONTENT.summary in browser.page


def test_an_archived_technology_says_since_when_it_is_gone(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    innovator: User,
    supplier: Organisation,
) -> None:
    one = make_technology(session, supplier)
    browser.sign_in(innovator).get(f"/our-technologies/{one.ref}/archive")
    assert "You cannot undo this" in browser.text
    browser.post(f"/our-technologies/{one.ref}/archive")
    assert "The technology is archived." in browser.text
    public = new_browser()
    assert public.get(f"/technologies/{one.ref}").status_code == 410
    assert "The supplier took this technology off the register on" in public.text
    assert browser.post(f"/our-technologies/{one.ref}/archive").status_code == 409


def test_evidence_is_added_with_a_date_typed_in_three_fields(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier)
    address = f"/our-technologies/{one.ref}/evidence/new"
    browser.sign_in(innovator).get(address)
    for part in ("day", "month", "year"):
        assert f'name="issued_on-{part}"' in browser.page
    browser.post(address, evidence())
    assert "The evidence is added." in browser.text
    session.rollback()
    [item] = session.scalars(select(EvidenceItem)).all()
    assert item.issued_on == clock.today() - timedelta(days=30)
    assert (item.issuer, item.summary, item.expires_on) == ("Test University", "Falls fell by a third.", None)


TOMORROW = timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "message", "control"),
    [
        (
            {"issued_on-day": "31", "issued_on-month": "2", "issued_on-year": "2026"},
            "Date of issue must be a real date, such as 27 3 2027",
            "issued_on-day",
        ),
        ({"issued_on-day": ""}, "Date of issue must include a day", "issued_on-day"),
        (
            {"expires_on-day": "1", "expires_on-month": "1", "expires_on-year": "2020"},
            "Expiry date must be the same as or after the date of issue",
            "expires_on-day",
        ),
        (
            {"expires_on-day": "1", "expires_on-month": "1", "expires_on-year": "2099"},
            "Expiry date must be within 25 years of the date of issue. Check the year",
            "expires_on-day",
        ),
        ({"type": ""}, "Select what kind of evidence it is", "type"),
        (
            {"type": "device-certificate"},
            "Enter the number printed on it. This kind of evidence has one, and people check it by that",
            "number",
        ),
        ({"issuer": ""}, "Enter who issued or wrote it", "issuer"),
    ],
)
def test_impossible_evidence_is_refused_in_plain_words_and_nothing_is_lost(
    browser: Browser,
    session: Session,
    innovator: User,
    supplier: Organisation,
    changes: dict[str, object],
    message: str,
    control: str,
) -> None:
    one = make_technology(session, supplier)
    address = f"/our-technologies/{one.ref}/evidence/new"
    browser.sign_in(innovator).get(address)
    typed = evidence(scope="Two wards & a clinic") | changes
    assert browser.post(address, typed).status_code == 422
    assert f'<a href="#{control}">{message}</a>' in tight(browser.page)
    assert browser.text.count(message) == 2
    for value in ("Two wards & a clinic", "Falls fell by a third."):
        assert value in unescape(browser.page)
    for name, value in changes.items():
        if name.partition("-")[0] in ("issued_on", "expires_on") and value:
            assert f'name="{name}" type="text" value="{value}"' in browser.page
    session.rollback()
    assert session.scalars(select(EvidenceItem)).all() == []


def test_evidence_issued_tomorrow_is_refused(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier)
    address = f"/our-technologies/{one.ref}/evidence/new"
    browser.sign_in(innovator).get(address)
    tomorrow = date_fields("issued_on", clock.today() + TOMORROW)
    assert browser.post(address, evidence(**tomorrow)).status_code == 422
    assert "Date of issue must be today or in the past" in browser.text


def test_evidence_that_a_colleague_replaced_is_not_overwritten_and_the_typed_text_stays(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier)
    item = make_evidence(session, one)
    address = f"/our-technologies/{one.ref}/evidence/{item.ref}"
    browser.sign_in(innovator).get(address)
    assert 'value="TEST-20114"' in browser.page
    session.rollback()
    item.withdrawn_at = clock.now()
    session.commit()
    make_evidence(session, one, number="TEST-OF-A-COLLEAGUE")

    assert browser.post(address, evidence(summary="My correction")).status_code == 409
    assert "This evidence was changed or withdrawn after you opened the page" in browser.text
    assert "TEST-OF-A-COLLEAGUE" in browser.text
    assert "My correction" in browser.page
    assert f'action="/our-technologies/{one.ref}/evidence/new"' in browser.page


def test_changed_evidence_keeps_the_old_item_as_withdrawn(
    browser: Browser,
    new_browser: Callable[[], Browser],
    session: Session,
    innovator: User,
    supplier: Organisation,
) -> None:
    one = make_technology(session, supplier)
    item = make_evidence(session, one)
    address = f"/our-technologies/{one.ref}/evidence/{item.ref}"
    browser.sign_in(innovator).get(address)
    browser.post(address, evidence())
    assert "The evidence is changed." in browser.text
    public = new_browser()
    public.get(f"/technologies/{one.ref}")
    assert "Withdrawn evidence (1)" in public.text
    assert public.text.index("Test University") < public.text.index("TEST-20114")


def test_what_people_type_is_text_and_never_markup(
    browser: Browser, session: Session, supplier: Organisation
) -> None:
    one = make_technology(
        session, supplier, name="<script>alert(1)</script>", summary='"><img src=x onerror=alert(1)>'
    )
    for address in (f"/technologies/{one.ref}", "/technologies"):
        browser.get(address)
        assert "<script>alert" not in browser.page
        assert "<img src=x" not in browser.page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.page


def test_an_unknown_question_is_not_found(
    browser: Browser, session: Session, innovator: User, supplier: Organisation
) -> None:
    one = make_technology(session, supplier, listed=False)
    browser.sign_in(innovator)
    for question in ("price", "intended_use", "__class__"):
        assert browser.get(f"/our-technologies/{one.ref}/{question}").status_code == 404


def test_a_person_of_two_companies_says_for_which(
    browser: Browser, session: Session, innovator: User
) -> None:
    second = make_organisation(session, Kind.SUPPLIER, name="Another Ltd")
    session.add(
        Membership(
            user_id=innovator.id, organisation_id=second.id, role=Role.INNOVATOR, started_on=clock.today()
        )
    )
    session.commit()
    browser.sign_in(innovator).get("/our-technologies/new")
    assert browser.post("/our-technologies/new", {"name": "Nightlight"}).status_code == 422
    assert "Select the company that offers the technology" in browser.text
    session.rollback()
    foreign = make_organisation(session, Kind.SUPPLIER)
    browser.post("/our-technologies/new", {"name": "Nightlight", "supplier": str(foreign.id)})
    session.rollback()
    assert session.scalars(select(Technology)).all() == []
    browser.post("/our-technologies/new", {"name": "Nightlight", "supplier": str(second.id)})
    session.rollback()
    assert [one.supplier_id for one in session.scalars(select(Technology))] == [second.id]
