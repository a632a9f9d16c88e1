"""Reads of technologies: what everybody sees on the register, and what a supplier sees of its own.

They read through the session of the application context, which inside `transaction` is the transaction's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask import current_app
from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload, selectinload

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import Gone, NotPermitted, NotVisible
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyVersion
from marketplace.technologies.rules import PassportBadge
from marketplace.vocabulary import CareSetting, ClinicalArea, Readiness
from marketplace.web.words import day


class PassportFilter(StrEnum):
    """Whether a technology has a passport that may be relied on today."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the register is narrowed to; None is no limit."""

    clinical_area: ClinicalArea | None = None
    setting: CareSetting | None = None
    readiness: Readiness | None = None
    passport: PassportFilter | None = None

    @property
    def any(self) -> bool:
        """Tell whether anything is filtered."""
        return self != Filters()


def passport_badges(technology_ids: Collection[int]) -> Mapping[int, PassportBadge]:
    """Return the badge of each technology that has a passport. The room of passports stands behind it."""
    provider: Callable[[Collection[int]], Mapping[int, PassportBadge]]
    provider = current_app.extensions["passport_standing"]
    return provider(technology_ids)


def with_passport_in_force() -> Select[int]:
    """Return a selection of the ids of technologies with a passport in force today, for use in a condition."""
    provider: Callable[[], Select[int]] = current_app.extensions["passport_in_force"]
    return provider()


def is_listed() -> ColumnElement[bool]:
    """Return the condition for being on the register."""
    return and_(Technology.listed_at.is_not(None), Technology.archived_at.is_(None))


def visible_to(actor: Actor) -> Select[Technology]:
    """Return a selection of what the actor may see: the register, and everything of their own suppliers."""
    own = actor.organisations(Permission.TECHNOLOGY_WRITE)
    return select(Technology).where(or_(is_listed(), Technology.supplier_id.in_(own) if own else false()))


def _narrowed(actor: Actor, filters: Filters) -> Select[Technology]:
    statement = visible_to(actor).where(is_listed()).join(Technology.current).join(Technology.supplier)
    if filters.clinical_area:
        statement = statement.where(_holds(TechnologyVersion.clinical_areas, filters.clinical_area))
    if filters.setting:
        statement = statement.where(_holds(TechnologyVersion.settings, filters.setting))
    if filters.readiness:
        statement = statement.where(TechnologyVersion.readiness == filters.readiness)
    if filters.passport is PassportFilter.YES:
        statement = statement.where(Technology.id.in_(with_passport_in_force()))
    if filters.passport is PassportFilter.NO:
        statement = statement.where(Technology.id.not_in(with_passport_in_force()))
    return statement


def _holds(column: InstrumentedAttribute[list[str]], value: StrEnum) -> ColumnElement[bool]:
    # Values are slugs of our own vocabulary, stored as a JSON list: the quotes make a slug match as a whole, and the
    # same condition runs on SQLite and PostgreSQL.
    return cast(column, String).contains(f'"{value.value}"', autoescape=True)


def listed(actor: Actor, filters: Filters = Filters(), *, limit: int, offset: int = 0) -> list[Technology]:
    """Return a page of the register, the latest version first, with supplier and version."""
    statement = (
        _narrowed(actor, filters)
        .options(contains_eager(Technology.current), contains_eager(Technology.supplier))
        .order_by(TechnologyVersion.listed_at.desc(), Technology.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return list(db.session.scalars(statement))


def count_listed(actor: Actor, filters: Filters = Filters()) -> int:
    """Count what `listed` has in all pages."""
    narrowed = _narrowed(actor, filters).with_only_columns(func.count(Technology.id))
    return db.session.scalar(narrowed) or 0


def listed_refs(actor: Actor, filters: Filters = Filters()) -> list[str]:
    """Return the references of everything that `listed` has."""
    narrowed = _narrowed(actor, filters).with_only_columns(Technology.ref).order_by(Technology.id)
    return list(db.session.scalars(narrowed))


def listed_by_refs(actor: Actor, refs: Sequence[str]) -> list[Technology]:
    """Return what of these is on the register, in the order given, with supplier, version and evidence."""
    found = db.session.scalars(
        visible_to(actor)
        .where(is_listed(), Technology.ref.in_(refs))
        .options(
            joinedload(Technology.current),
            joinedload(Technology.supplier),
            selectinload(Technology.evidence),
        )
    )
    by_ref = {technology.ref: technology for technology in found}
    return [by_ref[ref] for ref in refs if ref in by_ref]


def public_by_ref(actor: Actor, ref: str) -> Technology:
    """Return a technology that has been listed, with all that its page shows.

    Raises:
        NotVisible: it does not exist or was never listed.
        Gone: it was archived, and the actor is not of its supplier.
    """
    technology = db.session.scalar(
        select(Technology)
        .where(Technology.ref == ref, Technology.listed_at.is_not(None))
        .options(
            joinedload(Technology.current),
            joinedload(Technology.supplier),
            selectinload(Technology.evidence),
            selectinload(Technology.versions),
        )
    )
    if technology is None:
        raise NotVisible
    if technology.archived_at is not None and not actor.may(
        Permission.TECHNOLOGY_WRITE, technology.supplier_id
    ):
        raise Gone(
            f"The supplier took this technology off the register on {day(technology.archived_at)}. "
            "Passports that were issued for it are still on the register of passports."
        )
    return technology


def own(actor: Actor) -> list[Technology]:
    """Return the technologies of the actor's suppliers: on the register first, then drafts, then archived."""
    suppliers = actor.organisations(Permission.TECHNOLOGY_WRITE)
    statement = (
        select(Technology)
        .where(Technology.supplier_id.in_(suppliers))
        .options(
            joinedload(Technology.current),
            joinedload(Technology.draft),
            joinedload(Technology.supplier),
            selectinload(Technology.evidence),
        )
        .order_by(
            Technology.archived_at.is_not(None),
            Technology.listed_at.is_(None),
            Technology.created_at.desc(),
            Technology.id.desc(),
        )
    )
    return list(db.session.scalars(statement))


def own_by_ref(actor: Actor, ref: str, *, lock: bool = False) -> Technology:
    """Return a technology of one of the actor's suppliers; ``lock`` its row against other writers.

    Raises:
        NotVisible: it does not exist, or is somebody else's draft.
        NotPermitted: everybody may see it, but the actor is not of its supplier.
    """
    statement = select(Technology).where(Technology.ref == ref)
    if lock:
        # The row lock serialises the writers of one technology on PostgreSQL; SQLite has one writer in any case.
        statement = statement.with_for_update(of=Technology).execution_options(populate_existing=True)
    technology = db.session.scalar(statement)
    if technology is None:
        raise NotVisible
    if not actor.may(Permission.TECHNOLOGY_WRITE, technology.supplier_id):
        raise NotVisible if technology.listed_at is None else NotPermitted
    return technology


def evidence_of(technology: Technology, evidence_ref: str) -> EvidenceItem:
    """Return an item of a technology, withdrawn or not; `NotVisible` where there is none."""
    item = db.session.scalar(
        select(EvidenceItem).where(
            EvidenceItem.technology_id == technology.id, EvidenceItem.ref == evidence_ref
        )
    )
    if item is None:
        raise NotVisible
    return item
