"""How two versions of a need differ, word by word: pure functions over plain values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

#: Words with the white space that follows them, so that the pieces joined are the text again.
_WORD = re.compile(r"\S+\s*|\s+")
#: Below this share of common words two texts are told as one removed and one added: word marks would be a riddle.
ALIKE = 0.35


class Mark(StrEnum):
    """What became of some words."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of one side, and what became of them."""

    text: str
    mark: Mark = Mark.SAME


#: One text as pieces; empty where the other side has a text and this one has none.
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A text of both sides, beside each other."""

    old: Line
    new: Line


def compare_texts(old: str, new: str) -> Pair:
    """Return both texts with the words marked that only one of them has."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    # White space at the end of a word is layout: a word that became the last one has not changed.
    matcher = SequenceMatcher(
        None, [word.strip() for word in before], [word.strip() for word in after], autojunk=False
    )
    if old and new and old != new and matcher.ratio() < ALIKE:
        return Pair((Piece(old, Mark.REMOVED),), (Piece(new, Mark.ADDED),))
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            left.append(Piece("".join(before[i:j])))
            right.append(Piece("".join(after[k:m])))
            continue
        if j > i:
            left.append(Piece("".join(before[i:j]), Mark.REMOVED))
        if m > k:
            right.append(Piece("".join(after[k:m]), Mark.ADDED))
    return Pair(tuple(left), tuple(right))


def compare_lists(old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Return the items of both lists side by side: the same beside the same, a changed one beside what it became."""
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, list(old), list(new), autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            pairs += [Pair((Piece(text),), (Piece(text),)) for text in old[i:j]]
            continue
        for place in range(max(j - i, m - k)):
            before = old[i + place] if i + place < j else ""
            after = new[k + place] if k + place < m else ""
            pairs.append(compare_texts(before, after))
    return pairs
