"""The signed-in browser: Flask-Login finds the person, we decide whether the sign-in is still alive.

The cookie holds a random token whose hash is a row; signing out ends the row, so a copied cookie is dead too.
The session is emptied and renewed at sign-in, so nothing from before it lives on.
"""

from __future__ import annotations

from flask import Flask, g, request, session
from flask_login import LoginManager, current_user, login_user, logout_user

from marketplace.access.actor import ANONYMOUS
from marketplace.accounts import queries
from marketplace.accounts.models import User
from marketplace.database import db
from marketplace.web.security import is_open_data

TOKEN = "sign_in"  # noqa: S105 - the name of the session's entry


def init(app: Flask) -> None:
    """Set up Flask-Login and put the actor of each request where `access.doors` finds it."""
    manager = LoginManager()
    # Without its context processor: a page that says the database is gone must not look for the person there.
    manager.init_app(app, add_context_processor=False)
    manager.session_protection = None  # the database row decides, not the browser's address

    @manager.user_loader
    def load(user_id: str) -> User | None:
        token = session.get(TOKEN)
        user = queries.user_of_token(db.session, token) if isinstance(token, str) else None
        return user if user is not None and str(user.id) == user_id else None

    @app.before_request
    def find_actor() -> None:
        if request.endpoint == "static" or request.blueprint == "health" or is_open_data():
            return
        user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's documented way to the object
        g.actor = queries.actor_of(db.session, user) if isinstance(user, User) else ANONYMOUS


def begin(token: str) -> None:
    """Renew the session for a new sign-in: everything from before is dropped, with the old form tokens."""
    user = queries.user_of_token(db.session, token)
    if user is None:  # ended in the moment between
        return
    after = session.get("after_sign_in")
    session.clear()
    session.permanent = True  # the cookie's time limit is renewed with each response
    session[TOKEN] = token
    login_user(user)
    g.actor = queries.actor_of(db.session, user)
    g.pop("csrf_token", None)  # made for the old session earlier in this request
    if after is not None:
        session["after_sign_in"] = after


def current_token() -> str:
    """Return this browser's token, or the empty text."""
    token = session.get(TOKEN)
    return token if isinstance(token, str) else ""


def end() -> None:
    """Empty the session."""
    logout_user()
    session.clear()
