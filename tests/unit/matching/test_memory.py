"""Memory is given back where the system can take it, and nothing breaks where it cannot."""

from __future__ import annotations

import ctypes

import pytest

from matching import memory


class Library:
    """What a C library looks like that counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def malloc_trim(self, pad: int) -> int:
        self.asked.append(pad)
        return 1


def test_all_that_was_freed_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    memory.give_back()
    assert library.asked == [0]


@pytest.mark.parametrize("missing", [AttributeError, OSError, TypeError])
def test_without_glibc_nothing_happens(missing: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: object) -> object:
        raise missing

    monkeypatch.setattr(ctypes, "CDLL", absent)
    memory.give_back()
