"""What the index listens to, how candidates may be ordered, and the words for how well they fit."""

from __future__ import annotations

from enum import StrEnum

NEED_TOPIC = "need"
TECHNOLOGY_TOPIC = "technology"

#: How many candidates a page shows, and how many more are asked for because some may just have been withdrawn.
SHOWN = 20
SPARE = 10


class Order(StrEnum):
    """What a list of candidates is sorted by; the person chooses. Money, size and clicks never enter."""

    FIT = "fit"
    PASSPORT = "passport"
    EVIDENCE = "evidence"
    READINESS = "readiness"

    @property
    def label(self) -> str:
        """Return the order as people read it."""
        return {
            Order.FIT: "Best fit",
            Order.PASSPORT: "Passport first",
            Order.EVIDENCE: "Most of the evidence wanted",
            Order.READINESS: "Most widely used",
        }[self]
