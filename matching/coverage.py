"""How much of what one side says the other side says too, both ways.

The share of an asker's words that a candidate says::

    coverage(a -> c) = sum over t of share(t, a) * saturation(t, c)
    share(t, a)      = w(t, a) / sum of w(., a),   w(t, a) = tf(t, a) * idf_own(t)^0.5 * idf_other(t)
    saturation(t, c) = tf(t, c) * (k1 + 1) / (tf(t, c) + k1 * (1 - b + b * length(c) / mean length))

It is BM25 divided by the asker's weight, with two differences. A word counts by how rare it is on both sides, so
that what every need says ("we want evidence on cost") is not a reason for anything. And rarity comes from texts
that are shipped (`matching.background`), not from the register: the score of a pair does not change when
somebody else lists something.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.lexical import Floats, Places, Postings, Snapshot
from matching.types import Kind


@dataclass(frozen=True, slots=True)
class Language:
    """How often terms stand in shipped texts of each kind: ``texts`` says of how many."""

    texts: Mapping[Kind, int]
    having: Mapping[Kind, Mapping[str, int]]
    mean_length: Mapping[Kind, float]

    def idf(self, term: str, kind: Kind) -> float:
        """Return how rare a term is among texts of one kind, by Lucene's formula; unknown terms are the rarest."""
        having = self.having[kind].get(term, 0)
        return math.log1p((self.texts[kind] - having + 0.5) / (having + 0.5))


@dataclass(frozen=True, slots=True)
class Said:
    """What a document says: for each term its share of the whole, and its saturation."""

    shares: Mapping[str, float]
    saturations: Mapping[str, float]


def said(
    terms: Mapping[str, float], kind: Kind, language: Language, k1: float, b: float, rarity: float = 0.5
) -> Said:
    """Weigh the terms of a document of ``kind``. ``rarity`` is the power of the idf on its own side."""
    weights = {
        term: count * language.idf(term, kind) ** rarity * language.idf(term, kind.other)
        for term, count in terms.items()
    }
    total = sum(weights.values()) or 1.0
    held_back = k1 * (1 - b + b * sum(terms.values()) / language.mean_length[kind])
    return Said(
        {term: weight / total for term, weight in weights.items()},
        {term: count * (k1 + 1) / (count + held_back) for term, count in terms.items()},
    )


def pair(asker: Said, candidate: Said) -> tuple[float, float]:
    """Return how far a candidate covers an asker, and how far the asker covers it."""
    there = sum(share * candidate.saturations.get(term, 0.0) for term, share in asker.shares.items())
    back = sum(share * asker.saturations.get(term, 0.0) for term, share in candidate.shares.items())
    return there, back


class CoverageIndex:
    """Documents of one kind, to be asked how well they cover an asker and are covered by it."""

    def __init__(self) -> None:
        self._postings = Postings()

    def __len__(self) -> int:
        return self._postings.snapshot().count

    def upsert(self, documents: Sequence[tuple[str, Said]]) -> None:
        """Index (id, what it says) pairs, in place of what was there."""
        self._postings.change(
            [
                (key, what.shares.keys(), _floats(what.saturations), _floats(what.shares), 0.0)
                for key, what in documents
            ]
        )

    def remove(self, ids: Collection[str]) -> None:
        """Drop ids; unknown ones are ignored."""
        self._postings.change([], ids)

    def snapshot(self) -> Snapshot:
        """Return what a reader sees now; later changes do not touch it."""
        return self._postings.snapshot()

    def knows(self, term: str) -> bool:
        """Tell whether any document has ever said a term."""
        return term in self._postings.numbers

    def vocabulary(self) -> list[str]:
        """Return every term that any document has ever said."""
        return list(self._postings.numbers)

    def covers(self, asker: Said, seen: Snapshot) -> Floats:
        """Return for every row how far it covers the asker; dead rows hold no meaning."""
        return self._postings.total(asker.shares, seen)

    def covered(self, asker: Said, seen: Snapshot, rows: Places) -> Floats:
        """Return for each of ``rows`` how far the asker covers it."""
        return self._postings.total_back(asker.saturations, seen, rows)

    def coverage(self, asker: Said, seen: Snapshot) -> tuple[Floats, Floats]:
        """Return for every row how far it covers the asker, and how far the asker covers it."""
        return self.covers(asker, seen), self.covered(asker, seen, np.arange(len(seen.owner)))


def _floats(values: Mapping[str, float]) -> Floats:
    return np.fromiter(values.values(), np.float32, len(values))
