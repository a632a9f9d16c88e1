"""Tell what each step of the matcher is worth: measure it with the step switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from matching.evaluation.methods import measure
from matching.evaluation.sets import Split
from matching.protocols import Encoder
from matching.settings import MatcherSettings

ABLATIONS: Mapping[str, Mapping[str, bool]] = {
    "everything": {},
    "no glossary": {"glossary": False},
    "no late interaction": {"late": False},
    "no vectors": {"dense": False, "late": False},
    "not centred": {"centred": False},
    "one way only": {"both_ways": False},
    "no standing": {"standing": False},
    "no spelling": {"spelling": False},
}
"""What the matcher is without each step: the settings that are switched off."""


def ablate(split: Split, encoder: Encoder | None) -> dict[str, dict[str, float]]:
    """Return the matcher's figures with each step switched off in turn; takes as long as so many measurements."""
    return {
        name: measure(split, encoder, replace(MatcherSettings(), **changes)).table["matcher"]
        for name, changes in ABLATIONS.items()
    }
