"""The rounds in which organisations name their top three: how far one has come, and whether a need still stands.

Pure functions of dates, all of them days in England. Nothing has to run for a round to open, to lock or to close, or
for a need to lapse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Stage(StrEnum):
    """How far a round has come."""

    PLANNED = "planned"
    OPEN = "open"
    LOCKED = "locked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round as plain values.

    Places may change from ``opens_on`` to ``locks_on``, both included; whoever has not answered is reminded on
    ``reminds_on``; from the day after ``closes_on`` the round is history.
    """

    name: str
    opens_on: date
    reminds_on: date
    locks_on: date
    closes_on: date

    def stage(self, today: date) -> Stage:
        """Return how far the round has come on a day."""
        if today < self.opens_on:
            return Stage.PLANNED
        if today <= self.locks_on:
            return Stage.OPEN
        return Stage.LOCKED if today <= self.closes_on else Stage.CLOSED


class Standing(StrEnum):
    """Whether a published need still stands."""

    #: It has a place in the latest round that has opened.
    CURRENT = "current"
    #: It had one in the round before, and the latest is still open: its organisation may say that it is still true.
    TO_CONFIRM = "to-confirm"
    #: A round has locked in which its organisation did not say so.
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Stand:
    """Whether a need stands, and the round that decides it: of its place, or the first in which it has none."""

    standing: Standing
    round: Round

    @property
    def lapsed_on(self) -> date:
        """Return the first day on which the need no longer stood; of use for a lapsed one."""
        return self.round.locks_on + DAY


def stand(placed: Round, rounds: Iterable[Round], today: date) -> Stand:
    """Tell whether a need stands whose organisation gave it its last place in ``placed``.

    It lapses on the day after the lock of the round that follows: until then somebody can still confirm it.
    """
    later = sorted(
        (one for one in rounds if placed.opens_on < one.opens_on <= today), key=lambda one: one.opens_on
    )
    if not later:
        return Stand(Standing.CURRENT, placed)
    waits = len(later) == 1 and later[0].stage(today) is Stage.OPEN
    return Stand(Standing.TO_CONFIRM if waits else Standing.LAPSED, later[0])
