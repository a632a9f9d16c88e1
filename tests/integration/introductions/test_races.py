"""Several people at once: one wins, the others are told (faults F15 and F19)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.audit.models import AuditEvent
from marketplace.errors import DomainError
from marketplace.introductions import actions
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from marketplace.notices.models import Email
from marketplace.submissions.actions import AlreadyDone
from tests.factories.introductions import NOTE, Parties, introduction_of, make_introduction
from tests.factories.needs import make_need
from tests.factories.technologies import make_technology

ROUNDS = 5


def at_once(app: Flask, *jobs: Callable[[], object]) -> Counter[str]:
    """Run the jobs at the same moment, each in a context of its own; return what became of them."""
    barrier = threading.Barrier(len(jobs))
    became: Counter[str] = Counter()

    def run(job: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                job()
                became["done"] += 1
            except DomainError as error:
                became[type(error).__name__] += 1

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return became


@pytest.fixture
def parties(session: Session) -> Parties:
    return Parties.make(session)


def test_of_colleagues_who_answer_at_once_one_wins(app: Flask, session: Session, parties: Parties) -> None:
    for _ in range(ROUNDS):
        ref = make_introduction(session, parties).ref
        lead, second = parties.actor("lead"), parties.actor("second lead")
        session.rollback()
        became = at_once(
            app,
            lambda: actions.decide(lead, ref, Side.NEED, True, lock_version=1),  # noqa: B023 - joined in the round
            lambda: actions.decide(second, ref, Side.NEED, False, "No money", lock_version=1),  # noqa: B023 - joined
        )
        assert became == {"done": 1, "Conflict": 1}
        assert introduction_of(session, ref).need_lock_version == 2


def test_two_sides_that_accept_at_once_are_introduced_once(
    app: Flask, session: Session, parties: Parties
) -> None:
    lead, innovator = parties.actor("lead"), parties.actor("innovator")
    for number in range(1, ROUNDS + 1):
        ref = make_introduction(session, parties).ref
        session.rollback()
        became = at_once(
            app,
            lambda: actions.decide(lead, ref, Side.NEED, True, lock_version=1),  # noqa: B023 - joined in the round
            lambda: actions.decide(innovator, ref, Side.SUPPLIER, True, lock_version=1),  # noqa: B023 - joined
        )
        assert became == {"done": 2}
        assert introduction_of(session, ref).course.introduced
        made = Email.subject.startswith("You have been introduced")
        assert session.scalar(select(func.count()).select_from(Email).where(made)) == 3 * number


def test_an_acceptance_and_a_closing_come_in_one_order(
    app: Flask, session: Session, parties: Parties
) -> None:
    innovator, broker = parties.actor("innovator"), parties.actor("broker")
    for _ in range(ROUNDS):
        ref = make_introduction(session, parties, need=Decision.ACCEPTED).ref
        session.rollback()
        became = at_once(
            app,
            lambda: actions.decide(innovator, ref, Side.SUPPLIER, True, lock_version=1),  # noqa: B023 - joined
            lambda: actions.close(broker, ref, "It was bought"),  # noqa: B023 - joined in the round
        )
        assert became == {"done": 1, "Conflict": 1}
        found = introduction_of(session, ref)
        assert found.course.introduced != (found.closed_at is not None)


def test_brokers_who_propose_or_close_at_once_have_one_effect(
    app: Flask, session: Session, parties: Parties
) -> None:
    need, technology = make_need(session, parties.trust), make_technology(session, parties.supplier)
    need_ref, technology_ref = need.ref, technology.ref
    brokers = [parties.actor("broker"), parties.actor("second broker")] * 2
    session.rollback()
    became = at_once(
        app, *(lambda who=who: actions.propose(who, need_ref, technology_ref, NOTE) for who in brokers)
    )
    assert became == {"done": 1, "DomainError": 3}
    ref = session.scalars(select(Introduction.ref)).one()
    session.rollback()
    became = at_once(app, *(lambda who=who: actions.close(who, ref, "It was bought") for who in brokers))
    assert became == {"done": 1, "Conflict": 3}
    session.rollback()
    written = session.scalars(select(AuditEvent.action).where(AuditEvent.subject_id == ref)).all()
    assert sorted(written) == ["introduction.closed", "introduction.proposed"]


def test_one_form_sent_many_times_at_once_proposes_once(
    app: Flask, session: Session, parties: Parties
) -> None:
    need, technology = make_need(session, parties.trust), make_technology(session, parties.supplier)
    need_ref, technology_ref, broker = need.ref, technology.ref, parties.actor("broker")
    session.rollback()
    led_to: list[str] = []

    def send() -> None:
        try:
            ref = actions.propose(broker, need_ref, technology_ref, NOTE, form_key="b" * 32)
            led_to.append(f"/introductions/{ref}")
        except AlreadyDone as error:
            led_to.append(error.location)

    assert at_once(app, *[send] * 6) == {"done": 6}
    assert len(set(led_to)) == 1
    assert session.scalar(select(func.count()).select_from(Introduction)) == 1
