"""The desk of each role, gathered from the rooms: as many queries on a busy day as on a quiet one."""

from __future__ import annotations

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.database import db
from marketplace.home import pages, queries, sign_offs
from marketplace.home.desks.administrator import administrator_desk
from marketplace.home.desks.assessor import assessor_desk
from marketplace.home.desks.broker import broker_desk
from marketplace.home.desks.innovator import innovator_desk
from marketplace.home.desks.lead import lead_desk
from marketplace.home.pages import StartPage
from marketplace.web.words import day

NEWEST = 5


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
