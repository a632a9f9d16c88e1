"""Mend typing errors in what a person typed, against the words that the register and the glossary know.

A word that nobody knows becomes the nearest that somebody does. Near is a weighted edit distance (Damerau 1964,
restricted): a slip costs less where fingers or ears explain it (two letters changed about, a letter doubled, the key
beside, one vowel for another, a silent h) than where nothing does. Words that are English are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from matching.text import american

SHORTEST = 5
"""Letters from which a word is long enough for an error in it to be told from another word."""

_LIMITS = {5: 0.8, 6: 1.0, 7: 1.3, 8: 1.5, 9: 1.8, 10: 2.0, 11: 2.1}
_LONG_LIMIT = 2.3
"""What slips may cost in all, by the letters of the word that was typed."""

_VOWELS = frozenset("aeiouy")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SOUNDS = ("ckqsxz", "fv", "gj", "mn", "bp", "dt", "uw")
_HEARD = (("ph", "f"), ("rrh", "r"), ("rh", "r"), ("gh", "g"), ("ck", "k"), ("qu", "kw"))
_SILENT_STARTS = (("ps", "s"), ("pn", "n"), ("kn", "n"), ("wr", "r"))


def _neighbours() -> frozenset[tuple[str, str]]:
    beside = set()
    for row, keys in enumerate(_KEYS):
        for at, key in enumerate(keys):
            near = [
                *keys[max(at - 1, 0) : at + 2],
                *(_KEYS[row + 1][max(at - 1, 0) : at + 1] if row < 2 else ()),
            ]
            beside |= {pair for other in near for pair in ((key, other), (other, key))}
    alike = {(one, other) for sounds in _SOUNDS for one in sounds for other in sounds}
    return frozenset(beside | alike)


_ALIKE = _neighbours()


def mended(
    typed: Iterable[str], known: Callable[[str], bool], vocabulary: Callable[[], Iterable[str]]
) -> Mapping[str, str]:
    """Return for each word that is not ``known`` the nearest of the vocabulary; nothing where none is near."""
    strange = [
        word for word in dict.fromkeys(typed) if len(word) >= SHORTEST and word.isalpha() and not known(word)
    ]
    if not strange:
        return {}
    words = [word for word in vocabulary() if len(word) >= SHORTEST - 1 and word.isalpha()]
    found = {word: nearest(word, words) for word in strange}
    return {word: near for word, near in found.items() if near is not None}


def nearest(typed: str, words: Iterable[str]) -> str | None:
    """Return the word that costs the fewest slips to have been meant, or None if all cost too much."""
    heard, letters = _heard(typed.lower())
    limit = _LIMITS.get(len(typed), _LONG_LIMIT)
    best: tuple[float, str] | None = None
    for word in words:
        sound, inside = _heard(word)
        # Two slips change at most four letters: most words are put aside by what letters they hold.
        if abs(len(sound) - len(heard)) > 3 or (inside ^ letters).bit_count() > 4:
            continue
        cost = min(_slips(heard, sound, limit), _slips(typed.lower(), word, limit))
        if cost <= limit and (best is None or (cost, word) < best):
            best = (cost, word)
    return None if best is None else best[1]


@lru_cache(maxsize=131_072)
def _heard(word: str) -> tuple[str, int]:
    """Return a word as it sounds, and which letters it then holds, a bit each."""
    plain = american(word)
    for start, sound in _SILENT_STARTS:
        if plain.startswith(start):
            plain = sound + plain[len(start) :]
    for written, sound in _HEARD:
        plain = plain.replace(written, sound)
    letters = 0
    for letter in plain:
        letters |= 1 << (ord(letter) & 31)
    return plain, letters


def _slips(typed: str, meant: str, limit: float) -> float:
    """Return what it costs to type ``typed`` for ``meant``; anything over ``limit`` once it is over."""
    if typed == meant:
        return 0.0
    before: list[float] = []
    row = [0.0]
    for at in range(len(meant)):
        row.append(row[-1] + _lost(meant, at))
    for at, letter in enumerate(typed):
        above, row = row, [row[0] + _lost(typed, at)]
        for place, other in enumerate(meant):
            cost = min(
                above[place] + _swap(letter, other, first=not at and not place),
                above[place + 1] + _lost(typed, at),
                row[place] + _lost(meant, place),
            )
            if at and place and letter == meant[place - 1] and other == typed[at - 1]:
                cost = min(cost, before[place - 1] + 0.6)
            row.append(cost)
        if min(row) > limit and min(above) > limit:
            return min(row)
        before = above
    return row[-1]


def _swap(letter: str, other: str, *, first: bool) -> float:
    if letter == other:
        return 0.0
    cost = 0.6 if {letter, other} <= _VOWELS else 0.7 if (letter, other) in _ALIKE else 1.0
    return cost + 0.4 if first else cost


def _lost(word: str, at: int) -> float:
    """Return what it costs that a letter of a word is missing from the other, or too much."""
    if at and word[at] == word[at - 1]:
        return 0.4
    return (0.6 if word[at] in _VOWELS or word[at] == "h" else 0.8) + (0.4 if not at else 0.0)
