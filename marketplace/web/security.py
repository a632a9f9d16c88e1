"""Response headers: a strict Content-Security-Policy with a nonce for each response, and its companions.

No inline script or style runs; htmx works under Trusted Types through its own ``hx-csp`` extension, which also
ignores ``hx-`` attributes without the page's nonce. Swapped-in fragments therefore carry no ``hx-`` attributes.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, Map

#: The largest number that a key column of PostgreSQL holds; more in an address is not found, never an error.
LARGEST_KEY = 2_147_483_647
#: Answers with a built file's content, or that a copy of it is still good.
KEPT_STATUSES = (200, 206, 304)


#: Answers for programs of everybody: the same for all, kept by shared caches, without session and cookie.
OPEN_DATA = "/open/"


def is_open_data() -> bool:
    """Tell whether the request is for open data."""
    return request.path.startswith(OPEN_DATA)


class KeyConverter(IntegerConverter):
    """A number in an address that fits a key column."""

    def __init__(self, url_map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(url_map, *args, **{"max": LARGEST_KEY} | kwargs)


class PageSessions(SecureCookieSessionInterface):
    """Sessions of pages: built files and open data are kept by shared caches, so they never carry a cookie."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie where the response is a page."""
        if request.endpoint != "static" and not is_open_data():
            super().save_session(app, session, response)


def nonce() -> str:
    """Return this response's nonce, made when first asked for: CSRF refusals come before any hook of ours."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    value: str = g.nonce
    return value


def _policy() -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce()}' 'strict-dynamic'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types htmx",
        )
    )


def init(app: Flask, *, secure: bool) -> None:
    """Add the headers to every response, errors and static files included; refuse NUL characters in what is sent."""
    app.url_map.converters["int"] = KeyConverter
    app.session_interface = PageSessions()

    @app.before_request
    def refuse_nul() -> None:
        # PostgreSQL cannot hold them, so a search for one would end as an error of ours.
        sent = (*request.args.items(multi=True), *request.form.items(multi=True))
        if "\0" in request.path or any("\0" in key or "\0" in text for key, text in sent):
            raise BadRequest

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = _policy()
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_open_data() else "same-origin"
        if secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        # A file's name changes with its content; that one is missing can change with the next release.
        built_file = request.endpoint == "static" and response.status_code in KEPT_STATUSES
        if built_file:
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif "Cache-Control" not in headers:
            # Pages name who is signed in and hold a form token: no shared or back-button copy.
            headers["Cache-Control"] = "no-store"
        if not built_file and not is_open_data():
            response.vary.update(("HX-Request", "HX-Request-Type"))
        return response

    @app.context_processor
    def offer_nonce() -> dict[str, object]:
        return {"cspNonce": nonce()}
