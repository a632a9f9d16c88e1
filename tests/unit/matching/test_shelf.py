"""What only candidates are asked for lies in a file: it comes back as it was put, and room is found again."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pytest

from matching import register as registers
from matching.duplicates import Spoken
from matching.late import Tokens
from matching.matcher import build_finder
from matching.shelf import Compared, InHand, OnShelf, Quoted, Shelf
from matching.types import Kind, Passage
from tests.fakes.matching import HashEncoder
from tests.unit.matching.test_duplicates import listing


def given(name: str, count: int = 3) -> tuple[Compared, Quoted]:
    chance = np.random.default_rng(count)
    document = listing(f"It tells nurses where the “{name}” pumps of a ward are. It needs no wires.", id=name)
    tokens = Tokens(
        chance.integers(0, 50, count).astype(np.uint16),
        chance.integers(-127, 128, (count, 8)).astype(np.int8),
    )
    quoted = Quoted(
        (Passage("summary", f"Naïve {name}"), Passage("claims", "More")), chance.random((2, 4)).astype("<f2")
    )
    return Compared(tokens, Spoken(document)), quoted


def test_what_was_put_comes_back() -> None:
    shelf = Shelf()
    first, second = given("a"), given("b", 5)
    held = [*shelf.put([first, second]), *shelf.put([given("c", 0)])]
    for (compared, quoted), one in zip([first, second, given("c", 0)], held, strict=True):
        document = compared.spoken.document
        back = one.compared(document)
        assert isinstance(one, OnShelf)
        assert (back.spoken.hashes == compared.spoken.hashes).all()
        assert back.spoken.fingerprint.passages.tolist() == compared.spoken.fingerprint.passages.tolist()
        assert one.quoted().passages == quoted.passages
        assert np.array_equal(one.quoted().vectors, quoted.vectors)
        if compared.tokens is not None and len(compared.tokens.pieces):
            assert back.tokens is not None
            assert back.tokens.vectors.tolist() == compared.tokens.vectors.tolist()
            assert back.tokens.pieces.tolist() == compared.tokens.pieces.tolist()
        else:
            assert back.tokens is None
    assert shelf.size == sum(one.size for one in held)


def test_without_tokens_and_vectors_the_words_come_back() -> None:
    compared, quoted = given("a")
    (one,) = Shelf().put([(Compared(None, compared.spoken), Quoted(quoted.passages, None))])
    assert one.compared(compared.spoken.document).tokens is None
    assert one.quoted() == Quoted(quoted.passages, None)


def test_without_room_on_disk_everything_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    (one,) = Shelf().put([given("a")])
    assert isinstance(one, InHand)
    assert one.quoted().passages[0].text == "Naïve a"
    assert "stays in memory" in caplog.text


def test_after_a_fork_another_file_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    (before,) = shelf.put([given("a")])
    monkeypatch.setattr(os, "getpid", lambda: -1)
    (after,) = shelf.put([given("b")])
    assert isinstance(before, OnShelf)
    assert isinstance(after, OnShelf)
    assert before.file is not after.file
    assert before.quoted().passages[0].text == "Naïve a"


def test_what_nobody_asks_for_any_more_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "_WASTE_FROM", 0)
    monkeypatch.setattr(registers, "_AT_ONCE", 4)
    finder = build_finder(Kind.TECHNOLOGY, encoder=HashEncoder())
    encoded = finder.encode([listing(f"The pumps of ward {at} are found.", id=f"t{at}") for at in range(6)])
    sizes: list[Sequence[int]] = []
    finder.add(encoded)
    seen = finder.register.view().records
    for _ in range(6):
        finder.add(encoded[:3])
        kept = sum(record.held.size for record in finder.register.records.values())
        sizes.append((finder.register._shelf.size, kept))
    assert all(size <= 2.6 * kept for size, kept in sizes)
    assert min(size / kept for size, kept in sizes[1:]) < 2
    # Who began to read before goes on with what it has.
    assert [one.quoted().passages[0].text for one in seen.values()] == [
        f"The pumps of ward {at} are found." for at in range(6)
    ]
    assert finder.register.records["t5"].quoted().passages[0].text == "The pumps of ward 5 are found."
