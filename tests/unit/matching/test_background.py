"""The shipped texts and what was made of them."""

from __future__ import annotations

from importlib import resources

import numpy as np

from matching.adapters.sentence_encoder import SentenceEncoder
from matching.background import COMPARED, WordsBackground, compared, content_digest, meaning_background, texts
from matching.settings import MatcherSettings
from matching.types import Kind
from tests.fakes.matching import HashEncoder


def test_the_shipped_file_was_made_of_the_shipped_texts_and_glossary() -> None:
    """If this fails, run ``python -m matching.background``: a stale file is left aside and starts take a minute."""
    file = resources.files("matching").joinpath("data/background.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
        assert str(kept["content"]) == content_digest()
        assert str(kept["encoder"]) == SentenceEncoder().digest


def test_the_packaged_model_needs_no_encoding_of_the_shipped_texts() -> None:
    encoder = SentenceEncoder()
    shipped = meaning_background(encoder, MatcherSettings())
    assert encoder._model is None
    assert shipped.lens is not None
    for kind in Kind:
        assert shipped.vectors[kind].shape == (COMPARED[kind], 384)
        assert len(shipped.tokens[kind].starts) == COMPARED[kind]
        assert np.linalg.norm(shipped.vectors[kind], axis=1).round(2).tolist() == [1.0] * COMPARED[kind]


def test_another_encoder_encodes_them_once() -> None:
    class Counting(HashEncoder):
        calls = 0

        def encode_documents(self, given):  # type: ignore[no-untyped-def]
            Counting.calls += 1
            return super().encode_documents(given)

    encoder = Counting(24)
    encoder.digest = "counting"
    first = meaning_background(encoder, MatcherSettings())
    assert meaning_background(encoder, MatcherSettings()) is first
    assert Counting.calls == len(Kind)


def test_texts_compared_are_different_ones_of_the_kind() -> None:
    for kind in Kind:
        chosen = [document.id for document in compared(kind)]
        assert len(set(chosen)) == COMPARED[kind]
        assert set(chosen) <= {document.id for document in texts()[kind]}


def test_words_that_every_need_says_are_common_and_rare_ones_rare() -> None:
    language = WordsBackground.of(MatcherSettings()).language
    assert language.idf("evid", Kind.NEED) < 1
    assert language.idf("evid", Kind.NEED) < language.idf("bilirubin", Kind.NEED)
