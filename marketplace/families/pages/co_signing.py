"""Who shares a need: on its own page, and the pages on which an organisation co-signs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.families import rules
from marketplace.families.models import CoSignature
from marketplace.families.pages.words import STATES, need_link, people_in_sum
from marketplace.families.rules import State
from marketplace.needs.models import Need
from marketplace.needs.pages.words import organisation_link, people_words
from marketplace.needs.rules import NeedContent
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import count, day


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


def sharing_on(
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
