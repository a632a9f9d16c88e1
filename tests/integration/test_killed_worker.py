"""A worker that is killed loses nothing: the next one does again what it had claimed, on both databases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.database import transaction
from marketplace.matches import finder, queries
from marketplace.matches.indexer import TOPICS, Indexer
from marketplace.matches.rules import NEED_TOPIC, TECHNOLOGY_TOPIC
from marketplace.outbox.actions import enqueue
from marketplace.outbox.models import OutboxRow
from matching.types import Kind
from tests.factories.needs import make_need
from tests.factories.technologies import make_technology
from tests.fakes.matching import HashEncoder

PROJECT = Path(__file__).resolve().parents[2]

Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Return what starts a worker process; those still running at the end are killed."""
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DEMAND_SIGNAL_LOG_LEVEL": "ERROR",
        "DEMAND_SIGNAL_WORKER_POLL_SECONDS": "0.05",
    }

    def run(what: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.worker", what], cwd=PROJECT, env=environment
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait(10)


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Look again and again until it is so; fail when the process ends before, or after a minute."""
    for _ in range(1200):
        if reached():
            return
        assert process.poll() is None, f"the worker ended with {process.returncode}"
        time.sleep(0.05)
    pytest.fail("the worker did not get there")


def waiting_subjects(session: Session) -> tuple[str, str]:
    """Publish a need and a technology, with their outbox rows as the actions write them; return the references."""
    need, technology = make_need(session).ref, make_technology(session).ref
    with transaction() as current:
        enqueue(current, NEED_TOPIC, need)
        enqueue(current, TECHNOLOGY_TOPIC, technology)
    return need, technology


def rows(session: Session) -> dict[int, OutboxRow]:
    session.rollback()
    found = session.scalars(select(OutboxRow).where(OutboxRow.topic.in_(TOPICS))).all()
    return {row.id: row for row in found}


def claimed(session: Session) -> set[int]:
    """Return the rows that are claimed and not finished, first ending the read that went before."""
    return {number for number, row in rows(session).items() if row.claim and row.finished_at is None}


def indexed(session: Session) -> set[str]:
    session.rollback()
    serving = queries.serving(session)
    return {ref for kind in Kind for ref in queries.digests(session, serving.id if serving else 0, kind)}


def is_true(app: Flask, session: Session) -> bool:
    """Tell whether the index equals the database and no row waits."""
    session.rollback()
    compare = Indexer(app.extensions["engine"], app.extensions["finders"].encoders)
    return not any(compare.difference(session, kind) for kind in Kind) and all(
        row.finished_at for row in rows(session).values()
    )


def let_another_finish(app: Flask, session: Session, start: Start, left: set[int]) -> None:
    """Start a sound worker, wait for it to put everything right, and stop it in good order."""
    process = start("works")
    wait_until(lambda: is_true(app, session), process)
    process.terminate()
    assert process.wait(30) == 0
    assert {rows(session)[number].attempts for number in left} == {2}


def test_what_a_killed_worker_had_claimed_is_done_by_the_next(
    app: Flask, session: Session, start: Start
) -> None:
    need, technology = waiting_subjects(session)
    killed = start("stalls")
    wait_until(lambda: bool(claimed(session)), killed)
    killed.kill()
    assert killed.wait(10) == -signal.SIGKILL
    left = claimed(session)
    assert {rows(session)[number].subject_id for number in left} == {need, technology}
    assert indexed(session) == set()

    let_another_finish(app, session, start, left)
    assert indexed(session) == {need, technology}
    assert finder.search(Kind.NEED, "falls at night", 10).refs == (need,)
    assert finder.search(Kind.TECHNOLOGY, "pulse and breathing", 10).refs == (technology,)


def test_a_worker_that_dies_between_its_vectors_and_its_commit_leaves_the_work_to_be_done_again(
    app: Flask, session: Session, start: Start
) -> None:
    need, technology = waiting_subjects(session)
    killed = start("dies")
    assert killed.wait(60) == -signal.SIGKILL
    left = claimed(session)
    assert {rows(session)[number].subject_id for number in left} == {need, technology}
    assert indexed(session) == set()
    engine = app.extensions["engine"]
    vectors = finder.vector_index(engine, Kind.NEED, queries.serving(session).id, HashEncoder())
    ahead = 0 if vectors is None else len(vectors)
    assert bool(ahead) == (engine.dialect.name == "postgresql")  # pgvector's rows were committed before
    assert finder.search(Kind.NEED, "falls at night", 10).refs == ()

    let_another_finish(app, session, start, left)
    assert indexed(session) == {need, technology}
    assert vectors is None or len(vectors) == ahead
    assert finder.search(Kind.NEED, "falls at night", 10).refs == (need,)
