"""The start page over HTTP."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public
from marketplace.home import desks
from marketplace.web.pages import fragment

home = Blueprint("home", __name__)


@home.get("/")
@public("the first page says what the service is; a signed-in person gets their own start page here")
def start() -> ResponseReturnValue:
    """Show the start page."""
    actor = current_actor()
    return fragment(desks.start(actor) if actor.signed_in else desks.welcome())
