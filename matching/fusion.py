"""Join the lists of several retrievers into one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from matching.types import Hit


def reciprocal_rank_fusion(lists: Sequence[Sequence[Hit]], k: int = 60) -> list[Hit]:
    """Return one list where each hit scores the sum of 1 / (k + rank), ranks from 1; ties by id.

    Cormack, Clarke and Buettcher 2009. It needs no common scale, and so throws away what scores know.
    """
    totals: dict[str, float] = defaultdict(float)
    for hits in lists:
        for rank, hit in enumerate(hits, start=1):
            totals[hit.id] += 1 / (k + rank)
    return sorted((Hit(key, score) for key, score in totals.items()), key=lambda hit: (-hit.score, hit.id))
