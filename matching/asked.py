"""Bring together what several needs ask for: must-haves that mean the same, each with how many needs ask for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from matching.alike import Limits
from matching.matcher import Matcher
from matching.text import stems
from matching.types import Vector

_WORDS_ALONE = 0.5
"""The share of words that two must-haves must have in common where only words can be compared."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A must-have in the words that stand nearest to all of its wordings; ``by`` are the needs, in order."""

    text: str
    by: tuple[str, ...]
    wordings: tuple[tuple[str, str], ...]
    """Each need with its own words, as (id, text)."""


@dataclass(frozen=True, slots=True)
class _One:
    need: str
    text: str
    vector: Vector | None


def joint(finder: Matcher, ids: Collection[str], limits: Limits) -> tuple[Asked, ...]:
    """Return the must-haves of these needs, what most ask for first; ids that are not registered are left out."""
    found = list(_asked(finder, ids))
    if len(found) < 2:
        return tuple(Asked(one.text, (one.need,), ((one.need, one.text),)) for one in found)
    words_only = any(one.vector is None for one in found)
    nearness = _by_words(found) if words_only else _by_meaning(found)
    limit = _WORDS_ALONE if words_only else limits.asked
    apart = np.clip(1 - nearness, 0.0, None)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average")
    labels = fcluster(tree, 1 - limit + 1e-9, "distance")
    groups: dict[int, list[int]] = {}
    for at, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(at)
    told = [_told([found[at] for at in group], nearness[np.ix_(group, group)]) for group in groups.values()]
    return tuple(sorted(told, key=lambda one: (-len(one.by), one.by, one.text)))


def _asked(finder: Matcher, ids: Collection[str]) -> list[_One]:
    records = finder.register.view().records
    found = []
    for key in sorted(set(ids) & records.keys()):
        record = records[key]
        said = record.quoted()
        for at, passage in enumerate(said.passages):
            if passage.source.startswith("requirement:"):
                vector = None if said.vectors is None else said.vectors[at].astype(np.float32)
                found.append(_One(key, passage.text, vector))
    return found


def _by_meaning(found: Sequence[_One]) -> npt.NDArray[np.float64]:
    rows = np.stack([one.vector for one in found if one.vector is not None]).astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    nearness: npt.NDArray[np.float64] = np.round(rows @ rows.T, 4)
    return nearness


def _by_words(found: Sequence[_One]) -> npt.NDArray[np.float64]:
    said = [set(stems(one.text)) for one in found]
    return np.array(
        [[len(one & other) / max(len(one | other), 1) for other in said] for one in said], dtype=np.float64
    )


def _told(group: Sequence[_One], nearness: npt.NDArray[np.float64]) -> Asked:
    middle = max(range(len(group)), key=lambda at: (round(float(nearness[at].mean()), 4), -at))
    return Asked(
        group[middle].text,
        tuple(sorted({one.need for one in group})),
        tuple((one.need, one.text) for one in group),
    )
