"""What pages of a place's demand show: an ICS with its trusts, the patch of a HIN, a region with its ICSs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, url_for

from marketplace import clock
from marketplace.matches.fits import COUNTED
from marketplace.organisations.models import Kind, Organisation
from marketplace.picture import rules
from marketplace.picture.finder import Seen
from marketplace.picture.queries import Member
from marketplace.picture.rules import NO_THEME, Asked, Entry, Fact, Held, Register, Tally
from marketplace.vocabulary import ClinicalArea
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.paging import PER_PAGE, Paging
from marketplace.web.words import count, day, listed

#: Names of organisations that a line tells before it only counts them.
NAMED = 4
ENDPOINTS = {Kind.ICB: "picture.ics", Kind.HIN: "picture.hin", Kind.REGION: "picture.region"}
WITHOUT_THEME = "In no theme yet"
REGISTER_TAGS = {
    Register.FITS: Tag("Has a good match", "green"),
    Register.NOTHING: Tag("Nothing fits yet", "orange"),
    Register.NOT_LOOKED: Tag("Not yet looked at", "grey"),
}
WORDS_ONLY = (
    "For some needs the register was searched by words only, because our matching model was not available. "
    "They are looked at again."
)
ONE_ICS = (
    "Each trust counts in one ICS: the one in whose area most of its places lie in our source. Some serve more than "
    "one ICS, ambulance trusts among them."
)
PATCH = "What a HIN covers is entered by administrators, with a source for each entry."


def short_name(name: str) -> str:
    """Return the name of an ICS without the words that all of them have."""
    return name.removeprefix("NHS ").removesuffix(" Integrated Care Board")


def system_name(one: Member | Organisation) -> str:
    """Return how a place is called whose needs are rolled up."""
    if one.kind is Kind.ICB:
        return f"{short_name(one.name)} integrated care system"
    return one.name


def address(kind: Kind, code: str, endpoint: str = "", **values: str) -> str:
    """Return the address of a place's demand."""
    return url_for(f"{ENDPOINTS[kind]}{endpoint}", code=code, **{k: v for k, v in values.items() if v})  # type: ignore[arg-type] # values for the query


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, and where to see what was counted."""

    number: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a form: its name in the address, its label and its values."""

    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class PartLine:
    """One organisation, or one ICS of a region, with its sums."""

    link: Link
    note: str
    needs: int
    shared: int
    alone: int
    fits: int
    nothing: int
    not_looked: int
    own: bool = False


@dataclass(frozen=True, slots=True)
class NeedLine:
    """A need of an entry."""

    title: Link
    by: Link
    place: str
    facts: str
    tag: Tag
    matches: Link | None
    co_signed: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """Needs that say the same, or one need."""

    heading: str
    family: Link | None
    words: str
    needs: tuple[NeedLine, ...]


@dataclass(frozen=True, kw_only=True)
class PlacePage(Page):
    """What a part of the NHS needs: its figures, each of its organisations, and its needs, shared ones first."""

    template = "picture/place.html"

    kind: str
    lede: str
    up: tuple[Link, ...]
    figures: tuple[Figure, ...]
    parts_caption: str
    parts_heading: str
    parts: tuple[PartLine, ...]
    sum: PartLine
    filters: tuple[Filter, ...]
    filtered: bool
    counted: str
    shared: tuple[EntryLine, ...]
    alone: tuple[EntryLine, ...]
    foreign: tuple[EntryLine, ...]
    inside: str
    paging: Paging
    notes: tuple[str, ...]
    here: str
    csv: str


INSIDE = {Kind.ICB: "in this system", Kind.HIN: "in this patch", Kind.REGION: "in this region"}


def place_page(seen: Seen, asked: Asked, page: str) -> PlacePage:
    """Return the page of a place as somebody asked for it."""
    own, kind = seen.place.organisation, seen.place.organisation.kind
    everything = rules.tally(seen.found)
    wanted = rules.chosen(seen.found, asked)
    values = {
        "theme": asked.theme,
        "area": asked.area,
        "held": asked.held or "",
        "register": asked.register or "",
    }
    paging = Paging.build(ENDPOINTS[kind], {"code": own.code, **values}, page, len(wanted))
    shown = [(entry, _entry_line(entry, seen)) for entry in wanted[paging.offset : paging.offset + PER_PAGE]]
    found = rules.tally(wanted)
    name = {Kind.HIN: f"the patch of {own.name}", Kind.REGION: f"the {own.name} region"}.get(
        kind, system_name(own)
    )
    by = "integrated care system" if kind is Kind.REGION else "organisation"
    return PlacePage(
        title=f"What {name} needs",
        kind=own.kind.label,
        lede=_lede(kind, seen),
        up=_up(seen),
        figures=_figures(kind, own.code, everything),
        parts_caption=f"Needs {INSIDE[kind]}, by {by}",
        parts_heading="Integrated care system" if kind is Kind.REGION else "Organisation",
        parts=tuple(_system_lines(seen) if kind is Kind.REGION else _organisation_lines(seen)),
        sum=_part(Link("All", ""), everything),
        filters=_filters(seen, asked),
        filtered=asked.any,
        counted=count(found.needs, "need")
        + (f" of {everything.needs:,}" if asked.any else "")
        + f" {INSIDE[kind]}: {found.shared:,} shared, {found.alone:,} alone",
        shared=tuple(line for entry, line in shown if entry.held is Held.SHARED),
        alone=tuple(line for entry, line in shown if entry.held is Held.ALONE),
        foreign=tuple(_entry_line(entry, seen) for entry in seen.foreign),
        inside=INSIDE[kind],
        paging=paging,
        notes=tuple(_notes(seen)),
        here=address(kind, own.code),
        csv=address(kind, own.code, "_table", **values),
    )


def _lede(kind: Kind, seen: Seen) -> str:
    inside = [one for one in seen.place.members if one.stands]
    boards, trusts = (sum(one.kind is wanted for one in inside) for wanted in (Kind.ICB, Kind.TRUST))
    if kind is Kind.ICB:
        return f"The needs of the integrated care board and of {count(trusts, 'trust')}, side by side."
    systems = count(boards, "integrated care system")
    if kind is Kind.HIN:
        return f"The needs of the network itself, of {systems} and of {count(trusts, 'trust')}."
    return f"The needs of {systems} with {count(trusts, 'trust')}."


def _up(seen: Seen) -> tuple[Link, ...]:
    own = seen.place.organisation
    links = []
    if own.kind is not Kind.REGION:
        links.append(
            Link(f"{own.name}: its own top three", url_for("needs.organisation", organisation_code=own.code))
        )
    links += [
        Link(f"Now part of {short_name(name)}", address(own.kind, code)) for code, name in seen.place.heirs
    ]
    regions = {one.region for one in seen.place.members if one.region}
    if own.kind is not Kind.REGION:
        links += [
            Link(f"{name} region", address(Kind.REGION, code))
            for code, name in seen.regions.items()
            if code in regions
        ]
    return (*links, Link("Demand on a map of England", url_for("picture.map_page")))


def _figures(kind: Kind, code: str, sums: Tally) -> tuple[Figure, ...]:
    def at(**values: str) -> str:
        return address(kind, code, **values) + "#needs"

    figures = [
        Figure(f"{sums.needs:,}", "open need" if sums.needs == 1 else "open needs", at()),
        Figure(f"{sums.shared:,}", "shared here", at(held=Held.SHARED)),
        Figure(f"{sums.alone:,}", "alone here", at(held=Held.ALONE)),
        Figure(f"{sums.nothing:,}", "with nothing that fits yet", at(register=Register.NOTHING)),
    ]
    if sums.not_looked:
        figures.append(Figure(f"{sums.not_looked:,}", "not yet looked at", at(register=Register.NOT_LOOKED)))
    return tuple(figures)


def _part(link: Link, sums: Tally, note: str = "", *, own: bool = False) -> PartLine:
    return PartLine(
        link, note, sums.needs, sums.shared, sums.alone, sums.fits, sums.nothing, sums.not_looked, own
    )


def _system_lines(seen: Seen) -> list[PartLine]:
    """Return the lines of a region's table: its systems; they add up to its sums."""
    named = {one.code: one for one in seen.named.values()}
    ics_of = {one.id: one.ics for one in seen.place.members}
    sums = rules.tallies(seen.found, lambda fact: ics_of[fact.organisation_id])
    # A trust can lie under a board of another region; a board without needs is shown while it stands.
    codes = {one.code for one in seen.place.members if one.kind is Kind.ICB and one.stands} | set(sums)
    boards = sorted((named[code] for code in codes if code), key=lambda one: (one.name, one.code))
    lines = [
        _part(
            Link(system_name(one), address(Kind.ICB, one.code)),
            sums.get(one.code, Tally()),
            _closed_words(one),
        )
        for one in boards
    ]
    if "" in sums:
        lines.append(_part(Link("Organisations whose ICS is not known", ""), sums[""]))
    return lines


def _organisation_lines(seen: Seen) -> list[PartLine]:
    """Return the lines of the table of a system or patch: its organisations; they add up to its sums."""
    own = seen.place.organisation
    by_owner = rules.tallies(seen.found, lambda fact: fact.organisation_id)
    elsewhere = set(seen.place.elsewhere)
    boards = {one.code: one.name for one in seen.place.members if one.kind is Kind.ICB}
    members = sorted(
        seen.place.members,
        # Each board with its trusts after it; what stands under no board of the place comes last.
        key=lambda one: (
            one.id != own.id,
            one.ics not in boards,
            boards.get(one.ics, ""),
            one.kind is Kind.TRUST,
        ),
    )
    return [
        _part(
            Link(one.name, url_for("needs.organisation", organisation_code=one.code)),
            by_owner.get(one.id, Tally()),
            _note(one, own, one.code in elsewhere),
            own=one.id == own.id,
        )
        for one in members
        if one.stands or one.id in by_owner
    ]


def _closed_words(one: Member) -> str:
    return "Closed" if one.closed else ""


def _note(one: Member, own: Organisation, elsewhere: bool) -> str:
    words = [_closed_words(one)]
    if elsewhere:
        words.append("In the patch of another network too")
    if own.kind is Kind.HIN and one.kind is Kind.TRUST and not one.ics:
        words.append("Its ICS is not known")
    return ". ".join(word for word in words if word)


def _filters(seen: Seen, asked: Asked) -> tuple[Filter, ...]:
    facts = [fact for entry in seen.found for fact in entry.facts]
    areas, themes = {fact.area for fact in facts}, {fact.theme for fact in facts}
    named = [(key, name) for key, name in seen.themes.items() if key in themes]
    if "" in themes and named:
        named.append((NO_THEME, WITHOUT_THEME))
    offered = [
        ("theme", "Theme", named, asked.theme),
        (
            "area",
            "Clinical area",
            [(value, label) for value, label in ClinicalArea.choices() if value in areas],
            asked.area,
        ),
        (
            "held",
            "Shared or alone",
            [(Held.SHARED.value, "Shared here"), (Held.ALONE.value, "Alone here")],
            asked.held,
        ),
        ("register", "On the register", [(one.value, one.label) for one in Register], asked.register),
    ]
    return tuple(
        Filter(
            name,
            label,
            (
                Choice("", "All", not wanted),
                *(Choice(value, text, value == wanted) for value, text in choices),
            ),
        )
        for name, label, choices, wanted in offered
        if choices
    )


def _entry_line(entry: Entry, seen: Seen) -> EntryLine:
    names = [seen.named[holder].name for holder in sorted(entry.holders) if holder in seen.named]
    shared = entry.held is Held.SHARED
    several = len(entry.facts) > 1
    family = seen.families.get(entry.family)
    same = f"{count(len(entry.facts), 'need')} that say the same"
    words = [f"Shared by {_names(names)}"] if shared else []
    owners = {fact.organisation_id for fact in entry.facts}
    others = family.organisations - len(owners) if family is not None else 0
    if others > 0:
        words.append(
            f"{count(others, 'organisation')} elsewhere {'needs' if others == 1 else 'need'} this too"
        )
    return EntryLine(
        heading=((family.name if family is not None else "") or same) if several else "",
        family=_family_link(entry) if others > 0 or several else None,
        words=". ".join(words),
        needs=tuple(_need_line(fact, seen) for fact in entry.facts),
    )


def _family_link(entry: Entry) -> Link | None:
    if not entry.family or "families.family" not in current_app.view_functions:
        return None
    return Link("Everybody who needs this", url_for("families.family", ref=entry.family))


def _names(names: Sequence[str]) -> str:
    names = sorted(names)
    if len(names) <= NAMED + 1:
        return listed(names)
    return f"{count(len(names), 'organisation')}: {', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _need_line(fact: Fact, seen: Seen) -> NeedLine:
    owner = seen.named[fact.organisation_id]
    signers = [seen.named[one].name for one in fact.co_signers if one in seen.named]
    areas = dict(ClinicalArea.choices())
    return NeedLine(
        title=Link(fact.title, url_for("needs.need", ref=fact.ref)),
        by=Link(owner.name, url_for("needs.organisation", organisation_code=owner.code)),
        place=("First priority", "Second priority", "Third priority")[fact.rank - 1],
        facts=" · ".join(
            part for part in (seen.themes.get(fact.theme, ""), areas.get(fact.area, "")) if part
        ),
        tag=REGISTER_TAGS[fact.register],
        matches=_matches(fact) if fact.organisation_id in seen.readable else None,
        co_signed=f"Co-signed by {_names(signers)}" if signers else "",
    )


def _matches(fact: Fact) -> Link | None:
    """Return the way to a need's matches, for those who may go it; how many fit is theirs alone to know."""
    if fact.fits is None:
        return None
    if fact.fits == 0:
        words = "See what comes closest"
    else:
        more = "or more " if fact.fits >= COUNTED else ""
        words = (
            f"{fact.fits} {more}{'technology fits' if fact.fits == 1 and not more else 'technologies fit'}"
        )
    return Link(words, url_for("matches.for_need", ref=fact.ref))


def _notes(seen: Seen) -> list[str]:
    own = seen.place.organisation
    notes = []
    if own.kind is Kind.HIN:
        notes.append(PATCH)
        if seen.place.unconfirmed:
            entries = count(seen.place.unconfirmed, "entry of this patch is", "entries of this patch are")
            notes.append(f"{entries} not confirmed yet.")
        if seen.place.elsewhere:
            notes.append(
                f"{count(len(seen.place.elsewhere), 'organisation is', 'organisations are')} in the patch of "
                "another network too, and counted in both."
            )
    else:
        notes.append(ONE_ICS)
    if own.kind is Kind.REGION:
        lost = [one.name for one in seen.place.members if one.kind is Kind.TRUST and not one.ics]
        if lost:
            notes.append(f"The ICS of {_names(lost)} is not known.")
    if own.closed_on is not None:
        closed = own.closed_on <= clock.today()
        notes.append(f"{own.name} {'closed' if closed else 'closes'} on {day(own.closed_on)}.")
    if any(fact.words_only for entry in seen.found for fact in entry.facts):
        notes.append(WORDS_ONLY)
    return notes


# The same as a table for a file


COLUMNS = (
    "need", "title", "address", "organisation_code", "organisation", "kind", "ics_code", "region_code", "place",
    "theme", "clinical_area", "shared_or_alone", "organisations_here", "family", "co_signed_by", "register",
)  # fmt: skip


def rows(seen: Seen, asked: Asked) -> list[list[object]]:
    """Return a place's needs as rows of `COLUMNS`, in the order of the page."""
    made: list[list[object]] = []
    for entry in rules.chosen(seen.found, asked):
        for fact in entry.facts:
            owner = seen.named[fact.organisation_id]
            signers = sorted(seen.named[one].code for one in fact.co_signers if one in seen.named)
            made.append(
                [
                    fact.ref,
                    fact.title,
                    url_for("needs.need", ref=fact.ref, _external=True),
                    owner.code,
                    owner.name,
                    owner.kind.value,
                    owner.ics,
                    owner.region,
                    fact.rank,
                    seen.themes.get(fact.theme, ""),
                    fact.area,
                    entry.held.value,
                    len(entry.holders),
                    entry.family,
                    " ".join(signers),
                    fact.register.value,
                ]
            )
    return made
