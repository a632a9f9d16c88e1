"""Needs over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.actor import ensure
from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, Gone, NotVisible
from marketplace.needs import actions, finder, forms, queries, rules, submitting
from marketplace.needs.models import Need
from marketplace.needs.pages.organisation import OrganisationPage
from marketplace.needs.pages.ranking import DiscardPage, RankPage, WithdrawPage
from marketplace.needs.pages.reading import NeedPage, WithdrawnPage
from marketplace.needs.pages.workspace import Workspace
from marketplace.needs.pages.writing import (
    Check,
    ConflictPage,
    LostPage,
    QuestionPage,
    StartPage,
    Tasks,
    has_unseen,
)
from marketplace.needs.questions import Question
from marketplace.needs.rules import NeedContent, State
from marketplace.needs.signing import Submitted
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.organisations.rules import OrganisationClosed
from marketplace.web.pages import fragment
from marketplace.web.words import count

needs = Blueprint("needs", __name__)

#: The question that follows the one about the problem.
AFTER_PROBLEM = "people"


# What everybody sees


@needs.get("/needs/<ref>")
@public("published needs are there for everybody to see; drafts are checked one by one")
def need(ref: str) -> ResponseReturnValue:
    """Show a need, or that it was withdrawn; take its leads to the draft where it was never published."""
    found = queries.need_for(current_actor(), ref)
    if found.state is State.DRAFT:
        return redirect(url_for("needs.tasks", ref=ref))
    return shown(found, found.version)


@needs.get("/needs/<ref>/versions/<int:number>")
@public("what was published stays readable, so that a change can be seen")
def version(ref: str, number: int) -> ResponseReturnValue:
    """Show a version of a need as it was published."""
    return shown(queries.need_for(current_actor(), ref), number)


def shown(found: Need, number: int) -> ResponseReturnValue:
    """Show one version of a need; a withdrawn one with 410."""
    if found.state is State.WITHDRAWN:
        return fragment(WithdrawnPage.build(found)), 410
    for one in found.versions:
        if one.number == number:
            actor = current_actor()
            likes = finder.likes(actor, found) if number == found.version else finder.Likes()
            return fragment(NeedPage.build(actor, found, one, likes), forms.PlainForm())
    raise NotVisible


@needs.get("/organisations/<organisation_code>")
@public("an organisation's top three are there for everybody to see")
def organisation(organisation_code: str) -> ResponseReturnValue:
    """Show an organisation's top three; where it has been succeeded, lead to who has its needs now."""
    former = lineage.by_former_code(db.session, organisation_code)
    if former is not None:
        return redirect(url_for("needs.organisation", organisation_code=former.code), 301)
    actor, found = current_actor(), queries.organisation(organisation_code)
    if found.closed_on is not None and (heirs := lineage.successors_of(db.session, found.id)):
        endpoint = "needs.organisation" if len(heirs) == 1 else "succession.history"
        code = heirs[0].code if len(heirs) == 1 else found.code
        return redirect(url_for(endpoint, organisation_code=code), 301)
    return fragment(
        OrganisationPage.build(
            actor,
            found,
            queries.current_cycle(),
            queries.top_three(actor, found.id),
            queries.lapsed_of(actor, found.id),
            queries.withdrawn_of(actor, found.id),
            co_signed(found),
        )
    )


# Our needs


@needs.get("/top-three")
@requires(Permission.NEED_WRITE)
def workspace() -> ResponseReturnValue:
    """Show our needs by state."""
    actor = current_actor()
    organisations = queries.writes_for(actor)
    ours = queries.needs_of(actor, [one.id for one in organisations])
    return fragment(Workspace.build(actor, queries.current_cycle(), organisations, ours))


@needs.get("/top-three/new")
@requires(Permission.NEED_WRITE)
def start() -> ResponseReturnValue:
    """Say what will be asked; ask for which organisation."""
    organisations = queries.writes_for(current_actor())
    return fragment(StartPage.build(organisations), start_form(organisations))


@needs.post("/top-three/new")
@requires(Permission.NEED_WRITE)
def create() -> ResponseReturnValue:
    """Start a draft."""
    organisations = queries.writes_for(current_actor())
    form = start_form(organisations)
    offered = [one for one in organisations if not one.closed] or organisations
    alone = len(offered) == 1
    chosen = [one for one in offered if alone or one.code == form.organisation.data]
    if form.validate() and len(chosen) == 1:
        try:
            ref = actions.create_draft(current_actor(), chosen[0].id, form_key=form.form_key.data or "")
        except OrganisationClosed as error:
            form.show(error)
        else:
            return redirect(url_for("needs.question", ref=ref, slug="title"), 303)
    if not chosen:
        form.show(DomainError("Choose the organisation that this need is for", "organisation"))
    return fragment(StartPage.build(organisations), form), 422


def start_form(organisations: Sequence[Organisation]) -> forms.StartForm:
    """Return the form with the person's organisations, but those that have closed."""
    form = forms.StartForm()
    form.offer((one.code, one.name) for one in organisations if not one.closed)
    return form


@needs.get("/needs/<ref>/tasks")
@requires(Permission.NEED_WRITE)
def tasks(ref: str) -> ResponseReturnValue:
    """Show the task list of a draft."""
    found = draft_of(ref)
    if found.waiting is not None:
        return redirect(url_for("needs.check", ref=ref))
    return fragment(Tasks.build(current_actor(), found, queries.has_draft(found)))


@needs.get("/needs/<ref>/questions/<slug>")
@requires(Permission.NEED_WRITE)
def question(ref: str, slug: str) -> ResponseReturnValue:
    """Ask one question."""
    asked, found = rules.question(slug), draft_of(ref)
    draft = queries.has_draft(found)
    if found.waiting is not None:
        return redirect(url_for("needs.check", ref=ref))
    form = forms.FORMS[slug].opened(draft.content(), draft.lock_version)
    saved = request.args.get("look") == "saved"
    # Once title and problem are written and before the rest is: somebody may have published this need already.
    early = found.state is State.DRAFT and slug == AFTER_PROBLEM
    likes = finder.likes(current_actor(), found, draft=True) if early else None
    return fragment(QuestionPage.build(found, draft, asked, form.spots(), saved=saved, likes=likes), form)


@needs.post("/needs/<ref>/questions/<slug>")
@requires(Permission.NEED_WRITE)
def answer(ref: str, slug: str) -> ResponseReturnValue:
    """Save the answers of one page and go on."""
    asked, form = rules.question(slug), forms.FORMS[slug]()
    try:
        found = queries.own_need(current_actor(), ref)
        if found.draft is None:
            raise gone(found)
        if form.rearranged() or form.asks_for_a_look():
            return fragment(page_as_typed(found, asked, form), form)
        replied = form.check_replies()
        if form.validate() and form.check_unticked(found.draft.content()) and replied:
            actions.save_draft(
                current_actor(),
                ref,
                form.changes(),
                lock_version=form.lock_version.data or 0,
                seen=form.seen.data,
                left_as_is=form.left_as_is(),
                settled=form.replies(),
            )
            return redirect(next_address(ref, asked, form), 303)
    except rules.WrongAnswer as error:
        form.show(error)
    except rules.DraftChanged as error:
        return both_texts(ref, asked, form, error), 409
    except (rules.NoDraft, Submitted, Gone, NotVisible) as error:
        if isinstance(error, NotVisible) and not queries.was_discarded(current_actor(), ref):
            raise
        why = getattr(error, "message", "") or "This draft was deleted while you were writing"
        return fragment(LostPage.build(why, asked, typed(form))), 409
    form.pad()
    return fragment(page_as_typed(draft_of(ref), asked, form), form), 422


def page_as_typed(found: Need, asked: Question, form: forms.QuestionForm) -> QuestionPage:
    """Return the page of a question with what the coach asks about the answers as they are typed."""
    draft = queries.has_draft(found)
    return QuestionPage.build(
        found,
        draft,
        asked,
        form.spots(),
        typed=form.so_far(draft.content()),
        ticked=form.left_as_is(),
        focus_last=request.form.get("act") == "add",
        settled=form.replies(),
        wrong=form.wrong_replies,
    )


def gone(found: Need) -> Exception:
    """Return the reason why a need has no draft."""
    if found.state is State.WITHDRAWN:
        return Gone(actions.withdrawn_words(found))
    return rules.NoDraft("The draft of this need was published or discarded while you were writing")


def typed(form: forms.QuestionForm) -> NeedContent:
    """Return what was typed, whatever it is."""
    return NeedContent(**form.changes())


def both_texts(ref: str, asked: Question, form: forms.QuestionForm, error: rules.DraftChanged) -> str:
    """Show both texts, with a form that is now based on the saved one."""
    found = queries.own_need(current_actor(), ref)
    form.on(error.theirs, error.lock_version)
    form.pad()
    saved = f"Saved on {error.saved_at}" + (f" by {error.saved_by}" if error.saved_by else "")
    return fragment(ConflictPage.of(found, asked, form.spots(), error.theirs, typed(form), saved), form)


def next_address(ref: str, asked: Question, form: forms.QuestionForm) -> str:
    """Return where saving leads: to the check, the next question or the task list.

    Where the coach asks something that the person has not seen, "Save and continue" leads back to the page once.
    """
    if request.args.get("back") == "check":
        return url_for("needs.check", ref=ref)
    if request.form.get("act") == "later":
        return url_for("needs.tasks", ref=ref)
    if has_unseen(queries.has_draft(draft_of(ref)), form.spots(), form.shown()):
        return url_for("needs.question", ref=ref, slug=asked.slug, look="saved")
    following = rules.after(asked.slug)
    if following is None:
        return url_for("needs.check", ref=ref)
    return url_for("needs.question", ref=ref, slug=following.slug)


@needs.get("/needs/<ref>/check")
@requires(Permission.NEED_WRITE)
def check(ref: str) -> ResponseReturnValue:
    """Show all answers before they are submitted, and while they are signed off."""
    found = draft_of(ref)
    draft = queries.has_draft(found)
    form = forms.SubmitEditForm(data={"lock_version": draft.lock_version})
    return fragment(check_page(found), form)


@needs.post("/needs/<ref>/check")
@requires(Permission.NEED_PUBLISH)
def submit_edit(ref: str) -> ResponseReturnValue:
    """Submit an edited need as its new version."""
    form = forms.SubmitEditForm()
    if form.validate():
        try:
            submitting.submit_edit(
                current_actor(),
                ref,
                change_note=form.change_note.data or "",
                lock_version=form.lock_version.data or 0,
                form_key=form.form_key.data or "",
            )
        except rules.NoDraft:
            raise
        except (Conflict, rules.WrongAnswer, rules.TopThreeError) as error:
            form.show(error)
        else:
            flash("The new version is submitted. People see the published one until it is signed off.")
            return redirect(url_for("needs.check", ref=ref), 303)
    found = draft_of(ref)
    draft = queries.has_draft(found)
    form.lock_version.data = draft.lock_version
    return fragment(check_page(found), form), 422


def check_page(found: Need) -> Check:
    """Return the page of all answers, with the like needs of other organisations."""
    actor = current_actor()
    likes = finder.likes(actor, found, draft=True)
    return Check.build(actor, found, queries.has_draft(found), likes)


@needs.post("/needs/<ref>/edit")
@requires(Permission.NEED_WRITE)
def edit(ref: str) -> ResponseReturnValue:
    """Copy a published need into a draft to change it."""
    actions.start_edit(current_actor(), ref)
    return redirect(url_for("needs.tasks", ref=ref), 303)


@needs.get("/needs/<ref>/discard")
@requires(Permission.NEED_WRITE)
def discard(ref: str) -> ResponseReturnValue:
    """Ask before a draft is thrown away."""
    found = draft_of(ref)
    return fragment(DiscardPage.build(found, queries.has_draft(found)), forms.PlainForm())


@needs.post("/needs/<ref>/discard")
@requires(Permission.NEED_WRITE)
def do_discard(ref: str) -> ResponseReturnValue:
    """Throw a draft away."""
    actions.discard_draft(current_actor(), ref)
    flash("The draft is deleted.")
    return redirect(url_for("needs.workspace"), 303)


def draft_of(ref: str) -> Need:
    """Return one of our needs with its draft; say so where it was withdrawn or has no draft."""
    found = queries.own_need(current_actor(), ref)
    if found.draft is None:
        raise gone(found)
    return found


# Ranking and withdrawing


@needs.get("/organisations/<organisation_code>/top-three")
@requires(Permission.NEED_PUBLISH)
def rank(organisation_code: str) -> ResponseReturnValue:
    """Offer places for our needs."""
    return fragment(rank_page(organisation_code), forms.RankForm())


@needs.post("/organisations/<organisation_code>/top-three")
@requires(Permission.NEED_PUBLISH)
def submit(organisation_code: str) -> ResponseReturnValue:
    """Rank our needs, and submit those that are drafts."""
    form = forms.RankForm()
    places = form.places()
    errors: dict[str, str] = {}
    try:
        submitted = submitting.submit_top_three(
            current_actor(),
            organisation_code,
            rules.order_of(places),
            form_key=form.form_key.data or "",
            seen=form.seen(),
        )
    except (rules.TopThreeError, OrganisationClosed) as error:
        errors[error.field] = error.message
    else:
        if not submitted:
            flash("Your top three are saved in this order.")
            return redirect(url_for("needs.organisation", organisation_code=organisation_code), 303)
        flash(
            f"{count(len(submitted), 'need')} submitted. Your sponsor is asked to approve, then the HIN checks. "
            "You get an e-mail when something is returned or published."
        )
        return redirect(url_for("needs.workspace"), 303)
    page = rank_page(organisation_code, places, errors)
    listed = {item.ref for item in page.needs}
    form.by_need = {ref: words for ref, words in errors.items() if ref in listed}
    form.form_errors += [words for ref, words in errors.items() if ref not in listed]
    return fragment(page, form), 422


def rank_page(
    organisation_code: str, chosen: dict[str, int | None] | None = None, errors: dict[str, str] | None = None
) -> RankPage:
    """Build the page of our needs with the places chosen so far."""
    actor, found = current_actor(), queries.organisation(organisation_code)
    ensure(actor, Permission.NEED_PUBLISH, found.id, visible=True)
    cycle, ours = queries.current_cycle(), queries.needs_of(actor, [found.id])
    return RankPage.build(found, cycle, ours, co_signed(found), chosen=chosen, errors=errors)


def co_signed(found: Organisation) -> list[tuple[int, Need]]:
    """Return the needs of others to which an organisation has given a place in the current cycle, with the place."""
    rows = queries.co_signed(current_actor(), [found.id], queries.current_cycle())
    return [(place, need) for _, place, need in rows]


@needs.get("/needs/<ref>/withdraw")
@requires(Permission.NEED_PUBLISH)
def withdraw(ref: str) -> ResponseReturnValue:
    """Ask why a need is withdrawn."""
    return fragment(WithdrawPage.build(published_need(ref)), forms.WithdrawForm())


@needs.post("/needs/<ref>/withdraw")
@requires(Permission.NEED_PUBLISH)
def do_withdraw(ref: str) -> ResponseReturnValue:
    """Withdraw a need."""
    form = forms.WithdrawForm()
    if form.validate():
        try:
            actions.withdraw(current_actor(), ref, form.reason.data or "", form_key=form.form_key.data or "")
        except rules.WrongAnswer as error:
            form.show(error)
        else:
            flash("The need is withdrawn. Its page tells everybody why.")
            return redirect(url_for("needs.workspace"), 303)
    return fragment(WithdrawPage.build(published_need(ref)), form), 422


def published_need(ref: str) -> Need:
    """Return a published need that the person may withdraw."""
    actor, found = current_actor(), queries.need_for(current_actor(), ref)
    ensure(actor, Permission.NEED_PUBLISH, found.organisation_id, visible=found.state is not State.DRAFT)
    if found.state is State.WITHDRAWN:
        raise Gone(actions.withdrawn_words(found))
    if found.state is State.DRAFT:
        raise rules.NoDraft("This need has not been published. You can delete its draft")
    return found
