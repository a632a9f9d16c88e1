"""The start page over HTTP."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.home import desks, pages
from marketplace.web.health import report
from marketplace.web.pages import fragment

home = Blueprint("home", __name__)


@home.get("/")
@public("the first page says what the service is; a signed-in person gets their own start page here")
def start() -> ResponseReturnValue:
    """Show the start page."""
    actor = current_actor()
    return fragment(desks.start(actor) if actor.signed_in else desks.welcome())


@home.get("/service-health")
@requires(Permission.SERVICE_OVERSEE)
def health() -> ResponseReturnValue:
    """Show administrators in words what `/health` tells programs."""
    return fragment(pages.HealthPage.of(report()))
