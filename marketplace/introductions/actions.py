"""Propose, answer and close an introduction; and what happens when time passes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import Conflict, DomainError, NotPermitted, NotVisible
from marketplace.introductions import letters, queries, rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.notices.actions import send
from marketplace.settings import Settings
from marketplace.submissions.actions import once
from marketplace.technologies.models import Technology


def propose(actor: Actor, need_ref: str, technology_ref: str, note: str, *, form_key: str = "") -> str:
    """Propose to bring a need's organisation and a technology's supplier together, and return the reference.

    Raises:
        NotPermitted: the need is outside the broker's patch.
        DomainError: the need or technology is gone, the note does not do, or the two are being introduced already.
    """
    now = clock.now()
    ref = secrets.token_hex(6)
    with transaction() as session:
        need = queries.need_of_patch(session, actor, need_ref)
        hin_id = queries.covering(session, actor, need.organisation_id)
        technology = queries.listed_technology(session, technology_ref)
        if hin_id is None or technology is None:
            raise NotVisible
        once(session, actor, form_key, f"/introductions/{ref}")
        check_disinterested(actor, need, technology)
        rules.check_subjects(
            need_open=need.withdrawn_at is None,
            technology_open=technology.archived_at is None,
            lapsed=needs.has_lapsed(need),
        )
        note = rules.check_note(note)
        clear_the_way(session, need, technology, hin_id)
        introduction = Introduction(
            ref=ref,
            need=need,
            technology=technology,
            hin_id=hin_id,
            broker_id=actor.user_id,
            note=note,
            proposed_at=now,
            decide_by=rules.answer_by(now),
        )
        session.add(introduction)
        try:
            session.flush()
        except IntegrityError as error:
            # Another broker was faster by a moment; of this table's constraints only that one can break here.
            raise DomainError(rules.ALREADY_OPEN) from error
        record(
            session,
            actor,
            "introduction.proposed",
            "introduction",
            ref,
            organisation_id=hin_id,
            need=need.ref,
            technology=technology.ref,
        )
        letter = letters.proposed(about(introduction), note, introduction.decide_by)
        for side in Side:
            tell(session, queries.members_of(session, introduction, side), letter)
    return ref


def check_disinterested(actor: Actor, need: Need, technology: Technology) -> None:
    """Raise when the broker also answers for one of the sides."""
    if need.organisation_id in queries.organisations_of(actor, Role.NEED_LEAD):
        raise DomainError(
            "You answer for this need’s organisation yourself. Ask another broker to propose the introduction."
        )
    if technology.supplier_id in queries.organisations_of(actor, Role.INNOVATOR):
        raise DomainError(
            "You answer for this supplier yourself. Ask another broker to propose the introduction."
        )


def clear_the_way(session: Session, need: Need, technology: Technology, hin_id: int) -> None:
    """Raise when the two are being introduced already; close an earlier proposal that has run out of time.

    Another HIN is not told whether the two were introduced or are still asked.
    """
    earlier = queries.open_pair(session, need.id, technology.id)
    if earlier is None:
        return
    if earlier.hin_id != hin_id and (earlier.course.introduced or not earlier.course.ended(clock.now())):
        raise DomainError(rules.PROPOSED_ELSEWHERE)
    if earlier.course.introduced:
        raise DomainError(rules.INTRODUCED_BEFORE)
    if not earlier.course.ended(clock.now()):
        raise DomainError(rules.ALREADY_OPEN)
    end(session, SERVICE, earlier, "")
    session.flush()


def decide(
    actor: Actor, ref: str, side: Side, accept: bool, reason: str = "", *, lock_version: int
) -> rules.Seen:
    """Store a side's answer, and return where the introduction stands for that side.

    ``lock_version`` is the side's own number as its form showed it. When the second side accepts, the contact
    details go to both.

    Raises:
        Conflict: a colleague answered first, or no answer counts any more.
        DomainError: the need or technology is gone, or a refusal has no reason.
    """
    now = clock.now()
    with transaction() as session:
        introduction = queries.one_to_change(session, actor, ref)
        if introduction is None:
            raise NotVisible
        if side not in queries.viewpoint(actor, introduction).sides:
            raise NotPermitted
        rules.check_answer(side, introduction.course, now)
        if introduction.side_lock_version(side) != lock_version:
            raise Conflict(
                "A colleague of yours has answered meanwhile. Check where it stands, then answer again."
            )
        if accept:
            rules.check_subjects(
                need_open=introduction.need.withdrawn_at is None,
                technology_open=introduction.technology.archived_at is None,
            )
            decision, reason = Decision.ACCEPTED, ""
        else:
            decision = Decision.DECLINED
            reason = rules.check_reason(reason, asked=rules.WHY_DECLINED)
        introduction.answer(side, decision, reason, actor.user_id, now)
        session.flush()
        record(
            session,
            actor,
            f"introduction.{decision.value}",
            "introduction",
            ref,
            organisation_id=introduction.organisation_id(side),
            side=side.value,
            introduced=introduction.course.introduced,
        )
        if introduction.course.introduced:
            contacts = queries.contacts(session, introduction)
            letter = letters.introduced(about(introduction), [contact for _, contact in contacts])
            tell(session, [person for person, _ in contacts], letter)
        else:
            letter = letters.answered(about(introduction), side, decision)
            tell(session, queries.brokers_of(session, introduction), letter)
        return rules.seen_by(side, introduction.course, now)


def close(actor: Actor, ref: str, reason: str, *, lock_version: int | None = None) -> None:
    """Close an introduction that has not been made. The reason is for brokers; both sides get the same words.

    Raises:
        Conflict: it was made or closed meanwhile, or changed since the form with this ``lock_version`` was shown.
        DomainError: there is no reason.
    """
    now = clock.now()
    with transaction() as session:
        introduction = queries.one_to_change(session, actor, ref)
        if introduction is None:
            raise NotVisible
        if not queries.viewpoint(actor, introduction).broker:
            raise NotPermitted
        rules.check_close(introduction.course, now)
        if lock_version is not None and introduction.lock_version != lock_version:
            raise Conflict("An answer has come meanwhile. Check where it stands before you close it.")
        end(session, actor, introduction, rules.check_reason(reason, asked=rules.WHY_CLOSED))


def expire_overdue() -> int:
    """Close what has run out of time, or whose need or technology is gone; remind those who have not answered.

    Called by the worker every minute or so; safe to call at any time and by several workers. Returns the number
    of introductions closed.
    """
    now = clock.now()
    closed = 0
    with transaction() as session:
        for introduction in queries.overdue(session, now):
            reason = ""
            if now < introduction.decide_by:
                gone = (
                    "need was withdrawn"
                    if introduction.need.withdrawn_at
                    else "technology is no longer listed"
                )
                reason = f"The {gone}"
            end(session, SERVICE, introduction, reason)
            closed += 1
            cause = reason or rules.told(introduction.course, now)
            letter = letters.ended(about(introduction), cause)
            tell(session, queries.brokers_of(session, introduction), letter)
        for introduction in queries.not_reminded(session, rules.due_before(now)):
            remind(session, introduction)
    return closed


def remind(session: Session, introduction: Introduction) -> None:
    """Write to each side that has not answered: in the same words, whatever the other side did."""
    introduction.reminded_at = clock.now()
    letter = letters.reminder(about(introduction), introduction.decide_by)
    for side in Side:
        if introduction.course.answer(side) is None:
            tell(session, queries.members_of(session, introduction, side), letter)


def end(session: Session, actor: Actor, introduction: Introduction, reason: str) -> None:
    """Mark it closed and tell both sides, all in the caller's transaction."""
    introduction.close(reason, clock.now())
    record(
        session,
        actor,
        "introduction.closed" if reason else "introduction.expired",
        "introduction",
        introduction.ref,
        organisation_id=introduction.hin_id,
    )
    letter = letters.stopped(about(introduction))
    for side in Side:
        tell(session, queries.members_of(session, introduction, side), letter)


def about(introduction: Introduction) -> letters.Subject:
    """Return what an e-mail says an introduction is about."""
    settings: Settings = current_app.extensions["settings"]
    need, technology = introduction.need, introduction.technology
    return letters.Subject(
        need=need.current.title if need.current else "",
        organisation=need.organisation.name,
        technology=technology.current.name if technology.current else "",
        supplier=technology.supplier.name,
        broker=introduction.broker.name if introduction.broker else "A broker",
        hin=introduction.hin.name,
        address=f"{settings.public_url}/introductions/{introduction.ref}",
    )


def tell(session: Session, people: Sequence[User], letter: letters.Letter) -> None:
    """Write the letter to each person."""
    for person in people:
        send(session, person.email, letter.subject, letter.body)
