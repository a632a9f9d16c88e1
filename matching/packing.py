"""Pack what the matcher keeps of a document beside its vectors into bytes that the service stores as they are.

Reading a text anew costs twenty times as much as reading these bytes: they are why a start takes seconds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from matching.background import SIGNALS, Standing
from matching.coverage import Said
from matching.fingerprints import Fingerprint
from matching.late import Tokens

_VERSION, _WITHOUT_FINGERPRINT = 3, 2
_HEAD = struct.Struct("<BBHHI8s")
_FINGERPRINT = struct.Struct("<II")
"""How many stems and sentences the fingerprint has; it stands behind all the rest."""
_STANDING = SIGNALS * 2 * 4


@dataclass(frozen=True, slots=True)
class Kept:
    """What was packed: standing, tokens if the encoder gives any, what the document says, and its fingerprint.

    ``way`` tells by which settings and shipped texts its words were weighed; by others ``said`` means nothing.
    """

    standing: Standing
    tokens: Tokens | None
    said: Said
    way: bytes
    fingerprint: Fingerprint | None = None


def pack(kept: Kept) -> bytes:
    """Return a head (version, directions, numbers of tokens and of terms, length of the terms, way), and the data."""
    count, width = (0, 0) if kept.tokens is None else kept.tokens.vectors.shape
    terms = "\n".join(kept.said.shares).encode()
    version = _WITHOUT_FINGERPRINT if kept.fingerprint is None else _VERSION
    parts = [
        _HEAD.pack(version, width, count, len(kept.said.shares), len(terms), kept.way),
        kept.standing.astype("<f4").tobytes(),
        np.array([*kept.said.shares.values(), *kept.said.saturations.values()], dtype="<f4").tobytes(),
        terms,
    ]
    if kept.tokens is not None:
        parts += [kept.tokens.pieces.astype("<u2").tobytes(), kept.tokens.vectors.tobytes()]
    if (own := kept.fingerprint) is not None:
        parts += [
            _FINGERPRINT.pack(len(own.stems), len(own.sizes)),
            own.stems.astype("<u4").tobytes(),
            own.sizes.astype("<u2").tobytes(),
            own.passages.astype("u1").tobytes(),
        ]
    return b"".join(parts)


def unpack(extra: bytes | None) -> Kept | None:
    """Return what was packed, or None where there is nothing, or nothing that this version can read."""
    if extra is None or len(extra) < _HEAD.size:
        return None
    version, width, count, said, length, way = _HEAD.unpack_from(extra)
    values = _HEAD.size + _STANDING
    terms = values + said * 2 * 4
    pieces = terms + length
    vectors = pieces + 2 * count
    end = vectors + count * width
    fingerprint = _fingerprint(extra, end) if version == _VERSION else None
    if fingerprint is None and (version != _WITHOUT_FINGERPRINT or len(extra) != end):
        return None
    # Copies: a view would keep the words' bytes in memory for as long as the tokens.
    standing = np.frombuffer(extra, "<f4", SIGNALS * 2, _HEAD.size).reshape(SIGNALS, 2).copy()
    weights = np.frombuffer(extra, "<f4", said * 2, values).tolist()
    words = extra[terms:pieces].decode().split("\n") if said else []
    tokens = None
    if count:
        rows = np.frombuffer(extra, np.int8, count * width, vectors).reshape(count, width).copy()
        tokens = Tokens(np.frombuffer(extra, "<u2", count, pieces).copy(), rows)
    shares = dict(zip(words, weights[:said], strict=True))
    what = Said(shares, dict(zip(words, weights[said:], strict=True)))
    return Kept(standing, tokens, what, way, fingerprint)


def _fingerprint(extra: bytes, at: int) -> Fingerprint | None:
    """Return the fingerprint that begins at a place; None where it does not end where the bytes do."""
    if len(extra) < at + _FINGERPRINT.size:
        return None
    stems, sentences = _FINGERPRINT.unpack_from(extra, at)
    begin = at + _FINGERPRINT.size
    sizes = begin + 4 * stems
    passages = sizes + 2 * sentences
    if len(extra) != passages + sentences:
        return None
    return Fingerprint(
        np.frombuffer(extra, "<u4", stems, begin).copy(),
        np.frombuffer(extra, "<u2", sentences, sizes).copy(),
        np.frombuffer(extra, np.uint8, sentences, passages).copy(),
    )
