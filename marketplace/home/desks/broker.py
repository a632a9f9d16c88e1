"""The desk of a broker."""

from __future__ import annotations

from datetime import datetime

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.database import db
from marketplace.families import queries as families
from marketplace.home import sign_offs
from marketplace.home.desks.shared import SHOWN, around, heading
from marketplace.home.pages import Block, Desk, Line, Step
from marketplace.introductions import pages as introduced
from marketplace.introductions import queries as introductions
from marketplace.introductions import triage
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Group
from marketplace.reviews import queries as reviews
from marketplace.web.pages import Link
from marketplace.web.words import count


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
                tuple(_triage_line(one) for one in top),
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
            *sign_offs.unseen_blocks(actor),
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
