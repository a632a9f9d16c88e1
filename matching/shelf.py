"""Keep on disk what only candidates are asked for: tokens and fingerprints of some hundred, sentences of twenty.

They are two thirds of what there is to know of a document, and a request reads a thousandth of them. They lie in a
temporary file without a name, in the folder of the variable TMPDIR, that is gone with the process; the database has
them too, but is asked by network and would answer with newer text than the register holds. What is read often the
system keeps in memory that is free, and gives it back when somebody needs it.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from matching.duplicates import Spoken
from matching.fingerprints import Fingerprint
from matching.late import Tokens
from matching.types import Document, Passage, Vectors

logger = logging.getLogger(__name__)

_HEAD = struct.Struct("<IIHH")
_QUOTED = struct.Struct("<HH")


@dataclass(frozen=True, slots=True)
class Compared:
    """What a candidate is compared by, one by one: its tokens if there are any, and what it says."""

    tokens: Tokens | None
    spoken: Spoken


@dataclass(frozen=True, slots=True)
class Quoted:
    """The sentences that may be quoted from a document, with a vector (half precision) for each if there are any."""

    passages: tuple[Passage, ...]
    vectors: Vectors | None


class Held(Protocol):
    """Where these two parts of a document are."""

    @property
    def size(self) -> int:
        """Return how many bytes of a file it takes."""
        ...

    def compared(self, document: Document) -> Compared:
        """Return what the document is compared by."""
        ...

    def quoted(self) -> Quoted:
        """Return what may be quoted."""
        ...


@dataclass(frozen=True, slots=True)
class InHand:
    """Both parts in memory: of who asks, and of what could not be written."""

    one: Compared
    other: Quoted
    size = 0

    def compared(self, document: Document) -> Compared:
        """Return what the document is compared by."""
        return self.one

    def quoted(self) -> Quoted:
        """Return what may be quoted."""
        return self.other


class _File:
    """A temporary file without a name; it is gone when the last record that lies in it is let go."""

    def __init__(self) -> None:
        self.number, path = tempfile.mkstemp(prefix="matching-")
        Path(path).unlink()
        self.process = os.getpid()
        self.end = 0
        weakref.finalize(self, os.close, self.number)

    def append(self, given: bytes) -> None:
        """Write at the end; raises OSError where there is no room."""
        rest, at = memoryview(given), self.end
        while rest:
            written = os.pwrite(self.number, rest, at)
            rest, at = rest[written:], at + written
        self.end = at


@dataclass(frozen=True, slots=True)
class OnShelf:
    """Both parts in a file, one after the other: from ``at`` on, so many bytes each."""

    file: _File
    at: int
    one: int
    other: int

    def compared(self, document: Document) -> Compared:
        """Read what the document is compared by."""
        kept = os.pread(self.file.number, self.one, self.at)
        stems, count, sentences, width = _HEAD.unpack_from(kept)
        at = _HEAD.size
        words = np.frombuffer(kept, "<u4", stems, at)
        sizes = np.frombuffer(kept, "<u2", sentences, at := at + 4 * stems)
        pieces = np.frombuffer(kept, "<u2", count, at := at + 2 * sentences)
        passages = np.frombuffer(kept, np.uint8, sentences, at := at + 2 * count)
        tokens = None
        if count:
            rows = np.frombuffer(kept, np.int8, count * width, at + sentences)
            tokens = Tokens(pieces, rows.reshape(count, width))
        return Compared(tokens, Spoken(document, Fingerprint(words, sizes, passages)))

    def quoted(self) -> Quoted:
        """Read what may be quoted."""
        kept = os.pread(self.file.number, self.other, self.at + self.one)
        count, width = _QUOTED.unpack_from(kept)
        rows = np.frombuffer(kept, "<f2", count * width, _QUOTED.size)
        texts = json.loads(kept[_QUOTED.size + 2 * count * width :])
        passages = tuple(Passage(source, text) for source, text in texts)
        return Quoted(passages, rows.reshape(count, width) if width else None)

    @property
    def size(self) -> int:
        """Return how many bytes it takes."""
        return self.one + self.other


def _bytes_compared(given: Compared) -> bytes:
    own, tokens = given.spoken.fingerprint, given.tokens
    count, width = (0, 0) if tokens is None else tokens.vectors.shape
    parts = [
        _HEAD.pack(len(own.stems), count, len(own.sizes), width),
        own.stems.astype("<u4").tobytes(),
        own.sizes.astype("<u2").tobytes(),
        b"" if tokens is None else tokens.pieces.astype("<u2").tobytes(),
        own.passages.tobytes(),
        b"" if tokens is None else tokens.vectors.tobytes(),
    ]
    return b"".join(parts)


def _bytes_quoted(given: Quoted) -> bytes:
    rows = given.vectors
    count, width = (0, 0) if rows is None else rows.shape
    texts = json.dumps([(one.source, one.text) for one in given.passages])
    return (
        _QUOTED.pack(count, width) + (b"" if rows is None else rows.astype("<f2").tobytes()) + texts.encode()
    )


class Shelf:
    """A file that is only ever written at its end, so that whoever reads need not wait; one writer at a time."""

    def __init__(self) -> None:
        self._file: _File | None = None

    @property
    def size(self) -> int:
        """Return how many bytes have been written."""
        return 0 if self._file is None else self._file.end

    def put(self, given: Sequence[tuple[Compared, Quoted]]) -> list[Held]:
        """Write what is given, and return where it is: in memory still, and told in the log, if it cannot be."""
        blocks = [(_bytes_compared(one), _bytes_quoted(other)) for one, other in given]
        if not blocks:
            return []
        try:
            # After a fork there are two who would write to one place.
            if self._file is None or self._file.process != os.getpid():
                self._file = _File()
            file, at = self._file, self._file.end
            file.append(b"".join(part for block in blocks for part in block))
        except OSError:
            logger.warning("What candidates are compared by stays in memory: no room on disk", exc_info=True)
            return [InHand(one, other) for one, other in given]
        found: list[Held] = []
        for one, other in blocks:
            found.append(OnShelf(file, at, len(one), len(other)))
            at += len(one) + len(other)
        return found
