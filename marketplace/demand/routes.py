"""Finding demand over HTTP."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.access.actor import ANONYMOUS
from marketplace.access.doors import current_actor, public, signed_in
from marketplace.accounts.rules import DeadLink, TooManyTries
from marketplace.database import db
from marketplace.demand import actions, emails, finder, forms, keeping, pages, queries, rules
from marketplace.demand import documents as made
from marketplace.demand.finder import World
from marketplace.demand.models import SavedSearch
from marketplace.demand.rules import Asked
from marketplace.demand.saving import NAME_LIMIT, BrokenLink, Frequency, Key
from marketplace.demand.wording import described_without_typing
from marketplace.errors import DomainError
from marketplace.matches import candidates
from marketplace.needs import queries as needs
from marketplace.web import feeds
from marketplace.web.limits import TooOften, Turns, subscriber
from marketplace.web.pages import fragment, wants_fragment
from marketplace.web.problems import problem

demand = Blueprint("demand", __name__)


def asked_for() -> Asked:
    """Return what this request's address asks for, of the organisations that there are today."""
    return finder.led_on(finder.read(request.args.items(multi=True)))


def take_a_turn(asked: Asked) -> None:
    """Count a search by meaning for this visitor; raise `TooOften` for one who searches faster than people do."""
    if asked.text:
        turns: Turns = current_app.extensions["search_turns"]
        actor = current_actor()
        turns.take(
            f"person {actor.user_id}" if actor.signed_in else f"from {subscriber(request.remote_addr or '')}"
        )


def _again() -> str:
    """Return where to go on after waiting: the page of the saved search or of the saved ones, or the search."""
    given = request.view_args or {}
    if "ref" in given:
        return url_for("demand.saved_one", ref=given["ref"])
    if "token" in given:
        return url_for("demand.by_mail", token=given["token"])
    if request.endpoint == "demand.saved":
        return url_for("demand.saved")
    return pages.address("demand.find", asked_for())


@demand.app_errorhandler(TooOften)
def too_often(error: TooOften) -> ResponseReturnValue:
    """Ask for patience; where htmx asked, beside the results that are there, which stay."""
    response = make_response(fragment(pages.WaitPage.build(error.seconds, _again())), 429)
    response.headers["Retry-After"] = str(error.seconds)
    if wants_fragment():
        response.headers["HX-Retarget"] = "#wait"
        response.headers["HX-Reswap"] = "innerHTML"
        response.headers["HX-Replace-Url"] = "false"
    return response


@demand.get("/demand")
@public("published needs are there for everybody to find")
def find() -> ResponseReturnValue:
    """Show what an address finds; an address that says the same in other words leads to the usual one."""
    asked = asked_for()
    usual = pages.address("demand.find", asked)
    if not wants_fragment() and request.query_string.decode("utf-8", "replace") != rules.query_string(asked):
        return redirect(usual)
    take_a_turn(asked)
    actor = current_actor()
    shown = finder.shown(actor, asked)
    refs = [fact.ref for fact in shown.facts if fact.kind == queries.NEED]
    text = asked.searched
    quotes = candidates.need_quotes(rules.unquoted(text), refs) if text and not shown.results.nearest else {}
    things = queries.things(actor, [fact.key for fact in shown.facts], shown.families)
    page = pages.FindPage.build(shown, things, quotes, needs.cycles())
    response = make_response(fragment(page))
    if wants_fragment():
        response.headers["HX-Replace-Url"] = usual
    return response


@demand.get("/demand.atom")
@public("published needs are there for everybody to follow, as they are to find")
def feed() -> ResponseReturnValue:
    """Answer with what an address finds as an Atom feed, what changed last first."""
    asked = asked_for()
    take_a_turn(asked)
    return feeds.answer(made.feed_of(current_actor(), asked))


@demand.get("/needs")
@public("an address from before, which leads to where needs are found now")
def board() -> ResponseReturnValue:
    """Lead from the board's address of before to the same search, or to the board as of a day."""
    if day := request.args.get("as_of"):
        return redirect(url_for("history.board", day=day), 303)
    return redirect(pages.old_address(list(request.args.items(multi=True))), 301)


@demand.get("/search")
@public("an address from before, which leads to where needs are found now")
def search() -> ResponseReturnValue:
    """Lead from the search's address of before to the same search."""
    return redirect(pages.old_address(list(request.args.items(multi=True))), 301)


# Saved searches


def _there(asked: Asked) -> dict[Key, int]:
    there = emails.there_now(World.read(ANONYMOUS), asked)
    db.session.rollback()
    return there


def _save_form() -> forms.SearchForm:
    return forms.SearchForm() if current_actor().signed_in else forms.AddressForm()


def _save_page(asked: Asked) -> keeping.SavePage:
    return keeping.SavePage.build(asked, queries.places(), signed_in=current_actor().signed_in)


@demand.get("/demand/save")
@public("everybody may be told of new needs, with or without an account")
def save() -> ResponseReturnValue:
    """Ask for a name and how often to write."""
    asked = asked_for()
    form = _save_form()
    form.name.data = asked.searched[:NAME_LIMIT] or "New needs"
    form.frequency.data = Frequency.WEEKLY.value
    return fragment(_save_page(asked), form)


@demand.post("/demand/save")
@public("everybody may be told of new needs, with or without an account")
def do_save() -> ResponseReturnValue:
    """Save a search, or write to an address to ask whether that is wanted."""
    asked, actor, form = asked_for(), current_actor(), _save_form()
    status = 422
    if form.validate():
        query = rules.query_string(asked.on(1))
        try:
            take_a_turn(asked)
            if isinstance(form, forms.AddressForm):
                actions.ask_to_save(
                    form.email.data or "",
                    query=query,
                    name=form.name.data or "",
                    looks_for=described_without_typing(asked, queries.places()),
                    frequency=form.often,
                    there=_there(asked),
                    address=subscriber(request.remote_addr or ""),
                    form_key=form.form_key.data or "",
                )
                return redirect(url_for("demand.check_email"), 303)
            ref = actions.save(
                actor,
                query=query,
                name=form.name.data or "",
                frequency=form.often,
                there=_there(asked),
                form_key=form.form_key.data or "",
            )
        except DomainError as error:
            form.show(error)
            status = 429 if isinstance(error, TooManyTries) else 422
        else:
            flash("Your search is saved.")
            return redirect(url_for("demand.saved_one", ref=ref), 303)
    return fragment(_save_page(asked), form), status


@demand.get("/demand/check-email")
@public("the same words for everybody who asked for a letter")
def check_email() -> ResponseReturnValue:
    """Say that a letter is on its way."""
    return fragment(keeping.CheckEmail())


@demand.get("/demand/confirm/<token>")
@public("the link itself proves whose address it is")
def confirm(token: str) -> ResponseReturnValue:
    """Show the button: opening a link changes nothing, since mail scanners open links too."""
    page = keeping.ConfirmPage.build(queries.to_confirm(db.session, token), queries.places())
    return fragment(page, forms.ButtonForm())


@demand.post("/demand/confirm/<token>")
@public("the link itself proves whose address it is")
def do_confirm(token: str) -> ResponseReturnValue:
    """Confirm a search."""
    actions.confirm(token)
    return redirect(url_for("demand.confirm", token=token), 303)


@demand.get("/demand/saved")
@signed_in("everybody with an account may keep searches of their own")
def saved() -> ResponseReturnValue:
    """List a person's searches with how much is new."""
    searches = queries.saved_by(current_actor())
    for search in searches:
        take_a_turn(emails.asked_by(search))
    world = World.read(ANONYMOUS)
    return fragment(keeping.SavedList.build(searches, emails.fresh_for(world, searches), world.places))


def _saved_page(search: SavedSearch, signed: str = "") -> keeping.SavedPage:
    take_a_turn(emails.asked_by(search))
    world = World.read(ANONYMOUS)
    fresh = emails.fresh_for(world, [search])[search.id]
    keys = [one.key for one in fresh[: keeping.NEW_MOST]]
    others = queries.of_address(db.session, search.email) if search.email else []
    return keeping.SavedPage.build(
        search,
        fresh,
        queries.things(ANONYMOUS, keys, world.families),
        world.places,
        token=signed,
        others=[one for one in others if one.id != search.id and one.confirmed_at is not None],
    )


@demand.errorhandler(BrokenLink)
def broken_link(_error: BrokenLink) -> ResponseReturnValue:
    """Say what to do with a link that an e-mail program has cut, which is how most of them break."""
    return problem(
        404,
        "Some of the link is missing or was changed on its way. We cannot tell which search it belongs to.",
        "Open it from the e-mail again, or copy all of it into your browser.",
        title="This link does not work",
    )


@demand.get("/demand/saved/<ref>")
@signed_in("everybody with an account may keep searches of their own; others' are not found")
def saved_one(ref: str) -> ResponseReturnValue:
    """Show what is new for a search, and what can be changed."""
    search = queries.saved_one(current_actor(), ref)
    form = forms.SearchForm(data={"name": search.name, "frequency": search.frequency.value})
    return fragment(_saved_page(search), form)


@demand.post("/demand/saved/<ref>")
@signed_in("everybody with an account may keep searches of their own; others' are not found")
def change(ref: str) -> ResponseReturnValue:
    """Change the name of a search and how often it is told."""
    actor, form = current_actor(), forms.SearchForm()
    search = queries.saved_one(actor, ref)
    if form.validate():
        actions.change(actor, ref, name=form.name.data or "", frequency=form.often)
        flash("Your changes are saved.")
        return redirect(url_for("demand.saved_one", ref=ref), 303)
    return fragment(_saved_page(search), form), 422


@demand.post("/demand/saved/<ref>/seen")
@signed_in("everybody with an account may keep searches of their own; others' are not found")
def seen(ref: str) -> ResponseReturnValue:
    """Count what is new as seen."""
    actor = current_actor()
    search = queries.saved_one(actor, ref)
    asked = emails.asked_by(search)
    take_a_turn(asked)
    actions.mark_seen(actor, ref, _there(asked))
    flash("Nothing is new for this search now.")
    return redirect(url_for("demand.saved_one", ref=ref), 303)


@demand.post("/demand/saved/<ref>/delete")
@signed_in("everybody with an account may keep searches of their own; others' are not found")
def delete(ref: str) -> ResponseReturnValue:
    """Delete a search."""
    actor = current_actor()
    queries.saved_one(actor, ref)
    actions.remove(actor, ref)
    flash("The saved search is deleted.")
    return redirect(url_for("demand.saved"), 303)


def _of_token(token: str) -> SavedSearch:
    search = queries.by_ref(actions.ref_of(actions.MANAGE, token))
    if search is None or search.confirmed_at is None or search.email is None:
        raise DeadLink("The search was deleted, and with it the address. Nothing is sent to you.")
    return search


@demand.get("/demand/by-mail/<token>")
@public("the signed link of a letter proves whose search it is")
def by_mail(token: str) -> ResponseReturnValue:
    """Show a search that is kept for an address."""
    search = _of_token(token)
    form = forms.LetterForm(data={"name": search.name, "frequency": search.frequency.value})
    return fragment(_saved_page(search, token), form)


@demand.post("/demand/by-mail/<token>")
@public("the signed link of a letter proves whose search it is")
def change_by_mail(token: str) -> ResponseReturnValue:
    """Change a search that is kept for an address."""
    search, form = _of_token(token), forms.LetterForm()
    if form.validate():
        actions.change(ANONYMOUS, search.ref, name=form.name.data or "", frequency=form.often)
        flash("Your changes are saved.")
        return redirect(url_for("demand.by_mail", token=token), 303)
    return fragment(_saved_page(search, token), form), 422


@demand.get("/demand/unsubscribe/<token>")
@public("the signed link of a letter proves whose search it is; nobody signs in to stop e-mails")
def unsubscribe(token: str) -> ResponseReturnValue:
    """Show one button: opening a link changes nothing, since mail scanners open links too."""
    search = queries.by_ref(actions.ref_of(actions.STOP, token))
    return fragment(keeping.StopPage.build(search, done=False), forms.ButtonForm())


@demand.post("/demand/unsubscribe/<token>")
@public(
    "the signed link of a letter proves whose search it is; mail programs press this button too (RFC 8058)"
)
def stop(token: str) -> ResponseReturnValue:
    """Stop the e-mails; done twice it is still done. No form token: mail programs have none, and ours is signed."""
    ref = actions.ref_of(actions.STOP, token)
    actions.stop(ref)
    return fragment(keeping.StopPage.build(queries.by_ref(ref), done=True), forms.ButtonForm())
