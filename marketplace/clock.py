"""The one place that knows what time it is; tests move it with time-machine."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """Return this moment in UTC, aware, to the microsecond."""
    return datetime.now(UTC)


def today() -> date:
    """Return today's date as people in England see it: dates on certificates and cycles are local dates."""
    return now().astimezone(LONDON).date()
