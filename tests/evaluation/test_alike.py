from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from matching.documents import need_document
from matching.evaluation.alike import Judged, best_limit, family_figures, figures, measure, read
from matching.families import Family
from tests.fakes.matching import HashEncoder

SET = Path(__file__).parent / "alike"


def judged(groups: dict[str, str], *related: str) -> Judged:
    needs = tuple(need_document(id=key, title=f"Need {key}", statement=f"It is {key}.") for key in groups)
    return Judged(needs, groups, frozenset(related))


FOUR = judged({"A": "1", "B": "1", "C": "2", "D": "2"})
SCORES = np.array([[0, 5, 4, 1], [5, 0, 1, 1], [4, 1, 0, 3], [1, 1, 3, 0]], dtype=float)


def test_the_set_has_two_halves_that_share_no_group() -> None:
    parts = read(SET)
    assert parts.keys() == {"tune", "check"}
    assert not set(parts["tune"].groups.values()) & set(parts["check"].groups.values())
    sizes = Counter(group for part in parts.values() for group in part.groups.values())
    assert sum(size > 1 for size in sizes.values()) == 38
    assert sum(size == 1 for size in sizes.values()) == 38


def test_a_related_need_counts_neither_way_within_its_group_and_against_all_others() -> None:
    three = judged({"A": "1", "B": "1", "C": "2"}, "B")
    assert (three.same("A", "B"), three.same("B", "C")) == (None, False)
    assert [(one, other) for one, other, _ in three.pairs()] == [(0, 2), (1, 2)]


def test_the_best_limit_is_where_f1_is_greatest() -> None:
    # From 3 on three pairs are called the same, two of them rightly: F1 0.8; from 5 on one: 0.67.
    assert best_limit(SCORES, FOUR) == 2.0


def test_figures_are_counted_over_pairs_and_ranked_over_needs() -> None:
    found = figures(SCORES, FOUR, 2.0)
    assert (found.precision, found.recall, found.f1) == (pytest.approx(2 / 3), 1.0, pytest.approx(0.8))
    # A, B and D have their mate first; C has it second.
    assert found.average_precision == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_family_figures_are_those_of_a_count_by_hand() -> None:
    found = family_figures([Family("A", ("A", "B", "C")), Family("D", ("D",))], FOUR)
    assert (found["pair precision"], found["pair recall"]) == (pytest.approx(1 / 3), pytest.approx(1 / 2))
    assert found["B-cubed precision"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert found["B-cubed recall"] == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)


def test_every_figure_is_told_without_writing_anything() -> None:
    half = judged({key: key[0] for key in ("A1", "A2", "B1", "B2", "C1", "D1", "E1", "F1", "G1", "H1")})
    fields = {key: key[0] for key in half.ids}
    found = measure(half, half, HashEncoder(64), fields, fit=False)
    assert found["Families, stability on check"]["shuffles that change anything"] == 0
    assert found["Themes, on check"]["shuffles that change anything"] == 0
    assert set(found["Finding, on check"]) >= {"alike", "dense (cosine)"}
