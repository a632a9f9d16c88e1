"""Who lies in whose area: patches of health innovation networks, and trusts of integrated care systems."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.organisations.models import HinPatch, Organisation
from marketplace.succession.movers.mover import Handover
from marketplace.succession.rules import END, EVERY, Item
from marketplace.web.words import day


class Patches:
    """Which HINs cover an organisation."""

    kind: ClassVar[str] = "patch"
    heading: ClassVar[str] = "Health innovation networks that cover it"
    hint: ClassVar[str] = "Their brokers act for the needs. Each entry has to be confirmed anew afterwards."
    columns: ClassVar[tuple[str, ...]] = ("hin_patch.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the entries, by the HIN's name."""
        rows = session.scalars(
            select(HinPatch)
            .where(HinPatch.organisation_id.in_(organisation_ids))
            .options(joinedload(HinPatch.hin))
            .order_by(HinPatch.organisation_id, HinPatch.hin_id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.organisation_id,
                state="Covered",
                title=row.hin.name,
                detail=f"{row.source}, {day(row.source_date)}",
                options=(EVERY, END),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the HIN cover the new organisations instead; two entries for one HIN become one."""
        hin_id = handover.session.get_one(HinPatch, item.id).hin_id
        _cover_instead(handover, item, {one.id: (hin_id, one.id) for one in to})


class Covered:
    """What a HIN covers."""

    kind: ClassVar[str] = "covered"
    heading: ClassVar[str] = "Organisations that it covers"
    hint: ClassVar[str] = "The patch of a health innovation network."
    columns: ClassVar[tuple[str, ...]] = ("hin_patch.hin_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the entries of the HINs' patches, by the name of what is covered."""
        rows = session.scalars(
            select(HinPatch)
            .join(Organisation, Organisation.id == HinPatch.organisation_id)
            .where(HinPatch.hin_id.in_(organisation_ids))
            .options(joinedload(HinPatch.organisation))
            .order_by(HinPatch.hin_id, Organisation.name, HinPatch.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.hin_id,
                state="Covers",
                title=row.organisation.name,
                detail=f"{row.source}, {day(row.source_date)}",
                options=(EVERY, END),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the new HINs cover it instead."""
        covered_id = handover.session.get_one(HinPatch, item.id).organisation_id
        _cover_instead(handover, item, {hin.id: (hin.id, covered_id) for hin in to})


def _cover_instead(handover: Handover, item: Item, wanted: Mapping[int, tuple[int, int]]) -> None:
    """Put entries in place of one, unless they are there; ``wanted``: successor -> HIN and what it covers."""
    session = handover.session
    row = session.get_one(HinPatch, item.id)
    source, source_date = row.source, row.source_date
    # The patch is part of what is public of a network, so its record has changed.
    for hin_id in {row.hin_id, *(hin_id for hin_id, _ in wanted.values())}:
        session.get_one(Organisation, hin_id).updated_at = handover.at
    session.delete(row)
    session.flush()
    handover.ledger.take(item)
    for successor_id, (hin_id, covered_id) in wanted.items():
        handover.note(item, successor_id)
        held = select(HinPatch.id).where(HinPatch.hin_id == hin_id, HinPatch.organisation_id == covered_id)
        if session.scalar(held) is not None:
            continue
        session.add(
            HinPatch(
                hin_id=hin_id,
                organisation_id=covered_id,
                source=source,
                source_date=source_date,
                confirmed=False,
            )
        )
        session.flush()
        handover.ledger.put(successor_id, item)
    if not wanted:
        handover.note(item, None)


class Trusts:
    """Trusts that lie in the area of an integrated care system."""

    kind: ClassVar[str] = "trust"
    heading: ClassVar[str] = "Trusts in its area"
    hint: ClassVar[str] = "A trust’s needs are rolled up with those of its integrated care system."
    columns: ClassVar[tuple[str, ...]] = ("organisation.parent_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the organisations that have not closed, by name."""
        rows = session.scalars(
            select(Organisation)
            .where(
                Organisation.parent_id.in_(organisation_ids),
                # Also one that opens later: it would open in the area of an organisation that is no more.
                or_(Organisation.closed_on.is_(None), Organisation.closed_on > clock.today()),
            )
            .order_by(Organisation.parent_id, Organisation.name, Organisation.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.parent_id,
                state=row.kind.label,
                title=row.name,
                detail=row.code,
                href=f"/organisations/{row.code}",
            )
            for row in rows
            if row.parent_id is not None
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Put the trust into the new system's area, and with it into its region."""
        row = handover.session.get_one(Organisation, item.id)
        row.parent_id, row.region_id = to[0].id, to[0].region_id
        row.updated_at = handover.at
        handover.ledger.take(item)
        handover.ledger.put(to[0].id, item)
        handover.note(item, to[0].id)
