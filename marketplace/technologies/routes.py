"""Technologies over HTTP: the public register, and a supplier's workspace."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.errors import Conflict, DomainError, NotVisible
from marketplace.technologies import actions, queries, rules
from marketplace.technologies.forms import (
    FORMS,
    ClaimsForm,
    ConfirmForm,
    EvidenceForm,
    ListForm,
    QuestionForm,
    RegisterForm,
    StartForm,
)
from marketplace.technologies.models import Technology
from marketplace.technologies.pages.reading import Register, TechnologyPage
from marketplace.technologies.pages.words import slug
from marketplace.technologies.pages.writing import (
    Check,
    Confirm,
    EvidencePage,
    Question,
    Start,
    Tasks,
    Workspace,
)
from marketplace.technologies.rules import TechnologyContent
from marketplace.web.pages import fragment
from marketplace.web.paging import PER_PAGE, Paging
from marketplace.web.search import Found, search_technologies, uncounted

technologies = Blueprint("technologies", __name__)

#: As many results of a search as anybody reads; beyond them, other words help more than another page.
SEARCH_MOST = 100


@technologies.get("/technologies")
@public("demand and supply are to be found by everybody, without signing in")
def register() -> ResponseReturnValue:
    """Show the register, narrowed and searched."""
    actor, form = current_actor(), RegisterForm(formdata=request.args)
    form.validate()
    filters = form.filters()
    query = "" if form.q.errors else form.q.data or ""
    found: Found | None = None
    if query:
        among = queries.listed_refs(actor, filters) if filters.any else None
        found = search_technologies(query, SEARCH_MOST, among)
        matching = queries.listed_by_refs(actor, found.refs)
        total = len(matching)
    else:
        total = queries.count_listed(actor, filters)
    paging = Paging.build("technologies.register", form.chosen(), request.args.get("page", ""), total)
    if query:
        shown = matching[paging.offset : paging.offset + PER_PAGE]
    else:
        shown = queries.listed(actor, filters, limit=PER_PAGE, offset=paging.offset)
    page = Register.build(
        shown,
        queries.passport_badges([one.id for one in shown]),
        total=total,
        paging=paging,
        query=query,
        filtered=filters.any,
        found=found,
    )
    return fragment(page, form), 422 if form.problems else 200


@technologies.get("/technologies/<ref>")
@public("a listing is public; what is not listed is answered with 404")
def technology(ref: str) -> ResponseReturnValue:
    """Show a technology."""
    actor = current_actor()
    shown = queries.public_by_ref(actor, ref)
    badge = queries.passport_badges([shown.id]).get(shown.id)
    return fragment(TechnologyPage.build(shown, badge, actor))


@technologies.get("/technologies/<ref>/versions/<int:number>")
@public("earlier versions of a listing were public and stay so: passports name the version that was assessed")
def past_version(ref: str, number: int) -> ResponseReturnValue:
    """Show an earlier version."""
    actor = current_actor()
    shown = queries.public_by_ref(actor, ref)
    version = next((one for one in shown.versions if one.number == number), None)
    if version is None:
        raise NotVisible
    badge = queries.passport_badges([shown.id]).get(shown.id)
    return fragment(TechnologyPage.build(shown, badge, actor, version=version))


@technologies.get("/our-technologies")
@requires(Permission.TECHNOLOGY_WRITE)
def workspace() -> ResponseReturnValue:
    """Show the technologies of the person's companies."""
    own = queries.own(current_actor())
    return fragment(Workspace.build(own, queries.passport_badges([one.id for one in own])))


@technologies.get("/our-technologies/new")
@requires(Permission.TECHNOLOGY_WRITE)
def start() -> ResponseReturnValue:
    """Ask the first question."""
    return fragment(Start.build(), StartForm(_suppliers()))


@technologies.post("/our-technologies/new")
@requires(Permission.TECHNOLOGY_WRITE)
def begin() -> ResponseReturnValue:
    """Begin a draft."""
    suppliers = _suppliers()
    form = StartForm(suppliers)
    if form.validate():
        chosen = form.supplier.data if form.supplier else suppliers[0][0]
        ref = actions.create_draft(
            current_actor(),
            int(chosen),
            TechnologyContent(name=form.name.data or ""),
            form_key=form.form_key.data or "",
        )
        return redirect(url_for("technologies.tasks", ref=ref), 303)
    return fragment(Start.build(), form), 422


def _suppliers() -> list[tuple[str, str]]:
    actor = current_actor()
    own = actor.organisations(Permission.TECHNOLOGY_WRITE)
    return [
        (str(grant.organisation_id), grant.organisation_name)
        for grant in actor.grants
        if grant.organisation_id in own
    ]


@technologies.get("/our-technologies/<ref>")
@requires(Permission.TECHNOLOGY_WRITE)
def tasks(ref: str) -> ResponseReturnValue:
    """Show the task list."""
    own = queries.own_by_ref(current_actor(), ref)
    badge = queries.passport_badges([own.id]).get(own.id)
    return fragment(Tasks.build(own, badge, uncounted(own.ref)), ConfirmForm())


def _field(question: str) -> str:
    field = question.replace("-", "_")
    if field not in FORMS or "_" in question:
        raise NotVisible
    return field


def _open(ref: str) -> Technology:
    own = queries.own_by_ref(current_actor(), ref)
    if own.archived_at is not None:
        raise Conflict("This technology has been archived, so it cannot be changed any more")
    return own


def _question_page(own: Technology, form: QuestionForm, *, conflict: bool = False) -> str:
    entries = len(form.claims.entries) if isinstance(form, ClaimsForm) else 1
    page = Question.build(
        own,
        form.field,
        str(form.answer.label.text),
        entries=entries,
        from_check=request.args.get("from") == "check",
        conflict=conflict,
        uncounted=uncounted(own.ref),
    )
    return fragment(page, form)


@technologies.get("/our-technologies/<ref>/<question>")
@requires(Permission.TECHNOLOGY_WRITE)
def question(ref: str, question: str) -> ResponseReturnValue:
    """Ask one question."""
    kind, own = FORMS[_field(question)], _open(ref)
    if own.draft is None:
        raise NotVisible
    return _question_page(own, kind.of(own.draft.content, own.draft.lock_version))


@technologies.post("/our-technologies/<ref>/<question>")
@requires(Permission.TECHNOLOGY_WRITE)
def save_question(ref: str, question: str) -> ResponseReturnValue:
    """Save one answer, or change the number of fields for claims."""
    form = FORMS[_field(question)]()
    if isinstance(form, ClaimsForm) and {"add", "remove"} & set(request.form):
        resized = form.resized(add="add" in request.form, remove=request.form.get("remove", ""))
        return _question_page(_open(ref), resized)
    if form.validate():
        try:
            actions.save_draft(current_actor(), ref, form.changes(), lock_version=form.seen)
            return redirect(_after(ref, form.field), 303)
        except rules.DraftChanged as error:
            own = _open(ref)
            form.show(error)
            # The next press is a decision with both texts in sight.
            form.lock_version.data = str(own.draft.lock_version if own.draft else 0)
            return _question_page(own, form, conflict=True), 409
        except Conflict:
            raise
        except DomainError as error:
            form.show(error)
    return _question_page(_open(ref), form), 422


def _after(ref: str, field: str) -> str:
    if request.args.get("from") == "check":
        return url_for("technologies.check", ref=ref)
    own = queries.own_by_ref(current_actor(), ref)
    later = rules.QUESTIONS[rules.QUESTIONS.index(field) + 1 :]
    left = rules.unanswered(own.draft.content) if own.draft else ()
    if own.listed_at is None and later and later[0] in left:
        return url_for("technologies.question", ref=ref, question=slug(later[0]))
    return url_for("technologies.tasks", ref=ref)


@technologies.get("/our-technologies/<ref>/check")
@requires(Permission.TECHNOLOGY_WRITE)
def check(ref: str) -> ResponseReturnValue:
    """Show all answers before they are listed."""
    own = _open(ref)
    form = ListForm(formdata=None, data={"lock_version": own.draft.lock_version if own.draft else 0})
    return fragment(Check.build(own, uncounted(ref)), form)


@technologies.post("/our-technologies/<ref>/check")
@requires(Permission.TECHNOLOGY_WRITE)
def list_checked(ref: str) -> ResponseReturnValue:
    """List the draft as the next version."""
    form, status = ListForm(), 422
    if form.validate():
        try:
            version = actions.list_technology(
                current_actor(),
                ref,
                change_note=form.change_note.data or "",
                form_key=form.form_key.data or "",
                lock_version=form.seen,
            )
            flash(
                "Your technology is on the register."
                if version == 1
                else f"Version {version} is on the register."
            )
            return redirect(url_for("technologies.technology", ref=ref), 303)
        except rules.DraftChanged as error:
            form.show(error)
            status = 409
        except Conflict:
            raise
        except DomainError as error:
            form.show(error)
    own = _open(ref)
    if status == 409 and own.draft is not None:
        form.lock_version.data = str(own.draft.lock_version)
    return fragment(Check.build(own, uncounted(ref)), form), status


@technologies.get("/our-technologies/<ref>/discard")
@requires(Permission.TECHNOLOGY_WRITE)
def confirm_discard(ref: str) -> ResponseReturnValue:
    """Ask whether the changes are to be thrown away."""
    return fragment(Confirm.discard(_open(ref)), ConfirmForm())


@technologies.post("/our-technologies/<ref>/discard")
@requires(Permission.TECHNOLOGY_WRITE)
def discard(ref: str) -> ResponseReturnValue:
    """Throw the changes away."""
    actions.discard_changes(current_actor(), ref, form_key=ConfirmForm().form_key.data or "")
    flash("Your changes are discarded.")
    return redirect(url_for("technologies.tasks", ref=ref), 303)


@technologies.get("/our-technologies/<ref>/archive")
@requires(Permission.TECHNOLOGY_WRITE)
def confirm_archive(ref: str) -> ResponseReturnValue:
    """Ask whether the technology is to be taken off the register."""
    return fragment(Confirm.archive(_open(ref)), ConfirmForm())


@technologies.post("/our-technologies/<ref>/archive")
@requires(Permission.TECHNOLOGY_WRITE)
def archive(ref: str) -> ResponseReturnValue:
    """Take the technology off the register."""
    actions.archive(current_actor(), ref, form_key=ConfirmForm().form_key.data or "")
    flash("The technology is archived.")
    return redirect(url_for("technologies.workspace"), 303)


@technologies.get("/our-technologies/<ref>/evidence/new")
@requires(Permission.TECHNOLOGY_WRITE)
def new_evidence(ref: str) -> ResponseReturnValue:
    """Ask for a new evidence item."""
    return fragment(EvidencePage.build(_open(ref)), EvidenceForm(formdata=None))


@technologies.post("/our-technologies/<ref>/evidence/new")
@requires(Permission.TECHNOLOGY_WRITE)
def add_evidence(ref: str) -> ResponseReturnValue:
    """Add an evidence item."""
    form = EvidenceForm()
    if form.validate():
        try:
            actions.add_evidence(current_actor(), ref, form.content(), form_key=form.form_key.data or "")
            flash("The evidence is added.")
            return redirect(url_for("technologies.tasks", ref=ref), 303)
        except Conflict:
            raise
        except DomainError as error:
            form.show(error)
    return fragment(EvidencePage.build(_open(ref)), form), 422


@technologies.get("/our-technologies/<ref>/evidence/<evidence_ref>")
@requires(Permission.TECHNOLOGY_WRITE)
def edit_evidence(ref: str, evidence_ref: str) -> ResponseReturnValue:
    """Show an evidence item to be changed."""
    own = _open(ref)
    item = queries.evidence_of(own, evidence_ref)
    if item.withdrawn_at is not None:
        raise rules.EvidenceGone("This evidence was changed or withdrawn. Go back to see what there is now")
    return fragment(EvidencePage.build(own, evidence_ref), EvidenceForm.of(item.content))


@technologies.post("/our-technologies/<ref>/evidence/<evidence_ref>")
@requires(Permission.TECHNOLOGY_WRITE)
def change_evidence(ref: str, evidence_ref: str) -> ResponseReturnValue:
    """Replace an evidence item by what was typed."""
    form = EvidenceForm()
    if form.validate():
        try:
            actions.change_evidence(
                current_actor(), ref, evidence_ref, form.content(), form_key=form.form_key.data or ""
            )
            flash("The evidence is changed.")
            return redirect(url_for("technologies.tasks", ref=ref), 303)
        except rules.EvidenceGone as error:
            form.show(error)
            return fragment(EvidencePage.build(_open(ref), was_faster=True), form), 409
        except Conflict:
            raise
        except DomainError as error:
            form.show(error)
    return fragment(EvidencePage.build(_open(ref), evidence_ref), form), 422


@technologies.get("/our-technologies/<ref>/evidence/<evidence_ref>/withdraw")
@requires(Permission.TECHNOLOGY_WRITE)
def confirm_withdrawal(ref: str, evidence_ref: str) -> ResponseReturnValue:
    """Ask whether an evidence item is to be withdrawn."""
    own = _open(ref)
    return fragment(Confirm.withdrawal(own, queries.evidence_of(own, evidence_ref)), ConfirmForm())


@technologies.post("/our-technologies/<ref>/evidence/<evidence_ref>/withdraw")
@requires(Permission.TECHNOLOGY_WRITE)
def withdraw_evidence(ref: str, evidence_ref: str) -> ResponseReturnValue:
    """Withdraw an evidence item."""
    actions.withdraw_evidence(current_actor(), ref, evidence_ref, form_key=ConfirmForm().form_key.data or "")
    flash("The evidence is withdrawn.")
    return redirect(url_for("technologies.tasks", ref=ref), 303)
