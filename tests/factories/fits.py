"""What the register had for a need, for tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.matches.models import NeedFit
from marketplace.needs.models import Need


def make_fit(session: Session, need: Need, fits: int, **values: Any) -> NeedFit:
    """Return a committed look at the register for a need, as it is now."""
    found = NeedFit(
        **{
            "need_id": need.id,
            "version": need.version,
            "fits": fits,
            "generation": 1,
            "sequence": 1,
            "looked_at": clock.now(),
            "changed_at": clock.now(),
        }
        | values
    )
    session.add(found)
    session.commit()
    return found
