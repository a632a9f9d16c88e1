"""Shared needs as finished words and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.families import rules
from marketplace.families.models import CoSignature, Family
from marketplace.families.queries import Part, Shares, name_of
from marketplace.families.rules import State
from marketplace.matches.candidates import Best
from marketplace.matches.pages import Candidate
from marketplace.needs.models import Need
from marketplace.needs.pages.words import organisation_link, people_words
from marketplace.needs.rules import NeedContent
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import count, day, listed

STATES = {
    State.STANDING: Tag("You co-sign it", "green"),
    State.TAKEN_BACK: Tag("Taken back", "grey"),
    State.ENDED: Tag("Ended", "yellow"),
}


def need_link(need: Need) -> Link:
    """Return the title of a need, leading to it."""
    return Link(need.current.title if need.current is not None else "", url_for("needs.need", ref=need.ref))


def people_in_sum(numbers: Sequence[int | None]) -> str:
    """Say how many people organisations gave in sum, and what kind of sum that is."""
    found = rules.people(numbers)
    if not found.gave:
        return "None of them has said how many people are affected."
    if found.gave == 1:
        silent = f" {count(found.silent, 'other gave', 'others gave')} no number." if found.silent else ""
        return f"One of them gave a number: {count(found.total, 'person', 'people')}.{silent}"
    silent = f" {count(found.silent, 'more gave', 'more gave')} no number." if found.silent else ""
    return (
        f"About {count(found.total, 'person', 'people')} in all: the sum of what {found.gave} of them gave, each for "
        f"itself. Somebody whom two of them care for is counted twice.{silent}"
    )


def _people_in_brief(numbers: Sequence[int | None]) -> str:
    found = rules.people(numbers)
    return (
        f" {count(found.total, 'person', 'people')}, as given by {found.gave} of them." if found.gave else ""
    )


# A need's own page


#: What stands over organisations that lie in more than one region, last.
NO_REGION = "Not in one region"


@dataclass(frozen=True, slots=True)
class SharedLine:
    """An organisation that co-signs a need."""

    organisation: Link
    words: str
    note: str


@dataclass(frozen=True, slots=True)
class OnNeed:
    """What a need's page shows of who shares it, and what this person can do."""

    heading: str
    lines: tuple[SharedLine, ...]
    total: str
    co_sign: Link | None
    ours: Link | None
    family: Link | None


def on_need(
    need: Need, standing: Sequence[CoSignature], *, may_sign: bool, own: bool, family: Link | None
) -> OnNeed:
    """Build it. ``own`` says that an organisation of this person co-signs the need already."""
    version = need.current
    numbers = [version.how_many if version is not None else None, *(one.how_many for one in standing)]
    total = ""
    if standing:
        total = f"{count(len(numbers), 'organisation')} share this need. {people_in_sum(numbers)}"
    return OnNeed(
        heading="Who shares this need",
        lines=tuple(_shared_line(one, need) for one in standing),
        total=total,
        co_sign=Link("Co-sign this need", url_for("families.co_sign", ref=need.ref)) if may_sign else None,
        ours=Link("You co-sign this need: see or take back", url_for("families.co_signatures"))
        if own
        else None,
        family=family,
    )


def _shared_line(one: CoSignature, need: Need) -> SharedLine:
    words = [f"Co-signed on {day(one.signed_at)}"]
    if one.how_many is not None:
        words.append(f"{count(one.how_many, 'person', 'people')} affected there")
    if one.version != need.version:
        words.append(f"signed version {one.version}; the need has changed since")
    return SharedLine(organisation_link(one.organisation), ", ".join(words) + ".", one.note)


# Co-signing


@dataclass(frozen=True, kw_only=True)
class CoSignPage(Page):
    """Co-sign a need of another organisation."""

    template = "families/co_sign.html"

    title: str = "Co-sign this need"
    need: Link
    owner: Link
    rows: tuple[Row, ...]
    closed: str
    cycle: str
    organisation: str
    several: bool
    ours_href: str

    @classmethod
    def build(
        cls, need: Need, content: NeedContent, cycle: str, organisations: Sequence[Organisation], closed: str
    ) -> CoSignPage:
        """Build the page; ``closed`` says why it cannot be co-signed, if so."""
        return cls(
            need=need_link(need),
            owner=organisation_link(need.organisation),
            rows=(
                Row("Problem", content.problem),
                Row("Who is affected", people_words(content)),
                Row("Outcome", content.outcome),
                Row("Solutions must", "", items=content.must),
            ),
            closed=closed,
            cycle=cycle,
            organisation=organisations[0].name if len(organisations) == 1 else "",
            several=len(organisations) > 1,
            ours_href=url_for("families.co_signatures"),
        )


@dataclass(frozen=True, slots=True)
class OursLine:
    """A need that we co-signed. ``acts`` are buttons, ``leads`` a link; ``told`` is what became of it."""

    need: Link
    words: str
    tag: Tag
    local: str
    told: str
    acts: tuple[Link, ...]
    leads: Link | None


@dataclass(frozen=True, kw_only=True)
class CoSignaturesPage(Page):
    """Needs of others that this person's organisations co-sign, or did."""

    template = "families/co_signatures.html"

    title: str = "Needs that you co-sign"
    lines: tuple[OursLine, ...]
    workspace_href: str
    board_href: str

    @classmethod
    def build(cls, found: Sequence[CoSignature]) -> CoSignaturesPage:
        """Build the page."""
        return cls(
            lines=tuple(_ours(one) for one in found),
            workspace_href=url_for("needs.workspace"),
            board_href=url_for("demand.find"),
        )


def _ours(one: CoSignature) -> OursLine:
    people = f"{count(one.how_many, 'person', 'people')} affected here. " if one.how_many is not None else ""
    changed = one.state is State.STANDING and one.version != one.need.version
    told, acts, leads = "", [], None
    if changed:
        told = (
            f"{one.need.organisation.name} has published a new version since you co-signed it. Read it, and say "
            "whether it is still your need too."
        )
        acts.append(Link("It is still our need too", url_for("families.keep", ref=one.ref)))
    if one.state is State.STANDING:
        leads = Link("Take the co-signature back", url_for("families.take_back", ref=one.ref))
    if one.ending is not None:
        reason = f": {one.need.withdrawn_reason.rstrip('.')}" if one.need.withdrawn_at is not None else ""
        told = f"{one.ending.words}{reason}. Your place is free."
        if one.ending is rules.Ending.NEW_CYCLE:
            leads = Link("Co-sign it in the new cycle", url_for("families.co_sign", ref=one.need.ref))
        else:
            acts.append(
                Link("Go on with its text as your own need", url_for("families.carry_on", ref=one.ref))
            )
    return OursLine(
        need=need_link(one.need),
        words=f"A need of {one.need.organisation.name}, co-signed for {one.organisation.name} on "
        f"{day(one.signed_at)}, {one.cycle.name}",
        tag=Tag("Changed since you co-signed it", "yellow") if changed else STATES[one.state],
        local=f"{people}{one.note}",
        told=told,
        acts=tuple(acts),
        leads=leads,
    )


@dataclass(frozen=True, kw_only=True)
class TakeBackPage(Page):
    """Ask before a co-signature is taken back."""

    template = "families/take_back.html"

    title: str = "Take your co-signature back"
    need: Link
    organisation: str
    ours_href: str

    @classmethod
    def build(cls, found: CoSignature) -> TakeBackPage:
        """Build the page."""
        return cls(
            need=need_link(found.need),
            organisation=found.organisation.name,
            ours_href=url_for("families.co_signatures"),
        )


# Families

SUGGESTED = Tag("Suggested by our matching, not checked yet", "yellow")
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
        f"{shared} it{where}.{_people_in_brief(list(people.values()))}",
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


# Settling


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
