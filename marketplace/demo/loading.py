"""Load the demo once, whole: two marks in the audit trail say that it was begun and that it ended.

A load that was killed is taken up at the next start, on the day on which it was begun; a start after the end reads
one row. See `docs/decisions/0005-demo-is-a-replayed-history.md`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from flask import current_app
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import func, select

from marketplace import clock
from marketplace.access.actor import SERVICE
from marketplace.accounts import queries as people
from marketplace.accounts.models import User
from marketplace.audit.actions import record
from marketplace.audit.models import AuditEvent
from marketplace.database import db, transaction
from marketplace.demo import content as demo_content
from marketplace.demo import timeline
from marketplace.demo.history import History
from marketplace.demo.shapes import DemoContent
from marketplace.organisations.actions import load_demo_patches
from marketplace.organisations.rules import Change
from marketplace.settings import Settings
from marketplace.succession import actions as succession
from marketplace.succession import queries as changes
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.rules import ChangePlan, LinkPlan, Party

#: Of every demo account; `make run` prints it.
PASSWORD = "three-quiet-herons"  # noqa: S105 - of made-up people, in a mode that production refuses

_BEGUN, _ENDED = "demo.begun", "demo.ended"


class DemoRefused(Exception):
    """The demo does not belong into this database or this mode; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that the demo offers by one click."""

    email: str
    label: str


def accounts() -> list[Account]:
    """Return the accounts that the sign-in page offers, in its order."""
    return [Account(user.email, user.demo_label or "") for user, _, _ in people.demo_accounts(db.session)]


def check_mode(settings: Settings) -> None:
    """Raise `DemoRefused` in production mode: everybody knows the demo's password."""
    if not settings.demo:
        raise DemoRefused("Demo data cannot be loaded in production mode. Start without --demo.")


def load(console: Console, content: DemoContent | None = None) -> None:
    """Bring the demo's history into the database, or what is missing of it; nothing when it is all there.

    The registry has to hold its reference data.

    Raises:
        DemoRefused: in production mode, and for a database in which other people have accounts.
    """
    check_mode(current_app.extensions["settings"])
    if _mark(_ENDED) is not None:
        return
    content = content or demo_content.load()
    history = History(content, today=_begin(content), password=PASSWORD)
    load_demo_patches()
    moments = timeline.events(content)
    columns = (TextColumn("      "), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("events", total=len(moments))
        for day, events in _by_day(moments):
            for _ in history.live_through(day, events):
                progress.update(task, advance=1)
    merge_in_london()
    with transaction() as session:
        record(session, SERVICE, _ENDED, "demo", "all", events=len(moments))


def merge_in_london() -> None:
    """Record the merger of two ICBs that took effect on 1 April 2026, and hand over what belonged to them.

    The codes are those of the boards that closed. The new board's code is not in our source: it is left empty, and an
    administrator enters it when ODS has published it. Does nothing when it is recorded already.
    """
    known = changes.known_codes(db.session)
    starts = [known[code] for code in ("QMJ", "QRV")]
    waiting = changes.other_end(db.session, starts[0].id)
    db.session.rollback()
    if waiting is None:
        end = Party("", "NHS North West and North Central London Integrated Care Board", new=True, kind="icb")
        ref = succession.record_change(
            SERVICE,
            ChangePlan(
                kind=Change.MERGE,
                effective_on=date(2026, 4, 1),
                links=tuple(LinkPlan(Party(one.code, one.name), end) for one in starts),
                source="Written statement to Parliament on changes of integrated care boards",
                source_date=date(2025, 9, 9),
                note="The statement tells the areas. Name and code of the new board are to be checked with ODS.",
            ),
        )
    else:
        ref = waiting.ref
    change = changes.by_ref(db.session, ref)
    settled, lock = change.settled_at is not None, change.lock_version
    db.session.rollback()
    if settled or clock.today() < date(2026, 4, 1):
        return
    for mover in MOVERS:
        succession.save_choices(SERVICE, ref, mover.kind, {}, lock_version=lock, fill=succession.SUGGESTED)
        lock += 1
    succession.settle(SERVICE, ref, lock_version=lock)


def _mark(action: str) -> AuditEvent | None:
    return db.session.scalar(select(AuditEvent).where(AuditEvent.action == action).limit(1))


def _begin(content: DemoContent) -> date:
    """Return the day from which the content counts: the one on which the first load was begun."""
    if (mark := _mark(_BEGUN)) is not None:
        return date.fromisoformat(mark.detail["today"])
    own = [person.email for person in content.people]
    if db.session.scalar(select(func.count()).select_from(User).where(User.email.not_in(own))):
        raise DemoRefused(
            "This database holds people who do not belong to the demo, so nothing was loaded. "
            "Start without --demo, or name another database in DATABASE_URL."
        )
    today = clock.today()
    with transaction() as session:
        record(session, SERVICE, _BEGUN, "demo", "all", today=today.isoformat())
    return today


def _by_day(moments: tuple[timeline.Moment, ...]) -> list[tuple[int, list[timeline.Event]]]:
    """Return every day with its events, oldest first; quiet days too, because time alone ends introductions."""
    found: dict[int, list[timeline.Event]] = defaultdict(list)
    for moment in moments:
        found[moment.day].append(moment.event)
    return [(day, found[day]) for day in range(min(found, default=0), 1)]
