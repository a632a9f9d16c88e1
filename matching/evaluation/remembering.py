"""Encode no text twice, however many methods and ablations ask for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np

from matching.protocols import Encoder, TokenCounter, TokenEncoder
from matching.types import TokenRows, Vector, Vectors

Made = TypeVar("Made")


class RememberingEncoder:
    """An `Encoder` that keeps all it has made, about 200 kB for each text; for one run of one evaluation.

    It counts and gives tokens if the encoder behind it does. The vector of a whole text is taken from the pass that
    gave its tokens, if there was one.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._wholes: dict[str, Vector] = {}
        self._queries: dict[str, Vector] = {}
        self._tokens: dict[str, tuple[Vector, TokenRows]] = {}
        # Set here and not in the class: the matcher asks whether an encoder has these.
        if isinstance(encoder, TokenCounter):
            self.count_tokens = encoder.count_tokens
            self.max_tokens = encoder.max_tokens
        if isinstance(encoder, TokenEncoder):
            self._tokens_of = encoder.encode_tokens
            self.encode_tokens = self._remembered_tokens

    @property
    def name(self) -> str:
        """Return the name of the encoder behind it."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""
        return self._encoder.dimension

    @property
    def digest(self) -> str:
        """Return the digest of the encoder behind it: the vectors are its own."""
        return self._encoder.digest

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length one for each text."""
        for text in texts:
            if text in self._tokens:
                self._wholes[text] = self._tokens[text][0]
        return self._stacked(remembered(self._wholes, texts, self._encoder.encode_documents))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one row of length one for each text."""
        return self._stacked(remembered(self._queries, texts, self._encoder.encode_queries))

    def _remembered_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[TokenRows]]:
        def make(missing: Sequence[str]) -> list[tuple[Vector, TokenRows]]:
            return list(zip(*self._tokens_of(missing), strict=True))

        made = remembered(self._tokens, texts, make)
        return self._stacked([whole for whole, _ in made]), [tokens for _, tokens in made]

    def _stacked(self, rows: Sequence[Vector]) -> Vectors:
        return np.stack(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)


Key = TypeVar("Key", bound=Hashable)


def remembered(
    known: dict[Key, Made], wanted: Sequence[Key], make: Callable[[list[Key]], Iterable[Made]]
) -> list[Made]:
    """Return what belongs to each key, and make in one go what is not yet known."""
    missing = [key for key in dict.fromkeys(wanted) if key not in known]
    if missing:
        known.update(zip(missing, make(missing), strict=True))
    return [known[key] for key in wanted]
