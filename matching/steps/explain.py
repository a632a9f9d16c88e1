"""Say for each must-have of the need which passage of the technology answers it."""

from __future__ import annotations

from dataclasses import dataclass

from matching.explanation import Wanted, explain
from matching.reading import Reader
from matching.register import Record
from matching.steps.candidates import Asker, Candidates
from matching.types import Kind, Reason


@dataclass(frozen=True, slots=True)
class Explain:
    """Reasons for the candidates that are answered with; a typed text has no must-haves, and gets none."""

    reader: Reader

    name = "explain"

    def __call__(self, found: Candidates) -> None:
        """Fill in the reasons of the candidates that are answered with."""
        found.reasons = [self.reasons(found.asker, found.records[at]) for at in found.shown]

    def reasons(self, asker: Asker, found: Record) -> tuple[Reason, ...]:
        """Return one reason for each must-have, whichever of the two sides is the need."""
        if asker.record is None:
            return ()
        sides = (asker.record, found)
        need, technology = sides if asker.record.document.kind is Kind.NEED else sides[::-1]
        if need.document.kind is technology.document.kind:
            return ()
        weights = self.reader.weights
        wanted = [
            Wanted(passage.text, weights(passage.text), None if need.vectors is None else need.vectors[at])
            for at, passage in enumerate(need.passages)
        ]
        return explain(wanted, technology.passages, technology.vectors, weights)
