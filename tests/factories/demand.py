"""Saved searches in any state, written without the actions."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.accounts.models import User
from marketplace.accounts.rules import hashed
from marketplace.demand.models import SavedSearch
from marketplace.demand.saving import Frequency, period

_numbers = count(1)
#: The secret of the link in the letter of a search that waits to be confirmed.
CONFIRM = "the-secret-of-a-letter"


def make_saved(
    session: Session, owner: User | str, *, query: str = "", confirmed: bool = True, **values: Any
) -> SavedSearch:
    """Return a committed search of a person or of an address, which has told nothing and has had today's digest."""
    now = clock.now()
    saved = SavedSearch(
        **{
            "ref": f"saved{next(_numbers):07}",
            "user_id": owner.id if isinstance(owner, User) else None,
            "email": owner if isinstance(owner, str) else None,
            "name": "Falls at night",
            "query": query,
            "frequency": Frequency.DAILY,
            "created_at": now,
            "confirmed_at": now if confirmed else None,
            "confirm_hash": None if confirmed else hashed(CONFIRM),
            "confirm_by": None if isinstance(owner, User) else now + timedelta(days=3),
            "period": period(Frequency.DAILY, now),
        }
        | values
    )
    session.add(saved)
    session.commit()
    return saved
