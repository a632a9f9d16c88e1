"""Read NHS language: abbreviations, and the many ways in which people say the same thing.

The words are in ``data/glossary.csv``, a table that a clinician can read and edit:

* ``forms``: abbreviations and headwords, each of which means the row's concept outright;
* ``meaning``: what they stand for; the first is what the encoder is given in place of an abbreviation;
* ``related``: what others, innovators above all, say about the same thing; it counts for less;
* ``context``: beginnings of words, one of which must stand in the text for the short form to be read so. A
  form on several rows (DNA, PE, MS) is read by the row with most of its context; where nothing settles it, each
  row counts a share.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from matching.text import Word, stem, words

_ENGLISH = frozenset(
    [
        *(
            "act",
            "as",
            "at",
            "bank",
            "cam",
            "cap",
            "care",
            "case",
            "cat",
            "chat",
            "core",
            "dot",
            "dots",
            "ed",
            "elf",
        ),
        *(
            "fit",
            "ice",
            "is",
            "it",
            "la",
            "la",
            "las",
            "lap",
            "mar",
            "mas",
            "may",
            "mesh",
            "met",
            "must",
            "no",
            "oh",
        ),
        *(
            "or",
            "peace",
            "pet",
            "place",
            "pod",
            "pods",
            "ras",
            "respect",
            "salt",
            "scan",
            "scarf",
            "so",
            "us",
            "who",
        ),
        *("ppe", "ai", "us", "am", "pm", "ad", "ms", "pa"),
    ]
)
"""Lower-case words of everyday English: an abbreviation that looks like one must be written in capitals."""

_SHORT = re.compile(r"[A-Z0-9#][A-Za-z0-9#]{0,6}")
_LONGEST = 7
"""Words in the longest phrase that is looked for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the glossary; ``concept`` names it, for good."""

    concept: str
    section: str
    forms: tuple[str, ...]
    meanings: tuple[str, ...]
    related: tuple[str, ...]
    context: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept found in a text: the words from ``first`` to ``last`` (exclusive), and how surely it is meant."""

    entry: Entry
    first: int
    last: int
    weight: float
    short: bool


class Glossary:
    """Find the concepts of the glossary in a text. ``related_weight`` is what a related phrase counts."""

    def __init__(self, entries: Sequence[Entry], related_weight: float = 0.5) -> None:
        self.entries = tuple(entries)
        self._shorts: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        self._phrases: dict[tuple[str, ...], list[tuple[Entry, float]]] = defaultdict(list)
        for entry in self.entries:
            for form in entry.forms:
                parts = tuple(word.text for word in words(form))
                if _is_short(form):
                    self._shorts[parts].append(entry)
                    if (
                        not set(folded := tuple(part.lower() for part in parts)) & _ENGLISH
                        and parts != folded
                    ):
                        self._shorts[folded].append(entry)
                else:
                    self._phrase(form, entry, 1.0)
            for phrase in entry.meanings:
                self._phrase(phrase, entry, 1.0)
            for phrase in entry.related:
                self._phrase(phrase, entry, related_weight)
        self._short_reach, self._phrase_reach = _reach(self._shorts), _reach(self._phrases)

    def _phrase(self, phrase: str, entry: Entry, weight: float) -> None:
        key = tuple(stem(word.text) for word in words(phrase))
        known = self._phrases[key]
        if key and all(other.concept != entry.concept for other, _ in known):
            known.append((entry, weight))

    def knows(self, short: str) -> bool:
        """Tell whether an abbreviation has a row."""
        return tuple(word.text for word in words(short)) in self._shorts

    def mentions(self, found: Sequence[Word]) -> Iterator[Mention]:
        """Yield the concepts that the words of a text mention; of abbreviations and of phrases the longest."""
        plain = [word.text for word in found]
        lower = [text.lower() for text in plain]
        stemmed = [stem(text) for text in plain]
        taken = 0
        for at in range(len(plain)):
            for size in range(min(self._short_reach.get(plain[at], 0), len(plain) - at), 0, -1):
                entries = self._shorts.get(tuple(plain[at : at + size]))
                if entries and at >= taken:
                    for entry, weight in _readings(entries, lower):
                        yield Mention(entry, at, at + size, weight, short=True)
                    taken = at + size
                    break
        longest: dict[str, int] = {}
        for at in range(len(plain)):
            for size in range(min(self._phrase_reach.get(stemmed[at], 0), len(plain) - at), 0, -1):
                for entry, weight in self._phrases.get(tuple(stemmed[at : at + size]), ()):
                    if longest.get(entry.concept, 0) < at + size:
                        longest[entry.concept] = at + size
                        yield Mention(entry, at, at + size, weight, short=False)

    def spell_out(self, text: str) -> str:
        """Return normalised ``text`` with each abbreviation followed by its first meaning, once each."""
        found = words(text)
        pieces, end, told = [], 0, set()
        for mention in self.mentions(found):
            if mention.short and mention.weight > 0.5 and mention.entry.concept not in told:
                told.add(mention.entry.concept)
                upto = found[mention.last - 1].end
                pieces.append(f"{text[end:upto]} ({mention.entry.meanings[0]})")
                end = upto
        return "".join([*pieces, text[end:]])


def _reach(keys: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """Return for each first word how many words are to be looked at: most words begin nothing at all."""
    found: dict[str, int] = {}
    for key in keys:
        if key:
            found[key[0]] = min(_LONGEST, max(found.get(key[0], 0), len(key)))
    return found


def _is_short(form: str) -> bool:
    """Tell whether a form is an abbreviation, to be matched as it is written, rather than words."""
    parts = words(form)
    return any(
        sum(letter.isupper() or letter.isdigit() for letter in part.text) >= 2
        or (len(part.text) <= 2 and part.text[0].isupper())
        for part in parts
    ) and all(_SHORT.fullmatch(part.text) or len(part.text) <= 7 for part in parts)


def _readings(entries: Sequence[Entry], lower: Sequence[str]) -> list[tuple[Entry, float]]:
    """Return which rows a short form means in a text of these words, with a share for each."""
    joined = f" {' '.join(lower)}"
    # Words are joined by single spaces, so that "d-dimer" is looked for as " d dimer".
    support = [sum(f" {start}" in joined for start in entry.context) for entry in entries]
    if max(support) > 0:
        return [(entries[support.index(max(support))], 1.0)]
    free = [entry for entry in entries if not entry.context]
    if free:
        return [(free[0], 1.0)]
    if len(entries) == 1:
        return [] if len(lower) > 6 else [(entries[0], 0.5)]
    return [(entry, 1 / len(entries)) for entry in entries]


def read(text: str) -> list[Entry]:
    """Read the table; raises ValueError with the line for a row without a form or a meaning."""
    entries = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        cells = {
            name: tuple(part.strip() for part in (row[name] or "").split(";") if part.strip()) for name in row
        }
        if not cells["forms"] or not cells["meaning"]:
            raise ValueError(f"glossary, line {number}: forms and meaning are wanted")
        entries.append(
            Entry(
                concept="§" + cells["meaning"][0].lower(),
                section=row["section"],
                forms=cells["forms"],
                meanings=cells["meaning"],
                related=cells["related"],
                context=tuple(
                    " ".join(part.text for part in words(start.lower())) for start in cells["context"]
                ),
            )
        )
    return entries


@lru_cache(maxsize=4)
def load(related_weight: float = 0.5) -> Glossary:
    """Return the glossary that is shipped."""
    text = resources.files("matching").joinpath("data/glossary.csv").read_text(encoding="utf-8")
    return Glossary(read(text), related_weight)


def concepts(glossary: Glossary, found: Sequence[Word]) -> Mapping[str, float]:
    """Return the weight of each concept that the words of a text mention."""
    total: dict[str, float] = defaultdict(float)
    for mention in glossary.mentions(found):
        total[mention.entry.concept] += mention.weight
    return total
