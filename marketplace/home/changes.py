"""What the start pages tell of organisations that change."""

from __future__ import annotations

from flask import url_for

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.home.pages import Block, Line
from marketplace.organisations.models import Succession
from marketplace.organisations.rules import Change
from marketplace.succession import queries
from marketplace.succession.pages.listing import TAGS
from marketplace.succession.wording import sentence
from marketplace.web.pages import Link

SHOWN = 5


def planned_block() -> Block:
    """Return the changes that lie ahead or wait for their handover, for administrators."""
    waiting = queries.to_settle(db.session)
    return Block(
        "Organisations that change",
        tuple(
            Line(
                Link(sentence(one), url_for("succession.change", ref=one.ref)),
                "",
                (TAGS[queries.state_of(one)],),
            )
            for one in waiting[:SHOWN]
        ),
        "No merger, split or new name lies ahead, and no handover waits.",
        Link("Changes of organisations", url_for("succession.listing")),
    )


def concerning_blocks(actor: Actor) -> tuple[Block, ...]:
    """Return the changes of the person's own organisations, where there are any."""
    found = queries.concerning(db.session, actor.organisations(Permission.NEED_REVIEW) | _led(actor))
    if not found:
        return ()
    return (
        Block(
            "Your organisation changes",
            tuple(
                Line(
                    Link(sentence(one), _address(actor, one)),
                    "Choose where your needs go. An administrator chooses for all else and confirms the handover. "
                    "You keep your role until then."
                    if _chooses(actor, one)
                    else "Its leads and an administrator choose where needs and people go. You keep your role until "
                    "then.",
                )
                for one in found[:SHOWN]
            ),
            "",
        ),
    )


def _chooses(actor: Actor, change: Succession) -> bool:
    """Tell whether the person has something to choose in a change."""
    concerned = {one.id for one in (*change.predecessors, *(change.successors if change.kind.ends else ()))}
    return change.kind is not Change.RENAME and bool(
        concerned & actor.organisations(Permission.SUCCESSION_CHOOSE)
    )


def _address(actor: Actor, change: Succession) -> str:
    if _chooses(actor, change):
        return url_for("succession.change", ref=change.ref)
    return url_for("succession.history", organisation_code=change.predecessors[0].code)


def _led(actor: Actor) -> frozenset[int]:
    return actor.organisations(Permission.NEED_WRITE)
