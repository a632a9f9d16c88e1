"""What the desks of several roles share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.database import db
from marketplace.home.pages import Block, Line, Step
from marketplace.introductions import pages as introduced
from marketplace.introductions import queries as introductions
from marketplace.introductions import rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Seen, Side
from marketplace.technologies.models import Technology
from marketplace.web.pages import Link
from marketplace.web.words import listed, moment

SHOWN = 5
#: So many technologies are looked up for a need, and needs for a technology.
FITS_FOR_EACH = 3


def heading(actor: Actor, role: Role) -> str:
    """Return the role with the organisations it is held at."""
    return (
        f"{role.label}, {listed([grant.organisation_name for grant in actor.grants if grant.role is role])}"
    )


def around(links: Iterable[Link]) -> Block:
    """Return the ways to the demand around a person's organisations: what is shared, alone, and without a match."""
    return Block(
        "Demand around you",
        tuple(Line(link) for link in links),
        "Where your organisation lies is not known, so nothing is rolled up here.",
        Link("Demand on a map of England", url_for("picture.map_page")),
    )


def name_of(technology: Technology) -> str:
    """Return a technology's name as listed, or as drafted."""
    text = technology.current or technology.draft
    return (text.name if text else "") or "Technology without a name"


def to_answer(actor: Actor, side: Side) -> list[Introduction]:
    """Return the introductions that wait for an answer of this side, what is due first on top."""
    now = clock.now()
    return [
        introduction
        for introduction in introductions.hanging_of(db.session, actor)
        if side in introductions.viewpoint(actor, introduction).sides
        and rules.seen_by(side, introduction.course, now) is Seen.TO_ANSWER
    ]


def answer_step(waiting: Sequence[Introduction]) -> Step:
    """Return the next step of somebody for whose answer introductions wait."""
    first = waiting[0]
    return Step(
        Link("Answer an introduction", url_for("introductions.introduction", ref=first.ref)),
        f"{introduced.names(first)}. Answer by {moment(first.decide_by)}.",
    )


def answers_block(waiting: Sequence[Introduction]) -> Block:
    """Return the introductions that wait for an answer."""
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
