"""Passports over HTTP: the public register, and an assessor's workspace."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug import Response

from marketplace import clock
from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.errors import Conflict, DomainError
from marketplace.organisations.rules import OrganisationClosed
from marketplace.passports import actions, pages, queries, rules
from marketplace.passports.forms import ConfirmForm, PassportForm, PickForm, ReasonForm, RegisterForm
from marketplace.technologies.models import Technology
from marketplace.technologies.queries import listed, listed_by_refs
from marketplace.web.pages import fragment
from marketplace.web.paging import PER_PAGE, Paging
from marketplace.web.problems import problem
from marketplace.web.search import search_technologies

passports = Blueprint("passports", __name__)

PICK_MOST = 20


@passports.get("/passports")
@public("everybody can look up a passport, without signing in")
def register() -> ResponseReturnValue:
    """Show the register, narrowed and searched."""
    form = RegisterForm(queries.issuers(), formdata=request.args)
    form.validate()
    filters = form.filters()
    total = queries.count_registered(filters)
    paging = Paging.build("passports.register", form.chosen(), request.args.get("page", ""), total)
    entries = queries.registered(filters, limit=PER_PAGE, offset=paging.offset)
    page = pages.Register.build(entries, filters, total=total, paging=paging)
    return fragment(page, form), 422 if form.problems else 200


@passports.get("/passports/<number>")
@public("a passport is public, also when it is revoked: people look it up to learn just that")
def passport(number: str) -> ResponseReturnValue:
    """Show a passport."""
    return fragment(pages.PassportPage.build(queries.by_number(number), current_actor()))


@passports.get("/our-passports")
@requires(Permission.PASSPORT_ISSUE)
def workspace() -> ResponseReturnValue:
    """Show the passports of the assessor's organisations."""
    return fragment(pages.Workspace.build(queries.own(current_actor())))


@passports.get("/our-passports/new")
@requires(Permission.PASSPORT_ISSUE)
def pick() -> ResponseReturnValue:
    """Offer technologies to be assessed."""
    actor, form = current_actor(), PickForm(formdata=request.args)
    query = (form.q.data or "") if form.validate() else ""
    refs = (
        search_technologies(query, PICK_MOST).refs
        if query
        else [one.ref for one in listed(actor, limit=PICK_MOST)]
    )
    return fragment(pages.Pick.build(listed_by_refs(actor, refs), query), form), 422 if form.problems else 200


def _technology(ref: str) -> Technology:
    technology = queries.technology_to_assess(ref)
    actions.check_interest(current_actor(), technology)
    if technology.archived_at is not None:
        raise rules.TechnologyChanged("The supplier took this technology off the register")
    return technology


def _form(technology: Technology, *, empty: bool = False) -> PassportForm:
    actor = current_actor()
    own = actor.organisations(Permission.PASSPORT_ISSUE)
    bodies = [
        (str(grant.organisation_id), grant.organisation_name)
        for grant in actor.grants
        if grant.organisation_id in own
    ]
    held = technology.evidence_held(clock.today())
    evidence = [(item.ref, pages.evidence_name(item)) for item in held]
    if not empty:
        return PassportForm(bodies, evidence)
    start = {"technology_version": technology.version, "valid_from": clock.today()}
    return PassportForm(bodies, evidence, formdata=None, data=start)


@passports.errorhandler(rules.ConflictOfInterest)
def conflict_of_interest(error: rules.ConflictOfInterest) -> Response:
    """Say plainly why this assessor cannot assess."""
    return problem(403, error.message, title="You cannot assess this technology")


@passports.get("/our-passports/new/<ref>")
@requires(Permission.PASSPORT_ISSUE)
def compose(ref: str) -> ResponseReturnValue:
    """Ask for the assessment."""
    technology = _technology(ref)
    return fragment(pages.Compose.build(technology), _form(technology, empty=True))


@passports.post("/our-passports/new/<ref>")
@requires(Permission.PASSPORT_ISSUE)
def issue(ref: str) -> ResponseReturnValue:
    """Show the answers to be checked, go back to change them, or issue the passport."""
    technology = _technology(ref)
    form, status = _form(technology), 422
    if form.validate():
        step, content = request.form.get("step"), form.content()
        try:
            if step == "issue":
                number = actions.issue(current_actor(), ref, content, form_key=form.form_key.data or "")
                flash(f"Passport {number} is issued.")
                return redirect(url_for("passports.passport", number=number), 303)
            if step == "change":
                return fragment(pages.Compose.build(technology), form)
            actions.check(technology, content)
            return fragment(pages.Check.build(technology, content, _issuer(content)), form)
        except rules.TechnologyChanged as error:
            form.show(error)
            status = 409
            technology = _technology(ref)
            form.technology_version.data = str(technology.version)
        except OrganisationClosed as error:
            form.show(error)
        except Conflict:
            raise
        except rules.ConflictOfInterest:
            raise
        except DomainError as error:
            form.show(error)
    return fragment(pages.Compose.build(technology), form), status


def _issuer(content: rules.PassportContent) -> str:
    return next(
        (
            grant.organisation_name
            for grant in current_actor().grants
            if grant.organisation_id == content.issuer_id
        ),
        "",
    )


@passports.get("/our-passports/<number>/suspend")
@requires(Permission.PASSPORT_ISSUE)
def confirm_suspension(number: str) -> ResponseReturnValue:
    """Ask why the passport is to be suspended."""
    own = queries.own_by_number(current_actor(), number)
    return fragment(pages.Confirm.suspension(own), ReasonForm(formdata=None))


@passports.post("/our-passports/<number>/suspend")
@requires(Permission.PASSPORT_ISSUE)
def suspend(number: str) -> ResponseReturnValue:
    """Suspend the passport."""
    form = ReasonForm()
    if form.validate():
        actions.suspend(current_actor(), number, form.reason.data or "", form_key=form.form_key.data or "")
        flash("The passport is suspended.")
        return redirect(url_for("passports.passport", number=number), 303)
    own = queries.own_by_number(current_actor(), number)
    return fragment(pages.Confirm.suspension(own), form), 422


@passports.get("/our-passports/<number>/lift")
@requires(Permission.PASSPORT_ISSUE)
def confirm_lift(number: str) -> ResponseReturnValue:
    """Ask whether the suspension is to end."""
    return fragment(pages.Confirm.lifting(queries.own_by_number(current_actor(), number)), ConfirmForm())


@passports.post("/our-passports/<number>/lift")
@requires(Permission.PASSPORT_ISSUE)
def lift(number: str) -> ResponseReturnValue:
    """End the suspension."""
    actions.lift(current_actor(), number, form_key=ConfirmForm().form_key.data or "")
    flash("The suspension is lifted.")
    return redirect(url_for("passports.passport", number=number), 303)


@passports.get("/our-passports/<number>/revoke")
@requires(Permission.PASSPORT_ISSUE)
def confirm_revocation(number: str) -> ResponseReturnValue:
    """Ask why the passport is to be revoked."""
    own = queries.own_by_number(current_actor(), number)
    return fragment(pages.Confirm.revocation(own), ReasonForm(formdata=None))


@passports.post("/our-passports/<number>/revoke")
@requires(Permission.PASSPORT_ISSUE)
def revoke(number: str) -> ResponseReturnValue:
    """Revoke the passport."""
    form = ReasonForm()
    if form.validate():
        actions.revoke(current_actor(), number, form.reason.data or "", form_key=form.form_key.data or "")
        flash("The passport is revoked.")
        return redirect(url_for("passports.passport", number=number), 303)
    own = queries.own_by_number(current_actor(), number)
    return fragment(pages.Confirm.revocation(own), form), 422
