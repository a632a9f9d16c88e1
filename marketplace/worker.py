"""The outbox loop: claim rows, do what their topic asks, finish them; and look after what time brings."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from flask import Flask
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace import clock
from marketplace.accounts import actions as accounts
from marketplace.database import db, transaction
from marketplace.introductions.actions import expire_overdue
from marketplace.matches.finder import Finders, prepare_database
from marketplace.matches.indexer import TOPICS, Indexer
from marketplace.notices import actions as notices
from marketplace.outbox.actions import Job, claim, fail, finish
from marketplace.outbox.models import OutboxRow
from marketplace.settings import Settings

log = structlog.get_logger()

#: Does claimed rows of one topic and finishes them in its own transaction.
Handler = Callable[[Sequence[Job]], None]

BATCH = 16
KEPT = timedelta(days=7)
#: What SQLite says while its file is away or another process holds it; PostgreSQL breaks the connection instead.
AWAY_WORDS = ("unable to open", "locked")
#: The pause between tries while the database is away, or after a turn that failed.
AWAY_SECONDS = 2.0


@dataclass
class Chore:
    """Something that time asks for: how often, what, and when it was last done."""

    every: timedelta
    do: Callable[[], object]
    name: str
    done_at: datetime | None = None


def one_by_one(do: Callable[[str], None]) -> Handler:
    """Return a handler for work that may be done again without harm, such as an e-mail that knows it was sent."""

    def handle(jobs: Sequence[Job]) -> None:
        for job in jobs:
            do(job.subject_id)
            with transaction() as session:
                finish(session, job)

    return handle


class Worker:
    """One worker. Several may run: each row is claimed by one, with a lease that ends if it dies."""

    def __init__(self, app: Flask, handlers: Mapping[str, Handler], chores: Sequence[Chore] = ()) -> None:
        self._app = app
        self._handlers = handlers
        self._chores = chores

    def run_once(self) -> int:
        """Do one batch of due rows; return how many were claimed."""
        with self._app.app_context():
            with transaction() as session:
                jobs = claim(session, BATCH, list(self._handlers))
            jobs.sort(key=lambda job: (job.topic, job.id))
            for topic, group in groupby(jobs, key=lambda job: job.topic):
                self._do(topic, list(group))
            return len(jobs)

    def _do(self, topic: str, jobs: list[Job]) -> None:
        try:
            self._handlers[topic](jobs)
        except Exception as error:
            db.session.rollback()
            if len(jobs) > 1:  # find the one that fails; the others go on
                for job in jobs:
                    self._do(topic, [job])
                return
            log.warning("outbox_row_failed", topic=topic, row=jobs[0].id, exc_info=error)
            with transaction() as session:
                fail(session, jobs[0], error)

    def do_chores(self) -> None:
        """Do what is due by time."""
        for chore in self._chores:
            if chore.done_at is None or clock.now() - chore.done_at >= chore.every:
                with self._app.app_context():
                    self._try(chore)
                chore.done_at = clock.now()

    def _try(self, chore: Chore) -> None:
        """Do a chore; when it fails, log that and leave it until it is due again: the others must go on."""
        try:
            chore.do()
        except Exception as error:
            if database_is_away(error):
                raise  # the whole worker waits, and the chore stays due
            db.session.rollback()
            log.warning("chore_failed", chore=chore.name, exc_info=error)

    def run(self, stop: threading.Event, pause: float) -> None:
        """Work until told to stop; wait ``pause`` seconds when nothing is due, or for the database to come back."""
        while not stop.is_set():
            try:
                self.do_chores()
                if self.run_once() == 0:
                    stop.wait(pause)
            except Exception as error:
                # Whatever it was, the loop goes on: without it nothing is indexed and no e-mail is sent.
                if database_is_away(error):
                    wait_for_database(stop, error)
                else:
                    log.exception("worker_turn_failed")
                    stop.wait(AWAY_SECONDS)


def database_is_away(error: Exception) -> bool:
    """Tell whether the database could not be reached, unlike a statement that it refused."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, (OperationalError, InterfaceError)):
        return isinstance(error, DBAPIError) and error.connection_invalidated
    # A connection that could not even be made carries no statement.
    return (
        error.connection_invalidated
        or error.statement is None
        or any(words in str(error.orig) for words in AWAY_WORDS)
    )


def wait_for_database(stop: threading.Event, error: Exception) -> None:
    """Log that the database is away or has no schema yet, and pause before the next try."""
    log.warning("worker_waits_for_database", error=type(error).__name__)
    stop.wait(AWAY_SECONDS)


def prune() -> None:
    """Delete finished outbox rows after a week; parked ones stay until somebody looks."""
    with transaction() as session:
        session.execute(delete(OutboxRow).where(OutboxRow.finished_at < clock.now() - KEPT))


def build_worker(app: Flask) -> Worker:
    """Join topics and chores to what does them."""
    own: Finders = app.extensions["finders"]
    prepare_database(app.extensions["engine"], own.encoder)
    indexer = Indexer(app.extensions["engine"], own.encoder)
    handlers: dict[str, Handler] = dict.fromkeys(TOPICS, indexer.handle)
    handlers[notices.TOPIC] = one_by_one(notices.deliver)
    return Worker(
        app,
        handlers,
        [
            Chore(timedelta(hours=1), indexer.enqueue_differences, "index check"),
            Chore(timedelta(hours=1), prune, "prune outbox"),
            Chore(timedelta(hours=1), accounts.prune, "prune sign-ins and links"),
            Chore(timedelta(hours=1), notices.prune, "prune e-mails"),
            Chore(timedelta(minutes=1), expire_overdue, "expire introductions"),
        ],
    )


def run_forever(app: Flask) -> None:
    """Run as a process of its own until SIGTERM or Ctrl-C."""
    settings: Settings = app.extensions["settings"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    log.info("worker_started")
    worker = None
    while worker is None and not stop.is_set():
        try:
            worker = build_worker(app)
        except (DBAPIError, PoolTimeout) as error:
            wait_for_database(stop, error)
    if worker is not None:
        worker.run(stop, settings.worker_poll_seconds)
    log.info("worker_stopped")
