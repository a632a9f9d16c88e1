"""The desk of an innovator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from flask import url_for

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.demand import emails as digests
from marketplace.demand import queries as saved_searches
from marketplace.demand.finder import World
from marketplace.demand.keeping import new_tag
from marketplace.home.desks.shared import (
    FITS_FOR_EACH,
    SHOWN,
    answer_step,
    answers_block,
    heading,
    name_of,
    to_answer,
)
from marketplace.home.pages import Block, Desk, Line, Step
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Side
from marketplace.matches import candidates
from marketplace.matches.pages import FITS, Candidate
from marketplace.technologies import queries as technologies
from marketplace.technologies.models import Technology
from marketplace.technologies.rules import EvidenceState, evidence_state
from marketplace.web.pages import Link, Tag
from marketplace.web.words import count, day

#: For so many technologies the best matches are looked up; more would not be read here.
MATCHED = 12
#: For so many saved searches what is new is counted.
SEARCHED = 3


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
            answers_block(waiting),
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
                one.frequency.told,
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


def _innovator_step(
    waiting: Sequence[Introduction],
    own: Sequence[Technology],
    drafts: Sequence[Technology],
    expiring: int,
    fitting: Sequence[Line],
) -> Step:
    ours = url_for("technologies.workspace")
    if waiting:
        return answer_step(waiting)
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
