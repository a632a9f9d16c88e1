"""Phrases by which people call what a text is about, and the best of them for a group of texts.

A phrase is a term of the glossary that a text names outright, or up to three words in a row that end in a word which
terms end in (`heads`). Abbreviations are spelled as the glossary spells them; capitals stay where the glossary has
them. A group is called by what many of its texts say and few others do, here and in the shipped texts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from matching import glossary
from matching.documents import fields
from matching.glossary import Glossary
from matching.text import STOP_WORDS, Word, sentences, stem, words
from matching.types import Document
from matching.wording import GENERIC, says_something

LONGEST = 3
"""Words that a phrase may have, unless it is a term of the glossary."""
LONG_NAME = 40
"""Characters that a term of the glossary may have to be part of a name."""
ENOUGH = 0.5
"""A name that fewer of the texts say than this gets a second phrase, where there is one."""
FEWEST = 2
"""Texts of a group that must say a phrase before the group is called by it."""
_TOLD = {"title", "statement"}
"""Parts of a text that say what it is about; the rest says in passing what else belongs to it."""
_VAGUE_ALONE = frozenset(
    stem(word)
    for word in ("condition", "disease", "health", "healthcare", "illness", "medical", "pathway", "symptom")
)
"""Stems that tell something with another word ("health check") and nothing without, in the NHS."""
_TITLED = 1.5
"""What a phrase gains where every text that says it says it in its title."""
_TERM = 1.3
_TWO_WORDS = 1.15
_KEPT = 6
"""Candidates that are looked at for each place in a name."""


@dataclass(frozen=True, slots=True)
class Said:
    """A phrase as one text says it: how it is written, and whether the title has it."""

    written: str
    titled: bool
    term: bool


Phrases = Mapping[str, Said]
"""What one text says, by the stems of the phrase or the concept of the glossary."""


def phrases(document: Document, book: Glossary | None, plain: Callable[[str], str]) -> Phrases:
    """Return the phrases of a document."""
    found: dict[str, Said] = {}
    for source, text in fields(document, plain):
        titled = source == "title"
        if source not in _TOLD:
            continue
        for key, written, term in (*_terms(text, book), *_runs(text)):
            known = found.get(key)
            if known is None or (titled and not known.titled):
                found[key] = Said(written, titled, term)
    return found


def _terms(text: str, book: Glossary | None) -> Iterator[tuple[str, str, bool]]:
    """Yield the terms of the glossary that a text names outright."""
    if book is None:
        return
    found = words(text)
    for mention in book.mentions(found):
        if mention.weight < 1.0:
            continue
        written = mention.meaning
        if not mention.short:
            here = found[mention.first : mention.last]
            written = _as_spelled(text[here[0].start : here[-1].end], mention.entry)
        parts = words(written)
        if len(written) <= LONG_NAME and any(says_something(part.text) for part in parts):
            yield mention.entry.concept, written, True


def _as_spelled(written: str, entry: glossary.Entry) -> str:
    """Return a phrase in the capitals of the glossary where it has that phrase, else in small letters."""
    for known in (*entry.meanings, *entry.own.values(), *entry.forms):
        if known.lower() == written.lower():
            return known
    return written.lower()


def _runs(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the runs of words that may be what people call something."""
    ends = heads()
    for start, end in sentences(text):
        piece = text[start:end]
        found = words(piece)
        for at in range(len(found)):
            for size in range(1, LONGEST + 1):
                run = found[at : at + size]
                if len(run) < size or not _joined(run, piece):
                    break
                if _calls(run, ends):
                    yield " ".join(stem(word.text) for word in run), _written(run, piece), False


def _joined(run: Sequence[Word], piece: str) -> bool:
    """Tell whether nothing but a space or a hyphen stands between plain words."""
    last = run[-1]
    plain = last.text.isascii() and last.text.isalpha() and last.text.lower() not in STOP_WORDS
    return plain and (len(run) == 1 or piece[run[-2].end : last.start] in (" ", "-"))


def _calls(run: Sequence[Word], ends: frozenset[str]) -> bool:
    """Tell whether a run ends as a name does, and says something in its first and, if alone, only word."""
    if stem(run[-1].text) not in ends or len(run[-1].text) < 3:
        return False
    if len(run) == 1 and stem(run[0].text) in _VAGUE_ALONE:
        return False
    return says_something(run[0].text) and not run[0].text.isupper()


def _written(run: Sequence[Word], piece: str) -> str:
    return piece[run[0].start : run[-1].end].lower()


@lru_cache(maxsize=1)
def heads() -> frozenset[str]:
    """Return the stems in which terms of the glossary end: what comes last in the name of something."""
    found = set()
    for entry in glossary.load().entries:
        told = [form for form in (*entry.meanings, *entry.forms) if not glossary.is_short(form)]
        found |= {stem(words(one)[-1].text) for one in told if words(one)}
    return frozenset(found)


# Groups ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """A phrase that may call a group: how well, and which of its texts (by place) say it."""

    key: str
    worth: float
    having: frozenset[int]


class Names:
    """Find names for groups of texts, so that no two groups have the same."""

    def __init__(self, texts: Sequence[Phrases], shipped: Callable[[str], float]) -> None:
        """Take what each text says; ``shipped`` tells which share of the shipped texts says a term."""
        self.texts = texts
        self.shipped = shipped
        self.everywhere = Counter(key for text in texts for key in text)

    def candidates(self, group: Sequence[int]) -> list[Candidate]:
        """Return the phrases of a group, the best first; ties by the alphabet."""
        inside: dict[str, set[int]] = {}
        for at in group:
            for key in self.texts[at]:
                inside.setdefault(key, set()).add(at)
        outside = len(self.texts) - len(group)
        found = []
        for key, having in inside.items():
            if len(having) < min(FEWEST, len(group)) or not self._calls(key, having):
                continue
            share = len(having) / len(group)
            elsewhere = (self.everywhere[key] - len(having) + 0.5) / (outside + 1)
            common = max(elsewhere, self.shipped(key), 1 / (len(self.texts) + 2))
            worth = share * math.log(share / common) * self._shape(key, having)
            if worth > 0:
                found.append(Candidate(key, round(worth, 6), frozenset(having)))
        return sorted(found, key=lambda one: (-one.worth, one.key))

    def _calls(self, key: str, having: set[int]) -> bool:
        """Tell whether a phrase is a term, or somebody has it in a title: others may be said in passing."""
        said = [self.texts[at][key] for at in having]
        return said[0].term or any(one.titled for one in said)

    def _shape(self, key: str, having: set[int]) -> float:
        said = [self.texts[at][key] for at in having]
        titled = sum(one.titled for one in said) / len(said)
        return (
            (1 + _TITLED * titled)
            * (_TERM if said[0].term else 1.0)
            * (_TWO_WORDS if " " in said[0].written else 1.0)
        )

    def coverage(self, keys: Sequence[str], group: Sequence[int]) -> float:
        """Return the share of a group that says one of these phrases."""
        return sum(any(key in self.texts[at] for key in keys) for at in group) / max(len(group), 1)

    def written(self, key: str, group: Sequence[int]) -> str:
        """Return how a group writes a phrase: in the plural or as an -ing word if anybody does, else most often.

        Ties are broken by the alphabet.
        """
        counts = Counter(self.texts[at][key].written for at in group if key in self.texts[at])
        return min(counts, key=lambda one: (" " in one or _form(one), -counts[one], one), default="")

    def name(self, group: Sequence[int], taken: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
        """Return a name that nobody has taken, with its phrases; empty where its texts share no phrase.

        ``taken`` holds names in small letters.
        """
        found = self.candidates(group)
        for first in found[:_KEPT]:
            alone = self.written(first.key, group)
            if len(first.having) >= ENOUGH * len(group) and alone.lower() not in taken:
                return sentence_case(alone), (first.key,)
            second = self._second(first, found, group)
            if second is not None:
                both = f"{alone} and {self.written(second.key, group)}"
                if both.lower() not in taken:
                    return sentence_case(both), (first.key, second.key)
            elif alone.lower() not in taken:
                return sentence_case(alone), (first.key,)
        return "", ()

    def _second(self, first: Candidate, found: Sequence[Candidate], group: Sequence[int]) -> Candidate | None:
        """Return the phrase that says most of the texts which do not say the first."""
        parts = _parts(self.written(first.key, group))
        others = [
            (len(one.having - first.having) * one.worth, one)
            for one in found
            if one.having - first.having and not parts & _parts(self.written(one.key, group))
        ]
        best = max(others, key=lambda one: (one[0], [-ord(letter) for letter in one[1].key]), default=None)
        return best[1] if best is not None else None


def _form(written: str) -> int:
    """Return how much a form of a word looks like the name of something: a plural before an -ing word."""
    if written.endswith("s") and not written.endswith(("ss", "us", "is")):
        return 0
    return 1 if written.endswith("ing") else 2


def _parts(written: str) -> set[str]:
    return {stem(word.text) for word in words(written)} - GENERIC


def sentence_case(text: str) -> str:
    """Return a name with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]
