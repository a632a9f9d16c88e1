"""Say how good a ranking is, by the definitions of the project's reference scorer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean

from matching.evaluation.sets import Split
from matching.types import Results

Rankings = Mapping[str, Sequence[str]]


def gain(grades: Sequence[int]) -> float:
    """Return the discounted cumulative gain of grades in ranked order."""
    return math.fsum((2.0**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return nDCG at 10."""
    ideal = gain(sorted(relevant.values(), reverse=True)[:10])
    return gain([relevant.get(key, 0) for key in ranked[:10]]) / ideal


def recall(ranked: Sequence[str], relevant: Mapping[str, int]) -> float | None:
    """Return the share of items of grade 2 and 3 in the first 20; None where there are none."""
    strong = {key for key, grade in relevant.items() if grade >= 2}
    return len(strong & set(ranked[:20])) / len(strong) if strong else None


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, int]) -> float | None:
    """Return 1 / the rank of the first item of grade 2 or 3, 0 if none came; None where there are none."""
    if not any(grade >= 2 for grade in relevant.values()):
        return None
    return next((1 / rank for rank, key in enumerate(ranked, start=1) if relevant.get(key, 0) >= 2), 0.0)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return mean(known) if known else 0.0


def figures(needs: Rankings, technologies: Rankings, queries: Rankings, split: Split) -> dict[str, float]:
    """Return the agreed figures of one method from its rankings of every asker."""
    wanted = {query.id: query.relevant for query in split.queries}
    return {
        "ndcg@10": _mean([ndcg(needs.get(key, ()), graded) for key, graded in split.grades.items()]),
        "recall@20": _mean([recall(needs.get(key, ()), graded) for key, graded in split.grades.items()]),
        "mrr": _mean([reciprocal_rank(needs.get(key, ()), graded) for key, graded in split.grades.items()]),
        "reverse_ndcg@10": _mean(
            [ndcg(technologies.get(key, ()), graded) for key, graded in split.reversed_grades.items()]
        ),
        "query_ndcg@10": _mean([ndcg(queries.get(key, ()), graded) for key, graded in wanted.items()]),
    }


def verdicts(results: Mapping[str, Results], split: Split) -> dict[str, float]:
    """Return how often the matcher accepts where nothing answers, and refuses where something does."""
    accepted = {
        key: [match.id for match in found.matches if match.accepted] for key, found in results.items()
    }
    pairs = [(need, technology) for need in split.grades for technology in accepted.get(need, ())]
    return {
        "false_match_rate": _mean([float(bool(accepted.get(need))) for need in split.no_match]),
        "wrongly_empty_rate": _mean([float(not accepted.get(need)) for need in split.grades]),
        "accepted_precision": _mean([float(pair[1] in split.grades[pair[0]]) for pair in pairs]),
    }
