from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matching.evaluation.reliability import Forecasts, brier, curve, forecasts, reliability
from matching.evaluation.sets import load
from tests.evaluation.small import results, write_split


def given(*pairs: tuple[float, int]) -> Forecasts:
    return Forecasts(np.array([said for said, _ in pairs]), np.array([float(true) for _, true in pairs]))


def test_the_brier_score_is_the_mean_squared_error() -> None:
    pairs = given((0.9, 1), (0.2, 0), (0.6, 0), (1.0, 1))
    assert brier(pairs) == pytest.approx((0.01 + 0.04 + 0.36 + 0.0) / 4)
    found = reliability(pairs)
    assert (found.rate, found.base) == pytest.approx((0.5, 0.25))
    assert found.skill == pytest.approx(1 - 0.1025 / 0.25)


def test_who_says_the_mean_to_everything_has_no_skill() -> None:
    assert reliability(given((0.25, 1), (0.25, 0), (0.25, 0), (0.25, 0))).skill == pytest.approx(0.0)


def test_candidates_are_counted_by_tenths_of_what_was_said() -> None:
    found = reliability(given((0.0, 0), (0.05, 1), (0.95, 1), (1.0, 1), (0.3, 0)))
    assert [(one.low, one.count, one.said, one.came_true.figure) for one in found.bins] == [
        (0.0, 2, pytest.approx(0.025), 0.5),
        (0.3, 1, 0.3, 0.0),
        (0.9, 2, pytest.approx(0.975), 1.0),
    ]


def test_of_every_need_and_candidate_it_is_asked_whether_the_grade_is_two_or_three(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    found = forecasts(
        {
            "N0": results(("T0", 0.9), ("T1", 0.4)),
            "N1": results(("T2", 0.7)),
            "N2": results(("T1", 0.2)),
        },
        split,
    )
    assert found.said.tolist() == [0.9, 0.4, 0.7, 0.2]
    assert found.true.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_the_first_candidate_of_each_need_can_be_asked_about_alone(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    ranked = {"N0": results(("T2", 0.9), ("T0", 0.4)), "N1": results(("T2", 0.7)), "N2": results()}
    found = forecasts(ranked, split, 1)
    assert (found.said.tolist(), found.true.tolist()) == ([0.9, 0.7], [0.0, 1.0])


def test_a_higher_threshold_trades_false_matches_for_needs_left_empty(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    found = curve(
        {"N0": results(("T0", 0.9)), "N1": results(("T2", 0.2)), "N2": results(("T1", 0.6), ("T0", 0.5))},
        split,
    )
    assert [(one.threshold, one.false_match, one.wrongly_empty) for one in found] == [
        (0.0, 1.0, 0.0),
        (0.2, 1.0, 0.0),
        (0.6, 1.0, 0.5),
        (0.9, 0.0, 0.5),
        (1.0, 0.0, 1.0),
    ]
