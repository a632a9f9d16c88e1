"""Mend typing errors in what a person typed, against the words that the register knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

SHORTEST = 5
"""Letters from which a word is long enough for an error in it to be told from another word."""

_CLOSE = 0.8
_WEIGHT = 0.8


def mended(
    terms: Mapping[str, float], known: Callable[[str], bool], vocabulary: Callable[[], Sequence[str]]
) -> Mapping[str, float]:
    """Return the nearest known stem, a little less sure, for each term that nobody uses. Keeps the first letter."""
    found: dict[str, float] = {}
    strange = [term for term in terms if len(term) >= SHORTEST and term.isalpha() and not known(term)]
    if not strange:
        return found
    words = vocabulary()
    for term in strange:
        near = [word for word in words if word[0] == term[0] and abs(len(word) - len(term)) <= 2]
        for word in get_close_matches(term, near, n=1, cutoff=_CLOSE):
            found[word] = terms[term] * _WEIGHT
    return found
