"""Readable stand-ins for the heavy parts of the matcher."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from matching.text import normalise, stems
from matching.types import Vectors


class HashEncoder:
    """An `Encoder` without a model: each stem points in a fixed direction, and a text is the sum of its stems.

    Texts that share stems are near each other, others nearly at right angles; the same text gives the same
    vector on every machine. A text without words gets a fixed vector of its own.
    """

    name = "hash-encoder"
    max_tokens = 256

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension
        self.digest = f"hash-encoder-{dimension}"

    def count_tokens(self, text: str) -> int:
        return 2 + len(text.split())

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for stem in stems(normalise(text)) or ["(empty)"]:
                row += self._direction(stem)
            row /= np.linalg.norm(row)
        return rows

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode_documents(texts)

    def _direction(self, stem: str) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(stem.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.dimension, dtype=np.float32)


class DamagedEncoder(HashEncoder):
    """An encoder whose model cannot be loaded."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        from matching.errors import EncoderUnavailable

        raise EncoderUnavailable("The model could not be loaded.")
