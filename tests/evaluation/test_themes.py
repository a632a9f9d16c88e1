from __future__ import annotations

from pathlib import Path

import pytest

from matching.evaluation.alike import read
from matching.evaluation.themes import agreement, read_fields

SET = Path(__file__).parent / "alike"


def test_every_judged_need_has_a_field() -> None:
    parts = read(SET)
    assert {key for part in parts.values() for key in part.ids} == read_fields(SET).keys()


def test_needs_of_one_group_are_of_one_field() -> None:
    fields = read_fields(SET)
    for part in read(SET).values():
        assert len({(group, fields[key]) for key, group in part.groups.items()}) == len(
            set(part.groups.values())
        )


def test_agreement_is_that_of_a_count_by_hand() -> None:
    found = agreement(["a", "a", "b", "b"], ["1", "1", "1", "2"])
    # One pair together in both of 2 and 3; by chance 2 * 3 / 6 = 1.
    assert found["adjusted Rand"] == pytest.approx(0.0)
    assert found["homogeneity"] == pytest.approx(0.3113, abs=1e-4)
    assert found["completeness"] == pytest.approx(0.3837, abs=1e-4)


def test_the_same_parting_under_other_names_agrees_wholly() -> None:
    assert set(agreement(["a", "a", "b"], ["x", "x", "y"]).values()) == {1.0}
