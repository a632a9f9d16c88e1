"""Ask, answer, correct and set aside."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission, Role
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import Conflict, NotVisible
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.notices.actions import send
from marketplace.questions import letters, queries, rules
from marketplace.questions.models import Answer, Question
from marketplace.questions.rules import Reason, State
from marketplace.settings import Settings
from marketplace.submissions.actions import once


def ask(actor: Actor, need_ref: str, text: str, *, form_key: str = "") -> str:
    """Ask about a published need, and return the question's reference.

    Raises:
        NotVisible: there is no such need, or the actor is no innovator.
        Conflict: the need was withdrawn.
        DomainError: the text does not do or tells who asks, or enough questions of this supplier wait.
    """
    now, ref = clock.now(), secrets.token_hex(6)
    with transaction() as session:
        need, supplier = published(session, need_ref), queries.supplier_of(session, actor)
        if supplier is None:
            raise NotVisible
        ensure(actor, Permission.QUESTION_ASK, supplier.id, visible=True)
        rules.check_open(need.withdrawn_at, lapsed=needs.has_lapsed(need))
        once(session, actor, form_key, f"/needs/{need_ref}#questions")
        rules.check_question(text, queries.telling_names(session, supplier))
        waiting = queries.waiting_of_supplier(session, need.id, supplier.id)
        rules.check_new(text, waiting)
        rules.check_count(len(waiting))
        session.add(
            Question(
                ref=ref,
                need_id=need.id,
                supplier_id=supplier.id,
                asker_id=actor.user_id,
                text=text,
                asked_at=now,
            )
        )
        # The audit trail is read by the service's own people alone; the organisation in it is the need's.
        record(
            session,
            actor,
            "question.asked",
            "question",
            ref,
            organisation_id=need.organisation_id,
            need=need.ref,
        )
        letter = letters.asked(_title(need), text, rules.answer_by(now), _address(f"/questions/{ref}/answer"))
        for person in people_with(session, need.organisation_id, Role.NEED_LEAD):
            send(session, person.email, letter.subject, letter.body)
    return ref


def answer(
    actor: Actor,
    ref: str,
    question_text: str,
    text: str,
    *,
    lock_version: int,
    matched: Collection[str] = (),
    form_key: str = "",
) -> str:
    """Answer in public, or correct an answer; return the need's reference.

    ``question_text`` is the question as it will be read. ``matched`` holds the references of technologies that fit
    the need: their innovators are told, and so is the asker.

    Raises:
        NotVisible: there is no such question about a need of the actor's organisations.
        Conflict: the need was withdrawn, or a colleague answered or set aside meanwhile.
        DomainError: a text does not do.
    """
    now = clock.now()
    with transaction() as session:
        question = own(session, actor, ref)
        need = question.need
        once(session, actor, form_key, f"/needs/{need.ref}#questions")
        rules.check_open(need.withdrawn_at)
        if question.state is State.DECLINED:
            rules.check_waiting(question.state)
        if question.lock_version != lock_version:
            raise Conflict(
                "A colleague has answered or changed this meanwhile. Read what is there, then send again."
            )
        rules.check_answer(question_text, text)
        corrects = question.state is State.ANSWERED
        question.answers.append(
            Answer(
                number=len(question.answers) + 1,
                question_text=question_text,
                text=text,
                answered_at=now,
                answered_by_id=actor.user_id,
            )
        )
        question.answered_at = question.answered_at or now
        question.lock_version += 1
        session.flush()
        record(
            session,
            actor,
            "question.corrected" if corrects else "question.answered",
            "question",
            ref,
            organisation_id=need.organisation_id,
            need=need.ref,
        )
        _tell_answered(session, question, corrects=corrects, matched=matched)
        return need.ref


def _tell_answered(session: Session, question: Question, *, corrects: bool, matched: Collection[str]) -> None:
    need, given = question.need, question.answer
    if given is None:
        return
    title, by, address = _title(need), need.organisation.name, _address(f"/needs/{need.ref}#questions")
    asker = queries.person(session, question.asker_id)
    fitting = {
        person.email: person
        for supplier in queries.innovators_of(session, matched)
        for person in people_with(session, supplier, Role.INNOVATOR)
    }
    for email in sorted(fitting.keys() | ({asker.email} if asker and asker.disabled_at is None else set())):
        letter = (
            letters.corrected(title, by, given.text, address)
            if corrects
            else letters.answered(
                title,
                by,
                given.question_text,
                given.text,
                address,
                asker=asker is not None and email == asker.email,
            )
        )
        send(session, email, letter.subject, letter.body)


def set_aside(actor: Actor, ref: str, reason: Reason, *, lock_version: int) -> str:
    """Leave a question unanswered in public, and tell the asker alone why; return the need's reference.

    Raises:
        NotVisible: there is no such question about a need of the actor's organisations.
        Conflict: a colleague answered or set it aside meanwhile.
    """
    with transaction() as session:
        question = own(session, actor, ref)
        rules.check_waiting(question.state)
        if question.lock_version != lock_version:
            raise Conflict("A colleague has changed this meanwhile. Read what is there, then send again.")
        question.declined_at, question.declined_reason = clock.now(), reason
        question.lock_version += 1
        need = question.need
        record(
            session,
            actor,
            "question.set-aside",
            "question",
            ref,
            organisation_id=need.organisation_id,
            need=need.ref,
            reason=reason.value,
        )
        asker = queries.person(session, question.asker_id)
        if asker is not None and asker.disabled_at is None:
            letter = letters.declined(
                _title(need),
                need.organisation.name,
                question.text,
                reason,
                _address(f"/needs/{need.ref}/ask"),
            )
            send(session, asker.email, letter.subject, letter.body)
        return need.ref


def own(session: Session, actor: Actor, ref: str) -> Question:
    """Return a question that the actor may answer, locked; raises `NotVisible`."""
    question = queries.own_question(session, actor, ref, lock=True)
    if question is None:
        raise NotVisible
    return question


def published(session: Session, ref: str) -> Need:
    """Return a need that is or was public; raises `NotVisible`."""
    need = session.scalar(select(Need).where(Need.ref == ref, Need.published_at.is_not(None)))
    if need is None:
        raise NotVisible
    return need


def _title(need: Need) -> str:
    return need.current.title if need.current else ""


def _address(path: str) -> str:
    settings: Settings = current_app.extensions["settings"]
    return f"{settings.public_url}{path}"
