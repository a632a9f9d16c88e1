"""How the coach reads a need: its passages, what a rule is, and how phrases are written.

Phrases are written as people write them: "/" parts them, ``*`` is the rest of a word, ``-`` a hyphen or a space, and
what stands before ``?`` may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from marketplace.needs.questions import ASKS, Shape
from marketplace.needs.rules import NeedContent, Wanted, page_of
from marketplace.vocabulary import EvidenceType

#: Tells what an abbreviation may stand for in a text; empty when it is not known.
Meanings: TypeAlias = Callable[[str, str], Sequence[str]]


def no_meanings(_abbreviation: str, _text: str) -> Sequence[str]:
    """Know no abbreviation: the rules work without a glossary too."""
    return ()


class Passage(NamedTuple):
    """One text of a need: ``item`` is its place among the statements or the types of evidence, else 0."""

    field: str
    item: int
    text: str


class Hit(NamedTuple):
    """What a rule noticed: the words from ``start`` to ``end`` of a passage, and what it asks about them."""

    passage: Passage
    start: int
    end: int
    question: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A need as the rules read it, with what is known of abbreviations."""

    content: NeedContent
    meanings: Meanings = no_meanings

    def passages(self, *names: str) -> Iterator[Passage]:
        """Yield the texts of these fields, or of all, that are not empty."""
        for name in names or TEXTS:
            yield from (passage for passage in self.all_of(name) if passage.text)

    def all_of(self, name: str) -> Iterator[Passage]:
        """Yield the texts of a field, also the empty ones."""
        answer = getattr(self.content, name)
        if ASKS[name].shape is Shape.STATEMENTS:
            yield from (Passage(name, item, text) for item, text in enumerate(answer))
        elif ASKS[name].shape is Shape.EVIDENCE:
            yield from (Passage(name, item, wanted.detail) for item, wanted in enumerate(answer))
        else:
            yield Passage(name, 0, answer)

    def begun_without(self, name: str) -> Iterator[Passage]:
        """Yield the field's passage where it is empty although its page has been begun."""
        others = (getattr(self.content, other) for other in page_of(name).names if other != name)
        if not getattr(self.content, name) and any(other not in ("", None, ()) for other in others):
            yield Passage(name, 0, "")


TEXTS = tuple(
    name
    for name, ask in ASKS.items()
    if ask.shape in (Shape.LINE, Shape.PARAGRAPH, Shape.STATEMENTS, Shape.EVIDENCE)
)


class Example(NamedTuple):
    """An answer to one question, to show what a rule asks about or leaves alone."""

    field: str
    text: str

    def need(self) -> NeedContent:
        """Return a need with this answer alone."""
        if self.field == "must":
            return NeedContent(must=(self.text,))
        if self.field == "evidence_wanted":
            return NeedContent(evidence_wanted=(Wanted(EvidenceType.REAL_WORLD, self.text),))
        answer: dict[str, Any] = {self.field: self.text}
        return replace(NeedContent(), **answer)


Look: TypeAlias = Callable[[Reading], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the coach notices: its name, why it matters, examples, and the function that looks for it."""

    key: str
    name: str
    why: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    look: Look


def rule(
    key: str, name: str, *, why: str, bad: Sequence[tuple[str, str]], good: Sequence[tuple[str, str]]
) -> Callable[[Look], Rule]:
    """Make a rule of the decorated function; ``bad`` and ``good`` are pairs of field and text."""

    def made(look: Look) -> Rule:
        as_examples = [tuple(Example(*pair) for pair in pairs) for pairs in (bad, good)]
        return Rule(key, name, why, as_examples[0], as_examples[1], look)

    return made


def any_of(phrases: str) -> str:
    """Return a pattern for phrases that "/" and line ends part."""
    parts = (part.strip() for part in re.split(r"[/\n]", phrases))
    return "|".join(part.replace("-", "[- ]").replace("*", r"\w*") for part in parts if part)


def phrase(phrases: str) -> re.Pattern[str]:
    """Return a pattern that finds these phrases as whole words, in capitals or not."""
    return re.compile(rf"\b(?:{any_of(phrases)})\b", re.IGNORECASE)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list as a set."""
    return frozenset(text.split())


#: Where a sentence ends.
STOP = re.compile(r"[.!?](?=\s|$)|\n")
WORD = re.compile(r"[\w’'-]+")

#: Words that stand for a figure. Not "one": "one nurse" and "one day" are seldom meant as one.
FIGURE = re.compile(
    r"\d|\b(?:"
    + any_of(
        """
        two / three / four / five / six / seven / eight / nine / ten / eleven / twelve / fifteen / twenty
        thirty
        forty / fifty / sixty / seventy / eighty / ninety / hundreds? / thousands? / millions? / dozens?
        half
        halves / halved? / thirds? / quarters? / fifths? / tenths? / twice / doubled? / once / zero / none
        nobody
        no one / never / every / all / one in / one of
        """
    )
    + r")\b",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(
    r"^\W*(?:n\W?a|(?:see|as) (?:attached|above|below|report|paper)\b.*|do(?: not|n[’']t) (?:know|mind)|"
    + any_of(
        """
        unknown / not sure( yet)? / later / same / various / none / yes / no / any / x+ / test / to follow
        pending
        """
    )
    + r")\W*$|\b(?:tbc|tbd|tba|to be (?:\w+ )?(?:"
    + any_of("agreed / confirmed / decided / defined / determined / developed / discussed / set")
    + r"))\b",
    re.IGNORECASE,
)


def whole(passage: Passage, question: str) -> Hit:
    """Ask about the whole passage."""
    return Hit(passage, 0, len(passage.text), question)


def first_of(pattern: re.Pattern[str], passage: Passage, question: str) -> Iterator[Hit]:
    """Yield the first match; ``{}`` in the question stands for its words."""
    if match := pattern.search(passage.text):
        yield Hit(passage, *match.span(), question.format(match[0]))


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield each sentence with the place where it starts."""
    start = 0
    for stop in STOP.finditer(text):
        yield start, text[start : stop.end()]
        start = stop.end()
    if start < len(text):
        yield start, text[start:]


def told(text: str) -> set[str]:
    """Return the words of a text in small letters."""
    return {word.lower() for word in WORD.findall(text)}
