"""The simple methods give what their formulas say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from matching.evaluation.baselines import Side, by_words, centred, late, ranked, rankings, standardised
from matching.glossary import Glossary, read
from matching.types import TokenRows
from tests.fakes.matching import HashEncoder


def rows(*values: tuple[float, ...]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def tokens(*values: tuple[float, ...]) -> TokenRows:
    return TokenRows(np.zeros(len(values), dtype=np.uint16), rows(*values))


def test_words_score_by_bm25_and_a_text_that_shares_none_is_not_returned() -> None:
    found = by_words(["lamp"], ["lamp lamp", "pump pump"])
    idf = math.log(1 + 1.5 / 1.5)
    assert found[0, 0] == pytest.approx(idf * 2 * 2.2 / (2 + 1.2), rel=1e-5)
    assert np.isnan(found[0, 1])
    assert [hit.id for hit in ranked(found, ["A"], ["T0", "T1"])["A"]] == ["T0"]


def test_ties_are_ordered_by_id() -> None:
    assert [hit.id for hit in ranked(rows((1.0, 2.0, 1.0)), ["A"], ["b", "c", "a"])["A"]] == ["c", "a", "b"]


def test_centring_takes_away_what_all_rows_share() -> None:
    assert centred(rows((3, 1), (1, 1))) == pytest.approx(rows((1, 0), (-1, 0)))
    assert centred(rows((3, 1))) == pytest.approx(rows((0, 0)))


def test_a_z_score_has_mean_nothing_and_spread_one_and_what_is_not_returned_counts_as_nothing() -> None:
    found = standardised(rows((4.0, np.nan, 2.0)))
    assert found[0] == pytest.approx([2 / math.sqrt(8 / 3), -2 / math.sqrt(8 / 3), 0.0])


def test_late_interaction_takes_the_best_token_and_corrects_for_texts_near_everything() -> None:
    # Centred, asker a has one token (1, 0) and asker b one (-1, 0); so have the texts.
    there, back = late([tokens((2, 1)), tokens((0, 1))], [tokens((1, 5)), tokens((-1, 5))])
    assert there == pytest.approx(rows((1, -1), (-1, 1)))
    assert back == pytest.approx(rows((1, -1), (-1, 1)))


def test_late_interaction_means_over_the_tokens_of_each_side() -> None:
    # Means are (0, 0): the asker's two tokens find 1 and 0, the text's only token finds 1; the other text mirrors it.
    asker, mirror = tokens((1, 0), (0, 1)), tokens((-1, 0), (0, -1))
    there, back = late([asker, mirror], [tokens((1, 0)), tokens((-1, 0))])
    # Before correction: there [[.5, -.5], [-.5, .5]], back [[1, 0], [0, 1]].
    assert there == pytest.approx(rows((0.5, -0.5), (-0.5, 0.5)), abs=1e-6)
    assert back == pytest.approx(rows((0.5, -0.5), (-0.5, 0.5)), abs=1e-6)


def test_abbreviations_are_spelled_out_for_the_keywords_of_that_method_alone() -> None:
    book = Glossary(read("forms,meaning,related,context,section\nLFT,liver function test,,,x\n"))
    asker = Side(("N",), ("LFT",), (book.spell_out("LFT"),), None, None)
    pool = Side(
        ("T0", "T1"),
        ("test of the liver function", "pump"),
        ("test of the liver function", "pump"),
        None,
        None,
    )
    found = rankings(asker, pool, None)
    assert found["keyword"]["N"] == []
    assert found["abbreviations"]["N"] == ["T0"]


def test_without_an_encoder_only_words_are_compared_and_with_one_every_method() -> None:
    book = Glossary([])
    side = Side(("A",), ("lamp",), ("lamp",), None, None)
    assert set(rankings(side, side, None)) == {"keyword", "abbreviations", "fusion"}
    vectors = HashEncoder(8).encode_documents(["lamp"])
    side = Side(("A",), ("lamp",), (book.spell_out("lamp"),), vectors, None)
    assert set(rankings(side, side, None)) == {
        "keyword",
        "abbreviations",
        "fusion",
        "dense",
        "centred",
        "sum",
    }
