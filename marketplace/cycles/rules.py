"""Decisions about cycles: which dates do, which may still be moved, and how answers are counted.

Pure functions over plain values. How far a cycle has come, and whether a need still stands, is in
`marketplace.needs.rounds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256

from marketplace.errors import Conflict, DomainError
from marketplace.needs.rounds import Round, Stage
from marketplace.organisations.models import Kind
from marketplace.web.words import count, day

NAME_LIMIT = 60
REASON_LIMIT = 300
PLACES = 3
#: The dates of a cycle in their order, and how a sentence about each begins.
DATES = {
    "opens_on": "The first day",
    "reminds_on": "The day of the reminder",
    "locks_on": "The last day for answers",
    "closes_on": "The last day of the cycle",
}
#: News of an opening that is older than this is no news; a worker that was away so long does not send it.
FRESH = timedelta(days=7)


class CycleError(DomainError):
    """A cycle that cannot be entered like this; ``field`` is a name of `DATES`, or "name"."""


class DatesMoved(Conflict):
    """Somebody else changed the cycle after this form was opened."""


class AnswersChanged(Conflict):
    """Somebody answered, or changed the cycle, after the page that told what its cancelling costs was opened."""


class News(StrEnum):
    """What the leads of an organisation are told about a cycle, each once."""

    OPENED = "opened"
    REMINDER = "reminder"


def check_name(name: str) -> None:
    """Raise `CycleError` unless the cycle has a name within the limit."""
    if not name:
        raise CycleError("Enter a name for the cycle", "name")
    if len(name) > NAME_LIMIT:
        raise CycleError(f"The name must be {NAME_LIMIT} characters or fewer", "name")


def check_order(dates: Round) -> None:
    """Raise `CycleError` unless the dates come one after the other."""
    if dates.reminds_on <= dates.opens_on:
        raise CycleError("The reminder must come after the first day", "reminds_on")
    if dates.locks_on < dates.reminds_on:
        raise CycleError("The last day for answers must not come before the reminder", "locks_on")
    if dates.closes_on < dates.locks_on:
        raise CycleError("The cycle must not close before its last day for answers", "closes_on")


def check_apart(dates: Round, others: Iterable[Round]) -> None:
    """Raise `CycleError` when the cycle would overlap with another."""
    for other in sorted(others, key=lambda one: one.opens_on):
        if dates.opens_on <= other.closes_on and other.opens_on <= dates.closes_on:
            first = other.opens_on <= dates.opens_on
            raise CycleError(
                f"Cycles must not overlap: {other.name} runs from {day(other.opens_on)} to {day(other.closes_on)}",
                "opens_on" if first else "closes_on",
            )


def check_new(dates: Round, today: date) -> None:
    """Raise `CycleError` when the cycle would have begun in the past: nobody could have known."""
    if dates.opens_on < today:
        raise CycleError("The first day must be today or later", "opens_on")


def movable(dates: Round, today: date) -> frozenset[str]:
    """Return the names of the dates that have not passed.

    The first day and the reminder have passed when they have come: people act on them from that morning. The other
    two are last days, and pass when they are over.
    """
    ahead = {
        "opens_on": dates.opens_on > today,
        "reminds_on": dates.reminds_on > today,
        "locks_on": dates.locks_on >= today,
        "closes_on": dates.closes_on >= today,
    }
    return frozenset(name for name, still in ahead.items() if still)


def check_moves(before: Round, after: Round, today: date) -> None:
    """Raise `CycleError` when a date that has passed would be changed, or one would be moved into the past."""
    if before.stage(today) is Stage.CLOSED and before != after:
        raise CycleError(f"{before.name} has closed. It is history and stays as it is")
    if before.stage(today) is not Stage.PLANNED and before.name != after.name:
        raise CycleError(f"{before.name} has opened. People know it by this name, so it stays", "name")
    free = movable(before, today)
    for name, words in DATES.items():
        was, wanted = getattr(before, name), getattr(after, name)
        if was == wanted:
            continue
        if name not in free:
            raise CycleError(f"{words} has passed, so it stays {day(was)}", name)
        if wanted < today:
            raise CycleError(f"{words} must be today or later", name)


# Cancelling


@dataclass(frozen=True, slots=True)
class Said:
    """What organisations have said in a cycle, by the codes of the organisations.

    ``confirmed`` said of needs of the last cycle alone that they are still true; ``named`` gave a place to something
    that has none without this cycle: a need of their own that is new, or one of others that they co-sign.
    ``needs`` is how many needs were confirmed.
    """

    confirmed: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    needs: int = 0


def state_of(dates: Round, said: Said) -> str:
    """Return a short text that is another one when the cycle, or what was said in it, has changed."""
    days = (getattr(dates, name).isoformat() for name in DATES)
    told = "\n".join((dates.name, *days, " ".join(said.confirmed), " ".join(said.named), str(said.needs)))
    return sha256(told.encode()).hexdigest()[:20]


def may_cancel(dates: Round, today: date) -> bool:
    """Tell whether a cycle can still be cancelled, as far as its dates go: nothing has lapsed by it."""
    return dates.stage(today) in (Stage.PLANNED, Stage.OPEN)


def check_cancel(dates: Round, said: Said, today: date) -> None:
    """Raise `CycleError` unless nothing would be lost with the cycle."""
    if dates.stage(today) is Stage.CLOSED:
        raise CycleError(f"{dates.name} has closed. It is history and stays as it is")
    if dates.stage(today) is Stage.LOCKED:
        raise CycleError(
            f"{dates.name} has locked. What nobody confirmed has lapsed, so it cannot be cancelled"
        )
    if said.named:
        organisations = count(len(said.named), "organisation has", "organisations have")
        raise CycleError(
            f"{organisations} named new needs in {dates.name}, or co-signed needs. Those would lose their places, so "
            "the cycle cannot be cancelled. Change its dates instead"
        )


# Coverage


@dataclass(frozen=True, slots=True)
class Answer:
    """How many needs an organisation has named in a cycle, 0 to 3. An organisation without a region has ""."""

    code: str
    name: str
    kind: Kind
    region_code: str
    region: str
    named: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of how many organisations have named at least one need."""

    answered: int
    total: int


class Show(StrEnum):
    """Which organisations the list of answers shows."""

    UNFINISHED = "unfinished"
    NONE = "none"
    PARTLY = "partly"
    THREE = "three"
    ALL = "all"

    def holds(self, answer: Answer) -> bool:
        """Tell whether the list shows this organisation."""
        if self is Show.ALL:
            return True
        if self is Show.UNFINISHED:
            return answer.named < PLACES
        if self is Show.PARTLY:
            return 0 < answer.named < PLACES
        return answer.named == (0 if self is Show.NONE else PLACES)


def tally(answers: Iterable[Answer]) -> Tally:
    """Count who has answered."""
    counted = list(answers)
    return Tally(sum(answer.named > 0 for answer in counted), len(counted))


def chosen(
    answers: Iterable[Answer], *, text: str = "", kind: Kind | None = None, region: str = "", show: Show
) -> list[Answer]:
    """Return the organisations that somebody looks for, in their order: all words in the name, or the code."""
    words = text.casefold().split()
    return [
        answer
        for answer in answers
        if show.holds(answer)
        and kind in (None, answer.kind)
        and region in ("", answer.region_code)
        and (
            all(word in answer.name.casefold() for word in words) or text.casefold() == answer.code.casefold()
        )
    ]


def place_for(last: int | None, taken: Sequence[int]) -> int | None:
    """Return the place of a need that is confirmed: the one it had, else the first that is free, else None."""
    free = [place for place in range(1, PLACES + 1) if place not in taken]
    if last in free:
        return last
    return free[0] if free else None


def news_due(dates: Round, today: date) -> News | None:
    """Return what the leads are to be told on a day, if anything."""
    if dates.stage(today) is not Stage.OPEN:
        return None
    if today >= dates.reminds_on:
        return News.REMINDER
    return News.OPENED if today < dates.opens_on + FRESH else None
