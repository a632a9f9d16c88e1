"""The demo's mailbox over HTTP."""

from __future__ import annotations

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from marketplace.access.doors import public
from marketplace.database import db
from marketplace.errors import NotVisible
from marketplace.notices import pages, queries
from marketplace.settings import Settings
from marketplace.web.pages import fragment

notices = Blueprint("notices", __name__)
SHOWN = 100


@notices.get("/mailbox")
@public("in demo mode everybody reads the made-up people's e-mails; elsewhere there is no such page")
def mailbox() -> ResponseReturnValue:
    """Show the demo's e-mails."""
    settings: Settings = current_app.extensions["settings"]
    if not settings.mailbox:
        raise NotVisible
    chosen = request.args.get("to", "")[:254]
    page = pages.Mailbox.build(
        queries.mailbox(db.session, chosen, SHOWN), queries.recipients(db.session), chosen
    )
    return fragment(page)
