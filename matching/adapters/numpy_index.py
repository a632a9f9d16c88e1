"""Exact search with numpy alone: the oracle that every other vector index is compared with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from matching.types import Hit, Vector, Vectors


class NumpyIndex:
    """A dictionary of vectors, searched one after another."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._vectors: dict[str, Vector] = {}

    def __len__(self) -> int:
        return len(self._vectors)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store one row for each id, in place of what was there; raises ValueError on another shape."""
        check(ids, vectors, self._dimension)
        self._vectors = self._vectors | {key: row.copy() for key, row in zip(ids, vectors, strict=True)}

    def remove(self, ids: Sequence[str]) -> None:
        """Drop ids; unknown ones are ignored."""
        gone = set(ids)
        self._vectors = {key: row for key, row in self._vectors.items() if key not in gone}

    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Return at most ``limit`` hits, best inner product first, ties by id."""
        wanted = None if among is None else frozenset(among)
        hits = [
            Hit(key, float(np.dot(row, vector)))
            for key, row in self._vectors.items()
            if wanted is None or key in wanted
        ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[: max(limit, 0)]


def check(ids: Sequence[str], vectors: Vectors, dimension: int) -> None:
    """Refuse rows that do not fit the ids or the index."""
    if vectors.shape != (len(ids), dimension):
        raise ValueError(f"{len(ids)} ids need vectors of shape {(len(ids), dimension)}, not {vectors.shape}")
    if len(set(ids)) != len(ids):
        raise ValueError("each id may be given once")
