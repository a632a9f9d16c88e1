"""The telling words of documents as numbers: enough to tell at once, of a hundred of them, who has text of whom.

Words of a text are what people read, and slow to compare. A fingerprint holds one number for each telling stem, in
order, with where sentences and passages end. It is made when a document is encoded, and stored with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint32]
Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

WORDS = 3
"""Stems in a shingle."""

_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_POWER = np.uint64(0x2545F4914F6CDD1D)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``stems`` of a document in order; how many each sentence has (``sizes``), and the passage it stands in."""

    stems: Numbers
    sizes: npt.NDArray[np.uint16]
    passages: npt.NDArray[np.uint8]

    @staticmethod
    def of(sentences: Sequence[tuple[int, Sequence[str]]]) -> Fingerprint:
        """Make one of (passage, telling stems) of each sentence."""
        return Fingerprint(
            numbers([stem for _, stems in sentences for stem in stems]),
            np.array([len(stems) for _, stems in sentences], dtype=np.uint16),
            np.array([passage for passage, _ in sentences], dtype=np.uint8),
        )


def numbers(stems: Sequence[str]) -> Numbers:
    """Return one number for each stem."""
    return np.fromiter((zlib.crc32(stem.encode()) for stem in stems), np.uint32, len(stems))


def shingles(stems: Numbers) -> Hashes:
    """Return one number for each three stems in a row."""
    wide = stems.astype(np.uint64)
    found: Hashes = wide[:-2] * _MIX[0] + wide[1:-1] * _MIX[1] + wide[2:] * _MIX[2]
    return found


def whole(stems: Numbers) -> np.uint64:
    """Return one number for a whole sentence."""
    return np.uint64(_wholes(stems, np.array([0]), np.array([len(stems)]))[0]) if len(stems) else np.uint64(0)


def _wholes(stems: Numbers, starts: Places, sizes: Places) -> Hashes:
    """Return one number for each sentence, none of which is empty."""
    longest = int(sizes.max()) if len(sizes) else 0
    with np.errstate(over="ignore"):
        powers = np.multiply.accumulate(np.full(longest, _POWER))
    inside = np.arange(len(stems)) - np.repeat(starts, sizes)
    # The length counts too, or a sentence would pass for itself with a stem of number 0 at its end.
    found: Hashes = np.add.reduceat(stems * powers[inside], starts) + sizes.astype(np.uint64)
    return found


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Fingerprints side by side.

    Of each stem: ``owner``, the document that it stands in, ``sentence``, its sentence among all, and ``told``,
    whether it stands behind the first passage, which is the name. ``places`` are those of the stems with which
    ``shingles`` begin. Of each sentence that has stems: ``starts``, the place of its
    first one, and ``sizes``, how many.
    """

    count: int
    stems: Numbers
    owner: Places
    sentence: Places
    told: npt.NDArray[np.bool_]
    places: Places
    shingles: Hashes
    starts: Places
    sizes: Places

    @staticmethod
    def of(given: Sequence[Fingerprint]) -> Fingerprints:
        """Lay fingerprints side by side."""
        stems = np.concatenate([np.zeros(0, np.uint32), *(one.stems for one in given)])
        every = np.concatenate([np.zeros(0, np.uint16), *(one.sizes for one in given)]).astype(np.int64)
        passages = np.concatenate([np.zeros(0, np.uint8), *(one.passages for one in given)])
        owner = np.repeat(np.arange(len(given)), np.array([len(one.stems) for one in given], dtype=np.int64))
        sentence = np.repeat(np.arange(len(every)), every)
        inside = passages[sentence]
        passage = owner * 256 + inside
        places = np.flatnonzero(passage[: -WORDS + 1] == passage[WORDS - 1 :])
        starts, full = np.cumsum(every) - every, every > 0
        begin = shingles(stems)[places]
        return Fingerprints(
            len(given), stems, owner, sentence, inside > 0, places, begin, starts[full], every[full]
        )

    @property
    def wholes(self) -> Hashes:
        """Return one number for each sentence that has stems."""
        return _wholes(self.stems, self.starts, self.sizes) if len(self.starts) else np.zeros(0, np.uint64)

    def known(self, vocabulary: Numbers) -> Places:
        """Return how many stems of each sentence that has any are in ``vocabulary``."""
        if not len(self.starts):
            return np.zeros(0, dtype=np.int64)
        inside = among(self.stems, vocabulary).astype(np.int64)
        found: Places = np.add.reduceat(inside, self.starts)
        return found


def among(
    values: npt.NDArray[np.unsignedinteger], some: npt.NDArray[np.unsignedinteger]
) -> npt.NDArray[np.bool_]:
    """Tell of each value whether it is one of ``some``, ascending: `numpy.isin` without its second sort."""
    if not len(some):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(some, values), len(some) - 1)
    found: npt.NDArray[np.bool_] = some[at] == values
    return found
