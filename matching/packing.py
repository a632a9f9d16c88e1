"""Pack what the matcher keeps of a document beside its vectors into bytes that the service stores as they are.

Reading a text anew costs twenty times as much as reading these bytes: they are why a start takes seconds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from matching.background import SIGNALS, Standing
from matching.coverage import Said
from matching.late import Tokens

_VERSION = 2
_HEAD = struct.Struct("<BBHHI8s")
_STANDING = SIGNALS * 2 * 4


@dataclass(frozen=True, slots=True)
class Kept:
    """What was packed: standing, tokens if the encoder gives any, and what the document says.

    ``way`` tells by which settings and shipped texts its words were weighed; by others ``said`` means nothing.
    """

    standing: Standing
    tokens: Tokens | None
    said: Said
    way: bytes


def pack(kept: Kept) -> bytes:
    """Return a head (version, directions, numbers of tokens and of terms, length of the terms, way), and the data."""
    count, width = (0, 0) if kept.tokens is None else kept.tokens.vectors.shape
    terms = "\n".join(kept.said.shares).encode()
    parts = [
        _HEAD.pack(_VERSION, width, count, len(kept.said.shares), len(terms), kept.way),
        kept.standing.astype("<f4").tobytes(),
        np.array([*kept.said.shares.values(), *kept.said.saturations.values()], dtype="<f4").tobytes(),
        terms,
    ]
    if kept.tokens is not None:
        parts += [kept.tokens.pieces.astype("<u2").tobytes(), kept.tokens.vectors.tobytes()]
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
    if version != _VERSION or len(extra) != vectors + count * width:
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
    return Kept(standing, tokens, Said(shares, dict(zip(words, weights[said:], strict=True))), way)
