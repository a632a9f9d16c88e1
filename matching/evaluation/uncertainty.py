"""Say how sure a figure is: it would have been another with other needs.

Intervals hold 95 % and come from the paired bootstrap (Efron 1979; for rankings Sakai 2006): askers are drawn anew
with replacement, the same ones for every method, with a fixed seed. They tell what the choice of needs adds; they
cannot tell what the judges, or texts unlike all of these, would. Where a rate counts a handful of needs, a
bootstrap of "0 of 3" has no width at all, and Wilson's interval (1927) is given instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binomtest

from matching.evaluation.measures import Counts, Tally

RESAMPLES = 10_000
SEED = 20261122


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its 95 % interval."""

    figure: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Tell whether the interval leaves out zero: as a difference it is more than chance."""
        return self.low > 0 or self.high < 0


def estimate(tally: Tally) -> Estimate:
    """Return a figure with its bootstrap interval."""
    return _interval(tally.figure, _resampled(tally))


def difference(one: Tally, other: Tally) -> Estimate:
    """Return how much higher ``one`` is than ``other``, over the same askers, with its paired interval."""
    return _interval(one.figure - other.figure, _resampled(one) - _resampled(other))


def share(tally: Tally) -> Estimate:
    """Return the share of askers that a tally of ones and zeros counts, with Wilson's interval."""
    asked = round(float(tally.under.sum()))
    if not asked:
        return Estimate(0.0, 0.0, 1.0)
    found = binomtest(round(float(tally.over.sum())), asked).proportion_ci(method="wilson")
    return Estimate(tally.figure, float(found.low), float(found.high))


def _resampled(tally: Tally) -> Counts:
    """Return the figure of each resample; NaN for one in which nothing is below the line."""
    drawn = _draws(len(tally.over))
    over, under = drawn @ tally.over, drawn @ tally.under
    figures: Counts = np.divide(over, under, out=np.full(len(drawn), np.nan), where=under > 0)
    return figures


def _interval(figure: float, resampled: Counts) -> Estimate:
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return Estimate(figure, figure, figure)
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(figure, float(low), float(high))


@lru_cache(maxsize=8)
def _draws(askers: int) -> Counts:
    """Return how often each asker is drawn in each resample, shape (resamples, askers)."""
    if not askers:
        return np.zeros((1, 0))
    generator = np.random.default_rng(SEED)
    return generator.multinomial(askers, np.full(askers, 1 / askers), size=RESAMPLES).astype(float)
