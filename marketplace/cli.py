"""The command line: ``python -m marketplace COMMAND``. Each command says in plain words what it did.

A mistake ends with exit code 1 and one sentence, never with a traceback.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from pydantic import ValidationError

from marketplace.settings import Settings


def stop(message: str) -> NoReturn:
    """End the command with one sentence on standard error and exit code 1."""
    click.echo(message, err=True)
    sys.exit(1)


def settings() -> Settings:
    """Return the settings of the environment, or say which of them is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        stop(
            "The settings are not right. "
            + " ".join(str(fault["msg"]).removeprefix("Value error, ") for fault in error.errors())
        )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Demand Signal: where NHS demand meets proven technology."""


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version; makes a missing SQLite file."""
    from marketplace import migrating  # Alembic is slow to import, and only this command needs it
    from marketplace.database import make_engine

    engine = make_engine(settings().database_url, create=True)
    try:
        migrating.upgrade(engine)
        with engine.connect() as connection:
            revision = migrating.current_revision(connection)
    except migrating.UnknownRevision as error:
        stop(str(error))
    finally:
        engine.dispose()
    click.echo(f"The database is at revision {revision}.")
