"""Say for each must-have of a need which passage of a technology answers it, how well, and where to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.text import STOP_WORDS, stem, words
from matching.types import Answer, Passage, Reason, Vector, Vectors

ANSWERS_AT = 0.46
PARTLY_AT = 0.30
LABEL = 0.7
NEAR = 0.1
"""The least strength of a quotation that only shows what is nearest to a typed text, and claims no answer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One must-have: its text, the weight of each stem that would answer it, and its vector if there is one."""

    text: str
    terms: Mapping[str, float]
    vector: Vector | None


def explain(
    wanted: Sequence[Wanted],
    passages: Sequence[Passage],
    vectors: Vectors | None,
    terms_of: Callable[[str], Mapping[str, float]],
    least: float = PARTLY_AT,
) -> tuple[Reason, ...]:
    """Return one reason for each must-have, in order.

    ``vectors`` holds a row for each passage; ``terms_of`` gives the stems of a text with their weights. A passage
    is quoted from the strength ``least`` on.
    """
    said = [terms_of(passage.text) for passage in passages]
    return tuple(_reason(one, passages, vectors, said, least) for one in wanted)


def _reason(
    wanted: Wanted,
    passages: Sequence[Passage],
    vectors: Vectors | None,
    said: Sequence[Mapping[str, float]],
    least: float,
) -> Reason:
    if not passages:
        return Reason(wanted.text, Answer.NOTHING_FOUND)
    shared = np.array([overlap(wanted.terms, terms) for terms in said])
    strength = shared
    if vectors is not None and wanted.vector is not None:
        strength = 0.75 * (vectors.astype(np.float32) @ wanted.vector) + 0.5 * shared
    # A list of settings shares words with many a must-have and answers few.
    strength = strength * np.array([LABEL if passage.source == "settings" else 1.0 for passage in passages])
    best = int(np.argmax(strength))
    if strength[best] < least:
        return Reason(wanted.text, Answer.NOTHING_FOUND)
    answer = Answer.ANSWERS if strength[best] >= ANSWERS_AT else Answer.PARTLY
    passage = passages[best]
    return Reason(wanted.text, answer, passage, marks(passage.text, frozenset(wanted.terms)))


def overlap(wanted: Mapping[str, float], said: Mapping[str, float]) -> float:
    """Return which share of the weight of ``wanted`` is said, between 0 and 1."""
    total = sum(wanted.values())
    return sum(weight for term, weight in wanted.items() if term in said) / total if total else 0.0


def marks(text: str, terms: frozenset[str]) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) offsets in ``text`` of the words whose stem is in ``terms``, neighbours joined."""
    found: list[tuple[int, int]] = []
    for word in words(text):
        if word.text.lower() in STOP_WORDS or stem(word.text) not in terms:
            continue
        if found and word.start - found[-1][1] <= 1:
            found[-1] = (found[-1][0], word.end)
        else:
            found.append((word.start, word.end))
    return tuple(found)
