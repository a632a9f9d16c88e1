"""Measure how well like needs are found and grouped, on a set that tells which needs are the same.

    python -m matching.evaluation.alike tests/evaluation/alike [--fit] [--json]

``--fit`` writes ``matching/data/alike.json`` anew from the half called ``tune``: run it after a change of the model,
the glossary or the signals. Everything that is told is told of the half called ``check``, for each method with the
limit that was best on ``tune``.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from matching.alike import DIGITS, Limits, limits
from matching.documents import need_document, whole_text
from matching.evaluation.baselines import by_words, centred, standardised
from matching.evaluation.remembering import RememberingEncoder
from matching.evaluation.themes import fitted_to, read_fields
from matching.evaluation.themes import measured as themes_measured
from matching.families import Family, families
from matching.matcher import Matcher, build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.types import Document, Encoded, Hit, Kind

SAME = "same"
SHUFFLES = 20
CHANGED = 0.1

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """The needs of one half, with the group of each, and those that are only nearly what their group is."""

    needs: tuple[Document, ...]
    groups: Mapping[str, str]
    related: frozenset[str]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the needs in their order."""
        return tuple(need.id for need in self.needs)

    def same(self, one: str, other: str) -> bool | None:
        """Tell whether two needs are the same; None where it counts neither way."""
        if self.groups[one] != self.groups[other]:
            return False
        return None if {one, other} & self.related else True

    def pairs(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the places of each pair that counts, and whether it is the same need."""
        for left, right in combinations(range(len(self.needs)), 2):
            same = self.same(self.needs[left].id, self.needs[right].id)
            if same is not None:
                yield left, right, same


def read(folder: Path) -> dict[str, Judged]:
    """Read a set: its parts by name. Raises OSError, KeyError or ValueError where it is damaged."""
    lines = (folder / "needs.jsonl").read_text(encoding="utf-8").splitlines()
    made = {}
    for row in map(json.loads, lines):
        made[row["id"]] = need_document(
            id=row["id"],
            title=row["title"],
            statement=row["statement"],
            requirements=row["requirements"],
            clinical_area=row["clinical_area"],
        )
    with (folder / "groups.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    parts = {}
    for part in sorted({row["part"] for row in rows}):
        own = [row for row in rows if row["part"] == part]
        parts[part] = Judged(
            tuple(made[row["need_id"]] for row in own),
            {row["need_id"]: row["group"] for row in own},
            frozenset(row["need_id"] for row in own if row["grade"] != SAME),
        )
    return parts


# Methods: each gives a symmetrical matrix of scores, higher is more alike -----------------------------------------


def keyword(judged: Judged, _: Encoder) -> Scores:
    """Score by BM25, both ways."""
    texts = [whole_text(need) for need in judged.needs]
    return _both_ways(np.nan_to_num(by_words(texts, texts)))


def dense(judged: Judged, encoder: Encoder) -> Scores:
    """Score by the cosine of whole texts."""
    rows = encoder.encode_documents([whole_text(need) for need in judged.needs])
    return np.asarray(rows @ rows.T, dtype=float)


def z_sum(judged: Judged, encoder: Encoder) -> Scores:
    """Score by the sum of z-scored BM25 and centred cosine."""
    texts = [whole_text(need) for need in judged.needs]
    rows = centred(encoder.encode_documents(texts))
    return _both_ways(standardised(by_words(texts, texts)) + standardised(rows @ rows.T))


def matcher(judged: Judged, encoder: Encoder) -> Scores:
    """Score as `matching.alike` does."""
    return _asked(judged, encoder, MatcherSettings())


def by_words_only(judged: Judged, _: Encoder) -> Scores:
    """Score as `matching.alike` does without a model."""
    return _asked(judged, None, MatcherSettings())


METHODS: dict[str, Callable[[Judged, Encoder], Scores]] = {
    "keyword (BM25, both ways)": keyword,
    "dense (cosine)": dense,
    "z-sum of BM25 and centred cosine": z_sum,
    "alike, words only": by_words_only,
    "alike": matcher,
}


def _both_ways(scores: npt.NDArray[np.floating]) -> Scores:
    return (scores + scores.T).astype(float)


def finder_of(judged: Judged, encoder: Encoder | None, settings: MatcherSettings | None = None) -> Matcher:
    """Return a finder that holds the needs of one half."""
    made = build_finder(Kind.NEED, encoder=encoder, settings=settings)
    made.add(made.encode(judged.needs))
    return made


def _asked(judged: Judged, encoder: Encoder | None, settings: MatcherSettings) -> Scores:
    finder = finder_of(judged, encoder, settings)
    places = {key: at for at, key in enumerate(judged.ids)}
    scores = np.full((len(places), len(places)), -10.0)
    for need in judged.needs:
        results = finder.similar(need, len(places))
        for match in results.matches:
            scores[places[need.id], places[match.id]] = match.score
    made: Scores = np.maximum(scores, scores.T)
    return made


# Figures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """What one method reaches: pairs above its limit, and how the likest are ranked (means over needs)."""

    precision: float
    recall: float
    f1: float
    average_precision: float
    recall_at_5: float


def best_limit(scores: Scores, judged: Judged) -> float:
    """Return the score from which pairs are called the same with the best F1, half-way to the next lower one."""
    told = sorted(((scores[one, other], same) for one, other, same in judged.pairs()), reverse=True)
    total, hits, best, limit = sum(same for _, same in told), 0, 0.0, float("inf")
    for rank, (score, same) in enumerate(told[:-1], start=1):
        hits += same
        f1 = 2 * hits / (rank + total)
        if f1 > best and told[rank][0] < score:
            best, limit = f1, (score + told[rank][0]) / 2
    return limit


def figures(scores: Scores, judged: Judged, limit: float) -> Figures:
    """Return what scores and a limit reach."""
    pairs = list(judged.pairs())
    found = {(one, other) for one, other, _ in pairs if scores[one, other] >= limit}
    right = {(one, other) for one, other, same in pairs if same}
    precision, recall, f1 = _ratios(len(found & right), len(found), len(right))
    precisions, recalls = [], []
    for at, key in enumerate(judged.ids):
        told = ((other, judged.same(key, judged.ids[other])) for other in range(len(judged.needs)))
        others = [(other, same) for other, same in told if other != at and same is not None]
        mates = sum(same for _, same in others)
        if not mates:
            continue
        ranked = [same for other, same in sorted(others, key=lambda one: (-scores[at, one[0]], one[0]))]
        hits = np.cumsum(ranked)
        precisions.append(
            float(np.mean([hits[rank] / (rank + 1) for rank, same in enumerate(ranked) if same]))
        )
        recalls.append(sum(ranked[:5]) / min(mates, 5))
    return Figures(precision, recall, f1, float(np.mean(precisions)), float(np.mean(recalls)))


def _ratios(hits: int, found: int, right: int) -> tuple[float, float, float]:
    precision, recall = hits / found if found else 1.0, hits / right if right else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0


# Families ------------------------------------------------------------------------------------------------------


def grouped(
    judged: Judged, near: Mapping[str, Sequence[Hit]], chosen: Limits, ages: Mapping[str, str] | None = None
) -> tuple[Family, ...]:
    """Return the families of a half; needs are as old as their ids say."""
    return families(ages or dict.fromkeys(judged.ids, ""), near, chosen)


def family_figures(found: Sequence[Family], judged: Judged) -> dict[str, float]:
    """Return precision, recall and F1 over pairs, and over needs (B-cubed, Bagga and Baldwin 1998)."""
    home = {key: family.id for family in found for key in family.members}
    hits = wrong = missed = 0
    for one, other, same in judged.pairs():
        together = home[judged.ids[one]] == home[judged.ids[other]]
        hits += together and same
        wrong += together and not same
        missed += same and not together
    precision, recall, f1 = _ratios(hits, hits + wrong, hits + missed)
    members = {family.id: set(family.members) for family in found}
    cubed = []
    for key in judged.ids:
        if key in judged.related:
            continue
        own = members[home[key]] - judged.related
        right = {other for other in judged.ids if judged.same(key, other) and other != key} | {key}
        cubed.append((len(own & right) / len(own), len(own & right) / len(right)))
    exact, whole = (float(np.mean(column)) for column in zip(*cubed, strict=True))
    return {
        "families": len(found),
        "pair precision": precision,
        "pair recall": recall,
        "pair F1": f1,
        "B-cubed precision": exact,
        "B-cubed recall": whole,
        "B-cubed F1": 2 * exact * whole / (exact + whole),
    }


def stability(judged: Judged, encoder: Encoder, chosen: Limits) -> dict[str, float]:
    """Return the share of needs whose family is another one after a shuffle, after a tenth has gone or has come.

    A family has changed for a need when the others that are there both before and after are not the same ones, and
    is named otherwise when its name is another.
    """
    encoded = build_finder(Kind.NEED, encoder=encoder).encode(judged.needs)

    def made(order: Sequence[Encoded]) -> tuple[Family, ...]:
        finder = build_finder(Kind.NEED, encoder=encoder)
        finder.add(order)
        finder.alike.limits = chosen
        return grouped(judged, finder.alike.neighbours(), chosen)

    def among(ids: Sequence[str], before: Mapping[str, Family]) -> dict[str, Family]:
        near = whole.alike.neighbours(ids, among=ids)
        names = {key: before[key].id for key in ids if key in before}
        found = families(dict.fromkeys(ids, ""), near, chosen, before=names)
        return {key: family for family in found for key in family.members}

    whole = finder_of(judged, encoder)
    whole.alike.limits = chosen
    first = made(encoded)
    full = {key: family for family in first for key in family.members}
    shuffled = 0
    told: dict[str, list[float]] = {"changed": [], "renamed": [], "grown": [], "named": []}
    for seed in range(SHUFFLES):
        chance = random.Random(seed)  # noqa: S311 - a repeatable sample, no secret
        shuffled += made(chance.sample(encoded, len(encoded))) != first
        left = chance.sample(judged.ids, len(judged.ids))[round(len(judged.ids) * CHANGED) :]
        fewer = among(left, full)
        again = among(judged.ids, fewer)
        for before, after, moved, called in (
            (full, fewer, "changed", "renamed"),
            (fewer, again, "grown", "named"),
        ):
            others = [
                (set(before[key].members) & set(left), set(after[key].members) & set(left)) for key in left
            ]
            told[moved].append(sum(one != other for one, other in others) / len(left))
            told[called].append(sum(before[key].id != after[key].id for key in left) / len(left))
    return {
        "shuffles that change anything": float(shuffled),
        "needs whose family changes when 10 % go": float(np.mean(told["changed"])),
        "needs whose family is renamed when 10 % go": float(np.mean(told["renamed"])),
        "needs whose family changes when 10 % come": float(np.mean(told["grown"])),
        "needs whose family is renamed when 10 % come": float(np.mean(told["named"])),
    }


# Fitting -------------------------------------------------------------------------------------------------------


def fitted(judged: Judged, encoder: Encoder) -> Limits:
    """Return the limits that fit one half best."""
    slope, intercept = _logistic(matcher(judged, encoder), judged)
    words_slope, words_intercept = _logistic(by_words_only(judged, encoder), judged)
    found = replace(
        limits(), slope=slope, intercept=intercept, words_slope=words_slope, words_intercept=words_intercept
    )
    finder = finder_of(judged, encoder)
    finder.alike.limits = found
    near = finder.alike.neighbours()

    def worth(tried: Limits) -> tuple[float, float, float]:
        reached = family_figures(grouped(judged, near, tried), judged)
        # Of equally good ones the stricter: a wrong family costs more trust than a missing one.
        return (round(reached["B-cubed F1"], 4), tried.together, tried.apart)

    tried = [
        replace(found, together=together, apart=apart)
        for together in np.round(np.arange(0.1, 0.85, 0.05), 2).tolist()
        for apart in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
        if apart <= together
    ]
    return max(tried, key=worth)


def _logistic(scores: Scores, judged: Judged) -> tuple[float, float]:
    """Fit the probability of a pair to its score; slopes are held back a little, for few pairs are the same."""
    pairs = list(judged.pairs())
    values = np.array([scores[one, other] for one, other, _ in pairs])
    same = np.array([same for *_, same in pairs], dtype=float)

    def loss(at: Scores) -> float:
        line = at[0] * values + at[1]
        return float(np.sum(np.logaddexp(0, line) - same * line) + 0.5 * at[0] ** 2)

    at = minimize(loss, np.array([1.0, -4.0]), method="BFGS").x
    return round(float(at[0]), 3), round(float(at[1]), 3)


# The command ---------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 2 where the set cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m matching.evaluation.alike", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with needs.jsonl and groups.tsv")
    parser.add_argument("--fit", action="store_true", help="write matching/data/alike.json anew from `tune`")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args(arguments)
    try:
        parts = read(options.folder)
        tune, check = parts["tune"], parts["check"]
        fields = read_fields(options.folder)
    except (OSError, KeyError, ValueError) as error:
        print(f"The set cannot be read: {error!r}", file=sys.stderr)
        return 2
    from matching.adapters.sentence_encoder import SentenceEncoder  # heavy: not needed for --help

    found = measure(tune, check, RememberingEncoder(SentenceEncoder()), fields, fit=options.fit)
    if options.json:
        print(json.dumps(found))
        return 0
    for title, rows in found.items():
        print(f"\n{title}")
        for name, row in rows.items():
            told = row if isinstance(row, dict) else {"": row}
            print(f"  {name:44}" + "  ".join(f"{key} {value:.3f}" for key, value in told.items()))
    return 0


def measure(
    tune: Judged, check: Judged, encoder: Encoder, fields: Mapping[str, str], *, fit: bool
) -> dict[str, dict[str, object]]:
    """Return every figure of the half ``check``; with ``fit`` the limits are first fitted to ``tune`` and written.

    ``fields`` says of each need which field it is of, as people see it.
    """
    chosen = limits()
    if fit:
        chosen = fitted(tune, encoder)
        chosen = fitted_to(finder_of(tune, encoder), finder_of(tune, None), tune.ids, fields, chosen)
        file = Path(__file__).parents[1] / "data" / "alike.json"
        file.write_text(json.dumps(asdict(chosen), indent=2) + "\n", encoding="utf-8")
    methods = {}
    for name, method in METHODS.items():
        limit = best_limit(method(tune, encoder), tune)
        methods[name] = asdict(figures(method(check, encoder), check, limit))
    finder = finder_of(check, encoder)
    finder.alike.limits = chosen
    near = finder.alike.neighbours()
    verdicts = _verdicts(near, check, chosen)
    return {
        "Limits": dict(asdict(chosen)),
        "Finding, on check": methods,
        "Verdicts, on check": verdicts,
        "Families, on check": dict(family_figures(grouped(check, near, chosen), check)),
        "Families, stability on check": dict(stability(check, encoder, chosen)),
        "Themes, on check": themes_measured(finder, check.ids, fields, chosen),
    }


def _verdicts(near: Mapping[str, Sequence[Hit]], judged: Judged, chosen: Limits) -> dict[str, object]:
    """Return what people are shown: how much of it is right, and who is shown something."""
    told: Counter[str] = Counter()
    squares = []
    for key in judged.ids:
        having = any(judged.same(key, other) for other in judged.ids if other != key)
        shown = [hit for hit in near[key][:5] if hit.score >= chosen.threshold]
        told["right"] += sum(judged.same(key, hit.id) is True for hit in shown)
        told["related"] += sum(judged.same(key, hit.id) is None for hit in shown)
        told["shown"] += len(shown)
        told["alone"] += not having and key not in judged.related
        told["alone, shown"] += not having and key not in judged.related and bool(shown)
        told["having"] += having
        told["having, shown"] += having and any(judged.same(key, hit.id) for hit in shown)
        same = ((hit.score, judged.same(key, hit.id)) for hit in near[key])
        squares += [(chance - right) ** 2 for chance, right in same if right is not None]
    return {
        "shown and the same": told["right"] / max(told["shown"], 1),
        "shown and the same or related": (told["right"] + told["related"]) / max(told["shown"], 1),
        "needs with a like one that are shown one": told["having, shown"] / max(told["having"], 1),
        "needs without that are shown one": told["alone, shown"] / max(told["alone"], 1),
        "Brier score of the chances": round(float(np.mean(squares)), DIGITS),
    }


if __name__ == "__main__":
    sys.exit(main())
