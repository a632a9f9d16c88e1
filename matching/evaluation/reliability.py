"""Say whether the matcher means what it says: its probability, and the threshold that is put on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.evaluation.measures import Counts, Tally
from matching.evaluation.sets import Split
from matching.evaluation.uncertainty import Estimate, share
from matching.types import Results

BINS = 10
USEFUL = 2
"""The least grade at which a candidate is worth a person's time: what the probability is of."""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What was said of each need and candidate (between 0 and 1), and whether it came true (0 or 1)."""

    said: Counts
    true: Counts


@dataclass(frozen=True, slots=True)
class Bin:
    """Candidates of whom much the same was said: ``said`` is the mean, ``came_true`` the share, with its interval."""

    low: float
    high: float
    count: int
    said: float
    came_true: Estimate


@dataclass(frozen=True, slots=True)
class Reliability:
    """How good the probabilities are. The Brier score is the mean squared error: 0 is right, lower is better.

    ``base`` is the score of one who says the mean of all candidates (``rate``) to each.
    """

    candidates: int
    rate: float
    brier: float
    base: float
    bins: tuple[Bin, ...]

    @property
    def skill(self) -> float:
        """Return how much of the base score is saved: 1 is perfect, 0 no better than the mean, below 0 worse."""
        return 1 - self.brier / self.base if self.base else 0.0


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a threshold would do: unanswerable needs that get a match, and answerable ones that get none."""

    threshold: float
    false_match: float
    wrongly_empty: float


def forecasts(results: Mapping[str, Results], split: Split, first: int | None = None) -> Forecasts:
    """Return what the matcher said of every candidate it returned for every need, or of the ``first`` few."""
    said, true = [], []
    for need in split.needs:
        graded = split.grades.get(need.id, {})
        for match in results[need.id].matches[:first]:
            said.append(match.chance)
            true.append(float(graded.get(match.id, 0) >= USEFUL))
    return Forecasts(np.array(said, dtype=float), np.array(true, dtype=float))


def brier(given: Forecasts) -> float:
    """Return the Brier score (1950): the mean squared difference between what was said and what came."""
    return float(np.mean((given.said - given.true) ** 2)) if len(given.said) else 0.0


def reliability(given: Forecasts) -> Reliability:
    """Return the Brier score, that of the base rate, and what came true in each tenth of the scale."""
    rate = float(given.true.mean()) if len(given.true) else 0.0
    places = np.minimum((given.said * BINS).astype(int), BINS - 1)
    bins = []
    for place in range(BINS):
        inside = places == place
        if inside.any():
            true = given.true[inside]
            bins.append(
                Bin(
                    place / BINS,
                    (place + 1) / BINS,
                    int(inside.sum()),
                    float(given.said[inside].mean()),
                    share(Tally(true, np.ones_like(true))),
                )
            )
    return Reliability(len(given.said), rate, brier(given), rate * (1 - rate), tuple(bins))


def curve(results: Mapping[str, Results], split: Split) -> list[CurvePoint]:
    """Return what every threshold that makes a difference would do, from the most lenient to the strictest.

    A need gets a match where the best of its candidates reaches the threshold.
    """
    answerable = _best(results, list(split.grades))
    unanswerable = _best(results, split.no_match)
    thresholds = np.unique(np.concatenate([answerable, unanswerable, [0.0, 1.0]]))
    return [
        CurvePoint(
            float(threshold),
            float((unanswerable >= threshold).mean()) if len(unanswerable) else 0.0,
            float((answerable < threshold).mean()) if len(answerable) else 0.0,
        )
        for threshold in thresholds
    ]


def _best(results: Mapping[str, Results], needs: Sequence[str]) -> Counts:
    """Return the highest probability among each need's candidates; 0 where there are none."""
    return np.array(
        [max((match.chance for match in results[need].matches), default=0.0) for need in needs], dtype=float
    )
