"""Questions over HTTP."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.doors import current_actor, requires
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, NotVisible
from marketplace.matches import finder
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.questions import actions, pages, queries
from marketplace.questions.forms import AnswerForm, AskForm, SetAsideForm
from marketplace.questions.models import Question
from marketplace.questions.rules import NEED_GONE, NEED_LAPSED, Reason, State
from marketplace.web.pages import Link, fragment

questions = Blueprint("questions", __name__)

#: So many technologies that fit a need are told of an answer at most.
TOLD = 20


def on_need(actor: Actor, need: Need) -> pages.OnNeed:
    """Return what a need's page shows of questions."""
    open_ = need.withdrawn_at is None
    may_answer = actor.may(Permission.QUESTION_ANSWER, need.organisation_id)
    ask = None
    if open_ and actor.may(Permission.QUESTION_ASK) and not needs.has_lapsed(need):
        ask = Link("Ask a question about this need", url_for("questions.ask", need_ref=need.ref))
    return pages.OnNeed(
        answered=pages.answered_of(queries.public_of(db.session, need.id)),
        ask=ask,
        waiting=pages.waiting_link(queries.waiting_count(db.session, need.id))
        if open_ and may_answer
        else None,
    )


@questions.get("/questions")
@requires(Permission.QUESTION_READ)
def listing() -> ResponseReturnValue:
    """List the questions that concern this person."""
    actor, today = current_actor(), clock.today()
    return fragment(
        pages.ListPage(
            to_answer=tuple(pages.to_answer_item(one, today) for one in queries.to_answer(db.session, actor)),
            settled=tuple(pages.settled_item(one) for one in queries.settled_for(db.session, actor)),
            asked=tuple(pages.asked_item(one) for one in queries.asked_by(db.session, actor)),
            answers=actor.may(Permission.QUESTION_ANSWER),
            asks=actor.may(Permission.QUESTION_ASK),
        )
    )


@questions.get("/needs/<need_ref>/ask")
@requires(Permission.QUESTION_ASK)
def ask(need_ref: str) -> ResponseReturnValue:
    """Ask about a published need."""
    return fragment(ask_page(needs.published_by_ref(current_actor(), need_ref)), AskForm())


@questions.post("/needs/<need_ref>/ask")
@requires(Permission.QUESTION_ASK)
def do_ask(need_ref: str) -> ResponseReturnValue:
    """Store the question and tell the need's leads."""
    actor, form, status = current_actor(), AskForm(), 422
    need = needs.need_for(actor, need_ref)
    if need.published_at is None:
        raise NotVisible
    if form.validate():
        try:
            actions.ask(actor, need_ref, form.question.data or "", form_key=form.form_key.data or "")
        except Conflict as error:
            form.show(error)
            status = 409
        except DomainError as error:
            form.show(error)
        else:
            flash(
                "Your question was sent. You will get an e-mail when it is answered. Nobody is told who asked."
            )
            return redirect(url_for("questions.listing"), 303)
    return fragment(ask_page(need), form), status


def ask_page(need: Need) -> pages.AskPage:
    """Return the page on which a question is asked."""
    link = pages.need_link(need)
    return pages.AskPage(
        need=link,
        back=Link("Back to the need", link.href),
        closed=NEED_GONE if need.withdrawn_at is not None else NEED_LAPSED if needs.has_lapsed(need) else "",
        answered=pages.answered_of(queries.public_of(db.session, need.id)),
    )


@questions.get("/questions/<ref>/answer")
@requires(Permission.QUESTION_ANSWER)
def answer(ref: str) -> ResponseReturnValue:
    """Show the question with the answer's form; an answered one can be corrected."""
    found, form = own_question(ref), AnswerForm()
    given = found.answer
    form.question.data = given.question_text if given else found.text
    form.answer.data = given.text if given else ""
    form.lock_version.data = str(found.lock_version)
    return fragment(answer_page(found), form)


@questions.post("/questions/<ref>/answer")
@requires(Permission.QUESTION_ANSWER)
def do_answer(ref: str) -> ResponseReturnValue:
    """Publish the answer."""
    actor, form, conflict = current_actor(), AnswerForm(), ""
    found = own_question(ref)
    if form.validate():
        try:
            need_ref = actions.answer(
                actor,
                ref,
                form.question.data or "",
                form.answer.data or "",
                lock_version=form.version,
                matched=fitting(found.need),
                form_key=form.form_key.data or "",
            )
        except Conflict as error:
            conflict = error.message
        except DomainError as error:
            form.show(error)
        else:
            flash("Your answer is public. The asker and innovators whose technologies fit are told.")
            return redirect(url_for("needs.need", ref=need_ref), 303)
    db.session.expire_all()
    found = own_question(ref)
    if conflict:
        form.lock_version.data = str(found.lock_version)
    return fragment(answer_page(found, conflict), form), 409 if conflict else 422


def fitting(need: Need) -> list[str]:
    """Return the references of the technologies that fit a need well enough; [] while it is not indexed."""
    return [] if need.withdrawn_at is not None else finder.fitting(need.ref, TOLD)


def answer_page(found: Question, conflict: str = "") -> pages.AnswerPage:
    """Return the page of an answer in the state it is in."""
    gone = found.need.withdrawn_at is not None
    latest = pages.answered_of([found])
    waits = found.state is State.WAITING
    return pages.AnswerPage(
        title="Correct this answer" if latest else "Answer this question",
        need=pages.need_link(found.need),
        back=Link("All questions", url_for("questions.listing")),
        asked=found.text,
        note=NEED_GONE if gone else pages.STATES[found.state].text if not waits else "",
        aside=Link("Leave it unanswered in public", url_for("questions.aside", ref=found.ref))
        if waits
        else None,
        conflict=conflict,
        latest=latest[0] if latest else None,
        may_answer=not gone and found.state is not State.DECLINED,
        corrects=bool(latest),
    )


@questions.get("/questions/<ref>/set-aside")
@requires(Permission.QUESTION_ANSWER)
def aside(ref: str) -> ResponseReturnValue:
    """Ask why a question is not answered in public."""
    found, form = own_question(ref), SetAsideForm()
    form.lock_version.data = str(found.lock_version)
    return fragment(aside_page(found), form)


@questions.post("/questions/<ref>/set-aside")
@requires(Permission.QUESTION_ANSWER)
def do_aside(ref: str) -> ResponseReturnValue:
    """Set the question aside and tell the asker alone."""
    actor, form, conflict = current_actor(), SetAsideForm(), ""
    own_question(ref)
    if form.validate():
        try:
            actions.set_aside(actor, ref, Reason(form.reason.data), lock_version=form.version)
        except Conflict as error:
            conflict = error.message
        else:
            flash("The question was set aside. Only the asker is told, with your reason.")
            return redirect(url_for("questions.listing"), 303)
    db.session.expire_all()
    found = own_question(ref)
    if conflict:
        form.lock_version.data = str(found.lock_version)
    return fragment(aside_page(found, conflict), form), 409 if conflict else 422


def aside_page(found: Question, conflict: str = "") -> pages.SetAsidePage:
    """Return the page on which a question is set aside."""
    return pages.SetAsidePage(
        back=Link("Back to the question", url_for("questions.answer", ref=found.ref)),
        asked=found.text,
        conflict=conflict,
        may=found.state is State.WAITING,
    )


def own_question(ref: str) -> Question:
    """Return a question about a need of this person's organisations; raises `NotVisible`."""
    found = queries.own_question(db.session, current_actor(), ref)
    if found is None:
        raise NotVisible
    return found
