"""Reciprocal rank fusion."""

from __future__ import annotations

import pytest

from matching.fusion import reciprocal_rank_fusion
from matching.types import Hit


def test_ranks_count_and_scores_do_not() -> None:
    fused = reciprocal_rank_fusion([[Hit("a", 99.0), Hit("b", 1.0)], [Hit("b", 0.2), Hit("c", 0.1)]], k=60)
    assert [hit.id for hit in fused] == ["b", "a", "c"]
    assert [hit.score for hit in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_ties_are_ordered_by_id() -> None:
    assert [hit.id for hit in reciprocal_rank_fusion([[Hit("b", 1)], [Hit("a", 1)]])] == ["a", "b"]
