"""What a careful reader would ask about each text of the judged lists, beside what the coach asks.

``tune.csv`` and ``check.csv`` were written before the rules; the rules were worked on with tune alone. ``others.csv``
holds titles and must-haves that other people wrote for the matcher's evaluation, judged before the coach read them.
``needs.yaml`` holds whole needs. Print the table with ``python -m tests.unit.needs.coach``.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from marketplace.needs import coach
from marketplace.needs.noticing import RULES
from marketplace.needs.noticing.reading import Example
from marketplace.needs.rules import NeedContent, Wanted
from marketplace.vocabulary import EvidenceType

HERE = Path(__file__).parent
HALVES = ("tune", "check", "others")


@dataclass(frozen=True)
class Judged:
    """A need, and what should be asked about it: pairs of field and rule."""

    words: str
    need: NeedContent
    expected: frozenset[tuple[str, str]]
    only: str = ""

    def found(self) -> set[tuple[str, str]]:
        """Return what the coach asks; about a single text, what it asks about that."""
        return {
            (one.field, one.rule)
            for one in coach.look_over(self.need)
            if one.field == self.only or not self.only
        }


def texts(half: str) -> Iterator[Judged]:
    """Yield the single texts of a list."""
    with (HERE / f"{half}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE):
            expected = frozenset((row["field"], rule) for rule in row["find"].split())
            need = Example(row["field"], row["text"]).need()
            yield Judged(f"{row['field']}: {row['text']}", need, expected, row["field"])


def whole_needs(half: str) -> Iterator[Judged]:
    """Yield the whole needs of a half."""
    written = yaml.safe_load((HERE / "needs.yaml").read_text("utf-8"))
    for item in written.get(half, ()):
        answers: dict[str, Any] = {key: value for key, value in item.items() if key != "find"}
        answers["must"] = tuple(answers.get("must", ()))
        kinds = zip(EvidenceType, answers.get("evidence_wanted", ()), strict=False)
        answers["evidence_wanted"] = tuple(Wanted(kind, detail) for kind, detail in kinds)
        for name in ("measure", "baseline", "target"):
            answers[name] = str(answers.get(name, ""))
        pairs = (pair.split() for pair in item["find"])
        expected = frozenset((name, rule) for name, rule in pairs)
        yield Judged(f"need: {item['title']}", replace(NeedContent(), **answers), expected)


@dataclass
class Figures:
    """Counts of questions by rule: rightly asked, asked in vain, missed."""

    right: Counter[str] = field(default_factory=Counter)
    in_vain: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def precision(self, *rules: str) -> float:
        """Return the share of questions asked that a reader would ask."""
        right, in_vain = self._sum(self.right, rules), self._sum(self.in_vain, rules)
        return right / (right + in_vain) if right + in_vain else 1.0

    def recall(self, *rules: str) -> float:
        """Return the share of a reader's questions that are asked."""
        right, missed = self._sum(self.right, rules), self._sum(self.missed, rules)
        return right / (right + missed) if right + missed else 1.0

    @staticmethod
    def _sum(counts: Counter[str], rules: tuple[str, ...]) -> int:
        return sum(counts[rule] for rule in rules) if rules else counts.total()


def figures(half: str) -> Figures:
    """Return the figures of a list."""
    counted = Figures()
    for one in (*texts(half), *whole_needs(half)):
        found = one.found()
        counted.right.update(rule for _, rule in found & one.expected)
        counted.in_vain.update(rule for _, rule in found - one.expected)
        counted.missed.update(rule for _, rule in one.expected - found)
    return counted


def table(half: str) -> str:
    """Return the figures of a list, a line for each rule."""
    counted = figures(half)
    lines = [f"{half:<14} {'right':>6} {'in vain':>8} {'missed':>7} {'precision':>10} {'recall':>7}"]
    for key in (*(rule.key for rule in RULES), ""):
        chosen = (key,) if key else ()
        sums = [Figures._sum(counts, chosen) for counts in (counted.right, counted.in_vain, counted.missed)]
        if not key or any(sums):
            lines.append(
                f"{key or 'all':<14} {sums[0]:>6} {sums[1]:>8} {sums[2]:>7} "
                f"{counted.precision(*chosen):>10.2f} {counted.recall(*chosen):>7.2f}"
            )
    return "\n".join(lines)
