"""Changes of organisations over HTTP."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from marketplace import clock
from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import DomainError, NotPermitted, NotVisible
from marketplace.organisations import lineage
from marketplace.organisations import queries as registry
from marketplace.organisations.models import NEED_KINDS, Organisation, Succession, SuccessionMove
from marketplace.organisations.rules import Change
from marketplace.succession import actions, forms, importing, placing, queries, rules, staffing
from marketplace.succession.movers.catalogue import mover_of
from marketplace.succession.movers.mover import Mover
from marketplace.succession.pages.change import ChangePage
from marketplace.succession.pages.choices import ChoicesPage
from marketplace.succession.pages.confirming import ConfirmPage
from marketplace.succession.pages.history import HistoryPage
from marketplace.succession.pages.left_behind import LeftPage
from marketplace.succession.pages.listing import CodePage, ListingPage
from marketplace.succession.pages.places import PlacesPage
from marketplace.succession.pages.recording import CancelPage, ImportPage, NewPage
from marketplace.succession.queries import Holdings
from marketplace.succession.rules import ChangePlan, State
from marketplace.web.forms import BaseForm, clean, clean_line
from marketplace.web.pages import fragment

succession = Blueprint("succession", __name__)


@succession.get("/successions")
@requires(Permission.ORGANISATION_CHANGE)
def listing() -> ResponseReturnValue:
    """List the changes that are recorded."""
    page = ListingPage.build(
        queries.listing(db.session), len(queries.orphans(db.session)), queries.kept(db.session)
    )
    return fragment(page)


@succession.get("/successions/new")
@requires(Permission.ORGANISATION_CHANGE)
def new() -> ResponseReturnValue:
    """Ask what happens."""
    return _new_page(forms.ChangeForm())


def _new_page(form: forms.ChangeForm, plan: ChangePlan | None = None) -> str:
    organisations = queries.can_change(db.session, clock.today())
    return fragment(NewPage.build(organisations, forms.STARTS, forms.ENDS, plan), form)


@succession.post("/successions/new")
@requires(Permission.ORGANISATION_CHANGE)
def record() -> ResponseReturnValue:
    """Show what would be recorded; record it where it was shown."""
    form = forms.ChangeForm()
    plan = None
    if form.validate():
        try:
            plan = form.plan(lambda text: queries.resolve(db.session, text))
            actions.check(db.session, plan)
            if request.form.get("act") == "record":
                ref = actions.record_change(current_actor(), plan, form_key=form.form_key.data or "")
                flash("The change is recorded. Its people are told by e-mail.")
                return redirect(url_for("succession.change", ref=ref), 303)
            return _new_page(form, plan)
        except DomainError as error:
            plan = None
            form.show(error)
    return _new_page(form), 422


@succession.get("/successions/import")
@requires(Permission.ORGANISATION_CHANGE)
def import_file() -> ResponseReturnValue:
    """Ask for a file of changes."""
    return fragment(ImportPage.build(), forms.ImportForm())


@succession.post("/successions/import")
@requires(Permission.ORGANISATION_CHANGE)
def do_import() -> ResponseReturnValue:
    """Show what a file would record, or its faults by line; record it where it was shown."""
    form = forms.ImportForm()
    if not form.validate():
        return fragment(ImportPage.build(), form), 422
    try:
        text = form.content()
        form.text.data = text
        found = importing.read(db.session, text)
        if request.form.get("act") == "record":
            refs = actions.record_file(current_actor(), found, form_key=form.form_key.data or "")
            flash(f"{len(refs)} recorded. The people concerned are told by e-mail.")
            return redirect(url_for("succession.listing"), 303)
        actions.check_file(found)
        return fragment(ImportPage.build(found=found), form)
    except importing.FaultyFile as faulty:
        form.form_errors.append("The file was not imported. See what is wrong below")
        return fragment(ImportPage.build(faulty.faults), form), 422
    except DomainError as error:
        form.show(DomainError(error.message, error.field if error.field == "file" else ""))
        return fragment(ImportPage.build(), form), 422


@succession.get("/successions/left-behind")
@requires(Permission.ORGANISATION_CHANGE)
def left_behind() -> ResponseReturnValue:
    """List everything that still belongs to a closed organisation."""
    return fragment(LeftPage.build(queries.orphans(db.session), queries.to_settle(db.session)))


@succession.get("/successions/<ref>")
@requires(Permission.SUCCESSION_CHOOSE)
def change(ref: str) -> ResponseReturnValue:
    """Show a change and what is left to choose."""
    return fragment(_change_page(queries.by_ref(db.session, ref)))


def _change_page(found: Succession) -> ChangePage:
    part = queries.part_of(current_actor(), found)
    open_ = queries.state_of(found) in (State.PLANNED, State.WAITING)
    if not open_ or found.kind is Change.RENAME:
        return ChangePage.build(found, part, None, [], [])
    holdings = queries.holdings(db.session, found, part)
    contests = [one for one in placing.contests(db.session, holdings) if one.successor.code in part.ends]
    left = actions.problems(holdings, contests) if part.keeps else []
    return ChangePage.build(found, part, holdings, contests, left)


def _holdings(ref: str, kind: str = "") -> Holdings:
    """Return what this person may choose for; of one kind only where that is theirs to choose for at all."""
    found = queries.by_ref(db.session, ref)
    part = queries.part_of(current_actor(), found)
    if kind and not part.keeps and kind not in queries.BY_LEADS:
        raise NotPermitted
    if found.kind is Change.RENAME or queries.state_of(found) not in (State.PLANNED, State.WAITING):
        raise NotVisible
    return queries.holdings(db.session, found, part)


def _mover(kind: str) -> Mover:
    if (found := mover_of(kind)) is None:
        raise NotVisible
    return found


@succession.get("/successions/<ref>/choices/<kind>")
@requires(Permission.SUCCESSION_CHOOSE)
def choices(ref: str, kind: str) -> ResponseReturnValue:
    """Show the things of one kind with their choices."""
    mover, holdings = _mover(kind), _holdings(ref, kind)
    number = request.args.get("page", 1, type=int)
    page = ChoicesPage.build(holdings, mover, number)
    return fragment(page, forms.LockedForm(data={"lock_version": str(page.lock_version)}))


@succession.post("/successions/<ref>/choices/<kind>")
@requires(Permission.SUCCESSION_CHOOSE)
def choose(ref: str, kind: str) -> ResponseReturnValue:
    """Save choices, half-way ones too; fill in those that are missing where that was asked for."""
    form, mover = forms.LockedForm(), _mover(kind)
    holdings = _holdings(ref, kind)
    sent = {
        item.subject: clean_line(request.form.get(f"choice-{item.subject}"))[:100]
        for item in holdings.of(kind)
        if f"choice-{item.subject}" in request.form
    }
    filling = clean_line(request.form.get("fill"))[:100] if request.form.get("act") == "fill" else ""
    errors: dict[str, str] = {}
    if form.validate():
        try:
            left = actions.save_choices(
                current_actor(), ref, kind, sent, lock_version=form.lock, fill=filling
            )
        except DomainError as error:
            if error.field:
                errors[error.field] = error.message
            form.form_errors.append(error.message)
            db.session.rollback()
        else:
            flash("Your choices are saved." + (f" {left} still to choose." if left else ""))
            if left or filling:
                return redirect(url_for("succession.choices", ref=ref, kind=kind), 303)
            return redirect(url_for("succession.change", ref=ref), 303)
    page = ChoicesPage.build(
        _holdings(ref), mover, request.args.get("page", 1, type=int), typed=sent, errors=errors
    )
    form.lock_version.data = str(page.lock_version)
    return fragment(page, form), 422


def _contests(holdings: Holdings, successor_code: str) -> list[placing.Contest]:
    ends = queries.part_of(current_actor(), holdings.change).ends
    if successor_code not in ends and successor_code in holdings.names:
        raise NotPermitted
    found = [one for one in placing.contests(db.session, holdings) if one.successor.code == successor_code]
    if not found:
        raise NotVisible
    return found


@succession.get("/successions/<ref>/places/<successor_code>")
@requires(Permission.SUCCESSION_CHOOSE)
def places(ref: str, successor_code: str) -> ResponseReturnValue:
    """Show the needs that held places before."""
    holdings = _holdings(ref)
    page = PlacesPage.build(holdings, _contests(holdings, successor_code))
    return fragment(page, forms.LockedForm(data={"lock_version": str(page.lock_version)}))


@succession.post("/successions/<ref>/places/<successor_code>")
@requires(Permission.SUCCESSION_CHOOSE)
def place(ref: str, successor_code: str) -> ResponseReturnValue:
    """Save the places of a successor."""
    form, holdings = forms.LockedForm(), _holdings(ref)
    contested = _contests(holdings, successor_code)
    suggested = request.form.get("act") == "fill"
    sent = {}
    for contest in contested:
        for one in contest.candidates:
            field = f"{contest.cycle.id}-{one.ref}"
            choice = clean_line(request.form.get(f"place-{field}"))[:20]
            reason = clean(request.form.get(f"reason-{field}"))
            sent[contest.cycle.id, one.ref] = (choice or (one.suggestion if suggested else ""), reason)
    errors: dict[str, str] = {}
    if form.validate():
        try:
            actions.save_places(current_actor(), ref, successor_code, sent, lock_version=form.lock)
        except DomainError as error:
            if error.field:
                errors[error.field] = error.message
            form.form_errors.append(error.message)
            db.session.rollback()
        else:
            return _after_places(ref, successor_code)
    holdings = _holdings(ref)
    page = PlacesPage.build(holdings, _contests(holdings, successor_code), typed=sent, errors=errors)
    form.lock_version.data = str(page.lock_version)
    return fragment(page, form), 422


def _after_places(ref: str, successor_code: str) -> ResponseReturnValue:
    holdings = _holdings(ref)
    contested = _contests(holdings, successor_code)
    if any(contest.problem(holdings) is not None for contest in contested):
        flash("Your choices are saved. They do not do yet: see what is missing.")
        return redirect(url_for("succession.places", ref=ref, successor_code=successor_code), 303)
    flash("The places are chosen.")
    return redirect(url_for("succession.change", ref=ref), 303)


@succession.get("/successions/<ref>/confirm")
@requires(Permission.ORGANISATION_CHANGE)
def confirm(ref: str) -> ResponseReturnValue:
    """Show everything once more before it is handed over."""
    page = _confirm_page(ref)
    return fragment(page, forms.LockedForm(data={"lock_version": str(page.lock_version)}))


def _confirm_page(ref: str) -> ConfirmPage:
    holdings = _holdings(ref)
    contests = placing.contests(db.session, holdings)
    return ConfirmPage.build(
        holdings,
        contests,
        actions.problems(holdings, contests),
        staffing.missing(db.session, holdings),
    )


@succession.post("/successions/<ref>/confirm")
@requires(Permission.ORGANISATION_CHANGE)
def settle(ref: str) -> ResponseReturnValue:
    """Hand everything over."""
    queries.by_ref(db.session, ref)
    form = forms.LockedForm()
    if form.validate():
        try:
            actions.settle(current_actor(), ref, lock_version=form.lock, form_key=form.form_key.data or "")
        except DomainError as error:
            form.show(error)
        else:
            flash("Everything is handed over.")
            return redirect(url_for("succession.change", ref=ref), 303)
    page = _confirm_page(ref)
    form.lock_version.data = str(page.lock_version)
    return fragment(page, form), 422


@succession.get("/successions/<ref>/cancel")
@requires(Permission.ORGANISATION_CHANGE)
def cancel(ref: str) -> ResponseReturnValue:
    """Ask before a change is cancelled."""
    found = queries.by_ref(db.session, ref)
    if queries.state_of(found) not in (State.PLANNED, State.WAITING):
        raise NotVisible
    return fragment(CancelPage.build(found), BaseForm())


@succession.post("/successions/<ref>/cancel")
@requires(Permission.ORGANISATION_CHANGE)
def do_cancel(ref: str) -> ResponseReturnValue:
    """Cancel a change that is not handed over yet."""
    actions.cancel(current_actor(), ref)
    flash("The change is cancelled. Its people are told by e-mail.")
    return redirect(url_for("succession.listing"), 303)


@succession.get("/organisations/<organisation_code>/ods-code")
@requires(Permission.ORGANISATION_CHANGE)
def ods_code(organisation_code: str) -> ResponseReturnValue:
    """Ask for the ODS code of an organisation that has none yet."""
    return fragment(CodePage.build(_without_code(organisation_code)), forms.CodeForm())


def _without_code(organisation_code: str) -> Organisation:
    found = registry.by_code(db.session, organisation_code)
    if found is None or found.ods_code is not None or found.kind.value not in rules.ODS_CODES:
        raise NotVisible
    return found


@succession.post("/organisations/<organisation_code>/ods-code")
@requires(Permission.ORGANISATION_CHANGE)
def enter_code(organisation_code: str) -> ResponseReturnValue:
    """Enter the ODS code; the old address leads on."""
    found, form = _without_code(organisation_code), forms.CodeForm()
    if form.validate():
        try:
            actions.give_code(current_actor(), organisation_code, (form.ods_code.data or "").upper())
        except DomainError as error:
            form.show(error)
        else:
            flash("The code is entered. The old address leads to the new one.")
            return redirect(url_for("succession.listing"), 303)
    return fragment(CodePage.build(found), form), 422


@succession.get("/organisations/<organisation_code>/history")
@public("who succeeded whom is public, so that old links and old papers can be understood")
def history(organisation_code: str) -> ResponseReturnValue:
    """Show what an organisation came from and went into."""
    found = registry.by_code(db.session, organisation_code)
    if found is None:
        former = lineage.by_former_code(db.session, organisation_code)
        if former is None:
            raise NotVisible
        return redirect(url_for("succession.history", organisation_code=former.code), 301)
    if found.kind not in NEED_KINDS:
        raise NotVisible
    handed = db.session.scalar(
        select(func.count()).where(SuccessionMove.kind == lineage.NEED, SuccessionMove.from_id == found.id)
    )
    return fragment(
        HistoryPage.build(
            found,
            lineage.lineage_of(db.session, found.id),
            lineage.successors_of(db.session, found.id),
            handed or 0,
        )
    )
