"""Read a need as a careful colleague would, and ask about what a reader would stumble over.

It asks a question about some exact words. It never writes the text, never counts points, and never stops anybody
from saving or publishing. The rules themselves, with their reasons and examples, are in `marketplace.needs.noticing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from marketplace.needs.noticing import RULES
from marketplace.needs.noticing.reading import STOP, Hit, Meanings, Reading, Rule, no_meanings
from marketplace.needs.questions import ASKS
from marketplace.needs.rules import NeedContent

#: At most so many findings stand beside one field: more would be a wall to a person who is writing.
SHOWN_MOST = 3

_PLACE = {name: number for number, name in enumerate(ASKS)}
_WEIGHT = {one.key: number for number, one in enumerate(RULES)}


@dataclass(frozen=True, slots=True)
class Finding:
    """A question about some words of a need, beside the field that they stand in."""

    rule: str
    field: str
    item: int
    start: int
    end: int
    words: str
    question: str
    sentence: str

    @property
    def key(self) -> str:
        """Return what "leave as it is" remembers: the rule, and a digest of the field and the sentence.

        A change to the sentence gives another key, so that the question comes back; one elsewhere does not.
        """
        about = f"{self.field}\n{' '.join(self.sentence.split()).casefold()}\n{self.words.casefold()}"
        return f"{self.rule}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"


def look_over(content: NeedContent, meanings: Meanings = no_meanings) -> list[Finding]:
    """Return what the rules notice, in the order of the questions and of the words."""
    reading = Reading(content, meanings)
    found = [_finding(one, hit) for one in RULES for hit in one.look(reading)]
    return sorted(found, key=lambda finding: (_PLACE[finding.field], finding.item, finding.start))


def still_open(findings: Sequence[Finding], left: Collection[str]) -> list[Finding]:
    """Return the findings that nobody has left as they are; ``left`` holds their keys."""
    return [finding for finding in findings if finding.key not in left]


class Spot(NamedTuple):
    """A place for findings on a page: its name there, and the field below which it is.

    ``item`` is the statement above it, -1 where that is empty; None takes the findings of the whole field.
    """

    name: str
    field: str
    item: int | None = None


def beside(findings: Sequence[Finding], spot: Spot) -> list[Finding]:
    """Return what to show in a place: a few findings, the most important."""
    here = [one for one in findings if one.field == spot.field and spot.item in (None, one.item)]
    return sorted(here, key=lambda finding: _WEIGHT[finding.rule])[:SHOWN_MOST]


def _finding(one: Rule, hit: Hit) -> Finding:
    passage, start, end, question = hit
    first = max((match.end() for match in STOP.finditer(passage.text, 0, start)), default=0)
    stop = STOP.search(passage.text, end)
    return Finding(
        rule=one.key,
        field=passage.field,
        item=passage.item,
        start=start,
        end=end,
        words=passage.text[start:end],
        question=question,
        sentence=passage.text[first : stop.start() if stop else len(passage.text)],
    )
