"""A worker outlives its database and its chores. On SQLite: its file can be taken away and put back within a test."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import worker
from marketplace.database import transaction
from marketplace.outbox.actions import backlog, enqueue
from marketplace.outbox.models import OutboxRow
from marketplace.worker import Chore, Worker


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_the_worker_waits_for_a_database_that_went_away_and_goes_on(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.01)
    waited = threading.Event()
    wait = worker.wait_for_database

    def note(stop: threading.Event, error: Exception) -> None:
        waited.set()
        wait(stop, error)

    monkeypatch.setattr(worker, "wait_for_database", note)
    with transaction() as current:
        enqueue(current, "echo", "once")
    engine: Engine = app.extensions["engine"]
    session.close()
    engine.dispose()
    path = Path(str(engine.url.database))
    path.rename(path.with_suffix(".away"))

    stop, done = threading.Event(), threading.Event()
    echo = worker.one_by_one(lambda _subject: done.set())
    thread = threading.Thread(target=Worker(app, {"echo": echo}).run, args=(stop, 0.01))
    thread.start()
    assert waited.wait(10)
    assert not done.is_set()
    path.with_suffix(".away").rename(path)
    assert done.wait(10)
    stop.set()
    thread.join(10)
    assert backlog(session).waiting == 0
    assert session.scalars(select(OutboxRow.subject_id)).all() == ["once"]


def test_a_chore_that_fails_does_not_keep_the_others_from_being_done(app: Flask) -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("failed")
        raise LookupError

    chores = [
        Chore(timedelta(hours=1), fail, "fails"),
        Chore(timedelta(hours=1), lambda: done.append("second"), "second"),
    ]
    made = Worker(app, {}, chores)
    made.do_chores()
    made.do_chores()
    assert done == ["failed", "second"]


def run_until(made: Worker, done: threading.Event) -> bool:
    """Run a worker until something is done, at most ten seconds, and tell whether it was."""
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop, 0.01))
    thread.start()
    happened = done.wait(10)
    stop.set()
    thread.join(10)
    return happened


def test_a_chore_that_the_database_refuses_does_not_keep_rows_from_being_done(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.01)
    tries: list[str] = []

    def refused() -> None:
        tries.append("tried")
        raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))

    with transaction() as current:
        enqueue(current, "echo", "once")
    done = threading.Event()
    echo = worker.one_by_one(lambda _subject: done.set())
    assert run_until(Worker(app, {"echo": echo}, [Chore(timedelta(hours=1), refused, "refused")]), done)
    assert tries == ["tried"]


def test_a_turn_that_fails_does_not_end_the_worker(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.01)
    done, turns = threading.Event(), []

    class Stumbles(Worker):
        def run_once(self) -> int:
            turns.append(1)
            if len(turns) == 1:
                raise ValueError
            done.set()
            return 0

    assert run_until(Stumbles(app, {}), done)
