"""The broker's morning list: the needs of the patch, what has been proposed for each, and who fits best.

What needs the broker first stands on top, and each line says why it stands where it does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.introductions import pages, queries, rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.queries import PatchNeed
from marketplace.introductions.rules import Group, State
from marketplace.matches import candidates
from marketplace.matches.pages import Candidate, Choice, Evidence, Must
from marketplace.needs import queries as needs
from marketplace.needs.pages.words import PLACE_WORDS
from marketplace.vocabulary import ClinicalArea
from marketplace.web.pages import Link, Page, Row, Tag
from marketplace.web.words import ago, count, day, moment

ON_A_PAGE = 15
SHOWN_FOR_EACH = 3
SHOWN_FOR_ONE = 10
GROUP_COLOURS = {
    Group.NOTHING_PROPOSED: "yellow",
    Group.STOPPED: "orange",
    Group.IN_DIALOGUE: "blue",
    Group.INTRODUCED: "green",
}
ORDER = (
    "What needs you first is on top: answers that run out within 3 working days, then needs with nothing proposed, "
    "then needs whose proposals all stopped, then those that wait for answers, then those introduced. "
    "Within each, what has waited longest comes first."
)
#: All that a broker reads of another HIN's introduction: whether it is open, made or stopped is that HIN's secret.
ELSEWHERE = "Proposed by another HIN"
NOTHING_FITS = "Nothing on the register fits this need well."


@dataclass(frozen=True, slots=True)
class Offer:
    """A technology that fits, with what may be done or has been done about it."""

    ref: str
    link: Link
    by: str
    tags: tuple[Tag, ...]
    answered: str
    facts: str
    propose: Link | None
    proposed: Link | None
    elsewhere: str


@dataclass(frozen=True, slots=True)
class TriageItem:
    """A need of the patch."""

    link: Link
    by: str
    tags: tuple[Tag, ...]
    why: str
    offers: tuple[Offer, ...]
    all_matches: Link


@dataclass(frozen=True, kw_only=True)
class PatchPage(Page):
    """The needs of the patch in the order in which they need the broker."""

    template = "introductions/patch.html"
    partial = "introductions/_patch.html"

    title: str = "My patch"
    order: str = ORDER
    status: str
    items: tuple[TriageItem, ...]
    notes: tuple[str, ...]
    empty: tuple[str, ...]
    organisations: tuple[Choice, ...]
    areas: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    narrowed: bool
    previous: Link | None
    following: Link | None


@dataclass(frozen=True, kw_only=True)
class PatchNeedPage(Page):
    """One need of the patch with its proposals and the technologies that fit it."""

    template = "introductions/need.html"

    back: Link
    public: Link
    matches: Link | None
    rows: tuple[Row, ...]
    must: tuple[str, ...]
    proposals: tuple[pages.Item, ...]
    elsewhere: str
    offers: tuple[Offer, ...]
    nothing: str
    notes: tuple[str, ...]
    compare: str
    chosen: frozenset[str]
    mistake: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One column of the comparison."""

    offer: Offer
    fit: Tag
    musts: tuple[Must, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class ComparePage(Page):
    """Two to four technologies beside each other, must-have by must-have."""

    template = "introductions/compare.html"

    title: str = "Compare technologies"
    back: Link
    need: str
    columns: tuple[Compared, ...]
    must: tuple[str, ...]
    evidence: tuple[str, ...]
    notes: tuple[str, ...]
    gone: str


@dataclass(frozen=True, slots=True)
class Proposals:
    """What has been proposed for a need, as one broker may know it.

    ``elsewhere`` holds the technologies that other HINs ever proposed, as name by reference. A technology stands
    there once, however often it was proposed and whatever came of it.
    """

    shown: tuple[tuple[Introduction, State], ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A need of the patch with what has been proposed for it, so that it can be sorted and filtered."""

    need: PatchNeed
    proposals: Proposals
    now: datetime

    @property
    def shown(self) -> tuple[tuple[Introduction, State], ...]:
        """Return what the broker's own HIN proposed: the place in the list hangs on that alone."""
        return self.proposals.shown

    @property
    def group(self) -> Group:
        """Return how far the need has come."""
        return rules.group([state for _, state in self.shown])

    @property
    def due(self) -> datetime | None:
        """Return when the first of the open proposals runs out."""
        return min((one.decide_by for one, state in self.shown if state.waiting), default=None)

    @property
    def key(self) -> tuple[int, datetime, int]:
        """Return what the list is sorted by."""
        since = self.due if self.group is Group.IN_DIALOGUE and self.due else self.need.published_at
        return rules.urgency(self.group, self.due, self.now), since, self.need.id

    @property
    def why(self) -> str:
        """Return in a sentence why the need stands where it does."""
        stopped = sum(state is State.STOPPED for _, state in self.shown)
        if self.group is Group.NOTHING_PROPOSED:
            published = f"Published {ago(self.need.published_at, clock.today())}."
            if self.proposals.elsewhere:
                return f"Your HIN has proposed nothing, another HIN has. {published}"
            return f"Nothing has been proposed. {published}"
        if self.group is Group.STOPPED:
            return f"{count(stopped, 'proposal')} stopped, none is open. Published {day(self.need.published_at)}."
        if self.group is Group.IN_DIALOGUE and self.due:
            waiting = sum(state.waiting for _, state in self.shown)
            left = pages.time_left(self.due, self.now)
            first = "It runs out" if waiting == 1 else "The first runs out"
            waits = count(waiting, "proposal waits", "proposals wait")
            return f"{waits} for answers. {first} on {moment(self.due)}, {left}."
        made = sum(state is State.INTRODUCED for _, state in self.shown)
        return f"{count(made, 'technology', 'technologies')} introduced. Ask how the first meeting went."


def standings(actor: Actor) -> list[Standing]:
    """Return every need of the broker's patch, the most urgent first."""
    needs = queries.patch_needs(db.session, actor)
    now = clock.now()
    proposals = proposals_by_need(actor, [need.id for need in needs], now)
    return sorted((Standing(need, proposals[need.id], now) for need in needs), key=lambda one: one.key)


def proposals_by_need(actor: Actor, need_ids: Sequence[int], now: datetime) -> Mapping[int, Proposals]:
    """Return what has been proposed for each need, as far as this broker may know it."""
    shown: dict[int, list[tuple[Introduction, State]]] = defaultdict(list)
    elsewhere: dict[int, dict[str, str]] = defaultdict(dict)
    for introduction in queries.of_needs(db.session, need_ids):
        view = queries.viewpoint(actor, introduction)
        if view.sides or view.broker:
            state = rules.state_shown(view.sides, introduction.course, now)
            shown[introduction.need_id].append((introduction, state))
        else:
            elsewhere[introduction.need_id][introduction.technology.ref] = pages.technology_name(introduction)
    return {need_id: Proposals(tuple(shown[need_id]), elsewhere[need_id]) for need_id in need_ids}


def patch(actor: Actor, args: MultiDict[str, str]) -> PatchPage:
    """Return a page of the triage list, filtered as the address asks; what is not known there is not a filter."""
    every = standings(actor)
    organisations = {one.need.organisation_code: one.need.organisation_name for one in every}
    by_name = sorted(organisations.items(), key=lambda pair: (pair[1], pair[0]))
    areas = {one.need.area for one in every if one.need.area}
    organisation, area, group = (args.get(name, "") for name in ("organisation", "area", "state"))
    found = [
        one
        for one in every
        if (organisation not in organisations or one.need.organisation_code == organisation)
        and (area not in areas or one.need.area == area)
        and (group not in set(Group) or one.group == group)
    ]
    pages_in_all = max(1, -(-len(found) // ON_A_PAGE))
    typed = args.get("page", "1")
    number = min(max(int(typed), 1), pages_in_all) if typed.isdecimal() and len(typed) < 6 else 1
    on_page = found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    chosen: dict[str, Any] = {
        name: value
        for name, value in (("organisation", organisation), ("area", area), ("state", group))
        if value
    }

    def turned(words: str, to: int) -> Link | None:
        if not 1 <= to <= pages_in_all:
            return None
        return Link(words, url_for("introductions.patch", page=to, **chosen))

    shown, notes = items(actor, on_page)
    return PatchPage(
        status=_status(found, every, number, pages_in_all),
        items=tuple(shown),
        notes=notes,
        empty=_empty(every),
        organisations=_choices("Any organisation", by_name, organisation),
        areas=_choices("Any area", [(one.value, one.label) for one in ClinicalArea if one in areas], area),
        groups=_choices("Any state", [(one.value, one.label) for one in Group], group),
        narrowed=any(chosen.values()),
        previous=turned("Previous page", number - 1),
        following=turned("Next page", number + 1),
    )


def _status(found: Sequence[Standing], every: Sequence[Standing], number: int, pages_in_all: int) -> str:
    words = f"{count(len(found), 'need')} of {len(every):,} in your patch"
    return f"{words}, page {number} of {pages_in_all}" if pages_in_all > 1 else words


def _empty(every: Sequence[Standing]) -> tuple[str, ...]:
    if every:
        return ("No need of your patch is like that. Take a filter away.",)
    return (
        "When an organisation of your patch publishes a need, it appears here with what fits it best.",
        "If you expect needs here, check that your HIN’s patch lists the organisations that you cover.",
    )


def _choices(anything: str, offered: Iterable[tuple[str, str]], chosen: str) -> tuple[Choice, ...]:
    listed = list(offered)
    known = {value for value, _ in listed}
    return (
        Choice("", anything, chosen not in known),
        *(Choice(value, text, value == chosen) for value, text in listed),
    )


def items(actor: Actor, found: Sequence[Standing]) -> tuple[list[TriageItem], tuple[str, ...]]:
    """Return needs of the patch as lines with their best candidates, and what to tell about how these were found.

    As many queries for fifty needs as for one.
    """
    best = candidates.top_for_needs(actor, [one.need.ref for one in found], SHOWN_FOR_EACH)
    return [_item(one, best.of.get(one.need.ref, [])) for one in found], best.notes


def _item(one: Standing, best: Sequence[Candidate]) -> TriageItem:
    need = one.need
    tags = [Tag(one.group.label, GROUP_COLOURS[one.group]), Tag(PLACE_WORDS[need.rank - 1], "white")]
    if need.area:
        tags.append(Tag(need.area.label, "white"))
    return TriageItem(
        link=Link(need.title, url_for("introductions.patch_need", need_ref=need.ref)),
        by=need.organisation_name,
        tags=tuple(tags),
        why=one.why,
        offers=tuple(offer(need.ref, candidate, one.proposals) for candidate in best),
        all_matches=Link("All matches with reasons", url_for("matches.for_need", ref=need.ref)),
    )


def offer(need_ref: str, candidate: Candidate, proposals: Proposals) -> Offer:
    """Return a candidate with a way to propose it, or to the proposal that stands in the way."""
    standing = next(
        (
            (introduction, state)
            for introduction, state in proposals.shown
            if introduction.technology.ref == candidate.ref and introduction.closed_at is None
        ),
        None,
    )
    propose = proposed = None
    if standing is None:
        address = url_for("introductions.propose", need_ref=need_ref, technology_ref=candidate.ref)
        propose = Link("Propose", address)
    else:
        introduction, state = standing
        proposed = Link(state.label, url_for("introductions.introduction", ref=introduction.ref))
    return Offer(
        ref=candidate.ref,
        link=candidate.link,
        by=candidate.by,
        tags=(candidate.fit, *candidate.tags),
        answered=candidate.answered,
        facts=". ".join(candidate.facts),
        propose=propose,
        proposed=proposed,
        elsewhere=ELSEWHERE if candidate.ref in proposals.elsewhere else "",
    )


def need_page(actor: Actor, ref: str, *, mistake: str = "", chosen: Iterable[str] = ()) -> PatchNeedPage:
    """Return one need of the patch."""
    need = queries.need_of_patch(db.session, actor, ref)
    version = need.current
    now = clock.now()
    proposals = proposals_by_need(actor, [need.id], now)[need.id]
    own = [
        pages.listing_item(introduction, queries.viewpoint(actor, introduction), now)
        for introduction, _ in proposals.shown
    ]
    rows = [Row("Organisation", need.organisation.name)]
    if need.published_at:
        rows.append(Row("Published", day(need.published_at)))
    if version:
        rows += [Row("Problem", version.problem), Row("Wanted outcome", version.outcome)]
    top = candidates.top_for_needs(actor, [ref], SHOWN_FOR_ONE)
    best = top.of.get(ref, [])
    withdrawn = need.withdrawn_at is not None
    lapsed = not withdrawn and needs.has_lapsed(need)
    nothing = "" if best else NOTHING_FITS
    if withdrawn:
        nothing = "This need has been withdrawn, so nobody can be introduced for it."
    gone = withdrawn or lapsed
    if lapsed:
        nothing = rules.NEED_LAPSED
    return PatchNeedPage(
        title=version.title if version else "",
        back=Link("Back to my patch", url_for("introductions.patch")),
        public=Link("The need as everybody sees it", url_for("needs.need", ref=ref)),
        matches=(
            None
            if gone
            else Link("All matches, must-have by must-have", url_for("matches.for_need", ref=ref))
        ),
        rows=tuple(rows),
        must=tuple(version.must) if version else (),
        proposals=tuple(own),
        elsewhere=f"{ELSEWHERE}: {', '.join(sorted(proposals.elsewhere.values()))}."
        if proposals.elsewhere
        else "",
        offers=() if gone else tuple(offer(ref, candidate, proposals) for candidate in best),
        nothing=nothing,
        notes=() if gone else top.notes,
        compare=url_for("introductions.compare", need_ref=ref),
        chosen=frozenset(chosen),
        mistake=mistake,
    )


def check_compared(refs: Sequence[str]) -> list[str]:
    """Return the technologies to compare, each once; raise unless there are two to four."""
    wanted = list(dict.fromkeys(refs))
    if not rules.COMPARE_LEAST <= len(wanted) <= rules.COMPARE_MOST:
        raise DomainError(
            f"Select {rules.COMPARE_LEAST} to {rules.COMPARE_MOST} technologies to compare. "
            f"You selected {len(wanted)}."
        )
    return wanted


def compare(actor: Actor, ref: str, refs: Sequence[str]) -> ComparePage:
    """Return technologies beside each other.

    Raises:
        DomainError: there are fewer than two or more than four.
    """
    need = queries.need_of_patch(db.session, actor, ref)
    wanted = check_compared(refs)
    proposals = proposals_by_need(actor, [need.id], clock.now())[need.id]
    compared = candidates.compare(actor, need, wanted)
    found = compared.of[ref]
    version = need.current
    missing = len(wanted) - len(found)
    return ComparePage(
        back=Link("Back to the need", url_for("introductions.patch_need", need_ref=ref)),
        need=version.title if version else "",
        columns=tuple(
            Compared(offer(ref, candidate, proposals), candidate.fit, candidate.musts, candidate.evidence)
            for candidate in found
        ),
        must=tuple(version.must) if version else (),
        evidence=tuple(line.text for line in found[0].evidence) if found else (),
        notes=compared.notes,
        gone=(
            f"{count(missing, 'technology that you selected is', 'technologies that you selected are')} "
            "no longer listed, and not shown."
            if missing
            else ""
        ),
    )
