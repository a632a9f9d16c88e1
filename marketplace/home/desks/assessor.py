"""The desk of an assessor."""

from __future__ import annotations

from flask import url_for

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.database import db
from marketplace.home import queries
from marketplace.home.desks.shared import SHOWN, heading, name_of
from marketplace.home.pages import Block, Desk, Line, Step
from marketplace.web.pages import Link, Tag
from marketplace.web.words import day


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
