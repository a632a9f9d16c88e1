"""The documents of one kind that are held in memory: how each reads, where it stands, and the indexes over them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matching.background import Standing
from matching.coverage import CoverageIndex, Said
from matching.lexical import Floats, Snapshot
from matching.protocols import VectorIndex
from matching.shelf import Compared, Held, Quoted, Shelf
from matching.types import Document, Vector

_PRIOR = 200
"""The shipped mean counts as much as this many documents of the register."""

_AT_ONCE = 1000
"""Records that are put away together: some 13 MB."""

_WASTE_FROM = 64 * 2**20
"""Bytes on the shelf from which it is looked at how much of it nobody asks for any more."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one document; ``held`` tells where the larger part of it is."""

    document: Document
    whole: Vector | None
    standing: Standing
    held: Held

    def compared(self) -> Compared:
        """Return what it is compared by one by one; of a registered document it is read from disk."""
        return self.held.compared(self.document)

    def quoted(self) -> Quoted:
        """Return what may be quoted from it; of a registered document it is read from disk."""
        return self.held.quoted()


@dataclass(frozen=True, slots=True)
class View:
    """What one reader sees, from its beginning to its end: later changes do not touch it."""

    records: Mapping[str, Record]
    words: Snapshot


class Register:
    """Records with their keyword and vector indexes; one lock keeps writers apart, readers never wait."""

    def __init__(self, index: VectorIndex | None) -> None:
        self.words = CoverageIndex()
        self.index = index
        self.records: Mapping[str, Record] = {}
        self.with_vector = 0
        self._shelf = Shelf()
        self._living = 0
        self._sum: Floats | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.records)

    @property
    def on_disk(self) -> int:
        """Return how many bytes of what is registered lie in a temporary file."""
        return self._living

    def view(self) -> View:
        """Return what is there now. A document added in between may be in one part and not in the other."""
        return View(self.records, self.words.snapshot())

    def add(self, fresh: Mapping[str, Record], what: Mapping[str, Said]) -> None:
        """Put records in, in place of those with the same ids, with what each of them says."""
        with self._lock:
            self._count(fresh)
            self._shelve({**self.records, **fresh}, fresh, fresh.keys())
            self.words.upsert(list(what.items()))
            if self.index is not None:
                whole = {key: record.whole for key, record in fresh.items() if record.whole is not None}
                self.index.remove([key for key in fresh if key not in whole])
                if whole:
                    self.index.upsert(list(whole), np.stack(list(whole.values())))

    def forget(self, ids: Sequence[str]) -> None:
        """Drop documents; unknown ids are ignored."""
        with self._lock:
            gone = set(ids)
            self._count({}, gone)
            self._shelve({key: record for key, record in self.records.items() if key not in gone}, {}, gone)
            self.words.remove(ids)
            if self.index is not None:
                self.index.remove(ids)

    def _shelve(self, records: dict[str, Record], fresh: Mapping[str, Record], gone: Collection[str]) -> None:
        """Publish records without the ``gone``, and with what is held of the ``fresh`` put away.

        All are put on another shelf once most of what lies there is waste.
        """
        self._living -= sum(record.held.size for key in gone if (record := self.records.get(key)) is not None)
        if self._shelf.size > _WASTE_FROM and self._shelf.size > 2 * self._living:
            self._shelf, fresh, self._living = Shelf(), records, 0
        keys = list(fresh)
        for start in range(0, len(keys), _AT_ONCE):
            some = [fresh[key] for key in keys[start : start + _AT_ONCE]]
            put = self._shelf.put([(one.compared(), one.quoted()) for one in some])
            for key, record, held in zip(keys[start:], some, put, strict=False):
                records[key] = replace(record, held=held)
                self._living += held.size
        self.records = records

    def _count(self, fresh: Mapping[str, Record], gone: Collection[str] = ()) -> None:
        """Keep the sum of all whole vectors, from which the mean for centring comes."""
        for key in {*fresh, *gone}:
            for record, sign in ((self.records.get(key), -1), (fresh.get(key), 1)):
                if record is not None and record.whole is not None:
                    total = np.zeros_like(record.whole) if self._sum is None else self._sum
                    self._sum = total + sign * record.whole
                    self.with_vector += sign

    def mean(self, shipped: Floats) -> Floats:
        """Return the mean of the register's own vectors, leaning on the shipped one while there are few."""
        if self._sum is None:
            return shipped
        mean: Floats = ((self._sum + _PRIOR * shipped) / (self.with_vector + _PRIOR)).astype(np.float32)
        return mean
