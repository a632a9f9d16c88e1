"""Submit needs for sign-off, take them back, publish them, and say who leads them.

Each function is one use case and one transaction, but `publish`: the room of reviews calls it inside its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission, Role
from marketplace.accounts.models import Membership, User
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, NotPermitted, NotVisible
from marketplace.needs import letters, places, queries, rules, signing
from marketplace.needs.actions import (
    address,
    check_not_submitted,
    cycle_to_publish_in,
    draft_of,
    own,
    use_case,
)
from marketplace.needs.models import Cycle, Need, NeedPeople, NeedVersion, Priority, SignOff
from marketplace.needs.rounds import Stage
from marketplace.needs.rules import TOPIC
from marketplace.notices.actions import send
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.outbox.actions import enqueue
from marketplace.submissions.actions import once
from marketplace.web.links import public_link
from marketplace.web.words import moment

# Submitting


def submit_top_three(
    actor: Actor,
    organisation_code: str,
    ranked_refs: Sequence[str],
    *,
    form_key: str = "",
    change_notes: Mapping[str, str] | None = None,
    seen: Mapping[str, int] | None = None,
) -> list[str]:
    """Rank these needs, best first, for the current cycle; submit those that are drafts, and return their refs.

    A need keeps its place from now on: a published one until it is withdrawn, a submitted one until it is taken back.
    The order of published needs changes at once, and the sponsors are told. The edited draft of a published need is
    submitted too where ``change_notes`` says what changed. ``seen`` maps refs to the lock version of the draft that
    the person saw.

    Raises:
        TopThreeError: in plain words, with the ref of the need it is about as its field.
        AlreadyDone: when the form was sent before.
        OrganisationClosed: the organisation has closed; its drafts are kept for its successor.
    """
    notes = change_notes or {}
    with use_case() as session:
        organisation = queries.locked_organisation(organisation_code)
        ensure(actor, Permission.NEED_PUBLISH, organisation.id, visible=True)
        once(session, actor, form_key, address(form_key, "needs.workspace"))
        lineage.check_open(session, organisation)
        cycle = cycle_to_publish_in()
        needs = {
            need.ref: need for need in queries.to_rank(organisation.id, cycle.id, ranked_refs, lock=True)
        }
        rules.check_top_three(ranked_refs, queries.candidates(needs.values(), organisation.id, cycle.id))
        ranked = [needs[ref] for ref in ranked_refs]
        for need in ranked:
            _check_seen(need, seen or {})
        before = _published_order(organisation.id, cycle.id)
        moved = [need for need in ranked if need.priority is None or need.priority.cycle_id != cycle.id]
        _give_places(session, organisation, cycle, ranked)
        own_needs = [
            need for need in ranked if need.organisation_id == organisation.id
        ]  # not the co-signed ones
        submitted = [
            need
            for need in own_needs
            if (need.published_at is None and need.waiting is None)
            or (need.draft is not None and need.ref in notes)
        ]
        for need in submitted:
            _submit(session, actor, organisation, need, notes.get(need.ref, ""))
        places.note(session, organisation.id, cycle.id)
        for need in moved:
            if need in own_needs and need.published_at is not None:
                enqueue(session, TOPIC, need.ref)
        after = _published_order(organisation.id, cycle.id)
        record(
            session,
            actor,
            "top-three.submitted" if submitted else "top-three.reordered",
            "organisation",
            organisation.code,
            organisation_id=organisation.id,
            cycle=cycle.id,
            refs=list(ranked_refs),
        )
        if submitted:
            _tell_submitted(session, actor, organisation, submitted)
        elif before != after:
            _tell_reordered(session, actor, organisation)
        return [need.ref for need in submitted]


def submit_edit(actor: Actor, ref: str, *, change_note: str, lock_version: int, form_key: str = "") -> None:
    """Submit the draft of a published need as its next version; people see the published one meanwhile.

    Raises `NotComplete` when answers are missing, `Conflict` when the draft is not the one that was checked, and
    `OrganisationClosed` for an organisation that has closed.
    """
    with use_case() as session:
        need = own(actor, ref, Permission.NEED_PUBLISH)
        once(session, actor, form_key, address(form_key, "needs.check", ref=ref))
        lineage.check_open(session, need.organisation)
        draft = draft_of(need)
        if need.published_at is None:
            raise rules.TopThreeError("Give this need a place in your top three to submit it")
        check_not_submitted(need)
        if draft.lock_version != lock_version:
            raise Conflict(
                f"{queries.name_of(draft.saved_by_id) or 'Somebody'} changed this draft on {moment(draft.saved_at)}. "
                "Check the answers again before you submit them",
                "change_note",
            )
        rules.check_change_note(change_note)
        if gaps := rules.gaps(draft.content()):
            raise rules.NotComplete(f"This need is not finished. {gaps[0].message}", "change_note")
        _submit(session, actor, need.organisation, need, change_note)
        _tell_submitted(session, actor, need.organisation, [need])


def _submit(session: Session, actor: Actor, organisation: Organisation, need: Need, note: str) -> None:
    draft = draft_of(need)
    people = need.people or NeedPeople()
    need.people = people
    members = queries.roles_in_force(session, organisation.id)
    if people.owner_id is None:  # begun before there were owners
        people.owner_id = actor.user_id
    signing.check_ready(
        signing.Readiness(
            ref=need.ref,
            title=draft.title,
            owner=queries.leads(members, people.owner_id),
            deputy=people.deputy_id in members and people.deputy_id != people.owner_id,
            waiting=need.waiting is not None,
            open_fields=[one.field for one in need.comments_to_settle if one.settled_at is None],
        )
    )
    began = need.created_by_id if need.version == 0 else None
    writers = {*draft.writers, draft.saved_by_id, actor.user_id, began} - {None}
    need.round = 1 + max((one.round for one in need.sign_offs), default=0)
    sign_off = SignOff(
        need_id=need.id,
        round=need.round,
        based_on=need.version,
        change_note=note,
        writers=sorted(one for one in writers if one is not None),
        submitted_at=clock.now(),
        submitted_by_id=actor.user_id,
    )
    sign_off.fill(draft.content())
    need.sign_offs.append(sign_off)
    session.flush()
    session.expire(need, ["sign_off"])
    record(
        session,
        actor,
        "need.submitted",
        "need",
        need.ref,
        organisation_id=need.organisation_id,
        round=need.round,
    )


def _give_places(session: Session, organisation: Organisation, cycle: Cycle, ranked: Sequence[Need]) -> None:
    session.execute(
        delete(Priority).where(Priority.organisation_id == organisation.id, Priority.cycle_id == cycle.id),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        insert(Priority),
        [
            {"organisation_id": organisation.id, "cycle_id": cycle.id, "rank": place, "need_id": need.id}
            for place, need in enumerate(ranked, start=1)
        ],
    )


def _published_order(organisation_id: int, cycle_id: int) -> list[int]:
    return list(
        db.session.scalars(
            select(Priority.need_id)
            .join(Need, Need.id == Priority.need_id)
            .where(
                Priority.organisation_id == organisation_id,
                Priority.cycle_id == cycle_id,
                Need.published_at.is_not(None),
            )
            .order_by(Priority.rank)
        )
    )


def _check_seen(need: Need, seen: Mapping[str, int]) -> None:
    if need.ref not in seen or need.published_at is not None or need.draft is None:
        return
    if need.draft.lock_version != seen[need.ref]:
        raise rules.TopThreeError(
            f"“{need.draft.title}” was changed on {moment(need.draft.saved_at)} by "
            f"{queries.name_of(need.draft.saved_by_id) or 'somebody else'}. Check its answers before you submit it",
            need.ref,
        )


def take_back(actor: Actor, ref: str, *, form_key: str = "") -> None:
    """Take a submitted need back to change it; whoever approved it has to approve the new text.

    Raises `Conflict` when nothing is submitted any more: it was returned or published meanwhile.
    """
    with use_case() as session:
        need = own(actor, ref, Permission.NEED_PUBLISH)
        once(session, actor, form_key, address(form_key, "needs.tasks", ref=ref))
        waiting = need.waiting
        if waiting is None:
            raise Conflict(
                "This need is not with its reviewers any more. It was returned or published meanwhile"
            )
        waiting.taken_back_at = clock.now()
        waiting.lock_version += 1
        record(
            session,
            actor,
            "need.taken-back",
            "need",
            ref,
            organisation_id=need.organisation_id,
            round=waiting.round,
        )


# Publishing


def publish(session: Session, actor: Actor, need: Need, sign_off: SignOff) -> None:
    """Publish what was signed off, in the caller's transaction; the caller holds the organisation and the need.

    Raises `OrganisationClosed` where the organisation has closed meanwhile: its successor publishes it.
    """
    lineage.check_open(session, need.organisation)
    now = clock.now()
    if need.published_at is None:
        _keep_a_place(session, need)
    version = NeedVersion(
        need_id=need.id,
        number=need.version + 1,
        change_note=sign_off.change_note,
        published_at=now,
        published_by_id=actor.user_id,
    )
    version.fill(sign_off.content())
    session.add(version)
    if need.draft is not None:
        session.delete(need.draft)
    need.version = version.number
    need.published_at = need.published_at or now
    sign_off.version = version.number
    session.flush()
    for place in queries.places_of(need.id):
        places.note(session, place.organisation_id, place.cycle_id)
    record(
        session,
        actor,
        "need.published",
        "need",
        need.ref,
        organisation_id=need.organisation_id,
        version=version.number,
        unchecked=sign_off.unchecked.value if sign_off.unchecked else "",
    )
    enqueue(session, TOPIC, need.ref)


def _keep_a_place(session: Session, need: Need) -> None:
    """Move the place of a need that is published late into the cycle that has opened meanwhile.

    A place that was held in time stays good until its cycle closes; new ones are given until the lock alone.
    Raises `TopThreeError` when the need has to wait: for the next cycle, or for a free place.
    """
    cycle = queries.current_cycle()
    held = queries.places_of(need.id)
    if cycle is None:
        return
    holds = any(one.cycle_id == cycle.id for one in held)
    if holds and cycle.round.stage(clock.today()) is not Stage.CLOSED:
        return
    cycle_to_publish_in("What was submitted is kept")
    taken = queries.taken_places(need.organisation_id, cycle.id)
    free = next((place for place in range(1, rules.PLACES + 1) if place not in taken), None)
    if free is None:
        raise rules.TopThreeError(
            f"No place is free in this organisation’s top three of {cycle.name}, which opened after the need was "
            "submitted. It can be published when a place is free"
        )
    for one in held:  # never counted: the need was not public in that cycle
        session.delete(one)
    session.add(Priority(organisation_id=need.organisation_id, cycle_id=cycle.id, rank=free, need_id=need.id))
    session.flush()


# Who leads a need


def name_deputy(actor: Actor, ref: str, deputy_id: int | None, *, form_key: str = "") -> None:
    """Name the second person of the organisation who takes over when the owner leaves.

    Raises `DomainError` for somebody who does not belong to the organisation, and for the owner.
    """
    with use_case() as session:
        need = own(actor, ref, Permission.NEED_WRITE)
        once(session, actor, form_key, address(form_key, "reviews.people", ref=ref))
        members = queries.roles_in_force(session, need.organisation_id)
        people = need.people or NeedPeople()
        need.people = people
        if deputy_id is None or deputy_id not in members:
            raise DomainError("Choose a person of your organisation as deputy", "deputy")
        if deputy_id == people.owner_id:
            raise DomainError("The deputy must be somebody else than the person who leads the need", "deputy")
        people.deputy_id = deputy_id
        record(
            session,
            actor,
            "need.deputy-named",
            "need",
            ref,
            organisation_id=need.organisation_id,
            deputy=deputy_id,
        )


def take_over(actor: Actor, ref: str, *, form_key: str = "") -> None:
    """Make the actor the owner of a need whose owner has left: its deputy, or another lead of the organisation.

    A deputy who is no need lead becomes one: the owner has to be able to write.

    Raises:
        NotVisible: the actor may not know of the need. NotPermitted: the actor is neither deputy nor lead.
        Conflict: the owner has not left, or somebody else was faster.
    """
    with use_case() as session:
        need = queries.locked_need(ref)
        members = queries.roles_in_force(session, need.organisation_id)
        people = need.people or NeedPeople()
        need.people = people
        own_roles = members.get(actor.user_id or 0, set())
        if Role.NEED_LEAD not in own_roles and not (own_roles and people.deputy_id == actor.user_id):
            raise NotPermitted if need.published_at is not None or own_roles else NotVisible
        once(session, actor, form_key, address(form_key, "reviews.people", ref=ref))
        if need.withdrawn_at is not None:
            raise Conflict("This need has been withdrawn, so nobody has to lead it")
        if queries.leads(members, people.owner_id):
            raise Conflict(f"{queries.name_of(people.owner_id)} leads this need")
        if Role.NEED_LEAD not in own_roles:
            session.add(
                Membership(
                    user_id=actor.user_id,
                    organisation_id=need.organisation_id,
                    role=Role.NEED_LEAD,
                    started_on=clock.today(),
                )
            )
            record(
                session,
                actor,
                "membership.started",
                "person",
                actor.user_id,
                organisation_id=need.organisation_id,
                role=Role.NEED_LEAD.value,
            )
        people.owner_id, people.told_at = actor.user_id, None
        if people.deputy_id == actor.user_id:
            people.deputy_id = None
        record(session, actor, "need.taken-over", "need", ref, organisation_id=need.organisation_id)


# Letters


def _tell_submitted(
    session: Session, actor: Actor, organisation: Organisation, submitted: Sequence[Need]
) -> None:
    """Write one letter to each sponsor who may decide, and one to each deputy, however many needs there are."""
    by_sponsor: dict[User, list[str]] = {}
    for sponsor in people_with(session, organisation.id, Role.SPONSOR):
        titles = [
            _title(need) for need in submitted if need.waiting and sponsor.id not in need.waiting.writers
        ]
        if titles:
            by_sponsor[sponsor] = titles
    link = public_link("reviews.queue")
    for sponsor, titles in by_sponsor.items():
        letter = letters.to_approve(actor.name, organisation.name, titles, link)
        send(session, sponsor.email, letter.subject, letter.body)
    for deputy, titles in _by_deputy(submitted).items():
        if deputy.id != actor.user_id and deputy not in by_sponsor:
            letter = letters.deputy(organisation.name, titles, public_link("home.start"))
            send(session, deputy.email, letter.subject, letter.body)


def _by_deputy(submitted: Iterable[Need]) -> dict[User, list[str]]:
    found: dict[User, list[str]] = {}
    for need in submitted:
        if need.people is not None and need.people.deputy is not None:
            found.setdefault(need.people.deputy, []).append(_title(need))
    return found


def _tell_reordered(session: Session, actor: Actor, organisation: Organisation) -> None:
    link = public_link("needs.organisation", organisation_code=organisation.code)
    for sponsor in people_with(session, organisation.id, Role.SPONSOR):
        if sponsor.id != actor.user_id:
            letter = letters.reordered(actor.name, organisation.name, link)
            send(session, sponsor.email, letter.subject, letter.body)


def _title(need: Need) -> str:
    return need.waiting.title if need.waiting is not None else ""
