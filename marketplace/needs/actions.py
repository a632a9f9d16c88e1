"""Write and withdraw needs. Each function is one use case and one transaction.

Submitting, ranking and publishing are in `marketplace.needs.submitting`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import url_for
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission
from marketplace.audit.actions import record
from marketplace.database import constraint_name, transaction
from marketplace.errors import DomainError, Gone, NotVisible
from marketplace.needs import coach, places, queries, rules, signing
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedPeople, Priority
from marketplace.needs.rounds import Stage
from marketplace.needs.rules import TOPIC, Changes, NeedContent
from marketplace.organisations import lineage
from marketplace.organisations.models import NEED_KINDS, Organisation
from marketplace.outbox.actions import enqueue
from marketplace.submissions.actions import once
from marketplace.web.words import day, moment

_MEANWHILE = (
    "Somebody in your organisation published or reordered at the same moment. Check the list and try again"
)
_CANCELLED = "An administrator cancelled this cycle a moment ago. What you wrote is kept"

#: What the last guards in the database mean. SQLite reports a primary key by its first column.
BROKEN: Mapping[str, DomainError] = {
    "pk_priority": rules.TopThreeError(_MEANWHILE),
    "uq_priority_organisation_id": rules.TopThreeError(_MEANWHILE),
    "ck_priority_top_three": rules.TopThreeError(f"A top three has {rules.PLACES} places"),
    "uq_need_version_need_id": rules.TopThreeError(_MEANWHILE),
    "uq_sign_off_need_id": rules.TopThreeError(_MEANWHILE),
    "uq_sign_off_open": rules.TopThreeError(_MEANWHILE),
    "fk_priority_cycle_id_cycle": rules.TopThreeError(_CANCELLED),
    "fk_co_signature_cycle_id_cycle": rules.TopThreeError(_CANCELLED),
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
    """Start a need and return its ref.

    Raises `AlreadyDone` when the form was sent before, and `OrganisationClosed` for one that has closed.
    """
    with use_case() as session:
        ensure(actor, Permission.NEED_WRITE, organisation_id)
        organisation = session.get_one(Organisation, organisation_id)
        if organisation.kind not in NEED_KINDS:
            raise NotVisible
        lineage.check_open(session, organisation)
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
        need.draft.written_by(actor.user_id)
        need.people = NeedPeople(
            owner_id=actor.user_id,
            deputy_id=queries.usual_deputy(session, organisation_id, actor.user_id),
        )
        session.add(need)
        session.flush()
        ref = need.ref
        record(session, actor, "need.drafted", "need", ref, organisation_id=organisation_id)
        once(session, actor, form_key, address(form_key, "needs.tasks", ref=ref))
        return ref


def save_draft(
    actor: Actor,
    ref: str,
    changes: Changes,
    *,
    lock_version: int,
    seen: str | None = None,
    left_as_is: Collection[str] = (),
    settled: Mapping[int, str | None] | None = None,
) -> int:
    """Save some answers and return the draft's new lock version.

    ``lock_version`` is the one that the person saw; ``seen`` the fingerprint of the answers they saw. When the
    draft has moved on, answers that nobody else touched, or that are the same now, are saved all the same.
    ``left_as_is`` are keys of findings that the coach shall not show again; it changes no answer and no version.
    ``settled`` maps a reviewer's comments to what the writers reply, which may be nothing; to None where a comment
    is not dealt with yet.

    Raises:
        WrongAnswer: for what may not stand in a draft.
        DraftChanged: when somebody else changed the same answers; nothing is saved.
        NoDraft, Gone: when there is nothing to change any more.
        Submitted: when the text is with its reviewers.
    """
    with use_case() as session:
        need = own(actor, ref, Permission.NEED_WRITE)
        draft = draft_of(need)
        check_not_submitted(need)
        now_written = draft.content()
        written = rules.changed(now_written, changes)
        if written == now_written:
            _leave(session, actor, need, left_as_is)
            _settle(session, actor, need, settled or {})
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
        draft.written_by(actor.user_id)
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
        _settle(session, actor, need, settled or {})
        return draft.lock_version


def start_edit(actor: Actor, ref: str) -> None:
    """Copy a published need into a draft to be edited; people see the published version meanwhile.

    Does nothing when there is a draft already. Raises `OrganisationClosed` for a need of one that has closed.
    """
    with use_case() as session:
        need = own(actor, ref, Permission.NEED_WRITE)
        if need.draft is not None or need.current is None:
            return
        lineage.check_open(session, need.organisation)
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
        queries.lock_those_who_placed(ref)
        need = own(actor, ref, Permission.NEED_WRITE)
        check_not_submitted(need)
        if need.published_at is None:
            for place in queries.places_of(need.id):
                close_gap(session, place)
            session.delete(need)
        else:
            session.delete(draft_of(need))
            public = next((one for one in need.sign_offs if one.version == need.version), None)
            if public is not None and public.unseen:  # nothing replaces it now: a HIN may check it again
                need.round = public.round
        record(session, actor, "need.discarded", "need", ref, organisation_id=need.organisation_id)


def withdraw(actor: Actor, ref: str, reason: str, *, form_key: str = "") -> None:
    """Withdraw a published need with a public reason; the needs ranked below it move up.

    Its places in cycles that have closed stay: they are history.

    Raises `Gone` when it is withdrawn already.
    """
    with use_case() as session:
        queries.lock_those_who_placed(ref)
        need = queries.locked_need(ref)
        ensure(actor, Permission.NEED_PUBLISH, need.organisation_id, visible=need.published_at is not None)
        once(session, actor, form_key, address(form_key, "needs.need", ref=ref))
        if need.withdrawn_at is not None:
            raise Gone(withdrawn_words(need))
        if need.published_at is None:
            raise rules.NoDraft("This need has not been published. You can delete its draft")
        take_off(session, actor, need, reason)


def take_off(session: Session, actor: Actor, need: Need, reason: str) -> None:
    """Withdraw a published need in the caller's transaction, which has looked at the actor's right and locked it."""
    rules.check_reason(reason)
    need.withdrawn_at = clock.now()
    need.withdrawn_reason = reason
    if need.draft is not None:
        session.delete(need.draft)
    if (waiting := need.waiting) is not None:
        waiting.taken_back_at = clock.now()
        waiting.lock_version += 1
    for place in queries.places_not_over(need.id):
        close_gap(session, place)
    record(session, actor, "need.withdrawn", "need", need.ref, organisation_id=need.organisation_id)
    enqueue(session, TOPIC, need.ref)


def withdrawn_words(need: Need) -> str:
    """Say when a need was withdrawn and why."""
    when = f" on {day(need.withdrawn_at)}" if need.withdrawn_at is not None else ""
    return f"This need was withdrawn{when}. Reason: {need.withdrawn_reason}"


def address(form_key: str, endpoint: str, **values: Any) -> str:
    """Return where a form led; the empty text for a call that came from no form."""
    # Only calls that came from a form have a request to build an address in.
    return url_for(endpoint, **values) if form_key else ""


def _as_changes(content: NeedContent) -> Changes:
    return {name: getattr(content, name) for name in rules.FIELD_NAMES}


def own(actor: Actor, ref: str, permission: Permission) -> Need:
    """Return a need of the actor's organisation, locked and not withdrawn."""
    need = queries.locked_need(ref)
    ensure(actor, permission, need.organisation_id, visible=need.published_at is not None)
    if need.withdrawn_at is not None:
        raise Gone(withdrawn_words(need))
    return need


def draft_of(need: Need) -> NeedDraft:
    """Return the need's draft or raise `NoDraft`."""
    if need.draft is None:
        raise rules.NoDraft(
            "There is no draft of this need any more. It was published or discarded meanwhile"
        )
    return need.draft


def check_not_submitted(need: Need) -> None:
    """Raise `Submitted` while reviewers have the text: what they decide on must be what they have read."""
    if need.waiting is not None:
        raise signing.Submitted(
            f"This need was submitted on {moment(need.waiting.submitted_at)} and is with its reviewers. "
            "Take it back to change it"
        )


def _settle(session: Session, actor: Actor, need: Need, settled: Mapping[int, str | None]) -> None:
    """Remember which of the reviewers' comments were dealt with, and how."""
    now, changed = clock.now(), []
    for one in need.comments_to_settle:
        reply = settled.get(one.id) if one.id in settled else None
        if one.id not in settled or (
            (reply is not None) == (one.settled_at is not None) and reply in (None, one.reply)
        ):
            continue
        signing.check_reply(reply or "")
        one.reply = reply or ""
        one.settled_at, one.settled_by_id = (None, None) if reply is None else (now, actor.user_id)
        changed.append(one.field)
    if changed:
        record(
            session,
            actor,
            "need.comments-settled",
            "need",
            need.ref,
            organisation_id=need.organisation_id,
            fields=sorted(changed),
        )


def _leave(session: Session, actor: Actor, need: Need, keys: Collection[str]) -> None:
    """Remember findings that were left as they are; forget those whose words are gone."""
    draft = draft_of(need)
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


def cycle_to_publish_in(kept: str = "Your drafts are kept") -> Cycle:
    """Return the cycle that is open for places, or raise `TopThreeError` in plain words; ``kept`` is what waits."""
    cycle = queries.current_cycle()
    if cycle is None:
        raise rules.TopThreeError(f"No cycle is open yet. {kept} until one opens")
    stage = cycle.round.stage(clock.today())
    if stage is Stage.CLOSED:
        raise rules.TopThreeError(
            f"The cycle {cycle.name} closed on {day(cycle.closes_on)}. {kept} until the next one opens"
        )
    if stage is Stage.LOCKED:
        raise rules.TopThreeError(
            f"The cycle {cycle.name} was locked at the end of {day(cycle.locks_on)}, and its top threes stay as they "
            f"are. {kept} until the next cycle opens"
        )
    return cycle


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
