"""Reads about shared needs: co-signatures, families and themes. What is shown of needs is read as the actor may."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission
from marketplace.database import db
from marketplace.errors import NotVisible
from marketplace.families.models import CoSignature
from marketplace.needs.models import Need, Priority
from marketplace.needs.rules import NeedContent
from marketplace.organisations.models import NEED_KINDS, Organisation

# Co-signatures


def standing_of(need_id: int) -> list[CoSignature]:
    """Return the co-signatures that stand, the oldest first."""
    return list(
        db.session.scalars(
            select(CoSignature)
            .where(
                CoSignature.need_id == need_id,
                CoSignature.taken_back_at.is_(None),
                CoSignature.ended_at.is_(None),
            )
            .options(joinedload(CoSignature.organisation), joinedload(CoSignature.cycle))
            .order_by(CoSignature.signed_at, CoSignature.id)
        )
    )


def co_signatures_of(actor: Actor) -> list[CoSignature]:
    """Return what the person's organisations have co-signed, the latest first."""
    return list(
        db.session.scalars(
            select(CoSignature)
            .where(CoSignature.organisation_id.in_(actor.organisations(Permission.NEED_WRITE)))
            .options(
                joinedload(CoSignature.organisation),
                joinedload(CoSignature.cycle),
                joinedload(CoSignature.need).joinedload(Need.organisation),
                joinedload(CoSignature.need).joinedload(Need.current),
            )
            .order_by(CoSignature.signed_at.desc(), CoSignature.id.desc())
        )
    )


def co_signature(actor: Actor, ref: str, *, lock: bool = False) -> CoSignature:
    """Return a co-signature of the person's organisations, or raise `NotVisible`. ``lock``: it is about to change."""
    statement = (
        select(CoSignature)
        .where(
            CoSignature.ref == ref,
            CoSignature.organisation_id.in_(actor.organisations(Permission.NEED_WRITE)),
        )
        .options(joinedload(CoSignature.need).joinedload(Need.current), joinedload(CoSignature.organisation))
    )
    if lock:
        statement = statement.with_for_update(of=CoSignature).execution_options(populate_existing=True)
    found = db.session.scalar(statement)
    if found is None:
        raise NotVisible
    return found


def signers(actor: Actor) -> list[Organisation]:
    """Return the organisations for which the person may take places, by name."""
    return list(
        db.session.scalars(
            select(Organisation)
            .where(
                Organisation.id.in_(actor.organisations(Permission.NEED_PUBLISH)),
                Organisation.kind.in_(NEED_KINDS),
            )
            .order_by(Organisation.name, Organisation.id)
        )
    )


def places_taken(organisation_id: int, cycle_id: int) -> frozenset[int]:
    """Return which places of its top three an organisation has given away in a cycle."""
    return frozenset(
        db.session.scalars(
            select(Priority.rank).where(
                Priority.organisation_id == organisation_id, Priority.cycle_id == cycle_id
            )
        )
    )


def place_of(found: CoSignature) -> Priority | None:
    """Return the place that a co-signature takes; None when it has been freed."""
    return db.session.scalar(
        select(Priority).where(
            Priority.organisation_id == found.organisation_id,
            Priority.cycle_id == found.cycle_id,
            Priority.need_id == found.need_id,
        )
    )


def last_content(need: Need) -> NeedContent:
    """Return the text of the version that people saw last, or raise `NotVisible`."""
    if need.current is None:
        raise NotVisible
    return need.current.content()


def unsettled(session: Session) -> Sequence[CoSignature]:
    """Return the standing co-signatures whose need or cycle may have moved on."""
    return session.scalars(
        select(CoSignature)
        .where(CoSignature.taken_back_at.is_(None), CoSignature.ended_at.is_(None))
        .options(joinedload(CoSignature.need).joinedload(Need.current), joinedload(CoSignature.cycle))
        .order_by(CoSignature.id)
    ).all()
