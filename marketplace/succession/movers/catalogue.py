"""All movers in their order, and the references to organisations that stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy.orm import Session

from marketplace.succession.movers.areas import Covered, Patches, Trusts
from marketplace.succession.movers.introductions import Brokered
from marketplace.succession.movers.mover import Mover, place_key, places_that_count
from marketplace.succession.movers.needs import CoSigned, Needs
from marketplace.succession.movers.passports import Passports
from marketplace.succession.movers.people import Invitations, People
from marketplace.succession.movers.searches import SavedSearches
from marketplace.succession.rules import Key

#: In the order in which pages list them, and in which they move.
MOVERS: list[Mover] = [
    Needs(),
    CoSigned(),
    People(),
    Invitations(),
    Patches(),
    Covered(),
    Trusts(),
    Brokered(),
    Passports(),
    SavedSearches(),
]


#: References to organisations that stay as they are, and why.
HISTORY: dict[str, str] = {
    "priority.organisation_id": "Chosen anew for cycles that count; the places of past cycles say who gave them",
    "places_record.organisation_id": "The past places, for reading the needs of a past day",
    "organisation.region_id": "Regions do not change here; an import of the registry brings their changes",
    "question.supplier_id": "Suppliers are companies and have no successions here",
    "technology.supplier_id": "Suppliers are companies and have no successions here",
    "family.settled_by_hin_id": "Who settled a family stays as it was",
    "sign_off.hin_id": "Who checked a submission stays as it was",
    "cycle_letter.organisation_id": "A letter that was sent stays as it was",
    "succession_link.from_id": "The change itself",
    "succession_link.to_id": "The change itself",
    "succession_move.from_id": "The change itself",
    "succession_move.to_id": "The change itself",
    "former_code.organisation_id": "An old address; it is followed on to the successors",
}


def mover_of(kind: str) -> Mover | None:
    """Return the mover of a kind."""
    return next((one for one in MOVERS if one.kind == kind), None)


def tally(session: Session, organisation_ids: Collection[int]) -> Mapping[Key, int]:
    """Count everything that belongs to these organisations, by organisation, kind and state."""
    counted: Counter[Key] = Counter()
    for mover in MOVERS:
        for item in mover.items(session, organisation_ids):
            counted[item.owner_id, item.kind, item.state] += 1
    for place in places_that_count(session, organisation_ids):
        counted[place_key(place.organisation_id)] += 1
    return counted
