from __future__ import annotations

import math
from pathlib import Path

import pytest

from matching.evaluation.losses import losses
from matching.evaluation.sets import load
from tests.evaluation.small import write_split


def test_each_need_tells_what_it_lost_by_which_technology_and_to_which(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    worst, nothing = losses({"N0": ["T2", "T0", "T1"], "N1": ["T2"]}, split)
    log = math.log2
    whole = 7 + 1 / log(3)
    assert (worst.id, worst.title) == ("N0", "Jaundice")
    assert worst.lost == pytest.approx(1 - (7 / log(3) + 1 / log(4)) / whole)
    assert [(item.id, item.grade, item.rank) for item in worst.graded] == [("T0", 3, 2), ("T1", 1, 3)]
    assert [item.lost for item in worst.graded] == pytest.approx(
        [(7 - 7 / log(3)) / whole, (1 / log(3) - 1 / log(4)) / whole]
    )
    assert sum(item.lost for item in worst.graded) == pytest.approx(worst.lost)
    assert [(item.title, item.rank) for item in worst.instead] == [("Badge", 1)]
    assert (nothing.id, nothing.lost, nothing.instead) == ("N1", 0.0, ())


def test_a_technology_that_is_not_returned_loses_all_it_would_have_given(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    found = {loss.id: loss for loss in losses({"N0": ["T1"]}, split)}
    assert [(item.id, item.rank) for item in found["N0"].graded] == [("T0", None), ("T1", 1)]
    assert found["N1"].lost == 1.0
    assert found["N1"].graded[0].lost == pytest.approx(1.0)


def test_nothing_is_told_of_the_needs_of_a_sealed_set(tmp_path: Path) -> None:
    (write_split(tmp_path) / "SEALED").touch()
    assert losses({"N0": ["T2", "T0", "T1"]}, load(tmp_path)) == []
