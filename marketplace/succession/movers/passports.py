"""Passports that an NHS body has issued."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.organisations.models import Organisation
from marketplace.passports.models import Passport
from marketplace.succession.movers.mover import Handover
from marketplace.succession.rules import Item
from marketplace.web.words import day


class Passports:
    """Passports that an NHS body has issued."""

    kind: ClassVar[str] = "passport"
    heading: ClassVar[str] = "Passports that it issued"
    hint: ClassVar[str] = "The assessors of the new organisation can suspend and revoke them."
    columns: ClassVar[tuple[str, ...]] = ("passport.issuer_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the passports, by number."""
        rows = session.scalars(
            select(Passport)
            .where(Passport.issuer_id.in_(organisation_ids))
            .order_by(Passport.issuer_id, Passport.number)
        ).all()
        today = clock.today()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.issuer_id,
                state=row.standing(today).label,
                title=row.number,
                detail=f"Valid until {day(row.valid_to)}",
                href=f"/passports/{row.number}",
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Make the new organisation answer for it."""
        row = handover.session.get_one(Passport, item.id)
        row.issuer_id = to[0].id
        handover.ledger.take(item)
        handover.ledger.put(to[0].id, item)
        handover.note(item, to[0].id)
