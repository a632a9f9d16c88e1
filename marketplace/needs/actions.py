"""Write, publish, rank and withdraw needs. Each function is one use case and one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import url_for
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission
from marketplace.audit.actions import record
from marketplace.database import constraint_name, transaction
from marketplace.errors import Conflict, DomainError, Gone, NotVisible
from marketplace.needs import coach, places, queries, rules
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedVersion, Priority
from marketplace.needs.rounds import Stage
from marketplace.needs.rules import TOPIC, Changes, NeedContent
from marketplace.organisations.models import NEED_KINDS, Organisation
from marketplace.outbox.actions import enqueue
from marketplace.submissions.actions import once
from marketplace.web.words import day, moment

_MEANWHILE = (
    "Somebody in your organisation published or reordered at the same moment. Check the list and try again"
)

#: What the last guards in the database mean. SQLite reports a primary key by its first column.
BROKEN: Mapping[str, DomainError] = {
    "pk_priority": rules.TopThreeError(_MEANWHILE),
    "uq_priority_organisation_id": rules.TopThreeError(_MEANWHILE),
    "ck_priority_top_three": rules.TopThreeError(f"A top three has {rules.PLACES} places"),
    "uq_need_version_need_id": rules.TopThreeError(_MEANWHILE),
}

#: The seconds since then number the drafts of published needs; within 31 bits for decades.
NUMBERING_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def use_case() -> Iterator[Session]:
    """Open a transaction in which a broken constraint of needs comes out in plain words."""
    try:
        with transaction() as session:
            yield session
    except IntegrityError as error:
        if (meaning := BROKEN.get(constraint_name(error))) is not None:
            raise type(meaning)(meaning.message, meaning.field) from error
        raise


def create_draft(
    actor: Actor, organisation_id: int, content: NeedContent | None = None, *, form_key: str = ""
) -> str:
    """Start a need and return its ref. Raises `AlreadyDone` when the form was sent before."""
    with use_case() as session:
        ensure(actor, Permission.NEED_WRITE, organisation_id)
        organisation = session.get_one(Organisation, organisation_id)
        if organisation.kind not in NEED_KINDS:
            raise NotVisible
        written = rules.changed(NeedContent(), _as_changes(content)) if content is not None else NeedContent()
        now = clock.now()
        need = Need(
            ref=secrets.token_hex(6),
            organisation_id=organisation_id,
            created_at=now,
            created_by_id=actor.user_id,
        )
        need.draft = NeedDraft(saved_at=now, saved_by_id=actor.user_id)
        need.draft.fill(written)
        session.add(need)
        session.flush()
        ref = need.ref
        record(session, actor, "need.drafted", "need", ref, organisation_id=organisation_id)
        once(session, actor, form_key, _address(form_key, "needs.tasks", ref=ref))
        return ref


def save_draft(
    actor: Actor,
    ref: str,
    changes: Changes,
    *,
    lock_version: int,
    seen: str | None = None,
    left_as_is: Collection[str] = (),
) -> int:
    """Save some answers and return the draft's new lock version.

    ``lock_version`` is the one that the person saw; ``seen`` the fingerprint of the answers they saw. When the
    draft has moved on, answers that nobody else touched, or that are the same now, are saved all the same.
    ``left_as_is`` are keys of findings that the coach shall not show again; it changes no answer and no version.

    Raises:
        WrongAnswer: for what may not stand in a draft.
        DraftChanged: when somebody else changed the same answers; nothing is saved.
        NoDraft, Gone: when there is nothing to change any more.
    """
    with use_case() as session:
        need = _own(actor, ref, Permission.NEED_WRITE)
        draft = _draft(need)
        now_written = draft.content()
        written = rules.changed(now_written, changes)
        if written == now_written:
            _leave(session, actor, need, left_as_is)
            return draft.lock_version
        if draft.lock_version != lock_version and rules.fingerprint(now_written, changes) != seen:
            raise rules.DraftChanged(
                now_written,
                lock_version=draft.lock_version,
                saved_by=queries.name_of(draft.saved_by_id),
                saved_at=moment(draft.saved_at),
            )
        draft.fill(written)
        draft.lock_version += 1
        draft.saved_at, draft.saved_by_id = clock.now(), actor.user_id
        record(
            session,
            actor,
            "need.saved",
            "need",
            ref,
            organisation_id=need.organisation_id,
            fields=sorted(changes),
        )
        _leave(session, actor, need, left_as_is)
        return draft.lock_version


def start_edit(actor: Actor, ref: str) -> None:
    """Copy a published need into a draft to be edited; people see the published version meanwhile.

    Does nothing when there is a draft already.
    """
    with use_case() as session:
        need = _own(actor, ref, Permission.NEED_WRITE)
        if need.draft is not None or need.current is None:
            return
        now = clock.now()
        # A new draft's number must not repeat one of an earlier draft of this need: a form that was left open on
        # that one would pass for fresh.
        number = int((now - NUMBERING_BEGAN).total_seconds())
        need.draft = NeedDraft(lock_version=number, saved_at=now, saved_by_id=actor.user_id)
        need.draft.fill(need.current.content())
        record(session, actor, "need.edit-started", "need", ref, organisation_id=need.organisation_id)


def discard_draft(actor: Actor, ref: str) -> None:
    """Throw the draft away: for a published need its changes, for one never published the whole need."""
    with use_case() as session:
        need = _own(actor, ref, Permission.NEED_WRITE)
        session.delete(need if need.published_at is None else _draft(need))
        record(session, actor, "need.discarded", "need", ref, organisation_id=need.organisation_id)


def publish_edit(actor: Actor, ref: str, *, change_note: str, lock_version: int, form_key: str = "") -> None:
    """Publish the draft of a published need as its new version.

    Raises `NotComplete` when answers are missing, and `Conflict` when the draft is not the one that was checked.
    """
    with use_case() as session:
        need = _own(actor, ref, Permission.NEED_PUBLISH)
        once(session, actor, form_key, _address(form_key, "needs.need", ref=ref))
        draft = _draft(need)
        if need.published_at is None:
            raise rules.TopThreeError("Give this need a place in your top three to publish it")
        if draft.lock_version != lock_version:
            raise Conflict(
                f"{queries.name_of(draft.saved_by_id) or 'Somebody'} changed this draft on {moment(draft.saved_at)}. "
                "Check the answers again before you publish them",
                "change_note",
            )
        rules.check_change_note(change_note)
        if gaps := rules.gaps(draft.content()):
            raise rules.NotComplete(f"This need is not finished. {gaps[0].message}", "change_note")
        _publish(session, actor, need, change_note)


def publish_top_three(
    actor: Actor,
    organisation_code: str,
    ranked_refs: Sequence[str],
    *,
    form_key: str = "",
    change_notes: Mapping[str, str] | None = None,
    seen: Mapping[str, int] | None = None,
) -> None:
    """Make these needs, best first, the organisation's top three of the current cycle; publish those that are drafts.

    A published need keeps a place until it is withdrawn. Its edited draft is published too where ``change_notes``
    says what changed. ``seen`` maps refs to the lock version of the draft that the person saw.

    Raises:
        TopThreeError: in plain words, with the ref of the need it is about as its field.
        AlreadyDone: when the form was sent before.
    """
    notes = change_notes or {}
    with use_case() as session:
        organisation = queries.locked_organisation(organisation_code)
        ensure(actor, Permission.NEED_PUBLISH, organisation.id, visible=True)
        once(session, actor, form_key, _address(form_key, "needs.workspace"))
        cycle = cycle_to_publish_in()
        needs = {
            need.ref: need for need in queries.to_rank(organisation.id, cycle.id, ranked_refs, lock=True)
        }
        rules.check_top_three(ranked_refs, queries.candidates(needs.values(), organisation.id, cycle.id))
        ranked = [needs[ref] for ref in ranked_refs]
        for need in ranked:
            _check_seen(need, seen or {})
        moved = [need for need in ranked if need.priority is None or need.priority.cycle_id != cycle.id]
        session.execute(
            delete(Priority).where(
                Priority.organisation_id == organisation.id, Priority.cycle_id == cycle.id
            ),
            execution_options={"synchronize_session": False},
        )
        session.execute(
            insert(Priority),
            [
                {"organisation_id": organisation.id, "cycle_id": cycle.id, "rank": place, "need_id": need.id}
                for place, need in enumerate(ranked, start=1)
            ],
        )
        places.note(session, organisation.id, cycle.id)
        for need in ranked:
            if need.organisation_id != organisation.id:
                continue  # co-signed: its text is not this organisation's
            if need.published_at is None or (need.draft is not None and need.ref in notes):
                _publish(session, actor, need, notes.get(need.ref, ""))
            elif need in moved:
                enqueue(session, TOPIC, need.ref)
        record(
            session,
            actor,
            "top-three.published",
            "organisation",
            organisation.code,
            organisation_id=organisation.id,
            cycle=cycle.id,
            refs=list(ranked_refs),
        )


def withdraw(actor: Actor, ref: str, reason: str, *, form_key: str = "") -> None:
    """Withdraw a published need with a public reason; the needs ranked below it move up.

    Its places in cycles that have closed stay: they are history.

    Raises `Gone` when it is withdrawn already.
    """
    with use_case() as session:
        queries.lock_those_who_placed(ref)
        need = queries.locked_need(ref)
        ensure(actor, Permission.NEED_PUBLISH, need.organisation_id, visible=need.published_at is not None)
        once(session, actor, form_key, _address(form_key, "needs.need", ref=ref))
        if need.withdrawn_at is not None:
            raise Gone(withdrawn_words(need))
        if need.published_at is None:
            raise rules.NoDraft("This need has not been published. You can delete its draft")
        rules.check_reason(reason)
        need.withdrawn_at = clock.now()
        need.withdrawn_reason = reason
        if need.draft is not None:
            session.delete(need.draft)
        for place in queries.places_not_over(need.id):
            close_gap(session, place)
        record(session, actor, "need.withdrawn", "need", ref, organisation_id=need.organisation_id)
        enqueue(session, TOPIC, ref)


def withdrawn_words(need: Need) -> str:
    """Say when a need was withdrawn and why."""
    when = f" on {day(need.withdrawn_at)}" if need.withdrawn_at is not None else ""
    return f"This need was withdrawn{when}. Reason: {need.withdrawn_reason}"


def _address(form_key: str, endpoint: str, **values: Any) -> str:
    # Only calls that came from a form have a request to build an address in.
    return url_for(endpoint, **values) if form_key else ""


def _as_changes(content: NeedContent) -> Changes:
    return {name: getattr(content, name) for name in rules.FIELD_NAMES}


def _own(actor: Actor, ref: str, permission: Permission) -> Need:
    """Return a need of the actor's organisation, locked and not withdrawn."""
    need = queries.locked_need(ref)
    ensure(actor, permission, need.organisation_id, visible=need.published_at is not None)
    if need.withdrawn_at is not None:
        raise Gone(withdrawn_words(need))
    return need


def _draft(need: Need) -> NeedDraft:
    if need.draft is None:
        raise rules.NoDraft(
            "There is no draft of this need any more. It was published or discarded meanwhile"
        )
    return need.draft


def _leave(session: Session, actor: Actor, need: Need, keys: Collection[str]) -> None:
    """Remember findings that were left as they are; forget those whose words are gone."""
    draft = _draft(need)
    found = {one.key for one in coach.look_over(draft.content())} if keys else set()
    if newly := (found & set(keys)) - set(draft.left_as_is):
        draft.left_as_is = sorted(found & {*draft.left_as_is, *newly})
        record(
            session,
            actor,
            "need.left-as-is",
            "need",
            need.ref,
            organisation_id=need.organisation_id,
            findings=sorted(newly),
        )


def cycle_to_publish_in() -> Cycle:
    """Return the cycle that is open for places, or raise `TopThreeError` in plain words."""
    cycle = queries.current_cycle()
    if cycle is None:
        raise rules.TopThreeError("No cycle is open yet. Your drafts are kept until one opens")
    stage = cycle.round.stage(clock.today())
    if stage is Stage.CLOSED:
        raise rules.TopThreeError(
            f"The cycle {cycle.name} closed on {day(cycle.closes_on)}. Your drafts are kept until the next one opens"
        )
    if stage is Stage.LOCKED:
        raise rules.TopThreeError(
            f"The cycle {cycle.name} was locked at the end of {day(cycle.locks_on)}, and its top threes stay as they "
            "are. Your drafts are kept until the next cycle opens"
        )
    return cycle


def _check_seen(need: Need, seen: Mapping[str, int]) -> None:
    if need.ref not in seen or need.published_at is not None or need.draft is None:
        return
    if need.draft.lock_version != seen[need.ref]:
        raise rules.TopThreeError(
            f"“{need.draft.title}” was changed on {moment(need.draft.saved_at)} by "
            f"{queries.name_of(need.draft.saved_by_id) or 'somebody else'}. Check its answers before you publish it",
            need.ref,
        )


def _publish(session: Session, actor: Actor, need: Need, change_note: str) -> None:
    draft, now = _draft(need), clock.now()
    version = NeedVersion(
        need_id=need.id,
        number=need.version + 1,
        change_note=change_note,
        published_at=now,
        published_by_id=actor.user_id,
    )
    version.fill(draft.content())
    session.add(version)
    session.delete(draft)
    need.version = version.number
    need.published_at = need.published_at or now
    record(
        session,
        actor,
        "need.published",
        "need",
        need.ref,
        organisation_id=need.organisation_id,
        version=version.number,
    )
    enqueue(session, TOPIC, need.ref)


def close_gap(session: Session, gone: Priority) -> None:
    """Free a place of a top three in the caller's transaction; those below move up."""
    organisation_id, cycle_id, rank = gone.organisation_id, gone.cycle_id, gone.rank
    session.delete(gone)
    session.flush()
    for place in range(
        rank + 1, rules.PLACES + 1
    ):  # one by one: a place must be free before another moves to it
        session.execute(
            update(Priority)
            .where(
                Priority.organisation_id == organisation_id,
                Priority.cycle_id == cycle_id,
                Priority.rank == place,
            )
            .values(rank=place - 1),
            execution_options={"synchronize_session": False},
        )
    places.note(session, organisation_id, cycle_id)
