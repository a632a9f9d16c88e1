"""Group families into themes: broader fields of need, called by words that the needs themselves use.

A theme is found as a family is, only wider: families are joined while they are near each other in the mean. How
near two families are depends on their own texts (the meaning of the whole text, and the telling words and terms that
both use, less what all needs have in common), and the place where joining ends is a fixed nearness. So the outcome
depends on the set of needs, not on their order, and one that comes or goes moves hardly more than what is near it.
Where that would give more than ``MOST`` themes, joining goes on until there are no more.

**How a theme keeps its key and name.** Given the themes of before, an earlier theme's key stays with the group that
holds most of its needs that are still there, and its name stays while ``STILL_SAID`` of the group's families say it.
Without an earlier one the key is made of the name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix, diags
from scipy.spatial.distance import squareform

from matching.alike import Limits
from matching.background import WordsBackground, texts
from matching.matcher import Matcher
from matching.naming import Names, Phrases, Said, phrases
from matching.reading import Reader
from matching.settings import MatcherSettings
from matching.types import Kind

MOST = 40
"""Themes that there may be; more than a person reads in one list."""
CLUSTERED = 4000
"""Families that are compared with each other; beyond that, smaller ones join the theme that they are nearest to."""
STILL_SAID = 1 / 3
PRIOR = 50
"""How many needs the shipped ones count for in what all needs have in common."""
_WORDS = 0.5
"""What the nearness of words counts beside that of meaning."""
_FARTHEST = 2.0
_DIGITS = 4
"""Nearness is rounded to so many digits, so that the order of additions never decides anything."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Theme:
    """Families about the same field. ``said`` are the phrases that the name is made of, as `matching.naming` keys."""

    key: str
    name: str
    families: tuple[str, ...]
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes, largest first, and the families that are in none; ``degraded`` when only words were compared."""

    themes: tuple[Theme, ...]
    alone: tuple[str, ...] = ()
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier theme: its key, name and phrases, and the needs that were in it."""

    key: str
    name: str
    said: tuple[str, ...]
    needs: frozenset[str]


def themes(
    finder: Matcher,
    families: Mapping[str, Sequence[str]],
    limits: Limits,
    before: Sequence[Before] = (),
) -> Themes:
    """Return the themes of these families (name -> ids of the needs in it; ids that are not registered are ignored).

    A family counts once, however many needs it has.
    """
    records = finder.register.view().records
    there = {name: sorted(key for key in members if key in records) for name, members in families.items()}
    there = {name: there[name] for name in sorted(there) if there[name]}
    names = list(there)
    if not names:
        return Themes(())
    near = _Nearness(finder, [there[name] for name in names])
    limit = limits.theme_words if near.degraded else limits.theme
    groups = [group for group in _groups(near, there, limit) if len(group) > 1]
    grouped = {at for group in groups for at in group}
    said = [_said_by(finder, there[name]) for name in names]
    calling = Names(said, _shipped(finder))
    made = _called(calling, groups, names, there, before)
    alone = tuple(name for at, name in enumerate(names) if at not in grouped)
    return Themes(tuple(made), alone, degraded=near.degraded)


# Nearness --------------------------------------------------------------------------------------------------------


class _Nearness:
    """How near families are, as the mean over the pairs of their needs; both parts are inner products.

    Each need is taken less what all needs have in common, here and in the shipped texts: a need of three hundred
    words has more of that than one of fifty, and would be near every other of its length.
    """

    def __init__(self, finder: Matcher, groups: Sequence[Sequence[str]]) -> None:
        records, reader = finder.register.view().records, finder.reader
        keys = sorted({key for group in groups for key in group})
        places = {key: at for at, key in enumerate(keys)}
        shape = (len(groups), len(keys))
        rows = [at for at, group in enumerate(groups) for _ in group]
        columns = [places[key] for group in groups for key in group]
        shares = [1 / len(group) for group in groups for _ in group]
        mean_of_group = csr_matrix((shares, (rows, columns)), shape=shape, dtype=np.float64)
        wholes = [whole for key in keys if (whole := records[key].whole) is not None]
        self.degraded = len(wholes) < len(keys)
        self.meaning: Matrix | None = None
        if not self.degraded:
            own = np.stack(wholes).astype(np.float64)
            shipped = reader.meaning().means[Kind.NEED].astype(np.float64)
            moved = own - (own.sum(axis=0) + PRIOR * shipped) / (len(own) + PRIOR)
            self.meaning = mean_of_group @ (
                moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
            )
        said = [*(reader.said(records[key].document).shares for key in keys), _shipped_mean(finder)]
        terms = {term: at for at, term in enumerate(sorted({term for one in said for term in one}))}
        # The square roots of shares of a whole have length one.
        weighed = csr_matrix(
            (
                [sqrt(share) for one in said[:-1] for share in one.values()],
                (
                    [at for at, one in enumerate(said[:-1]) for _ in one],
                    [terms[term] for one in said[:-1] for term in one],
                ),
            ),
            shape=(len(keys), len(terms)),
            dtype=np.float64,
        )
        mean = np.zeros(len(terms))
        for term, share in said[-1].items():
            mean[terms[term]] = PRIOR * share
        mean = (mean + np.asarray(weighed.sum(axis=0)).ravel()) / (len(keys) + PRIOR)
        # (w - m)(v - m) = wv - wm - vm + mm, so that nothing but w and v has to be kept.
        leaning, square = weighed @ mean, float(mean @ mean)
        lengths = np.sqrt(np.maximum(weighed.multiply(weighed).sum(axis=1).A1 - 2 * leaning + square, 1e-6))
        self.words = mean_of_group @ diags(1 / lengths) @ weighed
        self.leaning, self.scale = mean_of_group @ (leaning / lengths), mean_of_group @ (1 / lengths)
        self.square = square

    def between(self, left: Sequence[int], right: Sequence[int]) -> Matrix:
        """Return the nearness of each of some families with each of others."""
        ours, theirs = list(left), list(right)
        found = (self.words[ours] @ self.words[theirs].T).toarray()
        found -= np.outer(self.leaning[ours], self.scale[theirs])
        found -= np.outer(self.scale[ours], self.leaning[theirs])
        found += self.square * np.outer(self.scale[ours], self.scale[theirs])
        if self.meaning is not None:
            found = self.meaning[ours] @ self.meaning[theirs].T + _WORDS * found
        rounded: Matrix = np.round(found, _DIGITS)
        return rounded


@lru_cache(maxsize=4)
def _shipped_said(settings: MatcherSettings) -> Mapping[str, float]:
    reader, shipped = Reader(None, settings), texts()[Kind.NEED]
    total: Counter[str] = Counter()
    for document in shipped:
        for term, share in reader.said(document).shares.items():
            total[term] += sqrt(share)  # type: ignore[assignment]  # a counter of fractions
    return {term: weight / len(shipped) for term, weight in total.items()}


def _shipped_mean(finder: Matcher) -> Mapping[str, float]:
    """Return what the shipped needs say in the mean."""
    return _shipped_said(finder.settings)


def _groups(near: _Nearness, there: Mapping[str, Sequence[str]], limit: float) -> list[list[int]]:
    """Return groups of families by their places, each in order."""
    sizes = [len(members) for members in there.values()]
    order = sorted(range(len(sizes)), key=lambda at: (-sizes[at], at))
    first, rest = sorted(order[:CLUSTERED]), sorted(order[CLUSTERED:])
    if len(first) < 2:
        return [first]
    nearness = near.between(first, first)
    apart = np.clip(_FARTHEST - nearness, 0.0, None)
    apart = (apart + apart.T) / 2
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average")
    labels = _cut(tree, _FARTHEST - limit)
    groups: dict[int, list[int]] = {}
    for at, label in zip(first, labels, strict=True):
        groups.setdefault(label, []).append(at)
    found = list(groups.values())
    wide = [group for group in found if len(group) > 1]
    if rest and wide:
        means = np.stack([near.between(rest, group).mean(axis=1) for group in wide], axis=1)
        for at, row in zip(rest, np.round(means, _DIGITS), strict=True):
            if row.max() >= limit:
                wide[int(row.argmax())].append(at)
    return [sorted(group) for group in found]


def _cut(tree: npt.NDArray[np.float64], height: float) -> list[int]:
    """Return the group of each place when joining ends at a height, or where few enough groups are left."""
    for at in [height, *sorted(found for found in tree[:, 2] if found > height)]:
        labels: list[int] = fcluster(tree, at + 1e-9, "distance").tolist()
        if sum(size > 1 for size in Counter(labels).values()) <= MOST:
            break
    return labels


# Names -----------------------------------------------------------------------------------------------------------


def _said_by(finder: Matcher, members: Sequence[str]) -> Phrases:
    """Return what the needs of a family say, in the words of the first that says it."""
    records, expand = finder.register.view().records, finder.reader.expand
    found: dict[str, Said] = {}
    for key in members:
        for phrase, said in phrases(records[key].document, expand.book, expand.plain).items():
            found.setdefault(phrase, said)
    return found


def _shipped(finder: Matcher) -> Callable[[str], float]:
    """Return what tells the share of shipped needs that say a phrase: at most that of its rarest word."""
    language = WordsBackground.of(finder.settings).language
    having, texts = language.having[Kind.NEED], language.texts[Kind.NEED]

    def share(key: str) -> float:
        parts = [key] if key.startswith("§") else key.split()
        return min(having.get(part, 0) for part in parts) / texts

    return share


def _called(
    calling: Names,
    groups: Sequence[Sequence[int]],
    names: Sequence[str],
    there: Mapping[str, Sequence[str]],
    before: Sequence[Before],
) -> list[Theme]:
    """Return the groups with their keys and names, largest first."""
    needs = [frozenset(key for at in group for key in there[names[at]]) for group in groups]
    heirs = _heirs(needs, before)
    taken: dict[str, None] = {}
    found: dict[int, tuple[str, tuple[str, ...]]] = {}
    for at, earlier in heirs.items():
        if calling.coverage(earlier.said, groups[at]) >= STILL_SAID:
            found[at] = earlier.name, earlier.said
            taken[earlier.name.lower()] = None
    # The one that is best described by its first word goes first: it has the best right to it.
    order = sorted(
        (at for at in range(len(groups)) if at not in found),
        key=lambda at: (-_best(calling, groups[at]), min(groups[at])),
    )
    for at in order:
        found[at] = calling.name(groups[at], taken)
        taken[found[at][0].lower()] = None
    keys = {earlier.key for earlier in before}
    made = []
    for at, group in enumerate(groups):
        name, said = found[at]
        if not name:
            continue
        key = heirs[at].key if at in heirs else _free(_slug(name), keys)
        keys.add(key)
        made.append(Theme(key, name, tuple(names[one] for one in group), said))
    return sorted(made, key=lambda theme: (-len(theme.families), theme.key))


def _best(calling: Names, group: Sequence[int]) -> float:
    found = calling.candidates(group)
    return found[0].worth if found else 0.0


def _heirs(needs: Sequence[frozenset[str]], before: Sequence[Before]) -> dict[int, Before]:
    """Return which earlier theme each group goes on from: each goes to the group with most of its needs."""
    claims = sorted(
        ((-len(own & earlier.needs), earlier.key, at) for earlier in before for at, own in enumerate(needs)),
    )
    by_key = {earlier.key: earlier for earlier in before}
    found: dict[int, Before] = {}
    given: set[str] = set()
    for shared, key, at in claims:
        if shared and at not in found and key not in given:
            found[at] = by_key[key]
            given.add(key)
    return found


def _slug(name: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", name.lower())) or "theme"


def _free(slug: str, taken: Collection[str]) -> str:
    """Return a key that no other theme has or had."""
    return next(key for number in range(1, len(taken) + 2) if (key := _numbered(slug, number)) not in taken)


def _numbered(slug: str, number: int) -> str:
    return slug if number == 1 else f"{slug}-{number}"
