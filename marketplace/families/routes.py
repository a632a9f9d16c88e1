"""Shared needs over HTTP."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.doors import current_actor, public, requires
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import DomainError, Gone, NotPermitted, NotVisible
from marketplace.families import actions, forms, queries, rules, settling
from marketplace.families.pages.co_signing import (
    CoSignaturesPage,
    CoSignPage,
    OnNeed,
    TakeBackPage,
    sharing_on,
)
from marketplace.families.pages.family import FamilyPage, family_matches, joint_musts
from marketplace.families.pages.listing import (
    Choice,
    FamiliesPage,
    SettlePage,
    families_counted,
    family_item,
    family_link,
)
from marketplace.families.pages.words import need_link
from marketplace.families.rules import CoSignError, State
from marketplace.matches import candidates, grouping
from marketplace.needs import actions as need_actions
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.needs.rules import State as NeedState
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.organisations.rules import OrganisationClosed
from marketplace.web.pages import fragment
from marketplace.web.words import UNKNOWN_FILTER

families = Blueprint("families", __name__)


def on_need(actor: Actor, need: Need) -> OnNeed:
    """Return what a need's page shows of who shares it."""
    standing = queries.standing_of(need.id)
    own = actor.organisations(Permission.NEED_PUBLISH)
    signed = {one.organisation_id for one in standing}
    return sharing_on(
        need,
        standing,
        may_sign=need.withdrawn_at is None and bool(own - signed - {need.organisation_id}),
        own=bool(own & signed),
        family=family_link(queries.family_of(need.id)),
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
            return redirect(url_for("needs.need", ref=ref), 303)
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
    own = [one for one in queries.signers(current_actor()) if one.id != need.organisation_id]
    return need, [one for one in own if not one.closed] or own


def co_sign_form(organisations: list[Organisation]) -> forms.CoSignForm:
    """Return the form with the person's organisations."""
    form = forms.CoSignForm()
    form.offer((one.code, one.name) for one in organisations)
    return form


def co_sign_page(need: Need, organisations: list[Organisation]) -> CoSignPage:
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
            lineage.check_open(db.session, one)
    except (CoSignError, OrganisationClosed) as error:
        closed = error.message
    name = cycle.name if cycle else ""
    return CoSignPage.build(need, queries.last_content(need), name, organisations, closed)


@families.get("/co-signatures")
@requires(Permission.NEED_WRITE)
def co_signatures() -> ResponseReturnValue:
    """List the needs that our organisations co-sign, or did."""
    return fragment(CoSignaturesPage.build(queries.co_signatures_of(current_actor())), forms.PlainForm())


@families.get("/co-signatures/<ref>/take-back")
@requires(Permission.NEED_PUBLISH)
def take_back(ref: str) -> ResponseReturnValue:
    """Ask before a co-signature is taken back."""
    found = queries.co_signature(current_actor(), ref)
    if found.state is not State.STANDING:
        raise Gone("This co-signature does not stand any more.")
    return fragment(TakeBackPage.build(found), forms.PlainForm())


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


# Families


@families.get("/families")
@public("needs are public, and so is what several organisations need")
def listing() -> ResponseReturnValue:
    """List the families of needs, the most shared first."""
    return fragment(
        family_list(current_actor(), request.args.get("theme", ""), request.args.get("page", 1, type=int))
    )


def family_list(actor: Actor, theme: str, number: int) -> FamiliesPage:
    """Return a page of the list; a theme that is not known counts as not chosen."""
    themes = queries.themes()
    note = "" if not theme or theme in {key for key, _, _ in themes} else UNKNOWN_FILTER
    chosen = "" if note else theme
    by_family: dict[int, list[queries.Part]] = {}
    for part in queries.parts(actor, chosen):
        by_family.setdefault(part.family_id, []).append(part)
    shared = [
        (len({part.organisation for part in found}), len({part.need_ref for part in found}), id_)
        for id_, found in by_family.items()
        if len({part.need_ref for part in found}) > 1
    ]
    shared.sort(key=lambda one: (-one[0], -one[1], one[2]))
    last = max(1, -(-len(shared) // rules.PER_PAGE))
    number = min(max(1, number), last)
    ids = [id_ for _, _, id_ in shared[(number - 1) * rules.PER_PAGE : number * rules.PER_PAGE]]
    rows = queries.families_by_ids(ids)
    return FamiliesPage(
        counted=families_counted(len(shared), next((name for key, name, _ in themes if key == chosen), "")),
        items=tuple(family_item(rows[id_], queries.name_of(rows[id_]), by_family[id_]) for id_ in ids),
        themes=tuple(Choice(key, f"{name} ({needs_})", key == chosen) for key, name, needs_ in themes),
        theme=chosen,
        note=note,
        previous=url_for("families.listing", theme=chosen or None, page=number - 1) if number > 1 else "",
        following=url_for("families.listing", theme=chosen or None, page=number + 1) if number < last else "",
        where=f"Page {number} of {last}" if last > 1 else "",
        here=url_for("families.listing"),
    )


@families.get("/families/<ref>")
@public("needs are public, and so is what several organisations need")
def family(ref: str) -> ResponseReturnValue:
    """Show a family; one that went into another leads on to it."""
    actor, found = current_actor(), queries.family(ref)
    if found.merged_into is not None:
        return redirect(url_for("families.family", ref=found.merged_into.ref), 301)
    shares, gone = queries.shares(actor, found)
    named = {one.need.ref: one.need.organisation.name for one in shares}
    return fragment(
        FamilyPage.build(
            found,
            queries.name_of(found),
            shares,
            gone,
            joint_musts([(one.text, one.wordings) for one in grouping.joint(list(named))], named),
            may_settle=queries.settling_hin(db.session, actor, found) is not None,
            may_match=bool(queries.matched(actor, shares)),
        )
    )


@families.get("/families/<ref>/matches")
@requires(Permission.NEED_MATCHES_READ)
def matches(ref: str) -> ResponseReturnValue:
    """Show the technologies that fit most needs of a family, of those needs whose matches the person may read."""
    actor, found = current_actor(), queries.family(ref)
    shares, _ = queries.shares(actor, found)
    if not (needs := queries.matched(actor, shares)):
        raise NotPermitted
    best = candidates.top_for_needs(actor, [need.ref for need in needs], rules.BEST_OF_EACH)
    titles = {need.ref: need_link(need) for need in needs}
    others = len(shares) - len(needs)
    return fragment(family_matches(found, queries.name_of(found), best, titles, others=others))


@families.get("/families/<ref>/settle")
@requires(Permission.FAMILY_SETTLE)
def settle(ref: str) -> ResponseReturnValue:
    """Show a broker what can be settled of a family."""
    return fragment(*settle_page(ref, forms.SettleForm()))


@families.post("/families/<ref>/settle")
@requires(Permission.FAMILY_SETTLE)
def do_settle(ref: str) -> ResponseReturnValue:
    """Settle a family: what, the button says."""
    actor, form, conflict = current_actor(), forms.SettleForm(), ""
    settle_page(ref, form)
    if form.validate():
        try:
            where = done(actor, ref, form)
        except rules.Settled as error:
            conflict = error.message
        except DomainError as error:
            form.show(error)
        else:
            return redirect(where, 303)
    db.session.expire_all()
    page, form = settle_page(ref, form, conflict)
    return fragment(page, form), 409 if conflict else 422


def done(actor: Actor, ref: str, form: forms.SettleForm) -> str:
    """Do what was asked for; return where that leads."""
    act, _, need = (form.act.data or "").partition(":")
    lock_version, here = form.version, url_for("families.settle", ref=ref)
    if act == "accept":
        settling.accept(actor, ref, lock_version=lock_version)
        flash("These needs are a family now. Our matching will not part them.")
        return url_for("families.family", ref=ref)
    if act == "out":
        settling.take_out(actor, ref, need, lock_version=lock_version)
        flash("The need is taken out. Our matching will not put it back.")
    elif act == "rename":
        settling.rename(actor, ref, form.name.data or "", lock_version=lock_version)
        flash("The family has a new name.")
    elif act == "join":
        settling.join(actor, ref, form.other.data or "", lock_version=lock_version)
        flash("They are one family now.")
    elif act == "split":
        part = settling.split(actor, ref, request.form.getlist("needs"), lock_version=lock_version)
        flash("The needs that you chose are a family of their own now.")
        return url_for("families.settle", ref=part)
    elif act == "dissolve":
        settling.dissolve(actor, ref, lock_version=lock_version)
        flash("The family is dissolved. Our matching will not put these needs together again.")
        return url_for("families.family", ref=ref)
    else:
        raise DomainError("Choose what you want to settle")
    return here


def settle_page(ref: str, form: forms.SettleForm, conflict: str = "") -> tuple[SettlePage, forms.SettleForm]:
    """Return the page of what can be settled, with the form based on the family as it is now."""
    found = queries.family(ref)
    hin = queries.settling_hin(db.session, current_actor(), found)
    if hin is None:
        raise NotPermitted
    if found.merged_into is not None or found.dissolved_at is not None:
        raise Gone("This family has been joined to another or dissolved.")
    if conflict or not form.is_submitted():
        form.lock_version.data = str(found.lock_version)
    if not form.is_submitted():
        form.name.data = queries.name_of(found)
    return SettlePage.build(found, queries.name_of(found), hin, conflict), form
