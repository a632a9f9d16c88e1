"""The real model: its identity, its published similarities, and what happens without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matching.adapters import sentence_encoder
from matching.adapters.sentence_encoder import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PACKAGED_WEIGHTS_SHA256,
    SentenceEncoder,
    batches,
)
from matching.errors import EncoderUnavailable


@pytest.mark.model
def test_the_packaged_model_gives_the_similarities_of_its_model_card() -> None:
    encoder = SentenceEncoder(adapted=False)
    rows = encoder.encode_documents(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    assert rows.dtype == np.float32
    assert rows.shape == (3, encoder.dimension)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert [rows[0] @ rows[1], rows[0] @ rows[2], rows[1] @ rows[2]] == pytest.approx(
        [0.6660, 0.1046, 0.1411], abs=1e-3
    )


@pytest.mark.model
def test_tokens_are_counted_by_the_model_itself() -> None:
    encoder = SentenceEncoder()
    assert encoder.max_tokens == 256
    assert encoder.count_tokens("hello world") == 4


def test_the_identity_of_the_packaged_model_needs_no_loading() -> None:
    encoder = SentenceEncoder()
    assert len(encoder.digest) == len(PACKAGED_WEIGHTS_SHA256)
    assert (encoder.name, encoder.dimension, encoder.digest) == (
        "all-MiniLM-L6-v2",
        384,
        encoder.digest,
    )
    assert encoder._model is None
    assert SentenceEncoder(adapted=False).digest == PACKAGED_WEIGHTS_SHA256


def test_a_missing_model_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="no weights"):
        SentenceEncoder(str(tmp_path)).encode_queries(["x"])


def test_weights_that_are_not_the_expected_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"changed")
    with pytest.raises(EncoderUnavailable, match="not the expected ones"):
        SentenceEncoder(str(tmp_path), weights_sha256="0" * 64).encode_queries(["x"])


def test_a_damaged_model_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EncoderUnavailable, match="could not be loaded"):
        SentenceEncoder(str(tmp_path)).encode_queries(["x"])


def test_texts_go_to_the_model_in_batches_of_like_length() -> None:
    counts = [5, 200, 6, 5, 190, 45]
    assert batches(counts) == [[0, 3, 2, 5], [4, 1]]
    found = batches([40] * 100)
    assert sorted(place for batch in found for place in batch) == list(range(100))
    assert max(len(batch) for batch in found) * 40 <= 2048
    assert batches([]) == []
    assert batches([2000]) == [[0]]


@pytest.mark.model
def test_rows_and_tokens_come_back_in_the_order_of_the_texts_whatever_the_batches() -> None:
    encoder = SentenceEncoder()
    texts = ["Falls at night. " * 30, "A mat.", "", "Wound care in care homes for older people.", "A mat."]
    rows, tokens = encoder.encode_tokens(texts)
    alone = [encoder.encode_tokens([text]) for text in texts]
    assert np.abs(rows - np.concatenate([one[0] for one in alone])).max() < 1e-5
    assert np.abs(rows - encoder.encode_documents(texts)).max() < 1e-5
    for found, (_, (wanted,)) in zip(tokens, alone, strict=True):
        assert found.pieces.tolist() == wanted.pieces.tolist()
        assert np.abs(found.vectors - wanted.vectors).max(initial=0.0) < 1e-4


@pytest.mark.model
def test_rows_are_those_of_the_models_own_encode() -> None:
    encoder = SentenceEncoder()
    texts = ["Falls at night. " * 200, "A mat.", "", "Wound care in care homes for older people."]
    rows = encoder.encode_documents(texts)
    bare = encoder._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(rows - bare).max() < 1e-5


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the clock that the encoder sees, in seconds, as a list of one."""
    now = [1000.0]
    monkeypatch.setattr(sentence_encoder.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SentenceEncoder, list[str]]:
    """Return an encoder whose weights are damaged, and the weights that it has looked at."""
    (tmp_path / "model.safetensors").write_bytes(b"changed")
    looked: list[str] = []
    whole = sentence_encoder.weights_digest

    def look(folder: Path) -> str:
        looked.append(folder.name)
        return whole(folder)

    monkeypatch.setattr(sentence_encoder, "weights_digest", look)
    return SentenceEncoder(str(tmp_path), weights_sha256="0" * 64), looked


def ask(encoder: SentenceEncoder, times: int) -> None:
    for _ in range(times):
        with pytest.raises(EncoderUnavailable, match="not the expected ones"):
            encoder.encode_queries(["x"])


def test_a_damaged_model_is_not_tried_again_at_each_search_but_after_growing_pauses(
    damaged: tuple[SentenceEncoder, list[str]], moments: list[float]
) -> None:
    encoder, looked = damaged
    tries = []
    for pause in (0.0, 9.0, 2.0, 19.0, 2.0, 300.0):
        moments[0] += pause
        ask(encoder, 3)
        tries.append(len(looked))
    assert tries == [1, 1, 2, 2, 3, 4]
    for _ in range(10):
        moments[0] += LONGEST_PAUSE
        ask(encoder, 1)
    assert len(looked) == 14


def test_a_damaged_model_is_told_once_in_the_log_and_in_its_fault(
    damaged: tuple[SentenceEncoder, list[str]], moments: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    encoder, _ = damaged
    assert encoder.fault == ""
    for _ in range(3):
        ask(encoder, 2)
        moments[0] += LONGEST_PAUSE
    assert [record.message for record in caplog.records] == ["The encoder could not be loaded"]
    assert "are not the expected ones" in encoder.fault


def test_a_model_that_was_put_right_is_used_after_the_pause_and_told(
    damaged: tuple[SentenceEncoder, list[str]],
    moments: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder, _ = damaged
    ask(encoder, 1)
    monkeypatch.setattr(encoder, "_load", Loaded)
    ask(encoder, 1)
    moments[0] += FIRST_PAUSE
    assert encoder.dimension == 4
    assert encoder.fault == ""
    assert caplog.records[-1].getMessage().endswith("is back")


class Loaded:
    """What a loaded model looks like to the encoder."""

    def get_embedding_dimension(self) -> int:
        return 4
