"""Introductions and the broker's patch over HTTP."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.doors import current_actor, requires
from marketplace.access.policy import Permission, Role
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, NotPermitted, NotVisible
from marketplace.introductions import actions, pages, queries, rules, triage
from marketplace.introductions.forms import AcceptForm, CloseForm, DeclineForm, ProposeForm
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Seen, Side
from marketplace.web.pages import fragment

introductions = Blueprint("introductions", __name__)

ANSWERS = {"accept": Decision.ACCEPTED, "decline": Decision.DECLINED}
ANSWERED = {
    Seen.ACCEPTED: "You accepted. We will write to you when there is news.",
    Seen.DECLINED: "You declined. Only the broker knows.",
    Seen.INTRODUCED: "Both sides have accepted. The contact details are on this page and in your e-mail.",
}
#: How many settled introductions the list shows; older ones are found from their need.
SETTLED = 100


@introductions.get("/introductions")
@requires(Permission.INTRODUCTION_READ)
def listing() -> ResponseReturnValue:
    """List the introductions that concern the person."""
    actor = current_actor()
    found = [*queries.hanging_of(db.session, actor), *queries.settled_of(db.session, actor, SETTLED)]
    page = pages.listing(
        [(introduction, queries.viewpoint(actor, introduction)) for introduction in found],
        clock.now(),
        brokers=actor.has(Role.BROKER),
        sides=actor.may(Permission.INTRODUCTION_DECIDE),
    )
    return fragment(page)


@introductions.get("/introductions/<ref>")
@requires(Permission.INTRODUCTION_READ)
def introduction(ref: str) -> ResponseReturnValue:
    """Show one introduction as this person may see it."""
    actor = current_actor()
    found = visible(actor, ref)
    contacts = [contact for _, contact in queries.contacts(db.session, found)]
    return fragment(pages.page(found, queries.viewpoint(actor, found), contacts, clock.now()))


@introductions.get("/introductions/<ref>/<any(need,supplier):side>/<any(accept,decline):answer>")
@requires(Permission.INTRODUCTION_DECIDE)
def answer(ref: str, side: str, answer: str) -> ResponseReturnValue:
    """Ask for confirmation."""
    found = side_of(current_actor(), ref, Side(side))
    form = answer_form(ANSWERS[answer], found.side_lock_version(Side(side)))
    page = pages.answer(found, Side(side), ANSWERS[answer], clock.now())
    return fragment(page, form)


@introductions.post("/introductions/<ref>/<any(need,supplier):side>/<any(accept,decline):answer>")
@requires(Permission.INTRODUCTION_DECIDE)
def do_answer(ref: str, side: str, answer: str) -> ResponseReturnValue:
    """Store the answer."""
    actor, decision, own = current_actor(), ANSWERS[answer], Side(side)
    form = answer_form(decision)
    side_of(actor, ref, own)
    conflict = ""
    if form.validate():
        try:
            seen = actions.decide(
                actor,
                ref,
                own,
                decision is Decision.ACCEPTED,
                form.reason.data or "" if isinstance(form, DeclineForm) else "",
                lock_version=form.version,
            )
        except Conflict as error:
            conflict = error.message
        except DomainError as error:
            form.show(error)
        else:
            flash(ANSWERED[seen])
            return redirect(url_for("introductions.introduction", ref=ref), 303)
    found = side_of(actor, ref, own)
    if conflict:
        # The next press answers what this page shows, not what the old one showed.
        form.lock_version.data = str(found.side_lock_version(own))
    page = pages.answer(found, own, decision, clock.now(), conflict)
    return fragment(page, form), 409 if conflict else 422


@introductions.get("/introductions/<ref>/close")
@requires(Permission.INTRODUCTION_PROPOSE)
def close(ref: str) -> ResponseReturnValue:
    """Ask the broker why."""
    found = brokered(current_actor(), ref)
    form = CloseForm()
    form.lock_version.data = str(found.lock_version)
    return fragment(pages.closing(found, clock.now()), form)


@introductions.post("/introductions/<ref>/close")
@requires(Permission.INTRODUCTION_PROPOSE)
def do_close(ref: str) -> ResponseReturnValue:
    """Close it."""
    actor, form = current_actor(), CloseForm()
    brokered(actor, ref)
    conflict = ""
    if form.validate():
        try:
            actions.close(actor, ref, form.reason.data or "", lock_version=form.version)
        except Conflict as error:
            conflict = error.message
        except DomainError as error:
            form.show(error)
        else:
            flash("Closed. Both sides have been told that it is not going ahead, and not why.")
            return redirect(url_for("introductions.introduction", ref=ref), 303)
    found = brokered(actor, ref)
    if conflict:
        form.lock_version.data = str(found.lock_version)
    return fragment(pages.closing(found, clock.now(), conflict), form), 409 if conflict else 422


@introductions.get("/needs/<need_ref>/introduce/<technology_ref>")
@requires(Permission.INTRODUCTION_PROPOSE)
def propose(need_ref: str, technology_ref: str) -> ResponseReturnValue:
    """Ask the broker for the note to both sides."""
    form = ProposeForm()
    form.step.data = "check"
    return fragment(proposing(current_actor(), need_ref, technology_ref), form)


@introductions.post("/needs/<need_ref>/introduce/<technology_ref>")
@requires(Permission.INTRODUCTION_PROPOSE)
def do_propose(need_ref: str, technology_ref: str) -> ResponseReturnValue:
    """Show the note to be checked, go back to it, or propose."""
    actor, form = current_actor(), ProposeForm()
    step = form.step.data
    page = proposing(actor, need_ref, technology_ref)
    if form.validate():
        try:
            note = rules.check_note(form.note.data or "")
            if step == "propose":
                ref = actions.propose(
                    actor, need_ref, technology_ref, note, form_key=form.form_key.data or ""
                )
                flash("Proposed. Both sides have been written to.")
                return redirect(url_for("introductions.introduction", ref=ref), 303)
            if step == "check" and not page.hindrance:
                form.step.data = "propose"
                return fragment(proposing(actor, need_ref, technology_ref, note), form)
        except DomainError as error:
            form.show(error)
    form.step.data = "check"
    # Going back to change the note is no mistake.
    return fragment(proposing(actor, need_ref, technology_ref), form), 200 if step == "change" else 422


@introductions.get("/patch")
@requires(Permission.INTRODUCTION_PROPOSE)
def patch() -> ResponseReturnValue:
    """List the needs of the broker's patch, the most urgent first."""
    return fragment(triage.patch(current_actor(), request.args))


@introductions.get("/patch/<need_ref>")
@requires(Permission.INTRODUCTION_PROPOSE)
def patch_need(need_ref: str) -> ResponseReturnValue:
    """Show a need of the patch with what fits it and what has been proposed."""
    return fragment(triage.need_page(current_actor(), need_ref))


@introductions.get("/patch/<need_ref>/compare")
@requires(Permission.INTRODUCTION_PROPOSE)
def compare(need_ref: str) -> ResponseReturnValue:
    """Show technologies beside each other."""
    actor, wanted = current_actor(), request.args.getlist("technology")
    try:
        return fragment(triage.compare(actor, need_ref, wanted))
    except DomainError as error:
        return fragment(triage.need_page(actor, need_ref, mistake=error.message, chosen=wanted)), 422


def visible(actor: Actor, ref: str) -> Introduction:
    """Return an introduction that concerns the person, or raise `NotVisible`."""
    found = queries.one(db.session, actor, ref)
    if found is None:
        raise NotVisible
    return found


def side_of(actor: Actor, ref: str, side: Side) -> Introduction:
    """Return an introduction in which the person answers for the side, or raise."""
    found = visible(actor, ref)
    if side not in queries.viewpoint(actor, found).sides:
        raise NotPermitted
    return found


def brokered(actor: Actor, ref: str) -> Introduction:
    """Return an introduction that the person sees as a broker, or raise."""
    found = visible(actor, ref)
    if not queries.viewpoint(actor, found).broker:
        raise NotPermitted
    return found


def answer_form(decision: Decision, lock_version: int | None = None) -> AcceptForm | DeclineForm:
    """Return the form for an answer; with a number for a form that is shown for the first time."""
    form = AcceptForm() if decision is Decision.ACCEPTED else DeclineForm()
    if lock_version is not None:
        form.lock_version.data = str(lock_version)
    return form


def proposing(actor: Actor, need_ref: str, technology_ref: str, note: str = "") -> pages.ProposePage:
    """Return the page for a proposal; with a note for checking it."""
    need = queries.need_of_patch(db.session, actor, need_ref)
    technology = queries.listed_technology(db.session, technology_ref)
    if technology is None:
        raise NotVisible
    existing = queries.standing_of_pair(db.session, actor, need.id, technology.id)
    if existing is not None and not existing.course.introduced and existing.course.ended(clock.now()):
        existing = None
    return pages.proposing(need, technology, note=note, checking=bool(note), existing=existing)
