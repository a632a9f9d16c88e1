"""One family: who shares it, how its needs differ, what they ask for together, and what fits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.families.models import Family
from marketplace.families.pages.words import NO_REGION, SUGGESTED, need_link, people_in_sum
from marketplace.families.queries import Shares
from marketplace.matches.candidates import Best
from marketplace.matches.pages import Candidate
from marketplace.needs.models import Need
from marketplace.needs.pages.words import organisation_link
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import count, day, listed

#: What statements of a family are compared by, field by field.
COMPARED = (
    ("problem", "Problem"),
    ("outcome", "Outcome"),
    ("measure", "Measure"),
    ("baseline", "Today"),
    ("target", "Target"),
)


@dataclass(frozen=True, slots=True)
class Sharer:
    """An organisation that shares a family, by a need of its own or by co-signing one."""

    organisation: Link
    words: str


@dataclass(frozen=True, slots=True)
class RegionSharers:
    """The organisations of a region that share a family."""

    region: str
    sharers: tuple[Sharer, ...]


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A need of a family. ``note`` says what is special about it."""

    need: Link
    organisation: Link
    note: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What one organisation says in a field."""

    organisation: str
    text: str


@dataclass(frozen=True, slots=True)
class Beside:
    """One field, with what each organisation says in it."""

    name: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class JointMust:
    """A must-have, who asks for it, and in which other words."""

    text: str
    by: str
    wordings: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class EvidenceAsked:
    """A type of evidence, how many ask for it, and what exactly."""

    name: str
    by: str
    details: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True)
class FamilyPage(Page):
    """A family of needs: who shares it, how they differ, what they ask for together."""

    template = "families/family.html"

    tag: Tag
    settled: str
    counted: str
    members: tuple[MemberLine, ...]
    gone: tuple[MemberLine, ...]
    regions: tuple[RegionSharers, ...]
    beside: tuple[Beside, ...]
    must: tuple[JointMust, ...]
    evidence: tuple[EvidenceAsked, ...]
    matches: Link | None
    settle: Link | None
    list_href: str
    note: str

    @classmethod
    def build(
        cls,
        family: Family,
        name: str,
        shares: Sequence[Shares],
        gone: Sequence[Need],
        joint: Sequence[JointMust],
        *,
        may_settle: bool,
        may_match: bool,
    ) -> FamilyPage:
        """Build the page; ``gone`` are needs of the family that do not stand any more."""
        by = family.settled_by_hin.name if family.settled_by_hin is not None else ""
        settled = f"Settled by {by} on {day(family.settled_at)}." if family.settled_at is not None else ""
        note = ""
        if family.dissolved_at is not None:
            note = "This family was dissolved: its needs are not the same. Each goes on by itself."
        elif not shares:
            note = "No need is in this family at present. Its page stays, and fills again when a need like it comes."
        elif len(shares) == 1:
            note = "Only one need is in this family at present. It fills again when a need like this is published."
        return cls(
            title=name or "An empty family of needs",
            tag=Tag("Dissolved", "grey")
            if family.dissolved_at is not None
            else Tag("Settled by a HIN", "green")
            if family.settled_at is not None
            else SUGGESTED,
            settled=settled,
            counted=_counted(shares),
            members=tuple(
                MemberLine(
                    need_link(one.need),
                    organisation_link(one.need.organisation),
                    # Of a family that nobody has settled the tag at the top says it of all.
                    "" if one.settled or family.settled_at is None else SUGGESTED.text,
                )
                for one in shares
            ),
            gone=tuple(
                MemberLine(
                    need_link(one),
                    organisation_link(one.organisation),
                    f"Withdrawn on {day(one.withdrawn_at)}"
                    if one.withdrawn_at is not None
                    else "Lapsed: not confirmed in this cycle",
                )
                for one in gone
            ),
            regions=_regions(shares),
            beside=_beside(shares) if len(shares) > 1 else (),
            must=tuple(joint),
            evidence=_evidence(shares),
            matches=Link("Technologies that fit these needs", url_for("families.matches", ref=family.ref))
            if may_match and shares
            else None,
            settle=Link("Settle this family", url_for("families.settle", ref=family.ref))
            if may_settle and family.dissolved_at is None
            else None,
            list_href=url_for("families.listing"),
            note=note,
        )


def sharers_of(shares: Sequence[Shares]) -> dict[int, tuple[Organisation, int | None, list[str]]]:
    """Return each organisation that shares, with the most people that it gave, and how it shares."""
    found: dict[int, tuple[Organisation, int | None, list[str]]] = {}

    def put(organisation: Organisation, how_many: int | None, words: str) -> None:
        _, most, how = found.get(organisation.id, (organisation, None, []))
        given = [number for number in (most, how_many) if number is not None]
        found[organisation.id] = (organisation, max(given, default=None), [*how, words])

    for one in shares:
        put(one.need.organisation, one.content.how_many, "has published a need")
        for signature in one.co_signatures:
            put(
                signature.organisation,
                signature.how_many,
                f"co-signs the need of {one.need.organisation.name}",
            )
    return found


def _counted(shares: Sequence[Shares]) -> str:
    if not shares:
        return ""
    sharers = sharers_of(shares)
    numbers = [most for _, most, _ in sharers.values()]
    shared = count(len(sharers), "organisation shares", "organisations share")
    return f"{shared} {count(len(shares), 'need')}. {people_in_sum(numbers)}"


def _regions(shares: Sequence[Shares]) -> tuple[RegionSharers, ...]:
    by_region: dict[str, list[Sharer]] = {}
    for organisation, most, how in sorted(
        sharers_of(shares).values(), key=lambda one: (one[0].name, one[0].id)
    ):
        people = f", {count(most, 'person', 'people')} affected" if most is not None else ""
        region = organisation.region.name if organisation.region is not None else NO_REGION
        by_region.setdefault(region, []).append(
            Sharer(organisation_link(organisation), f"{listed(list(dict.fromkeys(how)))}{people}")
        )
    order = sorted(by_region, key=lambda region: (region == NO_REGION, region))
    return tuple(RegionSharers(region, tuple(by_region[region])) for region in order)


def _beside(shares: Sequence[Shares]) -> tuple[Beside, ...]:
    return tuple(
        Beside(
            label,
            tuple(
                Statement(one.need.organisation.name, getattr(one.content, name) or "Nothing said")
                for one in shares
            ),
        )
        for name, label in COMPARED
    )


def joint_musts(
    asked: Sequence[tuple[str, Sequence[tuple[str, str]]]], names: Mapping[str, str]
) -> tuple[JointMust, ...]:
    """Return must-haves that were told as one: each with its wordings as (need, text); ``names`` says whose need."""
    found = []
    for text, wordings in asked:
        who = sorted({names[need] for need, _ in wordings})
        others = tuple(Statement(names[need], said) for need, said in wordings) if len(wordings) > 1 else ()
        found.append(JointMust(text, _by(len({need for need, _ in wordings}), len(names), who), others))
    return tuple(found)


def _by(number: int, of: int, who: Sequence[str]) -> str:
    if of > 1 and number == of:
        return "Asked for by both" if of == 2 else f"Asked for by all {of}"
    return f"Asked for by {number} of {of}: {listed(who)}"


def _evidence(shares: Sequence[Shares]) -> tuple[EvidenceAsked, ...]:
    asked: dict[str, list[Statement]] = {}
    for one in shares:
        for wanted in one.content.evidence_wanted:
            asked.setdefault(wanted.type.label, []).append(
                Statement(one.need.organisation.name, wanted.detail)
            )
    ordered = sorted(asked.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        EvidenceAsked(
            name, _by(len(said), len(shares), sorted({one.organisation for one in said})), tuple(said)
        )
        for name, said in ordered
    )


@dataclass(frozen=True, slots=True)
class FamilyMatch:
    """A technology that fits needs of a family."""

    technology: Link
    supplier: str
    words: str
    needs: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class FamilyMatchesPage(Page):
    """The technologies that fit most needs of a family."""

    template = "families/matches.html"

    title: str = "Technologies that fit this family of needs"
    family: Link
    items: tuple[FamilyMatch, ...]
    notes: tuple[str, ...]
    nothing: str


def family_matches(
    family: Family, name: str, best: Best, titles: Mapping[str, Link], *, others: int
) -> FamilyMatchesPage:
    """Return the technologies by how many of the needs they fit, then by name.

    ``others`` is how many needs of the family are left out, as the person may not read their matches.
    """
    seen = f"{count(len(titles), 'need')} of the family" + (" that you can see matches of" if others else "")
    left_out = f"What fits the family’s {count(others, 'other need')} is for their organisations and networks to see."
    fits: dict[str, tuple[Candidate, list[Link]]] = {}
    for ref, found in best.of.items():
        for candidate in found:
            fits.setdefault(candidate.ref, (candidate, []))[1].append(titles[ref])
    ordered = sorted(fits.values(), key=lambda one: (-len(one[1]), one[0].link.text, one[0].ref))
    return FamilyMatchesPage(
        family=Link(name, url_for("families.family", ref=family.ref)),
        items=tuple(
            FamilyMatch(
                candidate.link,
                candidate.by,
                f"Fits {len(needs)} of {seen}",
                tuple(needs),
            )
            for candidate, needs in ordered
        ),
        notes=(*best.notes, left_out) if others else best.notes,
        nothing="" if ordered else "Nothing on the register fits any of these needs well.",
    )
