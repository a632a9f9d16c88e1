"""Sign-off over HTTP: the queue, the decision on one need, comparing versions, and who leads a need."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public, requires, signed_in
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, Gone
from marketplace.needs import submitting
from marketplace.needs.actions import withdrawn_words
from marketplace.needs.models import Need
from marketplace.needs.signing import Decided
from marketplace.reviews import actions, pages, queries
from marketplace.reviews.forms import COMMENT, ApproveForm, DeputyForm, PlainForm, ReviewForm, SeenForm
from marketplace.web.pages import fragment
from marketplace.web.words import count

reviews = Blueprint("reviews", __name__)

ITS_PEOPLE = "a need's leads and its deputy; the action and the query look who that is"


# The queue


@reviews.get("/sign-off")
@requires(Permission.NEED_REVIEW)
def queue() -> ResponseReturnValue:
    """Show what waits for this person's approval or check."""
    return fragment(queue_page(), ApproveForm())


@reviews.post("/sign-off")
@requires(Permission.NEED_APPROVE)
def approve() -> ResponseReturnValue:
    """Approve the needs that are ticked, all at once."""
    form = ApproveForm()
    status = 422
    try:
        to_hins, published = actions.approve(
            current_actor(), form.chosen(), form_key=form.form_key.data or ""
        )
    except Decided as error:
        form.show(error)
        status = 409
    except DomainError as error:
        form.show(error)
    else:
        flash(approved_words(to_hins, published))
        return redirect(url_for("reviews.queue"), 303)
    db.session.expire_all()
    return fragment(queue_page(), form), status


def queue_page() -> pages.QueuePage:
    """Return the page of what waits."""
    actor = current_actor()
    return pages.QueuePage.build(
        actor,
        queries.to_approve(db.session, actor),
        queries.approved(db.session, actor),
        queries.to_check(db.session, actor),
        queries.unseen(db.session, actor),
    )


def approved_words(to_hins: int, published: int) -> str:
    """Say what became of the needs that were approved."""
    parts = []
    if to_hins:
        parts.append(f"{count(to_hins, 'need')} approved and sent to the HIN to check.")
    if published:
        parts.append(
            f"{count(published, 'need')} approved and published. No HIN checks {'it' if published == 1 else 'them'}."
        )
    return " ".join(parts)


# One need


@reviews.get("/sign-off/<ref>")
@requires(Permission.NEED_REVIEW)
def review(ref: str) -> ResponseReturnValue:
    """Show a need as the public will read it, with the form to decide."""
    actor = current_actor()
    need = reviewed(ref)
    return fragment(pages.ReviewPage.build(actor, need), opened(need))


@reviews.post("/sign-off/<ref>")
@requires(Permission.NEED_REVIEW)
def decide(ref: str) -> ResponseReturnValue:
    """Approve, check or return a need."""
    actor, form = current_actor(), ReviewForm()
    need = queries.reviewed_need(db.session, actor, ref)
    unseen = need.sign_off is not None and need.sign_off.unseen
    key, comments, note = form.form_key.data or "", form.comments(), form.note.data or ""
    try:
        if form.validate():
            if form.decision == "return" and unseen:
                actions.ask_for_changes(actor, ref, form.seen, comments, note, form_key=key)
                flash("Its writers are told, and see your comments beside the fields when they change it.")
            elif form.decision == "return":
                actions.send_back(actor, ref, form.seen, comments, note, form_key=key)
                flash("The need is returned. Its writers are told, and see your comments beside the fields.")
            else:
                check_no_comments(form.decision, comments, note)
                if form.decision == "approve":
                    flash(approved_words(*actions.approve(actor, {ref: form.seen}, form_key=key)))
                else:
                    actions.check(actor, ref, form.seen, form_key=key)
                    flash(
                        "The need is checked, and its page says so."
                        if unseen
                        else "The need is checked and published."
                    )
            return redirect(url_for("reviews.queue"), 303)
    except Decided as error:
        db.session.expire_all()
        typed = comments | {"note": note}
        need = queries.reviewed_need(db.session, actor, ref)
        page = pages.ReviewPage.build(actor, need, conflict=error.message, typed=typed)
        return fragment(page, opened(need)), 409
    except DomainError as error:
        form.show(error)
    db.session.expire_all()
    return fragment(pages.ReviewPage.build(actor, reviewed(ref)), form), 422


def check_no_comments(decision: str, comments: dict[str, str], note: str) -> None:
    """Raise for comments that an approval would swallow, and for a form without a decision."""
    if not decision:
        raise DomainError("Choose what to do with this need")
    field = next((f"{COMMENT}{name}" for name, text in comments.items() if text), "note" if note else "")
    if field:
        raise DomainError(
            "You wrote a comment. Return the need with it, or clear it before you sign off", field
        )


def opened(need: Need) -> ReviewForm:
    """Return an empty form about the latest submission."""
    form = ReviewForm(formdata=None)
    if need.sign_off is not None:
        form.round.data, form.lock_version.data = need.sign_off.round, need.sign_off.lock_version
    return form


def reviewed(ref: str) -> Need:
    """Return a need that this person may read as its reviewer; say so where it was withdrawn."""
    need = queries.reviewed_need(db.session, current_actor(), ref)
    if need.withdrawn_at is not None:
        raise Gone(withdrawn_words(need))
    return need


@reviews.post("/sign-off/<ref>/publish")
@requires(Permission.NEED_APPROVE)
def publish(ref: str) -> ResponseReturnValue:
    """Publish a need that the HIN has not checked in its time."""
    form = SeenForm()
    actions.publish_unchecked(current_actor(), ref, form.seen, form_key=form.form_key.data or "")
    flash("The need is published. Its page says that the HIN has not checked it.")
    return redirect(url_for("needs.need", ref=ref), 303)


@reviews.post("/needs/<ref>/take-back")
@requires(Permission.NEED_PUBLISH)
def take_back(ref: str) -> ResponseReturnValue:
    """Take a submitted need back to change it."""
    form = PlainForm()
    submitting.take_back(current_actor(), ref, form_key=form.form_key.data or "")
    flash("The need is yours again. Change it, and submit it when it is ready.")
    return redirect(url_for("needs.tasks", ref=ref), 303)


# Comparing


@reviews.get("/needs/<ref>/compare")
@public("published versions are there for everybody; what was only submitted is shown to people inside")
def compare(ref: str) -> ResponseReturnValue:
    """Show two versions of a need side by side."""
    found = queries.comparable(db.session, current_actor(), ref)
    if found.need.withdrawn_at is not None:
        raise Gone(withdrawn_words(found.need))
    older, newer = request.args.get("from", "")[:40], request.args.get("to", "")[:40]
    return fragment(pages.ComparePage.build(found, older, newer))


# Who leads a need


@reviews.get("/needs/<ref>/people")
@signed_in(ITS_PEOPLE)
def people(ref: str) -> ResponseReturnValue:
    """Show who leads a need, with the form to name its deputy."""
    need = led(ref)
    return fragment(people_page(need), deputy_form(need))


@reviews.post("/needs/<ref>/people")
@requires(Permission.NEED_WRITE)
def name_deputy(ref: str) -> ResponseReturnValue:
    """Name the deputy."""
    need = led(ref)
    form = deputy_form(need)
    if form.validate():
        try:
            submitting.name_deputy(current_actor(), ref, form.chosen, form_key=form.form_key.data or "")
        except Conflict:
            raise
        except DomainError as error:
            form.show(error)
        else:
            flash("The deputy is named.")
            return redirect(url_for("reviews.people", ref=ref), 303)
    return fragment(people_page(led(ref)), form), 422


@reviews.post("/needs/<ref>/take-over")
@signed_in(ITS_PEOPLE)
def take_over(ref: str) -> ResponseReturnValue:
    """Take over a need whose owner has left."""
    form = PlainForm()
    submitting.take_over(current_actor(), ref, form_key=form.form_key.data or "")
    flash("You lead this need now. Name a deputy for it.")
    return redirect(url_for("reviews.people", ref=ref), 303)


def led(ref: str) -> Need:
    """Return a need for its people; say so where it was withdrawn."""
    need = queries.led_need(db.session, current_actor(), ref)
    if need.withdrawn_at is not None:
        raise Gone(withdrawn_words(need))
    return need


def people_page(need: Need) -> pages.PeoplePage:
    """Return the page of who leads a need."""
    members, invited = queries.colleagues(db.session, need.organisation_id)
    return pages.PeoplePage.build(current_actor(), need, members, invited)


def deputy_form(need: Need) -> DeputyForm:
    """Return the form with everybody of the organisation but the owner."""
    form = DeputyForm()
    owner = need.people.owner_id if need.people is not None else None
    members, _ = queries.colleagues(db.session, need.organisation_id)
    form.offer(
        (one.user_id, f"{one.name}, {one.role.label.lower()}") for one in members if one.user_id != owner
    )
    if not form.is_submitted() and need.people is not None:
        form.deputy.data = str(need.people.deputy_id or "")
    return form
