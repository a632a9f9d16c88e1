"""What the filters' values and a whole search are called: in pages, letters and feeds."""

from __future__ import annotations

from collections.abc import Mapping

from marketplace.demand.queries import Places
from marketplace.demand.rules import FACETS, Asked, State, What
from marketplace.organisations.models import NEED_KINDS
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, FundingState, Shift, Timing
from marketplace.web.words import listed


def labels(places: Places) -> dict[str, Mapping[str, str]]:
    """Return the words of each filter's values, in the order in which they are shown."""
    return {
        "state": dict(State.choices()),
        "region": places.regions,
        "type": {kind.value: kind.label for kind in NEED_KINDS},
        "ics": places.systems,
        "organisation": places.organisations,
        "area": dict(ClinicalArea.choices()),
        "setting": dict(CareSetting.choices()),
        "shift": dict(Shift.choices()),
        "timing": dict(Timing.choices()),
        "funding": dict(FundingState.choices()),
        "evidence": dict(EvidenceType.choices()),
        "kind": dict(What.choices()),
    }


def described(asked: Asked, places: Places) -> str:
    """Return what a search looks for, in words, for lists and letters."""
    names = labels(places)
    parts = [f"“{asked.searched}”"] if asked.text else []
    parts += [
        f"{FACETS[name].lower() if name not in {'shift'} else FACETS[name]}: "
        f"{listed([names[name].get(value, value) for value in values], 'or')}"
        for name, values in asked.chosen.items()
    ]
    return "; ".join(parts) or "every open need"
