"""What the index listens to, how candidates may be ordered, and the words for how well they fit."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

NEED_TOPIC = "need"
TECHNOLOGY_TOPIC = "technology"
#: The same work when the index check asks for it: what a person has just saved goes first.
NEED_REPAIR_TOPIC = "need-repair"
TECHNOLOGY_REPAIR_TOPIC = "technology-repair"

#: How long the index that served before stays, for processes that still run with its model.
RETIRED_FOR = timedelta(days=1)
#: How long a worker may be silent before another goes on with its build.
BUILD_LEASE = timedelta(minutes=1)
#: A new index in which more than one document in so many cannot be encoded never takes over.
FAILING_IN = 100


class GenerationState(StrEnum):
    """Where a generation of the index stands. ``READY``: complete, and being compared with the database."""

    BUILDING = "building"
    READY = "ready"
    SERVING = "serving"
    RETIRED = "retired"
    REMOVED = "removed"


#: Generations that have entries: each change is written to all of them.
LIVE = (GenerationState.BUILDING, GenerationState.READY, GenerationState.SERVING, GenerationState.RETIRED)
UNFINISHED = (GenerationState.BUILDING, GenerationState.READY)


def may_fail(total: int) -> int:
    """Return how many documents of a new index may fail to be encoded before it is not let take over."""
    return max(1, total // FAILING_IN)


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
