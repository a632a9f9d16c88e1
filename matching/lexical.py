"""Keyword search over stems, in memory, with upserts that cost what they touch.

`BM25Index` is the usual formula (Robertson and Zaragoza 2009, with the idf of Lucene, which is never negative)::

    score(d, q) = sum over t of w(t) * ln(1 + (N - n(t) + 0.5) / (n(t) + 0.5))
                  * tf(t, d) * (k1 + 1) / (tf(t, d) + k1 * (1 - b + b * length(d) / mean length))

Postings lie in flat numpy arrays. bm25s does that too, and is as fast, but builds its matrix once and cannot
replace a document (docs/decisions/0009). Here documents lie in a few segments, each much larger than the next: news
makes a small one, and small ones are merged into larger ones as they grow (O'Neil and others 1996, the
log-structured merge-tree). Readers hold an immutable snapshot and never wait.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat

import numpy as np
import numpy.typing as npt

from matching.text import normalise, stems
from matching.types import Hit

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

_GROWTH = 8
"""A segment is merged with the one after it when it is less than this many times as large."""

_SPARSE = 1024
"""Rows are numbered anew when more than half of them, and more than this many, hold nothing any more."""

_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Posting:
    """One document: the numbers of its terms, what each counts in a search and looking back, and its length."""

    id: str
    terms: Ints
    values: Floats
    back: Floats
    length: float = 0.0


@dataclass(frozen=True)
class Segment:
    """Postings of several documents, laid out by term to be searched, and by document to be looked up.

    ``own`` holds the rows of the documents, ascending, and ``lengths`` their lengths. Those with term t are
    ``rows[starts[t]:starts[t + 1]]``; the terms of the document at ``own[i]`` are ``terms[begins[i]:begins[i + 1]]``.
    """

    serial: int
    own: Ints
    lengths: Floats
    starts: Places
    rows: Ints
    values: Floats
    begins: Places
    terms: Ints
    back: Floats

    @staticmethod
    def of(serial: int, documents: Sequence[tuple[int, Posting]], vocabulary: int) -> Segment:
        """Lay out (row, document) pairs over a vocabulary of so many terms."""
        documents = sorted(documents, key=lambda pair: pair[0])
        own = np.array([row for row, _ in documents], dtype=np.int32)
        sizes = np.array([len(document.terms) for _, document in documents])
        terms = np.concatenate([document.terms for _, document in documents])
        values = np.concatenate([document.values for _, document in documents])
        order = np.argsort(terms, kind="stable")
        return Segment(
            serial,
            own,
            np.array([document.length for _, document in documents], dtype=np.float32),
            _starts(np.bincount(terms, minlength=vocabulary)),
            np.repeat(own, sizes)[order],
            values[order],
            _starts(sizes),
            terms,
            np.concatenate([document.back for _, document in documents]),
        )

    @staticmethod
    def merged(serial: int, parts: Sequence[Segment], owner: Ints, vocabulary: int) -> Segment:
        """Lay out what several segments still own, without what was removed or replaced since."""
        kept = [owner[part.rows] == part.serial for part in parts]
        terms = np.concatenate([part.term_of_each()[keep] for part, keep in zip(parts, kept, strict=True)])
        # Timsort: a few sorted runs are merged in one pass.
        order = np.argsort(terms, kind="stable")
        rows = np.concatenate([part.rows[keep] for part, keep in zip(parts, kept, strict=True)])[order]
        values = np.concatenate([part.values[keep] for part, keep in zip(parts, kept, strict=True)])[order]
        living = [np.flatnonzero(owner[part.own] == part.serial) for part in parts]
        own = np.concatenate([part.own[at] for part, at in zip(parts, living, strict=True)])
        by_row = np.argsort(own, kind="stable")
        found = [part.of_documents(at) for part, at in zip(parts, living, strict=True)]
        sizes = np.concatenate([part[0] for part in found])
        forward = _slices(_starts(sizes)[:-1][by_row], sizes[by_row])
        return Segment(
            serial,
            own[by_row],
            np.concatenate([part.lengths[at] for part, at in zip(parts, living, strict=True)])[by_row],
            _starts(np.bincount(terms, minlength=vocabulary)),
            rows,
            values,
            _starts(sizes[by_row]),
            np.concatenate([part[1] for part in found])[forward],
            np.concatenate([part[2] for part in found])[forward],
        )

    def term_of_each(self) -> Ints:
        """Return the term of each posting, in their order."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    def postings(self, term: int) -> tuple[Ints, Floats]:
        """Return the rows that hold a term, and the value of each."""
        if term + 1 >= len(self.starts):
            return self.rows[:0], self.values[:0]
        start, end = self.starts[term], self.starts[term + 1]
        return self.rows[start:end], self.values[start:end]

    def of_documents(self, at: Places) -> tuple[Places, Ints, Floats]:
        """Return how many terms the documents at these places of ``own`` have, and all their terms and values."""
        sizes = self.begins[at + 1] - self.begins[at]
        chosen = _slices(self.begins[at], sizes)
        return sizes, self.terms[chosen], self.back[chosen]


def _starts(sizes: npt.NDArray[np.integer]) -> Places:
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def _slices(starts: Places, sizes: Places) -> Places:
    """Return the places of several slices one after another."""
    return np.repeat(starts - _starts(sizes)[:-1], sizes) + np.arange(int(sizes.sum()))


@dataclass(frozen=True)
class Snapshot:
    """What a reader sees. ``owner`` tells for each row the serial of the segment that speaks for it, or -1.

    ``ids`` gives the document of each row, and may have grown since; ``places`` the row of each document, and
    follows later changes: a document that is gone by now is found in the arrays and not in there.
    """

    segments: tuple[Segment, ...] = ()
    owner: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    ids: Sequence[str] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    count: int = 0

    @property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Return which rows hold a document."""
        living: npt.NDArray[np.bool_] = self.owner != _NOBODY
        return living

    def rows_of(self, ids: Iterable[str]) -> Places:
        """Return the row of each document, -1 for those that are not here."""
        found = np.fromiter(map(self.places.get, ids, repeat(_NOBODY)), dtype=np.int64)
        known = (found != _NOBODY) & (found < len(self.owner))
        known[known] = self.owner[found[known]] != _NOBODY
        return np.where(known, found, _NOBODY)


class Postings:
    """An inverted index whose documents can be replaced; changes take turns, readers use snapshots."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._snapshot = Snapshot()
        self._serial = 0
        self._lock = threading.Lock()

    def change(
        self, fresh: Sequence[tuple[str, Collection[str], Floats, Floats, float]], gone: Collection[str] = ()
    ) -> None:
        """Publish a snapshot without ``gone``, and with ``fresh`` in place of what had the same ids.

        ``fresh`` holds id, terms, the values of the terms in a search and looking back, and length. A removed
        document's row is never given to another one; an edited document keeps its row.
        """
        if len({one[0] for one in fresh}) != len(fresh):
            raise ValueError("each id may be given once")
        with self._lock:
            # Under the lock, as two writers could else give one number to two terms.
            documents = [
                Posting(key, self._number(terms), values, back, length)
                for key, terms, values, back, length in fresh
            ]
            self._change(documents, [key for key in gone if key in self._places])

    def _number(self, terms: Collection[str]) -> Ints:
        given = self.numbers
        return np.fromiter((given.setdefault(term, len(given)) for term in terms), np.int32, len(terms))

    def _change(self, fresh: Sequence[Posting], gone: Sequence[str]) -> None:
        if not fresh and not gone:
            return
        before = self._snapshot
        rows = []
        for posting in fresh:
            row = self._places.get(posting.id)
            if row is None:
                row = self._places[posting.id] = len(self._ids)
                self._ids.append(posting.id)
            rows.append(row)
        owner = np.full(len(self._ids), _NOBODY, dtype=np.int32)
        owner[: len(before.owner)] = before.owner
        owner[[self._places.pop(key) for key in gone]] = _NOBODY
        segments = list(before.segments)
        if fresh:
            self._serial += 1
            owner[rows] = self._serial
            segments.append(Segment.of(self._serial, list(zip(rows, fresh, strict=True)), len(self.numbers)))
        while len(segments) > 1 and len(segments[-2].own) < _GROWTH * len(segments[-1].own):
            segments[-2:] = [self._merged(segments[-2:], owner)]
        if len(self._ids) - len(self._places) > max(_SPARSE, len(self._places)):
            segments, owner = self._renumbered(self._merged(segments, owner), owner)
        self._snapshot = Snapshot(tuple(segments), owner, self._ids, self._places, len(self._places))

    def _merged(self, parts: Sequence[Segment], owner: Ints) -> Segment:
        self._serial += 1
        made = Segment.merged(self._serial, parts, owner, len(self.numbers))
        owner[made.own] = self._serial
        return made

    def _renumbered(self, whole: Segment, owner: Ints) -> tuple[list[Segment], Ints]:
        """Return the only segment with rows counted from 0 again; readers keep the lists that they have."""
        fresh = np.cumsum(owner != _NOBODY, dtype=np.int32) - 1
        self._ids = [self._ids[row] for row in whole.own]
        self._places = {key: row for row, key in enumerate(self._ids)}
        made = replace(whole, own=fresh[whole.own], rows=fresh[whole.rows])
        return [made], np.full(len(self._ids), whole.serial, dtype=np.int32)

    def snapshot(self) -> Snapshot:
        """Return what a reader sees now; later changes do not touch it."""
        return self._snapshot

    def total(self, weights: Mapping[str, float], seen: Snapshot) -> Floats:
        """Return for every row the sum of weight times value over the weighted terms; dead rows hold no meaning."""
        total = np.zeros(len(seen.owner), dtype=np.float32)
        numbers = [
            (self.numbers[term], np.float32(weight))
            for term, weight in weights.items()
            if term in self.numbers
        ]
        for segment in seen.segments:
            total[segment.own] = 0.0  # what older segments say of these documents is out of date
            for number, weight in numbers:
                rows, values = segment.postings(number)
                if len(rows):
                    np.add.at(total, rows, weight * values)
        return total

    def total_back(self, weights: Mapping[str, float], seen: Snapshot, rows: Places) -> Floats:
        """Return for each of ``rows`` the sum of weight times looking-back value over the weighted terms."""
        numbers = self.numbers
        by_term = np.zeros(len(numbers), dtype=np.float32)
        for term, weight in weights.items():
            number = numbers.get(term)
            if number is not None and number < len(by_term):
                by_term[number] = weight
        total = np.zeros(len(rows), dtype=np.float32)
        owners = seen.owner[rows]
        for segment in seen.segments:
            mine = np.flatnonzero(owners == segment.serial)
            if len(mine):
                sizes, terms, values = segment.of_documents(np.searchsorted(segment.own, rows[mine]))
                of = np.repeat(np.arange(len(mine)), sizes)
                total[mine] = np.bincount(of, by_term[terms] * values, minlength=len(mine))
        return total


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
            values = np.fromiter(counts.values(), np.float32, len(counts))
            fresh.append((key, counts, values, values, float(values.sum())))
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
        lengths = np.zeros(len(seen.owner), dtype=np.float32)
        for segment in seen.segments:
            lengths[segment.own] = segment.lengths
        mean = float(lengths[seen.alive].mean()) if seen.count else 1.0
        held_back = self._k1 * (1 - self._b + self._b * lengths / (mean or 1.0))
        total = np.zeros(len(seen.owner), dtype=np.float32)
        for term, weight in weights.items():
            number = self._postings.numbers.get(term)
            if number is None:
                continue
            having = [_living(segment, number, seen) for segment in seen.segments]
            idf = _idf(seen.count, sum(len(rows) for rows, _ in having))
            for rows, counts in having:
                total[rows] += weight * idf * counts * (self._k1 + 1) / (counts + held_back[rows])
        return total

    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Return at most ``limit`` documents that share a word with ``text``, best first, ties by id."""
        seen = self.snapshot()
        return best(seen, self.scores(Counter(stems(normalise(text))), seen), limit, among)


def _living(segment: Segment, term: int, seen: Snapshot) -> tuple[Ints, Floats]:
    """Return the postings of a term for which the segment still speaks."""
    rows, values = segment.postings(term)
    kept = seen.owner[rows] == segment.serial
    return rows[kept], values[kept]


def _idf(count: int, having: int) -> float:
    return float(np.log1p((count - having + 0.5) / (having + 0.5)))


def best(
    seen: Snapshot, scores: Floats, limit: int, among: Collection[str] | None = None, above: float = 0.0
) -> list[Hit]:
    """Return the ``limit`` best living rows of a snapshot that score more than ``above``, ties by id."""
    chosen = seen.alive & (scores > above)
    if among is not None:
        wanted = np.zeros(len(chosen), dtype=bool)
        rows = seen.rows_of(frozenset(among))
        wanted[rows[rows != _NOBODY]] = True
        chosen &= wanted
    if limit <= 0:
        return []
    found = np.flatnonzero(chosen)
    if len(found) > limit:
        # Of all rows at once: to gather those that are chosen would take longer than the search among them.
        values = np.where(chosen, scores, -np.inf)
        found = np.flatnonzero(values >= np.partition(values, len(values) - limit)[len(values) - limit])
    hits = [
        Hit(seen.ids[row], score) for row, score in zip(found.tolist(), scores[found].tolist(), strict=True)
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]
