"""Take out of a text what people do not see and what only pretends, before anything is compared."""

from __future__ import annotations

from dataclasses import dataclass

from matching.settings import MatcherSettings
from matching.text import collapse, normalise

QUERY_CHARACTERS = 500
"""What a person may type before the rest is ignored."""


@dataclass(frozen=True, slots=True)
class Normalise:
    """Hidden characters, look-alike letters and over-long text; switched off, only white space is put in order."""

    settings: MatcherSettings

    name = "normalise"

    def __call__(self, text: str) -> str:
        """Return a text of a document as it is compared."""
        return normalise(text) if self.settings.normalise else collapse(text)

    def typed(self, text: str) -> str:
        """Return what a person typed as it is compared; always normalised: it comes from anybody."""
        return normalise(text, QUERY_CHARACTERS)
