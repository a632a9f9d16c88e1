"""What the adapter learns from: needs with what answers them, and terms with what people say for them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from matching.glossary import Entry, Glossary, load

HELD_BACK = 8
"""One pair in so many is never learnt from: it says when to stop, and whether anything was gained."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A need, a technology that answers it, and one of the same field that does another job."""

    need: str
    technology: str
    near_miss: str


def read() -> list[Pair]:
    """Return all written pairs, in the order of the files."""
    folder = resources.files("matching").joinpath("training")
    files = sorted(
        (one for one in folder.iterdir() if one.name.startswith("pairs_")), key=lambda one: one.name
    )
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [Pair(row["need"], row["technology"], row["near_miss"]) for row in rows]


def parted(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Return the pairs to learn from and those held back, which are spread over all fields."""
    learnt = [pair for at, pair in enumerate(pairs) if at % HELD_BACK]
    return learnt, [pair for at, pair in enumerate(pairs) if not at % HELD_BACK]


def spelled(pairs: Sequence[Pair], book: Glossary) -> list[Pair]:
    """Return pairs as the encoder will be given them: abbreviations with what they stand for."""
    return [
        Pair(book.spell_out(pair.need), book.spell_out(pair.technology), book.spell_out(pair.near_miss))
        for pair in pairs
    ]


def terms() -> list[Entry]:
    """Return the rows of the glossary that tell what others say for a term."""
    return [entry for entry in load().entries if entry.related]


def ways_of_saying(entries: Sequence[Entry], chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield for each row one way to say the term, and a few of the ways in which others put it."""
    for entry in entries:
        first = [*entry.forms, *entry.meanings, f"{entry.forms[0]} ({entry.meanings[0]})"]
        some = chance.sample(entry.related, min(len(entry.related), chance.randint(1, 3)))
        yield chance.choice(first), " ".join(some)
