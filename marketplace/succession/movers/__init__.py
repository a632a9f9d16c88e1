"""What belongs to organisations, and how each kind of it changes hands.

Every column that refers to an organisation is either moved by one of `MOVERS` or named in `HISTORY` with the reason
why it stays: a test holds all tables to that. A new room adds its mover to `catalogue`.
"""

from marketplace.succession.movers.areas import Covered, Patches, Trusts
from marketplace.succession.movers.catalogue import HISTORY, MOVERS, mover_of, tally
from marketplace.succession.movers.introductions import Brokered
from marketplace.succession.movers.mover import (
    Handover,
    Mover,
    cycles_that_count,
    place_key,
    places_that_count,
)
from marketplace.succession.movers.needs import CO_SIGNED, CoSigned, Needs, state_of
from marketplace.succession.movers.passports import Passports
from marketplace.succession.movers.people import Invitations, People
from marketplace.succession.movers.searches import SavedSearches

__all__ = [
    "CO_SIGNED",
    "HISTORY",
    "MOVERS",
    "Brokered",
    "CoSigned",
    "Covered",
    "Handover",
    "Invitations",
    "Mover",
    "Needs",
    "Passports",
    "Patches",
    "People",
    "SavedSearches",
    "Trusts",
    "cycles_that_count",
    "mover_of",
    "place_key",
    "places_that_count",
    "state_of",
    "tally",
]
