"""Multiply 8-bit matrices exactly: by torch, five times as fast as in floating point, or else by numpy.

Processors multiply bytes by instructions of their own, which numpy does not use and torch does. Loading torch takes
seconds, so it is used where the encoder has loaded it. Sums of up to 1,000 products of bytes are whole numbers that
single precision holds too, so both ways give the same to the last digit. On processors without these instructions
(VNNI) torch adds pairs of products in 16 bits, which are too few: it is tried on large bytes first.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

logger = logging.getLogger(__name__)

Bytes = npt.NDArray[np.int8]

_LONGEST = 1000
_able = True


def products(rows: Bytes, others: Bytes) -> npt.NDArray[np.int32]:
    """Return the inner product of each of ``rows`` with each of ``others``; rows have at most 1,000 columns."""
    if rows.shape[1] > _LONGEST:
        raise ValueError(f"rows of {rows.shape[1]} bytes are too long for exact products")
    found = _by_torch(rows, others) if _able and "torch" in sys.modules else None
    if found is None:
        found = (rows.astype(np.float32) @ others.astype(np.float32).T).astype(np.int32)
    return found


def _by_torch(rows: Bytes, others: Bytes) -> npt.NDArray[np.int32] | None:
    """Return the products, or None where this torch, or this processor, cannot do it."""
    global _able
    torch: Any = sys.modules["torch"]
    try:
        if _exact(torch):
            return _multiplied(torch, rows, others)
        told: object = "this processor rounds large products"
    # A torch that has no such product any more, or none for this processor. Anything else is a mistake of ours.
    except (AttributeError, RuntimeError) as error:
        told = error
    _able = False
    logger.info("Bytes are multiplied by numpy: %s", told)
    return None


@cache
def _exact(torch: Any) -> bool:
    """Tell whether torch multiplies large bytes as they are; tried once."""
    large = np.full((17, 64), 127, dtype=np.int8)
    return bool((_multiplied(torch, large, large) == 64 * 127**2).all())


def _multiplied(torch: Any, rows: Bytes, others: Bytes) -> npt.NDArray[np.int32]:
    made = torch._int_mm(_tensor(torch, rows), _tensor(torch, others).T)  # noqa: SLF001 - it has no other name
    found: npt.NDArray[np.int32] = made.numpy()
    return found


def _tensor(torch: Any, rows: Bytes) -> Any:
    """Return rows as a tensor; torch warns of memory that it could not write to, which it never does here."""
    return torch.from_numpy(rows if rows.flags.writeable else rows.copy())
