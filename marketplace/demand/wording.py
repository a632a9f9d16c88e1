"""What the filters' values and a whole search are called: in pages, letters and feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        _filter(name, [names[name].get(value, value) for value in values])
        for name, values in asked.chosen.items()
    ]
    return "; ".join(parts) or "every open need"


def described_without_typing(asked: Asked, places: Places) -> str:
    """Return what a search looks for in our own words alone, for letters to somebody who may not have asked for one.

    Neither the text nor a filter's unknown value is in it: anybody can write what they like into an address.
    """
    names = labels(places)
    known = {
        name: [names[name][value] for value in values if value in names[name]]
        for name, values in asked.chosen.items()
    }
    return "; ".join(_filter(name, values) for name, values in known.items() if values) or "your search"


def _filter(name: str, values: Sequence[str]) -> str:
    return f"{FACETS[name].lower() if name not in {'shift'} else FACETS[name]}: {listed(values, 'or')}"
