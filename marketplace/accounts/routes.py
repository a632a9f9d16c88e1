"""Sign in and out over HTTP."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.routing import BuildError

from marketplace.access.doors import current_actor, public
from marketplace.accounts import actions, pages, rules
from marketplace.accounts import session as browser
from marketplace.accounts.forms import SignInForm
from marketplace.settings import Settings
from marketplace.web.pages import fragment
from marketplace.web.problems import problem

accounts = Blueprint("accounts", __name__)


def limits() -> actions.Limits:
    """Return the limits of the settings; an address may serve a whole hospital, so it gets ten times as many."""
    settings: Settings = current_app.extensions["settings"]
    return actions.Limits(settings.sign_in_attempts, settings.sign_in_attempts * 10, settings.session_hours)


def wanted_page() -> str:
    """Return the address of the page that wanted the sign-in, rebuilt by our own routes, or of the start."""
    after = session.pop("after_sign_in", None)
    if isinstance(after, list) and len(after) == 2:
        try:
            return url_for(after[0], **after[1])
        except (BuildError, TypeError):
            pass
    return url_for("home.start")


@accounts.get("/sign-in")
@public("people sign in here")
def sign_in() -> ResponseReturnValue:
    """Show the form."""
    if current_actor().signed_in:
        return redirect(url_for("home.start"))
    return fragment(pages.SignInPage(), SignInForm())


@accounts.post("/sign-in")
@public("people sign in here")
def do_sign_in() -> ResponseReturnValue:
    """Check the password and start a sign-in."""
    form = SignInForm()
    if form.validate():
        try:
            token = actions.sign_in(
                form.email.data or "",
                form.password.data or "",
                address=request.remote_addr or "",
                limits=limits(),
            )
        except rules.TooManyTries:
            return problem(429)
        except rules.WrongCredentials as error:
            form.show(error)
        else:
            browser.begin(token)
            return redirect(wanted_page(), 303)
    return fragment(pages.SignInPage(), form), 422


@accounts.post("/sign-out")
@public("a person whose sign-in has just ended may press the button too")
def sign_out() -> ResponseReturnValue:
    """End the sign-in."""
    if token := browser.current_token():
        actions.sign_out(current_actor(), token)
    browser.end()
    flash("You have signed out.")
    response = redirect(url_for("home.start"), 303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
