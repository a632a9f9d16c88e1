"""What a process remembers of the database is never older than what was committed, whoever committed it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Event
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.visitors import iterate

from marketplace import clock, migrating
from marketplace.access.actor import ANONYMOUS
from marketplace.database import make_engine, transaction
from marketplace.demand import queries as demand
from marketplace.factory import create_app
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.matches.models import NeedFit
from marketplace.needs import queries as needs
from marketplace.needs.models import Cycle, Need, NeedVersion, Priority
from marketplace.organisations.models import Organisation
from marketplace.picture import queries as picture
from marketplace.remembered import TABLES, Part, Stamp
from marketplace.settings import Settings
from tests.factories.families import make_co_signature, make_family, make_theme
from tests.factories.fits import make_fit
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.fakes.matching import HashEncoder


@pytest.fixture
def other(settings: Settings) -> Iterator[Flask]:
    """Return the service as another process has it."""
    made = create_app(settings, HashEncoder())
    yield made
    made.extensions["engine"].dispose()


@pytest.fixture
def reader(app: Flask) -> Callable[[], tuple[str, ...]]:
    """Return what reads the names of who publishes needs, in a request of its own."""

    def read() -> tuple[str, ...]:
        with app.app_context():
            return tuple(fact.by for fact in demand.everything(ANONYMOUS).facts)

    return read


@pytest.fixture
def own(app: Flask) -> Iterator[Session]:
    """Return a session of the test's own."""
    with Session(app.extensions["engine"]) as session:
        yield session


def stamp(session: Session) -> tuple[str, str]:
    session.rollback()
    board, drawn = session.execute(select(Stamp.board, Stamp.picture)).one()
    return board, drawn


@contextmanager
def tables_read(engine: Engine) -> Iterator[set[str]]:
    """Collect the names of the tables that statements read."""
    found: set[str] = set()

    def note(_connection: object, clause: Any, *_: object) -> None:
        if isinstance(clause, sa.sql.ClauseElement):
            found.update(str(part.name) for part in iterate(clause) if isinstance(part, sa.Table))
            for part in iterate(clause):
                if isinstance(part, sa.Select):
                    found.update(_names(part))

    sa.event.listen(engine, "before_execute", note)
    yield found
    sa.event.remove(engine, "before_execute", note)


def _names(statement: sa.Select[Any]) -> set[str]:
    parts = [part for source in statement.get_final_froms() for part in iterate(source)]
    return {part.name for part in parts if isinstance(part, sa.Table)}


def test_all_tables_that_are_remembered_draw_stamps(app: Flask) -> None:
    with app.app_context(), tables_read(app.extensions["engine"]) as read:
        demand.everything(ANONYMOUS)
    assert read - {"stamp"} == set(TABLES[Part.BOARD])
    with app.app_context(), tables_read(app.extensions["engine"]) as read:
        picture.facts(ANONYMOUS)
        picture.everybody()
    assert read - {"stamp"} <= {*TABLES[Part.BOARD], *TABLES[Part.PICTURE]}
    assert read >= set(TABLES[Part.PICTURE])


CHANGES: dict[str, tuple[Part, Callable[[Session], object]]] = {
    "organisation": (
        Part.BOARD,
        lambda session: session.execute(update(Organisation).values(named="Another")),
    ),
    "cycle": (Part.BOARD, lambda session: session.execute(update(Cycle).values(name="Another"))),
    "need": (Part.BOARD, lambda session: session.execute(update(Need).values(withdrawn_at=clock.now()))),
    "need_version": (
        Part.BOARD,
        lambda session: session.execute(update(NeedVersion).values(title="Another")),
    ),
    "priority": (Part.BOARD, lambda session: session.execute(sa.delete(Priority))),
    "family": (Part.BOARD, lambda session: session.execute(update(Family).values(name="Another"))),
    "family_member": (Part.BOARD, lambda session: session.execute(sa.delete(FamilyMember))),
    "theme": (Part.PICTURE, lambda session: session.execute(update(Theme).values(name="Another"))),
    "theme_member": (Part.PICTURE, lambda session: session.execute(sa.delete(ThemeMember))),
    "co_signature": (
        Part.PICTURE,
        lambda session: session.execute(update(CoSignature).values(taken_back_at=clock.now())),
    ),
    "need_fit": (Part.PICTURE, lambda session: session.execute(sa.delete(NeedFit))),
}


@pytest.mark.parametrize("table", [table for tables in TABLES.values() for table in tables])
def test_a_change_of_any_row_draws_a_new_stamp_of_its_part_alone(own: Session, table: str) -> None:
    part, change = CHANGES[table]
    need = make_need(own)
    make_family(own, need, make_need(own))
    make_theme(own, need)
    make_co_signature(own, need, make_organisation(own))
    make_fit(own, need, 1)
    before = stamp(own)
    own.rollback()
    own.connection(execution_options={"writes": True})
    change(own)
    own.commit()
    after = stamp(own)
    changed = {name for name, one, two in zip(Part, before, after, strict=True) if one != two}
    assert changed == {part}


def test_a_new_row_draws_a_new_stamp(own: Session) -> None:
    before = stamp(own)
    make_organisation(own)
    assert stamp(own)[0] != before[0]


def test_what_another_process_commits_is_seen_by_the_next_read(
    reader: Callable[[], tuple[str, ...]], other: Flask, own: Session
) -> None:
    need = make_need(own, make_organisation(own, name="Before"))
    assert reader() == ("Before",)
    with other.app_context(), transaction() as session:
        session.execute(
            update(Organisation).where(Organisation.id == need.organisation_id).values(named="After")
        )
        session.flush()
        assert reader() == ("Before",)
    assert reader() == ("After",)


def test_what_is_not_committed_is_remembered_by_nobody(app: Flask, own: Session) -> None:
    make_need(own, make_organisation(own, name="Before"))

    def names() -> list[str]:
        return [fact.by for fact in demand.everything(ANONYMOUS).facts]

    def fail() -> None:
        with transaction() as session:
            session.execute(update(Organisation).values(named="Never"))
            assert names() == ["Never"]
            raise ZeroDivisionError

    with app.app_context():
        assert names() == ["Before"]
        with pytest.raises(ZeroDivisionError):
            fail()
        assert names() == ["Before"]


def test_what_has_not_changed_is_read_once(app: Flask, own: Session) -> None:
    make_need(own)
    with app.app_context():
        first = demand.everything(ANONYMOUS)
    with app.app_context():
        assert demand.everything(ANONYMOUS) is first


def test_another_day_is_another_board(app: Flask, own: Session) -> None:
    today = clock.today()
    make_need(own, cycle=make_cycle(own, closes_on=today + timedelta(days=9)))
    make_cycle(own, name="Next", opens_on=today + timedelta(days=1), closes_on=today + timedelta(days=2))
    make_cycle(own, name="Last", opens_on=today + timedelta(days=3), closes_on=today + timedelta(days=4))

    def number() -> int:
        with app.app_context():
            return len(picture.facts(ANONYMOUS))

    assert number() == 1
    with clock.pretend(clock.now() + timedelta(days=4)):
        assert number() == 0
    assert number() == 1


# Several processes at once

WRITERS, READERS, COMMITS = 2, 2, 30


def write(url: str, number: int, organisation_id: int, told: SynchronizedArray[int]) -> None:
    """Rename an organisation again and again; tell each number once it is committed."""
    engine = make_engine(url)
    for name in range(1, COMMITS + 1):
        with Session(engine) as session:
            session.connection(execution_options={"writes": True})
            session.execute(
                update(Organisation).where(Organisation.id == organisation_id).values(named=str(name))
            )
            session.commit()
        told[number] = name
        time.sleep(0.002)
    engine.dispose()


def read(url: str, told: SynchronizedArray[int], ready: Any, ended: Event, found: Any) -> None:
    """Look at the board again and again: nothing on it may be older than what had been told before."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR", mode="demo"), HashEncoder())

    def look() -> demand.Everything:
        with app.app_context():
            return demand.everything(ANONYMOUS)

    old, looked, last = 0, 0, False
    ready.release()
    while not last:
        last = ended.is_set()
        committed = list(told)
        seen = look()
        names = {fact.ref: int(fact.by) for fact in seen.facts}
        old += any(names[f"need{number}"] < committed[number] for number in range(WRITERS))
        looked += 1
        time.sleep(0.001)  # or the writers get no processor
    kept = look() is seen
    app.extensions["engine"].dispose()
    found.put((old, looked, kept, tuple(names[f"need{number}"] for number in range(WRITERS))))


def test_no_process_shows_what_is_older_than_a_commit_of_another(database_url: str, own: Session) -> None:
    organisations = [make_organisation(own, name="0") for _ in range(WRITERS)]
    for number, organisation in enumerate(organisations):
        make_need(own, organisation).ref = f"need{number}"
    own.commit()
    ids = [organisation.id for organisation in organisations]
    own.rollback()
    own.get_bind().engine.dispose()  # no connection goes into the processes, which are forked as gunicorn does it
    process = multiprocessing.get_context("fork")
    told, ready, ended = process.Array("i", WRITERS), process.Semaphore(0), process.Event()
    found: Any = process.Queue()
    readers = [
        process.Process(target=read, args=(database_url, told, ready, ended, found), daemon=True)
        for _ in range(READERS)
    ]
    writers = [
        process.Process(target=write, args=(database_url, number, ids[number], told), daemon=True)
        for number in range(WRITERS)
    ]
    for reader in readers:
        reader.start()
    for _ in readers:
        assert ready.acquire(timeout=60)
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
        assert writer.exitcode == 0
    ended.set()
    results = [found.get(timeout=60) for _ in readers]
    assert [(old, kept, last) for old, _, kept, last in results] == [
        (0, True, (COMMITS,) * WRITERS)
    ] * READERS
    assert all(looked > 1 for _, looked, _, _ in results)


def test_who_commits_waits_for_no_open_transaction_that_changed_something_else(
    postgresql_url: str,
) -> None:
    engine = make_engine(postgresql_url)
    with Session(engine) as one, Session(engine) as two:
        first, second = make_organisation(one).id, make_organisation(one).id
        one.execute(update(Organisation).where(Organisation.id == first).values(named="One"))
        two.execute(sa.text("SET LOCAL lock_timeout = '1s'"))
        two.execute(update(Organisation).where(Organisation.id == second).values(named="Two"))
        two.commit()
        one.commit()
        assert set(one.scalars(select(Organisation.named))) == {"One", "Two"}
    engine.dispose()


def test_a_migration_may_change_rows_and_then_their_table(postgresql_url: str) -> None:
    engine = make_engine(postgresql_url)
    with Session(engine) as session:
        make_organisation(session)
    with migrating._one_at_a_time(engine) as connection:
        connection.execute(update(Organisation).values(named="Another"))
        connection.execute(sa.text("ALTER TABLE organisation ADD COLUMN extra integer"))
        connection.commit()
    engine.dispose()


def test_a_cycle_that_a_request_had_read_before_is_not_remembered_as_it_was(app: Flask, own: Session) -> None:
    today = clock.today()
    past = make_cycle(own, opens_on=today - timedelta(days=60), closes_on=today - timedelta(days=30))
    ref = make_need(own, cycle=past, rank=1).ref
    days = [today + timedelta(days=number) for number in (-1, 40, 50)]
    cycle = make_cycle(own, opens_on=days[0], locks_on=days[1], closes_on=days[2])
    lock = cycle.closes_on
    own.commit()
    with app.app_context():
        held = needs.current_cycle()
        assert held is not None
        assert held.locks_on < lock
        cycle.locks_on = lock
        own.commit()
        demand.everything(ANONYMOUS)
    with app.app_context():
        [fact] = [one for one in demand.everything(ANONYMOUS).facts if one.ref == ref]
    assert fact.closes == lock.toordinal()
