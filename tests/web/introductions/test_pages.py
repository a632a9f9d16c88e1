"""The pages of introductions as both sides and the broker use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from marketplace.introductions import actions, rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from marketplace.needs.models import Need
from tests.conftest import Browser, statements
from tests.factories.introductions import NOTE, Parties, introduction_of, make_introduction
from tests.factories.needs import make_need
from tests.factories.people import make_user
from tests.factories.technologies import make_technology

NewBrowser = Callable[[], Browser]


@pytest.fixture
def parties(session: Session) -> Parties:
    return Parties.make(session)


def signed_in(new_browser: NewBrowser, parties: Parties, name: str) -> Browser:
    return new_browser().sign_in(parties.people[name])


def test_both_sides_accept_and_get_each_others_details(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    lead, innovator = parties.people["lead"], parties.people["innovator"]
    browser = signed_in(new_browser, parties, "lead")
    browser.get("/introductions")
    assert "1 introduction waits for your answer" in browser.text
    browser.get(f"/introductions/{ref}")
    assert "Your answer is needed" in browser.text
    assert NOTE in browser.text
    assert "The broker of" in browser.text
    browser.get(f"/introductions/{ref}/need/accept")
    assert f"If {parties.supplier.name} accepts too, they get your name, job title" in browser.text
    browser.post(f"/introductions/{ref}/need/accept")
    assert "You accepted. We will write to you when there is news." in browser.text
    assert innovator.email not in browser.page
    other = signed_in(new_browser, parties, "innovator")
    other.get(f"/introductions/{ref}/supplier/accept")
    other.post(f"/introductions/{ref}/supplier/accept")
    assert "Both sides have accepted" in other.text
    for seen, person in ((other, lead), (browser, innovator)):
        seen.get(f"/introductions/{ref}")
        for detail in (person.name, person.job_title, person.email, person.telephone):
            assert detail in seen.text
        assert parties.people["broker"].email in seen.text


def test_a_refusal_without_a_reason_is_told_in_the_summary_and_beside_the_field(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    browser = signed_in(new_browser, parties, "lead")
    browser.get(f"/introductions/{ref}/need/decline")
    assert browser.post(f"/introductions/{ref}/need/decline", {"reason": "  "}).status_code == 422
    assert browser.text.count(rules.WHY_DECLINED) == 2
    assert 'href="#reason"' in browser.page
    assert browser.page.count("<title>Error: ") == 1
    long = "too long " * 60
    assert browser.post(f"/introductions/{ref}/need/decline", {"reason": long}).status_code == 422
    assert "Take out" in browser.text
    assert long.strip() in browser.text
    assert introduction_of(session, ref).need_decision is None


def test_a_side_declines_and_changes_its_mind(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    browser = signed_in(new_browser, parties, "innovator")
    browser.get(f"/introductions/{ref}/supplier/decline")
    browser.post(f"/introductions/{ref}/supplier/decline", {"reason": "We have no capacity this year"})
    assert "You declined. Only the broker knows." in browser.text
    assert "Accept instead" in browser.text
    browser.get(f"/introductions/{ref}/supplier/accept")
    browser.post(f"/introductions/{ref}/supplier/accept")
    assert "You accepted" in browser.text
    assert introduction_of(session, ref).supplier_reason == ""


def test_who_answers_after_a_colleague_is_told_and_keeps_what_they_typed(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    first, second = (signed_in(new_browser, parties, name) for name in ("lead", "second lead"))
    second.get(f"/introductions/{ref}/need/decline")
    first.get(f"/introductions/{ref}/need/accept")
    first.post(f"/introductions/{ref}/need/accept")
    response = second.post(f"/introductions/{ref}/need/decline", {"reason": "Our ward is closing"})
    assert response.status_code == 409
    assert "A colleague of yours has answered meanwhile" in second.text
    assert "Where it stands now: you accepted" in second.text
    assert "The lead accepted for your side" in second.text
    assert "Our ward is closing" in second.page
    assert introduction_of(session, ref).need_decision is Decision.ACCEPTED
    second.post(f"/introductions/{ref}/need/decline", {"reason": "Our ward is closing"})
    assert introduction_of(session, ref).need_reason == "Our ward is closing"


def test_an_answer_that_comes_too_late_is_told_and_what_was_typed_is_shown(
    app: Flask, session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    browser = signed_in(new_browser, parties, "lead")
    browser.get(f"/introductions/{ref}/need/decline")
    with app.app_context():
        actions.close(parties.actor("broker"), ref, "The supplier was bought")
    response = browser.post(f"/introductions/{ref}/need/decline", {"reason": "Our ward is closing"})
    assert response.status_code == 409
    assert "An answer can no longer be given" in browser.text
    assert "What you wrote Our ward is closing" in browser.text
    assert "bought" not in browser.text


def test_a_form_with_a_damaged_number_changes_nothing(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    browser = signed_in(new_browser, parties, "lead")
    for damaged in ("", "x", "-1", "9" * 40, "²"):
        browser.get(f"/introductions/{ref}/need/accept")
        answered = browser.post(f"/introductions/{ref}/need/accept", {"lock_version": damaged})
        assert answered.status_code == 409
    assert introduction_of(session, ref).need_decision is None


def test_nobody_accepts_a_need_that_was_withdrawn_meanwhile(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    introduction = make_introduction(session, parties)
    browser = signed_in(new_browser, parties, "lead")
    browser.get(f"/introductions/{introduction.ref}/need/accept")
    session.rollback()  # SQLite writes from a fresh snapshot alone
    session.get_one(Need, introduction.need_id).withdrawn_at = clock.now()
    session.commit()
    assert browser.post(f"/introductions/{introduction.ref}/need/accept").status_code == 422
    assert "This need has been withdrawn meanwhile" in browser.text


def test_the_broker_sees_both_answers_and_closes_with_a_reason(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties, supplier=Decision.DECLINED).ref
    browser = signed_in(new_browser, parties, "second broker")
    browser.get("/introductions")
    assert "The supplier declined" in browser.text
    browser.get(f"/introductions/{ref}")
    assert "It does not fit our plans for this year" in browser.text
    assert "Has not answered" in browser.text
    browser.get(f"/introductions/{ref}/close")
    assert "If you close it now the other side may guess why" in browser.text
    assert browser.post(f"/introductions/{ref}/close", {"reason": ""}).status_code == 422
    assert browser.text.count(rules.WHY_CLOSED) == 2
    browser.post(f"/introductions/{ref}/close", {"reason": "The supplier was bought"})
    assert "Closed. Both sides have been told" in browser.text
    assert "The supplier was bought" in browser.text
    assert "Propose it again" in browser.text
    side = signed_in(new_browser, parties, "lead")
    side.get(f"/introductions/{ref}")
    assert rules.NOT_GOING_AHEAD in side.text
    for reason in rules.POSSIBLE_REASONS:
        assert reason in side.text
    assert "bought" not in side.text


def test_a_broker_with_an_old_page_sees_the_answer_before_closing(
    app: Flask, session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties).ref
    browser = signed_in(new_browser, parties, "broker")
    browser.get(f"/introductions/{ref}/close")
    with app.app_context():
        actions.decide(parties.actor("lead"), ref, Side.NEED, True, lock_version=1)
    response = browser.post(f"/introductions/{ref}/close", {"reason": "Nobody answers us"})
    assert response.status_code == 409
    assert "An answer has come meanwhile" in browser.text
    assert "Where it stands now: waiting for the supplier" in browser.text
    assert "Nobody answers us" in browser.page
    assert introduction_of(session, ref).closed_at is None


def test_a_broker_who_answers_for_a_side_sees_no_more_than_that_side(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    ref = make_introduction(session, parties, supplier=Decision.DECLINED).ref
    both = make_user(session, Role.BROKER, parties.hin)
    session.add(
        Membership(
            user_id=both.id,
            organisation_id=parties.trust.id,
            role=Role.NEED_LEAD,
            started_on=clock.today(),
        )
    )
    session.commit()
    browser = new_browser().sign_in(both)
    for path in ("/introductions", f"/introductions/{ref}", "/patch"):
        browser.get(path)
        assert "declined" not in browser.text.lower(), path
        assert "stopped" not in browser.text.replace("All proposals stopped", "").replace(
            "whose proposals all stopped", ""
        ), path
    assert browser.get(f"/introductions/{ref}/close").status_code == 403


def test_the_last_day_is_told_in_words(session: Session, parties: Parties, new_browser: NewBrowser) -> None:
    with time_machine.travel(datetime(2027, 3, 3, 10, 0, tzinfo=UTC), tick=False) as travel:
        make_introduction(session, parties)
        browser = signed_in(new_browser, parties, "lead")
        browser.get("/introductions")
        assert "Answer by 17 March 2027 at 5:00pm, 14 days left." in browser.text
        travel.move_to(datetime(2027, 3, 17, 16, 59, tzinfo=UTC))
        browser = signed_in(new_browser, parties, "lead")
        browser.get("/introductions")
        assert "Answer by 17 March 2027 at 5:00pm, last day." in browser.text
        travel.move_to(datetime(2027, 3, 17, 17, 0, tzinfo=UTC))
        browser.get("/introductions")
        assert "Not going ahead (1)" in browser.text


def test_what_waits_for_an_answer_is_on_top(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    make_introduction(session, parties, need=Decision.ACCEPTED, supplier=Decision.ACCEPTED)
    make_introduction(session, parties, closed=True)
    make_introduction(session, parties, need=Decision.ACCEPTED)
    make_introduction(session, parties)
    browser = signed_in(new_browser, parties, "lead")
    browser.get("/introductions")
    headings = ["Waiting for your answer (1)", "Answered (1)", "Introduced (1)", "Not going ahead (1)"]
    assert sorted(headings, key=browser.text.index) == headings


@pytest.mark.parametrize(
    ("name", "words", "link"),
    [
        ("lead", "When a HIN broker proposes to introduce you", 'href="/"'),
        ("innovator", "You then have 10 working days", 'href="/"'),
        ("broker", "Introductions that your HIN proposes will appear here", 'href="/patch"'),
    ],
)
def test_an_empty_list_says_what_will_appear(
    parties: Parties, new_browser: NewBrowser, name: str, words: str, link: str
) -> None:
    browser = signed_in(new_browser, parties, name)
    browser.get("/introductions")
    assert words in browser.text
    assert link in browser.page


@pytest.mark.parametrize("name", ["lead", "innovator", "broker"])
def test_the_list_takes_as_many_queries_for_ten_as_for_one(
    app: Flask, session: Session, parties: Parties, new_browser: NewBrowser, name: str
) -> None:
    browser = signed_in(new_browser, parties, name)
    counts = []
    for more in (1, 9):
        session.rollback()
        for _ in range(more):
            make_introduction(session, parties, need=Decision.ACCEPTED)
        with statements(app) as sent:
            browser.get("/introductions")
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_a_broker_writes_a_note_checks_it_and_proposes(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    need, technology = make_need(session, parties.trust), make_technology(session, parties.supplier)
    path = f"/needs/{need.ref}/introduce/{technology.ref}"
    browser = signed_in(new_browser, parties, "broker")
    browser.get(path)
    assert need.current.title in browser.text
    assert technology.current.name in browser.text
    leaking = "Please write to jo@trust.example about the falls"
    assert browser.post(path, {"note": leaking, "step": "check"}).status_code == 422
    assert browser.text.count("Take the e-mail address") == 2
    assert leaking in browser.text
    assert browser.post(path, {"note": "", "step": "check"}).status_code == 422
    assert browser.post(path, {"note": NOTE, "step": "check"}).status_code == 200
    assert "Check before you propose" in browser.text
    assert NOTE in browser.text
    assert browser.post(path, {"step": "change"}).status_code == 200
    assert "Propose an introduction" in browser.text
    assert NOTE in browser.text
    browser.post(path, {"note": NOTE, "step": "check"})
    sent = browser.hidden()
    browser.post(path, {"step": "propose"})
    assert "Proposed. Both sides have been written to." in browser.text
    assert "Waiting for both sides" in browser.text
    again = browser.client.post(path, data=sent | {"step": "propose"})
    assert again.status_code == 303
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Introduction)) == 1
    assert again.headers["Location"] == f"/introductions/{session.scalars(select(Introduction.ref)).one()}"
    browser.get(path)
    assert rules.ALREADY_OPEN in browser.text
    assert again.headers["Location"] in browser.page


def test_a_technology_that_was_archived_while_the_note_was_written_is_told(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    need, technology = make_need(session, parties.trust), make_technology(session, parties.supplier)
    path = f"/needs/{need.ref}/introduce/{technology.ref}"
    browser = signed_in(new_browser, parties, "broker")
    browser.get(path)
    session.rollback()  # SQLite writes from a fresh snapshot alone
    technology.archived_at = clock.now()
    session.commit()
    assert browser.post(path, {"note": NOTE, "step": "check"}).status_code == 422
    assert "This technology is no longer listed" in browser.text
    assert NOTE in browser.text


def test_typed_markup_is_shown_as_text(session: Session, parties: Parties, new_browser: NewBrowser) -> None:
    need, technology = make_need(session, parties.trust), make_technology(session, parties.supplier)
    path = f"/needs/{need.ref}/introduce/{technology.ref}"
    browser = signed_in(new_browser, parties, "broker")
    browser.get(path)
    note = "<script>alert(1)</script> <b hx-get='/x'>and a \u202elong enough note"
    browser.post(path, {"note": note, "step": "check"})
    browser.post(path, {"step": "propose"})
    assert "<script>alert" not in browser.page
    assert "<b hx-get" not in browser.page
    assert "&lt;script&gt;alert(1)" in browser.page
    assert "\u202e" not in browser.page


def test_an_expired_proposal_that_no_worker_has_closed_can_be_made_again(
    session: Session, parties: Parties, new_browser: NewBrowser
) -> None:
    introduction = make_introduction(session, parties, overdue=True)
    path = f"/needs/{introduction.need.ref}/introduce/{introduction.technology.ref}"
    browser = signed_in(new_browser, parties, "broker")
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        browser.get(path)
        assert "This cannot be proposed" not in browser.text
        browser.post(path, {"note": NOTE, "step": "propose"})
        assert "Proposed. Both sides have been written to." in browser.text
