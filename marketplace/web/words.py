"""How dates, numbers and lists are written for people (NHS service manual style)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from marketplace.clock import LONDON


def day(when: date | datetime) -> str:
    """Return a date as people read it, such as 3 March 2027; moments as the date in England."""
    local = when.astimezone(LONDON) if isinstance(when, datetime) else when
    return f"{local.day} {local:%B %Y}"


def moment(when: datetime) -> str:
    """Return a moment as people read it, such as 3 March 2027 at 2:05pm, in English time."""
    local = when.astimezone(LONDON)
    return f"{day(local)} at {local.hour % 12 or 12}:{local:%M}{'am' if local.hour < 12 else 'pm'}"


def ago(when: datetime, today: date) -> str:
    """Return how long ago something was in days, or its date when that is more than 30 days."""
    days = (today - when.astimezone(LONDON).date()).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days <= 30 else f"on {day(when)}"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its thing, such as 1 need or 1,200 needs."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Return words as a list in a sentence: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


#: What a list says, once, of an address with a value that it does not offer.
UNKNOWN_FILTER = "We did not know one of the filters in the address, so it was left out."


def searched_for_first(limit: int) -> str:
    """Say that a text was too long, and that only its first ``limit`` characters were searched for."""
    return f"We searched for the first {limit} characters of what you typed."
