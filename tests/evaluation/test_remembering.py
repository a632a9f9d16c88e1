from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matching.evaluation.methods import measure, run_matcher
from matching.evaluation.remembering import RememberingEncoder
from matching.evaluation.sets import load
from matching.protocols import TokenCounter, TokenEncoder
from matching.types import TokenRows, Vectors
from tests.fakes.matching import HashEncoder

DEV = Path(__file__).parent / "dev"


class CountingEncoder(HashEncoder):
    """Notes every text that it is asked to encode."""

    def __init__(self) -> None:
        super().__init__(64)
        self.asked: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return super().encode_documents(texts)


class TokenHashEncoder(CountingEncoder):
    """Also gives each word of a text as a token."""

    def encode_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[TokenRows]]:
        wholes = self.encode_documents(texts)
        rows = [super(CountingEncoder, self).encode_documents(text.split()) for text in texts]
        return wholes, [TokenRows(np.arange(len(one), dtype=np.uint16), one) for one in rows]


def test_no_text_is_encoded_twice_and_order_is_kept() -> None:
    real = CountingEncoder()
    encoder = RememberingEncoder(real)
    first = encoder.encode_documents(["lamp", "pump", "lamp"])
    second = encoder.encode_documents(["badge", "pump"])
    assert real.asked == ["lamp", "pump", "badge"]
    expected = HashEncoder(64).encode_documents(["lamp", "pump", "lamp", "badge", "pump"])
    assert np.array_equal(np.concatenate([first, second]), expected)


def test_the_pass_that_gave_the_tokens_gives_the_whole_too() -> None:
    real = TokenHashEncoder()
    encoder = RememberingEncoder(real)
    wholes, tokens = encoder.encode_tokens(["light at home", "pump"])
    assert np.array_equal(encoder.encode_documents(["pump", "light at home"]), wholes[::-1])
    assert [len(one.pieces) for one in tokens] == [3, 1]
    assert real.asked == ["light at home", "pump"]


def test_it_offers_tokens_and_counts_where_the_encoder_does() -> None:
    assert not isinstance(RememberingEncoder(HashEncoder()), TokenEncoder)
    assert isinstance(RememberingEncoder(HashEncoder()), TokenCounter)
    assert isinstance(RememberingEncoder(TokenHashEncoder()), TokenEncoder)


def test_measuring_again_encodes_nothing_again() -> None:
    real = CountingEncoder()
    encoder = RememberingEncoder(real)
    split = load(DEV)
    measured = measure(split, encoder)
    done = len(real.asked)
    again = run_matcher(split, encoder)
    assert len(real.asked) == done
    assert again.needs == measured.run.needs
