"""Keyword search over stems, in memory, with upserts that cost what they touch.

`BM25Index` is the usual formula (Robertson and Zaragoza 2009, with the idf of Lucene, which is never negative)::

    score(d, q) = sum over t of w(t) * ln(1 + (N - n(t) + 0.5) / (n(t) + 0.5))
                  * tf(t, d) * (k1 + 1) / (tf(t, d) + k1 * (1 - b + b * length(d) / mean length))

bm25s, which the stack names, builds its matrix once and cannot replace a document, so only its idea is used:
postings in flat numpy arrays. Documents live in two segments: a large one, and a small one that takes the news
and is merged when it has grown. Readers hold an immutable snapshot and never wait.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from matching.text import normalise, stems
from matching.types import Hit

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

_MERGE_AT = 256
"""The small segment is merged when it holds this many documents and an eighth of the large one."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One document: the numbers of its terms, one row of values for each, and its length."""

    id: str
    terms: Ints
    values: Floats
    length: float = 0.0


@dataclass(frozen=True)
class Segment:
    """Postings of several documents, ordered by term: those of term t are at starts[t]:starts[t + 1]."""

    documents: tuple[Posting, ...] = ()
    starts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    rows: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    values: Floats = field(default_factory=lambda: np.zeros((0, 2), dtype=np.float32))
    lengths: Floats = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    @staticmethod
    def of(documents: Sequence[Posting], terms: int) -> Segment:
        """Lay out ``documents`` by term, of which ``terms`` are known."""
        if not documents:
            return Segment()
        sizes = [len(document.terms) for document in documents]
        all_terms = np.concatenate([document.terms for document in documents])
        order = np.argsort(all_terms, kind="stable")
        rows = np.repeat(np.arange(len(documents), dtype=np.int32), sizes)[order]
        values = np.concatenate([document.values for document in documents])[order]
        starts = np.zeros(terms + 1, dtype=np.int64)
        np.cumsum(np.bincount(all_terms, minlength=terms), out=starts[1:])
        lengths = np.array([document.length for document in documents], dtype=np.float32)
        return Segment(tuple(documents), starts, rows, values, lengths)

    def postings(self, term: int) -> tuple[Ints, Floats]:
        """Return the rows that hold a term, and their values of shape (rows, values)."""
        if term + 1 >= len(self.starts):
            return self.rows[:0], self.values[:0]
        start, end = self.starts[term], self.starts[term + 1]
        return self.rows[start:end], self.values[start:end]


@dataclass(frozen=True)
class Snapshot:
    """What a reader sees: ids in row order (large segment first), and which rows are alive."""

    large: Segment
    small: Segment
    ids: npt.NDArray[np.object_]
    alive: npt.NDArray[np.bool_]
    places: Mapping[str, int]
    mean_length: float

    @property
    def count(self) -> int:
        """Return the number of documents that are alive."""
        return len(self.places)


_EMPTY = Snapshot(Segment(), Segment(), np.zeros(0, dtype=object), np.zeros(0, dtype=bool), {}, 1.0)


class Postings:
    """An inverted index whose documents can be replaced; changes take turns, readers use snapshots."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._snapshot = _EMPTY
        self._lock = threading.Lock()

    def number(self, terms: Collection[str]) -> Ints:
        """Return the number of each term, new ones for those not seen before."""
        given = self.numbers
        # setdefault is atomic, so that two writers never give two numbers to a term.
        return np.fromiter(
            (given.setdefault(term, len(given)) for term in terms), dtype=np.int32, count=len(terms)
        )

    def change(self, fresh: Sequence[Posting], gone: Collection[str] = ()) -> None:
        """Publish a snapshot without ``gone`` and with ``fresh`` in place of what had the same ids."""
        if len({posting.id for posting in fresh}) != len(fresh):
            raise ValueError("each id may be given once")
        with self._lock:
            self._change(fresh, {*gone, *(posting.id for posting in fresh)})

    def _change(self, fresh: Sequence[Posting], gone: set[str]) -> None:
        before = self._snapshot
        split = len(before.large.documents)
        if not fresh and not any(key in before.places for key in gone):
            return
        small = [
            document
            for row, document in enumerate(before.small.documents, start=split)
            if before.alive[row] and document.id not in gone
        ] + list(fresh)
        alive_large = before.alive[:split].copy()
        for key in gone:
            row = before.places.get(key, split)
            if row < split:
                alive_large[row] = False
        if len(small) >= max(_MERGE_AT, split // 8):
            kept = [doc for doc, lives in zip(before.large.documents, alive_large, strict=True) if lives]
            large = Segment.of([*kept, *small], len(self.numbers))
            alive_large = np.ones(len(large.documents), dtype=bool)
            small = []
        else:
            large = before.large
        tail = Segment.of(small, len(self.numbers))
        alive = np.concatenate([alive_large, np.ones(len(small), dtype=bool)])
        documents = (*large.documents, *small)
        ids = np.array([document.id for document in documents], dtype=object)
        places = {document.id: row for row, document in enumerate(documents) if alive[row]}
        lengths = np.concatenate([large.lengths, tail.lengths])[alive]
        mean = float(lengths.mean()) if len(lengths) else 1.0
        self._snapshot = Snapshot(large, tail, ids, alive, places, mean or 1.0)

    def snapshot(self) -> Snapshot:
        """Return what a reader sees now; later changes do not touch it."""
        return self._snapshot


class BM25Index:
    """Best documents by their words: `matching.protocols.LexicalIndex`."""

    def __init__(self, k1: float = 1.2, b: float = 0.75) -> None:
        self._k1 = k1
        self._b = b
        self._postings = Postings()

    def __len__(self) -> int:
        return self._postings.snapshot().count

    def upsert(self, documents: Sequence[tuple[str, str]]) -> None:
        """Index (id, text) pairs, in place of what was there; raises ValueError where an id comes twice."""
        fresh = []
        for key, text in documents:
            counts = Counter(stems(normalise(text)))
            values = np.fromiter(counts.values(), dtype=np.float32, count=len(counts)).reshape(-1, 1)
            fresh.append(Posting(key, self._postings.number(counts), values, float(values.sum())))
        self._postings.change(fresh)

    def remove(self, ids: Sequence[str]) -> None:
        """Drop ids; unknown ones are ignored."""
        self._postings.change([], ids)

    def snapshot(self) -> Snapshot:
        """Return what a reader sees now; later changes do not touch it."""
        return self._postings.snapshot()

    def scores(self, weights: Mapping[str, float], snapshot: Snapshot | None = None) -> Floats:
        """Return the score of every row of the snapshot for weighted query terms; dead rows hold no meaning."""
        seen = self.snapshot() if snapshot is None else snapshot
        total = np.zeros(len(seen.ids), dtype=np.float32)
        split = len(seen.large.documents)
        for term, weight in weights.items():
            number = self._postings.numbers.get(term)
            if number is None:
                continue
            rows, _ = seen.large.postings(number)
            late, _ = seen.small.postings(number)
            idf = _idf(seen.count, int(seen.alive[rows].sum()) + len(late))
            for segment, part in ((seen.large, total[:split]), (seen.small, total[split:])):
                rows, values = segment.postings(number)
                counts = values[:, 0]
                held_back = 1 - self._b + self._b * segment.lengths[rows] / seen.mean_length
                part[rows] += weight * idf * counts * (self._k1 + 1) / (counts + self._k1 * held_back)
        return total

    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Return at most ``limit`` documents that share a word with ``text``, best first, ties by id."""
        seen = self.snapshot()
        return best(seen, self.scores(Counter(stems(normalise(text))), seen), limit, among)


def _idf(count: int, having: int) -> float:
    return float(np.log1p((count - having + 0.5) / (having + 0.5)))


def best(
    seen: Snapshot, scores: Floats, limit: int, among: Collection[str] | None = None, above: float = 0.0
) -> list[Hit]:
    """Return the ``limit`` best living rows of a snapshot that score more than ``above``, ties by id."""
    chosen = seen.alive & (scores > above)
    if among is not None:
        wanted = np.zeros(len(chosen), dtype=bool)
        wanted[[seen.places[key] for key in frozenset(among) if key in seen.places]] = True
        chosen &= wanted
    rows = np.flatnonzero(chosen)
    if limit <= 0 or not len(rows):
        return []
    if len(rows) > limit:
        border = np.partition(scores[rows], len(rows) - limit)[len(rows) - limit]
        rows = rows[scores[rows] >= border]
    hits = [Hit(str(seen.ids[row]), float(scores[row])) for row in rows]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]
