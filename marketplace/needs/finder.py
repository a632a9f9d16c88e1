"""Find the needs that say the same as one that is read or written."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.access.actor import Actor
from marketplace.needs import queries
from marketplace.needs.models import Need
from marketplace.web.search import like_needs

#: The most like needs that a page shows, and how many more are asked for.
LIKES_MOST = 5
LIKES_SPARE = 10

LIKES_ONLY_WORDS = (
    "We compared words only just now, because our matching model is not available. Some may be missing."
)


@dataclass(frozen=True, slots=True)
class Likes:
    """Needs of other organisations that say the same, with what is shared in words, and what to tell about them."""

    needs: tuple[tuple[Need, tuple[str, ...]], ...] = ()
    note: str = ""


def likes(actor: Actor, need: Need, *, draft: bool = False) -> Likes:
    """Return what other organisations have published like a need, or like its draft.

    The index proposes; what is shown is read again as this person may see it.
    """
    # A few more than are shown: some are the organisation's own, some may just have been withdrawn.
    alike = like_needs(need.ref, LIKES_MOST + LIKES_SPARE, draft=draft)
    shared = {one.ref: one.shared for one in alike.found}
    if not shared:
        return Likes()
    found = queries.published_by_refs(actor, list(shared))
    others = [one for one in found if one.organisation_id != need.organisation_id][:LIKES_MOST]
    note = LIKES_ONLY_WORDS if alike.degraded and others else ""
    return Likes(tuple((one, shared[one.ref]) for one in others), note)
