"""One cycle from its first day to the next, moved by the clock alone: nothing but letters and the index waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.cycles import actions, queries
from marketplace.cycles.pages import headline
from marketplace.needs import actions as needs
from marketplace.needs import queries as needed
from marketplace.needs.models import Priority
from marketplace.needs.rounds import Round, Standing
from marketplace.needs.rules import TopThreeError
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from marketplace.outbox.models import OutboxRow
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor

SPRING = Round(
    name="Spring 2027",
    opens_on=date(2027, 3, 1),
    reminds_on=date(2027, 4, 12),
    locks_on=date(2027, 4, 30),
    closes_on=date(2027, 8, 31),
)
AUTUMN = Round(
    name="Autumn 2027",
    opens_on=date(2027, 9, 1),
    reminds_on=date(2027, 10, 11),
    locks_on=date(2027, 10, 31),
    closes_on=date(2028, 2, 29),
)


@contextmanager
def on(day: date, at: time = time(12)) -> Iterator[None]:
    with clock.pretend(datetime.combine(day, at, clock.LONDON)):
        yield


@dataclass
class Place:
    """An organisation with its lead."""

    organisation: Organisation
    lead: Actor


@pytest.fixture
def three(session: Session) -> list[Place]:
    """Return a trust that answers, an ICS that answers late and in part, and a HIN that never does."""
    made = []
    with on(date(2027, 1, 1)):
        for kind, name in ((Kind.TRUST, "Early Trust"), (Kind.ICB, "Late ICB"), (Kind.HIN, "Silent HIN")):
            organisation = make_organisation(session, kind, name=name)
            made.append(Place(organisation, make_actor(session, Role.NEED_LEAD, organisation)))
    return made


def board(day: date) -> dict[str, Standing]:
    """Return what the board holds on a day, and how each need stands."""
    with on(day):
        found = {}
        for need in needed.published(ANONYMOUS):
            stood = needed.stand_of(needed.need_for(ANONYMOUS, need.ref))
            assert stood is not None
            found[need.ref] = stood.standing
        return found


def subjects(session: Session) -> list[tuple[str, str]]:
    session.rollback()
    rows = session.execute(select(Email.to, Email.subject).order_by(Email.id))
    return [(to, subject.split(":")[0]) for to, subject in rows]


def answered(session: Session, cycle_id: int, day: date) -> str:
    with on(day):
        return headline(queries.answers(session, cycle_id, day))


def test_open_remind_lock_close_next_opens_carry_forward_and_lapse(
    session: Session, three: list[Place]
) -> None:
    early, late, silent = three
    # Entered ahead of time; nothing is open yet.
    with on(date(2027, 2, 1)):
        spring = actions.enter(SERVICE, SPRING)
        autumn = actions.enter(SERVICE, AUTUMN)
        actions.catch_up()
        with pytest.raises(TopThreeError, match="No cycle is open yet"):
            needs.cycle_to_publish_in()
    assert subjects(session) == []
    # The first day: everybody is told, once, though the worker is restarted.
    for _ in range(2):
        with on(SPRING.opens_on, time(0, 5)):
            actions.catch_up()
    news = [(one.lead.email, "Spring 2027 is open") for one in three]
    assert subjects(session) == news
    with on(date(2027, 3, 2)):
        assert needs.cycle_to_publish_in().name == "Spring 2027"
        kept, left = (make_need(session, early.organisation, rank=rank).ref for rank in (1, 2))
    assert answered(session, spring, date(2027, 3, 2)) == "0 of 1 ICS, 1 of 1 trust and 0 of 1 HIN"
    # The reminder: to the two that have not answered, also when the worker was away for two days.
    for day in (date(2027, 4, 14), date(2027, 4, 15)):
        with on(day):
            actions.catch_up()
    reminders = [(one.lead.email, "Reminder") for one in (late, silent)]
    assert subjects(session) == news + reminders
    # The last day for answers, until midnight in England.
    with on(SPRING.locks_on, time(23, 59)):
        late_need = make_need(session, late.organisation, rank=1).ref
        assert needs.cycle_to_publish_in().name == "Spring 2027"
    # The day after: locked, and in words. Texts and places stay as they are.
    with on(date(2027, 5, 1), time(0, 1)):
        with pytest.raises(TopThreeError, match="Spring 2027 was locked at the end of 30 April 2027"):
            needs.cycle_to_publish_in()
        actions.catch_up()
    assert board(date(2027, 5, 1)) == dict.fromkeys((kept, left, late_need), Standing.CURRENT)
    # Closed: history, and still on the board until the next one opens.
    assert board(date(2027, 8, 31)) == dict.fromkeys((kept, left, late_need), Standing.CURRENT)
    # The next one opens: all wait to be confirmed, and everybody is told.
    with on(AUTUMN.opens_on):
        actions.catch_up()
    assert subjects(session)[5:] == [(one.lead.email, "Autumn 2027 is open") for one in three]
    assert board(AUTUMN.opens_on) == dict.fromkeys((kept, left, late_need), Standing.TO_CONFIRM)
    # One is kept with its place.
    with on(date(2027, 9, 10)):
        assert actions.confirm(early.lead, kept) == 1
    assert board(date(2027, 9, 10)) == {
        kept: Standing.CURRENT, left: Standing.TO_CONFIRM, late_need: Standing.TO_CONFIRM
    }  # fmt: skip
    assert answered(session, autumn, date(2027, 9, 10)) == "0 of 1 ICS, 1 of 1 trust and 0 of 1 HIN"
    # The reminder goes to all three: the trust, too, has a need that would lapse.
    with on(AUTUMN.reminds_on):
        actions.catch_up()
    assert subjects(session)[8:] == [(one.lead.email, "Reminder") for one in three]
    # The lock: what nobody confirmed lapses, with nothing having run.
    assert board(AUTUMN.locks_on).keys() == {kept, left, late_need}
    session.query(OutboxRow).delete()
    session.commit()
    after = date(2027, 11, 1)
    assert board(after) == {kept: Standing.CURRENT}
    with on(after):
        with pytest.raises(TopThreeError, match="Autumn 2027 was locked"):
            actions.confirm(early.lead, left)
        lapsed = needed.need_for(ANONYMOUS, left)
        stood = needed.stand_of(lapsed)
        assert stood is not None
        assert (stood.standing, stood.round.name, stood.lapsed_on) == (Standing.LAPSED, "Autumn 2027", after)
        # Only the index waits for the chore, and is told once.
        actions.catch_up()
        actions.catch_up()
    touched = session.scalars(select(OutboxRow.subject_id).where(OutboxRow.topic == "need")).all()
    assert sorted(touched) == sorted([left, late_need])
    assert len(subjects(session)) == 11
    # Spring is history as it was.
    rows = session.execute(select(Priority.rank, Priority.need_id).where(Priority.cycle_id == spring)).all()
    assert len(rows) == 3
    assert answered(session, spring, SPRING.closes_on) == "1 of 1 ICS, 1 of 1 trust and 0 of 1 HIN"
    # In a later cycle a lapsed need is taken up again.
    with on(date(2028, 3, 1)):
        actions.enter(
            SERVICE,
            Round(
                name="Spring 2028",
                opens_on=date(2028, 3, 1),
                reminds_on=date(2028, 4, 1),
                locks_on=date(2028, 4, 30),
                closes_on=date(2028, 8, 31),
            ),
        )
        assert board(date(2028, 3, 1)) == {kept: Standing.TO_CONFIRM}
        assert actions.confirm(late.lead, late_need) == 1
    assert board(date(2028, 3, 2)) == {kept: Standing.TO_CONFIRM, late_need: Standing.CURRENT}


def test_moving_the_lock_before_it_has_come_gives_more_time_to_confirm(
    session: Session, three: list[Place]
) -> None:
    early = three[0]
    with on(date(2027, 2, 1)):
        actions.enter(SERVICE, SPRING)
        autumn = actions.enter(SERVICE, AUTUMN)
    with on(date(2027, 3, 2)):
        ref = make_need(session, early.organisation, rank=1).ref
    with on(AUTUMN.locks_on):
        later = Round(
            name="Autumn 2027",
            opens_on=AUTUMN.opens_on,
            reminds_on=AUTUMN.reminds_on,
            locks_on=date(2027, 11, 14),
            closes_on=AUTUMN.closes_on,
        )
        actions.move(SERVICE, autumn, later, seen=AUTUMN)
    assert board(date(2027, 11, 14)) == {ref: Standing.TO_CONFIRM}
    assert board(date(2027, 11, 15)) == {}
