"""Exhaustive inner-product search in memory with FAISS, for the embedded default up to about 100,000 documents.

Rebuilt at start from the vectors in the database, so that there is no index file to corrupt. Vectors are held in half
precision: half the memory, half the time of a search, which is spent reading them, and scores that are off by less
than 0.0005 (measured in docs/figures.md; the ranking steps compare the candidates anew).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from matching.adapters.numpy_index import check
from matching.types import Hit, Vector, Vectors

_SPARE = 16
"""Hits asked for beyond the limit, so that equal scores at the border are ordered by id."""

_HOLES = 1024
"""Rows of removed vectors are cleared when there are more than this many, and more than an eighth of all."""


class FaissIndex:
    """A flat FAISS index with ids of ours. Reads and writes take turns under one lock.

    Removing a row from FAISS moves all that follow (15 ms of 100,000), so rows that are gone are only left out of
    searches, and cleared many at a time.
    """

    def __init__(self, dimension: int = 0) -> None:
        """Make an empty index; without ``dimension`` the first vectors tell it, as only a loaded model knows."""
        self._faiss: Any = import_module("faiss")
        self._dimension = dimension
        self._index: Any = None
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._alive = np.zeros(0, dtype=bool)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store one row for each id, in place of what was there; raises ValueError on another shape."""
        with self._lock:
            check(ids, vectors, self._dimension or vectors.shape[-1])
            if not ids:
                return
            if self._index is None:
                self._dimension = int(vectors.shape[1])
                half = self._faiss.ScalarQuantizer.QT_fp16
                self._index = self._faiss.IndexScalarQuantizer(
                    self._dimension, half, self._faiss.METRIC_INNER_PRODUCT
                )
            self._drop(ids)
            self._rows.update(zip(ids, range(len(self._ids), len(self._ids) + len(ids)), strict=True))
            self._ids += ids
            self._alive = np.concatenate([self._alive, np.ones(len(ids), dtype=bool)])
            self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def remove(self, ids: Sequence[str]) -> None:
        """Drop ids; unknown ones are ignored."""
        with self._lock:
            self._drop(ids)

    def _drop(self, ids: Sequence[str]) -> None:
        self._alive[[row for key in ids if (row := self._rows.pop(key, None)) is not None]] = False
        gone = np.flatnonzero(~self._alive)
        if len(gone) > max(_HOLES, len(self._ids) // 8):
            self._index.remove_ids(self._faiss.IDSelectorBatch(gone))
            self._ids = [key for key, lives in zip(self._ids, self._alive, strict=True) if lives]
            self._rows = {key: row for row, key in enumerate(self._ids)}
            self._alive = np.ones(len(self._ids), dtype=bool)

    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Return at most ``limit`` hits, best inner product first, ties by id, filtered inside FAISS."""
        with self._lock:
            allowed = self._alive if among is None else self._chosen(among)
            available = int(allowed.sum())
            wanted = min(limit + _SPARE, available)
            if limit <= 0 or not wanted:
                return []
            parameters = None
            if available < len(self._ids):
                bits = np.packbits(allowed, bitorder="little")
                selector = self._faiss.IDSelectorBitmap(bits)
                parameters = self._faiss.SearchParameters(sel=selector)
            query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
            scores, found = self._index.search(query, wanted, params=parameters)
            hits = [
                Hit(self._ids[row], score)
                for row, score in zip(found[0].tolist(), scores[0].tolist(), strict=True)
                if row >= 0
            ]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]

    def _chosen(self, among: Collection[str]) -> npt.NDArray[np.bool_]:
        chosen = np.zeros(len(self._ids), dtype=bool)
        chosen[[row for key in among if (row := self._rows.get(key)) is not None]] = True
        return chosen
