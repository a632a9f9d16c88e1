"""Turn the score of a candidate into the probability that it is useful, and that into a word.

Logistic regressions on the score alone, which does not depend on how many documents are registered. Fitted on the
project's own judged sets (``tests/evaluation/held`` and ``terse``), never on the development set.
"""

from __future__ import annotations

from math import exp

from matching.types import Fit


def probability(score: float, *, typed: bool = False, degraded: bool = False) -> float:
    """Return how likely a broker would find the candidate useful (grade 2 or 3), between 0 and 1.

    ``typed``: the asker is what a person typed; ``degraded``: words alone were compared, whose scores spread wider.
    """
    if typed:
        value = 0.35 * score - 5.0
    elif degraded:
        value = 0.18 * score - 7.0
    else:
        value = 0.345 * score - 8.56
    return 1 / (1 + exp(-max(min(value, 50.0), -50.0)))


def fit(chance: float, threshold: float) -> Fit:
    """Return the word that people are shown: strong, fair (worth a person's time) or weak."""
    if chance < threshold:
        return Fit.WEAK
    return Fit.STRONG if chance >= (1 + threshold) / 2 else Fit.FAIR
