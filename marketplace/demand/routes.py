"""Finding demand over HTTP."""

from __future__ import annotations

from flask import Blueprint, current_app, make_response, redirect, request
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public
from marketplace.demand import documents as made
from marketplace.demand import finder, pages, queries, rules
from marketplace.demand.rules import Asked
from marketplace.matches import candidates
from marketplace.needs import queries as needs
from marketplace.web import feeds
from marketplace.web.limits import TooOften, Turns
from marketplace.web.pages import fragment, wants_fragment

demand = Blueprint("demand", __name__)


def asked_for() -> Asked:
    """Return what this request's address asks for."""
    return finder.read(request.args.items(multi=True))


def take_a_turn(asked: Asked) -> None:
    """Count a search by meaning for this visitor; raise `TooOften` for one who searches faster than people do."""
    if asked.text:
        turns: Turns = current_app.extensions["search_turns"]
        actor = current_actor()
        turns.take(f"person {actor.user_id}" if actor.signed_in else f"from {request.remote_addr}")


@demand.app_errorhandler(TooOften)
def too_often(error: TooOften) -> ResponseReturnValue:
    """Ask for patience; where htmx asked, beside the results that are there, which stay."""
    response = make_response(fragment(pages.WaitPage.build(error.seconds, asked_for())), 429)
    response.headers["Retry-After"] = str(error.seconds)
    if wants_fragment():
        response.headers["HX-Retarget"] = "#wait"
        response.headers["HX-Reswap"] = "innerHTML"
        response.headers["HX-Replace-Url"] = "false"
    return response


@demand.get("/demand")
@public("published needs are there for everybody to find")
def find() -> ResponseReturnValue:
    """Show what an address finds; an address that says the same in other words leads to the usual one."""
    asked = asked_for()
    usual = pages.address("demand.find", asked)
    if not wants_fragment() and request.query_string.decode("utf-8", "replace") != rules.query_string(asked):
        return redirect(usual)
    take_a_turn(asked)
    actor = current_actor()
    shown = finder.shown(actor, asked)
    refs = [fact.ref for fact in shown.facts if fact.kind == queries.NEED]
    text = asked.searched
    quotes = candidates.need_quotes(rules.unquoted(text), refs) if text and not shown.results.nearest else {}
    page = pages.FindPage.build(shown, queries.items(actor, refs), quotes, needs.cycles())
    response = make_response(fragment(page))
    if wants_fragment():
        response.headers["HX-Replace-Url"] = usual
    return response


@demand.get("/demand.atom")
@public("published needs are there for everybody to follow, as they are to find")
def feed() -> ResponseReturnValue:
    """Answer with what an address finds as an Atom feed, what changed last first."""
    asked = asked_for()
    take_a_turn(asked)
    return feeds.answer(made.feed_of(current_actor(), asked))


@demand.get("/needs")
@public("an address from before, which leads to where needs are found now")
def board() -> ResponseReturnValue:
    """Lead from the board's address of before to the same search."""
    return redirect(pages.old_address(list(request.args.items(multi=True))), 301)


@demand.get("/search")
@public("an address from before, which leads to where needs are found now")
def search() -> ResponseReturnValue:
    """Lead from the search's address of before to the same search."""
    return redirect(pages.old_address(list(request.args.items(multi=True))), 301)
