"""Counts of a handover, before beside after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.organisations.models import Succession
from marketplace.succession.movers.catalogue import MOVERS


@dataclass(frozen=True, slots=True)
class SumRow:
    """One count before and after."""

    organisation: str
    kind: str
    state: str
    before: str
    after: str


_KINDS = {"place": "Places"}


def sum_rows(change: Succession) -> tuple[SumRow, ...]:
    """Return the counts of a handover, before beside after; none until it is done."""
    return paired(change.before, change.after) if change.settled_at is not None else ()


def paired(before: Sequence[Sequence[str | int]], after: Sequence[Sequence[str | int]]) -> tuple[SumRow, ...]:
    """Return counts before beside counts after."""
    left = {tuple(row[:3]): row[3] for row in before}
    right = {tuple(row[:3]): row[3] for row in after}
    headings = {mover.kind: mover.heading for mover in MOVERS} | _KINDS
    order = [*(mover.kind for mover in MOVERS), *_KINDS]
    return tuple(
        SumRow(
            str(key[0]),
            headings.get(str(key[1]), str(key[1])),
            str(key[2]),
            f"{left.get(key, 0)}",
            f"{right.get(key, 0)}",
        )
        for key in sorted(
            {*left, *right},
            key=lambda key: (
                order.index(str(key[1])) if str(key[1]) in order else 99,
                str(key[2]),
                str(key[0]),
            ),
        )
    )
