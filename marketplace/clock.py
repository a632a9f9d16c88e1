"""The one place that knows what time it is; tests move it with time-machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

_pretended: ContextVar[datetime | None] = ContextVar("pretended_moment", default=None)


def now() -> datetime:
    """Return this moment in UTC, aware, to the microsecond."""
    return _pretended.get() or datetime.now(UTC)


def today() -> date:
    """Return today's date as people in England see it: dates on certificates and cycles are local dates."""
    return now().astimezone(LONDON).date()


def end_of(day: date) -> datetime:
    """Return the first moment after a day in England, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(0), LONDON).astimezone(UTC)


def add_working_days(day: date, days: int) -> date:
    """Return the weekday that lies so many weekdays after (or, below zero, before) a day."""
    step = 1 if days >= 0 else -1
    left = abs(days)
    while left:
        day += timedelta(days=step)
        if day.weekday() < 5:
            left -= 1
    return day


@contextmanager
def pretend(moment: datetime) -> Iterator[None]:
    """Make it another moment for the code inside: the demo's history is made by the same actions as today's."""
    token = _pretended.set(moment)
    try:
        yield
    finally:
        _pretended.reset(token)
