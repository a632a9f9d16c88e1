"""Enqueue, claim, finish. Knows no feature: the worker maps topics to handlers.

The pattern is the transactional outbox; on PostgreSQL rows are claimed with FOR UPDATE SKIP LOCKED, on SQLite
the write lock of BEGIN IMMEDIATE does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.outbox import rules
from marketplace.outbox.models import OutboxRow

LEASE = timedelta(minutes=5)
#: What a row says that was parked because each try ended with its process, before it could fail.
NEVER_ENDED = "NeverEnded"


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed row. ``claim`` proves the claim at the finish: a worker that overslept its lease has lost it."""

    id: int
    topic: str
    subject_id: str
    claim: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the health page tells: rows waiting, rows parked, and since when the oldest waits."""

    waiting: int
    parked: int
    oldest: datetime | None


def enqueue(session: Session, topic: str, subject_id: object, *, due_at: datetime | None = None) -> None:
    """Add a row in the caller's transaction."""
    now = clock.now()
    session.add(OutboxRow(topic=topic, subject_id=str(subject_id), created_at=now, due_at=due_at or now))


def due(session: Session, topics: Sequence[str]) -> bool:
    """Tell whether a row of these topics could be claimed: a read, so that looking often holds nobody up."""
    return session.scalar(select(_claimable(topics).exists())) or False


def _claimable(topics: Sequence[str]) -> Select[OutboxRow]:
    now = clock.now()
    return select(OutboxRow).where(
        OutboxRow.topic.in_(topics),
        OutboxRow.finished_at.is_(None),
        OutboxRow.parked_at.is_(None),
        OutboxRow.due_at <= now,
        or_(OutboxRow.claimed_until.is_(None), OutboxRow.claimed_until < now),
    )


def claim(session: Session, limit: int, topics: Sequence[str]) -> list[Job]:
    """Claim up to ``limit`` due rows of these topics, oldest first; the caller commits.

    A row none of whose tries is left, and that did not fail, took its process with it: it is parked instead.
    """
    now = clock.now()
    rows = session.scalars(
        _claimable(topics).order_by(OutboxRow.id).limit(limit).with_for_update(skip_locked=True)
    ).all()
    mark = uuid4().hex
    jobs = []
    for row in rows:
        if row.attempts >= rules.patience(row.topic).tries:
            row.claim, row.claimed_until = None, None
            row.parked_at, row.last_error = now, NEVER_ENDED
            continue
        row.claim = mark
        row.claimed_until = now + LEASE
        row.attempts += 1
        jobs.append(Job(row.id, row.topic, row.subject_id, mark))
    return jobs


def finish(session: Session, job: Job) -> bool:
    """Mark the row done in the transaction that holds its effect; False when the claim was lost meanwhile."""
    done = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == job.id, OutboxRow.claim == job.claim, OutboxRow.finished_at.is_(None))
        .values(finished_at=clock.now(), claimed_until=None, last_error=None)
        .returning(OutboxRow.id)
    )
    return done.scalar() is not None


def fail(session: Session, job: Job, error: BaseException) -> None:
    """Put the row back with a growing pause, or park it after as many tries as its topic gets.

    Only the error's type is kept: its text may hold what somebody typed.
    """
    row = session.get(OutboxRow, job.id)
    if row is None or row.claim != job.claim:
        return
    row.claim = None
    row.claimed_until = None
    row.last_error = type(error).__name__
    patience = rules.patience(row.topic)
    if row.attempts >= patience.tries:
        row.parked_at = clock.now()
    else:
        row.due_at = clock.now() + patience.pause(row.attempts)


def backlog(session: Session) -> Backlog:
    """Count what waits and what is parked."""
    waiting, oldest = session.execute(
        select(func.count(), func.min(OutboxRow.created_at)).where(
            OutboxRow.finished_at.is_(None), OutboxRow.parked_at.is_(None)
        )
    ).one()
    parked = session.scalar(select(func.count()).where(OutboxRow.parked_at.is_not(None)))
    return Backlog(waiting, parked or 0, oldest)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A row that is not finished, for the command line: no typed text, only what the row itself holds."""

    id: int
    topic: str
    subject_id: str
    created_at: datetime
    attempts: int
    parked: bool
    last_error: str


def unfinished(session: Session, limit: int) -> list[Stuck]:
    """Return rows that are parked or wait, parked ones first, oldest first."""
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.finished_at.is_(None))
        .order_by(OutboxRow.parked_at.is_(None), OutboxRow.id)
        .limit(limit)
    ).all()
    return [
        Stuck(
            row.id,
            row.topic,
            row.subject_id,
            row.created_at,
            row.attempts,
            row.parked_at is not None,
            row.last_error or "",
        )
        for row in rows
    ]


def retry(session: Session, row_id: int | None = None) -> int:
    """Let parked rows (all, or one) be tried again from now on; return how many. The caller commits."""
    wanted = update(OutboxRow).where(OutboxRow.parked_at.is_not(None), OutboxRow.finished_at.is_(None))
    if row_id is not None:
        wanted = wanted.where(OutboxRow.id == row_id)
    done = session.execute(
        wanted.values(
            parked_at=None, attempts=0, due_at=clock.now(), claim=None, claimed_until=None
        ).returning(OutboxRow.id)
    )
    return len(done.all())
