"""Cancelling a cycle: only where nothing is lost, and as if it had not been."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from marketplace.audit.models import AuditEvent
from marketplace.cycles import actions, queries, rules
from marketplace.cycles.models import CancelledCycle, CycleLetter
from marketplace.cycles.rules import AnswersChanged, CycleError
from marketplace.errors import Gone, NotPermitted
from marketplace.families import actions as families
from marketplace.history.queries import board_of
from marketplace.needs import queries as needed
from marketplace.needs.models import Cycle, PlacesRecord, Priority
from marketplace.needs.rounds import Standing
from marketplace.needs.rules import TopThreeError
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from marketplace.submissions.actions import AlreadyDone
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor, make_user

WHY = "It was entered for the wrong year."


@pytest.fixture
def trust(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def lead(session: Session, trust: Organisation) -> Actor:
    return make_actor(session, Role.NEED_LEAD, trust)


@pytest.fixture
def admin(session: Session) -> Actor:
    return make_actor(session, Role.ADMINISTRATOR)


@pytest.fixture
def past(session: Session) -> Cycle:
    opens_on = clock.today() - timedelta(days=200)
    return make_cycle(session, name="Autumn", opens_on=opens_on, closes_on=opens_on + timedelta(days=100))


@pytest.fixture
def now(session: Session) -> Cycle:
    return make_cycle(session, name="Winter", opens_on=clock.today() - timedelta(days=1))


def letters(session: Session) -> list[tuple[str, str]]:
    session.rollback()
    rows = session.execute(
        select(Email.to, Email.subject).where(Email.subject.like("%cancelled")).order_by(Email.id)
    )
    return [(one, two) for one, two in rows]


def left_of(session: Session, cycle_id: int) -> list[int]:
    """Return how many rows of each table still belong to a cycle."""
    session.rollback()
    tables = (PlacesRecord, Priority, CycleLetter)
    return [
        session.scalar(select(func.count()).select_from(table).where(table.cycle_id == cycle_id)) or 0
        for table in tables
    ]


def test_a_cycle_that_has_not_opened_goes_and_nobody_is_told(
    session: Session, admin: Actor, lead: Actor
) -> None:
    cycle = make_cycle(session, name="Spring", opens_on=clock.today() + timedelta(days=5))
    cycle_id, dates = cycle.id, cycle.round
    actions.cancel(admin, cycle_id, WHY)
    assert needed.cycles() == []
    assert letters(session) == []
    kept = session.get_one(CancelledCycle, cycle_id)
    assert (kept.name, kept.opens_on, kept.closes_on) == ("Spring", dates.opens_on, dates.closes_on)
    assert (kept.reason, kept.cancelled_by_id) == (WHY, admin.user_id)
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "cycle.cancelled")).one()
    assert (event.subject_id, event.detail["name"], event.detail["reason"]) == (str(cycle_id), "Spring", WHY)
    with pytest.raises(Gone, match=r"The cycle Spring was cancelled on .* wrong year"):
        queries.cycle_or_gone(session, cycle_id)


def test_its_name_and_days_are_free_again_but_its_number_is_not(session: Session, admin: Actor) -> None:
    cycle = make_cycle(session, name="Spring", opens_on=clock.today() + timedelta(days=5))
    first, dates = cycle.id, cycle.round
    actions.cancel(admin, first, WHY)
    assert actions.enter(admin, dates) > first


@pytest.mark.parametrize("role", [Role.NEED_LEAD, Role.BROKER, Role.SPONSOR])
def test_only_an_administrator_cancels(session: Session, now: Cycle, role: Role) -> None:
    cycle_id = now.id
    with pytest.raises(NotPermitted):
        actions.cancel(make_actor(session, role), cycle_id, WHY)
    assert needed.cycles()[0].id == cycle_id


def test_what_was_confirmed_is_taken_back_and_the_needs_stand_by_the_last_cycle(
    session: Session, admin: Actor, lead: Actor, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    kept, other = (make_need(session, trust, cycle=past, rank=rank) for rank in (1, 2))
    past_id, now_id, refs = past.id, now.id, [kept.ref, other.ref]
    actions.catch_up()
    actions.confirm(lead, kept.ref)
    assert letters(session) == []
    actions.cancel(admin, now_id, WHY)
    assert left_of(session, now_id) == [0, 0, 0]
    assert [one.id for one in needed.cycles()] == [past_id]
    stands = {need.ref: where.standing for need, where in queries.stands(lead, trust.id)}
    assert stands == dict.fromkeys(refs, Standing.CURRENT)
    assert letters(session) == [(lead.email, "Winter was cancelled")]
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "cycle.cancelled")).one()
    assert event.detail["taken_back"] == [trust.code]


def test_no_reminder_and_no_lapse_follow_and_the_past_can_be_read(
    session: Session, admin: Actor, lead: Actor, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past)
    ref, trust_id, past_id, now_id = need.ref, trust.id, past.id, now.id
    session.add(
        PlacesRecord(
            organisation_id=trust_id, cycle_id=past_id, needs=[need.id], at=clock.now() - timedelta(days=150)
        )
    )
    session.commit()
    actions.confirm(lead, ref)
    actions.cancel(admin, now_id, WHY)
    actions.catch_up()
    session.rollback()
    assert session.scalar(select(func.count()).select_from(CycleLetter)) == 0
    board = board_of(session, clock.today())
    assert (board.round, [one.round for one in board.needs]) == ("Autumn", ["Autumn"])


def test_a_person_who_leads_at_two_organisations_gets_one_letter(
    session: Session, admin: Actor, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    icb, person = make_organisation(session, Kind.ICB), make_user(session, Role.NEED_LEAD, trust)
    session.add(
        Membership(user_id=person.id, organisation_id=icb.id, role=Role.NEED_LEAD, started_on=clock.today())
    )
    session.commit()
    email, now_id = person.email, now.id
    actions.catch_up()
    actions.cancel(admin, now_id, WHY)
    assert letters(session) == [(email, "Winter was cancelled")]


def test_a_cycle_with_a_new_need_in_it_stays(
    session: Session, admin: Actor, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    make_need(session, trust, cycle=now)
    now_id = now.id
    with pytest.raises(CycleError, match="1 organisation has named new needs in Winter"):
        actions.cancel(admin, now_id, WHY)
    assert [one.name for one in needed.cycles()] == ["Winter", "Autumn"]


def test_a_cycle_in_which_a_place_is_held_for_a_need_that_is_signed_off_stays(
    session: Session, admin: Actor, trust: Organisation, now: Cycle
) -> None:
    need = make_draft(session, trust)
    session.add(Priority(organisation_id=trust.id, cycle_id=now.id, rank=1, need_id=need.id))
    session.commit()
    with pytest.raises(CycleError, match="named new needs"):
        actions.cancel(admin, now.id, WHY)


def test_a_cycle_with_a_co_signature_in_it_stays_even_if_that_was_taken_back(
    session: Session, admin: Actor, lead: Actor, past: Cycle, now: Cycle, trust: Organisation
) -> None:
    theirs = make_need(session, make_organisation(session, Kind.TRUST), cycle=past)
    ref, code, now_id = theirs.ref, trust.code, now.id
    actions.confirm(make_actor(session, Role.NEED_LEAD, theirs.organisation), ref)
    session.rollback()
    families.co_sign(lead, ref, code)
    with pytest.raises(CycleError, match="co-signed needs"):
        actions.cancel(admin, now_id, WHY)


@pytest.mark.parametrize(("past_by", "words"), [(0, "has locked"), (40, "has closed")])
def test_a_cycle_that_has_locked_or_closed_stays(
    session: Session, admin: Actor, past_by: int, words: str
) -> None:
    locked = clock.today() - timedelta(days=past_by + 1)
    cycle = make_cycle(
        session,
        opens_on=locked - timedelta(days=30),
        locks_on=locked,
        closes_on=locked + timedelta(days=30),
    )
    with pytest.raises(CycleError, match=words):
        actions.cancel(admin, cycle.id, WHY)


@pytest.mark.parametrize(("reason", "words"), [("", "Enter why"), ("x" * 301, "300 characters or fewer")])
def test_a_reason_is_given_within_its_limit(
    session: Session, admin: Actor, now: Cycle, reason: str, words: str
) -> None:
    with pytest.raises(CycleError, match=words) as caught:
        actions.cancel(admin, now.id, reason)
    assert caught.value.field == "reason"


def test_what_was_said_after_the_page_was_read_stops_it(
    session: Session, admin: Actor, lead: Actor, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past)
    ref, now_id = need.ref, now.id
    seen = rules.state_of(now.round, queries.said_in(session, now))
    actions.confirm(lead, ref)
    with pytest.raises(AnswersChanged):
        actions.cancel(admin, now_id, WHY, seen=seen)
    session.rollback()
    now = session.get_one(Cycle, now_id)
    seen = rules.state_of(now.round, queries.said_in(session, now))
    actions.cancel(admin, now_id, WHY, seen=seen)
    assert [one.name for one in needed.cycles()] == ["Autumn"]


def test_a_form_sent_twice_cancels_once(session: Session, admin: Actor, now: Cycle) -> None:
    now_id = now.id
    actions.cancel(admin, now_id, WHY, form_key="a" * 32)
    with pytest.raises(AlreadyDone):
        actions.cancel(admin, now_id, WHY, form_key="a" * 32)


def test_whoever_confirms_at_the_moment_of_cancelling_is_counted_or_refused_in_plain_words(
    app: Flask, session: Session, lead: Actor, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past)
    ref, now_id = need.ref, now.id
    session.rollback()
    together, things = Barrier(2), []
    things.append(lambda: actions.confirm(lead, ref))
    things.append(lambda: actions.cancel(SERVICE, now_id, WHY))

    def run(do: Callable[[], object]) -> None:
        with app.app_context():
            together.wait()
            do()

    with ThreadPoolExecutor(2) as pool:
        confirming, cancelling = [pool.submit(run, do) for do in things]
    assert cancelling.exception() is None
    assert confirming.exception() is None or isinstance(confirming.exception(), TopThreeError)
    assert left_of(session, now_id) == [0, 0, 0]
