"""Families, themes and joint must-haves as the matcher suggests them, for the room that keeps them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from marketplace.database import db
from marketplace.matches import finder, queries
from matching import asked, families, themes
from matching.alike import limits
from matching.families import Family, Settled
from matching.themes import Before, Theme
from matching.types import Hit, Kind

__all__ = [
    "Family",
    "Kept",
    "Near",
    "NoMatcher",
    "Theme",
    "families_of",
    "joint",
    "neighbours",
    "state",
    "themes_of",
]


class NoMatcher(RuntimeError):
    """This process has not read the index yet; ask again later."""


@dataclass(slots=True)
class Near:
    """The likest others of each need, gathered step by step; empty at the start."""

    hits: dict[str, list[Hit]] = field(default_factory=dict)

    def linked(self) -> set[tuple[str, str]]:
        """Return the pairs that might be of one family."""
        least = limits().apart
        return {
            (min(key, hit.id), max(key, hit.id))
            for key, hits in self.hits.items()
            for hit in hits
            if hit.score >= least
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """A theme as it was kept: its key and name, the phrases that the name is made of, and the needs in it."""

    key: str
    name: str
    said: tuple[str, ...]
    needs: frozenset[str]


def state() -> tuple[str, dict[str, str]]:
    """Return what suggestions are made from: the serving index and the digest of each need in it, by reference."""
    serving = queries.serving(db.session)
    if serving is None:
        return "", {}
    return f"{serving.id} {limits()}", queries.digests(db.session, serving.id, Kind.NEED)


def neighbours(near: Near, refs: Collection[str], among: Collection[str]) -> None:
    """Look up the likest others of some needs, and put them to what is gathered.

    Raises `NoMatcher` while this process is starting.
    """
    serving = finder.at_once(db.session)
    if serving is None:
        raise NoMatcher
    near.hits |= serving.matchers[Kind.NEED].alike.neighbours(refs, among=among)


def families_of(
    ages: Mapping[str, str],
    near: Near,
    *,
    same: Collection[tuple[str, str]],
    different: Collection[tuple[str, str]],
    before: Mapping[str, str],
) -> tuple[Family, ...]:
    """Return the families of the needs in ``ages`` (reference -> when it came), as `matching.families` does."""
    serving = finder.ready(db.session)
    known = {ref: hits for ref, hits in near.hits.items() if ref in ages}
    alike = serving.matchers[Kind.NEED].alike

    def ask(key: str, others: Sequence[str]) -> Sequence[float]:
        try:
            return alike.chances(key, others)
        except KeyError:  # one of them left the index a moment ago: it is like nothing
            return [0.0] * len(others)

    return families.families(ages, known, limits(), settled=Settled(same, different), before=before, ask=ask)


def themes_of(grouped: Mapping[str, Sequence[str]], before: Sequence[Kept]) -> tuple[tuple[Theme, ...], bool]:
    """Return the themes of families (reference -> its needs), and whether words alone could be compared."""
    earlier = [Before(one.key, one.name, one.said, one.needs) for one in before]
    found = themes.themes(finder.ready(db.session).matchers[Kind.NEED], grouped, limits(), earlier)
    return found.themes, found.degraded


def joint(refs: Collection[str]) -> tuple[asked.Asked, ...]:
    """Return the must-haves of these needs, those that mean the same told once; [] while this process is starting."""
    serving = finder.at_once(db.session)
    return () if serving is None else asked.joint(serving.matchers[Kind.NEED], refs, limits())
