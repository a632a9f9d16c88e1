from __future__ import annotations

from pathlib import Path

import pytest

from matching.evaluation.reasons import ReasonFigures, judge
from matching.evaluation.sets import load
from matching.types import Answer
from tests.evaluation.small import write_split
from tests.fakes.matching import HashEncoder

YES, PARTLY, NO = Answer


def test_precision_asks_of_what_was_told_and_recall_of_what_was_judged() -> None:
    figures = ReasonFigures(
        {(YES, YES): 6, (YES, PARTLY): 1, (YES, NO): 1, (PARTLY, YES): 2, (NO, YES): 1, (NO, NO): 4}
    )
    answers, nothing = figures.accuracy(YES), figures.accuracy(NO)
    assert figures.judged == 15
    assert (answers.precision.figure, answers.recall.figure) == pytest.approx((6 / 9, 6 / 8))
    assert (nothing.precision.figure, nothing.recall.figure) == pytest.approx((4 / 5, 4 / 5))


def test_the_matchers_reasons_are_held_against_the_judged_ones(tmp_path: Path) -> None:
    folder = write_split(tmp_path)
    needs = (
        (folder / "needs.jsonl")
        .read_text("utf-8")
        .replace('["safe"]', '["light for jaundice", "barrier gate"]')
    )
    (folder / "needs.jsonl").write_text(needs, encoding="utf-8")
    (folder / "reasons.tsv").write_text(
        "need_id\trequirement\ttech_id\tgrade\nN0\t1\tT0\tanswers\nN0\t2\tT0\tnothing-found\nN0\t1\tT1\tanswers\n",
        encoding="utf-8",
    )
    found = judge(load(folder), HashEncoder(256))
    assert found is not None
    assert {pair: count for pair, count in found.confusion.items() if count} == {
        (YES, YES): 1,
        (NO, NO): 1,
        (YES, NO): 1,
    }


def test_where_no_reason_is_judged_none_is_measured(tmp_path: Path) -> None:
    assert judge(load(write_split(tmp_path)), HashEncoder()) is None
