"""How well themes agree with fields that a person gave, how they are named, and how still they stand.

Part of ``python -m matching.evaluation.alike``. The fields (``fields.tsv``: need, field) were given by reading,
before any theme was seen. A need that is in no theme counts as a theme of its own.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from matching.alike import Limits
from matching.matcher import Matcher
from matching.text import stem, words
from matching.themes import Before, Themes, themes
from matching.wording import GENERIC

SHUFFLES = 20
CHANGED = 0.1


def read_fields(folder: Path) -> dict[str, str]:
    """Return the field of each need. Raises OSError or KeyError where there are none."""
    with (folder / "fields.tsv").open(encoding="utf-8", newline="") as stream:
        return {row["need_id"]: row["field"] for row in csv.DictReader(stream, delimiter="\t")}


def agreement(true: Sequence[str], found: Sequence[str]) -> dict[str, float]:
    """Return how two ways of parting the same things agree.

    The adjusted Rand index (Hubert and Arabie 1985), and homogeneity, completeness and V-measure (Rosenberg and
    Hirschberg 2007).
    """
    both, left, right = Counter(zip(true, found, strict=True)), Counter(true), Counter(found)
    total = len(true)
    together, alike, near = _pairs(both), _pairs(left), _pairs(right)
    chance = alike * near / max(total * (total - 1) / 2, 1)
    most = (alike + near) / 2
    within = -sum(count / total * log(count / right[one]) for (_, one), count in both.items())
    across = -sum(count / total * log(count / left[one]) for (one, _), count in both.items())
    homogeneity = 1 - within / _entropy(left) if _entropy(left) else 1.0
    completeness = 1 - across / _entropy(right) if _entropy(right) else 1.0
    return {
        "adjusted Rand": (together - chance) / (most - chance) if most != chance else 1.0,
        "V-measure": 2 * homogeneity * completeness / max(homogeneity + completeness, 1e-9),
        "homogeneity": homogeneity,
        "completeness": completeness,
    }


def _pairs(counts: Counter[object] | Counter[str] | Counter[tuple[str, str]]) -> float:
    return sum(count * (count - 1) / 2 for count in counts.values())


def _entropy(counts: Counter[str]) -> float:
    total = sum(counts.values())
    return -sum(count / total * log(count / total) for count in counts.values())


def homes(found: Themes, ids: Sequence[str]) -> list[str]:
    """Return the key of each need's theme; its own id where it is in none."""
    home = {one: theme.key for theme in found.themes for one in theme.families}
    return [home.get(key, key) for key in ids]


def by_cosine(finder: Matcher, ids: Sequence[str], wanted: int) -> list[str]:
    """Part needs into as many groups as wanted by the cosine of their plain vectors: the simple method."""
    wholes = finder.wholes()
    tree = linkage(np.stack([wholes[key] for key in ids]), "average", metric="cosine")
    return [str(label) for label in fcluster(tree, wanted, "maxclust")]


def measured(
    finder: Matcher, ids: Sequence[str], fields: Mapping[str, str], limits: Limits
) -> dict[str, object]:
    """Return the figures of one set of needs."""
    found = alone(finder, ids, limits)
    true, own = [fields[key] for key in ids], homes(found, ids)
    told: dict[str, object] = {"themes": agreement(true, own)}
    told["cosine, as many groups"] = agreement(true, by_cosine(finder, ids, len(set(own))))
    told["each a theme of its own"] = agreement(true, list(ids))
    return told | {
        "themes found": len(found.themes),
        "needs in no theme": len(found.alone) / len(ids),
        **naming(finder, found),
        **stillness(finder, ids, limits, found),
    }


def alone(finder: Matcher, ids: Sequence[str], limits: Limits, before: Sequence[Before] = ()) -> Themes:
    """Return the themes of needs that are each a family of its own."""
    return themes(finder, {key: [key] for key in ids}, limits, before)


def naming(finder: Matcher, found: Themes) -> dict[str, float]:
    """Return how many names hold a word that most of their needs say, and that no other theme has."""
    records, expand = finder.register.records, finder.reader.expand
    shares = []
    for theme in found.themes:
        said = {stem(word.text) for word in words(theme.name)} - GENERIC
        having = 0
        for key in theme.families:
            terms = expand.terms(records[key].document)
            having += bool(said & terms.keys()) or any(key in terms for key in theme.said)
        shares.append(having / len(theme.families))
    return {
        "names that most of their needs say": sum(share > 0.5 for share in shares) / max(len(shares), 1),
        "needs that say a word of their theme's name": float(np.mean(shares)) if shares else 0.0,
        "names that are given twice": len(shares) - len({theme.name.lower() for theme in found.themes}),
    }


def remembered(found: Themes) -> list[Before]:
    """Return themes as they are given to the next run."""
    return [Before(one.key, one.name, one.said, frozenset(one.families)) for one in found.themes]


def stillness(finder: Matcher, ids: Sequence[str], limits: Limits, first: Themes) -> dict[str, float]:
    """Return what changes after a shuffle, and for the needs that stay when a tenth goes and comes back."""
    shuffled = 0
    told: dict[str, list[float]] = {name: [] for name in ("parted", "called", "again", "again called", "new")}
    for seed in range(SHUFFLES):
        chance = random.Random(seed)  # noqa: S311 - a repeatable sample, no secret
        shuffled += alone(finder, chance.sample(ids, len(ids)), limits) != first
        left = sorted(chance.sample(ids, len(ids) - round(len(ids) * CHANGED)))
        fewer = alone(finder, left, limits, remembered(first))
        back = alone(finder, ids, limits, remembered(fewer))
        told["parted"].append(agreement(homes(first, left), homes(fewer, left))["adjusted Rand"])
        told["called"].append(_renamed(first, fewer, left))
        told["again"].append(agreement(homes(fewer, left), homes(back, left))["adjusted Rand"])
        told["again called"].append(_renamed(fewer, back, left))
        told["new"].append(_renamed(first, alone(finder, left, limits), left))
    return {
        "shuffles that change anything": float(shuffled),
        "adjusted Rand when 10 % go": float(np.mean(told["parted"])),
        "needs whose theme is called otherwise when 10 % go": float(np.mean(told["called"])),
        "adjusted Rand when 10 % come": float(np.mean(told["again"])),
        "needs whose theme is called otherwise when 10 % come": float(np.mean(told["again called"])),
        "the same without a memory of names": float(np.mean(told["new"])),
    }


def _renamed(before: Themes, after: Themes, ids: Sequence[str]) -> float:
    """Return the share of needs whose theme has another key or name, or that came into or out of one."""
    was = {one: (theme.key, theme.name) for theme in before.themes for one in theme.families}
    now = {one: (theme.key, theme.name) for theme in after.themes for one in theme.families}
    return sum(was.get(key) != now.get(key) for key in ids) / len(ids)


def fitted_to(
    finder: Matcher, worded: Matcher, ids: Sequence[str], fields: Mapping[str, str], limits: Limits
) -> Limits:
    """Return the limits with the nearness at which themes agree best with the fields; of equal ones the widest."""
    true = [fields[key] for key in ids]

    def worth(made: Matcher, tried: Limits) -> float:
        return round(agreement(true, homes(alone(made, ids, tried), ids))["adjusted Rand"], 3)

    nearness = np.round(np.arange(0.02, 0.62, 0.02), 2).tolist()
    theme = max(nearness, key=lambda at: (worth(finder, replace(limits, theme=at)), -at))
    by_words = max(
        np.round(np.arange(0.01, 0.31, 0.01), 2).tolist(),
        key=lambda at: (worth(worded, replace(limits, theme_words=at)), -at),
    )
    return replace(limits, theme=theme, theme_words=by_words)
