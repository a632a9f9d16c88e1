"""Remember who held which place when: the board can be read as of any past day."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.needs.models import Need, PlacesRecord, Priority


def note(session: Session, organisation_id: int, cycle_id: int) -> None:
    """Write down an organisation's places of a cycle as they are now, unless nothing has changed.

    Whatever changes a row of `Priority` calls this afterwards, in the same transaction.
    """
    session.flush()
    places = session.execute(
        select(Priority.rank, Priority.need_id)
        .join(Need, Need.id == Priority.need_id)
        .where(
            Priority.organisation_id == organisation_id,
            Priority.cycle_id == cycle_id,
            Need.published_at.is_not(None),  # a place that is only held does not count yet
        )
        .order_by(Priority.rank)
    ).all()
    # A place can be empty below a filled one while needs are signed off: 0 holds it open.
    held = {rank: need_id for rank, need_id in places}  # noqa: C416 - rows are not pairs to the type checker
    now_held = [held.get(rank, 0) for rank in range(1, max(held, default=0) + 1)]
    last = session.scalar(
        select(PlacesRecord.needs)
        .where(PlacesRecord.organisation_id == organisation_id, PlacesRecord.cycle_id == cycle_id)
        .order_by(PlacesRecord.id.desc())
        .limit(1)
    )
    if (last or []) != now_held:
        session.add(
            PlacesRecord(organisation_id=organisation_id, cycle_id=cycle_id, needs=now_held, at=clock.now())
        )
