"""Reads about what organisations came from and went into. All of it is public, and all follows from dates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased, joinedload

from marketplace.organisations.models import (
    FormerCode,
    Kind,
    Organisation,
    Succession,
    SuccessionLink,
    SuccessionMove,
)
from marketplace.organisations.rules import ENDING, OrganisationClosed
from marketplace.web.words import day, listed

#: `SuccessionMove.kind` of needs.
NEED = "need"


@dataclass(frozen=True, slots=True)
class Lineage:
    """The changes that an organisation came out of and went into, oldest first, those ahead included."""

    formed: tuple[Succession, ...]
    became: tuple[Succession, ...]


def lineage_of(session: Session, organisation_id: int) -> Lineage:
    """Return an organisation's changes with the organisations on both sides; a new name stands in ``became``."""
    rows = session.scalars(
        select(Succession)
        .join(SuccessionLink)
        .where(
            (SuccessionLink.from_id == organisation_id) | (SuccessionLink.to_id == organisation_id),
            Succession.cancelled_at.is_(None),
        )
        .options(
            joinedload(Succession.links).joinedload(SuccessionLink.predecessor),
            joinedload(Succession.links).joinedload(SuccessionLink.successor),
        )
        .order_by(Succession.effective_on, Succession.id)
    ).unique()
    formed: list[Succession] = []
    became: list[Succession] = []
    for row in rows:
        started = any(link.from_id == organisation_id for link in row.links)
        (became if started else formed).append(row)
    return Lineage(tuple(formed), tuple(became))


def successors_of(session: Session, organisation_id: int) -> list[Organisation]:
    """Return the organisations to which everything of a closed one was handed over, the last in the chain, by name.

    Empty while its handover waits: its needs are still its own then.
    """
    ends, seen = {organisation_id}, {organisation_id}
    reached: dict[int, Organisation] = {}
    while ends:
        rows = session.execute(
            select(SuccessionLink.from_id, Organisation)
            .join(Succession, Succession.id == SuccessionLink.succession_id)
            .join(Organisation, Organisation.id == SuccessionLink.to_id)
            .where(
                SuccessionLink.from_id.in_(ends),
                Succession.kind.in_(ENDING),
                Succession.settled_at.is_not(None),
                SuccessionLink.to_id.not_in(seen),
            )
        ).all()
        for from_id, organisation in rows:
            reached.pop(from_id, None)
            reached[organisation.id] = organisation
        ends = {organisation.id for _, organisation in rows}
        seen |= ends
    return sorted(reached.values(), key=lambda one: (one.name, one.id))


def came_from(session: Session, kind: Kind, today: date) -> dict[str, dict[str, int]]:
    """Return for each organisation of a kind the codes that it came from, however far back, with per cent of each.

    Its own former codes count too, as do changes that are not handed over yet; a change without shares went whole. A
    transfer does not count: the organisation stays.
    """
    before, after = aliased(Organisation), aliased(Organisation)
    changes = (
        select(after.code, before.code, func.coalesce(SuccessionLink.share, 100))
        .join(Succession, Succession.id == SuccessionLink.succession_id)
        .join(before, before.id == SuccessionLink.from_id)
        .join(after, after.id == SuccessionLink.to_id)
        .where(
            after.kind == kind,
            after.id != before.id,
            Succession.kind.in_(ENDING),
            Succession.effective_on <= today,
            Succession.cancelled_at.is_(None),
        )
    )
    codes = (
        select(Organisation.code, FormerCode.code, literal(100))
        .join(FormerCode, FormerCode.organisation_id == Organisation.id)
        .where(Organisation.kind == kind)
    )
    direct: dict[str, dict[str, int]] = {}
    for heir, code, share in session.execute(union_all(changes, codes)):
        direct.setdefault(heir, {})[code] = share
    found: dict[str, dict[str, int]] = {}
    for heir in direct:
        shares: dict[str, int] = {}
        ends: list[tuple[tuple[str, ...], int]] = [((heir,), 100)]
        while ends:
            way, whole = ends.pop()
            for earlier, share in direct.get(way[-1], {}).items():
                if earlier not in way:  # what came by several ways came with all of them
                    shares[earlier] = shares.get(earlier, 0) + whole * share // 100
                    ends.append(((*way, earlier), whole * share // 100))
        found[heir] = shares
    return found


def by_former_code(session: Session, code: str) -> Organisation | None:
    """Return the organisation that stood in addresses under this code before."""
    return session.scalar(
        select(Organisation)
        .join(FormerCode, FormerCode.organisation_id == Organisation.id)
        .where(FormerCode.code == code)
    )


def being_handed_over() -> ColumnElement[bool]:
    """Return the condition that an organisation has closed and what belongs to it is not handed over yet.

    Its people keep their roles until then: nobody shall be locked out because an administrator is late.
    """
    return (
        select(SuccessionLink.id)
        .join(Succession, Succession.id == SuccessionLink.succession_id)
        .where(
            SuccessionLink.from_id == Organisation.id,
            Succession.kind.in_(ENDING),
            Succession.cancelled_at.is_(None),
            Succession.settled_at.is_(None),
        )
        .correlate(Organisation)
        .exists()
    )


def heirs_of(session: Session, organisation_id: int) -> list[Organisation]:
    """Return the organisations to which everything of a closed one is still to be handed over, by name."""
    return list(
        session.scalars(
            select(Organisation)
            .where(
                Organisation.id.in_(
                    select(SuccessionLink.to_id)
                    .join(Succession, Succession.id == SuccessionLink.succession_id)
                    .where(
                        SuccessionLink.from_id == organisation_id,
                        Succession.kind.in_(ENDING),
                        Succession.cancelled_at.is_(None),
                        Succession.settled_at.is_(None),
                    )
                )
            )
            .order_by(Organisation.name, Organisation.id)
        )
    )


def closed_words(session: Session, organisation: Organisation) -> str:
    """Say that an organisation has closed and where its work goes; the empty text for an open one."""
    if not organisation.closed or organisation.closed_on is None:
        return ""
    words = (
        f"{organisation.name} closed on {day(organisation.closed_on)}. Nothing new is started, signed off or "
        "published in its name."
    )
    heirs = [one.name for one in heirs_of(session, organisation.id)]
    if not heirs:
        return words
    where = f"{heirs[0]}: the work" if len(heirs) == 1 else f"its successors, {listed(heirs)}: the work"
    return (
        f"{words} Its needs and drafts are kept and go to {where} goes on there as soon as an administrator has "
        "confirmed the handover."
    )


def check_open(session: Session, organisation: Organisation) -> None:
    """Raise `OrganisationClosed` for an organisation that has closed, with words that say where its work goes.

    Whatever starts, signs off or publishes something in an organisation's name calls this. What serves others who
    wait (an answer, a withdrawal, a contact) and what is only kept (a draft) does not.
    """
    if words := closed_words(session, organisation):
        raise OrganisationClosed(words)


@dataclass(frozen=True, slots=True)
class Handed:
    """A need changed hands: from whom, and when."""

    name: str
    code: str
    at: datetime


def handings(session: Session, need_ids: Collection[int]) -> Mapping[int, Sequence[Handed]]:
    """Return the organisations that each need belonged to before, oldest first."""
    before = aliased(Organisation)
    rows = session.execute(
        select(SuccessionMove.subject_id, before, SuccessionMove.at)
        .join(before, before.id == SuccessionMove.from_id)
        .where(SuccessionMove.kind == NEED, SuccessionMove.subject_id.in_(need_ids))
        .order_by(SuccessionMove.at, SuccessionMove.id)
    ).all()
    found: dict[int, list[Handed]] = {}
    for need_id, organisation, at in rows:
        found.setdefault(need_id, []).append(Handed(organisation.name, organisation.code, at))
    return found


def name_on(organisation: Organisation, renames: Sequence[Succession], day: date) -> str:
    """Return what an organisation was called on a day, given its changes of name, oldest first."""
    return called(organisation.named, organisation.next_name, renames, day)


def called(named: str, next_name: str | None, renames: Sequence[Succession], day: date) -> str:
    """Return a name on a day from an organisation's columns, without the organisation itself; see `name_on`."""
    for rename in renames:
        if day < rename.effective_on:
            return rename.old_name
    return next_name or named
