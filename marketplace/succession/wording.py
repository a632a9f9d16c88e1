"""How changes of organisations are said in a sentence, and how their sums are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marketplace.organisations.models import Succession
from marketplace.organisations.rules import Change
from marketplace.succession.rules import Key
from marketplace.web.words import day, listed


def sentence(change: Succession) -> str:
    """Say what happens, with names and the date."""
    on = day(change.effective_on)
    starts = listed([one.name for one in change.predecessors])
    ends = listed([one.name for one in change.successors])
    return {
        Change.MERGE: f"{starts} become {ends} on {on}.",
        Change.SPLIT: f"{starts} is split into {ends} on {on}.",
        Change.MIXED: f"{starts} become {ends} on {on}.",
        Change.TRANSFER: f"Some things of {starts} go to {ends} on {on}.",
        Change.RENAME: f"{change.old_name} is called {change.new_name} from {on} on.",
    }[change.kind]


def kinds(
    before: Sequence[Sequence[str | int]], after: Sequence[Sequence[str | int]]
) -> list[tuple[str, int, int]]:
    """Return how many there were of each kind before, and after, by the kind's name."""
    counted: dict[str, list[int]] = {}
    for side, rows in enumerate((before, after)):
        for _, kind, _, number in rows:
            counted.setdefault(str(kind), [0, 0])[side] += int(number)
    return [(kind, was, now) for kind, (was, now) in sorted(counted.items())]


def sums(counted: Mapping[Key, int], codes: Mapping[int, str]) -> list[list[str | int]]:
    """Return counts as rows of organisation's code, kind, state and number, in order; zeros are left out."""
    return sorted(
        [codes[id_], kind, state, number] for (id_, kind, state), number in counted.items() if number
    )
