"""Decisions about reading the past: which day is meant, and what a need's place was on it. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.needs.rounds import Round, Stage


@dataclass(frozen=True, slots=True)
class NoSuchDay(Exception):
    """A day that cannot be read, with the reason in plain words."""

    message: str


def read_day(text: str) -> date:
    """Return the day that an address names, or raise `NoSuchDay`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoSuchDay("The address must name a day such as 2026-03-31.") from None


def check_day(day: date, today: date, first: date | None) -> None:
    """Raise `NoSuchDay` for a day that lies ahead, or before anything was published here."""
    if day > today:
        raise NoSuchDay("That day lies in the future. Nobody knows yet which needs will be open.")
    if first is None:
        raise NoSuchDay("Nothing has been published here yet, so there is no past to read.")
    if day < first:
        raise NoSuchDay(
            f"The first need was published here on {first.day} {first:%B %Y}. There is nothing to read before."
        )


def rounds_on(rounds: Sequence[tuple[int, Round]], day: date) -> list[int]:
    """Return the ids of the rounds whose places made the board of a day, the latest first.

    These are the latest that had opened and, while that was open, the one before.
    """
    opened = sorted(
        (one for one in rounds if one[1].opens_on <= day), key=lambda one: one[1].opens_on, reverse=True
    )
    if not opened:
        return []
    number = 2 if opened[0][1].stage(day) is Stage.OPEN else 1
    return [id_ for id_, _ in opened[:number]]


def place_of(
    need_id: int, owner_id: int, counting: Sequence[int], places: Mapping[tuple[int, int], Sequence[int]]
) -> tuple[int, int] | None:
    """Return (round's id, place) of a need with its owner, or None without one; the latest round goes first."""
    for round_id in counting:
        held = places.get((owner_id, round_id), ())
        if need_id in held:
            return round_id, held.index(need_id) + 1
    return None
