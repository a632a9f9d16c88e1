"""Tell need by need what the ranking lost, and what stood where the answer should have stood."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matching.evaluation.measures import Rankings, ideal, ndcg
from matching.evaluation.sets import Split

SHOWN_INSTEAD = 3


@dataclass(frozen=True, slots=True)
class Item:
    """A technology in one need's list. ``rank`` is None where it was not returned.

    ``lost`` is its part of the nDCG that was lost: what it would give in its best place, less what it gave. A
    technology that stands above its best place has lost less than nothing.
    """

    id: str
    title: str
    grade: int
    rank: int | None
    lost: float = 0.0


@dataclass(frozen=True, slots=True)
class Loss:
    """What one need lost of its nDCG@10, which graded technologies lost it, and the best ungraded ones above them."""

    id: str
    title: str
    lost: float
    graded: tuple[Item, ...]
    instead: tuple[Item, ...]


def losses(rankings: Rankings, split: Split) -> list[Loss]:
    """Return the losses of all needs that something answers, the worst first; empty for a sealed set."""
    if split.sealed:
        return []
    needs = {document.id: document.title for document in split.needs}
    titles = {document.id: document.title for document in split.technologies}
    found = [
        _loss(need, needs.get(need, need), rankings.get(need, ()), graded, titles)
        for need, graded in split.grades.items()
    ]
    return sorted(found, key=lambda loss: (-loss.lost, loss.id))


def _loss(
    need: str, title: str, ranked: Sequence[str], graded: Mapping[str, int], titles: Mapping[str, str]
) -> Loss:
    ranks = {key: rank for rank, key in enumerate(ranked, start=1)}
    best = sorted(graded, key=lambda key: (-graded[key], ranks.get(key, math.inf), key))
    whole = ideal(graded)
    items = tuple(
        Item(
            key,
            titles.get(key, key),
            graded[key],
            ranks.get(key),
            (_gain(graded[key], place) - _gain(graded[key], ranks.get(key))) / whole,
        )
        for place, key in enumerate(best, start=1)
    )
    lowest = max((item.rank or math.inf for item in items), default=0)
    instead = tuple(
        Item(key, titles.get(key, key), 0, rank)
        for rank, key in enumerate(ranked, start=1)
        if key not in graded and rank < lowest
    )
    return Loss(need, title, 1 - ndcg(ranked, graded), items, instead[:SHOWN_INSTEAD])


def _gain(grade: int, rank: int | None) -> float:
    return 0.0 if rank is None or rank > 10 else (2.0**grade - 1) / math.log2(rank + 1)
