"""The pages of patches and of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import HinPatch, Kind, Organisation, OrganisationImport
from marketplace.organisations.queries import PatchCount
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import count, day, moment


def wider_links(organisation: Organisation) -> tuple[Link, ...]:
    """Return the ways to the demand around an organisation: its system or patch, and its region."""
    links = []
    system = organisation if organisation.kind is Kind.ICB else organisation.parent
    if system is not None and system.kind is Kind.ICB:
        links.append(
            Link(
                f"What {_place(system)} needs: its integrated care board and trusts together",
                url_for("picture.ics", code=system.code),
            )
        )
    if organisation.kind is Kind.HIN:
        links.append(
            Link(
                f"What the patch of {organisation.name} needs", url_for("picture.hin", code=organisation.code)
            )
        )
    region = organisation.region or (system.region if system is not None else None)
    if region is not None and region.kind is Kind.REGION:
        links.append(
            Link(f"What the {region.name} region needs", url_for("picture.region", code=region.code))
        )
    return tuple(links)


def _place(system: Organisation) -> str:
    """Return where an integrated care system is, which is what its board's name says between two fixed parts."""
    return system.name.removeprefix("NHS ").removesuffix(" Integrated Care Board")


@dataclass(frozen=True, slots=True)
class HinLine:
    """A HIN with its patch in words."""

    name: str
    href: str
    words: str


@dataclass(frozen=True, kw_only=True)
class PatchesPage(Page):
    """The HINs whose patches the person may see."""

    template = "organisations/patches.html"

    title: str = "Which organisations each HIN covers"
    hins: tuple[HinLine, ...]

    @classmethod
    def build(cls, counts: Sequence[PatchCount]) -> PatchesPage:
        """Return the page."""
        return cls(
            hins=tuple(
                HinLine(
                    row.hin.name,
                    url_for("organisations.patch", hin_code=row.hin.code),
                    f"{count(row.rows, 'entry', 'entries')}, {row.confirmed} confirmed"
                    if row.rows
                    else "Nothing entered yet",
                )
                for row in counts
            )
        )


CONFIRMED, UNCONFIRMED = Tag("Confirmed", "green"), Tag("Unconfirmed", "yellow")


@dataclass(frozen=True, slots=True)
class PatchLine:
    """One row of a patch in words."""

    name: str
    kind: str
    source: str
    tag: Tag
    href: str


@dataclass(frozen=True, kw_only=True)
class PatchPage(Page):
    """What one HIN covers, and for those who keep it the form to add to it."""

    template = "organisations/patch.html"

    hin: str
    rows: tuple[PatchLine, ...]
    summary: str
    unconfirmed: int
    may_edit: bool

    @classmethod
    def build(
        cls, hin: Organisation, rows: Sequence[HinPatch], trusts: Mapping[int, int], *, may_edit: bool
    ) -> PatchPage:
        """Return the page; ``trusts`` is how many trusts lie under each ICB."""
        lines = tuple(
            PatchLine(
                row.organisation.name,
                f"{row.organisation.kind.label} with {count(trusts.get(row.organisation_id, 0), 'trust')}"
                if row.organisation.kind is Kind.ICB
                else row.organisation.kind.label,
                f"{row.source}, {day(row.source_date)}",
                CONFIRMED if row.confirmed else UNCONFIRMED,
                url_for(
                    "organisations.patch_row", hin_code=hin.code, organisation_code=row.organisation.code
                ),
            )
            for row in rows
        )
        boards = sum(row.organisation.kind is Kind.ICB for row in rows)
        within = sum(trusts.values()) + len(rows) - boards
        return cls(
            title=f"What {hin.name} covers",
            hin=hin.name,
            rows=lines,
            summary=f"{count(boards, 'integrated care system')} and {count(within, 'trust')}.",
            unconfirmed=sum(not row.confirmed for row in rows),
            may_edit=may_edit,
        )


@dataclass(frozen=True, kw_only=True)
class PatchRowPage(Page):
    """One row of a patch: its source, or to take it out."""

    template = "organisations/patch_row.html"

    hin: str
    organisation: str
    back: str
    remove: str

    @classmethod
    def build(cls, hin: Organisation, row: HinPatch) -> PatchRowPage:
        """Return the page."""
        return cls(
            title=f"{row.organisation.name} in the patch of {hin.name}",
            hin=hin.name,
            organisation=row.organisation.name,
            back=url_for("organisations.patch", hin_code=hin.code),
            remove=url_for(
                "organisations.remove", hin_code=hin.code, organisation_code=row.organisation.code
            ),
        )


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    """One organisation of the registry in words."""

    name: str
    code: str
    kind: str
    place: str
    source: str
    people: str
    tag: Tag | None


@dataclass(frozen=True, slots=True)
class KindChoice:
    """A kind to filter by."""

    value: str
    text: str
    selected: bool


@dataclass(frozen=True, kw_only=True)
class RegistryPage(Page):
    """The registry of organisations, for administrators."""

    template = "organisations/registry.html"
    partial = "organisations/_registry.html"

    title: str = "All organisations"
    text: str
    kinds: tuple[KindChoice, ...]
    organisations: tuple[OrganisationLine, ...]
    found: str
    more: bool
    imported: str

    @classmethod
    def build(
        cls,
        rows: Sequence[Organisation],
        *,
        limit: int,
        text: str,
        kind: Kind | None,
        last: OrganisationImport | None,
    ) -> RegistryPage:
        """Return the page; ``rows`` holds one more than the limit where there are more."""
        shown, more = rows[:limit], len(rows) > limit
        return cls(
            text=text,
            kinds=(
                KindChoice("", "Every kind", kind is None),
                *(KindChoice(each.value, each.label, each is kind) for each in Kind),
            ),
            organisations=tuple(_line(row) for row in shown),
            found=f"The first {limit} of more. Narrow your search."
            if more
            else count(len(shown), "organisation"),
            more=more,
            imported=f"Last import: {last.filename} on {moment(last.imported_at)}, {count(last.rows, 'row')}: "
            f"{last.opened} new, {last.changed} changed, {last.closed} closed."
            if last
            else "Nothing has been imported yet: these are the organisations that the registry started with.",
        )


def _line(row: Organisation) -> OrganisationLine:
    places = [place.name for place in (row.parent, row.region) if place is not None]
    return OrganisationLine(
        name=row.name,
        code=row.code,
        kind=row.kind.label,
        place=", ".join(places),
        source=f"{row.source}, {day(row.source_date)}" if row.source_date else row.source,
        people=url_for("accounts.members", organisation_code=row.code) if row.kind is not Kind.REGION else "",
        tag=Tag(f"Closed {day(row.closed_on)}", "grey") if row.closed_on else None,
    )
