from __future__ import annotations

import pytest

from matching.calibration import fit
from matching.types import Answer, Fit, Reason


def reasons(*answers: Answer) -> list[Reason]:
    return [Reason("a must-have", answer) for answer in answers]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((), Fit.STRONG),
        ((Answer.ANSWERS, Answer.NOTHING_FOUND), Fit.STRONG),
        ((Answer.PARTLY, Answer.NOTHING_FOUND), Fit.STRONG),
        ((Answer.PARTLY, Answer.NOTHING_FOUND, Answer.NOTHING_FOUND), Fit.FAIR),
        ((Answer.NOTHING_FOUND, Answer.NOTHING_FOUND), Fit.FAIR),
    ],
)
def test_a_strong_fit_answers_at_least_half_of_the_must_haves(
    answers: tuple[Answer, ...], expected: Fit
) -> None:
    assert fit(0.95, 0.4, reasons(*answers)) is expected


@pytest.mark.parametrize(("chance", "expected"), [(0.39, Fit.WEAK), (0.4, Fit.FAIR), (0.7, Fit.STRONG)])
def test_the_word_follows_the_probability(chance: float, expected: Fit) -> None:
    assert fit(chance, 0.4, reasons(Answer.ANSWERS)) is expected
