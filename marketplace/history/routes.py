"""The past over HTTP: addresses that can be bookmarked and show the same for ever."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.doors import public
from marketplace.database import db
from marketplace.history import pages, queries, rules
from marketplace.web.forms import clean_line
from marketplace.web.pages import fragment

history = Blueprint("history", __name__)

_WHY = "what was public on a day can be read by everybody afterwards"


@history.after_request
def keep_out_of_search_engines(response: Response) -> Response:
    """Ask search engines not to list the past: people shall find the board of today."""
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@history.errorhandler(rules.NoSuchDay)
def no_such_day(error: rules.NoSuchDay) -> ResponseReturnValue:
    """Say plainly why a day cannot be read, and ask for another."""
    return _ask(error.message, ("", "", "")), 404


def _ask(message: str, parts: tuple[str, str, str]) -> str:
    return fragment(pages.AskPage.build(queries.first_day(db.session), parts, message))


@history.get("/needs/as-of")
@public(_WHY)
def ask() -> ResponseReturnValue:
    """Ask for a day, or go to the one that was typed."""
    day, month, year = (clean_line(request.args.get(name))[:10] for name in ("day", "month", "year"))
    if not (day or month or year):
        if "day" not in request.args:
            return _ask("", ("", "", ""))
        return _ask("Enter a day", ("", "", "")), 422
    text = f"{year:0>4}-{month:0>2}-{day:0>2}"
    try:
        queries.read_day(db.session, text)
    except rules.NoSuchDay as error:
        wrong = "Enter a real day, such as 31 3 2026" if "address" in error.message else error.message
        return _ask(wrong, (day, month, year)), 422
    return redirect(url_for("history.board", day=text), 303)


@history.get("/needs/as-of/<day>")
@public(_WHY)
def board(day: str) -> ResponseReturnValue:
    """Show the needs as they stood at the end of a day."""
    found = queries.board_of(db.session, queries.read_day(db.session, day))
    asked = {name: clean_line(request.args.get(name))[:100] for name in ("region", "organisation", "page")}
    return fragment(pages.BoardPage.build(found, asked))


@history.get("/needs/as-of/<day>/organisations")
@public(_WHY)
def organisations(day: str) -> ResponseReturnValue:
    """Show the organisations as they were on a day."""
    found = queries.board_of(db.session, queries.read_day(db.session, day))
    return fragment(pages.OrganisationsPage.build(found))


@history.get("/needs/as-of/<day>/withdrawn")
@public(_WHY)
def withdrawn(day: str) -> ResponseReturnValue:
    """Show what had been withdrawn by the end of a day."""
    found = queries.board_of(db.session, queries.read_day(db.session, day))
    return fragment(pages.WithdrawnPage.build(found))


@history.get("/needs/as-of/<day>/needs/<ref>")
@public(_WHY)
def need(day: str, ref: str) -> ResponseReturnValue:
    """Show a need as people read it on a day."""
    on = queries.read_day(db.session, day)
    return fragment(pages.NeedPage.build(queries.need_of(db.session, ref, on), on))
