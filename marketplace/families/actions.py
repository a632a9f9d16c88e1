"""Co-sign a need, and take that back; tell co-signers what became of it. Each function is one use case."""

from __future__ import annotations

import secrets

from flask import current_app
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, ensure
from marketplace.access.policy import Permission, Role
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.database import transaction
from marketplace.errors import Conflict, Gone, NotVisible
from marketplace.families import letters, queries, rules
from marketplace.families.letters import Letter
from marketplace.families.models import CoSignature
from marketplace.families.rules import Ending
from marketplace.needs import actions as needs
from marketplace.needs import places
from marketplace.needs import queries as needed
from marketplace.needs.models import Need, Priority
from marketplace.needs.rules import State as NeedState
from marketplace.notices.actions import send
from marketplace.organisations import lineage
from marketplace.settings import Settings
from marketplace.submissions.actions import once

#: Where an organisation sees what it co-signs.
OURS = "/co-signatures"


def co_sign(
    actor: Actor,
    need_ref: str,
    organisation_code: str,
    *,
    note: str = "",
    how_many: int | None = None,
    form_key: str = "",
) -> None:
    """Make another organisation's need one of this organisation's three of the current cycle, and tell both.

    Raises:
        CoSignError: in plain words, where it cannot be co-signed.
        Gone: when it was withdrawn.
        AlreadyDone: when the form was sent before.
        OrganisationClosed: when the organisation has closed.
    """
    with needs.use_case() as session:
        organisation = needed.locked_organisation(organisation_code)
        ensure(actor, Permission.NEED_PUBLISH, organisation.id)
        lineage.check_open(session, organisation)
        need = needed.locked_need(need_ref)
        if need.state is NeedState.DRAFT:
            raise NotVisible
        once(session, actor, form_key, f"/needs/{need_ref}#shared")
        if need.withdrawn_at is not None:
            raise Gone(needs.withdrawn_words(need))
        cycle, stand = needed.current_cycle(), needed.stand_of(need)
        earlier = [one for one in queries.standing_of(need.id) if one.organisation_id == organisation.id]
        place = rules.check_co_sign(
            cycle=cycle.round if cycle else None,
            today=clock.today(),
            own=need.organisation_id == organisation.id,
            standing=stand.standing if stand else None,
            signed=any(cycle is not None and one.cycle_id == cycle.id for one in earlier),
            taken=queries.places_taken(organisation.id, cycle.id if cycle else 0),
        )
        assert cycle is not None  # noqa: S101 - the rule says so
        for one in earlier:  # of a cycle that is over
            one.ended_at, one.ending = clock.now(), Ending.NEW_CYCLE
        session.flush()
        session.add(Priority(organisation_id=organisation.id, cycle_id=cycle.id, rank=place, need_id=need.id))
        session.add(
            CoSignature(
                ref=secrets.token_hex(6),
                need_id=need.id,
                organisation_id=organisation.id,
                cycle_id=cycle.id,
                version=need.version,
                told_version=need.version,
                note=note,
                how_many=how_many,
                signed_at=clock.now(),
                signed_by_id=actor.user_id,
            )
        )
        places.note(session, organisation.id, cycle.id)
        record(
            session,
            actor,
            "need.co-signed",
            "need",
            need.ref,
            organisation_id=organisation.id,
            cycle=cycle.id,
            place=place,
            version=need.version,
        )
        title = title_of(need)
        _tell(
            session,
            need.organisation_id,
            letters.co_signed(title, organisation.name, note, how_many, address(f"/needs/{need.ref}#shared")),
        )
        _tell(
            session,
            organisation.id,
            letters.we_co_sign(title, need.organisation.name, actor.name, place, address(OURS)),
        )


def take_back(actor: Actor, ref: str, *, form_key: str = "") -> None:
    """Take a co-signature back: the place is free, the places below move up, and both organisations are told.

    Raises `Gone` when it does not stand any more.
    """
    with needs.use_case() as session:
        needed.locked_organisation(queries.co_signature(actor, ref).organisation.code)
        found = queries.co_signature(actor, ref, lock=True)
        ensure(actor, Permission.NEED_PUBLISH, found.organisation_id)
        once(session, actor, form_key, OURS)
        _check_standing(found)
        found.taken_back_at = clock.now()
        if (place := queries.place_of(found)) is not None:
            needs.close_gap(session, place)
        need = found.need
        record(
            session,
            actor,
            "need.co-signature-taken-back",
            "need",
            need.ref,
            organisation_id=found.organisation_id,
            cycle=found.cycle_id,
        )
        letter = letters.taken_back(title_of(need), found.organisation.name, address(f"/needs/{need.ref}"))
        for organisation_id in (need.organisation_id, found.organisation_id):
            _tell(session, organisation_id, letter)


def keep(actor: Actor, ref: str) -> None:
    """Say that a need that has changed is still this organisation's too. Does nothing when that was said before.

    Raises `OrganisationClosed` for an organisation that has closed.
    """
    with transaction() as session:
        found = queries.co_signature(actor, ref, lock=True)
        ensure(actor, Permission.NEED_PUBLISH, found.organisation_id)
        _check_standing(found)
        if found.version == found.need.version:
            return
        lineage.check_open(session, found.organisation)
        found.version = found.need.version
        record(
            session,
            actor,
            "need.co-signature-kept",
            "need",
            found.need.ref,
            organisation_id=found.organisation_id,
            version=found.version,
        )


def carry_on(actor: Actor, ref: str, *, form_key: str = "") -> str:
    """Start a draft of one's own from a need that was co-signed and has ended; return the draft's ref.

    The people count and the note become the draft's; they are what the organisation said of itself.
    """
    found = queries.co_signature(actor, ref)
    if found.state is not rules.State.ENDED:
        raise Conflict(
            "This co-signature still stands, so the need has not gone. You can write a need of your own"
        )
    content = rules.own_text(queries.last_content(found.need), found.how_many, found.note)
    return needs.create_draft(actor, found.organisation_id, content, form_key=form_key)


def follow() -> None:
    """Look what became of co-signed needs: tell co-signers of new versions, withdrawals, lapses and new cycles.

    Each is told once; a run that finds nothing new writes nothing.
    """
    with transaction() as session:
        cycle = needed.current_cycle()
        for found in queries.unsettled(session):
            need, stand = found.need, needed.stand_of(found.need)
            ending = rules.ending(
                withdrawn=need.withdrawn_at is not None,
                over=cycle is not None and cycle.opens_on > found.cycle.opens_on,
                standing=stand.standing if stand else None,
            )
            if ending is not None:
                _end(session, found, ending)
            elif need.version > found.told_version:
                _tell_changed(session, found)


def _end(session: Session, found: CoSignature, ending: Ending) -> None:
    found.ended_at, found.ending = clock.now(), ending
    need = found.need
    where = f"/needs/{need.ref}/co-sign" if ending is Ending.NEW_CYCLE else OURS
    owner, reason = need.organisation.name, need.withdrawn_reason
    _tell(
        session,
        found.organisation_id,
        letters.ended(title_of(need), owner, ending, reason, address(where)),
    )


def _tell_changed(session: Session, found: CoSignature) -> None:
    need = found.need
    found.told_version = need.version
    _tell(
        session,
        found.organisation_id,
        letters.changed(
            title_of(need),
            need.organisation.name,
            need.current.change_note if need.current else "",
            address(f"/needs/{need.ref}"),
            address(OURS),
        ),
    )


def _check_standing(found: CoSignature) -> None:
    if found.state is rules.State.TAKEN_BACK:
        raise Gone("This co-signature has been taken back.")
    if found.state is rules.State.ENDED:
        raise Gone("This co-signature has ended.")


def _tell(session: Session, organisation_id: int, letter: Letter) -> None:
    """Write to the leads and sponsors of an organisation."""
    people = {
        person.email
        for role in (Role.NEED_LEAD, Role.SPONSOR)
        for person in people_with(session, organisation_id, role)
    }
    for email in sorted(people):
        send(session, email, letter.subject, letter.body)


def title_of(need: Need) -> str:
    """Return the title that people see."""
    return need.current.title if need.current is not None else ""


def address(path: str) -> str:
    """Return the whole address of a page."""
    settings: Settings = current_app.extensions["settings"]
    return f"{settings.public_url}{path}"
