"""The words and links that every page of needs uses."""

from __future__ import annotations

from datetime import date

from flask import current_app, url_for

from marketplace.access.actor import Actor
from marketplace.database import db
from marketplace.needs import queries
from marketplace.needs.models import Cycle, Need
from marketplace.needs.questions import Ask, Shape
from marketplace.needs.rounds import Stage, Stand, Standing
from marketplace.needs.rules import NeedContent, State
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.vocabulary import Term
from marketplace.web.pages import Link, Tag
from marketplace.web.words import day

UNTITLED = "Untitled need"
PLACE_WORDS = ("First priority", "Second priority", "Third priority")


def people_words(content: NeedContent) -> str:
    """Return how many are affected, with what the number counts."""
    if content.how_many is None:
        return ""
    return f"{content.how_many:,} {content.how_many_note}".strip()


def value_of(ask: Ask, content: NeedContent) -> tuple[str, tuple[str, ...]]:
    """Return an answer as a text and as list items; one of the two is empty."""
    answer = getattr(content, ask.name)
    if ask.shape is Shape.STATEMENTS:
        return "", tuple(answer)
    if ask.shape is Shape.EVIDENCE:
        return "", tuple(
            f"{wanted.type.label}: {wanted.detail}" if wanted.detail else wanted.type.label
            for wanted in answer
        )
    if isinstance(answer, Term):
        return answer.label, ()
    if isinstance(answer, int):
        return f"{answer:,}", ()
    return answer or "", ()


def as_text(ask: Ask, content: NeedContent) -> str:
    """Return an answer as one text, a line for each item."""
    words, items = value_of(ask, content)
    return words or "\n".join(items) or "No answer"


def closed_words(organisation: Organisation) -> str:
    """Say that an organisation has closed and where its work goes; the empty text for an open one."""
    return lineage.closed_words(db.session, organisation)


def organisation_link(organisation: Organisation) -> Link:
    """Return the link to an organisation's own board."""
    return Link(organisation.name, url_for("needs.organisation", organisation_code=organisation.code))


def matches_link(actor: Actor, need: Need) -> Link | None:
    """Return the way to the matches of a need, where there is one and this person may go it."""
    if "matches.for_need" not in current_app.view_functions or need.state is not State.PUBLISHED:
        return None
    if not queries.may_read_matches(actor, need):
        return None
    return Link("See which technologies fit", url_for("matches.for_need", ref=need.ref))


def cycle_words(cycle: Cycle | None, today: date) -> str:
    """Say which cycle it is and until when."""
    if cycle is None:
        return "No cycle is open yet."
    stage = cycle.round.stage(today)
    if stage is Stage.CLOSED:
        return f"The cycle {cycle.name} closed on {day(cycle.closes_on)}."
    if stage is Stage.LOCKED:
        return f"The cycle {cycle.name} was locked at the end of {day(cycle.locks_on)}."
    return f"Cycle {cycle.name}, open for answers until {day(cycle.locks_on)}."


def is_open(cycle: Cycle | None, today: date) -> bool:
    """Tell whether places can change in the cycle."""
    return cycle is not None and cycle.round.stage(today) is Stage.OPEN


def stand_tags(need: Need, where: Stand | None, of: str = "") -> tuple[Tag, ...]:
    """Return the tags that say which place a need has, and whether it still stands. ``of`` follows the place."""
    if where is None or need.priority is None:
        return ()
    place = PLACE_WORDS[need.priority.rank - 1]
    if where.standing is Standing.CURRENT:
        return (Tag(f"{place}{of}", "blue"),)
    if where.standing is Standing.TO_CONFIRM:
        return (
            Tag(f"{place} in {need.priority.cycle.name}", "blue"),
            Tag(f"Not yet confirmed for {where.round.name}", "yellow"),
        )
    return (Tag(f"Lapsed: not confirmed for {where.round.name}", "grey"),)
