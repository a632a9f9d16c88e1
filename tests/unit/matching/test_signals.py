"""Coverage, late interaction and packing: values compared with the formula in plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matching.background import SIGNALS, standing
from matching.coverage import CoverageIndex, Language, Said, said
from matching.documents import technology_document
from matching.fingerprints import Fingerprint
from matching.late import Batch, Lens, Tokens
from matching.packing import Kept, pack, unpack
from matching.reading import Reader
from matching.settings import MatcherSettings
from matching.types import Kind, TokenRows
from tests.fakes.matching import HashEncoder

LANGUAGE = Language(
    texts={Kind.NEED: 10, Kind.TECHNOLOGY: 20},
    having={Kind.NEED: {"evidence": 9, "pump": 1}, Kind.TECHNOLOGY: {"evidence": 2, "pump": 4}},
    mean_length={Kind.NEED: 5.0, Kind.TECHNOLOGY: 4.0},
)


def test_coverage_is_the_share_of_one_side_times_the_saturation_of_the_other() -> None:
    need = said({"pump": 2.0, "evidence": 1.0}, Kind.NEED, LANGUAGE, 1.2, 0.75)
    technology = said({"pump": 1.0, "tube": 3.0}, Kind.TECHNOLOGY, LANGUAGE, 1.2, 0.75)
    index = CoverageIndex()
    index.upsert([("other", said({"wand": 1.0}, Kind.TECHNOLOGY, LANGUAGE, 1.2, 0.75)), ("t", technology)])
    there, back = index.coverage(need, index.snapshot())
    idf = LANGUAGE.idf
    weight = {
        term: count * idf(term, Kind.NEED) ** 0.5 * idf(term, Kind.TECHNOLOGY)
        for term, count in {"pump": 2.0, "evidence": 1.0}.items()
    }
    share = weight["pump"] / sum(weight.values())
    saturation = 1.0 * 2.2 / (1.0 + 1.2 * (1 - 0.75 + 0.75 * 4.0 / 4.0))
    row = index.snapshot().places["t"]
    assert there[row] == pytest.approx(share * saturation, rel=1e-5)
    assert back[row] == pytest.approx(technology.shares["pump"] * need.saturations["pump"], rel=1e-5)
    assert there[index.snapshot().places["other"]] == 0.0


def test_what_every_need_says_counts_for_less_than_what_few_say() -> None:
    shares = said({"pump": 1.0, "evidence": 1.0}, Kind.NEED, LANGUAGE, 1.2, 0.75).shares
    assert shares["pump"] > 2 * shares["evidence"]


def tokens(seed: int, count: int, width: int = 8) -> Tokens:
    chance = np.random.default_rng(seed)
    return Tokens(
        chance.integers(0, 50, count).astype(np.uint16),
        chance.integers(-127, 128, (count, width)).astype(np.int8),
    )


def lens() -> Lens:
    rarity = np.linspace(0.1, 5.0, 50, dtype=np.float32)
    return Lens(
        {kind: np.zeros(12, dtype=np.float32) for kind in Kind},
        np.eye(12, 8, dtype=np.float32),
        {Kind.NEED: rarity, Kind.TECHNOLOGY: rarity[::-1].copy()},
    )


def test_late_interaction_is_the_weighted_mean_of_the_best_token_both_ways() -> None:
    asker, others = tokens(1, 5), [tokens(2, 3), tokens(3, 7)]
    there, back = lens().echoes(asker, Kind.TECHNOLOGY, Batch.of(others))
    for at, one in enumerate(others):
        alike = one.vectors.astype(float) @ asker.vectors.astype(float).T / 127**2
        own = lens().rarity[Kind.TECHNOLOGY][asker.pieces]
        theirs = lens().rarity[Kind.NEED][one.pieces]
        assert there[at] == pytest.approx(float((alike.max(axis=0) * own).sum() / own.sum()), rel=1e-4)
        assert back[at] == pytest.approx(float((alike.max(axis=1) * theirs).sum() / theirs.sum()), rel=1e-4)


def test_tokens_that_tell_nothing_are_not_kept() -> None:
    pieces = np.array([0, 25, 49], dtype=np.uint16)  # the ends are common on one of the two sides
    rows = TokenRows(pieces, np.random.default_rng(0).standard_normal((3, 12)).astype(np.float32))
    assert lens().reduce([rows], Kind.NEED).pieces.tolist() == [25]


def packed(given: Tokens | None) -> Kept:
    found = np.arange(SIGNALS * 2, dtype=np.float32).reshape(SIGNALS, 2)
    what = Said({"naïve": 0.25, "concept:DNA:1": 0.75}, {"naïve": 1.5, "concept:DNA:1": 2.0})
    return Kept(found, given, what, b"12345678")


def test_what_was_packed_comes_back() -> None:
    given = tokens(4, 6)
    unpacked = unpack(pack(packed(given)))
    assert unpacked is not None
    assert (unpacked.standing == packed(None).standing).all()
    assert unpacked.tokens is not None
    assert (unpacked.tokens.pieces == given.pieces).all()
    assert (unpacked.tokens.vectors == given.vectors).all()
    assert (unpacked.said, unpacked.way) == (packed(None).said, b"12345678")
    without = unpack(pack(packed(None)))
    assert without is not None
    assert (without.tokens, without.said) == (None, packed(None).said)
    silent = unpack(pack(replace(packed(given), said=Said({}, {}))))
    assert silent is not None
    assert silent.said == Said({}, {})


def test_a_fingerprint_is_packed_too_and_what_was_packed_without_one_can_still_be_read() -> None:
    own = Fingerprint.of([(0, ["pump"]), (1, ["ward", "tube", "ward"]), (1, [])])
    for given in (tokens(4, 6), None):
        with_one = unpack(pack(replace(packed(given), fingerprint=own)))
        assert with_one is not None
        assert with_one.fingerprint is not None
        assert with_one.fingerprint.stems.tolist() == own.stems.tolist()
        assert with_one.fingerprint.sizes.tolist() == [1, 3, 0]
        assert with_one.fingerprint.passages.tolist() == [0, 1, 1]
        assert (with_one.said, with_one.tokens is None) == (packed(None).said, given is None)
        without = unpack(pack(packed(given)))
        assert without is not None
        assert without.fingerprint is None
    whole = pack(replace(packed(None), fingerprint=own))
    assert unpack(whole[:-1]) is None
    assert unpack(whole + b"0") is None


def test_words_that_were_stored_are_not_read_again_unless_they_were_weighed_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = technology_document(
        id="t", name="Falls mat", summary="A mat that tells staff of falls at night."
    )
    reader = Reader(HashEncoder(), MatcherSettings())
    (encoded,) = reader.encode([document])
    (other,) = Reader(HashEncoder(), MatcherSettings(k1=2.0)).encode([document])
    wanted = reader.said(document)
    assert reader.said_of(other).saturations == pytest.approx(wanted.saturations)
    monkeypatch.setattr(reader, "said", lambda _: pytest.fail("read again"))
    assert reader.said_of(encoded).shares == pytest.approx(wanted.shares, rel=1e-6)
    assert reader.said_of(encoded).saturations == pytest.approx(wanted.saturations, rel=1e-6)


@pytest.mark.parametrize("damaged", [None, b"", b"\x01", b"\x09" * 60, pack(packed(None))[:-1]])
def test_what_cannot_be_read_is_nothing(damaged: bytes | None) -> None:
    assert unpack(damaged) is None


def test_a_signal_without_spread_is_given_the_least_one() -> None:
    found = standing((np.zeros(4, dtype=np.float32), None, None, None, None))
    assert found[0].tolist() == pytest.approx([0.0, 0.01])
    assert np.isnan(found[1:]).all()
