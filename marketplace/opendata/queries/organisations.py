"""Organisations of the NHS: which are public, when each changed, and their records."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from marketplace.database import db
from marketplace.opendata.queries.moments import Changed, begun, in_order, latest
from marketplace.opendata.records import OrganisationRecord
from marketplace.organisations.models import NEED_KINDS, FormerCode, HinPatch, Kind, Organisation
from marketplace.web.links import public_link

#: Suppliers are named where their technologies are; the service itself is no organisation of the NHS.
NHS_KINDS = (Kind.REGION, *NEED_KINDS)


#: Which of its records: 0 the organisation itself, 1 what stands under the code that it had before ODS gave it one.
FACE = literal_column("faces.face", Integer())


def _number() -> ColumnElement[int]:
    return Organisation.id * 2 + FACE


def public_organisations() -> Select[int]:
    """Select the organisations of the NHS, from the day they open, and the codes that they had before."""
    opened = or_(Organisation.opened_on.is_(None), begun(Organisation.opened_on).is_not(None))
    faces = union_all(select(literal(0).label("face")), select(literal(1).label("face"))).subquery("faces")
    return (
        select(_number().label("number"))
        .select_from(Organisation)
        .join(faces, true())
        .outerjoin(FormerCode, and_(FormerCode.organisation_id == Organisation.id, faces.c.face == 1))
        .where(Organisation.kind.in_(NHS_KINDS), opened, or_(faces.c.face == 0, FormerCode.code.is_not(None)))
    )


def organisation_named(code: str) -> ColumnElement[bool]:
    """Return the condition that a record is the one of a code, of today or of before."""
    return or_(and_(FACE == 0, Organisation.code == code), FormerCode.code == code)


def organisation_replaced() -> Any:
    """Return when a code was replaced; NULL for the codes of today."""
    return FormerCode.ended_at


def first_code() -> ColumnElement[str]:
    """Return the code under which an organisation was first known: ids of what is its own are made of it for ever."""
    former = select(func.min(FormerCode.code)).where(FormerCode.organisation_id == Organisation.id)
    return func.coalesce(former.correlate(Organisation).scalar_subquery(), Organisation.code)


def organisation_told(one: Any = Organisation) -> ColumnElement[datetime]:
    """Return when what other records tell of an organisation changed: a new name holds from its day on."""
    return latest(one.updated_at, begun(one.renamed_on))


def organisation_changed() -> ColumnElement[datetime]:
    """Return when an organisation changed, or any got another code: records name others by their codes."""
    coded = select(func.max(FormerCode.ended_at)).scalar_subquery()
    return latest(organisation_told(), begun(Organisation.opened_on), coded)


def organisation_records(changed: Changed) -> list[OrganisationRecord]:
    """Return the records of some organisations."""
    region, parent = aliased(Organisation), aliased(Organisation)
    rows = {
        row[0]: row[1:]
        for row in db.session.execute(
            public_organisations()
            .outerjoin(region, region.id == Organisation.region_id)
            .outerjoin(parent, parent.id == Organisation.parent_id)
            .with_only_columns(_number(), Organisation, region.code, parent.code, FormerCode)
            .where(_number().in_(changed))
        ).all()
    }
    patches = _patches([one.id for one, *_ in rows.values() if one.kind is Kind.HIN])
    records = []
    for (one, region_code, parent_code, former), when in in_order(rows, changed):
        shared = {"updated_at": when, "page": organisation_page(one), "name": one.name, "kind": one.kind}
        if former is not None:
            records.append(
                OrganisationRecord(
                    **shared, id=former.code, withdrawn_at=former.ended_at, replaced_by=one.code
                )
            )
            continue
        records.append(
            OrganisationRecord(
                **shared,
                id=one.code,
                ods_code=one.ods_code,
                region=region_code,
                parent=parent_code,
                closed_on=one.closed_on,
                patch=patches.get(one.id, []),
            )
        )
    return records


def _patches(hins: Collection[int]) -> dict[int, list[str]]:
    """Return the codes of what some networks cover."""
    if not hins:
        return {}
    rows = db.session.execute(
        select(HinPatch.hin_id, Organisation.code)
        .join(Organisation, Organisation.id == HinPatch.organisation_id)
        .where(HinPatch.hin_id.in_(hins))
        .order_by(HinPatch.hin_id, Organisation.code)
    )
    found: dict[int, list[str]] = {}
    for hin_id, code in rows:
        found.setdefault(hin_id, []).append(code)
    return found


def organisation_page(organisation: Organisation) -> str | None:
    """Return the address of an organisation's page, where it has one."""
    if organisation.kind not in NEED_KINDS:
        return None
    return public_link("needs.organisation", organisation_code=organisation.code)
