"""Patches and the registry over HTTP."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, requires
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import DomainError, NotVisible
from marketplace.organisations import actions, forms, pages, queries
from marketplace.organisations.models import HinPatch, Kind, Organisation
from marketplace.web.forms import clean_line
from marketplace.web.pages import fragment

organisations = Blueprint("organisations", __name__)
SHOWN = 25


@organisations.get("/organisations")
@requires(Permission.SERVICE_OVERSEE)
def registry() -> ResponseReturnValue:
    """Show the registry, by name, code and kind."""
    text = clean_line(request.args.get("text"))[:100]
    kind = next((kind for kind in Kind if kind.value == request.args.get("kind")), None)
    page = pages.RegistryPage.build(
        queries.found(db.session, text, kind, SHOWN + 1),
        limit=SHOWN,
        text=text,
        kind=kind,
        last=queries.last_import(db.session),
    )
    return fragment(page)


@organisations.get("/hins")
@requires(Permission.PATCH_READ)
def patches() -> ResponseReturnValue:
    """Show the HINs whose patches the person may see: a broker's own, an administrator's all."""
    actor = current_actor()
    mine = None if actor.may(Permission.SERVICE_OVERSEE) else actor.organisations(Permission.PATCH_READ)
    return fragment(pages.PatchesPage.build(queries.patch_counts(db.session, mine)))


@organisations.get("/hins/<hin_code>/patch")
@requires(Permission.PATCH_READ)
def patch(hin_code: str) -> ResponseReturnValue:
    """Show what a HIN covers."""
    return _patch_page(actions.hin_for(db.session, current_actor(), hin_code), _add_form())


def _add_form() -> forms.PatchAddForm:
    return forms.PatchAddForm().offer(queries.can_be_covered(db.session))


def _patch_page(hin: Organisation, form: forms.PatchAddForm) -> str:
    rows = queries.patch_rows(db.session, hin.id)
    boards = [row.organisation_id for row in rows if row.organisation.kind is Kind.ICB]
    trusts = queries.trusts_within(db.session, boards)
    page = pages.PatchPage.build(hin, rows, trusts, may_edit=actions.may_edit_patch(current_actor()))
    return fragment(page, form)


@organisations.post("/hins/<hin_code>/patch")
@requires(Permission.PATCH_EDIT)
def add(hin_code: str) -> ResponseReturnValue:
    """Add an organisation to a patch."""
    actor = current_actor()
    hin = actions.hin_to_edit(db.session, actor, hin_code)
    form = _add_form()
    if form.validate():
        try:
            actions.add_to_patch(
                actor,
                hin_code,
                form.organisation.data,
                source=form.source.data or "",
                source_date=form.source_date.data,
                confirmed=form.confirmed.data,
            )
            flash("The organisation is added to the patch.")
            return redirect(url_for("organisations.patch", hin_code=hin_code), 303)
        except DomainError as error:
            form.show(error)
    return _patch_page(hin, form), 422


@organisations.get("/hins/<hin_code>/patch/<organisation_code>")
@requires(Permission.PATCH_EDIT)
def patch_row(hin_code: str, organisation_code: str) -> ResponseReturnValue:
    """Show one row of a patch."""
    hin, row = _row(hin_code, organisation_code)
    return fragment(pages.PatchRowPage.build(hin, row), forms.PatchForm(obj=row))


def _row(hin_code: str, organisation_code: str) -> tuple[Organisation, HinPatch]:
    hin = actions.hin_to_edit(db.session, current_actor(), hin_code)
    row = queries.patch_row(db.session, hin.id, organisation_code)
    if row is None:
        raise NotVisible
    return hin, row


@organisations.post("/hins/<hin_code>/patch/<organisation_code>")
@requires(Permission.PATCH_EDIT)
def change(hin_code: str, organisation_code: str) -> ResponseReturnValue:
    """Save the source of a row."""
    hin, row = _row(hin_code, organisation_code)
    form = forms.PatchForm()
    if form.validate():
        try:
            actions.change_patch(
                current_actor(),
                hin_code,
                organisation_code,
                source=form.source.data or "",
                source_date=form.source_date.data,
                confirmed=form.confirmed.data,
            )
            flash("The entry is saved.")
            return redirect(url_for("organisations.patch", hin_code=hin_code), 303)
        except DomainError as error:
            form.show(error)
    return fragment(pages.PatchRowPage.build(hin, row), form), 422


@organisations.post("/hins/<hin_code>/patch/<organisation_code>/remove")
@requires(Permission.PATCH_EDIT)
def remove(hin_code: str, organisation_code: str) -> ResponseReturnValue:
    """Take an organisation out of a patch."""
    actions.remove_from_patch(current_actor(), hin_code, organisation_code)
    flash("The organisation is no longer in the patch.")
    return redirect(url_for("organisations.patch", hin_code=hin_code), 303)
