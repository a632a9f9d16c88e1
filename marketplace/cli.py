"""The command line: ``python -m marketplace COMMAND``. Each command says in plain words what it did.

A mistake ends with exit code 1 and one sentence, never with a traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import NoReturn

import click
from flask import current_app
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace import clock
from marketplace.access.actor import SERVICE
from marketplace.access.policy import Role
from marketplace.accounts import actions as accounts
from marketplace.cycles import actions as cycles
from marketplace.cycles.pages import cycle_line
from marketplace.cycles.rules import DATES
from marketplace.database import OldSQLite, db, transaction
from marketplace.errors import DomainError, NotVisible
from marketplace.factory import FrontEndMissingError, create_app
from marketplace.families.queries import last_run
from marketplace.families.suggesting import suggest_now
from marketplace.matches import queries as index_queries
from marketplace.matches.checker import Check, repair
from marketplace.matches.finder import prepare_database
from marketplace.matches.indexer import Indexer
from marketplace.matches.overview import findings_words, generation_words
from marketplace.needs import queries as needed
from marketplace.needs.rounds import Round
from marketplace.organisations import actions as registry
from marketplace.organisations import ods
from marketplace.outbox import actions as queue
from marketplace.settings import Settings
from marketplace.succession import actions as succession
from marketplace.succession import importing
from marketplace.succession import queries as succession_queries
from marketplace.succession.wording import kinds, sentence
from marketplace.web.health import report
from marketplace.web.words import count, moment
from marketplace.worker import make_indexer

#: So long before the lock organisations are reminded, where nothing else is asked for.
REMIND = timedelta(days=14)
#: How often a progress bar is drawn anew.
WATCH_SECONDS = 0.5


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


@contextmanager
def plainly() -> Iterator[None]:
    """End the command with one sentence for what whoever typed it can put right."""
    try:
        yield
    except (OldSQLite, FrontEndMissingError) as error:
        stop(str(error))
    except (ArgumentError, NoSuchModuleError):
        stop(
            "DATABASE_URL is not the address of a database. For SQLite it looks like sqlite:///folder/name.db, "
            "for PostgreSQL like postgresql+psycopg://user:password@host/name"
        )
    except (DBAPIError, PoolTimeout) as error:
        stop(
            f"The database could not be used ({type(error).__name__}). Is it running and DATABASE_URL right? "
            "If it is new, run first: python -m marketplace migrate"
        )


@contextmanager
def service() -> Iterator[Settings]:
    """Open the service for a command, and say in one sentence when the database is not there."""
    chosen = settings()
    with plainly():
        app = create_app(chosen)
        engine: Engine = app.extensions["engine"]
        try:
            with app.app_context():
                yield chosen
        finally:
            engine.dispose()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Demand Signal: where NHS demand meets proven technology."""


@main.command("families")
def suggest_families() -> None:
    """Suggest families and themes of needs anew. What HINs settled stays; the worker does this by itself."""
    with service():
        suggest_now()
        last = last_run(db.session)
        if last is None:
            stop(
                "Nothing is indexed yet, so there is nothing to suggest. Run: python -m marketplace index rebuild"
            )
        click.echo(f"{count(last.needs, 'need')} compared in {last.milliseconds / 1000:.1f} seconds.")


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version, and load the organisations it starts with.

    Makes a missing SQLite file, and on PostgreSQL pgvector's extension and tables. Safe to repeat, and to run from
    several processes at once.
    """
    from marketplace import migrating  # Alembic is slow to import, and only this command needs it
    from marketplace.database import make_engine

    chosen = settings()
    with plainly():
        engine = make_engine(chosen.database_url, create=True)
        try:
            migrating.upgrade(engine)
            with engine.connect() as connection:
                revision = migrating.current_revision(connection)
        except migrating.UnknownRevision as error:
            stop(str(error))
        finally:
            engine.dispose()
    click.echo(f"The database is at revision {revision}.")
    with service():
        prepare_database(current_app.extensions["engine"])
        added = registry.load_reference()
    click.echo(
        f"{count(added, 'organisation')} added to the registry."
        if added
        else "The registry was filled before."
    )


@main.command()
@click.option("--demo", "with_demo", is_flag=True, help="Load made-up people, needs and technologies first.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def run(with_demo: bool, host: str, port: int) -> None:
    """Bring everything up in one process: database, demo, index, worker and web server. Safe to repeat."""
    from marketplace import demo, migrating, running

    chosen = settings()
    if "public_url" not in chosen.model_fields_set:
        chosen = chosen.model_copy(update={"public_url": running.address_of(host, port)})
    with plainly():
        try:
            running.run(chosen, with_demo=with_demo, host=host, port=port)
        except (running.AddressTaken, demo.DemoRefused, migrating.UnknownRevision) as error:
            stop(str(error))
        except KeyboardInterrupt:
            stop("Stopped. What was done so far is kept, and the next start goes on from there.")


@main.command()
def worker() -> None:
    """Keep the index true, send e-mails and end overdue introductions, until told to stop.

    Waits while the database is away. Several may run at once.
    """
    from marketplace.worker import run_forever

    chosen = settings()
    with plainly():
        run_forever(create_app(chosen))


@main.command()
def health() -> None:
    """Tell whether the database answers with this version's schema, and how far the worker is behind (JSON)."""
    with service():
        told = report()
    del told["encoder"]  # that of a web process; this process has just started
    click.echo(json.dumps(told, indent=2))
    if not told["ready"]:
        sys.exit(1)


@main.group("organisations")
def organisations_group() -> None:
    """Keep the registry of organisations."""


@organisations_group.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Apply the changes without asking.")
@click.option("--dry-run", is_flag=True, help="Show the changes and stop.")
def import_organisations(file: Path, yes: bool, dry_run: bool) -> None:
    """Import NHS trusts from FILE, an ODS file of 27 columns (report "etr", CSV without a header).

    Shows what would change and asks. Nothing is deleted: what ODS has closed, or no longer lists, is closed. Safe to
    repeat.
    """
    with service():
        try:
            plan = registry.plan_import(file)
            for line in plan.lines():
                click.echo(line)
            if plan.is_empty:
                click.echo("Nothing to change.")
            if dry_run:
                click.echo("Nothing was changed: this was a dry run.")
                return
            if not (yes or plan.is_empty) and not _agreed():
                stop("Nothing was changed.")
            registry.import_ods(SERVICE, file, shown=plan)
        except (ods.OdsFileError, ods.ImportRefused) as error:
            stop(f"{file.name} was not imported. {error}")
        if not plan.is_empty:
            click.echo("Done.")


def _agreed() -> bool:
    try:
        return click.confirm("Apply these changes?")
    except click.Abort:
        click.echo()
        return False


@organisations_group.group("changes")
def changes() -> None:
    """Record mergers, splits, transfers and new names; rehearse and check handovers."""


@changes.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Record the changes without asking.")
@click.option("--dry-run", is_flag=True, help="Show the changes and stop.")
def import_changes(file: Path, yes: bool, dry_run: bool) -> None:
    """Import changes from FILE, a CSV file: one line for each organisation and its successor.

    The columns are told in docs/successions.md. Shows what would be recorded and asks. It is
    recorded as a whole or not at all.
    """
    with service():
        try:
            found = importing.read(db.session, file.read_text("utf-8-sig"))
            db.session.rollback()
            succession.check_file(found)
            for plan in found.plans:
                click.echo(importing.words_of(plan))
            if dry_run:
                click.echo("Nothing was changed: this was a dry run.")
                return
            if not yes and not _agreed():
                stop("Nothing was changed.")
            refs = succession.record_file(SERVICE, found)
        except (OSError, UnicodeDecodeError):
            stop(f"{file.name} cannot be read as a text file in UTF-8.")
        except importing.FaultyFile as faulty:
            stop("\n".join([f"{file.name} was not imported.", *(one.words for one in faulty.faults)]))
    click.echo(f"{count(len(refs), 'change')} recorded: {', '.join(refs)}.")


@changes.command("list")
def list_changes() -> None:
    """List the changes that are recorded, with their references."""
    with service():
        lines = [
            f"{one.ref}: {succession_queries.state_of(one).value}. {sentence(one)}"
            for one in succession_queries.listing(db.session)
        ]
    click.echo("\n".join(lines) or "No change is recorded.")


@changes.command("rehearse")
@click.argument("ref")
def rehearse_change(ref: str) -> None:
    """Hand over the change REF on trial, print the sums before and after, and undo everything.

    What nobody has chosen yet goes where it is suggested, and top threes keep the order of before.
    """
    with service():
        try:
            found = succession.rehearse(ref)
        except NotVisible:
            stop(f"There is no change with the reference {ref}.")
        except DomainError as error:
            stop(f"The handover would not work out: {error.message}.")
    for side, rows in (("Before", found.before), ("After", found.after)):
        click.echo(f"{side}:")
        for code, kind, state, number in rows:
            click.echo(f"  {code:<24} {kind:<14} {state:<24} {number:>6}")
        click.echo(f"  {'':<24} {'all':<39} {sum(int(row[3]) for row in rows):>6}")
    click.echo("Of each kind, before and after:")
    for kind, before, after in kinds(found.before, found.after):
        click.echo(f"  {kind:<64} {before:>6} {after:>6}")
    click.echo(
        f"{count(found.guessed, 'choice')} were not made yet and taken as suggested. Nothing was changed."
    )


@changes.command("check")
def check_changes() -> None:
    """List everything that still belongs to a closed organisation. Exit code 1 when there is anything."""
    with service():
        found = succession_queries.orphans(db.session)
        lines = [f"{one.organisation.code}: {one.item.kind} {one.item.id}, {one.item.state}" for one in found]
    if lines:
        stop("\n".join([*lines, f"{count(len(lines), 'thing')} still at closed organisations."]))
    click.echo("Nothing belongs to a closed organisation.")


@main.command()
@click.argument("email")
@click.option(
    "--organisation", required=True, help="Its code: an ODS code, or demand-signal for the service."
)
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
def invite(email: str, organisation: str, role: str) -> None:
    """Invite EMAIL to an organisation, such as the first administrator; prints the link as well."""
    with service() as chosen:
        try:
            link = accounts.invite(
                SERVICE, organisation, email=email, role=Role(role), days=chosen.invitation_days
            )
        except DomainError as error:
            stop(error.message)
    click.echo(f"The invitation waits to be sent by the worker. Its link works once, for {email}:\n{link}")


@main.group()
def cycle() -> None:
    """Enter, move and list the cycles in which organisations name their top three needs."""


DAY = click.DateTime(["%Y-%m-%d"])


@cycle.command("open")
@click.argument("name")
@click.argument("first", metavar="FROM", type=DAY)
@click.argument("last", metavar="TO", type=DAY)
@click.option("--locks", type=DAY, help="The last day for answers; TO when not given.")
@click.option(
    "--reminds", type=DAY, help="The day of the reminder; two weeks before the lock when not given."
)
def open_cycle(
    name: str, first: datetime, last: datetime, locks: datetime | None, reminds: datetime | None
) -> None:
    """Enter the cycle NAME with its first day FROM and its last day TO, written as 2027-03-01."""
    opens_on, closes_on = first.date(), last.date()
    locks_on = locks.date() if locks else closes_on
    reminds_on = reminds.date() if reminds else max(opens_on + timedelta(days=1), locks_on - REMIND)
    with service():
        try:
            cycles.enter(
                SERVICE,
                Round(
                    name=name.strip(),
                    opens_on=opens_on,
                    reminds_on=reminds_on,
                    locks_on=locks_on,
                    closes_on=closes_on,
                ),
            )
        except DomainError as error:
            stop(f"{error.message}.")
    click.echo(f"The cycle {name.strip()} is entered.")


@cycle.command("move")
@click.argument("name")
@click.option("--opens", type=DAY, help="Its new first day.")
@click.option("--reminds", type=DAY, help="The new day of the reminder.")
@click.option("--locks", type=DAY, help="The new last day for answers.")
@click.option("--closes", type=DAY, help="Its new last day.")
def move_cycle(name: str, **wanted: datetime | None) -> None:
    """Move dates of the cycle NAME that have not passed, written as 2027-03-01."""
    with service():
        found = next((one for one in needed.cycles() if one.name == name.strip()), None)
        if found is None:
            stop(f"There is no cycle with the name {name.strip()}.")
        asked = {f"{which}_on": when.date() for which, when in wanted.items() if when is not None}
        dates = Round(name=found.name, **{one: asked.get(one, getattr(found, one)) for one in DATES})
        try:
            cycles.move(SERVICE, found.id, dates, seen=found.round)
        except DomainError as error:
            stop(f"{error.message}.")
    click.echo(f"The cycle {name.strip()} has the new dates.")


@cycle.command("list")
def list_cycles() -> None:
    """List the cycles, the latest first."""
    with service():
        lines = [cycle_line(one, clock.today()) for one in needed.cycles()]
    click.echo("\n".join(lines) or "There is no cycle yet.")


@main.group()
def outbox() -> None:
    """Look at work that waits for the worker."""


@outbox.command("show")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
def show_outbox(limit: int) -> None:
    """Show rows that are parked after failing, and rows that wait."""
    with service():
        told = queue.backlog(db.session)
        rows = queue.unfinished(db.session, limit)
    click.echo(f"{told.waiting} waiting, {told.parked} parked.")
    for row in rows:
        state = "parked" if row.parked else "waiting"
        why = f", last error {row.last_error}" if row.last_error else ""
        click.echo(
            f"{row.id}: {state}, {row.topic} {row.subject_id}, since {moment(row.created_at)}, "
            f"{count(row.attempts, 'try', 'tries')}{why}"
        )


@outbox.command("retry")
@click.argument("row", type=int, required=False)
def retry_outbox(row: int | None) -> None:
    """Let the worker try parked rows again: all of them, or the one with the number ROW."""
    with service(), transaction() as session:
        done = queue.retry(session, row)
    if row is not None and not done:
        stop(f"No parked row has the number {row}.")
    click.echo(f"{count(done, 'row')} will be tried again.")


@main.group()
def index() -> None:
    """Compare the search index with the database, or make it anew."""


@index.command("check")
@click.option("--repair", "mend", is_flag=True, help="Have the worker put right what differs.")
@click.option("--ids", default=20, show_default=True, type=click.IntRange(0), help="References to name.")
def check_index(mend: bool, ids: int) -> None:
    """Find what differs between index and database. Exit code 1 when anything does and is not being put right."""
    with service():
        made = indexer()
        serving = index_queries.serving(db.session)
        if serving is None:
            differing = made.differing()
            if differing and not mend:
                stop("There is no index yet. To have the worker make it, add: --repair")
            click.echo(
                f"There is no index yet. {count(made.enqueue_differences() if mend else 0, 'entry', 'entries')} wait."
            )
            return
        check = Check(made, made.target(serving))
        for _step in check.steps():
            pass
        lines = [*generation_words(index_queries.generations(db.session)), *findings_words(check, ids)]
        mended = repair(made, check) if mend and check else 0
    click.echo("\n".join(lines))
    if mended:
        click.echo(f"{count(mended, 'entry', 'entries')} will be put right by the worker.")
    elif check and not mend:
        stop("The index differs from the database. To have the worker put it right, add: --repair")


@index.command("rebuild")
@click.option("--watch", is_flag=True, help="Show a progress bar until the new index serves.")
def rebuild_index(watch: bool) -> None:
    """Have the worker build a new index beside the one that serves, which goes on until the new one is complete."""
    with service():
        generation = indexer().begin(anew=True)
        if generation is None:
            waiting = indexer().enqueue_differences()
            click.echo(f"There was no index yet. {count(waiting, 'entry', 'entries')} wait for the worker.")
            return
        click.echo(
            f"The worker builds index {generation.id} of {count(generation.total, 'document')} beside the one that "
            "serves. To see how far it is: python -m marketplace index progress"
        )
        if watch:
            watch_build()


@index.command("progress")
@click.option("--watch", is_flag=True, help="Show a progress bar until the new index serves.")
def index_progress(watch: bool) -> None:
    """Say which index serves, and how far the next one is."""
    with service():
        lines = generation_words(index_queries.generations(db.session))
        click.echo("\n".join(lines) or "There is no index yet.")
        if watch:
            watch_build()


def watch_build() -> None:
    """Draw a progress bar until no index is being built."""
    columns = (
        TextColumn("Index {task.fields[number]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = None
        while (building := index_queries.unfinished(db.session)) is not None:
            if task is None:
                task = progress.add_task("documents", number=building.id)
            progress.update(task, completed=building.done, total=building.total, number=building.id)
            db.session.rollback()
            sleep(WATCH_SECONDS)
    serving = index_queries.serving(db.session)
    click.echo(f"Index {serving.id} serves." if serving else "There is no index yet.")


def indexer() -> Indexer:
    """Return what compares the index with the database of this service, and begins new ones."""
    return make_indexer(current_app)
