"""Reads about introductions and about the needs of a broker's patch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.accounts.queries import people_with
from marketplace.errors import NotPermitted, NotVisible
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Contact, Decision, Side
from marketplace.needs.models import Need, NeedVersion, Priority
from marketplace.needs.queries import on_board
from marketplace.organisations.models import Organisation
from marketplace.organisations.queries import covering_hins, patch_of
from marketplace.technologies.models import Technology
from marketplace.vocabulary import ClinicalArea

#: The role that answers for a side.
DECIDES = {Side.NEED: Role.NEED_LEAD, Side.SUPPLIER: Role.INNOVATOR}


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """From where a person looks at an introduction.

    A broker who also answers for one of the sides sees it as that side alone: otherwise they would decide for
    their organisation in the knowledge of the other side's refusal.
    """

    sides: tuple[Side, ...]
    broker: bool


def organisations_of(actor: Actor, role: Role) -> frozenset[int]:
    """Return the ids of the organisations at which the person holds a role."""
    return frozenset(grant.organisation_id for grant in actor.grants if grant.role is role)


def viewpoint(actor: Actor, introduction: Introduction) -> Viewpoint:
    """Return for which sides the person answers, or that they look as its broker."""
    sides = tuple(
        side for side in Side if introduction.organisation_id(side) in organisations_of(actor, DECIDES[side])
    )
    return Viewpoint(sides, not sides and introduction.hin_id in organisations_of(actor, Role.BROKER))


def _mine(actor: Actor) -> ColumnElement[bool]:
    leads = organisations_of(actor, Role.NEED_LEAD)
    innovates = organisations_of(actor, Role.INNOVATOR)
    brokers = organisations_of(actor, Role.BROKER)
    if not (leads or innovates or brokers):
        return false()
    return or_(
        Need.organisation_id.in_(leads),
        Technology.supplier_id.in_(innovates),
        Introduction.hin_id.in_(brokers),
    )


def visible_to(actor: Actor) -> Select[Introduction]:
    """Return the introductions that concern the person: as one of the sides, or as a broker of the HIN."""
    return (
        select(Introduction)
        .join(Introduction.need)
        .join(Introduction.technology)
        .where(_mine(actor))
        .options(
            joinedload(Introduction.need).joinedload(Need.organisation),
            joinedload(Introduction.need).joinedload(Need.current),
            joinedload(Introduction.technology).joinedload(Technology.supplier),
            joinedload(Introduction.technology).joinedload(Technology.current),
            joinedload(Introduction.hin),
            joinedload(Introduction.broker),
        )
    )


def one(session: Session, actor: Actor, ref: str) -> Introduction | None:
    """Return an introduction that the person may see."""
    return session.scalar(visible_to(actor).where(Introduction.ref == ref))


def one_to_change(session: Session, actor: Actor, ref: str) -> Introduction | None:
    """Return it as it is now, locked until the transaction ends: answers of both sides come one after the other."""
    return session.scalar(
        visible_to(actor)
        .where(Introduction.ref == ref)
        .with_for_update(of=Introduction)
        .execution_options(populate_existing=True)
    )


def hanging_of(session: Session, actor: Actor) -> Sequence[Introduction]:
    """Return what concerns the person and is not closed nor accepted by both, what is due first on top."""
    return session.scalars(
        visible_to(actor).where(hanging()).order_by(Introduction.decide_by, Introduction.id)
    ).all()


def settled_of(session: Session, actor: Actor, limit: int) -> Sequence[Introduction]:
    """Return what concerns the person and was made or closed, the latest proposal on top."""
    return session.scalars(
        visible_to(actor)
        .where(~hanging())
        .order_by(Introduction.proposed_at.desc(), Introduction.id.desc())
        .limit(limit)
    ).all()


def standing_of_pair(session: Session, actor: Actor, need_id: int, technology_id: int) -> Introduction | None:
    """Return the introduction that stands in the way of another one for the two, where the person may see it."""
    return session.scalar(
        visible_to(actor).where(
            Introduction.need_id == need_id,
            Introduction.technology_id == technology_id,
            Introduction.closed_at.is_(None),
        )
    )


def open_pair(session: Session, need_id: int, technology_id: int) -> Introduction | None:
    """Return the introduction of a need and a technology that has not been closed, locked."""
    return session.scalar(
        select(Introduction)
        .where(
            Introduction.need_id == need_id,
            Introduction.technology_id == technology_id,
            Introduction.closed_at.is_(None),
        )
        .with_for_update()
    )


def of_needs(session: Session, need_ids: Collection[int]) -> Sequence[Introduction]:
    """Return all introductions of some needs, newest first."""
    if not need_ids:
        return []
    return session.scalars(
        select(Introduction)
        .join(Introduction.technology)
        .where(Introduction.need_id.in_(need_ids))
        .options(
            joinedload(Introduction.need).joinedload(Need.organisation),
            joinedload(Introduction.technology).joinedload(Technology.current),
            joinedload(Introduction.technology).joinedload(Technology.supplier),
        )
        .order_by(Introduction.proposed_at.desc(), Introduction.id.desc())
    ).all()


def hanging() -> ColumnElement[bool]:
    """Return the condition that an introduction is neither closed nor made; its time may have run out."""
    return and_(
        Introduction.closed_at.is_(None),
        or_(
            Introduction.need_decision.is_distinct_from(Decision.ACCEPTED),
            Introduction.supplier_decision.is_distinct_from(Decision.ACCEPTED),
        ),
    )


def overdue(session: Session, now: datetime) -> Sequence[Introduction]:
    """Return, locked, what hangs and has run out of time or lost its need or its technology."""
    return session.scalars(
        select(Introduction)
        .where(hanging())
        .join(Introduction.need)
        .join(Introduction.technology)
        .where(
            or_(
                Introduction.decide_by <= now,
                Need.withdrawn_at.is_not(None),
                Technology.archived_at.is_not(None),
            )
        )
        .order_by(Introduction.id)
        .with_for_update(of=Introduction, skip_locked=True)
    ).all()


def not_reminded(session: Session, decide_before: datetime) -> Sequence[Introduction]:
    """Return, locked, what hangs, is due before a moment, and has had no reminder."""
    return session.scalars(
        select(Introduction)
        .where(hanging(), Introduction.reminded_at.is_(None), Introduction.decide_by <= decide_before)
        .order_by(Introduction.id)
        .with_for_update(of=Introduction, skip_locked=True)
    ).all()


def members_of(session: Session, introduction: Introduction, side: Side) -> Sequence[User]:
    """Return the people who may answer for a side."""
    return people_with(session, introduction.organisation_id(side), DECIDES[side])


def brokers_of(session: Session, introduction: Introduction) -> list[User]:
    """Return whom to tell as broker: who proposed it, or the HIN's other brokers when that person no longer may know.

    Nobody who answers for a side is among them: a mail to the broker may tell of the other side's refusal.
    """
    sides = {person.id for side in Side for person in members_of(session, introduction, side)}
    current = people_with(session, introduction.hin_id, Role.BROKER)
    able = [person for person in current if person.id not in sides]
    return [person for person in able if person.id == introduction.broker_id] or able


def contacts(session: Session, introduction: Introduction) -> list[tuple[User, Contact]]:
    """Return the people who accepted and the broker of today; nobody before both sides accepted."""
    if not introduction.course.introduced:
        return []
    brokers = brokers_of(session, introduction)
    people = (
        (introduction.need_decided_by, f"For {introduction.need.organisation.name}"),
        (introduction.supplier_decided_by, f"For {introduction.technology.supplier.name}"),
        *((broker, f"Broker, {introduction.hin.name}") for broker in brokers),
    )
    return [
        (person, Contact(standing, person.name, person.job_title, person.email, person.telephone))
        for person, standing in people
        if person is not None
    ]


def covering(session: Session, actor: Actor, organisation_id: int) -> int | None:
    """Return the id of the broker's HIN that covers an organisation; the first by name where two do."""
    brokered = organisations_of(actor, Role.BROKER)
    if not brokered:
        return None
    return next((hin.id for hin in covering_hins(session, organisation_id) if hin.id in brokered), None)


@dataclass(frozen=True, slots=True)
class PatchNeed:
    """A need of the patch as the triage list filters and sorts it."""

    id: int
    ref: str
    title: str
    rank: int
    published_at: datetime
    organisation_code: str
    organisation_name: str
    area: ClinicalArea | None


def patch_needs(session: Session, actor: Actor) -> list[PatchNeed]:
    """Return the needs on the board of every organisation in the broker's patch, in one query."""
    covered = patch_of(session, organisations_of(actor, Role.BROKER))
    needs = on_board(
        select(
            Need.id,
            Need.ref,
            NeedVersion.title,
            Priority.rank,
            Need.published_at,
            Organisation.code,
            Organisation.name,
            NeedVersion.clinical_area,
        ).select_from(Need)
    )
    rows = session.execute(
        needs.join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .join(Organisation, Organisation.id == Need.organisation_id)
        .where(Need.organisation_id.in_(covered))
        .order_by(Need.id)
    )
    return [
        PatchNeed(id_, ref, title, rank, published_at, code, name, area)
        for id_, ref, title, rank, published_at, code, name, area in rows
        if published_at is not None
    ]


def need_of_patch(session: Session, actor: Actor, ref: str) -> Need:
    """Return a public need that the broker's patch holds.

    Raises:
        NotVisible: there is no such public need.
        NotPermitted: it is of another patch.
    """
    need = published_need(session, ref)
    if need is None:
        raise NotVisible
    if covering(session, actor, need.organisation_id) is None:
        raise NotPermitted
    return need


def published_need(session: Session, ref: str) -> Need | None:
    """Return a need that is or was public."""
    return session.scalar(
        select(Need)
        .where(Need.ref == ref, Need.published_at.is_not(None))
        .options(joinedload(Need.organisation), joinedload(Need.current))
    )


def listed_technology(session: Session, ref: str) -> Technology | None:
    """Return a technology that is or was public."""
    return session.scalar(
        select(Technology)
        .where(Technology.ref == ref, Technology.listed_at.is_not(None))
        .options(joinedload(Technology.supplier), joinedload(Technology.current))
    )
