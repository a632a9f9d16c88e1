"""Shared needs over HTTP."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.doors import current_actor, requires
from marketplace.access.policy import Permission
from marketplace.errors import DomainError, Gone, NotVisible
from marketplace.families import actions, forms, pages, queries, rules
from marketplace.families.rules import CoSignError, State
from marketplace.needs import actions as need_actions
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.needs.rules import State as NeedState
from marketplace.organisations.models import Organisation
from marketplace.web.pages import fragment

families = Blueprint("families", __name__)


def on_need(actor: Actor, need: Need) -> pages.OnNeed:
    """Return what a need's page shows of who shares it."""
    standing = queries.standing_of(need.id)
    own = actor.organisations(Permission.NEED_PUBLISH)
    signed = {one.organisation_id for one in standing}
    return pages.on_need(
        need,
        standing,
        may_sign=need.withdrawn_at is None and bool(own - signed - {need.organisation_id}),
        own=bool(own & signed),
        family=None,
    )


# Co-signing


@families.get("/needs/<ref>/co-sign")
@requires(Permission.NEED_PUBLISH)
def co_sign(ref: str) -> ResponseReturnValue:
    """Show what co-signing means, with its form."""
    need, organisations = to_co_sign(ref)
    return fragment(co_sign_page(need, organisations), co_sign_form(organisations))


@families.post("/needs/<ref>/co-sign")
@requires(Permission.NEED_PUBLISH)
def do_co_sign(ref: str) -> ResponseReturnValue:
    """Co-sign the need."""
    need, organisations = to_co_sign(ref)
    form = co_sign_form(organisations)
    alone = len(organisations) == 1
    chosen = [one for one in organisations if alone or one.code == form.organisation.data]
    if form.validate() and chosen:
        try:
            actions.co_sign(
                current_actor(),
                ref,
                chosen[0].code,
                note=form.note.data or "",
                how_many=form.how_many.data,
                form_key=form.form_key.data or "",
            )
        except DomainError as error:
            form.show(error)
        else:
            flash("You co-sign this need now. Both organisations are told.")
            return redirect(url_for("needs.need", ref=ref, _anchor="shared"), 303)
    if not chosen:
        form.show(DomainError("Choose the organisation that co-signs it", "organisation"))
    return fragment(co_sign_page(need, organisations), form), 422


def to_co_sign(ref: str) -> tuple[Need, list[Organisation]]:
    """Return a need that is or was public, and the organisations that this person could co-sign it for."""
    need = needs.need_for(current_actor(), ref)
    if need.state is NeedState.DRAFT:
        raise NotVisible
    if need.state is NeedState.WITHDRAWN:
        raise Gone(need_actions.withdrawn_words(need))
    return need, [one for one in queries.signers(current_actor()) if one.id != need.organisation_id]


def co_sign_form(organisations: list[Organisation]) -> forms.CoSignForm:
    """Return the form with the person's organisations."""
    form = forms.CoSignForm()
    form.offer((one.code, one.name) for one in organisations)
    return form


def co_sign_page(need: Need, organisations: list[Organisation]) -> pages.CoSignPage:
    """Return the page on which a need is co-signed; it says so where that cannot be."""
    cycle, stand, closed = needs.current_cycle(), needs.stand_of(need), ""
    signed = {
        one.organisation_id for one in queries.standing_of(need.id) if cycle and one.cycle_id == cycle.id
    }
    if not organisations:
        closed = "This is your own organisation’s need"
    try:
        for one in organisations[:1] if len(organisations) == 1 else ():
            rules.check_co_sign(
                cycle=cycle.round if cycle else None,
                today=clock.today(),
                own=False,
                standing=stand.standing if stand else None,
                signed=one.id in signed,
                taken=queries.places_taken(one.id, cycle.id if cycle else 0),
            )
    except CoSignError as error:
        closed = error.message
    name = cycle.name if cycle else ""
    return pages.CoSignPage.build(need, queries.last_content(need), name, organisations, closed)


@families.get("/co-signatures")
@requires(Permission.NEED_WRITE)
def co_signatures() -> ResponseReturnValue:
    """List the needs that our organisations co-sign, or did."""
    return fragment(
        pages.CoSignaturesPage.build(queries.co_signatures_of(current_actor())), forms.PlainForm()
    )


@families.get("/co-signatures/<ref>/take-back")
@requires(Permission.NEED_PUBLISH)
def take_back(ref: str) -> ResponseReturnValue:
    """Ask before a co-signature is taken back."""
    found = queries.co_signature(current_actor(), ref)
    if found.state is not State.STANDING:
        raise Gone("This co-signature does not stand any more.")
    return fragment(pages.TakeBackPage.build(found), forms.PlainForm())


@families.post("/co-signatures/<ref>/take-back")
@requires(Permission.NEED_PUBLISH)
def do_take_back(ref: str) -> ResponseReturnValue:
    """Take a co-signature back."""
    form = forms.PlainForm()
    actions.take_back(current_actor(), ref, form_key=form.form_key.data or "")
    flash("Your co-signature is taken back, and its place is free. Both organisations are told.")
    return redirect(url_for("families.co_signatures"), 303)


@families.post("/co-signatures/<ref>/keep")
@requires(Permission.NEED_PUBLISH)
def keep(ref: str) -> ResponseReturnValue:
    """Say that a need that has changed is still ours too."""
    actions.keep(current_actor(), ref)
    flash("The need’s page now shows that you share the new version.")
    return redirect(url_for("families.co_signatures"), 303)


@families.post("/co-signatures/<ref>/carry-on")
@requires(Permission.NEED_WRITE)
def carry_on(ref: str) -> ResponseReturnValue:
    """Start a draft of our own from a need that has gone."""
    form = forms.PlainForm()
    draft = actions.carry_on(current_actor(), ref, form_key=form.form_key.data or "")
    flash("This is your own draft now. The other organisation’s numbers are left out: put in yours.")
    return redirect(url_for("needs.tasks", ref=draft), 303)
