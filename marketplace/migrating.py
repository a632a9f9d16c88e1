"""Bring the database to the schema of this code: one runner at a time, atomic on both databases.

Imported by the command line and the tests alone: Alembic is slow to import.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, text

from marketplace import tables  # noqa: F401 - imported so that the metadata is whole
from marketplace.database import Base

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
ADVISORY_LOCK = 7_205_110  # any number, the same for every process of this service


class UnknownRevision(RuntimeError):
    """The database is newer than this code."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    # Alembic splits on nothing and interpolates nothing here, so a path with spaces or % is safe.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _one_at_a_time(engine: Engine) -> Iterator[Connection]:
    # SQLite needs no lock of its own: the first statement of each migration takes the write lock, and a
    # second runner then finds the version table already moved on (Alembic reads it inside the transaction).
    with engine.connect().execution_options(writes=True) as connection:
        if connection.dialect.name == "postgresql":
            # The service's short timeouts are for pages: a second runner waits, and a long migration takes its time.
            connection.execute(text("SET lock_timeout = 0"))
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()
            # Triggers that wait for the commit would forbid a migration to change rows and then their table.
            event.listen(connection, "begin", _at_once)
        try:
            yield connection
        finally:
            if connection.dialect.name == "postgresql":
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
                connection.execute(text("RESET ALL"))
                connection.commit()


def _at_once(connection: Connection) -> None:
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")


def known_revisions() -> list[str]:
    """Return the revisions of this code, oldest first."""
    script = ScriptDirectory.from_config(_config())
    return [revision.revision for revision in script.walk_revisions()][::-1]


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, or None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the schema; refuse a database that is newer than this code."""
    with _one_at_a_time(engine) as connection:
        current = current_revision(connection)
        connection.rollback()
        if current is not None and current not in known_revisions():
            raise UnknownRevision(
                f"The database is at revision {current}, which this version of Demand Signal does not know. "
                "Install the newer version again, or restore a backup made before the upgrade."
            )
        command.upgrade(_config(connection), revision)
        connection.commit()


def downgrade(engine: Engine, revision: str) -> None:
    """Downgrade the schema to a revision, or to ``base``."""
    with _one_at_a_time(engine) as connection:
        command.downgrade(_config(connection), revision)
        connection.commit()


def differences(engine: Engine) -> list[object]:
    """Return what the models have that the database has not, and the reverse: empty when they agree.

    The search index's own tables are left out: their number and width follow the language model.
    """

    def compared(name: str | None, kind: str, _parents: object) -> bool:
        return not (kind == "table" and name is not None and name.startswith("pgvector_"))

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": compared}
        )
        return list(compare_metadata(context, Base.metadata))
