"""Who fits whom, for people: the matcher's proposals, read again from the database and put into words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flask import url_for
from werkzeug.datastructures import MultiDict

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Permission, Role
from marketplace.database import db
from marketplace.errors import NotPermitted
from marketplace.matches import finder, pages
from marketplace.matches.rules import SHOWN, SPARE, Order
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.organisations import queries as organisations
from marketplace.technologies import queries as technologies
from marketplace.technologies.models import Technology
from marketplace.technologies.rules import PassportBadge
from marketplace.vocabulary import CareSetting, Readiness
from marketplace.web.pages import Link
from marketplace.web.search import uncounted
from marketplace.web.words import UNKNOWN_FILTER, count
from matching.types import Kind, Match, Results

#: Longest text that is searched for, in characters; the rest is cut, and the page says so.
TEXT_LIMIT = 500
NEED_ORDERS = (Order.FIT, Order.PASSPORT, Order.EVIDENCE, Order.READINESS)
TECHNOLOGY_ORDERS = (Order.FIT, Order.EVIDENCE)
WITH_FILTERS = " with these filters"


@dataclass(frozen=True, slots=True)
class Chosen:
    """How a person wants a list of candidates."""

    order: Order = Order.FIT
    setting: CareSetting | None = None
    passport_only: bool = False
    unknown: bool = False

    @property
    def narrows(self) -> bool:
        """Tell whether anything is left out of the list."""
        return self.setting is not None or self.passport_only


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate with what it was made of, so that lists can be put in another order."""

    candidate: pages.Candidate
    match: Match
    badge: PassportBadge | None = None
    readiness: Readiness | None = None


@dataclass(frozen=True, slots=True)
class Best:
    """The few best candidates of several askers, by reference; ``degraded`` where any was matched by words alone."""

    of: Mapping[str, Sequence[pages.Candidate]]
    degraded: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what people are told about how these were found."""
        return (pages.WORDS_ONLY,) if self.degraded else ()


def chosen(args: MultiDict[str, str]) -> Chosen:
    """Read an address's choices; what is not known counts as not chosen."""
    order, setting, passport = args.get("order", ""), args.get("setting", ""), args.get("passport", "")
    orders, settings = {"", *Order}, {"", *CareSetting}
    return Chosen(
        order=Order(order) if order in set(Order) else Order.FIT,
        setting=CareSetting(setting) if setting in set(CareSetting) else None,
        passport_only=passport == "yes",
        unknown=order not in orders or setting not in settings or passport not in {"", "yes"},
    )


def for_need(actor: Actor, ref: str, wanted: Chosen, here: str) -> pages.CandidatesPage:
    """Return the technologies ranked for a published need.

    Raises:
        NotVisible: there is no such published need.
        NotPermitted: the actor neither leads needs of its organisation nor brokers a patch that holds it.
    """
    need = needs.published_by_ref(actor, ref)
    brokers = ensure_may_read(actor, need)
    among = None
    if wanted.setting or wanted.passport_only:
        filters = technologies.Filters(
            setting=wanted.setting,
            passport=technologies.PassportFilter.YES if wanted.passport_only else None,
        )
        among = technologies.listed_refs(actor, filters)
    results = finder.match(Kind.NEED, ref, SHOWN + SPARE, among)
    found = _technologies(actor, need, results, brokers=brokers)
    page = _page(found, results, wanted, "technology", "technologies")
    version = need.current
    return pages.CandidatesPage(
        title="Technologies for this need",
        lede=version.title if version else "",
        back=Link("Back to the need", url_for("needs.need", ref=ref)),
        here=here,
        nothing=""
        if page.fitting or page.pending
        else f"Nothing on the register fits this need well{WITH_FILTERS if wanted.narrows else ''}",
        next_words="Look at everything that fits:"
        if wanted.narrows
        else "Each technology that is listed from now on is compared with it.",
        next=Link("Clear the filters", here)
        if wanted.narrows
        else Link("Look at all technologies", url_for("technologies.register")),
        orders=pages.orders(wanted.order, NEED_ORDERS),
        settings=pages.settings(wanted.setting),
        passport_only=wanted.passport_only,
        how=url_for("matches.how_for_need", ref=ref),
        filtered=wanted not in {Chosen(), Chosen(unknown=True)},
        fitting=page.fitting,
        others=page.others,
        status=page.status,
        notes=page.notes,
        pending=page.pending,
    )


def for_technology(actor: Actor, ref: str, wanted: Chosen, here: str) -> pages.CandidatesPage:
    """Return the open needs ranked for a listed technology.

    Raises:
        NotVisible: there is no such listed technology.
        NotPermitted: the actor is neither of its supplier nor a broker.
    """
    technology = technologies.public_by_ref(actor, ref)
    own = actor.may(Permission.TECHNOLOGY_WRITE, technology.supplier_id)
    if not own and not actor.has(Role.BROKER):
        raise NotPermitted
    among = needs.published_refs(actor, care_setting=wanted.setting) if wanted.setting else None
    results = finder.match(Kind.TECHNOLOGY, ref, SHOWN + SPARE, among)
    found = _needs(actor, technology, results)
    page = _page(found, results, wanted, "need", "needs")
    version = technology.current
    return pages.CandidatesPage(
        title="Needs for this technology",
        lede=version.name if version else "",
        back=Link("Back to the technology", url_for("technologies.technology", ref=ref)),
        here=here,
        nothing=""
        if page.fitting or page.pending
        else f"No open need fits this technology well{WITH_FILTERS if wanted.narrows else ''}",
        next_words="Look at everything that fits:"
        if wanted.narrows
        else "Each need that is published from now on is compared with it.",
        next=Link("Clear the filters", here)
        if wanted.narrows
        else Link("Look at all needs", url_for("demand.find")),
        held=Link(
            "Part of your listing does not count towards matching. See what, and why",
            url_for("technologies.tasks", ref=ref),
        )
        if own and uncounted(ref)
        else None,
        orders=pages.orders(wanted.order, TECHNOLOGY_ORDERS),
        settings=pages.settings(wanted.setting),
        passport_only=None,
        filtered=wanted not in {Chosen(), Chosen(unknown=True)},
        fitting=page.fitting,
        others=page.others,
        status=page.status,
        notes=page.notes,
        pending=page.pending,
    )


def ensure_may_read(actor: Actor, need: Need) -> bool:
    """Raise unless the actor may see a published need's matches; tell whether as the broker of its patch."""
    if not needs.may_read_matches(actor, need):
        raise NotPermitted
    return need.organisation_id in organisations.patch_of(
        db.session, actor.organisations(Permission.INTRODUCTION_PROPOSE)
    )


def top_for_needs(actor: Actor, refs: Sequence[str], limit: int) -> Best:
    """Return the few technologies that fit each of these published needs, best first; [] where nothing fits well.

    For lists: as many database queries for fifty needs as for one.
    """
    wanted = {need.ref: need for need in needs.published_by_refs(actor, refs)}
    found = finder.match_many(Kind.NEED, list(wanted), limit)
    matches = {ref: _accepted(results, limit) for ref, results in found.items()}
    listed = _by_ref(technologies.listed_by_refs(actor, _ids(matches.values())))
    badges = technologies.passport_badges([technology.id for technology in listed.values()])
    today = clock.today()
    best = {
        ref: [
            pages.technology_candidate(
                listed[match.id], match, need, badges.get(listed[match.id].id), None, today
            )
            for match in matches.get(ref, [])
            if match.id in listed
        ]
        for ref, need in wanted.items()
    }
    return _best(best, found)


def top_for_technologies(actor: Actor, refs: Sequence[str], limit: int) -> Best:
    """Return the few open needs that fit each of these listed technologies, best first."""
    wanted = {technology.ref: technology for technology in technologies.listed_by_refs(actor, refs)}
    found = finder.match_many(Kind.TECHNOLOGY, list(wanted), limit)
    matches = {ref: _accepted(results, limit) for ref, results in found.items()}
    published = {need.ref: need for need in needs.published_by_refs(actor, _ids(matches.values()))}
    today = clock.today()
    best = {
        ref: [
            pages.need_candidate(published[match.id], match, technology, today)
            for match in matches.get(ref, [])
            if match.id in published
        ]
        for ref, technology in wanted.items()
    }
    return _best(best, found)


def _best(of: Mapping[str, Sequence[pages.Candidate]], found: Mapping[str, Results]) -> Best:
    return Best(of, degraded=any(results.degraded for results in found.values()))


def compare(actor: Actor, need: Need, refs: Sequence[str]) -> Best:
    """Return these technologies as candidates for a need, in the order given, whether they fit well or not."""
    results = finder.match(Kind.NEED, need.ref, len(refs), among=list(refs))
    found = {proposal.candidate.ref: proposal.candidate for proposal in _technologies(actor, need, results)}
    for ref in [ref for ref in refs if ref not in found]:
        # Folded into one that says nearly the same: here it is asked for by itself.
        alone = finder.match(Kind.NEED, need.ref, 1, among=[ref])
        found |= {one.candidate.ref: one.candidate for one in _technologies(actor, need, alone)}
    ordered = [found[ref] for ref in refs if ref in found]
    return Best({need.ref: ordered}, degraded=results is not None and results.degraded)


def need_quotes(text: str, refs: Sequence[str]) -> Mapping[str, pages.Quote]:
    """Return the sentence of each of these needs that is nearest to what a person typed, where one is near."""
    return {
        ref: pages.Quote(pages.quote_of(reason), pages.source_of(reason))
        for ref, reason in finder.quote(Kind.NEED, text, refs).items()
    }


@dataclass(frozen=True, slots=True)
class _Lists:
    fitting: tuple[pages.Candidate, ...]
    others: tuple[pages.Candidate, ...]
    status: str
    notes: tuple[str, ...]
    pending: bool


def _page(found: Sequence[Proposal], results: Results | None, wanted: Chosen, one: str, many: str) -> _Lists:
    fitting = [proposal for proposal in found if proposal.match.accepted][:SHOWN]
    others = [proposal for proposal in found if not proposal.match.accepted][: min(5, SHOWN)]
    notes = [pages.WORDS_ONLY] if results is not None and results.degraded else []
    if wanted.unknown:
        notes.append(UNKNOWN_FILTER)
    if results is None:
        notes.append(pages.NOT_READ_YET)
    words = (
        f"{count(len(fitting), one, many)} {'fits' if len(fitting) == 1 else 'fit'} well enough to look at"
    )
    return _Lists(
        fitting=tuple(proposal.candidate for proposal in _ordered(fitting, wanted.order)),
        others=tuple(proposal.candidate for proposal in others),
        status="" if results is None else words,
        notes=tuple(notes),
        pending=results is None,
    )


def _ordered(found: Sequence[Proposal], order: Order) -> list[Proposal]:
    """Return candidates in the order that the person chose; the matcher's rank breaks ties."""

    def key(proposal: Proposal) -> tuple[float, int]:
        first: float = 0
        if order is Order.PASSPORT:
            first = 0 if proposal.badge and proposal.badge.in_force else 1
        elif order is Order.EVIDENCE:
            states = [item.state.text.startswith("Held") for item in proposal.candidate.evidence]
            first = -sum(states) / len(states) if states else 0
        elif order is Order.READINESS:
            steps = list(Readiness)
            first = -steps.index(proposal.readiness) if proposal.readiness else 0
        return first, proposal.match.rank

    return sorted(found, key=key)


def _technologies(
    actor: Actor, need: Need, results: Results | None, *, brokers: bool = False
) -> list[Proposal]:
    if results is None:
        return []
    wanted = [ref for match in results.matches for ref in (match.id, *match.also)]
    listed = _by_ref(technologies.listed_by_refs(actor, wanted))
    badges = technologies.passport_badges([technology.id for technology in listed.values()])
    today = clock.today()
    found = []
    for match in results.matches:
        technology = listed.get(match.id)
        if technology is None or technology.current is None:
            continue
        badge = badges.get(technology.id)
        action = None
        if brokers:
            address = url_for("introductions.propose", need_ref=need.ref, technology_ref=technology.ref)
            action = Link("Propose an introduction", address)
        also = [listed[ref] for ref in match.also if ref in listed]
        candidate = pages.technology_candidate(technology, match, need, badge, action, today, also)
        found.append(Proposal(candidate, match, badge, technology.current.readiness))
    return found


def _needs(actor: Actor, technology: Technology, results: Results | None) -> list[Proposal]:
    if results is None:
        return []
    published = {
        need.ref: need for need in needs.published_by_refs(actor, [one.id for one in results.matches])
    }
    today = clock.today()
    return [
        Proposal(pages.need_candidate(published[match.id], match, technology, today), match)
        for match in results.matches
        if match.id in published
    ]


def _accepted(results: Results, limit: int) -> list[Match]:
    return [match for match in results.matches if match.accepted][:limit]


def _by_ref(found: Sequence[Technology]) -> Mapping[str, Technology]:
    return {technology.ref: technology for technology in found}


def _ids(found: Collection[Sequence[Match]]) -> list[str]:
    return list(dict.fromkeys(match.id for matches in found for match in matches))
