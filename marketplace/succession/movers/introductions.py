"""Introductions that a health innovation network brokers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.introductions.models import Introduction
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.succession.movers.mover import Handover
from marketplace.succession.rules import Item
from marketplace.web.words import day


class Brokered:
    """Introductions that a HIN brokers."""

    kind: ClassVar[str] = "introduction"
    heading: ClassVar[str] = "Introductions that it brokers"
    hint: ClassVar[str] = "Open and closed ones; the brokers of the new network go on with them."
    columns: ClassVar[tuple[str, ...]] = ("introduction.hin_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the introductions, the latest first."""
        rows = session.scalars(
            select(Introduction)
            .where(Introduction.hin_id.in_(organisation_ids))
            .options(
                joinedload(Introduction.need).joinedload(Need.current),
                joinedload(Introduction.need).joinedload(Need.organisation),
            )
            .order_by(Introduction.hin_id, Introduction.proposed_at.desc(), Introduction.id.desc())
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.hin_id,
                state="Not going ahead" if row.closed_at is not None else "Open or agreed",
                title=row.need.current.title if row.need.current is not None else "",
                detail=f"{row.need.organisation.name}, proposed on {day(row.proposed_at)}",
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the new HIN broker it."""
        row = handover.session.get_one(Introduction, item.id)
        row.hin_id = to[0].id
        handover.ledger.take(item)
        handover.ledger.put(to[0].id, item)
        handover.note(item, to[0].id)
