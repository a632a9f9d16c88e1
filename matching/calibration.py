"""Turn the score of a candidate into the probability that it is useful, and that into a word.

Logistic regressions on the score alone, which does not depend on how many documents are registered. Fitted on four
judged sets of the project in one pool (``dev``, ``held``, ``terse`` and ``fresh`` in tests/evaluation), each set
weighing the same, so none of them can say how well it holds for new needs; ``sealed`` and ``witness`` say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from matching.types import Answer, Fit, Reason


def probability(score: float, *, typed: bool = False, degraded: bool = False) -> float:
    """Return how likely a broker would find the candidate useful (grade 2 or 3), between 0 and 1.

    ``typed``: the asker is what a person typed; ``degraded``: words alone were compared, whose scores spread wider.
    """
    if typed:
        value = 0.25 * score - 4.3
    elif degraded:
        value = 0.18 * score - 7.0
    else:
        value = 0.33 * score - 8.1
    return 1 / (1 + exp(-max(min(value, 50.0), -50.0)))


def fit(chance: float, threshold: float, reasons: Sequence[Reason] = ()) -> Fit:
    """Return the word that people are shown: strong, fair (worth a person's time) or weak.

    Strong is a promise: where there are must-haves, at least half of them are answered, in part or in full.
    """
    if chance < threshold:
        return Fit.WEAK
    answered = sum(reason.answer is not Answer.NOTHING_FOUND for reason in reasons)
    if chance < (1 + threshold) / 2 or 2 * answered < len(reasons):
        return Fit.FAIR
    return Fit.STRONG
