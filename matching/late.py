"""Late interaction: compare two texts token by token (Khattab and Zaharia 2020, ColBERT), with the packaged model.

For each token of one text the most similar token of the other is looked up, and the mean over tokens, weighted by
how rare they are, says how far the first text is echoed in the second. Three things make that work with a model that
was not trained for it: what all tokens of a kind have in common is taken away, vectors are cut to their 96 main
directions and eight bits (an eighth of a percent in ranking quality, a sixteenth of the memory), and the result
is judged against texts that were not meant for each other (`matching.background`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.adapters.int8 import products
from matching.lexical import Floats
from matching.types import Kind, TokenRows

COMMON = 0.5
"""Rarity up to which a token (full stop, "the", "and") tells nothing and is not kept: a third of all of them."""

_SCALE = np.float32(1 / 127**2)
"""What the product of two vectors in bytes is a multiple of."""

MOST_TOKENS = 512
"""Tokens kept of one document."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text: their numbers in the vocabulary, and int8 vectors of shape (tokens, directions)."""

    pieces: npt.NDArray[np.uint16]
    vectors: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Batch:
    """The tokens of several texts side by side, text by text from ``starts`` on."""

    pieces: npt.NDArray[np.uint16]
    vectors: npt.NDArray[np.int8]
    starts: npt.NDArray[np.int64]

    @staticmethod
    def of(texts: Sequence[Tokens]) -> Batch:
        """Lay out texts, each of which has at least one token."""
        starts = np.cumsum([0, *(len(text.pieces) for text in texts[:-1])])
        vectors = np.concatenate([text.vectors for text in texts])
        return Batch(np.concatenate([text.pieces for text in texts]), vectors, starts)


@dataclass(frozen=True, slots=True)
class Lens:
    """What token vectors are seen through: the mean of each kind, the main directions, and how rare each piece is.

    ``means`` (dimension,), ``directions`` (dimension, kept), ``rarity`` (vocabulary,) for each kind.
    """

    means: Mapping[Kind, Floats]
    directions: Floats
    rarity: Mapping[Kind, Floats]

    def reduce(self, rows: Sequence[TokenRows], kind: Kind) -> Tokens:
        """Return the tokens of one text of ``kind``, given in one or several pieces, centred and cut down."""
        pieces = np.concatenate([one.pieces for one in rows])
        telling = np.flatnonzero(np.minimum(*self.rarity.values())[pieces] > COMMON)[:MOST_TOKENS]
        if not len(telling):
            telling = np.arange(min(len(pieces), MOST_TOKENS))
        pieces = pieces[telling]
        vectors = np.concatenate([one.vectors for one in rows])[telling] - self.means[kind]
        seen = _unit(_unit(vectors) @ self.directions)
        return Tokens(pieces, np.rint(seen * 127).astype(np.int8))

    def echoes(
        self,
        asker: Tokens,
        kind: Kind,
        others: Batch,
        among: Kind | None = None,
        joined: npt.NDArray[np.intp] | None = None,
    ) -> tuple[Floats, Floats]:
        """Return how far each of ``others``, of ``kind``, echoes the asker, and how far the asker echoes it.

        The asker is of the other kind, or of kind ``among``: a token counts by how rare it is on the other's side.
        With ``joined``, rows of places, each row of others is read as one text.
        """
        starts = others.starts
        # A row for each of the asker's tokens: what is then taken from it lies side by side in memory.
        alike = products(asker.vectors, others.vectors)
        own = self.rarity[kind][asker.pieces]
        nearest = np.maximum.reduceat(alike, starts, axis=1).astype(np.float32) * _SCALE
        weights = self.rarity[among or kind.other][others.pieces]
        total = np.add.reduceat(weights, starts)
        echoed = np.add.reduceat(alike.max(axis=0) * _SCALE * weights, starts)
        if joined is not None:
            nearest = nearest[:, joined].max(axis=2)
            total, echoed = total[joined].sum(axis=1), echoed[joined].sum(axis=1)
        there = (own / (own.sum() or 1.0)) @ nearest
        back = echoed / np.where(total, total, 1.0)
        return there.astype(np.float32), back.astype(np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths, lengths, 1.0)).astype(np.float32)
