"""Measure the reasons: does the matcher find what a person found about a must-have?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matching.evaluation.measures import Tally
from matching.evaluation.sets import Split
from matching.evaluation.uncertainty import Estimate, share
from matching.matcher import build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.types import Answer, Kind

MEASURED = (Answer.ANSWERS, Answer.NOTHING_FOUND)
"""The answers that people act on."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How much of what the matcher calls so a person calls so too, and the other way round."""

    precision: Estimate
    recall: Estimate


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Judged reasons against those of the matcher: ``confusion`` counts (person's answer, matcher's answer)."""

    confusion: Mapping[tuple[Answer, Answer], int]

    @property
    def judged(self) -> int:
        """Return how many reasons were judged."""
        return sum(self.confusion.values())

    def accuracy(self, answer: Answer) -> Accuracy:
        """Return precision and recall of one answer, with Wilson's intervals."""
        called = [
            (count, judged is answer) for (judged, told), count in self.confusion.items() if told is answer
        ]
        judged = [
            (count, told is answer) for (judged, told), count in self.confusion.items() if judged is answer
        ]
        return Accuracy(_share(called), _share(judged))


def _share(counted: Sequence[tuple[int, bool]]) -> Estimate:
    hits = [float(hit) for count, hit in counted for _ in range(count)]
    return share(Tally.of(hits))


def judge(split: Split, encoder: Encoder | None) -> ReasonFigures | None:
    """Return how the matcher's reasons compare with the judged ones; None where none were judged."""
    if not split.reasons:
        return None
    told = _told(split, encoder)
    confusion = dict.fromkeys(((judged, said) for judged in Answer for said in Answer), 0)
    for one in split.reasons:
        confusion[
            one.answer, told.get(one.need, {}).get((one.technology, one.requirement), Answer.NOTHING_FOUND)
        ] += 1
    return ReasonFigures(confusion)


def _told(split: Split, encoder: Encoder | None) -> Mapping[str, Mapping[tuple[str, int], Answer]]:
    """Return what the matcher says: need -> (technology, number of the must-have) -> answer."""
    wanted: dict[str, set[str]] = {}
    for one in split.reasons:
        wanted.setdefault(one.need, set()).add(one.technology)
    judged = {key for keys in wanted.values() for key in keys}
    settings = MatcherSettings()
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder, settings=settings)
    finder.add(finder.encode([one for one in split.technologies if one.id in judged]))
    needs = [one for one in split.needs if one.id in wanted]
    asking = build_finder(Kind.NEED, encoder=encoder, settings=settings)
    return {
        one.document.id: {
            (match.id, number): reason.answer
            for match in finder.match(one, len(judged), wanted[one.document.id]).matches
            for number, reason in enumerate(match.reasons, start=1)
        }
        for one in asking.encode(needs)
    }
