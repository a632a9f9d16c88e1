"""Pack what the matcher keeps of a document beside its vectors into bytes that the service stores as they are."""

from __future__ import annotations

import struct

import numpy as np

from matching.background import SIGNALS, Standing
from matching.late import Tokens

_VERSION = 1
_HEAD = struct.Struct("<BBH")


def pack(standing: Standing, tokens: Tokens | None) -> bytes:
    """Return version, directions and number of tokens, then standing, token numbers and token vectors."""
    count, width = (0, 0) if tokens is None else tokens.vectors.shape
    head = _HEAD.pack(_VERSION, width, count)
    body = standing.astype("<f4").tobytes()
    if tokens is None:
        return head + body
    return head + body + tokens.pieces.astype("<u2").tobytes() + tokens.vectors.tobytes()


def unpack(extra: bytes | None) -> tuple[Standing, Tokens | None] | None:
    """Return what was packed, or None where there is nothing, or nothing that this version can read."""
    if extra is None or len(extra) < _HEAD.size:
        return None
    version, width, count = _HEAD.unpack_from(extra)
    start = _HEAD.size + SIGNALS * 2 * 4
    if version != _VERSION or len(extra) != start + count * (2 + width):
        return None
    standing = np.frombuffer(extra, dtype="<f4", count=SIGNALS * 2, offset=_HEAD.size).reshape(SIGNALS, 2)
    if not count:
        return standing, None
    pieces = np.frombuffer(extra, dtype="<u2", count=count, offset=start)
    vectors = np.frombuffer(extra, dtype=np.int8, count=count * width, offset=start + 2 * count)
    return standing, Tokens(pieces, vectors.reshape(count, width))
