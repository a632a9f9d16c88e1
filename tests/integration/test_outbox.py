"""How often waiting work is tried again, and when it is put aside."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import transaction
from marketplace.outbox.actions import LEASE, claim, enqueue, fail
from marketplace.outbox.models import OutboxRow


def pauses(topic: str) -> list[float]:
    """Fail a row of a topic until it is parked, and return the seconds between its tries."""
    with transaction() as session:
        enqueue(session, topic, "1")
    found: list[float] = []
    while True:
        with transaction() as session:
            row = session.scalars(select(OutboxRow)).one()
            if row.parked_at is not None:
                return found
            now = row.due_at
        with time_machine.travel(now, tick=False), transaction() as session:
            (job,) = claim(session, 1, [topic])
            fail(session, job, OSError())
        with transaction() as session:
            row = session.scalars(select(OutboxRow)).one()
            if row.parked_at is None:
                found.append((row.due_at - now).total_seconds())


def test_an_index_row_is_put_aside_after_five_tries_in_minutes(session: Session) -> None:
    assert pauses("need") == [2, 8, 32, 128]


def test_an_email_is_tried_for_about_a_day_with_pauses_of_at_most_two_hours(session: Session) -> None:
    found = pauses("email")
    assert found[:7] == [2, 8, 32, 128, 512, 2048, 7200]
    assert max(found) == 7200
    assert timedelta(hours=24) <= timedelta(seconds=sum(found)) <= timedelta(hours=26)


@pytest.mark.parametrize(("topic", "tries"), [("need", 5), ("email", 19)])
def test_a_row_that_ends_its_process_each_time_is_put_aside(session: Session, topic: str, tries: int) -> None:
    with transaction() as current:
        enqueue(current, topic, "kills")
    at = clock.now()
    claimed = 0
    for _ in range(tries + 3):
        at += LEASE + timedelta(seconds=1)
        with time_machine.travel(at, tick=False), transaction() as current:
            claimed += len(claim(current, 10, [topic]))
    row = session.scalars(select(OutboxRow)).one()
    assert claimed == tries
    assert (row.parked_at is not None, row.last_error, row.claim) == (True, "NeverEnded", None)
