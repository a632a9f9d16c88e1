"""Public questions: asked without a name, answered for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.audit.models import AuditEvent
from marketplace.needs.models import Need
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from marketplace.questions.models import Question
from marketplace.questions.rules import Reason
from tests.conftest import Browser
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.questions import ANSWERED, ASKED, make_question
from tests.factories.technologies import falls_answer, make_technology

NewBrowser = Callable[[], Browser]
Reindex = Callable[[], None]


@dataclass
class World:
    need: Need
    lead: User
    supplier: Organisation
    innovator: User
    rival: User


@pytest.fixture
def world(session: Session) -> World:
    need = make_need(session)
    supplier = make_organisation(session, Kind.SUPPLIER, name="Silverthrush Monitoring Ltd")
    make_technology(session, supplier, name="Nightlight")
    return World(
        need,
        make_user(session, Role.NEED_LEAD, need.organisation),
        supplier,
        make_user(session, Role.INNOVATOR, supplier),
        make_user(session, Role.INNOVATOR, make_organisation(session, Kind.SUPPLIER)),
    )


def signed_in(new_browser: NewBrowser, session: Session, person: User) -> Browser:
    browser = new_browser()
    browser.sign_in(person)
    session.rollback()
    return browser


def mails(session: Session) -> list[Email]:
    session.rollback()
    return list(session.scalars(select(Email).order_by(Email.id)))


def the_question(session: Session) -> Question:
    session.rollback()
    return session.scalars(
        select(Question).order_by(Question.id.desc()).execution_options(populate_existing=True)
    ).first()  # type: ignore[return-value] # there is one


def test_a_question_goes_from_an_innovator_to_the_public_page_without_a_name(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    ref = world.need.ref
    asks = signed_in(new_browser, session, world.innovator)
    assert f'href="/needs/{ref}/ask"' in asks.get(f"/needs/{ref}").text
    asks.get(f"/needs/{ref}/ask")
    asks.post(f"/needs/{ref}/ask", {"question": ASKED})
    assert "Your question was sent" in asks.text
    assert ASKED in asks.text

    answers = signed_in(new_browser, session, world.lead)
    assert "1 question waits for your answer" in answers.get(f"/needs/{ref}").text
    answers.get("/questions")
    assert ASKED in answers.text
    question = the_question(session)
    answers.get(f"/questions/{question.ref}/answer")
    answers.post(f"/questions/{question.ref}/answer", {"question": ASKED, "answer": ANSWERED})
    assert ANSWERED in answers.text

    everybody = new_browser()
    page = everybody.get(f"/needs/{ref}").text
    assert ASKED in page
    assert ANSWERED in page
    letters = mails(session)
    assert [(one.to, one.subject.split(" “")[0]) for one in letters] == [
        (world.lead.email, "A supplier asks about"),
        (world.innovator.email, "New answer about"),
    ]
    for seen in (answers.text, page, letters[0].body):
        for name in (world.supplier.name, world.innovator.name, world.innovator.email, "Nightlight"):
            assert name not in seen


def test_what_the_organisation_sees_is_the_same_whoever_asks(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    seen = []
    for person in (world.innovator, world.rival):
        asks = signed_in(new_browser, session, person)
        asks.get(f"/needs/{world.need.ref}/ask")
        asks.post(f"/needs/{world.need.ref}/ask", {"question": ASKED})
        question = the_question(session)
        answers = signed_in(new_browser, session, world.lead)
        answers.get(f"/questions/{question.ref}/answer")
        seen.append((answers.text, mails(session)[-1].body.replace(question.ref, "")))
    assert seen[0][1] == seen[1][1]
    assert seen[0][0] == seen[1][0]


def test_a_rival_does_not_see_who_asked_nor_what_waits(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    make_question(session, world.need, world.supplier, world.innovator)
    rival = signed_in(new_browser, session, world.rival)
    assert ASKED not in rival.get(f"/needs/{world.need.ref}").text
    assert ASKED not in rival.get("/questions").text
    assert ASKED not in rival.get(f"/needs/{world.need.ref}/ask").text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Enter the question"),
        ("Why?", "15 characters or more"),
        ("x" * 700, "Take out 100"),
        ("Could you write to us at sales@silverthrush.example please?", "Take the e-mail address"),
        (
            "Would our silverthrush monitoring sensors be allowed on the ward?",
            "this name would tell who asks",
        ),
        ("Is NIGHTLIGHT the kind of product that you have in mind?", "this name would tell who asks"),
    ],
)
def test_a_question_that_does_not_do_is_told_beside_its_field_and_kept(
    session: Session, world: World, new_browser: NewBrowser, typed: str, told: str
) -> None:
    browser = signed_in(new_browser, session, world.innovator)
    browser.get(f"/needs/{world.need.ref}/ask")
    assert browser.post(f"/needs/{world.need.ref}/ask", {"question": typed}).status_code == 422
    assert browser.text.count(told) == 2
    assert typed in browser.page
    assert the_question(session) is None


def test_a_fourth_question_waits_until_one_is_answered(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    for number in range(3):
        make_question(session, world.need, world.supplier, text=f"{ASKED} Part {number}")
    browser = signed_in(new_browser, session, world.innovator)
    browser.get(f"/needs/{world.need.ref}/ask")
    assert browser.post(f"/needs/{world.need.ref}/ask", {"question": ASKED}).status_code == 422
    assert "3 questions about this need that wait" in browser.text


def test_a_question_sent_twice_is_asked_once(session: Session, world: World, new_browser: NewBrowser) -> None:
    browser = signed_in(new_browser, session, world.innovator)
    browser.get(f"/needs/{world.need.ref}/ask")
    form = {"question": ASKED, "form_key": "0123456789abcdef0123456789abcdef"}
    for _ in range(2):
        browser.post(f"/needs/{world.need.ref}/ask", form)
    session.rollback()
    assert len(list(session.scalars(select(Question)))) == 1


def test_the_same_words_are_not_asked_again_while_they_wait(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    make_question(session, world.need, world.supplier, text=ASKED)
    browser = signed_in(new_browser, session, world.innovator)
    browser.get(f"/needs/{world.need.ref}/ask")
    again = f" {ASKED.upper().rstrip('?')} "
    assert browser.post(f"/needs/{world.need.ref}/ask", {"question": again}).status_code == 422
    assert "Your organisation has asked this already, and it waits for an answer" in browser.text
    assert again.strip() in browser.text
    session.rollback()
    assert len(list(session.scalars(select(Question)))) == 1


def test_innovators_whose_technology_fits_are_told_of_the_answer(
    session: Session, world: World, new_browser: NewBrowser, reindex: Reindex
) -> None:
    need = make_need(session, world.need.organisation, rank=2)
    fits = make_organisation(session, Kind.SUPPLIER)
    told = make_user(session, Role.INNOVATOR, fits)
    make_technology(session, fits, name="Bedside mat", **falls_answer())
    reindex()
    question = make_question(session, need, world.supplier, world.innovator)
    answers = signed_in(new_browser, session, world.lead)
    answers.get(f"/questions/{question.ref}/answer")
    answers.post(f"/questions/{question.ref}/answer", {"question": ASKED, "answer": ANSWERED})
    letters = {one.to: one.body for one in mails(session)}
    assert set(letters) == {told.email, world.innovator.email}
    assert "a technology of yours fits this need" in letters[told.email]
    assert "You asked this question" in letters[world.innovator.email]


def test_an_answer_is_corrected_and_both_stay_on_record(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    question = make_question(session, world.need, world.supplier, world.innovator, answer=ANSWERED)
    answers = signed_in(new_browser, session, world.lead)
    answers.get(f"/questions/{question.ref}/answer")
    assert "Correct this answer" in answers.text
    answers.post(f"/questions/{question.ref}/answer", {"question": ASKED, "answer": "No. All wards have it."})
    page = answers.get(f"/needs/{world.need.ref}").text
    assert "No. All wards have it." in page
    assert "corrected on" in page
    assert ANSWERED not in page
    assert [one.text for one in the_question(session).answers] == [ANSWERED, "No. All wards have it."]
    assert mails(session)[-1].subject.endswith("was corrected")
    actions = select(AuditEvent.action).where(AuditEvent.subject_kind == "question")
    assert session.scalars(actions).all() == ["question.corrected"]


def test_a_colleague_who_was_faster_is_told_and_nothing_typed_is_lost(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    question = make_question(session, world.need, world.supplier, world.innovator)
    second = make_user(session, Role.NEED_LEAD, world.need.organisation)
    one, two = (signed_in(new_browser, session, person) for person in (world.lead, second))
    for browser in (one, two):
        browser.get(f"/questions/{question.ref}/answer")
    one.post(f"/questions/{question.ref}/answer", {"question": ASKED, "answer": ANSWERED})
    assert (
        two.post(f"/questions/{question.ref}/answer", {"question": ASKED, "answer": "Perhaps."}).status_code
        == 409
    )
    assert "A colleague has answered or changed this meanwhile" in two.text
    assert ANSWERED in two.text
    assert "Perhaps." in two.page


def test_a_question_is_set_aside_and_the_asker_alone_is_told_why(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    question = make_question(session, world.need, world.supplier, world.innovator)
    answers = signed_in(new_browser, session, world.lead)
    answers.get(f"/questions/{question.ref}/set-aside")
    assert answers.post(f"/questions/{question.ref}/set-aside", {}).status_code == 422
    assert answers.text.count("Choose why it is not answered in public") == 2
    answers.post(f"/questions/{question.ref}/set-aside", {"reason": Reason.TELLS_WHO.value})
    assert ASKED not in answers.get(f"/needs/{world.need.ref}").text
    asker = signed_in(new_browser, session, world.innovator)
    assert Reason.TELLS_WHO.label in asker.get("/questions").text
    assert [one.to for one in mails(session)] == [world.innovator.email]


def test_a_withdrawn_need_takes_no_answer_and_what_was_typed_is_shown(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    question = make_question(session, world.need, world.supplier, world.innovator)
    answers = signed_in(new_browser, session, world.lead)
    answers.get(f"/questions/{question.ref}/answer")
    world.need.withdrawn_at, world.need.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    form = {"question": ASKED, "answer": "We do not need it."}
    assert answers.post(f"/questions/{question.ref}/answer", form).status_code == 409
    assert "has been withdrawn" in answers.text
    assert "We do not need it." in answers.text
    assert the_question(session).answered_at is None


def test_a_question_that_waits_too_long_is_marked_late(
    session: Session, world: World, new_browser: NewBrowser
) -> None:
    make_question(session, world.need, world.supplier, world.innovator)
    with time_machine.travel(clock.now() + timedelta(days=12)):
        answers = signed_in(new_browser, session, world.lead)
        answers.get("/questions")
        assert "Late" in answers.text
        assert "It has waited since" in answers.text
