"""The start page: what this is, for everybody; what waits, for each role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.introductions.rules import Decision
from marketplace.needs.models import NeedVersion
from marketplace.organisations.models import Kind
from marketplace.outbox.models import OutboxRow
from marketplace.vocabulary import EvidenceType
from tests.conftest import Browser, statements
from tests.factories.introductions import Parties, make_introduction
from tests.factories.needs import content, make_cycle, make_draft, make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user
from tests.factories.technologies import falls_answer, make_evidence, make_technology

Reindex = Callable[[], None]


@pytest.fixture
def parties(session: Session) -> Parties:
    return Parties.make(session)


def opened(session: Session, browser: Browser, user: User) -> str:
    """Sign in, open the start page, and return its words."""
    session.rollback()
    browser.sign_in(user)
    assert browser.get("/").status_code == 200
    session.rollback()
    return browser.text


def step(text: str) -> str:
    """Return the words from the one next step onward; fail when there is not exactly one for the only role."""
    assert text.count("Your next step:") == 1
    return text.split("Your next step: ")[1]


@pytest.mark.parametrize("address", ["/coverage", "/families", "/demand/map", "/demand/themes"])
def test_the_first_page_leads_to_the_whole_picture(browser: Browser, address: str) -> None:
    browser.get("/")
    assert f'href="{address}"' in browser.page
    assert browser.get(address).status_code == 200


def test_anybody_learns_what_this_is_and_finds_three_doors(browser: Browser) -> None:
    browser.get("/")
    assert "NHS organisations publish the three problems they most want solved" in browser.text
    for words, href in (
        ("Look for demand", "/demand"),
        ("Look for technology", "/technologies"),
        ("Sign in", "/sign-in"),
    ):
        assert f'href="{href}">{words}</a>' in browser.page
    assert "No organisation has published its top three yet." in browser.text


def test_the_first_page_counts_what_is_there_and_shows_the_newest_needs(
    session: Session, browser: Browser
) -> None:
    trust, icb = make_organisation(session, Kind.TRUST), make_organisation(session, Kind.ICB)
    now = clock.now()
    for number in range(1, 4):
        published = now - timedelta(days=number)
        make_need(session, trust, rank=number, title=f"Need of the trust {number}", published_at=published)
        make_need(session, icb, rank=number, title=f"Need of the ICB {number}", published_at=published)
    old = make_need(
        session, make_organisation(session), title="Old need", published_at=now - timedelta(days=9)
    )
    version = NeedVersion(need_id=old.id, number=2, change_note="Clearer", published_at=now)
    version.fill(content(title="Old need"))
    session.add(version)
    old.version = 2
    session.commit()
    make_need(session, make_organisation(session), withdrawn="Closed", title="Withdrawn need")
    make_draft(session, icb, title="Secret draft")
    technology = make_technology(session)
    make_technology(session, listed=False)
    make_passport(session, technology)
    make_passport(session, technology, revoked=True)
    session.rollback()
    browser.get("/")
    for words in (
        "7 needs published",
        "3 organisations have answered",
        "1 technology listed",
        "1 valid passport",
    ):
        assert words in browser.text
    assert "Need of the trust 1" in browser.text
    assert "published yesterday" in browser.text
    assert "Need of the ICB 3" not in browser.text
    assert "Old need" not in browser.text, "a new version makes a need no newer"
    assert "Secret draft" not in browser.text
    assert "Withdrawn need" not in browser.text


def test_a_person_without_a_role_is_told_what_to_do(session: Session, browser: Browser) -> None:
    text = opened(session, browser, make_user(session))
    assert "You do not belong to an organisation at the moment" in text
    assert "Look for demand" in text


def test_a_lead_is_asked_for_an_answer_first(session: Session, parties: Parties, browser: Browser) -> None:
    the_cycle(session)
    make_draft(session, parties.trust, title="Half written")
    introduction = make_introduction(session, parties)
    text = opened(session, browser, parties.people["lead"])
    assert step(text).startswith("Answer an introduction")
    assert f'href="/introductions/{introduction.ref}"' in browser.page
    assert "Half written" in text


def test_a_lead_with_a_draft_is_asked_to_finish_it(
    session: Session, parties: Parties, browser: Browser
) -> None:
    the_cycle(session)
    make_draft(session, parties.trust, title="Half written")
    make_introduction(session, parties, need=Decision.ACCEPTED)
    assert step(opened(session, browser, parties.people["lead"])).startswith(
        "Finish your draft 1 draft is not submitted yet."
    )


def test_a_lead_with_places_free_is_asked_to_write(
    session: Session, parties: Parties, browser: Browser
) -> None:
    make_need(session, parties.trust, rank=1)
    text = step(opened(session, browser, parties.people["lead"]))
    assert text.startswith("Write a need")
    assert f"{parties.trust.name} has 2 places free in its top three." in text


def test_a_lead_sees_how_many_technologies_fit_each_need(
    session: Session, parties: Parties, browser: Browser, reindex: Reindex
) -> None:
    for rank in (1, 2, 3):
        make_need(session, parties.trust, rank=rank, title=f"Fewer falls {rank}")
    make_technology(session, parties.supplier, name="Nightsight", **falls_answer())
    reindex()
    text = opened(session, browser, parties.people["lead"])
    assert step(text).startswith("Look at what fits your first need")
    assert f"1 technology fits. The best: Nightsight ({parties.supplier.name})." in text


def test_an_innovator_sees_the_open_needs_that_fit_and_evidence_that_runs_out(
    session: Session, parties: Parties, browser: Browser, reindex: Reindex
) -> None:
    make_need(session, parties.trust, title="Fewer falls at night")
    technology = make_technology(session, parties.supplier, name="Nightsight", **falls_answer())
    today = clock.today()
    kinds = (
        (EvidenceType.CYBER_ESSENTIALS, today + timedelta(days=90), "Expires on"),
        (EvidenceType.DSPT, today - timedelta(days=1), "Expired on"),
        (EvidenceType.DTAC, today + timedelta(days=91), ""),
    )
    for kind, expires_on, _ in kinds:
        make_evidence(session, technology, type=kind, expires_on=expires_on)
    reindex()
    text = opened(session, browser, parties.people["innovator"])
    assert "Fewer falls at night" in text
    assert "Nightsight answers 2 of 2 must-haves" in text
    assert step(text).startswith("Renew your evidence 2 items have expired or will within 90 days.")
    shown = text.split("Evidence that expires within 90 days or has expired")[1]
    assert EvidenceType.DSPT.label in shown
    assert EvidenceType.CYBER_ESSENTIALS.label in shown
    assert EvidenceType.DTAC.label not in shown


def test_a_need_that_several_technologies_fit_is_shown_once(
    session: Session, parties: Parties, browser: Browser, reindex: Reindex
) -> None:
    make_need(session, parties.trust, title="Fewer falls at night")
    for number, name in enumerate(("Nightsight", "Fallbell", "Floormat")):
        make_technology(session, parties.supplier, name=name, **falls_answer(number))
    reindex()
    text = opened(session, browser, parties.people["innovator"])
    assert browser.page.count(">Fewer falls at night</a>") == 1
    assert "and 2 more of yours fit" in text


def test_an_innovator_without_a_technology_is_asked_to_list_one(
    session: Session, parties: Parties, browser: Browser
) -> None:
    text = opened(session, browser, parties.people["innovator"])
    assert step(text).startswith("List your first technology")
    assert "When an organisation publishes a need that your technology answers, it appears here." in text


def test_an_assessor_sees_lapsed_evidence_suspended_and_expiring_passports(
    session: Session, browser: Browser
) -> None:
    issuer = make_organisation(session, Kind.TRUST)
    assessor = make_user(session, Role.ASSESSOR, issuer)
    today = clock.today()
    names = ("Lapsing", "Suspended one", "Ending", "Sound", "Revoked one", "Foreign")
    lapsing, suspended, ending, sound, revoked, foreign = (
        make_technology(session, name=name) for name in names
    )
    expired = {"issued_on": today - timedelta(days=400), "expires_on": today - timedelta(days=1)}
    passport = make_passport(session, lapsing, issuer, relied_on=[make_evidence(session, lapsing, **expired)])
    make_passport(session, suspended, issuer, suspended=True)
    make_passport(session, ending, issuer, valid_to=today + timedelta(days=90))
    make_passport(session, sound, issuer, valid_to=today + timedelta(days=91))
    make_passport(session, revoked, issuer, revoked=True, valid_to=today + timedelta(days=5))
    make_passport(session, foreign, valid_to=today + timedelta(days=5))
    number = passport.number
    text = opened(session, browser, assessor)
    assert step(text).startswith(f"Look at passport {number}")
    for name, there in zip(names, (True, True, True, False, False, False), strict=True):
        assert (name in text) == there, name
    assert f'href="/passports/{number}"' in browser.page


def test_an_assessor_with_nothing_to_do_is_told_so(session: Session, browser: Browser) -> None:
    text = opened(session, browser, make_user(session, Role.ASSESSOR))
    assert "Nothing runs out soon." in text
    assert "All evidence that your valid passports rely on is current." in text


def test_a_broker_sees_the_top_of_the_triage_list_and_what_waits(
    session: Session, parties: Parties, browser: Browser, reindex: Reindex
) -> None:
    make_need(session, parties.trust, title="Fewer falls at night")
    make_technology(session, parties.supplier, name="Nightsight", **falls_answer())
    make_introduction(session, parties, supplier=Decision.DECLINED)
    reindex()
    text = opened(session, browser, parties.people["broker"])
    assert step(text).startswith("Fewer falls at night Nothing has been proposed.")
    assert "Best candidate: Nightsight." in text
    assert "Proposals that wait (1)" in text
    assert "The supplier declined" in text


def test_an_administrator_sees_the_health_and_organisations_nobody_leads(
    session: Session, parties: Parties, browser: Browser
) -> None:
    make_cycle(session)
    lonely = make_organisation(session, Kind.TRUST, name="Aardvark Trust")
    make_organisation(session, Kind.TRUST, name="Aaron Closed Trust", closed_on=clock.today())
    administrator = make_user(session, Role.ADMINISTRATOR)
    code = lonely.code
    text = opened(session, browser, administrator)
    assert step(text).startswith("Invite a lead for Aardvark Trust")
    assert f'href="/organisations/{code}/people"' in browser.page
    assert parties.trust.name not in text.split("Organisations without a sponsor")[0]
    assert "Aaron Closed Trust" not in text
    assert "Healthy" in text
    session.add(
        OutboxRow(
            topic="email",
            subject_id="1",
            created_at=clock.now(),
            due_at=clock.now(),
            attempts=5,
            parked_at=clock.now(),
        )
    )
    session.commit()
    browser.get("/")
    assert step(browser.text).startswith("See the health of the service 1 piece of work failed five times")


def test_a_person_with_two_roles_gets_both_desks(
    session: Session, parties: Parties, browser: Browser
) -> None:
    person = parties.people["lead"]
    session.add(
        Membership(
            user_id=person.id,
            organisation_id=parties.hin.id,
            role=Role.BROKER,
            started_on=clock.today(),
        )
    )
    session.commit()
    trust, hin = parties.trust.name, parties.hin.name
    text = opened(session, browser, person)
    assert f"HIN broker, {hin}" in text
    assert f"Need lead, {trust}" in text
    assert text.count("Your next step:") == 2


@pytest.mark.parametrize("role", list(Role))
def test_an_empty_desk_says_what_will_appear(session: Session, browser: Browser, role: Role) -> None:
    text = opened(session, browser, make_user(session, role))
    assert "Your next step:" in text
    assert browser.page.count('<div>\n      <h3 class="nhsuk-heading-s">') == browser.page.count("<h3")


@pytest.mark.parametrize("name", ["lead", "innovator", "broker", "assessor", "administrator"])
def test_a_desk_takes_as_many_queries_on_a_busy_day(
    app: Flask, session: Session, parties: Parties, browser: Browser, reindex: Reindex, name: str
) -> None:
    issuer = make_organisation(session, Kind.TRUST)
    parties.people["assessor"] = make_user(session, Role.ASSESSOR, issuer)
    parties.people["administrator"] = make_user(session, Role.ADMINISTRATOR)
    counts = []
    expired = {
        "issued_on": clock.today() - timedelta(days=400),
        "expires_on": clock.today() - timedelta(days=1),
    }
    for round_, more in enumerate((1, 4)):
        session.rollback()
        for number in range(more):
            make_draft(session, parties.trust)
            make_introduction(session, parties)
            technology = make_technology(session, parties.supplier, **falls_answer())
            item = make_evidence(session, technology, **expired)
            make_passport(session, technology, issuer, relied_on=[item])
            make_passport(session, technology, issuer, suspended=True)
            if round_ + number < 3:
                make_need(session, parties.trust, rank=round_ + number + 1)
        reindex()
        if round_ == 0:
            opened(session, browser, parties.people[name])
        browser.get("/")  # takes the index's new rows in
        with statements(app) as sent:
            browser.get("/")
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_the_first_page_takes_as_many_queries_for_nine_needs_as_for_one(
    app: Flask, session: Session, browser: Browser
) -> None:
    counts = []
    for more in (1, 8):
        session.rollback()
        for _ in range(more):
            make_need(session)
            make_technology(session)
        with statements(app) as sent:
            browser.get("/")
        counts.append(len(sent))
    assert counts[0] == counts[1]
