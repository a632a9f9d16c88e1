"""The outbox loop: claim rows, do what their topic asks, finish them; and look after what time brings."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from flask import Flask
from sqlalchemy import Engine, delete
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace import clock
from marketplace.accounts import actions as accounts
from marketplace.cycles import actions as cycles
from marketplace.database import db, transaction
from marketplace.demand import actions as demand
from marketplace.demand import emails
from marketplace.families import actions as families
from marketplace.families.suggesting import suggest
from marketplace.introductions.actions import expire_overdue
from marketplace.matches import fits
from marketplace.matches.builder import Builder, remove_retired
from marketplace.matches.checker import check_and_repair
from marketplace.matches.finder import Finders, prepare_database, probe
from marketplace.matches.indexer import REPAIRS, TOPICS, Indexer
from marketplace.notices import actions as notices
from marketplace.outbox.actions import Job, claim, due, fail, finish
from marketplace.outbox.models import OutboxRow
from marketplace.reviews import actions as reviews
from marketplace.settings import Settings
from marketplace.succession.actions import tell_due

log = structlog.get_logger()

#: Does claimed rows of one topic and finishes them in its own transaction.
Handler = Callable[[Sequence[Job]], None]

#: Rows that are done in one turn: what a person saves meanwhile waits for its end, about a second at most.
BATCH = 8
#: The same of work that nobody waits for.
LATER_BATCH = 4
KEPT = timedelta(days=7)
#: What SQLite says while its file is away or another process holds it; PostgreSQL breaks the connection instead.
AWAY_WORDS = ("unable to open", "locked")
#: The pause between tries while the database is away, or after a turn that failed.
AWAY_SECONDS = 2.0
#: The pause before a worker looks again whether a new index waits to be built.
BUILD_EVERY = timedelta(seconds=2)
#: The pause before a worker looks again whether the register has to be searched for needs.
FITS_EVERY = timedelta(seconds=30)
#: How long a worker that was told to stop may take over an e-mail.
LAST_WORDS_SECONDS = 5.0
OVER = object()


@dataclass
class Chore:
    """Something that time asks for: how often, what, and when it was last done.

    Long work is given as an iterator, which the worker goes on with step by step whenever no row is due.
    """

    every: timedelta
    do: Callable[[], object]
    name: str
    done_at: datetime | None = None
    going: Iterator[object] | None = None


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

    def __init__(
        self,
        app: Flask,
        handlers: Mapping[str, Handler],
        chores: Sequence[Chore] = (),
        later: Collection[str] = (),
    ) -> None:
        """Take handlers by topic; rows of ``later`` topics are done when there are no others."""
        self._app = app
        self._handlers = handlers
        self._chores = chores
        self._lanes = (
            ([topic for topic in handlers if topic not in later], BATCH),
            ([topic for topic in handlers if topic in later], LATER_BATCH),
        )

    def run_once(self) -> int:
        """Do one batch of due rows; return how many were claimed."""
        with self._app.app_context():
            jobs = self._claim()
            jobs.sort(key=lambda job: (job.topic, job.id))
            for topic, group in groupby(jobs, key=lambda job: job.topic):
                self._do(topic, list(group))
            return len(jobs)

    def _claim(self) -> list[Job]:
        for topics, batch in self._lanes:
            found = bool(topics) and due(db.session, topics)
            db.session.rollback()
            if found:
                with transaction() as session:
                    jobs = claim(session, batch, topics)
                if jobs:
                    return jobs
        return []

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
        """Do what is due by time, or begin it where it is long."""
        for chore in self._chores:
            if chore.going is None and (chore.done_at is None or clock.now() - chore.done_at >= chore.every):
                with self._app.app_context():
                    self._try(chore)
                chore.done_at = clock.now()

    def go_on(self) -> bool:
        """Do one step of the long work that was begun; False when there is none."""
        for chore in self._chores:
            if chore.going is not None:
                with self._app.app_context():
                    self._step(chore, chore.going)
                return True
        return False

    def _step(self, chore: Chore, going: Iterator[object]) -> None:
        try:
            if next(going, OVER) is OVER:
                chore.going, chore.done_at = None, clock.now()
        except Exception as error:
            chore.going, chore.done_at = None, clock.now()
            if database_is_away(error):
                raise  # the whole worker waits; the work is begun again when it is due
            db.session.rollback()
            log.warning("chore_failed", chore=chore.name, exc_info=error)

    def give_back(self) -> None:
        """End long work in good order, so that another worker can go on with it at once."""
        for chore in self._chores:
            if isinstance(chore.going, Generator):
                with self._app.app_context():
                    chore.going.close()
            chore.going = None

    def _try(self, chore: Chore) -> None:
        """Do a chore; when it fails, log that and leave it until it is due again: the others must go on."""
        try:
            made = chore.do()
            chore.going = made if isinstance(made, Iterator) else None
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
                if self.run_once() == 0 and not self.go_on():
                    stop.wait(pause)
            except Exception as error:
                # Whatever it was, the loop goes on: without it nothing is indexed and no e-mail is sent.
                if database_is_away(error):
                    wait_for_database(stop, error)
                else:
                    log.exception("worker_turn_failed")
                    stop.wait(AWAY_SECONDS)
        try:
            self.give_back()
        except Exception:
            log.exception("worker_left_work_claimed")  # its lease ends by itself


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


def index_handlers(indexer: Indexer) -> dict[str, Handler]:
    """Return what does the rows that the index waits for."""
    return dict.fromkeys((*TOPICS, *REPAIRS), indexer.handle)


def index_chores(indexer: Indexer) -> list[Chore]:
    """Return what keeps the index whole; each is long, and gives way to what people have just saved."""
    return [
        Chore(BUILD_EVERY, Builder(indexer).steps, "index build"),
        Chore(timedelta(hours=1), lambda: check_and_repair(indexer), "index check"),
        Chore(timedelta(hours=1), lambda: remove_retired(indexer), "remove retired index"),
        Chore(FITS_EVERY, fits.steps, "look up what fits"),
    ]


def other_handlers() -> dict[str, Handler]:
    """Return what does all other rows."""
    return {notices.TOPIC: one_by_one(notices.deliver)}


def other_chores() -> list[Chore]:
    """Return what else time asks for."""
    return [
        Chore(timedelta(hours=1), prune, "prune outbox"),
        Chore(timedelta(hours=1), accounts.prune, "prune sign-ins and links"),
        Chore(timedelta(hours=1), notices.prune, "prune e-mails"),
        Chore(timedelta(minutes=1), expire_overdue, "expire introductions"),
        Chore(timedelta(minutes=1), emails.digests, "saved searches"),
        Chore(timedelta(hours=1), demand.prune, "prune saved searches"),
        Chore(timedelta(minutes=1), families.follow, "tell co-signers"),
        Chore(timedelta(minutes=5), cycles.keep_up, "news of cycles"),
        Chore(timedelta(minutes=1), suggest, "suggest families"),
        Chore(timedelta(minutes=10), reviews.tell_silence, "tell of checks that are overdue"),
        Chore(timedelta(minutes=10), reviews.tell_of_owners_who_left, "tell of needs that nobody leads"),
        Chore(timedelta(minutes=10), tell_due, "tell of changes of organisations"),
    ]


def make_indexer(app: Flask) -> Indexer:
    """Return what writes the index of this service."""
    own: Finders = app.extensions["finders"]
    engine: Engine = app.extensions["engine"]
    prepare_database(engine)
    return Indexer(engine, own.encoders)


def build_worker(app: Flask) -> Worker:
    """Join topics and chores to what does them, all in one: for a command that does what waits."""
    indexer = make_indexer(app)
    return Worker(
        app,
        index_handlers(indexer) | other_handlers(),
        [*index_chores(indexer), *other_chores()],
        later=REPAIRS,
    )


def build_workers(app: Flask, more: Sequence[Chore] = ()) -> tuple[Worker, Worker]:
    """Return one worker for the index and one for the rest, with ``more`` chores.

    A mail server that hangs must not hold the index up.
    """
    indexer = make_indexer(app)
    return (
        Worker(app, index_handlers(indexer), index_chores(indexer), later=REPAIRS),
        Worker(app, other_handlers(), [*other_chores(), *more]),
    )


def work(workers: Sequence[Worker], stop: threading.Event, pause: float) -> None:
    """Run workers, each in a thread of its own but the first, until told to stop."""
    others = [threading.Thread(target=one.run, args=(stop, pause), name="worker") for one in workers[1:]]
    for thread in others:
        thread.daemon = True
        thread.start()
    workers[0].run(stop, pause)
    for thread in others:
        thread.join(timeout=LAST_WORDS_SECONDS)


def run_forever(app: Flask) -> None:
    """Run as a process of its own until SIGTERM or Ctrl-C."""
    settings: Settings = app.extensions["settings"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    log.info("worker_started")
    workers = None
    while workers is None and not stop.is_set():
        try:
            workers = build_workers(app)
        except (DBAPIError, PoolTimeout) as error:
            wait_for_database(stop, error)
    if workers is not None:
        # Loaded now, beside, or the first change after a start would wait for it: seconds.
        encoder = app.extensions["finders"].encoder
        threading.Thread(target=probe, args=(encoder,), name="worker-model", daemon=True).start()
        work(workers, stop, settings.worker_poll_seconds)
    log.info("worker_stopped")
