"""What a mover is, what a handover carries along, and which places count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.needs.models import Cycle, Priority
from marketplace.organisations.models import Organisation, Succession, SuccessionMove
from marketplace.succession.rules import Item, Key, Ledger


def place_key(organisation_id: int) -> Key:
    """Return under what an organisation's places that count today are counted."""
    return organisation_id, "place", "In a top three"


@dataclass
class Handover:
    """One handover while it is carried out: what was moved, and who has to be told of what."""

    session: Session
    actor: Actor
    succession: Succession
    at: datetime
    today: date
    ledger: Ledger = field(default_factory=Ledger)
    #: Where people belong from now on: names of organisations by the person's id.
    people: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, item: Item, to_id: int | None) -> None:
        """Write down for good that an item changed hands or, without ``to_id``, ended."""
        self.session.add(
            SuccessionMove(
                succession_id=self.succession.id,
                kind=item.kind,
                subject_id=item.id,
                from_id=item.owner_id,
                to_id=to_id,
                at=self.at,
            )
        )


class Mover(Protocol):
    """One kind of thing that belongs to organisations.

    ``columns`` are the references to organisations, as table and column, that it takes care of.
    """

    kind: ClassVar[str]
    heading: ClassVar[str]
    hint: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return all of it that belongs to these organisations, in the order in which a person reads it."""

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Give it to the chosen organisations (none for `END`), and enter that in the ledger."""


def cycles_that_count(session: Session) -> list[Cycle]:
    """Return the cycles whose places make the board of today: the latest and, while that is open, the one before."""
    today = clock.today()
    opened = session.scalars(
        select(Cycle).where(Cycle.opens_on <= today).order_by(Cycle.opens_on.desc()).limit(2)
    ).all()
    return list(opened) if opened and opened[0].locks_on >= today else list(opened[:1])


def places_that_count(session: Session, organisation_ids: Collection[int]) -> Sequence[Priority]:
    """Return the places of organisations in the cycles that make today's board, first place first."""
    return session.scalars(
        select(Priority)
        .where(
            Priority.organisation_id.in_(organisation_ids),
            Priority.cycle_id.in_([cycle.id for cycle in cycles_that_count(session)]),
        )
        .options(joinedload(Priority.cycle))
        .order_by(Priority.rank, Priority.organisation_id, Priority.cycle_id)
    ).all()
