"""Exact inner-product search in memory with FAISS, for the embedded default up to about 100,000 documents.

Rebuilt at start from the vectors in the database, so that there is no index file to corrupt.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from matching.adapters.numpy_index import check
from matching.types import Hit, Vector, Vectors

_SPARE = 16
"""Hits asked for beyond the limit, so that equal scores at the border are ordered by id."""


class FaissIndex:
    """A flat FAISS index with ids of ours. Reads and writes take turns under one lock.

    FAISS's own ``add_with_ids`` leaves two rows for a known id and a search pads with -1; neither gets out.
    """

    def __init__(self, dimension: int = 0) -> None:
        """Make an empty index; without ``dimension`` the first vectors tell it, as only a loaded model knows."""
        self._faiss: Any = import_module("faiss")
        self._dimension = dimension
        self._index: Any = None
        self._numbers: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._next = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._numbers)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store one row for each id, in place of what was there; raises ValueError on another shape."""
        with self._lock:
            check(ids, vectors, self._dimension or vectors.shape[-1])
            if not ids:
                return
            if self._index is None:
                self._dimension = int(vectors.shape[1])
                self._index = self._faiss.IndexIDMap2(self._faiss.IndexFlatIP(self._dimension))
            self._drop(ids)
            numbers = range(self._next, self._next + len(ids))
            self._next += len(ids)
            self._index.add_with_ids(
                np.ascontiguousarray(vectors, dtype=np.float32), np.fromiter(numbers, dtype=np.int64)
            )
            for key, number in zip(ids, numbers, strict=True):
                self._numbers[key] = number
                self._ids[number] = key

    def remove(self, ids: Sequence[str]) -> None:
        """Drop ids; unknown ones are ignored."""
        with self._lock:
            self._drop(ids)

    def _drop(self, ids: Sequence[str]) -> None:
        gone = [number for key in dict.fromkeys(ids) if (number := self._numbers.pop(key, None)) is not None]
        if gone:
            self._index.remove_ids(np.array(gone, dtype=np.int64))
            for number in gone:
                del self._ids[number]

    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Return at most ``limit`` hits, best inner product first, ties by id, filtered inside FAISS."""
        with self._lock:
            parameters = None
            available = len(self._numbers)
            if among is not None:
                numbers = [self._numbers[key] for key in frozenset(among) if key in self._numbers]
                available = len(numbers)
                selector = self._faiss.IDSelectorBatch(np.array(numbers, dtype=np.int64))
                parameters = self._faiss.SearchParameters(sel=selector)
            wanted = min(limit + _SPARE, available)
            if limit <= 0 or not wanted:
                return []
            query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
            scores, found = self._index.search(query, wanted, params=parameters)
            hits = [
                Hit(self._ids[number], float(score))
                for number, score in zip(found[0].tolist(), scores[0].tolist(), strict=True)
                if number in self._ids
            ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]
