"""Say for each must-have of a need which passage of a technology answers it, how well, and where to look.

A passage is judged by what it says of what is asked for (`matching.requirements`), by its meaning, and by how far
need and technology belong together at all: "in a single visit" answers "fewer visits" in a product for the same
patients, and is an accident in another. "Answers" is a promise, so the passage itself must say enough of it; a name
that is asked for must be named, and an amount must be kept. Nothing found is said without shame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.lexical import Floats
from matching.requirements import Asked, Cover, Told, cover, joined, places
from matching.text import STOP_WORDS, stem, words
from matching.types import Answer, Passage, Reason, Vector, Vectors


@dataclass(frozen=True, slots=True)
class Weights:
    """What the strength of a passage is made of: a logistic regression, ``start`` where it begins.

    ``meaning`` counts the standing of the cosine, ``said`` the share of what is asked for, ``settings`` a passage
    that is but a list of settings, ``context`` the log-odds that the pair is useful at all. ``answers_at`` and
    ``partly_at`` are the least strength of each answer.
    """

    meaning: float
    said: float
    settings: float
    context: float
    start: float
    answers_at: float
    partly_at: float

    @property
    def each(self) -> Floats:
        """Return the weights in the order of `signals`."""
        return np.array([self.meaning, self.said, self.settings, self.context])


WITH_MEANING = Weights(0.50, 4.79, -2.47, 0.53, -2.06, answers_at=1.35, partly_at=-0.05)
BY_WORDS = Weights(0.0, 5.55, -1.76, 0.45, -1.36, answers_at=1.10, partly_at=-0.25)
"""Fitted on the judged reasons of ``tests/evaluation/held``: ``python -m matching.training.reasons`` prints them."""

ENOUGH = 0.3
"""The least share of what is asked for that a passage must say itself to be called an answer."""

STANDS_OUT = 2.0
"""Spreads above the usual from which meaning alone bears on a must-have."""

_MEANING_FROM, _MEANING_TO = -2.0, 6.0
_CONTEXT_FROM, _CONTEXT_TO = -4.0, 1.0
"""Bounds beyond which more of a signal tells nothing more; a fitting product lifts a passage little, an unfitting one
lowers it far."""

QUOTED = 0.3
NEAR = 0.1
"""The least nearness of a sentence that is quoted for a typed text, and of one that only shows what is nearest."""
LABEL = 0.7


@dataclass(frozen=True, slots=True)
class MustHave:
    """One must-have: its text, what it asks for, its vector if there is one, and what cosine is usual for it.

    ``usual`` is the mean and the spread of its cosine with technologies that were not meant for it.
    """

    text: str
    asked: Asked
    vector: Vector | None = None
    usual: tuple[float, float] = (0.0, 1.0)


def explain(
    wanted: Sequence[MustHave],
    passages: Sequence[Passage],
    vectors: Vectors | None,
    told_of: Callable[[str], Told],
    context: float = 0.0,
) -> tuple[Reason, ...]:
    """Return one reason for each must-have, in order.

    ``vectors`` holds a row for each passage; ``told_of`` reads a sentence; ``context`` is the log-odds that need and
    technology belong together.
    """
    if not passages:
        return tuple(Reason(one.text, Answer.NOTHING_FOUND) for one in wanted)
    told = [told_of(passage.text) for passage in passages]
    settings = np.array([passage.source == "settings" for passage in passages])
    found = []
    for one, cosines in zip(wanted, _cosines(wanted, vectors), strict=True):
        covers = [cover(one.asked, what) for what in told]
        if _nothing_bears(one, covers, cosines):
            found.append(Reason(one.text, Answer.NOTHING_FOUND))
            continue
        weights = BY_WORDS if cosines is None else WITH_MEANING
        known = signals(one, covers, cosines, settings, context)
        strength = weights.start + known @ weights.each + possible(one, covers, known)
        found.append(_reason(one, passages, told, strength, covers, weights))
    return tuple(found)


def _nothing_bears(wanted: MustHave, covers: Sequence[Cover], cosines: Floats | None) -> bool:
    """Tell at once that no passage says a word of a must-have nor stands out: the most usual case."""
    if any(one.share for one in covers):
        return False
    mean, spread = wanted.usual
    return cosines is None or float(cosines.max() - mean) < STANDS_OUT * spread


def _cosines(wanted: Sequence[MustHave], vectors: Vectors | None) -> Sequence[Floats | None]:
    """Return the cosine of each must-have with every passage; None where one of the two has no vector."""
    if vectors is None:
        return [None] * len(wanted)
    rows = vectors.astype(np.float32)
    return [None if one.vector is None else rows @ one.vector for one in wanted]


def signals(
    wanted: MustHave, covers: Sequence[Cover], cosines: Floats | None, settings: Floats, context: float
) -> Floats:
    """Return what is known of each passage for a must-have: meaning, said, settings, context (passages, 4)."""
    found: Floats = np.zeros((len(covers), 4), dtype=np.float32)
    if cosines is not None:
        mean, spread = wanted.usual
        found[:, 0] = np.clip((cosines - mean) / spread, _MEANING_FROM, _MEANING_TO)
    found[:, 1] = [one.share for one in covers]
    found[:, 2] = settings
    found[:, 3] = min(max(context, _CONTEXT_FROM), _CONTEXT_TO)
    return found


def possible(wanted: MustHave, covers: Sequence[Cover], known: Floats) -> Floats:
    """Return 0 for each passage, and minus infinity for one that cannot bear on a must-have.

    That is a passage which says what is asked for only to deny it, which does not name the one name asked for, or
    which neither says a word of it nor stands out by its meaning, in however fitting a product.
    """
    return np.array(
        [
            -np.inf
            if (one.denied > 0 and one.denied >= one.share)
            or (wanted.asked.only_named and one.unnamed)
            or (not one.share and meaning < STANDS_OUT)
            else 0.0
            for one, meaning in zip(covers, known[:, 0], strict=True)
        ]
    )


def _reason(
    wanted: MustHave,
    passages: Sequence[Passage],
    told: Sequence[Told],
    strength: Floats,
    covers: Sequence[Cover],
    weights: Weights,
) -> Reason:
    best = int(np.argmax(strength))
    if strength[best] < weights.partly_at:
        return Reason(wanted.text, Answer.NOTHING_FOUND)
    answer = Answer.PARTLY
    strong = [
        at
        for at in np.flatnonzero(strength >= weights.answers_at).tolist()
        if may_answer(wanted.asked, passages[at], told[at], covers[at])
    ]
    if strong:
        answer, best = Answer.ANSWERS, max(strong, key=lambda at: (strength[at], -at))
    return Reason(wanted.text, answer, passages[best], places(wanted.asked, told[best]))


def may_answer(asked: Asked, passage: Passage, told: Told, covered: Cover) -> bool:
    """Tell whether a passage says enough to be called an answer, however near it is.

    Settings tell where something is used and not what it does, and a sentence that denies tells what it does not.
    """
    return (
        covered.share >= ENOUGH
        and not covered.unnamed
        and not covered.broken
        and passage.source != "settings"
        and (asked.negated or told.denying <= 0.5)
    )


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed: the text, the weight of each stem in it, and its vector if there is one."""

    text: str
    terms: Mapping[str, float]
    vector: Vector | None


def nearest(
    typed: Typed,
    passages: Sequence[Passage],
    vectors: Vectors | None,
    terms_of: Callable[[str], Mapping[str, float]],
    least: float = QUOTED,
) -> Reason:
    """Return the passage nearest to what a person typed; it claims no answer beyond "partly"."""
    if not passages:
        return Reason(typed.text, Answer.NOTHING_FOUND)
    shared = np.array([overlap(typed.terms, terms_of(passage.text)) for passage in passages])
    near = shared
    if vectors is not None and typed.vector is not None:
        near = 0.75 * (vectors.astype(np.float32) @ typed.vector) + 0.5 * shared
    # A list of settings shares words with many a text and tells little.
    near = near * np.array([LABEL if passage.source == "settings" else 1.0 for passage in passages])
    best = int(np.argmax(near))
    if near[best] < least:
        return Reason(typed.text, Answer.NOTHING_FOUND)
    passage = passages[best]
    return Reason(typed.text, Answer.PARTLY, passage, marks(passage.text, frozenset(typed.terms)))


def overlap(wanted: Mapping[str, float], said: Mapping[str, float]) -> float:
    """Return which share of the weight of ``wanted`` is said, between 0 and 1."""
    total = sum(wanted.values())
    return sum(weight for term, weight in wanted.items() if term in said) / total if total else 0.0


def marks(text: str, terms: frozenset[str]) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) offsets in ``text`` of the words whose stem is in ``terms``, neighbours joined."""
    return joined(
        [
            (word.start, word.end)
            for word in words(text)
            if word.text.lower() not in STOP_WORDS and stem(word.text) in terms
        ]
    )
