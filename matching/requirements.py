"""Read must-haves and sentences so that one can be laid on the other: what is asked for, and what is said of it.

Words alone do not do it. "Usable by HCSWs" is answered by "any member of staff may put it on": besides the glossary
of NHS terms there is a table of the things that must-haves ask for again and again, how people ask for each, and how
listings say so (``data/aspects.csv``). "Under 3 minutes" is answered by "a two-minute test" and not by "within the
hour", and "it does not measure circulation" says nothing for a must-have that asks for circulation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from matching.glossary import Glossary, Mention, read
from matching.text import STOP_WORDS, normalise, stem, words

ASPECT = 0.8
"""What an aspect that is told in other words counts, beside 1 for the very word."""
RELATED = 0.5
"""What a phrase of the glossary counts that is only related to the term."""
HALF_ASKED = 0.5
"""What an aspect counts of which the must-have uses a listing's words rather than an asker's."""
FILLING = 0.3
"""What words count that say how a thing is asked for, and not what is: "usable", "compliant", "link"."""
SAME_SIZE = 20.0
"""How many times an amount may differ from the one asked for and still be about the same."""
RARE = 4.0
"""The weight of a quantity that is asked for: as much as a rare word."""

_FILLING_TEXT = """
usable works work working use used easy support supports suits suit able based compliant aligned compatible option
options data include included provide ready link linked links evidence integration integrated integrates connects
model impact effect team teams system systems clinical patient patients hospital trust service services people
staff health care nhs level within inside under between result results
"""
_FILLING = frozenset(stem(word) for word in _FILLING_TEXT.split())
_NAMED = re.compile(r"(?=.*[A-Z0-9].*[A-Z0-9])\w+")
"""A name that must be named: MDR, ReSPECT, DCB0129, CG98."""

_DENIES = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|can|could|will|would|has|have)\s+not|cannot|can[’']t|\w+n[’']t|not|no|never"
    r"|none|nobody|no[- ]one|nothing|neither|nor|without|excludes?|excluding|lacks?)\b",
    re.IGNORECASE,
)
_SCOPE_ENDS = re.compile(r"[.;:!?]|\b(?:but|so|while|because|since|although|though|until|unless|except)\b")
_CLAUSE_ENDS = re.compile(rf"{_SCOPE_ENDS.pattern}|,\s")
"""What "without" reaches ends sooner than what a verb denies: "without gel, at home" is at home."""

_NUMBERS = {
    word: float(value)
    for value, names in enumerate(
        (
            "zero",
            "a an one single",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        )
    )
    for word in names.split()
} | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0, "half": 0.5}
_SECONDS = {
    "second": 1.0,
    "sec": 1.0,
    "s": 1.0,
    "minute": 60.0,
    "min": 60.0,
    "hour": 3600.0,
    "hr": 3600.0,
    "h": 3600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_629_800.0,
    "year": 31_557_600.0,
}
_UNITS = {f"{name}s": ("time", seconds) for name, seconds in _SECONDS.items() if len(name) > 1}
_UNITS |= {name: ("time", seconds) for name, seconds in _SECONDS.items()}
_UNITS |= {
    "kg": ("weight", 1.0),
    "kilo": ("weight", 1.0),
    "kilos": ("weight", 1.0),
    "stone": ("weight", 6.35),
}
_UNITS |= {"kilogram": ("weight", 1.0), "kilograms": ("weight", 1.0)}
_QUANTITY = re.compile(
    rf"\b(?:(\d+(?:[.,]\d+)?)[-\s]*|({'|'.join(sorted(_NUMBERS, key=len, reverse=True))})[-\s]+(?:an?\s+)?)"
    rf"({'|'.join(sorted(_UNITS, key=len, reverse=True))})\b",
    # Without ASCII a dotless i and a long s pass for i and s, and make a unit that no table has.
    re.IGNORECASE | re.ASCII,
)
_AT_MOST = re.compile(
    r"\b(?:under|less than|fewer than|inside|within|in|up to|below|at most|maximum|max)\s*$|[<≤]\s*$",
    re.IGNORECASE,
)
_AT_LEAST = re.compile(
    r"\b(?:over|more than|at least|above|minimum|min|from|greater than|exceeds?)\s*$|[>≥]\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount with its unit: ``kind`` is time (in seconds) or weight (in kilograms); where it stands in the text.

    ``bound`` is -1 where at most so much is meant, 1 where at least, 0 where neither is said.
    """

    kind: str
    amount: float
    bound: int
    start: int
    end: int

    def near(self, other: Quantity) -> bool:
        """Tell whether another text's amount can be about the same: weeks say nothing of "within 2 minutes"."""
        return self.kind == other.kind and self.amount / SAME_SIZE <= other.amount <= self.amount * SAME_SIZE

    def met_by(self, other: Quantity) -> bool:
        """Tell whether another text's amount keeps the bound that this one sets."""
        if self.kind != other.kind or not self.bound:
            return False
        return other.amount <= self.amount if self.bound < 0 else other.amount >= self.amount


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that a must-have asks for, and every key that would tell of it, with how far it does (0 to 1)."""

    weight: float
    keys: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a must-have asks for. ``named`` marks the slots that are names of standards, systems or tools."""

    slots: tuple[Slot, ...]
    named: tuple[Slot, ...]
    only_named: bool
    limit: Quantity | None
    negated: bool
    keys: frozenset[str]
    """Every key of every slot: a sentence that says none of them says nothing of what is asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence says: its keys, those that it denies, the amounts in it, and where each key stands."""

    said: frozenset[str]
    denied: frozenset[str]
    quantities: tuple[Quantity, ...]
    denying: float
    places: Mapping[str, tuple[tuple[int, int], ...]]


class Cover(NamedTuple):
    """How far a sentence covers a must-have: the share of what is asked for that it says, between 0 and 1.

    ``unnamed`` tells that a name is asked for which the sentence does not know, ``broken`` that it tells an amount
    beyond the one asked for, and ``denied`` which share it says only to deny it.
    """

    share: float
    unnamed: bool = False
    broken: bool = False
    denied: float = 0.0


class Asking:
    """Read must-haves and sentences by the glossary (None: without) and the table of aspects."""

    def __init__(self, glossary: Glossary | None, rarity: Callable[[str], float]) -> None:
        self._book = glossary
        self._aspects = aspects()
        self._spelled = {
            entry.concept: len(words(entry.meanings[0])) for entry in (glossary.entries if glossary else ())
        }
        self._rarity = rarity
        self.asked: Callable[[str], Asked] = lru_cache(maxsize=4096)(self._asked)
        self.told: Callable[[str], Told] = lru_cache(maxsize=32_768)(self._told)

    def _asked(self, text: str) -> Asked:
        """Return what a must-have asks for."""
        text = normalise(text)
        found = words(text)
        limit = next((one for one in quantities(text) if one.bound), None)
        terms = list(self._book.mentions(found)) if self._book else []
        ways = list(self._aspects.mentions(found))
        slots: list[Slot] = []
        named: list[Slot] = []
        plain = 0
        for at, word in enumerate(found):
            if word.text.lower() in STOP_WORDS or (limit and limit.start <= word.start < limit.end):
                continue
            key = stem(word.text)
            weight = self._rarity(key) * (FILLING if key in _FILLING else 1.0)
            name = bool(_NAMED.fullmatch(word.text))
            slot = Slot(weight, {**_ways(ways, at), **_meant(terms, at, name=name), key: 1.0})
            slots.append(slot)
            if name:
                named.append(slot)
            elif key not in _FILLING:
                plain += 1
        only_named = bool(named) and not plain
        keys = frozenset(key for slot in slots for key in slot.keys)
        return Asked(tuple(slots), tuple(named), only_named, limit, bool(_DENIES.match(text)), keys)

    def _told(self, text: str) -> Told:
        """Return what a sentence says, with places in the sentence as it was written."""
        plain, at = _readable(text)
        found = words(plain)
        scopes = _denied(plain)
        places: dict[str, list[tuple[int, int]]] = {}
        said: set[str] = set()
        denied: set[str] = set()

        def put(key: str, start: int, end: int) -> None:
            places.setdefault(key, []).append((at[start][0], at[end - 1][1]))
            (denied if _inside(start, scopes) else said).add(key)

        for word in found:
            if word.text.lower() not in STOP_WORDS:
                put(stem(word.text), word.start, word.end)
        for mention in self._book.mentions(found) if self._book else ():
            key = mention.entry.concept if mention.weight > HALF_ASKED else f"{mention.entry.concept}?"
            put(key, found[mention.first].start, found[mention.last - 1].end)
            if mention.short or mention.last - mention.first == self._spelled[mention.entry.concept] > 1:
                put(f"{mention.entry.concept}=", found[mention.first].start, found[mention.last - 1].end)
        for mention in self._aspects.mentions(found):
            put(f"~{mention.entry.concept}", found[mention.first].start, found[mention.last - 1].end)
        amounts = tuple(
            replace(one, start=at[one.start][0], end=at[one.end - 1][1]) for one in quantities(plain)
        )
        length = sum(len(word.text) for word in found) or 1
        inside = sum(len(word.text) for word in found if _inside(word.start, scopes))
        return Told(
            frozenset(said),
            frozenset(denied - said),
            amounts,
            inside / length,
            {key: tuple(spans) for key, spans in places.items()},
        )


def cover(asked: Asked, told: Told) -> Cover:
    """Lay a must-have on a sentence."""
    if asked.limit is None and told.said.isdisjoint(asked.keys) and told.denied.isdisjoint(asked.keys):
        return Cover(0.0, bool(asked.named) and any(slot.weight for slot in asked.slots))
    total = found = denied = 0.0
    for slot in asked.slots:
        total += slot.weight
        best = worst = 0.0
        for key, degree in slot.keys.items():
            if key in told.said:
                best = max(best, degree)
            elif key in told.denied:
                worst = max(worst, degree)
        if asked.negated:
            best = max(best, worst)
        found += slot.weight * best
        denied += slot.weight * max(worst - best, 0.0)
    broken = False
    if asked.limit is not None:
        total += RARE
        same = [one for one in told.quantities if asked.limit.near(one)]
        if any(asked.limit.met_by(one) for one in same):
            found += RARE
        elif same:
            broken = True
            found += RARE / 2
    if not total:
        return Cover(0.0)
    unnamed = any(not any(key in told.said for key in slot.keys) for slot in asked.named)
    return Cover(found / total, unnamed, broken, denied / total)


def places(asked: Asked, told: Told) -> tuple[tuple[int, int], ...]:
    """Return where in the sentence stands what the must-have asks for: (start, end), in order, never overlapping."""
    wanted = [place for slot in asked.slots for key in slot.keys for place in told.places.get(key, ())]
    if asked.limit is not None:
        wanted += [(one.start, one.end) for one in told.quantities if asked.limit.near(one)]
    return joined(wanted)


def joined(places: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return places in order, those joined that touch, overlap, or have but one character between them."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if found and start - found[-1][1] <= 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def quantities(text: str) -> list[Quantity]:
    """Return the amounts of time and weight that a text tells: "two-minute", "half an hour", "< 3 min"."""
    found = []
    for hit in _QUANTITY.finditer(text):
        digits, word, unit = hit.groups()
        kind, size = _UNITS[unit.lower()]
        amount = float(digits.replace(",", ".")) if digits else _NUMBERS[word.lower()]
        before = text[: hit.start()]
        bound = -1 if _AT_MOST.search(before) else 1 if _AT_LEAST.search(before) else 0
        found.append(Quantity(kind, amount * size, bound, hit.start(), hit.end()))
    return found


@lru_cache(maxsize=1)
def aspects() -> Glossary:
    """Return the table of what must-haves ask for, that is shipped."""
    text = resources.files("matching").joinpath("data/aspects.csv").read_text(encoding="utf-8")
    return Glossary(read(text), HALF_ASKED)


def _meant(mentions: Sequence[Mention], at: int, *, name: bool) -> dict[str, float]:
    """Return the concepts of the glossary that the word at a place belongs to, and those near to them at half.

    What is near to a name is no naming of it, only its abbreviation and what that stands for: a product for anorexia
    is not thereby aligned with MEED.
    """
    found: dict[str, float] = {}
    for mention in mentions:
        if mention.first <= at < mention.last:
            concept = mention.entry.concept
            if name:
                found[f"{concept}="] = mention.weight
            else:
                found[concept] = max(found.get(concept, 0.0), mention.weight)
                found[f"{concept}?"] = max(found.get(f"{concept}?", 0.0), RELATED * mention.weight)
    return found


def _ways(mentions: Sequence[Mention], at: int) -> dict[str, float]:
    """Return the aspects that the word at a place asks for."""
    found: dict[str, float] = {}
    for mention in mentions:
        if mention.first <= at < mention.last:
            key = f"~{mention.entry.concept}"
            found[key] = max(found.get(key, 0.0), ASPECT * mention.weight)
    return found


def _denied(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each part of a text that a negation reaches: to the end of its clause."""
    found = []
    for hit in _DENIES.finditer(text):
        ends = _CLAUSE_ENDS if hit.group().lower() == "without" else _SCOPE_ENDS
        end = ends.search(text, hit.end())
        found.append((hit.end(), end.start() if end else len(text)))
    return found


def _inside(place: int, scopes: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in scopes)


def _readable(text: str) -> tuple[str, Sequence[tuple[int, int]]]:
    """Return a text as it is read, without what is hidden in it, and for each character its (start, end) in ``text``.

    Letters are taken with the marks that sit on them, so that no place ever parts the two.
    """
    if text.isascii():
        return text, [(at, at + 1) for at in range(len(text))]
    plain: list[str] = []
    places: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and (unicodedata.category(text[end])[0] == "M" or text[end] == "\u200d"):
            end += 1
        seen = normalise(text[start:end]) or (" " if text[start].isspace() else "")
        plain.append(seen)
        places += [(start, end)] * len(seen)
        start = end
    return "".join(plain), places
