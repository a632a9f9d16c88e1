"""Every error as a plain page: what happened, and what can be done. Never a traceback, never silence."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from flask import Flask, Response, current_app, make_response, redirect
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from htmx_flask import request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError

from marketplace.access.doors import SignInNeeded, current_actor
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, Gone, NotPermitted, NotVisible
from marketplace.submissions.actions import AlreadyDone
from marketplace.web import kept
from marketplace.web.pages import Page, fragment
from marketplace.web.security import is_open_data

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Problem(Page):
    """An error page: paragraphs, and whether to offer the way to the start."""

    template = "errors/problem.html"

    paragraphs: tuple[str, ...]
    status: int


#: HTTP status: heading and paragraphs. What is not listed is told by the last line of `problem`.
WORDS: dict[int, tuple[str, tuple[str, ...]]] = {
    400: ("There is a problem with what was sent", ("Go back to the page, reload it and try again.",)),
    403: (
        "You are not allowed to do this",
        (
            "Your role at your organisation does not include it.",
            "If you think it should, ask the person in your organisation who invited you.",
        ),
    ),
    404: (
        "Page not found",
        (
            "If you typed the web address, check that it is correct.",
            "The page may also be private to an organisation that you are not signed in for, or it may be a draft.",
        ),
    ),
    405: ("This page cannot be used that way", ("Go back and use the buttons and links of the page.",)),
    409: ("Somebody else was faster", ("Reload the page to see what has changed, and try again.",)),
    410: ("This is no longer here", ("It was withdrawn.",)),
    413: (
        "That is too much text",
        ("The page you sent is larger than we accept. Go back, shorten your answer and send it again.",),
    ),
    429: (
        "Too many tries",
        ("Wait 15 minutes and try again. If you have forgotten your password, you can set a new one.",),
    ),
    500: (
        "Sorry, there is a problem with the service",
        (
            "This is our fault. It has been recorded. Your last step saved nothing. Try again in a few minutes.",
        ),
    ),
    503: (
        "Sorry, the service is not available just now",
        (
            "We cannot reach our database. Nothing was saved by your last step.",
            "Try again in a minute. The page recovers by itself when the database is back.",
        ),
    ),
}


#: PostgreSQL's SQLSTATE for a table that is not there: the database has not been migrated.
MISSING_TABLE = "42P01"


def problem(status: int, *paragraphs: str, title: str = "") -> Response:
    """Return the error page for a status, with its own words or the ones given."""
    heading, usual = WORDS.get(status, WORDS[400])
    if is_open_data():
        told: Response = current_app.extensions["open_data_problem"](status, title, paragraphs)
        return told
    page = Problem(title=title or heading, paragraphs=paragraphs or usual, status=status)
    response = make_response(fragment(page), status)
    if status == 503:
        response.headers["Retry-After"] = "10"
    return response


UNCHECKED = (
    "It was open for a long time, you have signed in or out since, or it did not come from one of our pages.",
    "Nothing was saved. Go back to the page, copy what you typed, reload the page and send it again.",
)


def _wants_sign_in() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    access = getattr(view, "access", None)
    return not current_actor().signed_in and access is not None and access.needs_person


def init(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(kept.ForeignForm)
    def foreign(_error: kept.ForeignForm) -> ResponseReturnValue:
        return problem(
            403,
            "It was sent by a page of another website. We have done nothing with it.",
            title="This form did not come from our pages",
        )

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> ResponseReturnValue:
        if not kept.origin_is_ours() or request.htmx:
            return problem(400, *UNCHECKED, title="This form could not be checked")
        if _wants_sign_in():
            return current_app.handle_user_exception(SignInNeeded())
        form = kept.opened(kept.keep())
        if form is None:
            return problem(400, *UNCHECKED, title="This page was open for too long")
        page = kept.KeptPage.build(
            form,
            title="This page was open for too long",
            lead="You have signed in or out since it was opened, so nothing was saved. We kept what you typed.",
        )
        return make_response(fragment(page), 400)

    @app.errorhandler(NotVisible)
    def not_visible(_error: NotVisible) -> ResponseReturnValue:
        return problem(404)

    @app.errorhandler(NotPermitted)
    def not_permitted(_error: NotPermitted) -> ResponseReturnValue:
        return problem(403)

    @app.errorhandler(Gone)
    def gone(error: Gone) -> ResponseReturnValue:
        return problem(410, error.message)

    @app.errorhandler(AlreadyDone)
    def already_done(error: AlreadyDone) -> ResponseReturnValue:
        return redirect(error.location, 303)

    @app.errorhandler(Conflict)
    def conflict(error: Conflict) -> ResponseReturnValue:
        return problem(409, error.message)

    @app.errorhandler(DomainError)
    def refused(error: DomainError) -> ResponseReturnValue:
        # A form shows its own; this is for buttons without a form to show the message in.
        return problem(422, error.message, title="This could not be done")

    @app.errorhandler(SecurityError)
    def wrong_host(_error: SecurityError) -> ResponseReturnValue:
        # No address of ours can be built for a host that is not ours, so this page has no links and no layout.
        return Response("This web address does not belong to this service.\n", 400, mimetype="text/plain")

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        if error.code is not None and error.code < 400:
            return error
        response = problem(error.code or 500)
        for key, value in error.get_headers():
            if key in {"Allow", "Retry-After"}:
                response.headers[key] = value
        return response

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(PoolTimeout)
    def database_away(error: DBAPIError | PoolTimeout) -> ResponseReturnValue:
        log.error("database_away", error=type(error).__name__)
        return without_database(503)

    @app.errorhandler(ProgrammingError)
    def not_migrated(error: ProgrammingError) -> ResponseReturnValue:
        # SQLite tells a missing table by an OperationalError, PostgreSQL by this one.
        if getattr(error.orig, "sqlstate", None) != MISSING_TABLE:
            return unexpected(error)
        return database_away(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        # The type and place only: the message of an error may hold what somebody typed.
        log.error("unexpected_error", error=type(error).__name__, endpoint=request.endpoint, exc_info=error)
        return without_database(500)

    def without_database(status: int) -> Response:
        try:
            db.session.rollback()
        except Exception as error:  # noqa: BLE001 - the connection may be gone in any way
            log.warning("rollback_failed", error=type(error).__name__)
        return problem(status)
