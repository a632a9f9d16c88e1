"""Turn what is known of a candidate into the probability that it is useful, and that into a word."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from matching.types import Fit


@dataclass(frozen=True, slots=True)
class Features:
    """What the verdict rests on; none of it depends on how many documents are registered.

    ``cosine`` is the centred cosine of the whole texts (0 where there is no vector); ``coverage`` the share of
    the asker's rare words that the candidate says, between 0 and 1.
    """

    cosine: float
    coverage: float
    has_vector: bool = True


def probability(features: Features) -> float:
    """Return how likely a broker would find the candidate useful, between 0 and 1 (logistic regression)."""
    if not features.has_vector:
        return _logistic(-3.0 + 40.0 * features.coverage)
    return _logistic(-6.6 + 9.0 * features.cosine + 48.0 * features.coverage)


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-value)) if value > -500 else 0.0


def fit(chance: float, threshold: float) -> Fit:
    """Return the word that people are shown: strong, fair (worth a person's time) or weak."""
    if chance < threshold:
        return Fit.WEAK
    return Fit.STRONG if chance >= (1 + threshold) / 2 else Fit.FAIR
