"""Attack a register and count: how many attacks enter the first ten of a need that they have nothing to do with.

*Entry*: a listing that does not answer a need stands among the first ten for it because of the attack; the honest
listing that it was made from did not. For clones every showing of somebody else's answer counts, for flooding, where
the product does answer, every place beyond those that a
supplier may have.

*Honest hit*: an honest listing is told by a defence that something of its text does not count, or a listing that
answers a need loses its place among the first ten because of a defence.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attacks.families import ATTACKED, FAMILIES, Listing, Plan, Pool, documents
from matching.duplicates import NOTHING, Spoken, copied_from, loans
from matching.evaluation.sets import Split, load
from matching.honesty import counted
from matching.matcher import Matcher, build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.types import Document, Encoded, Kind, Match

TOP = 10
FROM_ONE_SUPPLIER = MatcherSettings().supplier_most


@dataclass(frozen=True, slots=True)
class Register:
    """Honest listings, encoded and ready to be ranked, and the needs that ask."""

    finder: Matcher
    technologies: Mapping[str, Encoded]
    needs: Mapping[str, Encoded]
    grades: Mapping[str, Mapping[str, int]]
    pool: Pool

    @staticmethod
    def of(splits: Sequence[Split], encoder: Encoder | None, settings: MatcherSettings) -> Register:
        """Put the technologies of judged sets into one register; ids of different sets must not meet."""
        technologies = [one for split in splits for one in split.technologies]
        needs = [one for split in splits for one in split.needs]
        grades = {need: graded for split in splits for need, graded in split.grades.items()}
        finder = build_finder(Kind.TECHNOLOGY, encoder=encoder, settings=settings)
        encoded = finder.encode(technologies)
        finder.add(encoded)
        asking = build_finder(Kind.NEED, encoder=encoder, settings=settings).encode(needs)
        by_id = {one.id: one for one in technologies}
        answers = {
            need: tuple(Listing.of(by_id[key]) for key in sorted(graded, key=lambda key: (-graded[key], key)))
            for need, graded in grades.items()
        }
        pool = Pool(
            tuple(Listing.of(one) for one in technologies),
            tuple(one for one in needs if one.id in grades),
            answers,
        )
        return Register(
            finder,
            {one.document.id: one for one in encoded},
            {one.document.id: one for one in asking},
            grades,
            pool,
        )

    def top(self, need: str) -> list[Match]:
        """Return the first ten for a need."""
        return list(self.finder.match(self.needs[need], TOP).matches)

    @contextmanager
    def attacked(self, listings: Sequence[Document], instead_of: str | None) -> Iterator[None]:
        """Hold the attacker's listings for a while, in place of the honest one if there is one."""
        encoded = self.finder.encode(listings)
        if instead_of is not None:
            self.finder.forget([instead_of])
        self.finder.add(encoded)
        try:
            yield
        finally:
            self.finder.forget([one.id for one in listings])
            if instead_of is not None:
                self.finder.add([self.technologies[instead_of]])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attack: places taken among the first ten, and whether one of them was accepted."""

    family: str
    need: str
    listing: str
    entered: bool
    accepted: bool


def attack(register: Register, family: str, seed: int) -> Outcome:
    """Make one attack of a family on the register; the same seed makes the same attack."""
    chance = random.Random(f"{family} {seed}")
    needs = [one.id for one in register.pool.needs]
    while True:
        need = chance.choice(needs)
        graded = register.grades[need]
        if family == "flooding":
            key = chance.choice(sorted(graded))
            break
        key = chance.choice(sorted(register.technologies))
        if key not in graded and key not in {match.id for match in register.top(need)}:
            break
    honest = Listing.of(register.technologies[key].document)
    made = FAMILIES[family](Plan(chance, honest, register.needs[need].document, register.pool))
    with register.attacked(documents(made), None if family == "clones" else key):
        taken = [match for match in register.top(need) if match.id.startswith(ATTACKED)]
    due = FROM_ONE_SUPPLIER if family == "flooding" else 0
    return Outcome(family, need, key, len(taken) > due, any(match.accepted for match in taken[due:]))


def places_lost(defended: Register, bare: Register) -> tuple[int, int]:
    """Return how many listings that answer a need lost their place in its first ten to a defence, and of how many."""
    lost = places = 0
    for need, graded in bare.grades.items():
        had = {match.id for match in bare.top(need) if match.id in graded}
        has = {match.id for match in defended.top(need)}
        places += len(had)
        lost += len(had - has)
    return lost, places


def told(register: Register) -> tuple[int, int]:
    """Return how many honest listings are told that something of them does not count, and of how many."""
    spoken = [Spoken(one.document) for one in register.technologies.values()]
    needs = [Spoken(one.document) for one in register.needs.values()]
    borrowing = {spoken[loan.borrower].document.id for loan in loans(spoken)}
    hit = [
        one
        for one in spoken
        if one.document.id in borrowing
        or counted(one.document).notes
        or any(copied_from(need, one) is not NOTHING for need in needs)
    ]
    return len(hit), len(spoken)


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


SETS = ("dev", "held", "terse", "fresh")
"""The judged sets that are attacked. The sealed one is left for the last look at honest listings."""


def judged_sets(folder: Path, names: Sequence[str] = SETS) -> list[Split]:
    """Return judged sets of the repository."""
    return [load(folder / name) for name in names]
