"""Say how good a ranking is, by the definitions of the project's reference scorer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.evaluation.sets import Grades, Split
from matching.types import Results

Rankings = Mapping[str, Sequence[str]]
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """A figure and how it came about: what each asker adds above and below the line of a ratio.

    A mean over askers has a one below the line for each asker, and a zero for those whom it leaves out. ``over``
    and ``under`` have shape (askers,).
    """

    over: Counts
    under: Counts

    @staticmethod
    def of(values: Sequence[float | None]) -> Tally:
        """Return the mean of the values that are not None."""
        known = np.array([value is not None for value in values], dtype=float)
        return Tally(np.array([value or 0.0 for value in values], dtype=float), known)

    @property
    def figure(self) -> float:
        """Return the ratio; 0 where there is nothing below the line."""
        total = float(self.under.sum())
        return float(self.over.sum()) / total if total else 0.0


Tallies = Mapping[str, Tally]


def gain(grades: Sequence[int]) -> float:
    """Return the discounted cumulative gain of grades in ranked order."""
    return math.fsum((2.0**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def ideal(relevant: Mapping[str, int]) -> float:
    """Return the gain of the best possible first ten."""
    return gain(sorted(relevant.values(), reverse=True)[:10])


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return nDCG at 10."""
    return gain([relevant.get(key, 0) for key in ranked[:10]]) / ideal(relevant)


def recall(ranked: Sequence[str], relevant: Mapping[str, int]) -> float | None:
    """Return the share of items of grade 2 and 3 in the first 20; None where there are none."""
    strong = {key for key, grade in relevant.items() if grade >= 2}
    return len(strong & set(ranked[:20])) / len(strong) if strong else None


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, int]) -> float | None:
    """Return 1 / the rank of the first item of grade 2 or 3, 0 if none came; None where there are none."""
    if not any(grade >= 2 for grade in relevant.values()):
        return None
    return next((1 / rank for rank, key in enumerate(ranked, start=1) if relevant.get(key, 0) >= 2), 0.0)


def ranking(needs: Rankings, technologies: Rankings, queries: Rankings, split: Split) -> dict[str, Tally]:
    """Return the agreed figures of one method from its rankings of every asker."""
    wanted = {query.id: query.relevant for query in split.queries}
    return {
        "ndcg@10": _over(ndcg, needs, split.grades),
        "recall@20": _over(recall, needs, split.grades),
        "mrr": _over(reciprocal_rank, needs, split.grades),
        "reverse_ndcg@10": _over(ndcg, technologies, split.reversed_grades),
        "query_ndcg@10": _over(ndcg, queries, wanted),
    }


def _over(
    measure: Callable[[Sequence[str], Mapping[str, int]], float | None], found: Rankings, grades: Grades
) -> Tally:
    return Tally.of([measure(found.get(asker, ()), graded) for asker, graded in grades.items()])


def verdicts(results: Mapping[str, Results], split: Split) -> dict[str, Tally]:
    """Return how often the matcher accepts where nothing answers, and refuses where something does."""
    accepted = {
        key: [match.id for match in found.matches if match.accepted] for key, found in results.items()
    }
    graded = [sum(key in split.grades[need] for key in accepted.get(need, ())) for need in split.grades]
    given = [len(accepted.get(need, ())) for need in split.grades]
    return {
        "false_match_rate": Tally.of([float(bool(accepted.get(need))) for need in split.no_match]),
        "false_matches": Tally.of([float(len(accepted.get(need, ()))) for need in split.no_match]),
        "wrongly_empty_rate": Tally.of([float(not accepted.get(need)) for need in split.grades]),
        "accepted_precision": Tally(np.array(graded, dtype=float), np.array(given, dtype=float)),
    }


AGREED_VERDICTS = ("false_match_rate", "wrongly_empty_rate", "accepted_precision")
"""What the JSON tells of the verdicts: its keys are agreed with those who read it."""
