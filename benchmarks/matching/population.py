"""Technologies by the hundred thousand, without a hundred thousand encodings.

The shipped background texts are encoded once. Each made-up technology takes three of them, from a seed, and changes
all that is compared, so that words and vectors really differ. A seventh of its words is dropped, some are replaced by
words of a long tail (30,000 made-up ones, the early ones far more often), and the words of a sentence change places,
or all would be taken for copies of each other. Every vector is moved by noise, every byte of every token vector too,
and a tenth of the token numbers is another one. It is about as long as a listing of a real register (some 90
words, 90 tokens, 7 sentences). What is measured on it is time and memory, never quality.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from matching.background import texts
from matching.documents import WHOLE, quotable, technology_document
from matching.duplicates import Spoken
from matching.late import Tokens
from matching.matcher import Matcher
from matching.packing import Kept, pack, unpack
from matching.types import Document, Encoded, Kind, Passage, Vectors

_TAIL = 30_000
_NOISE_ROWS = 200_000
_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u")]


class Texts:
    """A source of documents; the same seed gives the same ones."""

    def __init__(self, seed: int = 20261122) -> None:
        self._shipped = texts()[Kind.TECHNOLOGY]
        self._chance = random.Random(seed)
        self._tail = ["".join(self._chance.choices(_SYLLABLES, k=4)) for _ in range(_TAIL)]
        self._often = list(accumulate(1 / (rank + 20) for rank in range(_TAIL)))
        self._made = 0

    def next(self) -> tuple[Document, list[int]]:
        """Return a new technology, and the places of the shipped ones that it was made of."""
        chosen = self._chance.sample(range(len(self._shipped)), 3)
        number, self._made = self._made, self._made + 1
        first = self._shipped[chosen[0]]
        document = technology_document(
            id=f"t{number:06}",
            name=f"{first.title} {number}",
            supplier=f"Supplier {number % 4000}",
            summary=" ".join(self._reworded(self._shipped[at]) for at in chosen),
            settings=first.settings,
        )
        return document, chosen

    def _reworded(self, document: Document) -> str:
        found = []
        for sentence in document.passages[1].text.split(". "):
            kept = []
            for word in sentence.rstrip(".").split():
                draw = self._chance.random()
                if draw > 0.93:
                    kept.append(self._chance.choices(self._tail, cum_weights=self._often)[0])
                elif draw > 0.14:
                    kept.append(word)
            self._chance.shuffle(kept)
            found.append(" ".join(["It", *kept]) + ".")
        return " ".join(found)


def documents(count: int) -> list[Document]:
    """Return so many technologies."""
    source = Texts()
    return [source.next()[0] for _ in range(count)]


class Population:
    """A source of encoded technologies and needs; the same seed gives the same ones."""

    def __init__(self, finder: Matcher, seed: int = 20261122) -> None:
        self._base = finder.encode(texts()[Kind.TECHNOLOGY])
        self._reader = finder.reader
        self._needs = texts()[Kind.NEED]
        self._texts = Texts(seed)
        self._random = np.random.default_rng(seed)
        self._noise = self._random.integers(-6, 7, (_NOISE_ROWS, 96), dtype=np.int8)

    def needs(self, count: int) -> Sequence[Document]:
        """Return needs to ask with, spread over the shipped ones."""
        return [self._needs[at * len(self._needs) // count] for at in range(count)]

    def technologies(self, count: int, batch: int = 1000) -> Iterator[list[Encoded]]:
        """Yield ``count`` new technologies in batches."""
        for start in range(0, count, batch):
            yield [self._technology() for _ in range(min(batch, count - start))]

    def _technology(self) -> Encoded:
        document, places = self._texts.next()
        chosen = [self._base[at] for at in places]
        pieces = quotable(document)
        sources = [one.vectors for one in chosen if one.vectors is not None]
        whole = self._moved(np.mean([rows[:1] for rows in sources], axis=0), 0.5)
        rest = np.concatenate([rows[1:] for rows in sources])
        quoted = self._moved(rest[np.arange(len(pieces)) % len(rest)], 0.3)
        passages = (Passage(WHOLE, document.passages[1].text), *pieces)
        return Encoded(document, passages, np.concatenate([whole, quoted]), "", self._extra(chosen, document))

    def _moved(self, rows: Vectors, by: float) -> Vectors:
        rows = rows + by * self._random.standard_normal(rows.shape, dtype=np.float32) / np.sqrt(rows.shape[1])
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def _extra(self, chosen: Sequence[Encoded], document: Document) -> bytes:
        kept = [found for one in chosen if (found := unpack(one.extra)) is not None]
        parts = [one.tokens for one in kept if one.tokens is not None]
        pieces = np.concatenate([part.pieces for part in parts])
        others = self._random.random(len(pieces)) < 0.1
        pieces[others] = self._random.integers(1000, 30_000, int(others.sum()))
        start = int(self._random.integers(_NOISE_ROWS - len(pieces)))
        vectors = np.concatenate([part.vectors for part in parts]).astype(np.int16)
        vectors = np.clip(vectors + self._noise[start : start + len(pieces)], -127, 127).astype(np.int8)
        said = self._reader.said(document)
        tokens, own = Tokens(pieces, vectors), Spoken(document).fingerprint
        return pack(Kept(kept[0].standing, tokens, said, kept[0].way, own))
