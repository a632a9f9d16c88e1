"""What this service relies on in SQLite: a sound library, settings that keep every commit, and the write lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import ModuleType

import pytest
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.orm import Session

from marketplace import database
from marketplace.database import OldSQLite, check_sqlite, make_engine, transaction
from marketplace.matches.models import IndexClock


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Return an engine as the service makes it, without the app fixture's shortcuts."""
    made = make_engine(database_url)
    yield made
    made.dispose()


def library(version: str) -> ModuleType:
    """Return a stand-in for the sqlite3 module with a library of that version."""
    module = ModuleType("sqlite3")
    module.sqlite_version = version  # type: ignore[attr-defined]
    module.sqlite_version_info = tuple(map(int, version.split(".")))  # type: ignore[attr-defined]
    return module


def test_a_library_that_can_corrupt_the_database_is_refused_with_the_way_out(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OldSQLite, match=r"SQLite 3\.51\.2 can corrupt .* pysqlite3 wheel"):
        check_sqlite(library("3.51.2"))
    check_sqlite(library("3.51.3"))
    monkeypatch.setattr(database.check_sqlite, "__defaults__", (library("3.50.4"),))
    with pytest.raises(OldSQLite, match=r"3\.50\.4"):
        make_engine(database_url)


def test_every_connection_has_the_settings_that_keep_what_was_committed(engine: Engine) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL: a commit is on the disk
        "foreign_keys": 1,
        "mmap_size": 0,
        "busy_timeout": 5000,
        "recursive_triggers": 1,
    }
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in expected}
            assert found == expected


def test_a_use_case_takes_the_write_lock_at_its_start_and_a_plain_read_does_not(engine: Engine) -> None:
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    with Session(engine) as session:
        session.scalars(select(IndexClock)).all()
        assert [statement for statement in sent if "BEGIN" in statement] == ["BEGIN"]
        sent.clear()
        with transaction(session) as current:
            assert sent == ["BEGIN IMMEDIATE"]
            current.scalars(select(IndexClock)).all()
        sent.clear()
        session.scalars(select(IndexClock)).all()
        assert [statement for statement in sent if "BEGIN" in statement] == ["BEGIN"]


def test_two_that_read_and_then_write_at_once_wait_for_one_another_and_lose_nothing(engine: Engine) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(2)

    def count_up() -> None:
        try:
            with Session(engine) as session:
                start.wait(10)
                for _ in range(50):
                    with transaction(session) as current:
                        read = current.scalars(select(IndexClock.sequence)).one()
                        current.execute(update(IndexClock).values(sequence=read + 1))
        except BaseException as error:  # noqa: BLE001 - told by the test, not by the thread
            errors.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with Session(engine) as session:
        assert session.scalars(select(IndexClock.sequence)).one() == 100
