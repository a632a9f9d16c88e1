"""Typing errors in queries."""

from __future__ import annotations

from matching.spelling import mended

KNOWN = ["schedul", "dermatolog", "pump", "insulin", "§insulin"]


def mend(*typed: str) -> dict[str, float]:
    return dict(mended(dict.fromkeys(typed, 1.0), KNOWN.__contains__, lambda: KNOWN))


def test_a_word_that_nobody_uses_becomes_the_nearest_that_somebody_does() -> None:
    assert mend("schedull", "dermatolgi") == {"schedul": 0.8, "dermatolog": 0.8}


def test_known_short_and_far_words_are_left_alone() -> None:
    assert mend("insulin", "pmp", "helicopt", "d1a2b3") == {}
