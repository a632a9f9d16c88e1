"""The desk of a need lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.home import changes as changing
from marketplace.home import sign_offs
from marketplace.home.desks.shared import (
    FITS_FOR_EACH,
    SHOWN,
    answer_step,
    answers_block,
    around,
    heading,
    to_answer,
)
from marketplace.home.pages import Block, Desk, Line, Step
from marketplace.introductions import triage
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Side
from marketplace.matches import candidates
from marketplace.matches.pages import Candidate
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.needs.pages.words import closed_words, is_open
from marketplace.needs.rounds import Stand, Standing, stand
from marketplace.organisations.models import Organisation
from marketplace.organisations.pages import wider_links
from marketplace.web.pages import Link, Tag
from marketplace.web.words import count, day

#: For so many needs the best matches are looked up; more would not be read here.
MATCHED = 12


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
    # Of an organisation that has closed nothing can be confirmed, submitted or begun: its work is handed over first.
    going_on = [need for need in written if not need.organisation.closed]
    unsaid = [need for need in going_on if _standing(stands, need) is Standing.TO_CONFIRM]
    free = free_places(actor, [one for one in ours if not one.closed], going_on)
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
        step=_lead_step(
            waiting,
            [need for need in returned if need in going_on],
            unsaid,
            [need for need, _ in drafts if need in going_on],
            free,
            board,
            _all_closed(ours),
        ),
        blocks=(
            answers_block(waiting),
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
    closed: Step | None,
) -> Step:
    if waiting:
        return answer_step(waiting)
    if closed is not None:
        return closed
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


def _all_closed(ours: Sequence[Organisation]) -> Step | None:
    """Return what to know where every organisation of the person has closed, or None."""
    if not ours or any(not one.closed for one in ours):
        return None
    return Step(
        Link(
            "See where your organisation’s work goes",
            url_for("succession.history", organisation_code=ours[0].code),
        ),
        closed_words(ours[0]),
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
