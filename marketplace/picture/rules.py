"""What is shared, what is alone and what has no match: sums over needs, and the classes that pictures are shaded by.

Pure functions over plain values, so that a map, a grid, a table and a file cannot say different things.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: The classes above zero that a picture has at most: more shades are not told apart.
CLASSES = 5
#: Stands for every need that is in no theme, in addresses and files.
NO_THEME = "none"


class Register(StrEnum):
    """What the register of technologies has for a need, without telling which technologies."""

    FITS = "fits"
    NOTHING = "nothing"
    NOT_LOOKED = "not-looked"

    @property
    def label(self) -> str:
        """Return it as people read it."""
        return {
            Register.FITS: "Has a good match on the register",
            Register.NOTHING: "Nothing on the register fits yet",
            Register.NOT_LOOKED: "Not yet looked at",
        }[self]


class Held(StrEnum):
    """Whether a need is shared by organisations of the place that is looked at."""

    SHARED = "shared"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Fact:
    """A need on the board as pictures see it. Texts of what it does not have are empty.

    ``fits`` counts the technologies that fit it, as far as was counted; None while nobody has looked. ``co_signers``
    are the organisations that took it for one of their own three.
    """

    need_id: int
    ref: str
    title: str
    rank: int
    organisation_id: int
    area: str = ""
    theme: str = ""
    family: str = ""
    fits: int | None = None
    words_only: bool = False
    co_signers: tuple[int, ...] = ()

    @property
    def register(self) -> Register:
        """Return what the register has for it."""
        if self.fits is None:
            return Register.NOT_LOOKED
        return Register.FITS if self.fits else Register.NOTHING

    @property
    def holders(self) -> frozenset[int]:
        """Return who needs this: its organisation and those that co-sign it."""
        return frozenset((self.organisation_id, *self.co_signers))


@dataclass(frozen=True, slots=True)
class Entry:
    """Needs of one place that say the same, or one need. ``holders`` are the organisations there that hold it."""

    facts: tuple[Fact, ...]
    holders: frozenset[int]
    family: str = ""

    @property
    def held(self) -> Held:
        """Tell whether two or more organisations of the place hold it."""
        return Held.SHARED if len(self.holders) > 1 else Held.ALONE


@dataclass(frozen=True, slots=True)
class Tally:
    """How many needs a place has, how many of them are shared there or alone, and what the register has for them."""

    needs: int = 0
    shared: int = 0
    alone: int = 0
    fits: int = 0
    nothing: int = 0
    not_looked: int = 0

    @property
    def looked(self) -> int:
        """Return for how many needs the register was searched."""
        return self.needs - self.not_looked


def entries(facts: Iterable[Fact], here: Collection[int]) -> list[Entry]:
    """Return the needs of some organisations by family: the most shared first, then by place and title.

    A family is shared here only if two of these organisations hold it, whoever holds it elsewhere.
    """
    groups: dict[object, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.organisation_id in here:
            groups[fact.family or fact.need_id].append(fact)
    inside = frozenset(here)
    found = [
        Entry(
            tuple(sorted(group, key=lambda fact: (fact.rank, fact.title, fact.ref))),
            frozenset().union(*(fact.holders for fact in group)) & inside,
            group[0].family,
        )
        for group in groups.values()
    ]
    return sorted(found, key=lambda one: (-len(one.holders), one.facts[0].title, one.facts[0].ref))


def tally(found: Iterable[Entry]) -> Tally:
    """Return the sums of some entries; every need counts once."""
    held: Counter[Held] = Counter()
    register: Counter[Register] = Counter()
    for entry in found:
        held[entry.held] += len(entry.facts)
        register.update(fact.register for fact in entry.facts)
    return Tally(
        needs=held.total(),
        shared=held[Held.SHARED],
        alone=held[Held.ALONE],
        fits=register[Register.FITS],
        nothing=register[Register.NOTHING],
        not_looked=register[Register.NOT_LOOKED],
    )


def tallies(found: Iterable[Entry], part_of: Callable[[Fact], Key]) -> dict[Key, Tally]:
    """Return the sums for each part of a place; what is shared in the place is shared in its parts too."""
    parts: dict[Key, list[Entry]] = defaultdict(list)
    for entry in found:
        split: dict[Key, list[Fact]] = defaultdict(list)
        for fact in entry.facts:
            split[part_of(fact)].append(fact)
        for part, facts in split.items():
            parts[part].append(Entry(tuple(facts), entry.holders, entry.family))
    return {part: tally(one) for part, one in parts.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see of a place; empty values choose nothing."""

    theme: str = ""
    area: str = ""
    held: Held | None = None
    register: Register | None = None

    @property
    def any(self) -> bool:
        """Tell whether anything is chosen."""
        return bool(self.theme or self.area or self.held or self.register)


def chosen(found: Iterable[Entry], asked: Asked) -> list[Entry]:
    """Return what was asked for of entries. A need stays shared, whatever is left out around it."""
    kept = []
    for entry in found:
        if asked.held is not None and entry.held is not asked.held:
            continue
        facts = tuple(
            fact
            for fact in entry.facts
            if (not asked.theme or (fact.theme or NO_THEME) == asked.theme)
            and (not asked.area or fact.area == asked.area)
            and (asked.register is None or fact.register is asked.register)
        )
        if facts:
            kept.append(Entry(facts, entry.holders, entry.family))
    return kept


# Pictures


class Measure(StrEnum):
    """What a picture is shaded by."""

    SHARED = "shared"
    UNMATCHED = "unmatched"

    @property
    def label(self) -> str:
        """Return it as people choose it."""
        return {
            Measure.SHARED: "How many organisations share it",
            Measure.UNMATCHED: "How much of it has no good match",
        }[self]


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a picture.

    ``asked`` counts all needs that the place has on the board, whatever their theme: a place without any has said
    nothing yet, which is not the same as saying that it does not need this.
    """

    needs: int = 0
    organisations: int = 0
    nothing: int = 0
    looked: int = 0
    asked: int = 0

    def value(self, measure: Measure) -> int | None:
        """Return what the place is shaded by: organisations, or the part without a good match in per cent.

        None where there is no data.
        """
        if measure is Measure.SHARED:
            return self.organisations if self.asked else None
        return percent(self.nothing, self.looked) if self.looked else None


def percent(part: int, whole: int) -> int:
    """Return a share in per cent, rounded up: something is never shown as nothing."""
    return -(-100 * part // whole)


@dataclass
class _Counting:
    needs: int = 0
    nothing: int = 0
    looked: int = 0
    organisations: set[int] = field(default_factory=set)


def cells(
    facts: Iterable[Fact],
    place_of: Callable[[int], Key],
    wanted: Callable[[Fact], bool] = lambda _: True,
) -> dict[Key, Cell]:
    """Return the cell of each place that has a need on the board, or an organisation that co-signs one.

    Every need counts once, at the place of its organisation; an organisation that co-signs counts at its own.
    """
    counted: dict[Key, _Counting] = defaultdict(_Counting)
    asked: Counter[Key] = Counter()
    for fact in facts:
        place = place_of(fact.organisation_id)
        asked[place] += 1
        for signer in fact.co_signers:
            asked[place_of(signer)] += 1
        if not wanted(fact):
            continue
        one = counted[place]
        one.needs += 1
        one.looked += fact.fits is not None
        one.nothing += fact.register is Register.NOTHING
        for holder in fact.holders:
            counted[place_of(holder)].organisations.add(holder)
    return {
        place: Cell(one.needs, len(one.organisations), one.nothing, one.looked, asked[place])
        for place in asked
        for one in (counted.get(place, _Counting()),)
    }


@dataclass(frozen=True, slots=True)
class Shade:
    """A class of a picture: its number (0 for zero), and the lowest and highest value in it."""

    number: int
    low: int
    high: int


def shades(measure: Measure, values: Iterable[int | None]) -> list[Shade]:
    """Return the classes of a picture, from zero up: as few as the values need, `CLASSES` above zero at most.

    Shares are always cut at every fifth part, so that two pictures can be compared.
    """
    if measure is Measure.UNMATCHED:
        most, width = 100, 100 // CLASSES
    else:
        most = max((value for value in values if value is not None), default=0)
        width = max(1, -(-most // CLASSES))
    return [
        Shade(0, 0, 0),
        *(
            Shade(number, low, low + width - 1)
            for number, low in enumerate(range(1, most + 1, width), start=1)
        ),
    ]


def shade_of(found: Sequence[Shade], value: int) -> Shade:
    """Return the class that a value lies in."""
    return next(one for one in found if one.low <= value <= one.high)


def total(found: Mapping[Key, Cell]) -> Cell:
    """Return the sum of cells whose places do not overlap."""
    return Cell(
        needs=sum(one.needs for one in found.values()),
        organisations=sum(one.organisations for one in found.values()),
        nothing=sum(one.nothing for one in found.values()),
        looked=sum(one.looked for one in found.values()),
        asked=sum(one.asked for one in found.values()),
    )
