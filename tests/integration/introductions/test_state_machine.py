"""Any order of answers, closings and days, by anybody, against a model in plain Python (threat T06)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.audit.models import AuditEvent
from marketplace.errors import Conflict, NotPermitted, NotVisible
from marketplace.introductions import actions, rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Seen, Side, State
from marketplace.notices.models import Email
from tests.factories.introductions import NOTE, Parties
from tests.factories.needs import make_need
from tests.factories.people import make_actor
from tests.factories.technologies import make_technology

START = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)
SIDE_OF = {
    "lead": Side.NEED,
    "second lead": Side.NEED,
    "innovator": Side.SUPPLIER,
    "second innovator": Side.SUPPLIER,
}
INSIDERS = (*SIDE_OF, "broker", "second broker")


def refusal(job: Callable[[], object]) -> type[Exception] | None:
    """Return how a use case refused, or None when it did its work."""
    try:
        job()
    except (Conflict, NotPermitted, NotVisible) as error:
        return type(error)
    return None


class Machine(RuleBasedStateMachine):
    """The real actions on the left, a dictionary and an if on the right."""

    session: Session
    parties: Parties
    people: dict[str, Actor]

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.answers: dict[Side, Decision | None] = dict.fromkeys(Side)
        self.versions = dict.fromkeys(Side, 1)
        self.closed = False
        self.events = 1
        self.made_mails = self._made_mails()
        need, technology = (
            make_need(self.session, self.parties.trust, rank=None),
            make_technology(self.session, self.parties.supplier),
        )
        with self.then():
            self.ref = actions.propose(self.people["broker"], need.ref, technology.ref, NOTE)
        self.decide_by = rules.answer_by(START)

    def then(self) -> AbstractContextManager[None]:
        return clock.pretend(self.now)

    def _made_mails(self) -> int:
        made = Email.subject.startswith("You have been introduced")
        return self.session.scalar(select(func.count()).select_from(Email).where(made)) or 0

    @property
    def made(self) -> bool:
        return all(answer is Decision.ACCEPTED for answer in self.answers.values())

    @property
    def over(self) -> bool:
        return self.made or self.closed or self.now >= self.decide_by

    @rule(
        who=st.sampled_from((*INSIDERS, "stranger", "other broker", "anonymous")),
        side=st.sampled_from(Side),
        accept=st.booleans(),
        stale=st.booleans(),
    )
    def somebody_answers(self, who: str, side: Side, accept: bool, stale: bool) -> None:
        expected: type[Exception] | None = None
        if who not in INSIDERS:
            expected = NotVisible
        elif SIDE_OF.get(who) is not side:
            expected = NotPermitted
        elif self.over or stale:
            expected = Conflict
        number = self.versions[side] - 1 if stale else self.versions[side]
        with self.then():
            refused = refusal(
                lambda: actions.decide(
                    self.people[who], self.ref, side, accept, "A reason", lock_version=number
                )
            )
        assert refused is expected
        if refused:
            return
        self.answers[side] = Decision.ACCEPTED if accept else Decision.DECLINED
        self.versions[side] += 1
        self.events += 1

    @rule(who=st.sampled_from((*INSIDERS, "stranger", "other broker", "anonymous")))
    def somebody_closes(self, who: str) -> None:
        expected: type[Exception] | None = None
        if who not in INSIDERS:
            expected = NotVisible
        elif who in SIDE_OF:
            expected = NotPermitted
        elif self.over:
            expected = Conflict
        with self.then():
            refused = refusal(lambda: actions.close(self.people[who], self.ref, "A reason"))
        assert refused is expected
        if refused:
            return
        self.closed = True
        self.events += 1

    @rule(hours=st.integers(1, 120))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def the_worker_looks(self) -> None:
        with self.then():
            actions.expire_overdue()
        if self.now >= self.decide_by and not self.made and not self.closed:
            self.closed = True
            self.events += 1

    @invariant()
    def the_service_says_what_the_model_says(self) -> None:
        self.session.rollback()
        introduction = self.session.scalars(
            select(Introduction).where(Introduction.ref == self.ref).execution_options(populate_existing=True)
        ).one()
        course = introduction.course
        assert {side: course.answer(side) for side in Side} == self.answers
        assert (introduction.closed_at is not None) == self.closed
        assert {side: introduction.side_lock_version(side) for side in Side} == self.versions
        state = rules.state(course, self.now)
        if self.made:
            assert state is State.INTRODUCED
        elif self.over or Decision.DECLINED in self.answers.values():
            assert state is State.STOPPED
        else:
            assert state.waiting
        for side, own in self.answers.items():
            expected = {
                None: Seen.TO_ANSWER,
                Decision.ACCEPTED: Seen.ACCEPTED,
                Decision.DECLINED: Seen.DECLINED,
            }[own]
            if self.over:
                expected = Seen.INTRODUCED if self.made else Seen.NOT_GOING_AHEAD
            assert rules.seen_by(side, course, self.now) is expected

    @invariant()
    def every_change_left_one_trace(self) -> None:
        found = self.session.scalar(
            select(func.count()).select_from(AuditEvent).where(AuditEvent.subject_id == self.ref)
        )
        assert found == self.events

    @invariant()
    def details_were_sent_once_and_only_if_it_was_made(self) -> None:
        assert self._made_mails() - self.made_mails == (3 if self.made else 0)


def test_no_order_of_events_breaks_a_rule(session: Session) -> None:
    parties = Parties.make(session)

    class Here(Machine):
        pass

    Here.session, Here.parties = session, parties
    Here.people = {name: parties.actor(name) for name in INSIDERS} | {
        "stranger": make_actor(session, Role.NEED_LEAD),
        "other broker": make_actor(session, Role.BROKER),
        "anonymous": ANONYMOUS,
    }
    run_state_machine_as_test(
        Here, settings=settings(max_examples=60, stateful_step_count=20, deadline=None, database=None)
    )
