"""Reads about organisations and patches. The registry is public: nothing here depends on who asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from marketplace import clock
from marketplace.organisations import ods, rules
from marketplace.organisations.models import NEED_KINDS, HinPatch, Kind, Organisation, OrganisationImport


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """What the filters of public lists offer, as (code, name): open regions, and those that publish needs."""

    regions: tuple[tuple[str, str], ...]
    organisations: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PatchCount:
    """A HIN with the number of rows of its patch, and how many of them are confirmed."""

    hin: Organisation
    rows: int
    confirmed: int


def is_open(today: date | None = None) -> ColumnElement[bool]:
    """Return the condition that an organisation is open today (or on a day): it has begun and not ended."""
    today = today or clock.today()
    begun = or_(Organisation.opened_on.is_(None), Organisation.opened_on <= today)
    return and_(begun, or_(Organisation.closed_on.is_(None), Organisation.closed_on > today))


def by_code(session: Session, code: str) -> Organisation | None:
    """Return the organisation with this code (ODS's, or our own slug), closed ones included."""
    return session.scalar(select(Organisation).where(Organisation.code == code))


def patch_of(session: Session, hin_ids: Collection[int]) -> frozenset[int]:
    """Return the ids of the organisations that these HINs cover; an ICB brings its trusts.

    A HIN covers itself: its own needs need a broker too.
    """
    if not hin_ids:
        return frozenset()
    covered = select(HinPatch.organisation_id).where(HinPatch.hin_id.in_(hin_ids))
    found = session.scalars(
        select(Organisation.id).where(
            or_(
                Organisation.id.in_(covered),
                Organisation.parent_id.in_(covered),
                Organisation.id.in_(hin_ids) & (Organisation.kind == Kind.HIN),
            )
        )
    )
    return frozenset(found)


def covering_hins(session: Session, organisation_id: int) -> list[Organisation]:
    """Return the HINs whose patch holds the organisation, itself or through its ICB, by name."""
    parent = select(Organisation.parent_id).where(Organisation.id == organisation_id).scalar_subquery()
    covering = select(HinPatch.hin_id).where(
        or_(HinPatch.organisation_id == organisation_id, HinPatch.organisation_id == parent)
    )
    return list(
        session.scalars(
            select(Organisation)
            .where(
                Organisation.kind == Kind.HIN,
                or_(Organisation.id.in_(covering), Organisation.id == organisation_id),
                is_open(),
            )
            .order_by(Organisation.name, Organisation.id)
        )
    )


def filter_choices(session: Session) -> FilterChoices:
    """Return the open regions and the open organisations that can publish needs, by name."""
    rows = session.execute(
        select(Organisation.kind, Organisation.code, Organisation.name)
        .where(Organisation.kind.in_((Kind.REGION, *NEED_KINDS)), is_open())
        .order_by(Organisation.name, Organisation.id)
    ).all()
    return FilterChoices(
        regions=tuple((code, name) for kind, code, name in rows if kind is Kind.REGION),
        organisations=tuple((code, name) for kind, code, name in rows if kind is not Kind.REGION),
    )


def found(session: Session, text: str, kind: Kind | None, limit: int) -> Sequence[Organisation]:
    """Return organisations whose name or code holds the text, closed ones included, by name."""
    wanted = select(Organisation).options(joinedload(Organisation.parent), joinedload(Organisation.region))
    if kind is not None:
        wanted = wanted.where(Organisation.kind == kind)
    for word in text.split()[:8]:
        wanted = wanted.where(
            or_(
                Organisation.name.icontains(word, autoescape=True),
                func.lower(Organisation.code) == word.lower(),
            )
        )
    return session.scalars(wanted.order_by(Organisation.name, Organisation.id).limit(limit)).all()


def patch_rows(session: Session, hin_id: int) -> Sequence[HinPatch]:
    """Return a HIN's patch with its organisations, by kind and name."""
    covered = aliased(Organisation)
    return session.scalars(
        select(HinPatch)
        .join(covered, HinPatch.organisation_id == covered.id)
        .options(joinedload(HinPatch.organisation))
        .where(HinPatch.hin_id == hin_id)
        .order_by(covered.kind, covered.name, covered.id)
    ).all()


def patch_row(session: Session, hin_id: int, organisation_code: str) -> HinPatch | None:
    """Return one row of a patch."""
    return session.scalar(
        select(HinPatch)
        .join(Organisation, HinPatch.organisation_id == Organisation.id)
        .options(joinedload(HinPatch.organisation))
        .where(HinPatch.hin_id == hin_id, Organisation.code == organisation_code)
    )


def trusts_within(session: Session, icb_ids: Collection[int]) -> dict[int, int]:
    """Return how many open trusts lie under each ICB."""
    rows = session.execute(
        select(Organisation.parent_id, func.count())
        .where(Organisation.parent_id.in_(icb_ids), Organisation.kind == Kind.TRUST, is_open())
        .group_by(Organisation.parent_id)
    ).all()
    return {icb_id: count for icb_id, count in rows if icb_id is not None}


def patch_counts(session: Session, hin_ids: Collection[int] | None) -> list[PatchCount]:
    """Return the open HINs (all, or these) with the size of their patches, by name."""
    confirmed = func.count().filter(HinPatch.confirmed)
    wanted = (
        select(Organisation, func.count(HinPatch.id), confirmed)
        .outerjoin(HinPatch, HinPatch.hin_id == Organisation.id)
        .where(Organisation.kind == Kind.HIN, is_open())
        .group_by(Organisation.id)
        .order_by(Organisation.name, Organisation.id)
    )
    if hin_ids is not None:
        wanted = wanted.where(Organisation.id.in_(hin_ids))
    return [PatchCount(hin, rows, sure) for hin, rows, sure in session.execute(wanted).all()]


def can_be_covered(session: Session) -> Sequence[tuple[str, str, Kind]]:
    """Return (code, name, kind) of the open ICBs and trusts, ICBs first."""
    rows = session.execute(
        select(Organisation.code, Organisation.name, Organisation.kind)
        .where(Organisation.kind.in_((Kind.ICB, Kind.TRUST)), is_open())
        .order_by(Organisation.kind, Organisation.name, Organisation.id)
    ).all()
    return [(code, name, kind) for code, name, kind in rows]


def known_parents(session: Session) -> ods.KnownParents:
    """Return the ODS codes of the regions and ICBs of the registry, closed ones included."""
    rows = session.execute(
        select(Organisation.kind, Organisation.ods_code).where(
            Organisation.kind.in_((Kind.REGION, Kind.ICB)), Organisation.ods_code.is_not(None)
        )
    ).all()
    return ods.KnownParents(
        regions=frozenset(code for kind, code in rows if kind is Kind.REGION and code),
        icbs=frozenset(code for kind, code in rows if kind is Kind.ICB and code),
    )


def current_trusts(session: Session) -> list[ods.CurrentOrganisation]:
    """Return every trust as the planner of imports wants it; the parent is the ICB or else the region."""
    icb, region = aliased(Organisation), aliased(Organisation)
    rows = session.execute(
        select(
            Organisation.ods_code,
            Organisation.name,
            func.coalesce(icb.ods_code, region.ods_code),
            Organisation.opened_on,
            Organisation.closed_on,
        )
        .outerjoin(icb, Organisation.parent_id == icb.id)
        .outerjoin(region, Organisation.region_id == region.id)
        .where(Organisation.kind == Kind.TRUST, Organisation.ods_code.is_not(None))
        .order_by(Organisation.ods_code)
    ).all()
    return [
        ods.CurrentOrganisation(code, name, parent, opened, closed)
        for code, name, parent, opened, closed in rows
        if code is not None
    ]


def last_import(session: Session) -> OrganisationImport | None:
    """Return the newest import."""
    return session.scalar(select(OrganisationImport).order_by(OrganisationImport.id.desc()).limit(1))


def free_code(session: Session, name: str) -> str:
    """Return a code for a new supplier that nobody has: its name as a slug, with a number where needed."""
    slug = rules.slug_of(name)
    taken = set(session.scalars(select(Organisation.code).where(Organisation.code.startswith(slug))))
    if slug not in taken:
        return slug
    return next(f"{slug}-{number}" for number in range(2, len(taken) + 3) if f"{slug}-{number}" not in taken)
