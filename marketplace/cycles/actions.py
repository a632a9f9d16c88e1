"""Enter and move cycles, confirm needs, and do what their dates bring. Each function is one use case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from flask import current_app
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor, ensure
from marketplace.access.policy import Permission, Role
from marketplace.accounts.queries import people_with
from marketplace.audit.actions import record
from marketplace.cycles import letters, queries, rules
from marketplace.cycles.models import CancelledCycle, CycleLetter, CycleSweep
from marketplace.cycles.rules import AnswersChanged, CycleError, DatesMoved, News
from marketplace.database import constraint_name, db, transaction
from marketplace.errors import DomainError, Gone, NotPermitted
from marketplace.needs import actions as needs
from marketplace.needs import places
from marketplace.needs import queries as needed
from marketplace.needs.models import Cycle, Need, PlacesRecord, Priority
from marketplace.needs.rounds import Round
from marketplace.needs.rules import TOPIC, NoDraft, TopThreeError
from marketplace.notices.actions import send
from marketplace.organisations import lineage
from marketplace.organisations.models import Organisation
from marketplace.outbox.actions import enqueue
from marketplace.settings import Settings
from marketplace.submissions.actions import once

#: What the last guards in the database mean.
BROKEN: Mapping[str, DomainError] = {
    "uq_cycle_name": CycleError("There is a cycle with this name already", "name"),
    "uq_cycle_opens_on": CycleError("Another cycle opens on this day already", "opens_on"),
    "ck_cycle_in_order": CycleError("The dates of the cycle are not in order", "opens_on"),
}


@contextmanager
def use_case() -> Iterator[Session]:
    """Open a transaction in which a broken constraint of cycles comes out in plain words."""
    try:
        with transaction() as session:
            yield session
    except IntegrityError as error:
        if (meaning := BROKEN.get(constraint_name(error))) is not None:
            raise type(meaning)(meaning.message, meaning.field) from error
        raise


def enter(actor: Actor, dates: Round, *, form_key: str = "") -> int:
    """Enter the next cycle and return its id.

    Raises:
        CycleError: the dates do not do, or overlap with those of another cycle.
        AlreadyDone: the form was sent before.
    """
    _may_oversee(actor)
    rules.check_name(dates.name)
    rules.check_order(dates)
    with use_case() as session:
        # First, and not last: the cycle of the same form would overlap with itself before the key is seen.
        once(session, actor, form_key, "/cycles")
        rules.check_new(dates, clock.today())
        rules.check_apart(dates, _alone(session))
        cycle = Cycle(id=queries.fresh_id(session), **_columns(dates))
        session.add(cycle)
        session.flush()
        record(session, actor, "cycle.opened", "cycle", cycle.id, dates=_told(dates))
        return cycle.id


def move(actor: Actor, cycle_id: int, dates: Round, *, seen: Round | None = None, form_key: str = "") -> None:
    """Move the dates of a cycle that have not passed; the name, too, until it opens.

    ``seen`` is the cycle as the person saw it.

    Raises:
        CycleError: a date has passed, or the new ones do not do.
        DatesMoved: somebody else changed the cycle meanwhile.
        NotVisible: there is no such cycle.
    """
    _may_oversee(actor)
    rules.check_name(dates.name)
    with use_case() as session:
        once(session, actor, form_key, "/cycles")
        others = _alone(session, but=cycle_id)
        cycle = queries.cycle(session, cycle_id, lock=True)
        before = cycle.round
        if seen is not None and seen != before:
            raise DatesMoved(
                "Somebody else changed this cycle meanwhile. Check its dates and send yours again"
            )
        rules.check_moves(before, dates, clock.today())
        rules.check_order(dates)
        rules.check_apart(dates, others)
        if dates == before:
            return
        for name, value in _columns(dates).items():
            setattr(cycle, name, value)
        session.flush()
        record(
            session,
            actor,
            "cycle.moved",
            "cycle",
            cycle.id,
            before=_told(before) | {"name": before.name},
            after=_told(dates) | {"name": dates.name},
        )


def cancel(actor: Actor, cycle_id: int, reason: str, *, seen: str | None = None, form_key: str = "") -> None:
    """Take a cycle back that has not locked and in which nothing would be lost; it is then as if it had not been.

    What was said in it of needs of the last cycle goes with it: they stand by their places of that. Leads who were
    told of it, or have answered, get one letter. ``seen`` is the `rules.state_of` what the person read.

    Raises:
        CycleError: it has locked, or needs would lose their places. No reason is given, or too long a one.
        AnswersChanged: something was said in it, or its dates were moved, meanwhile.
        NotVisible: there is no such cycle.
    """
    _may_oversee(actor)
    if not reason:
        raise CycleError("Enter why the cycle is cancelled", "reason")
    if len(reason) > rules.REASON_LIMIT:
        raise CycleError(f"The reason must be {rules.REASON_LIMIT} characters or fewer", "reason")
    with use_case() as session:
        once(session, actor, form_key, "/cycles")
        _alone(session, but=cycle_id)
        # Whoever gives a place in it holds its row until that is done, so nothing is missed here.
        cycle = queries.cycle(session, cycle_id, lock=True)
        dates, said = cycle.round, queries.said_in(session, cycle)
        rules.check_cancel(dates, said, clock.today())
        if seen is not None and seen != rules.state_of(dates, said):
            raise AnswersChanged(
                "Somebody answered, or changed the cycle, meanwhile. Read again what is taken back, and decide"
            )
        told = queries.told_of(session, cycle_id)
        for ref in session.scalars(
            select(Need.ref)
            .join(Priority, Priority.need_id == Need.id)
            .where(Priority.cycle_id == cycle_id)
            .order_by(Need.id)
        ):
            enqueue(session, TOPIC, ref)
        for table in (CycleLetter, PlacesRecord, Priority):
            session.execute(delete(table).where(table.cycle_id == cycle_id))
        session.add(
            CancelledCycle(
                id=cycle_id,
                **_columns(dates),
                cancelled_at=clock.now(),
                cancelled_by_id=actor.user_id,
                reason=reason,
            )
        )
        session.delete(cycle)
        session.flush()
        letter = letters.cancelled(dates, reason, confirmed=bool(said.confirmed))
        leads = {person.id: person for one in told for person in people_with(session, one, Role.NEED_LEAD)}
        for person in leads.values():
            send(session, person.email, letter.subject, letter.body)
        record(
            session,
            actor,
            "cycle.cancelled",
            "cycle",
            cycle_id,
            name=dates.name,
            dates=_told(dates),
            reason=reason,
            taken_back=list(said.confirmed),
        )


def confirm(actor: Actor, ref: str) -> int:
    """Say that a published need is still true: give it a place in the cycle that is open, and return that place.

    Its last place if that is free, or else the first that is. A need that has one already keeps it, so that a form
    that is sent twice does nothing.

    Raises:
        TopThreeError: no cycle is open, or all three places are taken.
        Gone: the need was withdrawn.
        NoDraft: it was never published.
        OrganisationClosed: the organisation has closed; its successor says whether the need is still true.
    """
    with needs.use_case() as session:
        organisation = needed.locked_organisation(needed.organisation_code_of(ref))
        need = needed.locked_need(ref)
        ensure(actor, Permission.NEED_PUBLISH, need.organisation_id, visible=need.published_at is not None)
        if need.withdrawn_at is not None:
            raise Gone(needs.withdrawn_words(need))
        if need.published_at is None:
            raise NoDraft("This need has not been published. Give it a place to publish it")
        lineage.check_open(session, organisation)
        cycle = needs.cycle_to_publish_in()
        taken = queries.places(session, organisation.id, cycle.id)
        for place, need_id in taken.items():
            if need_id == need.id:
                return place
        place_now = rules.place_for(need.priority.rank if need.priority else None, list(taken))
        if place_now is None:
            raise TopThreeError(
                f"All three places of {organisation.name} in {cycle.name} are taken. "
                "Withdraw one of those needs first, or say that this one is no longer needed",
                ref,
            )
        session.add(
            Priority(organisation_id=organisation.id, cycle_id=cycle.id, rank=place_now, need_id=need.id)
        )
        places.note(session, organisation.id, cycle.id)
        record(
            session,
            actor,
            "need.confirmed",
            "need",
            ref,
            organisation_id=organisation.id,
            cycle=cycle.id,
            place=place_now,
        )
        enqueue(session, TOPIC, ref)
        return place_now


# What time brings


def keep_up() -> Iterator[None]:
    """Tell leads what the current cycle asks of them, and the index what has lapsed; one step at a time.

    Everything is told once, whoever does it and however often it is begun anew. The truth waits for none of it.
    """
    sweep()
    yield
    cycle = needed.current_cycle()
    news = rules.news_due(cycle.round, clock.today()) if cycle is not None else None
    if cycle is None or news is None:
        db.session.rollback()
        return
    cycle_id, waiting = cycle.id, queries.to_tell(db.session, cycle.id, news)
    db.session.rollback()
    for organisation_id in waiting:
        tell(cycle_id, organisation_id, news)
        yield


def catch_up() -> None:
    """Do all of `keep_up` at once."""
    for _step in keep_up():
        pass


def tell(cycle_id: int, organisation_id: int, news: News) -> bool:
    """Write a letter about a cycle to the leads of an organisation, unless that was done; tell whether it was now."""
    with transaction() as session:
        # Held until the end, so that of two workers the second one sees the first one's letter.
        organisation = session.scalars(
            select(Organisation)
            .where(Organisation.id == organisation_id)
            .with_for_update(of=Organisation, key_share=True)
        ).one()
        if session.get(CycleLetter, (cycle_id, organisation_id, news)) is not None:
            return False
        # Held as whoever gives a place holds it: a cycle that is cancelled meanwhile gets no letter afterwards.
        held = session.scalar(
            select(Cycle).where(Cycle.id == cycle_id).with_for_update(read=True, key_share=True)
        )
        if held is None or rules.news_due(held.round, clock.today()) is not news:
            return False
        cycle = held.round
        named = queries.named_counts(session, cycle_id, organisation_id).get(organisation_id, 0)
        waiting = queries.waiting_counts(session, cycle_id, organisation_id).get(organisation_id, 0)
        if news is News.REMINDER and not queries.asks_for_more(named, waiting):
            return False
        confirm_at = _address(f"/organisations/{organisation.code}/still-true")
        write_at = _address("/top-three/new")
        letter = (
            letters.opened(organisation.name, cycle, waiting, confirm_at, write_at)
            if news is News.OPENED
            else letters.reminder(organisation.name, cycle, named, waiting, confirm_at, write_at)
        )
        for person in people_with(session, organisation_id, Role.NEED_LEAD):
            send(session, person.email, letter.subject, letter.body)
        session.add(
            CycleLetter(cycle_id=cycle_id, organisation_id=organisation_id, news=news, written_at=clock.now())
        )
        return True


def sweep() -> int:
    """Have the index look again at the needs that lapsed when the current cycle locked; return how many, once."""
    latest = queries.to_sweep(db.session)
    if latest is None:
        db.session.rollback()
        return 0
    cycle_id = latest.id
    with transaction() as session:
        cycle = queries.cycle(session, cycle_id, lock=True)
        if session.get(CycleSweep, cycle_id) is not None:
            return 0
        refs = queries.lapsed_at(cycle)
        for ref in refs:
            enqueue(session, TOPIC, ref)
        session.add(CycleSweep(cycle_id=cycle_id, swept_at=clock.now()))
        return len(refs)


def _may_oversee(actor: Actor) -> None:
    if actor is not SERVICE and not actor.may(Permission.SERVICE_OVERSEE):
        raise NotPermitted


def _alone(session: Session, but: int | None = None) -> list[Round]:
    """Return the other cycles, and let nobody else enter or move one until the end."""
    if session.get_bind().dialect.name == "postgresql":
        # No row to lock stands for a cycle that is not there yet. SQLite's writers wait for each other anyway.
        session.execute(text("LOCK TABLE cycle IN SHARE ROW EXCLUSIVE MODE"))
    return queries.others(session, but)


def _columns(dates: Round) -> dict[str, str | date]:
    return {"name": dates.name} | {name: getattr(dates, name) for name in rules.DATES}


def _told(dates: Round) -> dict[str, str]:
    return {name: str(getattr(dates, name)) for name in rules.DATES}


def _address(path: str) -> str:
    settings: Settings = current_app.extensions["settings"]
    return f"{settings.public_url}{path}"
