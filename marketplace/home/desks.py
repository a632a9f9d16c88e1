"""The desk of each role, gathered from the rooms: as many queries on a busy day as on a quiet one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from flask import url_for

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.cycles.pages import headline
from marketplace.cycles.queries import answers
from marketplace.database import db
from marketplace.demand import emails as digests
from marketplace.demand import queries as saved_searches
from marketplace.demand.finder import World
from marketplace.demand.keeping import new_tag
from marketplace.families import queries as families
from marketplace.home import changes as changing
from marketplace.home import pages, queries, sign_offs
from marketplace.home.pages import Block, Desk, Line, StartPage, Step
from marketplace.introductions import pages as introduced
from marketplace.introductions import queries as introductions
from marketplace.introductions import rules, triage
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Group, Seen, Side
from marketplace.matches import candidates
from marketplace.matches.pages import FITS, Candidate
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.needs.pages.words import cycle_words, is_open
from marketplace.needs.rounds import Stand, Standing, stand
from marketplace.organisations import queries as organisations
from marketplace.organisations.models import Organisation
from marketplace.organisations.pages import wider_links
from marketplace.outbox.actions import backlog
from marketplace.reviews import queries as reviews
from marketplace.technologies import queries as technologies
from marketplace.technologies.models import Technology
from marketplace.technologies.rules import EvidenceState, evidence_state
from marketplace.web.pages import Link, Tag
from marketplace.web.words import count, day, listed, moment

NEWEST = 5
SHOWN = 5
#: For so many needs or technologies of one's own the best matches are looked up; more would not be read here.
MATCHED = 12
#: For so many saved searches what is new is counted.
SEARCHED = 3
FITS_FOR_EACH = 3


def welcome() -> pages.Welcome:
    """Return the first page of somebody who is not signed in."""
    counts, newest = queries.counts_and_newest(db.session, NEWEST)
    return pages.welcome(counts, newest, f"Counted on {day(clock.today())}")


def start(actor: Actor) -> StartPage:
    """Return a person's start page: a desk for each of their roles."""
    makers = {
        Role.SPONSOR: sign_offs.sponsor_desk,
        Role.BROKER: broker_desk,
        Role.NEED_LEAD: lead_desk,
        Role.INNOVATOR: innovator_desk,
        Role.ASSESSOR: assessor_desk,
        Role.ADMINISTRATOR: administrator_desk,
    }
    desks = tuple(make(actor) for role, make in makers.items() if actor.has(role))
    if (deputy := sign_offs.deputy_desk(actor)) is not None:
        desks = (deputy, *desks)
    nobody = () if desks else pages.BELONGS_NOWHERE
    return StartPage(desks=desks, nobody=nobody)


def heading(actor: Actor, role: Role) -> str:
    """Return the role with the organisations it is held at."""
    return (
        f"{role.label}, {listed([grant.organisation_name for grant in actor.grants if grant.role is role])}"
    )


# The need lead


def lead_desk(actor: Actor) -> Desk:
    """Return what waits for the people who publish needs."""
    ours = needs.writes_for(actor)
    written = [need for need in needs.needs_of(actor, [one.id for one in ours]) if need.withdrawn_at is None]
    returned = [need for need in written if sign_offs.came_back(need)]
    drafts = [
        (need, need.draft)
        for need in written
        if need.published_at is None
        and need.draft is not None
        and need.waiting is None
        and need not in returned
    ]
    rounds = [one.round for one in needs.cycles()]
    stands = {
        need.ref: stand(need.priority.cycle.round, rounds, clock.today())
        for need in written
        if need.priority is not None and need.published_at is not None
    }
    unsaid = [need for need in written if _standing(stands, need) is Standing.TO_CONFIRM]
    free = free_places(actor, ours, written)
    waiting = to_answer(actor, Side.NEED)
    board = [
        need
        for need in written
        if _standing(stands, need) in (Standing.CURRENT, Standing.TO_CONFIRM) and need.current is not None
    ][:MATCHED]
    titles = {need.ref: need.current.title for need in board if need.current is not None}
    best = candidates.top_for_needs(actor, list(titles), FITS_FOR_EACH)
    matched = tuple(
        _match_line(titles[ref], "matches.for_need", ref, found) for ref, found in best.of.items()
    )
    return Desk(
        heading=heading(actor, Role.NEED_LEAD),
        step=_lead_step(waiting, returned, unsaid, [need for need, _ in drafts], free, board),
        blocks=(
            _answers_block(waiting),
            *((_still_true_block(unsaid, stands),) if unsaid else ()),
            sign_offs.lead_block(written),
            Block(
                "Drafts to finish",
                tuple(
                    Line(
                        Link(
                            (need.draft and need.draft.title) or "Need without a title",
                            url_for("needs.tasks", ref=need.ref),
                        ),
                        f"Last saved {day(need.draft.saved_at)}" if need.draft else "",
                    )
                    for need, draft in drafts[:SHOWN]
                ),
                "You have no draft. What you write is kept here until you submit or discard it.",
                Link("Our top three", url_for("needs.workspace")),
            ),
            Block(
                "Technologies that fit your needs",
                matched,
                "When a need is published, the technologies that fit it best are counted here.",
            ),
            *sign_offs.left_blocks(actor, [one.id for one in ours]),
            *changing.concerning_blocks(actor),
            around(dict.fromkeys(link for one in ours for link in wider_links(one))),
        ),
    )


def _standing(stands: Mapping[str, Stand], need: Need) -> Standing | None:
    found = stands.get(need.ref)
    return found.standing if found is not None else None


def _still_true_block(unsaid: Sequence[Need], stands: Mapping[str, Stand]) -> Block:
    """Return the needs of the last cycle of which nobody has said yet whether they are still true."""
    return Block(
        "Still true? Needs of the last cycle",
        tuple(
            Line(
                Link(need.current.title if need.current else "", _still_true_address(need)),
                f"{need.organisation.name}. It lapses unless you confirm it by "
                f"{day(stands[need.ref].round.locks_on)}.",
                (Tag("Not yet confirmed", "yellow"),),
            )
            for need in unsaid[:SHOWN]
        ),
        "",
        Link("Confirm them, one click each", _still_true_address(unsaid[0])),
    )


def _still_true_address(need: Need) -> str:
    return url_for("cycles.still_true", organisation_code=need.organisation.code)


def free_places(actor: Actor, ours: Sequence[Organisation], written: Sequence[Need]) -> dict[str, int]:
    """Return how many of the three places each organisation has left in the current cycle, where any are left."""
    cycle = needs.current_cycle()
    if cycle is None or not is_open(cycle, clock.today()):
        return {}
    free = {one.name: 3 for one in ours}
    for need in written:
        if need.priority is not None and need.priority.cycle_id == cycle.id:
            free[need.organisation.name] -= 1
    names = {one.id: one.name for one in ours}
    for organisation_id, _, _ in needs.co_signed(actor, list(names), cycle):
        free[names[organisation_id]] -= 1
    return {name: left for name, left in free.items() if left > 0}


def _lead_step(
    waiting: Sequence[Introduction],
    returned: Sequence[Need],
    unsaid: Sequence[Need],
    drafts: Sequence[Need],
    free: dict[str, int],
    board: Sequence[Need],
) -> Step:
    if waiting:
        return _answer_step(waiting)
    if returned:
        return Step(
            Link("Deal with a reviewer’s comments", url_for("needs.check", ref=returned[0].ref)),
            f"“{sign_offs.title_of(returned[0])}” was returned. Submit it again when each comment is dealt with.",
        )
    if unsaid:
        return Step(
            Link("Say which needs are still true", _still_true_address(unsaid[0])),
            f"{count(len(unsaid), 'need of the last cycle waits', 'needs of the last cycle wait')} for your word. "
            "What nobody confirms lapses.",
        )
    if drafts:
        first = drafts[0]
        return Step(
            Link("Finish your draft", url_for("needs.tasks", ref=first.ref)),
            f"{count(len(drafts), 'draft is', 'drafts are')} not submitted yet.",
        )
    if free:
        name, left = next(iter(free.items()))
        return Step(
            Link("Write a need", url_for("needs.start")),
            f"{name} has {count(left, 'place')} free in its top three.",
        )
    if board:
        return Step(
            Link("Look at what fits your first need", url_for("matches.for_need", ref=board[0].ref)),
            "No place is free in your top three just now. See what is on the register for your needs.",
        )
    return Step(
        Link("Look at other organisations’ needs", url_for("demand.find")), "No cycle is open just now."
    )


# The innovator


def innovator_desk(actor: Actor) -> Desk:
    """Return what waits for the people of suppliers."""
    today = clock.today()
    own = technologies.own(actor)
    listed_now = [one for one in own if one.listed_at is not None and one.archived_at is None]
    drafts = [one for one in own if one.listed_at is None]
    waiting = to_answer(actor, Side.SUPPLIER)
    names = {one.ref: name_of(one) for one in listed_now[:MATCHED]}
    best = candidates.top_for_technologies(actor, list(names), FITS_FOR_EACH)
    fitting = _needs_that_fit(best.of, names)
    expiring = sorted(
        (item.expires_on, item.id, item.type.label, one)
        for one in listed_now
        for item in one.evidence
        if item.expires_on is not None
        and evidence_state(item.expires_on, item.withdrawn_at, on=today)
        in (EvidenceState.EXPIRING, EvidenceState.EXPIRED)
    )
    return Desk(
        heading=heading(actor, Role.INNOVATOR),
        step=_innovator_step(waiting, own, drafts, len(expiring), fitting),
        blocks=(
            _answers_block(waiting),
            Block(
                "Open needs that fit your technologies",
                tuple(fitting[:SHOWN]),
                "When an organisation publishes a need that your technology answers, it appears here.",
                Link("All needs", url_for("demand.find")),
            ),
            _saved_block(actor),
            Block(
                "Evidence that expires within 90 days or has expired",
                tuple(
                    Line(
                        Link(f"{label}, {name_of(one)}", url_for("technologies.tasks", ref=one.ref)),
                        f"{'Expired' if on < today else 'Expires'} on {day(on)}",
                        (Tag("Expired", "red") if on < today else Tag("Expires soon", "yellow"),),
                    )
                    for on, _, label, one in expiring[:SHOWN]
                ),
                "None of your evidence runs out within 90 days. We will show it here before it does.",
                Link("Our technologies", url_for("technologies.workspace")),
            ),
        ),
    )


def _saved_block(actor: Actor) -> Block:
    """Return a person's saved searches with how much is new, what has most first.

    Each is a search by meaning, so only the latest few are looked up whenever somebody opens their start page.
    """
    every = saved_searches.saved_by(actor)
    searches = every[:SEARCHED]
    others = len(every) - len(searches)
    more = (
        f"And {count(others, 'more saved search', 'more saved searches')}" if others else "All saved searches"
    )
    fresh = digests.fresh_for(World.read(ANONYMOUS), searches) if searches else {}
    searches.sort(key=lambda one: -len(fresh[one.id]))
    return Block(
        "Saved searches",
        tuple(
            Line(
                Link(one.name, url_for("demand.saved_one", ref=one.ref)),
                f"E-mails: {one.frequency.label.lower()}",
                (new_tag(fresh[one.id]) or Tag("Nothing new", "grey"),),
            )
            for one in searches
        ),
        "Search for what you are interested in and save the search: what is new is counted here.",
        Link(more, url_for("demand.saved")) if searches else Link("Find demand", url_for("demand.find")),
    )


def _needs_that_fit(best: Mapping[str, Sequence[Candidate]], names: Mapping[str, str]) -> list[Line]:
    """Return each need once, with the technology that fits it best; the strongest fits first."""
    fits = list(FITS.values())
    ranked = sorted(
        ((ref, candidate) for ref, several in best.items() for candidate in several),
        key=lambda pair: fits.index(pair[1].fit),
    )
    others = Counter(candidate.ref for _, candidate in ranked)
    lines: dict[str, Line] = {}
    for ref, candidate in ranked:
        if candidate.ref in lines:
            continue
        more = others[candidate.ref] - 1
        also = f", and {more} more of yours {'fits' if more == 1 else 'fit'}" if more else ""
        answered = candidate.answered[:1].lower() + candidate.answered[1:]
        lines[candidate.ref] = Line(
            candidate.link,
            f"{candidate.by}. {names[ref]} {answered or 'fits'}{also}.",
            (candidate.fit, *candidate.tags),
        )
    return list(lines.values())


def name_of(technology: Technology) -> str:
    """Return a technology's name as listed, or as drafted."""
    text = technology.current or technology.draft
    return (text.name if text else "") or "Technology without a name"


def _innovator_step(
    waiting: Sequence[Introduction],
    own: Sequence[Technology],
    drafts: Sequence[Technology],
    expiring: int,
    fitting: Sequence[Line],
) -> Step:
    ours = url_for("technologies.workspace")
    if waiting:
        return _answer_step(waiting)
    if not own:
        return Step(
            Link("List your first technology", url_for("technologies.start")),
            "When it is listed, you see which organisations ask for it, and where evidence is missing.",
        )
    if drafts:
        return Step(
            Link("Finish your listing", url_for("technologies.tasks", ref=drafts[0].ref)),
            f"{count(len(drafts), 'technology is', 'technologies are')} not listed yet.",
        )
    if expiring:
        return Step(
            Link("Renew your evidence", ours),
            f"{count(expiring, 'item has', 'items have')} expired or will within 90 days. "
            "Matches and passports count on it.",
        )
    if fitting:
        return Step(fitting[0].link, f"The need that fits best: {fitting[0].detail}")
    return Step(
        Link("Look at all needs", url_for("demand.find")), "No open need fits your technologies well today."
    )


# The assessor


def assessor_desk(actor: Actor) -> Desk:
    """Return what waits for the people who issue passports."""
    passports = queries.passports_to_look_at(db.session, actor)
    suspended = [one for one in passports if one.suspended_at is not None]
    expiring = [one for one in passports if one.suspended_at is None]
    lapsed = queries.lapsed_evidence(db.session, actor)
    ours = url_for("passports.workspace")

    def address(number: str) -> str:
        return url_for("passports.passport", number=number)

    if lapsed:
        step = Step(
            Link(f"Look at passport {lapsed[0].passport}", address(lapsed[0].passport)),
            f"{lapsed[0].type} of {lapsed[0].technology} expired on {day(lapsed[0].expired_on)}, "
            "and the passport relies on it.",
        )
    elif suspended:
        step = Step(
            Link(f"Decide on passport {suspended[0].number}", address(suspended[0].number)),
            f"It has been suspended since {day(suspended[0].suspended_at or clock.now())}.",
        )
    elif expiring:
        step = Step(
            Link(f"Look at passport {expiring[0].number}", address(expiring[0].number)),
            f"It runs out on {day(expiring[0].valid_to)}.",
        )
    else:
        step = Step(
            Link("Go to our passports", ours),
            "Nothing runs out soon. Issue a passport when an assessment is done.",
        )
    more = Link("Our passports", ours)
    return Desk(
        heading=heading(actor, Role.ASSESSOR),
        step=step,
        blocks=(
            Block(
                "Evidence expired under a valid passport",
                tuple(
                    Line(
                        Link(f"{one.type}, {one.technology}", address(one.passport)),
                        f"Expired on {day(one.expired_on)}. Passport {one.passport} relies on it.",
                        (Tag("Expired", "red"),),
                    )
                    for one in lapsed[:SHOWN]
                ),
                "All evidence that your valid passports rely on is current.",
                more,
            ),
            Block(
                "Suspended",
                tuple(
                    Line(
                        Link(f"{one.number}, {name_of(one.technology)}", address(one.number)),
                        f"Suspended on {day(one.suspended_at)}" if one.suspended_at else "",
                        (Tag("Suspended", "orange"),),
                    )
                    for one in suspended[:SHOWN]
                ),
                "None of your passports is suspended.",
                more,
            ),
            Block(
                "Passports that expire within 90 days",
                tuple(
                    Line(
                        Link(f"{one.number}, {name_of(one.technology)}", address(one.number)),
                        f"Valid until {day(one.valid_to)}",
                        (Tag("Expires soon", "yellow"),),
                    )
                    for one in expiring[:SHOWN]
                ),
                "None of your passports expires within 90 days. It will appear here before it does.",
                more,
            ),
        ),
    )


# The broker


def broker_desk(actor: Actor) -> Desk:
    """Return what waits for a broker: the top of the triage list, and proposals that hang."""
    now = clock.now()
    standings = triage.standings(actor)
    top, _ = triage.items(actor, [one for one in standings if one.group is not Group.INTRODUCED][:SHOWN])
    hanging = [
        introduction
        for introduction in introductions.hanging_of(db.session, actor)
        if introductions.viewpoint(actor, introduction).broker
    ]
    untouched = sum(one.group is Group.NOTHING_PROPOSED for one in standings)
    patch = Link("My patch", url_for("introductions.patch"))
    checks, to_check = sign_offs.check_block(actor)
    covered = sorted(reviews.checked_patch(db.session, actor))
    if to_check:
        step = sign_offs.check_step(to_check)
    elif top:
        step = Step(Link(top[0].link.text, top[0].link.href), top[0].why)
    else:
        step = Step(patch, "Every need of your patch has been introduced, or none is published yet.")
    return Desk(
        heading=heading(actor, Role.BROKER),
        step=step,
        blocks=(
            Block(
                "What needs you first"
                + (f" ({count(untouched, 'need')} with nothing proposed)" if untouched else ""),
                tuple(
                    Line(
                        one.link,
                        f"{one.by}. {one.why}"
                        + (
                            f" Best candidate: {one.offers[0].link.text}."
                            if one.offers
                            else f" {triage.NOTHING_FITS}"
                        ),
                        (one.tags[0], *(one.offers[0].tags if one.offers else ())),
                    )
                    for one in top
                ),
                "When an organisation of your patch publishes a need, it appears here with what fits it best.",
                patch,
            ),
            Block(
                f"Proposals that wait ({len(hanging)})",
                tuple(_hanging_line(one, actor, now) for one in hanging[:SHOWN]),
                "No proposal of your HIN waits for an answer.",
                Link("All introductions", url_for("introductions.listing")),
            ),
            checks,
            Block(
                "Families of needs to check",
                tuple(
                    Line(
                        Link(families.name_of(one), url_for("families.settle", ref=one.ref)),
                        f"{count(len(one.members), 'need')}, suggested by our matching",
                    )
                    for one in families.to_check(db.session, actor, SHOWN)
                ),
                "When needs of your patch and of others say the same, the family that they form appears here.",
                Link("All families of needs", url_for("families.listing")),
            ),
            around(
                Link(
                    f"What the patch of {grant.organisation_name} needs",
                    url_for("picture.hin", code=grant.organisation_code),
                )
                for grant in actor.grants
                if grant.role is Role.BROKER
            ),
            *sign_offs.left_blocks(actor, covered),
        ),
    )


def _triage_line(item: triage.TriageItem) -> Line:
    best = item.offers[0] if item.offers else None
    fits = f"Best candidate: {best.link.text}." if best else triage.NOTHING_FITS
    return Line(item.link, f"{item.by}. {item.why} {fits}", (item.tags[0], *(best.tags if best else ())))


def _hanging_line(introduction: Introduction, actor: Actor, now: datetime) -> Line:
    item = introduced.listing_item(introduction, introductions.viewpoint(actor, introduction), now)
    return Line(item.link, item.facts, (item.tag,))


# The administrator


def administrator_desk(actor: Actor) -> Desk:
    """Return the health of the service, the last import, and organisations that nobody leads."""
    waiting = backlog(db.session)
    last = organisations.last_import(db.session)
    orphans = queries.without_lead(db.session, SHOWN)
    registry = Link("Organisations", url_for("organisations.registry"))
    work = f"{count(waiting.waiting, 'piece')} of work waiting"
    if waiting.oldest is not None:
        work += f", the oldest since {moment(waiting.oldest)}"
    cycle = needs.current_cycle()
    cycles = Link("Cycles", url_for("cycles.listing"))
    words = cycle_words(cycle, clock.today())
    answered: tuple[Line, ...] = ()
    if cycle is not None:
        counted = headline(answers(db.session, cycle.id, min(clock.today(), cycle.closes_on)))
        answered = (Line(Link("Who has answered", url_for("cycles.coverage")), f"{counted}."),)
    if waiting.parked:
        why = f"{count(waiting.parked, 'piece')} of work failed five times and is parked."
        step = Step(Link("See the health of the service", url_for("health.overview")), why)
    elif cycle is None or cycle.closes_on < clock.today():
        step = Step(
            Link("Enter the next cycle", cycles.href), f"{words} Until then nobody can publish needs."
        )
    elif orphans.total:
        code, name = orphans.first[0]
        step = Step(
            Link(f"Invite a lead for {name}", url_for("accounts.members", organisation_code=code)),
            f"{count(orphans.total, 'organisation has', 'organisations have')} nobody to publish needs.",
        )
    else:
        step = Step(registry, "Nothing is wrong. Check that the registry is up to date.")
    imported: tuple[Line, ...] = ()
    if last is not None:
        changes = f"{last.opened} opened, {last.changed} changed, {last.closed} closed"
        imported = (
            Line(Link(last.filename, registry.href), f"Read on {moment(last.imported_at)}: {changes}"),
        )
    return Desk(
        heading=heading(actor, Role.ADMINISTRATOR),
        step=step,
        blocks=(
            Block(
                "Work behind the scenes",
                (
                    Line(
                        Link(work, url_for("health.overview")),
                        f"{waiting.parked} parked",
                        (Tag("Needs you", "red") if waiting.parked else Tag("Healthy", "green"),),
                    ),
                    Line(
                        Link("Search index", url_for("matches.index")),
                        "Which one serves, how far the next is, and what its last check found",
                    ),
                ),
                "",
            ),
            Block("Cycle", (Line(cycles, words), *answered), ""),
            Block(
                "Last import of organisations",
                imported,
                "No file has been imported. The registry holds what the service came with.",
                registry,
            ),
            changing.planned_block(),
            Block(
                f"Organisations without a need lead ({orphans.total})",
                tuple(
                    Line(Link(name, url_for("accounts.members", organisation_code=code)))
                    for code, name in orphans.first
                ),
                "Every organisation has somebody who can publish its needs.",
                registry,
            ),
        ),
    )


# What several roles share


def around(links: Iterable[Link]) -> Block:
    """Return the ways to the demand around a person's organisations: what is shared, alone, and without a match."""
    return Block(
        "Demand around you",
        tuple(Line(link) for link in links),
        "Where your organisation lies is not known, so nothing is rolled up here.",
        Link("Demand on a map of England", url_for("picture.map_page")),
    )


def to_answer(actor: Actor, side: Side) -> list[Introduction]:
    """Return the introductions that wait for an answer of this side, what is due first on top."""
    now = clock.now()
    return [
        introduction
        for introduction in introductions.hanging_of(db.session, actor)
        if side in introductions.viewpoint(actor, introduction).sides
        and rules.seen_by(side, introduction.course, now) is Seen.TO_ANSWER
    ]


def _answer_step(waiting: Sequence[Introduction]) -> Step:
    first = waiting[0]
    return Step(
        Link("Answer an introduction", url_for("introductions.introduction", ref=first.ref)),
        f"{introduced.names(first)}. Answer by {moment(first.decide_by)}.",
    )


def _answers_block(waiting: Sequence[Introduction]) -> Block:
    now = clock.now()
    return Block(
        "Introductions to answer",
        tuple(
            Line(
                Link(introduced.names(one), url_for("introductions.introduction", ref=one.ref)),
                f"Answer by {moment(one.decide_by)}, {introduced.time_left(one.decide_by, now)}. "
                f"Proposed by {introduced.broker_words(one)}.",
            )
            for one in waiting[:SHOWN]
        ),
        "When a broker proposes to introduce you to somebody, it appears here and you get an e-mail.",
        Link("All introductions", url_for("introductions.listing")),
    )


def _match_line(title: str, endpoint: str, ref: str, found: Sequence[Candidate]) -> Line:
    if not found:
        return Line(Link(title, url_for(endpoint, ref=ref)), triage.NOTHING_FITS)
    more = "or more " if len(found) == FITS_FOR_EACH else ""
    noun = "technology fits" if len(found) == 1 else "technologies fit"
    best = f"{found[0].link.text} ({found[0].by})"
    return Line(
        Link(title, url_for(endpoint, ref=ref)),
        f"{len(found)} {more}{noun}. The best: {best}.",
        (found[0].fit, *found[0].tags),
    )
