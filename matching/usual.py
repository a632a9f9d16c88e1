"""What a document has with shipped texts of its own kind, which are not meant for it: the usual, by their length.

A long text says more of what any other says, and holds a nearer token for each of its tokens, whatever both are
about. Shipped needs have fifty words and a need in the service has three hundred, so two long ones would look alike
beside the usual of short ones. The usual is therefore measured twice, with shipped texts as they are and with several
of them read as one, and taken for each pair between the two, by the length of the other text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from matching import background as backgrounds
from matching.background import Standing, WordsBackground, compared
from matching.coverage import CoverageIndex, Said, said
from matching.errors import EncoderUnavailable
from matching.lexical import Floats
from matching.reading import Reader
from matching.register import Record
from matching.settings import MatcherSettings
from matching.types import Document, Kind

JOINED = 5
"""How many shipped texts are read as one long text."""
_STRIDE = 19
"""Joined texts lie so far apart in the file, whose neighbours are of one field."""
_LONGEST = 1.3
"""Lengths beyond this are taken as this: 1 is that of the joined texts, on a scale of logarithms."""


@dataclass(frozen=True, slots=True)
class Usual:
    """The standing of a document with short and with long shipped texts, and its own length (`length_of`)."""

    short: Standing
    long: Standing
    length: float


def between(short: Floats, long: Floats, lengths: Floats) -> Floats:
    """Return standings with texts of these lengths; all of shape (lengths, SIGNALS, 2), or that of one of them."""
    share = lengths[:, None, None]
    found: Floats = (short * (1 - share) + long * share).astype(np.float32)
    found[..., 1] = np.maximum(
        found[..., 1], short[..., 1]
    )  # joined texts have much in common, and spread too little
    return found


def windows(count: int) -> npt.NDArray[np.intp]:
    """Return which texts are joined: one row for each text that leads, of shape (count, JOINED)."""
    first = np.arange(count)[:, None]
    return (first + _STRIDE * np.arange(JOINED)[None, :]) % max(count, 1)


def measure(record: Record, what: Said, kind: Kind, reader: Reader) -> Usual:
    """Measure a document with the shipped texts of its kind; by words alone where the encoder is not available."""
    settings = reader.settings
    there, back = backgrounds.words_against(what, kind, WordsBackground.of(settings))
    joined = _joined_words(kind, settings, reader)
    long_there, long_back = joined.coverage(what, joined.snapshot())
    meaning = echo = echoed = long_echo = long_echoed = None
    if record.whole is not None:
        try:
            shipped = reader.meaning()
        except EncoderUnavailable:
            shipped = None
        if shipped is not None:
            rows = reader.centred(shipped.vectors[kind], shipped.means[kind])
            meaning = rows @ reader.asked(record.whole, kind)
            tokens = record.compared().tokens
            if tokens is not None and shipped.lens is not None:
                batch = shipped.tokens[kind]
                echo, echoed = shipped.lens.echoes(tokens, kind, batch, among=kind)
                long_echo, long_echoed = shipped.lens.echoes(
                    tokens, kind, batch, among=kind, joined=windows(len(batch.starts))
                )
    # The vector of a whole text does not grow with it, so its usual is the same for all lengths.
    return Usual(
        backgrounds.standing((there, back, meaning, echo, echoed)),
        backgrounds.standing((long_there, long_back, meaning, long_echo, long_echoed)),
        length_of(record.document, kind),
    )


def length_of(document: Document, kind: Kind) -> float:
    """Return how long a text is on a scale of logarithms: 0 as the shipped ones, 1 as those that are joined."""
    stretched = np.log(max(_characters(document), 1) / _shipped_characters(kind)) / np.log(JOINED)
    return float(np.clip(stretched, 0.0, _LONGEST))


def _characters(document: Document) -> int:
    return sum(len(passage.text) for passage in document.passages)


@lru_cache(maxsize=4)
def _shipped_characters(kind: Kind) -> float:
    return float(np.mean([_characters(one) for one in compared(kind)]))


_made: dict[tuple[Kind, MatcherSettings], CoverageIndex] = {}


def _joined_words(kind: Kind, settings: MatcherSettings, reader: Reader) -> CoverageIndex:
    key = (kind, settings)
    if key not in _made:
        terms = [reader.expand.terms(one) for one in compared(kind)]
        language = WordsBackground.of(settings).language
        index = CoverageIndex()
        index.upsert(
            [
                (
                    str(at),
                    said(_sum([terms[place] for place in row]), kind, language, settings.k1, settings.b),
                )
                for at, row in enumerate(windows(len(terms)))
            ]
        )
        _made[key] = index
    return _made[key]


def _sum(texts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for text in texts:
        for term, count in text.items():
            total[term] = total.get(term, 0.0) + count
    return total
