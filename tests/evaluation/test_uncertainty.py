"""Intervals: checked where they can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from matching.evaluation.measures import Tally
from matching.evaluation.uncertainty import difference, estimate, share


def test_a_figure_that_is_the_same_for_every_asker_has_no_width() -> None:
    found = estimate(Tally.of([0.4] * 7))
    assert (found.figure, found.low, found.high) == pytest.approx((0.4, 0.4, 0.4))


def test_of_one_and_nothing_the_interval_holds_both() -> None:
    # Two askers: a quarter of the resamples holds the first twice, another the second twice.
    found = estimate(Tally.of([1.0, 0.0]))
    assert (found.figure, found.low, found.high) == pytest.approx((0.5, 0.0, 1.0))


def test_the_interval_of_many_askers_is_that_of_the_normal_curve() -> None:
    found = estimate(Tally.of([1.0] * 200 + [0.0] * 200))
    half = 1.96 * 0.5 / 20
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.004)


def test_a_steady_lead_is_sure_however_much_the_figures_spread() -> None:
    low = [0.1, 0.9, 0.2, 0.8, 0.5]
    found = difference(Tally.of([value + 0.05 for value in low]), Tally.of(low))
    assert (found.figure, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))
    assert found.clear


def test_a_lead_that_one_asker_makes_is_not_more_than_chance() -> None:
    found = difference(Tally.of([0.5, 0.5, 0.5, 1.0]), Tally.of([0.5, 0.5, 0.5, 0.0]))
    assert found.figure == pytest.approx(0.25)
    assert found.low == 0.0
    assert not found.clear


def test_askers_without_a_value_are_left_out_of_the_mean() -> None:
    assert estimate(Tally.of([0.2, None, 0.4])).figure == pytest.approx(0.3)


def test_a_ratio_of_sums_weighs_each_asker_by_what_is_below_the_line() -> None:
    tally = Tally(np.array([1.0, 9.0]), np.array([2.0, 10.0]))
    found = estimate(tally)
    assert (found.figure, found.low, found.high) == pytest.approx((10 / 12, 0.5, 0.9))


def test_the_same_figures_have_the_same_interval_each_time() -> None:
    tally = Tally.of([0.1, 0.5, 0.7, 0.2])
    assert estimate(tally) == estimate(Tally.of([0.1, 0.5, 0.7, 0.2]))


def test_none_of_three_leaves_much_room() -> None:
    # Wilson: (z^2 / n) / (1 + z^2 / n) with z = 1.96
    found = share(Tally.of([0.0, 0.0, 0.0]))
    assert (found.figure, found.low, found.high) == pytest.approx((0.0, 0.0, 0.5615), abs=0.0005)


def test_a_share_of_nobody_is_anything() -> None:
    found = share(Tally.of([]))
    assert (found.low, found.high) == (0.0, 1.0)
    assert estimate(Tally.of([])).figure == 0.0
