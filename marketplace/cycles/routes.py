"""Cycles over HTTP."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access.actor import ensure
from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.cycles import actions, forms, pages, queries, rules
from marketplace.database import db
from marketplace.errors import NotVisible
from marketplace.needs import queries as needs
from marketplace.needs.models import Cycle
from marketplace.needs.pages.words import PLACE_WORDS
from marketplace.needs.rules import TopThreeError
from marketplace.organisations.rules import OrganisationClosed
from marketplace.web.pages import fragment

cycles = Blueprint("cycles", __name__)


# Who has answered


@cycles.get("/coverage")
@public("who has answered is there for everybody to see")
def coverage() -> ResponseReturnValue:
    """Show who has answered in the current cycle."""
    current = needs.current_cycle()
    if current is None:
        return fragment(pages.NoCoverage())
    return coverage_page(current, always=True)


@cycles.get("/coverage/<int:cycle_id>")
@public("who has answered is there for everybody to see")
def coverage_of(cycle_id: int) -> ResponseReturnValue:
    """Show who has answered in a cycle."""
    return coverage_page(opened(cycle_id), always=False)


@cycles.get("/coverage/<int:cycle_id>.csv")
@public("who has answered is there for everybody to see")
def coverage_csv(cycle_id: int) -> ResponseReturnValue:
    """Give who has answered in a cycle as a file."""
    cycle = opened(cycle_id)
    on = counted_on(cycle)
    text = pages.as_csv(cycle, queries.answers(db.session, cycle.id, on), on)
    name = f"coverage-{cycle.opens_on}.csv"
    return Response(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def coverage_page(cycle: Cycle, *, always: bool) -> str:
    """Build the page of a cycle for what somebody looks for."""
    on = counted_on(cycle)
    answers = queries.answers(db.session, cycle.id, on)
    asked = pages.Asked.read(request.args)
    page = pages.Coverage.build(cycle, needs.cycles(), answers, on, asked, always=always)
    return fragment(page)


def opened(cycle_id: int) -> Cycle:
    """Return a cycle that has opened; nobody was asked in one that has not."""
    cycle = queries.cycle_or_gone(db.session, cycle_id)
    if cycle.opens_on > clock.today():
        raise NotVisible
    return cycle


def counted_on(cycle: Cycle) -> date:
    """Return the day for which organisations are counted: today, or the last day of a cycle that has closed."""
    return min(clock.today(), cycle.closes_on)


# Still true?


@cycles.get("/organisations/<organisation_code>/still-true")
@requires(Permission.NEED_PUBLISH)
def still_true(organisation_code: str) -> ResponseReturnValue:
    """Ask of each need of an earlier cycle whether it is still true."""
    return fragment(still_true_page(organisation_code), forms.PlainForm())


@cycles.post("/needs/<ref>/still-true")
@requires(Permission.NEED_PUBLISH)
def confirm(ref: str) -> ResponseReturnValue:
    """Keep a need of an earlier cycle."""
    code, form = needs.organisation_code_of(ref), forms.PlainForm()
    try:
        place = actions.confirm(current_actor(), ref)
    except (TopThreeError, OrganisationClosed) as error:
        form.form_errors.append(error.message)
        return fragment(still_true_page(code), form), 422
    flash(f"The need is kept. It is your {PLACE_WORDS[place - 1].lower()}.")
    return redirect(url_for("cycles.still_true", organisation_code=code), 303)


def still_true_page(organisation_code: str) -> pages.StillTrue:
    """Build the page of an organisation's needs."""
    actor, found = current_actor(), needs.organisation(organisation_code)
    ensure(actor, Permission.NEED_PUBLISH, found.id, visible=True)
    cycle = needs.current_cycle()
    co_signed = [(rank, need) for _, rank, need in needs.co_signed(actor, [found.id], cycle)]
    return pages.StillTrue.build(found, cycle, queries.stands(actor, found.id), co_signed)


# Cycles


def listing_page() -> pages.CyclesPage:
    """Build the page of all cycles."""
    return pages.CyclesPage.build(needs.cycles(), queries.cancelled(db.session))


@cycles.get("/cycles")
@requires(Permission.SERVICE_OVERSEE)
def listing() -> ResponseReturnValue:
    """List the cycles, with the form to enter the next one."""
    return fragment(listing_page(), forms.CycleForm())


@cycles.post("/cycles")
@requires(Permission.SERVICE_OVERSEE)
def enter() -> ResponseReturnValue:
    """Enter the next cycle."""
    form = forms.CycleForm()
    if form.validate():
        try:
            actions.enter(current_actor(), form.round(), form_key=form.form_key.data or "")
        except rules.CycleError as error:
            form.show(error)
        else:
            flash("The cycle is entered.")
            return redirect(url_for("cycles.listing"), 303)
    return fragment(listing_page(), form), 422


@cycles.get("/cycles/<int:cycle_id>")
@requires(Permission.SERVICE_OVERSEE)
def dates(cycle_id: int) -> ResponseReturnValue:
    """Show the dates of a cycle, to move those that have not passed."""
    found = queries.cycle_or_gone(db.session, cycle_id)
    return fragment(pages.DatesPage.build(found), forms.CycleForm.opened(found))


@cycles.post("/cycles/<int:cycle_id>")
@requires(Permission.SERVICE_OVERSEE)
def move(cycle_id: int) -> ResponseReturnValue:
    """Move the dates of a cycle."""
    form, status = forms.CycleForm(), 422
    if form.validate():
        try:
            actions.move(
                current_actor(),
                cycle_id,
                form.round(),
                seen=form.was(),
                form_key=form.form_key.data or "",
            )
        except rules.DatesMoved as error:
            form.show(error)
            status = 409
        except rules.CycleError as error:
            form.show(error)
        else:
            flash("The dates are changed.")
            return redirect(url_for("cycles.listing"), 303)
    found = queries.cycle(db.session, cycle_id)
    form.on(found)
    return fragment(pages.DatesPage.build(found), form), status


@cycles.get("/cycles/<int:cycle_id>/cancel")
@requires(Permission.SERVICE_OVERSEE)
def cancelling(cycle_id: int) -> ResponseReturnValue:
    """Tell what cancelling a cycle takes back, and ask why."""
    return fragment(*cancel_page(cycle_id, forms.CancelForm()))


@cycles.post("/cycles/<int:cycle_id>/cancel")
@requires(Permission.SERVICE_OVERSEE)
def cancel(cycle_id: int) -> ResponseReturnValue:
    """Cancel a cycle."""
    form, status = forms.CancelForm(), 422
    if form.validate():
        try:
            actions.cancel(
                current_actor(),
                cycle_id,
                form.reason.data or "",
                seen=form.seen.data or "",
                form_key=form.form_key.data or "",
            )
        except rules.AnswersChanged as error:
            form.show(error)
            status = 409
        except rules.CycleError as error:
            form.show(error)
        else:
            flash("The cycle is cancelled.")
            return redirect(url_for("cycles.listing"), 303)
    return fragment(*cancel_page(cycle_id, form)), status


def cancel_page(cycle_id: int, form: forms.CancelForm) -> tuple[pages.CancelPage, forms.CancelForm]:
    """Build the page of a cycle as it is now, and note in the form what it tells."""
    found = queries.cycle_or_gone(db.session, cycle_id)
    said = queries.said_in(db.session, found)
    form.seen.data = rules.state_of(found.round, said)
    return pages.CancelPage.build(found, said, len(queries.told_of(db.session, cycle_id))), form
