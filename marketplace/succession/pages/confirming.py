"""The last look before everything is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.succession import wording
from marketplace.succession.movers.catalogue import mover_of
from marketplace.succession.pages.places import place_words
from marketplace.succession.pages.sums import SumRow
from marketplace.succession.placing import Contest
from marketplace.succession.queries import Holdings
from marketplace.succession.rules import WITHDRAW
from marketplace.web.pages import Page, Row


@dataclass(frozen=True, kw_only=True)
class ConfirmPage(Page):
    """The last look before everything is handed over."""

    template = "succession/confirm.html"

    sentence: str
    rows: tuple[SumRow, ...]
    places: tuple[Row, ...]
    problems: tuple[str, ...]
    missing: tuple[str, ...]
    back: str
    lock_version: int

    @classmethod
    def build(
        cls, holdings: Holdings, contests: Sequence[Contest], found: Sequence[str], missing: Sequence[str]
    ) -> ConfirmPage:
        """Return the page; ``found`` keeps it from being confirmed, ``missing`` is only told."""
        return cls(
            title="Confirm the handover",
            sentence=wording.sentence(holdings.change),
            rows=_destinations(holdings),
            places=tuple(_place_row(holdings, contest) for contest in contests),
            problems=tuple(found),
            missing=tuple(missing),
            back=url_for("succession.change", ref=holdings.change.ref),
            lock_version=holdings.change.lock_version,
        )


def _destinations(holdings: Holdings) -> tuple[SumRow, ...]:
    counted: dict[tuple[str, str, str], int] = {}
    for item in holdings.items:
        mover = mover_of(item.kind)
        heading = mover.heading if mover is not None else item.kind
        key = (heading, item.state, holdings.words_of(holdings.choice(item)))
        counted[key] = counted.get(key, 0) + 1
    return tuple(SumRow(where, kind, state, str(n), "") for (kind, state, where), n in counted.items())


def _place_row(holdings: Holdings, contest: Contest) -> Row:
    lines = []
    for place in sorted(contest.chosen(holdings), key=lambda one: one.choice):
        if place.choice:
            reason = f". Reason: {place.words}" if place.choice == WITHDRAW else ""
            lines.append(f"{place_words(place.choice)}: {place.title}{reason}")
    return Row(f"{contest.successor.name}, {contest.cycle.name}", "", items=tuple(lines))
