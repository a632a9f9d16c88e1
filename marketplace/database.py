"""The database: the declarative base, the engine's settings for SQLite and PostgreSQL, and `transaction`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import quote

from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    String,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session

try:  # The wheel carries a current SQLite; Python's own may have the WAL-reset bug (before 3.51.3).
    import pysqlite3 as sqlite
except ImportError:  # pragma: no cover - other platforms bring a newer library of their own
    import sqlite3 as sqlite

SQLITE_WITHOUT_WAL_BUG = (3, 51, 3)

#: Fixed names, so that migrations can drop what they made and errors can be told apart (see `web.problems`).
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets time zones; this gives aware datetimes back on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as an aware UTC datetime."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment()}


db = SQLAlchemy(require_default_engine=False)


class OldSQLite(RuntimeError):
    """The SQLite library can corrupt a database in WAL mode and must not be used."""


def check_sqlite(module: ModuleType = sqlite) -> None:
    """Raise `OldSQLite` when the library still has the WAL-reset corruption bug (3.7.0 to 3.51.2)."""
    if module.sqlite_version_info < SQLITE_WITHOUT_WAL_BUG:
        raise OldSQLite(
            f"SQLite {module.sqlite_version} can corrupt its database when two processes write. "
            "Install the pysqlite3 wheel (the README's commands do), or use PostgreSQL."
        )


def make_engine(url: str, *, create: bool = False) -> Engine:
    """Return an engine with the settings this service relies on, for SQLite (a file) or PostgreSQL.

    Only migrations ``create`` a missing SQLite file.
    """
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(
            target,
            pool_pre_ping=True,
            pool_timeout=5,
            connect_args={"connect_timeout": 3, "options": "-c statement_timeout=15000 -c lock_timeout=5000"},
        )
    check_sqlite()
    path = Path(target.database or "").absolute()
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    # mode=rw: a database file that went missing is an error to show, never a fresh, empty database.
    address = f"file:{quote(str(path))}?mode={'rwc' if create else 'rw'}"
    engine = create_engine(
        target,
        module=sqlite,
        creator=lambda: sqlite.connect(address, uri=True, timeout=5, check_same_thread=False),
    )
    event.listen(engine, "connect", _prepare_sqlite)
    _let_go_of_removed_files(engine, path)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _let_go_of_removed_files(engine: Engine, path: Path) -> None:
    # A connection that is open keeps a removed file alive: reads and even writes would go on, into nothing. Each
    # check-out therefore looks whether the file is still the one that was opened; if not, the pool connects anew.
    def identity() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @event.listens_for(engine, "connect")
    def remember(_connection: Any, record: Any) -> None:
        record.info["file"] = identity()

    @event.listens_for(engine, "checkout")
    def compare(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("file") != identity():
            raise DisconnectionError("the database file was removed or replaced")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves, so that DDL is part of the transaction too
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA mmap_size=0")
    cursor.execute("PRAGMA busy_timeout=5000")
    # INSERT OR REPLACE deletes rows without a word to their DELETE triggers otherwise: the audit trail's too.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT when another
    # writer came between, whatever the timeout. Writers therefore take the write lock at the start.
    immediate = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def transaction(session: Session | None = None) -> Iterator[Session]:
    """Run one use case: yield the session, commit at the end, roll back and re-raise on any exception.

    Reads made before (Flask-Login's look-up of the user) leave an open read transaction; it is ended first,
    so that everything in here sees one state and the write lock is held from the first statement.
    """
    current = session if session is not None else db.session
    if current.new or current.dirty or current.deleted:
        raise RuntimeError("work was left uncommitted before this transaction")
    current.rollback()
    try:
        current.connection(execution_options={"writes": True})
        yield current
        current.commit()
    except BaseException:
        current.rollback()
        raise


def constraint_name(error: BaseException) -> str:
    """Return the name of the constraint that an IntegrityError broke, or the empty text.

    PostgreSQL names it; SQLite names CHECK constraints and, for UNIQUE, only ``table.column`` lists, which are
    turned into the name that `NAMING` gives.
    """
    original = getattr(error, "orig", None)
    diagnostic = getattr(original, "diag", None)
    if diagnostic is not None and diagnostic.constraint_name:
        return str(diagnostic.constraint_name)
    text = str(original)
    if found := re.search(r"CHECK constraint failed: (\w+)", text):
        return found[1]
    if found := re.search(r"UNIQUE constraint failed: (\w+)\.(\w+)", text):
        return f"uq_{found[1]}_{found[2]}"
    return ""


class Choice(TypeDecorator[StrEnum]):
    """A text column that holds the value of a `StrEnum` and gives its member back.

    Native enum types need a migration for each new member and exist on PostgreSQL alone.
    """

    impl = String
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """Store the value of a known member."""
        return None if value is None else self.members(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return the member."""
        return None if value is None else self.members(value)
