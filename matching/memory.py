"""Give memory that a process has no more use for back to the system."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Give back what was freed; glibc else keeps it for itself, a third of all after a large index was loaded.

    Elsewhere nothing happens: other allocators give back what they like.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # no glibc; on Windows no library without a name
        return
    trim(0)
