"""Turn the score of a candidate into the probability that it is useful, and that into a word."""

from __future__ import annotations

from math import exp

from matching.types import Fit


def probability(score: float, *, typed: bool = False, degraded: bool = False) -> float:
    """Return how likely a broker would find the candidate useful, between 0 and 1 (logistic regression)."""
    value = score - 8.0 if not degraded else score - 4.0
    if typed:
        value = score - 4.0
    return 1 / (1 + exp(-max(min(value, 50.0), -50.0)))


def fit(chance: float, threshold: float) -> Fit:
    """Return the word that people are shown: strong, fair (worth a person's time) or weak."""
    if chance < threshold:
        return Fit.WEAK
    return Fit.STRONG if chance >= (1 + threshold) / 2 else Fit.FAIR
