"""Entering and moving cycles, keeping needs, and what their dates bring, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.audit.models import AuditEvent
from marketplace.cycles import actions, queries
from marketplace.cycles.models import CycleLetter, CycleSweep
from marketplace.cycles.rules import CycleError, DatesMoved, News
from marketplace.errors import Gone, NotPermitted, NotVisible
from marketplace.needs import queries as needed
from marketplace.needs.models import Cycle, PlacesRecord, Priority
from marketplace.needs.rounds import Round
from marketplace.needs.rules import NoDraft, TopThreeError
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from marketplace.outbox.models import OutboxRow
from marketplace.submissions.actions import AlreadyDone
from tests.conftest import statements
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor, make_user


def a_round(name: str = "Spring", first: int = 10, **values: date) -> Round:
    """Return a cycle of sixty days that begins in so many days."""
    begin = clock.today() + timedelta(days=first)
    dates = Round(
        name=name,
        opens_on=begin,
        reminds_on=begin + timedelta(days=20),
        locks_on=begin + timedelta(days=40),
        closes_on=begin + timedelta(days=60),
    )
    return replace(dates, **values)


@pytest.fixture
def trust(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def lead(session: Session, trust: Organisation) -> Actor:
    return make_actor(session, Role.NEED_LEAD, trust)


@pytest.fixture
def past(session: Session) -> Cycle:
    today = clock.today()
    return make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100)
    )


@pytest.fixture
def now(session: Session) -> Cycle:
    return make_cycle(session, name="Winter", reminds_on=clock.today() + timedelta(days=1))


def places(session: Session, cycle: Cycle) -> dict[int, int]:
    session.rollback()
    rows = session.execute(select(Priority.rank, Priority.need_id).where(Priority.cycle_id == cycle.id))
    return dict(rows.all())


def audited(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


# Entering and moving


def test_an_administrator_enters_a_cycle_and_others_may_not(session: Session) -> None:
    with pytest.raises(NotPermitted):
        actions.enter(make_actor(session, Role.NEED_LEAD), a_round())
    cycle_id = actions.enter(make_actor(session, Role.ADMINISTRATOR), a_round())
    assert session.get_one(Cycle, cycle_id).round == a_round()
    row = session.scalars(select(AuditEvent)).one()
    assert (row.action, row.subject_id) == ("cycle.opened", str(cycle_id))
    assert row.detail["dates"]["locks_on"] == a_round().locks_on.isoformat()


def test_a_form_sent_twice_enters_one_cycle(session: Session) -> None:
    actions.enter(SERVICE, a_round(), form_key="a" * 32)
    with pytest.raises(AlreadyDone):
        actions.enter(SERVICE, a_round(), form_key="a" * 32)
    assert session.scalar(select(func.count()).select_from(Cycle)) == 1


def test_cycles_neither_overlap_nor_share_a_name(session: Session) -> None:
    actions.enter(SERVICE, a_round())
    with pytest.raises(CycleError, match="must not overlap: Spring runs from"):
        actions.enter(SERVICE, a_round("Summer", 70))
    with pytest.raises(CycleError, match="with this name already"):
        actions.enter(SERVICE, a_round("Spring", 71))
    actions.enter(SERVICE, a_round("Summer", 71))
    assert [one.name for one in needed.cycles()] == ["Summer", "Spring"]


def both_at_once(app: Flask, *things: Callable[[], object]) -> list[str]:
    """Do things at the same time in sessions of their own; return how each failed, "" where it did not."""
    together = Barrier(len(things))

    def run(do: Callable[[], object]) -> None:
        with app.app_context():
            together.wait()
            do()

    with ThreadPoolExecutor(len(things)) as pool:
        running = [pool.submit(run, do) for do in things]
    return sorted(str(one.exception() or "") for one in running)


def test_of_two_overlapping_cycles_entered_at_the_same_moment_one_is_refused(
    app: Flask, session: Session
) -> None:
    session.rollback()
    failed = both_at_once(
        app,
        lambda: actions.enter(SERVICE, a_round("Spring", 10)),
        lambda: actions.enter(SERVICE, a_round("Summer", 20)),
    )
    assert failed[0] == ""
    assert "must not overlap" in failed[1]
    assert session.scalar(select(func.count()).select_from(Cycle)) == 1


def test_moving_a_date_leaves_an_audit_row_with_before_and_after(session: Session) -> None:
    cycle_id = actions.enter(SERVICE, a_round(first=0))
    later = replace(a_round(first=0), locks_on=clock.today() + timedelta(days=45))
    actions.move(SERVICE, cycle_id, later, seen=a_round(first=0))
    assert session.get_one(Cycle, cycle_id).round == later
    row = session.scalars(select(AuditEvent).where(AuditEvent.action == "cycle.moved")).one()
    assert row.detail["before"]["locks_on"] == a_round(first=0).locks_on.isoformat()
    assert row.detail["after"]["locks_on"] == later.locks_on.isoformat()


def test_moving_nothing_leaves_no_trace(session: Session) -> None:
    cycle_id = actions.enter(SERVICE, a_round())
    actions.move(SERVICE, cycle_id, a_round())
    assert audited(session) == ["cycle.opened"]


def test_a_cycle_is_not_moved_onto_another_nor_from_what_was_not_seen(session: Session) -> None:
    actions.enter(SERVICE, a_round("Summer", 80))
    cycle_id = actions.enter(SERVICE, a_round())
    with pytest.raises(CycleError, match="must not overlap"):
        actions.move(SERVICE, cycle_id, a_round(closes_on=clock.today() + timedelta(days=80)))
    with pytest.raises(DatesMoved):
        actions.move(SERVICE, cycle_id, a_round(first=11), seen=a_round(first=12))
    with pytest.raises(NotVisible):
        actions.move(SERVICE, cycle_id + 99, a_round())
    with pytest.raises(NotPermitted):
        actions.move(make_actor(session, Role.NEED_LEAD), cycle_id, a_round())
    assert session.get_one(Cycle, cycle_id).round == a_round()


# Still true


def test_a_need_is_kept_with_its_place_once_and_the_old_place_stays(
    session: Session, trust: Organisation, lead: Actor, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, rank=2, cycle=past)
    assert actions.confirm(lead, need.ref) == 2
    assert actions.confirm(lead, need.ref) == 2
    assert places(session, now) == {2: need.id}
    assert places(session, past) == {2: need.id}
    assert audited(session) == ["need.confirmed"]
    assert session.scalars(select(OutboxRow.subject_id)).all() == [need.ref]
    assert session.scalars(select(PlacesRecord.needs)).all() == [[0, need.id]]


def test_only_the_organisations_lead_keeps_its_needs(
    session: Session, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    need = make_need(session, trust, cycle=past)
    with pytest.raises(NotPermitted):
        actions.confirm(make_actor(session, Role.NEED_LEAD), need.ref)
    with pytest.raises(NotPermitted):
        actions.confirm(SERVICE, need.ref)
    assert places(session, now) == {}


def test_what_is_withdrawn_or_was_never_published_is_not_kept(
    session: Session, trust: Organisation, lead: Actor, now: Cycle
) -> None:
    with pytest.raises(Gone):
        actions.confirm(lead, make_need(session, trust, withdrawn="Solved").ref)
    with pytest.raises(NoDraft):
        actions.confirm(lead, make_draft(session, trust).ref)


def test_three_needs_and_no_fourth_are_kept(
    session: Session, trust: Organisation, lead: Actor, past: Cycle, now: Cycle
) -> None:
    older = make_cycle(
        session, opens_on=clock.today() - timedelta(days=400), closes_on=clock.today() - timedelta(days=300)
    )
    needs = [make_need(session, trust, rank=rank, cycle=past) for rank in (1, 2, 3)]
    fourth = make_need(session, trust, rank=1, cycle=older)
    for need in reversed(needs):
        actions.confirm(lead, need.ref)
    with pytest.raises(TopThreeError, match=r"All three places of Fernside NHS Trust in Winter are taken\."):
        actions.confirm(lead, fourth.ref)
    assert places(session, now) == {rank: need.id for rank, need in enumerate(needs, start=1)}


def test_two_presses_at_the_same_moment_keep_a_need_once(
    app: Flask, session: Session, trust: Organisation, lead: Actor, past: Cycle, now: Cycle
) -> None:
    ref = make_need(session, trust, cycle=past).ref
    failed = both_at_once(app, lambda: actions.confirm(lead, ref), lambda: actions.confirm(lead, ref))
    assert failed == ["", ""]
    assert len(places(session, now)) == 1
    assert audited(session) == ["need.confirmed"]


def test_two_needs_kept_at_the_same_moment_get_two_places(
    app: Flask, session: Session, trust: Organisation, lead: Actor, past: Cycle, now: Cycle
) -> None:
    older = make_cycle(
        session, opens_on=clock.today() - timedelta(days=400), closes_on=clock.today() - timedelta(days=300)
    )
    one, other = make_need(session, trust, cycle=past).ref, make_need(session, trust, cycle=older).ref
    failed = both_at_once(app, lambda: actions.confirm(lead, one), lambda: actions.confirm(lead, other))
    assert failed == ["", ""]
    assert sorted(places(session, now)) == [1, 2]


# News


def letters(session: Session) -> list[tuple[str, str]]:
    session.rollback()
    return [
        (to, subject) for to, subject in session.execute(select(Email.to, Email.subject).order_by(Email.id))
    ]


def test_leads_are_told_of_the_opening_once_whatever_is_begun_anew(
    session: Session, trust: Organisation
) -> None:
    make_cycle(session, name="Spring", opens_on=clock.today())
    first, second = (make_user(session, Role.NEED_LEAD, trust) for _ in range(2))
    make_organisation(session, Kind.TRUST)  # nobody leads it
    closed = make_organisation(session, Kind.ICB, closed_on=clock.today())
    make_user(session, Role.NEED_LEAD, closed)
    make_user(session, Role.BROKER, make_organisation(session, Kind.HIN))
    for _ in range(3):
        actions.catch_up()
    told = letters(session)
    assert sorted(told) == sorted(
        (one.email, "Spring is open: name your top three needs") for one in (first, second)
    )
    assert session.scalars(select(OutboxRow.topic)).all() == ["email", "email"]
    assert session.execute(select(CycleLetter.organisation_id, CycleLetter.news)).all() == [
        (trust.id, News.OPENED)
    ]


def test_a_restart_in_the_middle_tells_the_rest_and_nobody_twice(session: Session) -> None:
    make_cycle(session, opens_on=clock.today())
    people = [
        make_user(session, Role.NEED_LEAD, make_organisation(session, Kind.TRUST)).email for _ in range(3)
    ]
    steps = actions.keep_up()
    next(steps)  # the index
    next(steps)  # the first organisation
    steps.close()
    assert [to for to, _ in letters(session)] == people[:1]
    actions.catch_up()
    assert [to for to, _ in letters(session)] == people


def test_two_workers_at_the_same_moment_write_one_letter(
    app: Flask, session: Session, trust: Organisation, lead: Actor
) -> None:
    cycle_id, trust_id = make_cycle(session, opens_on=clock.today()).id, trust.id

    def tell() -> bool:
        return actions.tell(cycle_id, trust_id, News.OPENED)

    session.rollback()
    assert both_at_once(app, tell, tell) == ["", ""]
    assert len(letters(session)) == 1


def test_the_reminder_goes_to_those_with_something_left_to_say(
    session: Session, past: Cycle, now: Cycle
) -> None:
    silent, half, done, full = (
        make_organisation(session, Kind.TRUST, name=name) for name in ("Silent", "Half", "Done", "Full")
    )
    people = {one.name: make_user(session, Role.NEED_LEAD, one).email for one in (silent, half, done, full)}
    make_need(session, silent, rank=1, cycle=past)
    make_need(session, half, rank=1, cycle=past)
    make_need(session, half, rank=2, cycle=now)
    make_need(session, done, rank=1, cycle=now)
    make_need(session, full, rank=1, cycle=past)
    for rank in (1, 2, 3):
        make_need(session, full, rank=rank, cycle=now)
    now.reminds_on = clock.today()
    session.commit()
    for _ in range(2):
        actions.catch_up()
    told = session.scalars(select(Email).order_by(Email.id)).all()
    assert [one.to for one in told] == [people["Silent"], people["Half"]]
    assert "Silent has not yet named a need in the cycle Winter." in told[0].body
    assert "1 need of the last cycle waits for your word" in told[0].body
    assert f"/organisations/{silent.code}/still-true" in told[0].body
    assert "Half has named 1 need in the cycle Winter." in told[1].body


def test_news_of_an_opening_that_is_a_week_old_is_not_sent(session: Session, lead: Actor) -> None:
    make_cycle(session, opens_on=clock.today() - timedelta(days=7))
    actions.catch_up()
    assert letters(session) == []


def test_when_a_cycle_locks_the_index_looks_once_at_what_lapsed(
    session: Session, trust: Organisation, past: Cycle, now: Cycle
) -> None:
    kept, left = make_need(session, trust, rank=1, cycle=past), make_need(session, trust, rank=2, cycle=past)
    session.add(Priority(organisation_id=trust.id, cycle_id=now.id, rank=1, need_id=kept.id))
    session.commit()
    assert actions.sweep() == 0
    now.reminds_on = now.locks_on = clock.today() - timedelta(days=1)
    session.commit()
    assert [actions.sweep(), actions.sweep()] == [1, 0]
    assert session.scalars(select(OutboxRow.subject_id)).all() == [left.ref]
    assert session.scalars(select(CycleSweep.cycle_id)).all() == [now.id]


def test_three_hundred_organisations_are_found_by_as_many_queries_as_one(
    app: Flask, session: Session, past: Cycle, now: Cycle
) -> None:
    now.reminds_on = clock.today()
    session.commit()
    cycle_id = now.id

    def sent() -> int:
        with statements(app) as found:
            queries.to_tell(session, cycle_id, News.REMINDER)
        session.rollback()
        return len(found)

    make_user(session, Role.NEED_LEAD, make_organisation(session, Kind.TRUST))
    few = sent()
    for number in range(300):
        trust = make_organisation(session, Kind.TRUST)
        if number % 50 == 0:
            make_user(session, Role.NEED_LEAD, trust)
        make_need(session, trust, cycle=past)
    assert sent() == few
