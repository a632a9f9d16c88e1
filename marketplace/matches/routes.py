"""Matches both ways and the free-text search, over HTTP."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.matches import candidates, overview, workings
from marketplace.web.pages import fragment, wants_fragment

matches = Blueprint("matches", __name__)


@matches.get("/needs/<ref>/matches")
@requires(Permission.NEED_MATCHES_READ)
def for_need(ref: str) -> ResponseReturnValue:
    """Rank technologies for a need."""
    here = url_for("matches.for_need", ref=ref)
    return fragment(candidates.for_need(current_actor(), ref, candidates.chosen(request.args), here))


@matches.get("/technologies/<ref>/needs")
@requires(Permission.TECHNOLOGY_MATCHES_READ)
def for_technology(ref: str) -> ResponseReturnValue:
    """Rank open needs for a technology."""
    here = url_for("matches.for_technology", ref=ref)
    return fragment(candidates.for_technology(current_actor(), ref, candidates.chosen(request.args), here))


@matches.get("/how-matching-works")
@public("what is found for a text is public, and how it is found should be")
def how() -> ResponseReturnValue:
    """Show each step of the matcher at work on a typed text."""
    return fragment(workings.for_text(current_actor(), request.args.get("q", "")))


@matches.get("/needs/<ref>/matches/how")
@requires(Permission.NEED_MATCHES_READ)
def how_for_need(ref: str) -> ResponseReturnValue:
    """Show each step of the matcher at work on a published need."""
    return fragment(workings.for_need(current_actor(), ref))


@matches.get("/index")
@requires(Permission.SERVICE_OVERSEE)
def index() -> ResponseReturnValue:
    """Show administrators which search index serves, how far the next one is, and what the last check found."""
    page = overview.index_page(db.session)
    # The page asks only while an index is built: an open page that asked for ever would keep its person signed in.
    headers = {"HX-Refresh": "true"} if page.build is None and wants_fragment() else {}
    return fragment(page), headers
