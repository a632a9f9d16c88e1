"""Read a judged set: technologies, needs, grades, needs that nothing answers, and short queries.

A set may also hold ``reasons.tsv`` (judged reasons), and an empty file ``SEALED``: such a set is only ever measured,
never looked into, so the evaluation tells its figures and no text or id of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from matching.documents import need_document, technology_document
from matching.types import Answer, Document, Kind

T = TypeVar("T")
Grades = Mapping[str, Mapping[str, int]]

SEAL = "SEALED"
"""The file that says: figures only."""


@dataclass(frozen=True, slots=True)
class Query:
    """A short text as it was typed, what it searches, and the grade of each relevant id."""

    id: str
    text: str
    target: Kind
    relevant: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class JudgedReason:
    """What a person found that a technology says about one must-have of a need, counted from 1."""

    need: str
    requirement: int
    technology: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Split:
    """A judged set: ``grades`` holds need id -> technology id -> grade (1 to 3).

    ``sealed``: nothing but figures may be told of it.
    """

    name: str
    technologies: tuple[Document, ...]
    needs: tuple[Document, ...]
    grades: Grades
    no_match: tuple[str, ...]
    queries: tuple[Query, ...]
    reasons: tuple[JudgedReason, ...] = ()
    sealed: bool = False

    @property
    def reversed_grades(self) -> Grades:
        """Return technology id -> need id -> grade."""
        turned: dict[str, dict[str, int]] = defaultdict(dict)
        for need, graded in self.grades.items():
            for technology, grade in graded.items():
                turned[technology][need] = grade
        return dict(turned)


class SplitError(ValueError):
    """A split cannot be read; the message names the file and the line."""

    def __str__(self) -> str:
        return f"The split cannot be read. {super().__str__()}"


def load(folder: Path) -> Split:
    """Read a split; raises `SplitError` for a missing file, a damaged line, or a reason judged of nothing."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(_lines(folder / "qrels.tsv")[1:], start=2):
        try:
            need, technology, grade = line.split("\t")
            grades[need][technology] = int(grade)
        except ValueError as error:
            raise SplitError(f"qrels.tsv, line {number}: need id, technology id and grade wanted") from error
    split = Split(
        name=folder.resolve().name,
        technologies=tuple(
            _read(
                folder / "technologies.jsonl",
                lambda row: technology_document(
                    id=row["id"],
                    name=row["name"],
                    supplier=row.get("supplier", ""),
                    summary=row["summary"],
                    category=row.get("category", ""),
                    settings=(row.get("setting", ""),),
                    source=row.get("source", ""),
                ),
            )
        ),
        needs=tuple(
            _read(
                folder / "needs.jsonl",
                lambda row: need_document(
                    id=row["id"],
                    title=row["title"],
                    statement=row["statement"],
                    requirements=row.get("requirements", ()),
                    clinical_area=row.get("clinical_area", ""),
                ),
            )
        ),
        grades=dict(grades),
        no_match=tuple(line.strip() for line in _lines(folder / "no_match.txt") if line.strip()),
        queries=tuple(
            _read(
                folder / "queries.jsonl",
                lambda row: Query(
                    id=row["id"],
                    text=row["text"],
                    target=Kind.NEED if row["target"] == "needs" else Kind.TECHNOLOGY,
                    relevant={key: int(grade) for key, grade in row["relevant"].items()},
                ),
            )
        ),
        reasons=_reasons(folder / "reasons.tsv"),
        sealed=(folder / SEAL).exists(),
    )
    musts = {need.id: len(need.requirements) for need in split.needs}
    technologies = {technology.id for technology in split.technologies}
    for one in split.reasons:
        if not 1 <= one.requirement <= musts.get(one.need, 0) or one.technology not in technologies:
            raise SplitError(
                f"reasons.tsv: there is no must-have {one.requirement} of {one.need}, or no {one.technology}"
            )
    return split


def _reasons(file: Path) -> tuple[JudgedReason, ...]:
    """Read the judged reasons; nothing where the set has none."""
    found = []
    for number, line in enumerate(_lines(file)[1:] if file.exists() else (), start=2):
        try:
            need, requirement, technology, answer = line.split("\t")
            found.append(JudgedReason(need, int(requirement), technology, Answer(answer)))
        except ValueError as error:
            raise SplitError(
                f"{file.name}, line {number}: need id, requirement number, technology id and one of "
                f"{', '.join(Answer)} wanted"
            ) from error
    return tuple(found)


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(f"{file.name} cannot be read: {error}") from error


def _read(file: Path, build: Callable[[dict[str, Any]], T]) -> list[T]:
    built = []
    for number, line in enumerate(_lines(file), start=1):
        try:
            built.append(build(json.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SplitError(f"{file.name}, line {number}: {error!r}") from error
    return built
