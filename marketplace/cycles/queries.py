"""Reads about cycles: who has answered, and who waits for what. All of it is public but who leads."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts.queries import organisations_with
from marketplace.cycles.models import CancelledCycle, CycleLetter, CycleSweep
from marketplace.cycles.rules import Answer, News, Said
from marketplace.errors import Gone, NotVisible
from marketplace.needs import queries as needs
from marketplace.needs.models import Cycle, Need, PlacesRecord, Priority
from marketplace.needs.rounds import Round, Stand, stand
from marketplace.organisations.models import NEED_KINDS, Organisation, Succession, SuccessionLink
from marketplace.web.words import day


def cycle(session: Session, cycle_id: int, *, lock: bool = False) -> Cycle:
    """Return a cycle, or raise `NotVisible`."""
    wanted = select(Cycle).where(Cycle.id == cycle_id)
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotVisible
    return found


def cycle_or_gone(session: Session, cycle_id: int) -> Cycle:
    """Return a cycle for everybody; raise `NotVisible`, or `Gone` for one that was cancelled."""
    if (found := session.get(CancelledCycle, cycle_id)) is not None:
        raise Gone(f"The cycle {found.name} was cancelled on {day(found.cancelled_at)}. {found.reason}")
    return cycle(session, cycle_id)


def others(session: Session, but: int | None = None) -> list[Round]:
    """Return the other cycles, in their order."""
    wanted = select(Cycle).order_by(Cycle.opens_on)
    return [one.round for one in session.scalars(wanted) if one.id != but]


def cancelled(session: Session) -> list[CancelledCycle]:
    """Return the cycles that were cancelled, the latest first."""
    wanted = select(CancelledCycle).order_by(CancelledCycle.cancelled_at.desc(), CancelledCycle.id.desc())
    return list(session.scalars(wanted))


def fresh_id(session: Session) -> int | None:
    """Return a number that no cycle ever had, or None where the database sees to that.

    SQLite gives the number of a row that is gone to the next one, and addresses, files and the audit trail name
    cycles by it.
    """
    if session.get_bind().dialect.name != "sqlite":
        return None
    used = [session.scalar(select(func.max(table.id))) or 0 for table in (Cycle, CancelledCycle)]
    return max(used) + 1


def said_in(session: Session, cycle: Cycle) -> Said:
    """Return what organisations have said in a cycle, also where they took it back later."""
    pairs = {
        (organisation_id, need_id)
        for organisation_id, needs in session.execute(
            select(PlacesRecord.organisation_id, PlacesRecord.needs).where(PlacesRecord.cycle_id == cycle.id)
        )
        for need_id in needs
        if need_id
    }
    of_cycle = select(Priority.organisation_id, Priority.need_id)
    pairs |= {(one, two) for one, two in session.execute(of_cycle.where(Priority.cycle_id == cycle.id))}
    before = select(func.max(Cycle.opens_on)).where(Cycle.opens_on < cycle.opens_on).scalar_subquery()
    own_of_last = {
        (one, two)
        for one, two in session.execute(
            of_cycle.join(Cycle, Cycle.id == Priority.cycle_id)
            .join(Need, and_(Need.id == Priority.need_id, Need.organisation_id == Priority.organisation_id))
            .where(Cycle.opens_on == before)
        )
    }
    lost = {organisation_id for organisation_id, _ in pairs - own_of_last}
    organisations = {organisation_id for organisation_id, _ in pairs}
    codes = dict(
        session.execute(
            select(Organisation.id, Organisation.code).where(Organisation.id.in_(organisations))
        ).all()
    )
    return Said(
        confirmed=tuple(sorted(codes[one] for one in organisations - lost)),
        named=tuple(sorted(codes[one] for one in lost)),
        needs=len(pairs & own_of_last),
    )


def told_of(session: Session, cycle_id: int) -> list[int]:
    """Return the organisations whose leads were told of a cycle, or that have said something in it."""
    told = select(CycleLetter.organisation_id).where(CycleLetter.cycle_id == cycle_id)
    said = select(PlacesRecord.organisation_id).where(PlacesRecord.cycle_id == cycle_id)
    held = select(Priority.organisation_id).where(Priority.cycle_id == cycle_id)
    return list(session.scalars(union(told, said, held).order_by("organisation_id")))


def was_open(on: date) -> ColumnElement[bool]:
    """Return the condition that an organisation was open on a day."""
    return and_(
        or_(Organisation.opened_on.is_(None), Organisation.opened_on <= on),
        or_(Organisation.closed_on.is_(None), Organisation.closed_on > on),
    )


def answers(session: Session, cycle_id: int, on: date) -> list[Answer]:
    """Return every organisation that could answer in a cycle and was open on a day, by name, with how many it named.

    Places of needs that were withdrawn after the cycle had closed count: it is history. A place that is held for a
    need that nobody has published yet does not count. Who handed its places over since, or got some, is counted with
    those that it had on that day.
    """
    before = _handed_since(session, cycle_id, on)
    region = aliased(Organisation)
    rows = session.execute(
        select(
            Organisation.id,
            Organisation.code,
            Organisation.name,
            Organisation.kind,
            region.code,
            region.name,
            func.count(Need.id),
        )
        .outerjoin(region, region.id == Organisation.region_id)
        .outerjoin(Priority, and_(Priority.organisation_id == Organisation.id, Priority.cycle_id == cycle_id))
        .outerjoin(Need, and_(Need.id == Priority.need_id, Need.published_at.is_not(None)))
        .where(Organisation.kind.in_(NEED_KINDS), was_open(on))
        .group_by(Organisation.id, region.id)
        .order_by(Organisation.name, Organisation.id)
    )
    return [
        Answer(code, name, kind, region_code or "", region_name or "", before.get(id_, named))
        for id_, code, name, kind, region_code, region_name, named in rows
    ]


def _handed_since(session: Session, cycle_id: int, on: date) -> dict[int, int]:
    """Return how many needs of a cycle each organisation of a handover after a day had named before the handover."""
    end = clock.end_of(on)
    if end > clock.now():
        return {}
    handed: dict[int, datetime] = {}
    links = (
        select(SuccessionLink.from_id, SuccessionLink.to_id, Succession.settled_at)
        .join(Succession, Succession.id == SuccessionLink.succession_id)
        .where(Succession.settled_at >= end)
        .order_by(Succession.settled_at.desc())
    )
    for from_id, to_id, at in session.execute(links).all():
        if at is not None:
            handed[from_id] = handed[to_id] = at
    if not handed:
        return {}
    records = (
        select(PlacesRecord.organisation_id, PlacesRecord.needs, PlacesRecord.at)
        .where(PlacesRecord.cycle_id == cycle_id, PlacesRecord.organisation_id.in_(handed))
        .order_by(PlacesRecord.at, PlacesRecord.id)
    )
    found = dict.fromkeys(handed, 0)
    for id_, held, at in session.execute(records).all():
        if at < handed[id_]:
            found[id_] = sum(bool(need) for need in held)
    return found


def stands(actor: Actor, organisation_id: int) -> list[tuple[Need, Stand]]:
    """Return an organisation's published needs that are not withdrawn and how each stands; the latest first."""
    rounds, today = [one.round for one in needs.cycles()], clock.today()
    found = [
        (need, stand(need.priority.cycle.round, rounds, today))
        for need in needs.needs_of(actor, [organisation_id])
        if need.published_at is not None and need.withdrawn_at is None and need.priority is not None
    ]
    return sorted(
        found,
        key=lambda pair: (
            -pair[0].priority.cycle.opens_on.toordinal() if pair[0].priority else 0,
            pair[0].priority.rank if pair[0].priority else 0,
            pair[0].id,
        ),
    )


def places(session: Session, organisation_id: int, cycle_id: int) -> dict[int, int]:
    """Return who has which place of an organisation's top three: place and the need's id."""
    rows = session.execute(
        select(Priority.rank, Priority.need_id).where(
            Priority.organisation_id == organisation_id, Priority.cycle_id == cycle_id
        )
    )
    return dict(rows.all())


# What waits for the worker


def to_tell(session: Session, cycle_id: int, news: News) -> list[int]:
    """Return the ids of the open organisations with a lead that have not been told this yet, in their order.

    Of a reminder, only those that have something left to say.
    """
    told = exists().where(
        CycleLetter.cycle_id == cycle_id,
        CycleLetter.organisation_id == Organisation.id,
        CycleLetter.news == news,
    )
    found = session.scalars(
        select(Organisation.id)
        .where(
            Organisation.kind.in_(NEED_KINDS),
            was_open(clock.today()),
            Organisation.id.in_(organisations_with(Role.NEED_LEAD)),
            ~told,
        )
        .order_by(Organisation.id)
    ).all()
    if news is not News.REMINDER or not found:
        return list(found)
    named, waiting = named_counts(session, cycle_id), waiting_counts(session, cycle_id)
    return [one for one in found if asks_for_more(named.get(one, 0), waiting.get(one, 0))]


def asks_for_more(named: int, waiting: int) -> bool:
    """Tell whether a reminder would tell anything: nothing is named, or needs of the last cycle would lapse."""
    return named == 0 or (waiting > 0 and named < 3)


def named_counts(session: Session, cycle_id: int, organisation_id: int | None = None) -> dict[int, int]:
    """Return how many places each organisation, or one, has given in a cycle, with those held for a sign-off."""
    wanted = (
        select(Priority.organisation_id, func.count())
        .where(Priority.cycle_id == cycle_id)
        .group_by(Priority.organisation_id)
    )
    if organisation_id is not None:
        wanted = wanted.where(Priority.organisation_id == organisation_id)
    return dict(session.execute(wanted).all())


def waiting_counts(session: Session, cycle_id: int, organisation_id: int | None = None) -> dict[int, int]:
    """Return how many needs on the board each organisation, or one, has not confirmed for the current cycle."""
    wanted = (
        needs.on_board(select(Need.organisation_id, func.count()).select_from(Need))
        .where(Priority.cycle_id != cycle_id)
        .group_by(Need.organisation_id)
    )
    if organisation_id is not None:
        wanted = wanted.where(Need.organisation_id == organisation_id)
    return dict(session.execute(wanted).all())


def to_sweep(session: Session) -> Cycle | None:
    """Return the latest cycle that has opened, when it has locked and the index was not told what lapsed."""
    latest = needs.current_cycle()
    if latest is None or latest.locks_on >= clock.today():
        return None
    return None if session.get(CycleSweep, latest.id) is not None else latest


def lapsed_at(latest: Cycle) -> list[str]:
    """Return the refs of the needs that lapsed when this, the latest cycle, locked."""
    before = [one for one in needs.cycles() if one.opens_on < latest.opens_on]
    if not before:
        return []
    placed = select(Priority.need_id).where(Priority.cycle_id == before[0].id)
    return needs.lapsed_refs(SERVICE, placed)
