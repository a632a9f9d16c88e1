"""Nothing typed is lost when a form comes back too late: from an ended sign-in, or with a form token of before.

What was typed travels in the page itself, as a signed field that the sign-in page carries along. It is never put into
the cookie or the database, holds no password, works for some hours, and leads to the same endpoint only. It is kept
only for a form that came from a page of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from flask import Flask, current_app, request, session, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.routing import BuildError

from marketplace.settings import Settings
from marketplace.web.pages import Page, Row

#: Characters of all names and texts together; more than any form of ours can hold within its limits.
MOST = 100_000
LIFE_SECONDS = 12 * 3600
#: Not shown among what was typed. A form kept by the sign-in page is carried on when that page is late as well.
_CARRIED = frozenset({"form_key", "kept"})


class ForeignForm(Exception):
    """A form that another website's page sent. Answered with 403; nothing was looked at."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A form as it was typed, without passwords, and the person who was signed in then (empty: not known)."""

    action: str
    fields: tuple[tuple[str, str], ...]
    user_id: str
    without_password: bool


@dataclass(frozen=True, kw_only=True)
class KeptPage(Page):
    """Show what was kept, with one button that sends it."""

    template: ClassVar[str] = "errors/kept.html"

    action: str
    fields: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    lead: str
    button: str
    without_password: bool

    @classmethod
    def build(cls, kept: Kept, *, title: str, lead: str) -> KeptPage:
        """Return the page for a kept form."""
        rows = tuple(
            Row(name.replace("-", " ").replace("_", " ").capitalize(), text)
            for name, text in kept.fields
            if text and name not in _CARRIED
        )
        return cls(
            title=title,
            lead=lead,
            action=kept.action,
            fields=kept.fields,
            rows=rows,
            button="Send what I typed" if rows else "Continue",
            without_password=kept.without_password,
        )


def origin_is_ours() -> bool | None:
    """Tell whether the browser says that a page of ours sent this; None when it says nothing.

    Browsers set both headers themselves: no page can forge them.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return None if site == "none" else site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    settings: Settings = current_app.extensions["settings"]
    try:
        return urlsplit(origin).netloc in {request.host, urlsplit(settings.public_url).netloc}
    except ValueError:
        return False


def init(app: Flask) -> None:
    """Refuse what another website's page sends, whatever token it carries."""

    @app.before_request
    def refuse_foreign() -> None:
        if request.method not in {"GET", "HEAD", "OPTIONS"} and origin_is_ours() is False:
            raise ForeignForm


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="kept-form")


def keep() -> str:
    """Return the request's form as a signed text, or the empty text when it cannot be kept."""
    if request.endpoint is None or origin_is_ours() is not True:
        return ""
    typed = list(request.form.items(multi=True))
    if sum(len(name) + len(text) for name, text in typed if name not in _CARRIED) > MOST:
        return ""
    fields = [(name, text) for name, text in typed if name != "csrf_token" and "password" not in name.lower()]
    without_password = any("password" in name.lower() for name, _ in typed)
    return str(
        _serializer().dumps(
            [
                request.endpoint,
                {key: str(value) for key, value in (request.view_args or {}).items()},
                fields,
                str(session.get("_user_id") or ""),
                without_password,
            ]
        )
    )


def opened(text: str) -> Kept | None:
    """Return the form of a signed text, or None when it was changed, is too old, or its page is gone."""
    try:
        endpoint, values, fields, user_id, without_password = _serializer().loads(text, max_age=LIFE_SECONDS)
        action = url_for(endpoint, **values)
    except (BadData, BuildError, ValueError, TypeError):
        return None
    return Kept(action, tuple((name, value) for name, value in fields), user_id, without_password)
