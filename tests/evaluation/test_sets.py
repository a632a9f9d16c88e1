from __future__ import annotations

from pathlib import Path

import pytest

from matching.evaluation.sets import JudgedReason, SplitError, load
from matching.types import Answer
from tests.evaluation.small import write_split

HEAD = "need_id\trequirement\ttech_id\tgrade\n"


def test_a_set_without_judged_reasons_or_a_seal_is_read(tmp_path: Path) -> None:
    split = load(write_split(tmp_path))
    assert (split.name, split.reasons, split.sealed) == (tmp_path.name, (), False)


def test_the_set_that_is_only_measured_is_sealed() -> None:
    assert load(Path(__file__).parent / "sealed").sealed
    assert not load(Path(__file__).parent / "dev").sealed


def test_judged_reasons_are_read(tmp_path: Path) -> None:
    (write_split(tmp_path) / "reasons.tsv").write_text(HEAD + "N0\t1\tT0\tnothing-found\n", encoding="utf-8")
    assert load(tmp_path).reasons == (JudgedReason("N0", 1, "T0", Answer.NOTHING_FOUND),)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("N0\t1\tT0\tperhaps\n", "line 2: .* answers, partly, nothing-found wanted"),
        ("N0\t1\tT0\n", "line 2"),
        ("N0\t2\tT0\tpartly\n", "no must-have 2 of N0"),
        ("N0\t1\tT9\tpartly\n", "no T9"),
    ],
)
def test_a_judged_reason_of_nothing_is_refused(tmp_path: Path, line: str, told: str) -> None:
    (write_split(tmp_path) / "reasons.tsv").write_text(HEAD + line, encoding="utf-8")
    with pytest.raises(SplitError, match=told):
        load(tmp_path)
