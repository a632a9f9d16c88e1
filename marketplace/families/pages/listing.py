"""The list of families, and settling one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.families.models import Family
from marketplace.families.pages.words import SUGGESTED, need_link, people_in_brief
from marketplace.families.queries import Part, name_of
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import count, listed


@dataclass(frozen=True, slots=True)
class FamilyItem:
    """A family in the list."""

    name: Link
    words: str
    tag: Tag
    titles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FamiliesPage(Page):
    """Families of needs, the most shared first."""

    template = "families/list.html"

    title: str = "Needs that are shared"
    counted: str
    items: tuple[FamilyItem, ...]
    themes: tuple[Choice, ...]
    theme: str
    note: str
    previous: str
    following: str
    where: str
    here: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    text: str
    selected: bool


def family_item(family: Family, name: str, parts: Sequence[Part]) -> FamilyItem:
    """Build a line of the list from who shares the family."""
    people: dict[str, int | None] = {}
    for part in parts:
        given = [number for number in (people.get(part.organisation), part.how_many) if number is not None]
        people[part.organisation] = max(given, default=None)
    regions = sorted({part.region for part in parts if part.region})
    where = f", in {listed(regions)}" if regions else ""
    needs = {part.need_ref for part in parts}
    shared = count(len(people), "organisation shares", "organisations share")
    titles = [
        member.need.current.title
        for member in family.members
        if member.need.ref in needs and member.need.current is not None
    ]
    return FamilyItem(
        Link(name, url_for("families.family", ref=family.ref)),
        f"{shared} it{where}.{people_in_brief(list(people.values()))}",
        Tag("Settled by a HIN", "green") if family.settled_at is not None else SUGGESTED,
        tuple(title for title in titles if title != name),
    )


def families_counted(number: int, theme: str) -> str:
    """Say how many families there are."""
    return f"{count(number, 'family', 'families')} of needs" + (f" about “{theme}”" if theme else "")


def family_link(found: Family | None) -> Link | None:
    """Return the way to a need's family, if it has one."""
    if found is None:
        return None
    return Link(f"This need is one of a family: {name_of(found)}", url_for("families.family", ref=found.ref))


@dataclass(frozen=True, slots=True)
class Settleable:
    """A need of a family that can be taken out or split off."""

    ref: str
    title: Link
    organisation: str
    note: str


@dataclass(frozen=True, kw_only=True)
class SettlePage(Page):
    """Settle a family: accept, take out, join, split, rename, dissolve."""

    template = "families/settle.html"

    family: Link
    hin: str
    members: tuple[Settleable, ...]
    checked: bool
    action: str
    conflict: str

    @classmethod
    def build(cls, family: Family, name: str, hin: Organisation, conflict: str) -> SettlePage:
        """Build the page."""
        return cls(
            title=f"Settle: {name}",
            family=Link(name, url_for("families.family", ref=family.ref)),
            hin=hin.name,
            members=tuple(
                Settleable(
                    member.need.ref,
                    need_link(member.need),
                    member.need.organisation.name,
                    "" if member.settled else "Suggested, not checked yet",
                )
                for member in family.members
            ),
            checked=all(member.settled for member in family.members),
            action=url_for("families.do_settle", ref=family.ref),
            conflict=conflict,
        )
