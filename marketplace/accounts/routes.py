"""Joining, signing in and out, passwords and people over HTTP."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, make_response, redirect, session, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request
from werkzeug.routing import BuildError

from marketplace.access.actor import Actor
from marketplace.access.doors import SignInNeeded, current_actor, public, requires, signed_in
from marketplace.access.policy import Permission, Role
from marketplace.accounts import actions, forms, pages, queries, rules
from marketplace.accounts import session as browser
from marketplace.accounts.models import User
from marketplace.database import db
from marketplace.errors import DomainError, NotVisible
from marketplace.organisations.models import Organisation
from marketplace.settings import Settings
from marketplace.web import kept
from marketplace.web.forms import BaseForm
from marketplace.web.pages import fragment
from marketplace.web.problems import problem

accounts = Blueprint("accounts", __name__)


def settings() -> Settings:
    """Return the service's settings."""
    found: Settings = current_app.extensions["settings"]
    return found


def limits() -> actions.Limits:
    """Return the limits of the settings; an address may serve a whole hospital, so it gets ten times as many."""
    attempts = settings().sign_in_attempts
    return actions.Limits(attempts, attempts * 10, settings().session_hours)


@accounts.app_errorhandler(rules.TooManyTries)
def too_many_tries(_error: rules.TooManyTries) -> ResponseReturnValue:
    """Ask for patience."""
    response = problem(429)
    response.headers["Retry-After"] = str(int(rules.ATTEMPT_WINDOW.total_seconds()))
    return response


@accounts.app_errorhandler(rules.DeadLink)
def dead_link(error: rules.DeadLink) -> ResponseReturnValue:
    """Say why a link from an e-mail opens nothing."""
    return problem(410, error.message, title="This link does not work any more")


def _refused(form: BaseForm, error: DomainError) -> int:
    form.show(error)
    return 429 if isinstance(error, rules.TooManyTries) else 422


# Signing in and out ---------------------------------------------------------------------------------------------

TOO_LONG = (
    "You were signed out, and what you typed is too long for us to keep. "
    "Use your browser’s back button to copy it before you sign in."
)
KEPT = "You were signed out before this was saved. Sign in again: we kept what you typed and show it to you then."


@accounts.app_errorhandler(SignInNeeded)
def ask_to_sign_in(_error: SignInNeeded) -> ResponseReturnValue:
    """Lead to the sign-in page; a form that came too late is taken along in the page itself."""
    if request.htmx:
        response = make_response("", 401)
        response.headers["HX-Redirect"] = url_for("accounts.sign_in")
        return response
    if request.method != "GET" and kept.origin_is_ours():
        form = forms.SignInForm(formdata=None)
        form.kept.data = kept.keep()
        return _sign_in_page(form, KEPT if form.kept.data else TOO_LONG), 401
    _remember_where()
    return redirect(url_for("accounts.sign_in"), 303)


def _remember_where() -> None:
    # An endpoint of ours with its values, never an address: nothing can lead off this service.
    if request.endpoint and request.method == "GET" and request.view_args is not None:
        session["after_sign_in"] = [
            request.endpoint,
            {key: str(value) for key, value in request.view_args.items()},
        ]


def wanted_page() -> str:
    """Return the address of the page that wanted the sign-in, rebuilt by our own routes, or of the start."""
    after = session.pop("after_sign_in", None)
    if isinstance(after, list) and len(after) == 2:
        try:
            return url_for(after[0], **after[1])
        except (BuildError, TypeError, ValueError):
            pass
    return url_for("home.start")


def _sign_in_page(form: forms.SignInForm, note: str = "") -> str:
    offered = queries.demo_accounts(db.session) if settings().demo else []
    return fragment(pages.SignInPage.build(offered, note), form)


def _signed_in(token: str, kept_text: str) -> ResponseReturnValue:
    browser.begin(token)
    if not kept_text:
        return redirect(wanted_page(), 303)
    form = kept.opened(kept_text)
    if form is None:
        flash("We could not keep what you typed: it was too long ago.")
        return redirect(wanted_page(), 303)
    if form.user_id not in ("", str(current_actor().user_id)):
        flash("What was typed before belongs to another account, so we did not keep it.")
        return redirect(wanted_page(), 303)
    page = kept.KeptPage.build(
        form,
        title="We kept what you typed",
        lead="It has not been saved yet. Send it now, and check it on the page that follows.",
    )
    return fragment(page)


@accounts.get("/sign-in")
@public("people sign in here")
def sign_in() -> ResponseReturnValue:
    """Show the form."""
    if current_actor().signed_in:
        return redirect(url_for("home.start"))
    return _sign_in_page(forms.SignInForm())


@accounts.post("/sign-in")
@public("people sign in here")
def do_sign_in() -> ResponseReturnValue:
    """Check the password and start a sign-in."""
    form = forms.SignInForm()
    status = 422
    if form.validate():
        try:
            token = actions.sign_in(
                form.email.data or "",
                form.password.data or "",
                address=request.remote_addr or "",
                limits=limits(),
            )
            return _signed_in(token, form.kept.data or "")
        except DomainError as error:
            status = _refused(form, error)
    return _sign_in_page(form, KEPT if form.kept.data else ""), status


@accounts.post("/demo-sign-in")
@public("in demo mode everybody may act as one of the made-up people; elsewhere there is no such page")
def demo_sign_in() -> ResponseReturnValue:
    """Start a sign-in as one of the demo's people."""
    key = request.form.get("account", "")
    if not settings().demo or not (key.isascii() and key.isdigit() and len(key) < 10):
        raise NotVisible
    token = actions.demo_sign_in(int(key), limits=limits())
    return _signed_in(token, request.form.get("kept", ""))


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


# Registering a company ------------------------------------------------------------------------------------------


@accounts.get("/register")
@public("innovators register themselves and their company")
def register() -> ResponseReturnValue:
    """Show the form."""
    return fragment(pages.RegisterPage(), forms.RegisterForm())


@accounts.post("/register")
@public("innovators register themselves and their company")
def do_register() -> ResponseReturnValue:
    """Write to the address to check that it is theirs."""
    form = forms.RegisterForm()
    status = 422
    if form.validate():
        try:
            actions.register(
                _details(form),
                email=form.email.data or "",
                password=form.password.data or "",
                company=form.company.data or "",
                about=form.about.data or "",
                address=request.remote_addr or "",
                form_key=form.form_key.data or "",
            )
            return redirect(url_for("accounts.check_email"), 303)
        except DomainError as error:
            status = _refused(form, error)
    return fragment(pages.RegisterPage(), form), status


def _details(form: forms.DetailsForm) -> actions.Details:
    return actions.Details(form.name.data or "", form.job_title.data or "", form.telephone.data or "")


@accounts.get("/check-your-email")
@public("the same words for everybody who asked for a link")
def check_email() -> ResponseReturnValue:
    """Say that a link is on its way."""
    return fragment(pages.CheckEmail())


@accounts.get("/register/confirm/<token>")
@public("the link itself proves who may use it")
def confirm(token: str) -> ResponseReturnValue:
    """Show the button: opening a link changes nothing, since mail scanners open links too."""
    registration = queries.live_registration(db.session, token)
    return fragment(pages.ConfirmPage.build(registration), forms.ButtonForm())


@accounts.post("/register/confirm/<token>")
@public("the link itself proves who may use it")
def do_confirm(token: str) -> ResponseReturnValue:
    """Make the account and the company, and sign in."""
    browser.begin(actions.confirm_registration(token, limits=limits()))
    flash("Your company is registered and you are signed in.")
    return redirect(url_for("home.start"), 303)


# Invitations and people -----------------------------------------------------------------------------------------


@accounts.get("/invitations/<token>")
@public("the link itself proves who may use it")
def invitation(token: str) -> ResponseReturnValue:
    """Show what the invitation is to, and what to do."""
    return _invitation_page(token, forms.JoinForm())


def _invitation_page(token: str, form: forms.JoinForm) -> str:
    found = queries.live_invitation(db.session, token)
    known = queries.user_by_email(db.session, found.email) is not None
    page = pages.InvitationPage.build(found, current_actor(), has_account=known)
    if page.state == "sign-in":
        _remember_invitation(token)
    return fragment(page, form)


def _remember_invitation(token: str) -> None:
    session["after_sign_in"] = ["accounts.invitation", {"token": token}]


@accounts.post("/invitations/<token>")
@public("the link itself proves who may use it")
def accept_invitation(token: str) -> ResponseReturnValue:
    """Join: with the account that is signed in, or with a new one."""
    actor = current_actor()
    if actor.signed_in:
        name = actions.accept(actor, token)
        flash(f"You have joined {name}.")
        return redirect(url_for("home.start"), 303)
    form = forms.JoinForm()
    status = 422
    if form.validate():
        try:
            browser.begin(
                actions.accept_as_new(
                    token, _details(form), password=form.password.data or "", limits=limits()
                )
            )
            flash("Your account is ready and you are signed in.")
            return redirect(url_for("home.start"), 303)
        except DomainError as error:
            status = _refused(form, error)
    return _invitation_page(token, form), status


@accounts.get("/organisations/<organisation_code>/people")
@requires(Permission.MEMBER_INVITE)
def members(organisation_code: str) -> ResponseReturnValue:
    """Show who belongs to an organisation and who is invited."""
    organisation = queries.managed_organisation(db.session, current_actor(), organisation_code)
    return _members_page(current_actor(), organisation, _invite_form(current_actor(), organisation))


def _invite_form(actor: Actor, organisation: Organisation) -> forms.InviteForm:
    members = queries.members_of(db.session, organisation.id)
    return forms.InviteForm().offer(queries.offered_roles(actor, organisation, members))


def _members_page(actor: Actor, organisation: Organisation, form: forms.InviteForm) -> str:
    page = pages.MembersPage.build(
        actor,
        organisation,
        queries.members_of(db.session, organisation.id),
        queries.pending_invitations(db.session, organisation.id),
    )
    return fragment(page, form)


@accounts.post("/organisations/<organisation_code>/invitations")
@requires(Permission.MEMBER_INVITE)
def invite(organisation_code: str) -> ResponseReturnValue:
    """Send an invitation."""
    actor = current_actor()
    organisation = queries.managed_organisation(db.session, actor, organisation_code)
    form = _invite_form(actor, organisation)
    status = 422
    if form.validate():
        try:
            actions.invite(
                actor,
                organisation_code,
                email=form.email.data or "",
                role=Role(form.role.data),
                days=settings().invitation_days,
                form_key=form.form_key.data or "",
            )
            flash(f"We have sent an invitation to {form.email.data}.")
            return redirect(url_for("accounts.members", organisation_code=organisation_code), 303)
        except DomainError as error:
            status = _refused(form, error)
    return _members_page(actor, organisation, form), status


@accounts.post("/organisations/<organisation_code>/invitations/<int:invitation_id>/revoke")
@requires(Permission.MEMBER_INVITE)
def revoke(organisation_code: str, invitation_id: int) -> ResponseReturnValue:
    """Take an invitation back."""
    actions.revoke_invitation(current_actor(), organisation_code, invitation_id)
    flash("The invitation is taken back. Its link does not work any more.")
    return redirect(url_for("accounts.members", organisation_code=organisation_code), 303)


@accounts.get("/organisations/<organisation_code>/people/<int:membership_id>/end")
@requires(Permission.MEMBER_INVITE)
def end_member(organisation_code: str, membership_id: int) -> ResponseReturnValue:
    """Ask whether to end a role."""
    organisation = queries.managed_organisation(db.session, current_actor(), organisation_code)
    found = queries.members_of(db.session, organisation.id)
    member = next((member for member in found if member.membership_id == membership_id), None)
    if member is None:
        raise NotVisible
    return fragment(pages.EndMemberPage.build(organisation, member), forms.ButtonForm())


@accounts.post("/organisations/<organisation_code>/people/<int:membership_id>/end")
@requires(Permission.MEMBER_INVITE)
def do_end_member(organisation_code: str, membership_id: int) -> ResponseReturnValue:
    """End a role."""
    actor = current_actor()
    ended = actions.end_membership(actor, organisation_code, membership_id)
    flash("The role has ended.")
    if ended == actor.user_id:  # who ended their own role may not see the others any more
        return redirect(url_for("accounts.account"), 303)
    return redirect(url_for("accounts.members", organisation_code=organisation_code), 303)


# Passwords and own details --------------------------------------------------------------------------------------


@accounts.get("/forgotten-password")
@public("people who cannot sign in ask for a link here")
def forgotten() -> ResponseReturnValue:
    """Show the form."""
    return fragment(pages.ForgottenPage(), forms.ForgottenForm())


@accounts.post("/forgotten-password")
@public("people who cannot sign in ask for a link here")
def do_forgotten() -> ResponseReturnValue:
    """Send a link if the address has an account; the answer is the same if not."""
    form = forms.ForgottenForm()
    status = 422
    if form.validate():
        try:
            actions.ask_for_reset(
                form.email.data or "",
                address=request.remote_addr or "",
                minutes=settings().reset_minutes,
                form_key=form.form_key.data or "",
            )
            return redirect(url_for("accounts.check_email"), 303)
        except DomainError as error:
            status = _refused(form, error)
    return fragment(pages.ForgottenPage(), form), status


@accounts.get("/reset-password/<token>")
@public("the link itself proves who may use it")
def reset(token: str) -> ResponseReturnValue:
    """Show the form."""
    return _reset_page(token, forms.ResetForm())


def _reset_page(token: str, form: forms.ResetForm) -> str:
    found = queries.live_reset(db.session, token)
    return fragment(pages.ResetPage(email=found.user.email), form)


@accounts.post("/reset-password/<token>")
@public("the link itself proves who may use it")
def do_reset(token: str) -> ResponseReturnValue:
    """Set the new password; every sign-in of the person ends."""
    form = forms.ResetForm()
    status = 422
    if form.validate():
        try:
            actions.reset_password(token, form.password.data or "")
            browser.end()
            flash("Your password is changed. Sign in with the new one.")
            return redirect(url_for("accounts.sign_in"), 303)
        except DomainError as error:
            status = _refused(form, error)
    return _reset_page(token, form), status


OWN = "everybody keeps their own account, also without a role"


def _own() -> tuple[Actor, User]:
    actor = current_actor()
    return actor, db.session.get_one(User, actor.user_id)


@accounts.get("/account")
@signed_in(OWN)
def account() -> ResponseReturnValue:
    """Show a person's own details."""
    return fragment(pages.AccountPage.build(*_own()))


@accounts.get("/account/details")
@signed_in(OWN)
def details() -> ResponseReturnValue:
    """Show the form with the details."""
    _, user = _own()
    return fragment(pages.DetailsPage(), forms.DetailsForm(obj=user))


@accounts.post("/account/details")
@signed_in(OWN)
def do_details() -> ResponseReturnValue:
    """Save the details."""
    actor = current_actor()
    form = forms.DetailsForm()
    status = 422
    if form.validate():
        try:
            actions.change_details(actor, _details(form))
            flash("Your details are saved.")
            return redirect(url_for("accounts.account"), 303)
        except DomainError as error:
            status = _refused(form, error)
    return fragment(pages.DetailsPage(), form), status


@accounts.get("/account/password")
@signed_in(OWN)
def password() -> ResponseReturnValue:
    """Show the form."""
    return fragment(pages.PasswordPage(), forms.PasswordForm())


@accounts.post("/account/password")
@signed_in(OWN)
def do_password() -> ResponseReturnValue:
    """Set the new password; every other sign-in ends."""
    actor = current_actor()
    form = forms.PasswordForm()
    status = 422
    if form.validate():
        try:
            actions.change_password(
                actor,
                old=form.old_password.data or "",
                new=form.new_password.data or "",
                token=browser.current_token(),
                limits=limits(),
            )
            flash("Your password is changed. You are signed out everywhere else.")
            return redirect(url_for("accounts.account"), 303)
        except DomainError as error:
            status = _refused(form, error)
    return fragment(pages.PasswordPage(), form), status
