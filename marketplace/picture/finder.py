"""Gather what pictures of demand are made of: as many queries for a region as for one system."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.database import db
from marketplace.needs import queries as needs
from marketplace.organisations import lineage
from marketplace.organisations.models import Kind
from marketplace.picture import queries, rules
from marketplace.picture.queries import FamilyFact, Member, Place
from marketplace.picture.rules import NO_THEME, Asked, Cell, Entry, Fact, Held, Measure, Register
from marketplace.vocabulary import ClinicalArea

#: Places beside the map: organisations that stand in no ICS of their own, and those whose ICS is not known.
NETWORKS, UNKNOWN = "(networks)", "(unknown)"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a place's page is made of.

    ``found`` are all entries of the place, ``foreign`` needs of organisations elsewhere that some here co-sign,
    ``named`` all organisations by id, ``regions`` the names of regions by code, ``themes`` those of themes by key and
    ``families`` families by reference; ``readable`` the organisations whose matches the person may see.
    ``moved_to`` is the code under which the place is found now, where that is another than was asked for.
    """

    place: Place
    found: Sequence[Entry]
    foreign: Sequence[Entry]
    named: Mapping[int, Member]
    regions: Mapping[str, str]
    themes: Mapping[str, str]
    families: Mapping[str, FamilyFact]
    readable: Collection[int]
    moved_to: str = ""


def read(args: MultiDict[str, str]) -> Asked:
    """Return what an address asks for of a place; what is not known counts as not chosen."""
    held, register, area = args.get("held", ""), args.get("register", ""), args.get("area", "")
    return Asked(
        theme=args.get("theme", "")[:100],
        area=area if area in set(ClinicalArea) else "",
        held=Held(held) if held in set(Held) else None,
        register=Register(register) if register in set(Register) else None,
    )


def seen(actor: Actor, kind: Kind, code: str) -> Seen:
    """Return what a place needs, or raise `NotVisible` where there is no such place."""
    place = queries.place(kind, code)
    here = frozenset(one.id for one in place.members)
    found = rules.entries(queries.facts_of(actor, here), here)
    foreign = queries.co_signed_by(actor, here)
    return Seen(
        place=place,
        found=found,
        foreign=[Entry((fact,), fact.holders & here, fact.family) for fact in foreign],
        named={one.id: one for one in queries.everybody()},
        regions=queries.places(Kind.REGION),
        themes=queries.themes(),
        families=queries.families(actor, {entry.family for entry in found if entry.family}),
        readable=needs.reads_matches_of(actor),
        moved_to=_moved_to(place, code),
    )


def _moved_to(place: Place, code: str) -> str:
    """Return where a place is found now; empty where it is still found here, or has gone to several."""
    if len(place.heirs) == 1:
        return place.heirs[0][0]
    return place.organisation.code if place.organisation.code != code else ""


# Pictures of all England


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants a picture of: shaded by what, and of which theme (empty: all) and clinical area."""

    measure: Measure = Measure.SHARED
    theme: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class England:
    """All needs on the board, where their organisations stand, and the names of themes and places."""

    facts: Sequence[Fact]
    members: Mapping[int, Member]
    themes: Mapping[str, str]
    boards: Mapping[str, Member]
    regions: Mapping[str, str]
    came_from: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def ics_of(self, organisation_id: int) -> str:
        """Return the code of the ICS that an organisation counts in, or the place beside the map."""
        one = self.members[organisation_id]
        return one.ics or (NETWORKS if one.kind is Kind.HIN else UNKNOWN)

    def region_of(self, organisation_id: int) -> str:
        """Return the code of the region that an organisation counts in, or the place beside the regions."""
        one = self.members[organisation_id]
        return one.region or (NETWORKS if one.kind is Kind.HIN else UNKNOWN)

    def wants(self, wanted: Wanted) -> Callable[[Fact], bool]:
        """Return what tells whether a need belongs into a picture."""
        return lambda fact: (
            (not wanted.theme or (fact.theme or NO_THEME) == wanted.theme)
            and (not wanted.area or fact.area == wanted.area)
        )


def wanted(args: MultiDict[str, str]) -> Wanted:
    """Return what an address asks for of a picture; what is not known counts as not chosen."""
    by, area = args.get("by", ""), args.get("area", "")
    return Wanted(
        measure=Measure(by) if by in set(Measure) else Measure.SHARED,
        theme=args.get("theme", "")[:100],
        area=area if area in set(ClinicalArea) else "",
    )


def england(actor: Actor) -> England:
    """Return what the pictures of all England are made of."""
    found, facts = queries.everybody(), queries.facts(actor)
    return England(
        facts=facts,
        members={one.id: one for one in found},
        themes=_used(facts),
        boards={one.code: one for one in found if one.kind is Kind.ICB},
        regions=queries.places(Kind.REGION),
        came_from=lineage.came_from(db.session, Kind.ICB, clock.today()),
    )


def _used(facts: Sequence[Fact]) -> dict[str, str]:
    """Return the names of the themes that any need is in, by key: an emptied theme is kept, but not offered."""
    used = {fact.theme for fact in facts}
    return {key: name for key, name in queries.themes().items() if key in used}


def by_ics(on: England, asked: Wanted) -> dict[str, Cell]:
    """Return the cell of each ICS, and of the places beside the map, that has anything."""
    return rules.cells(on.facts, on.ics_of, on.wants(asked))


def by_theme(on: England, asked: Wanted) -> dict[tuple[str, str], Cell]:
    """Return the cells of the grid by theme and region; needs in no theme are a row of their own.

    A cell's ``asked`` counts the needs of its whole region.
    """
    groups: dict[str, list[Fact]] = {}
    for fact in filter(on.wants(asked), on.facts):
        groups.setdefault(fact.theme or NO_THEME, []).append(fact)
    return {
        (theme, region): cell
        for theme, facts in groups.items()
        for region, cell in rules.cells(facts, on.region_of).items()
    }
