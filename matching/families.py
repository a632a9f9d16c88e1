"""Group documents into families that say the same, from verdicts on pairs.

Average linkage with a diameter limit: two groups become one while their members are alike in the mean, and never
where two of them are surely not the same. So no family is a chain of neighbours whose ends have nothing in common. A
person's decisions stand above both: pairs that are settled as the same begin together, pairs that are settled as
different never meet.

The outcome depends on the set of documents alone, not on their order: the best link goes first, equal ones by the
age of the groups' oldest members. As the chance of a pair does not depend on other documents either, a new one can
only change groups that it is linked with.

**How a family keeps its name.** A family is called by its oldest member. Given what families were called
(``before``), that rule applies only to new ones:

1. an earlier name stays with the group that has the oldest of its members that are still there;
2. a group that could so take several names takes the oldest family's; the others are told as ``formerly`` and
   should lead on to it (families that have merged);
3. a group that could take none (it is new, or has split off from the older part) is called by its oldest member.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from matching.alike import Limits
from matching.types import Hit

Age = tuple[str, str]
"""When a document came, as text that sorts by time, and its id."""

Ask = Callable[[str, Sequence[str]], Sequence[float]]
"""Return the chance of one document with each of several others."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What people have decided of pairs of ids. Where a pair is confirmed and refused, refused counts."""

    same: Collection[tuple[str, str]] = ()
    different: Collection[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """Documents that say the same, oldest first; ``formerly`` are names of families that have gone into it."""

    id: str
    members: tuple[str, ...]
    formerly: tuple[str, ...] = ()


@dataclass(slots=True)
class _Link:
    """What stands between two groups: the sum over all their pairs, and the least of these."""

    total: float
    least: float


@dataclass(slots=True)
class _Group:
    members: list[str]
    eldest: Age
    links: dict[int, _Link] = field(default_factory=dict)


class _Grouping:
    """Groups in the making; a group that is merged gets a new number."""

    def __init__(
        self,
        ages: Mapping[str, str],
        near: Mapping[str, Sequence[Hit]],
        limits: Limits,
        settled: Settled,
        ask: Ask | None,
    ) -> None:
        self.ages = ages
        self.limits = limits
        self.ask = ask
        self.different = {frozenset(pair) for pair in settled.different}
        self.chances: dict[tuple[str, str], float] = {}
        self.floors: dict[str, float] = {}
        self.linked: dict[str, list[str]] = {}
        for key in sorted(near.keys() & ages.keys()):
            hits = near[key]
            # Where even the last of a list is alike, the list was cut off: who is not on it may still be alike.
            self.floors[key] = hits[-1].score if hits else 0.0
            self.linked[key] = [hit.id for hit in hits if hit.score >= limits.apart and hit.id in ages]
            for hit in hits:
                if hit.id in ages and hit.id != key:
                    pair = _pair(key, hit.id)
                    self.chances[pair] = max(self.chances.get(pair, 0.0), hit.score)
        self.groups: dict[int, _Group] = {}
        self.next = 0
        self.heap: list[tuple[float, Age, Age, int, int]] = []
        self._begin(settled)

    def _begin(self, settled: Settled) -> None:
        """Make the first groups, of one or of those that are settled as the same, and link them."""
        home = {key: [key] for key in self.ages}
        for one, other in sorted(_pair(*pair) for pair in settled.same):
            if one in home and other in home and home[one] is not home[other]:
                joined = [*home[one], *home[other]]
                if self._allowed(home[one], home[other]):
                    home |= dict.fromkeys(joined, joined)
        number: dict[str, int] = {}
        for key in sorted(self.ages):
            if key not in number:
                made = self._add(home[key])
                number |= dict.fromkeys(home[key], made)
        linked = {
            _numbers(number[one], number[other])
            for (one, other), chance in self.chances.items()
            if chance >= self.limits.apart and number[one] != number[other]
        }
        for left, right in sorted(linked):
            self._link(left, right, self._between(self.groups[left].members, self.groups[right].members))

    def _add(self, members: Sequence[str]) -> int:
        number, self.next = self.next, self.next + 1
        ordered = sorted(members, key=lambda key: (self.ages[key], key))
        self.groups[number] = _Group(ordered, (self.ages[ordered[0]], ordered[0]))
        return number

    def _link(self, one: int, other: int, link: _Link) -> None:
        left, right = self.groups[one], self.groups[other]
        left.links[other] = right.links[one] = link
        mean = round(link.total / (len(left.members) * len(right.members)), 6)
        if mean >= self.limits.together and link.least >= self.limits.apart:
            elder, younger = sorted((left.eldest, right.eldest))
            heapq.heappush(self.heap, (-mean, elder, younger, one, other))

    def _between(self, left: Sequence[str], right: Sequence[str]) -> _Link:
        fewer, more = sorted((left, right), key=len)  # each asking costs far more than each answer
        for one in fewer:
            self._find_out(one, more)
        values = [self.chances[_pair(one, other)] for one, other in product(left, right)]
        return _Link(sum(values), min(values))

    def _find_out(self, one: str, others: Sequence[str]) -> None:
        """Learn the chances of pairs that nobody has told."""
        unknown = [other for other in others if _pair(one, other) not in self.chances]
        if self.ask is not None and any(self._cut_off(one, other) for other in unknown):
            # All that may ever be wanted of this one, for each asking costs far more than each answer.
            wanted = {other for other in [*unknown, *self._beyond(one)] if self._cut_off(one, other)}
            asked = sorted(other for other in wanted if _pair(one, other) not in self.chances)
            found = zip(asked, self.ask(one, asked), strict=True)
            self.chances |= {_pair(one, other): chance for other, chance in found}
        for other in unknown:
            self.chances.setdefault(_pair(one, other), 0.0)

    def _cut_off(self, one: str, other: str) -> bool:
        """Tell whether two may be alike although neither stands on the other's list."""
        return min(self.floors.get(one, 0.0), self.floors.get(other, 0.0)) >= self.limits.apart

    def _beyond(self, one: str) -> set[str]:
        """Return the neighbours of neighbours."""
        return {far for near in self.linked.get(one, ()) for far in self.linked.get(near, ())} - {one}

    def _allowed(self, left: Sequence[str], right: Sequence[str]) -> bool:
        return not self.different or all(
            frozenset(pair) not in self.different for pair in product(left, right)
        )

    def merge(self) -> list[_Group]:
        """Merge while there is a good link, and return the groups, eldest first."""
        while self.heap:
            _, _, _, one, other = heapq.heappop(self.heap)
            if one not in self.groups or other not in self.groups:
                continue
            left, right = self.groups[one], self.groups[other]
            if not self._allowed(left.members, right.members):
                continue
            made = self._add([*left.members, *right.members])
            del self.groups[one], self.groups[other]
            for third in sorted((left.links.keys() | right.links.keys()) - {one, other}):
                group = self.groups[third]
                parts = [
                    known.links.get(third) or self._between(known.members, group.members)
                    for known in (left, right)
                ]
                group.links.pop(one, None)
                group.links.pop(other, None)
                total, least = sum(part.total for part in parts), min(part.least for part in parts)
                self._link(made, third, _Link(total, least))
        return sorted(self.groups.values(), key=lambda group: group.eldest)


def families(
    ages: Mapping[str, str],
    near: Mapping[str, Sequence[Hit]],
    limits: Limits,
    *,
    settled: Settled | None = None,
    before: Mapping[str, str] | None = None,
    ask: Ask | None = None,
) -> tuple[Family, ...]:
    """Return the families of the documents in ``ages`` (id -> when it came, as text that sorts by time).

    ``near`` holds the likest others of each (`matching.alike.Alike.neighbours`), best first;
    ``ask`` is asked about pairs that were cut off. ``before`` says in which family each document was. Every document
    is in one family, alone if need be; eldest family first.
    """
    groups = _Grouping(ages, near, limits, settled or Settled(), ask).merge()
    return _named([tuple(group.members) for group in groups], ages, before or {})


def _named(
    groups: Sequence[tuple[str, ...]], ages: Mapping[str, str], before: Mapping[str, str]
) -> tuple[Family, ...]:
    """Call each group by the rule that stands at the top of this file."""
    heirs: dict[str, Age] = {}
    for key in ages:
        name, age = before.get(key), (ages[key], key)
        if name is not None and (name not in heirs or age < heirs[name]):
            heirs[name] = age
    claims: dict[str, list[tuple[Age, str]]] = defaultdict(list)
    for name, age in heirs.items():
        claims[age[1]].append((age, name))
    taken: set[str] = set()
    found: list[tuple[tuple[str, ...], str | None, tuple[str, ...]]] = []
    for members in groups:
        names = [name for _, name in sorted(claim for key in members for claim in claims.get(key, ()))]
        found.append((members, names[0] if names else None, tuple(names[1:])))
        taken.update(names)
    named = []
    for members, inherited, others in found:
        name = inherited
        if name is None:
            # The oldest member's own name may still be borne by the family that it has left.
            name = next((key for key in members if key not in taken), f"{members[0]}-2")
            taken.add(name)
        named.append(Family(name, members, others))
    return tuple(named)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _numbers(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
