"""Matches both ways and the free-text search, over HTTP."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.matches import candidates
from marketplace.web.pages import fragment

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


@matches.get("/search")
@public("needs and technologies are public, and so is looking for them")
def search() -> ResponseReturnValue:
    """Search needs and technologies in one's own words."""
    return fragment(candidates.search_page(current_actor(), request.args.get("q", "")))
