"""The plain values that cross the border of this library: frozen, and free of any web or database type.

``Vectors`` is a C-contiguous float32 array of shape (n, dimension) whose rows have length one, so that an
inner product of two rows is their cosine similarity, between -1 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
Vectors: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenRows:
    """The tokens of one text: the number of each in the model's vocabulary, and its vector, not yet of length one."""

    pieces: npt.NDArray[np.uint16]
    vectors: Vectors


class Kind(StrEnum):
    """What a document describes: the two sides that are matched with each other."""

    NEED = "need"
    TECHNOLOGY = "technology"

    @property
    def other(self) -> Kind:
        """Return the side that documents of this kind are matched with."""
        return Kind.NEED if self is Kind.TECHNOLOGY else Kind.TECHNOLOGY


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document short enough for the encoder (at most 256 tokens), with where it comes from.

    ``source`` is a stable key that the service turns into words: ``summary``, ``claims``, ``evidence:dtac``,
    ``requirement:3`` (counted from 1).
    """

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A need or a technology as the matcher sees it. Made by `matching.documents`, never by hand elsewhere.

    ``requirements`` are a need's must-haves in order (empty for a technology). ``supplier`` groups the
    technologies of one company. ``evidence_wanted`` and ``evidence_held`` hold evidence type keys. ``since`` says of
    each sentence since when it has been public, as ISO dates in the order of `matching.duplicates.cut`; empty where
    nobody knows, a single one if it holds for all.
    """

    id: str
    kind: Kind
    title: str
    passages: tuple[Passage, ...]
    requirements: tuple[str, ...] = ()
    clinical_area: str = ""
    settings: tuple[str, ...] = ()
    supplier: str = ""
    evidence_wanted: tuple[str, ...] = ()
    evidence_held: tuple[str, ...] = ()
    since: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document with its vectors: what the service stores, and what an index is rebuilt from without encoding.

    ``passages`` are the chunks that were encoded, in the order of the rows of ``vectors`` (n, dimension);
    ``digest`` is the hash of text, recipe and encoder: equal digests mean that nothing has to be encoded again.
    ``vectors`` is None where the encoder is missing; such a document is found by its words alone.
    ``extra`` is for the matcher alone: the vectors of single tokens, packed. Store it as it is; without it the
    document is ranked a little less well.
    """

    document: Document
    passages: tuple[Passage, ...]
    vectors: Vectors | None
    digest: str
    extra: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of one retriever: an id of ours and its score, higher is better."""

    id: str
    score: float


class Answer(StrEnum):
    """How well a passage answers a requirement."""

    ANSWERS = "answers"
    PARTLY = "partly"
    NOTHING_FOUND = "nothing-found"


class Fit(StrEnum):
    """How useful a candidate probably is. People are shown the word, never a percentage."""

    STRONG = "strong"
    FAIR = "fair"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Reason:
    """What was found about one requirement. ``passage`` is quoted exactly; None where nothing was found.

    ``marks`` are (start, end) character offsets in the passage's text where it matters.
    """

    requirement: str
    answer: Answer
    passage: Passage | None = None
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One ranked candidate with its reasons as data; the service chooses the words.

    ``ranks`` gives the place (from 1) in each retriever that found it (``keyword``, ``dense``); ``chance`` is the
    probability that a broker would find it useful, never shown to people as a number; ``accepted`` is the
    matcher's own verdict that the candidate is worth a person's time. ``also`` are the ids of listings that say
    nearly the same and are younger: they have no place of their own. ``shared`` is what two documents of one kind
    both say, in words for people.
    """

    id: str
    rank: int
    score: float
    chance: float
    fit: Fit
    accepted: bool
    ranks: dict[str, int]
    reasons: tuple[Reason, ...] = ()
    evidence_missing: tuple[str, ...] = ()
    evidence_met: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """Ranked candidates, best first. ``nothing_fits`` is true when none is accepted.

    ``degraded`` is true when the meaning of the text could not be used and only its words were.
    """

    matches: tuple[Match, ...]
    degraded: bool = False

    @property
    def nothing_fits(self) -> bool:
        """Tell whether no candidate reaches the threshold."""
        return not any(match.accepted for match in self.matches)
