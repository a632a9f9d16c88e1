"""Co-signatures: which are public, when each changed, and their records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload

from marketplace.database import db
from marketplace.families.models import CoSignature
from marketplace.needs.models import Need
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.queries.organisations import organisation_told
from marketplace.opendata.records import CoSignatureRecord
from marketplace.organisations.models import Organisation
from marketplace.web.links import public_link


def public_co_signatures() -> Select[int]:
    """Select every co-signature of a need that was published."""
    return (
        select(CoSignature.id)
        .join(Need, Need.id == CoSignature.need_id)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .where(Need.published_at.is_not(None))
    )


def co_signature_ended() -> ColumnElement[datetime | None]:
    """Return when a co-signature was taken back or ended, or its need was withdrawn; NULL while it stands."""
    return func.coalesce(CoSignature.taken_back_at, CoSignature.ended_at, Need.withdrawn_at)


def co_signature_changed() -> ColumnElement[datetime]:
    """Return when a co-signature was given, came back, or ended, or its organisation changed."""
    return latest(
        CoSignature.signed_at,
        CoSignature.taken_back_at,
        CoSignature.ended_at,
        Need.withdrawn_at,
        organisation_told(),
    )


def co_signature_records(changed: Changed) -> list[CoSignatureRecord]:
    """Return the records of some co-signatures."""
    found = db.session.scalars(
        select(CoSignature)
        .where(CoSignature.id.in_(changed))
        .options(joinedload(CoSignature.organisation), joinedload(CoSignature.need))
    )
    rows = {one.id: one for one in found}
    records = []
    for one, when in in_order(rows, changed):
        ended = one.taken_back_at or one.ended_at or one.need.withdrawn_at
        told: dict[str, Any] = {
            "cycle": str(one.cycle_id),
            "note": one.note or None,
            "how_many": one.how_many,
            "signed_at": one.signed_at,
        }
        records.append(
            CoSignatureRecord(
                id=one.ref,
                updated_at=when,
                withdrawn_at=ended,
                page=public_link("needs.need", ref=one.need.ref),
                need=one.need.ref,
                organisation=one.organisation.code,
                organisation_name=one.organisation.name,
                **({} if ended else told),
            )
        )
    return records
