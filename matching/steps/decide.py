"""Say how likely each candidate is to be useful, and which are worth a person's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matching.calibration import fit, probability
from matching.register import Record
from matching.settings import MatcherSettings
from matching.steps.candidates import Asker, Candidates
from matching.types import Match, Reason, Results


@dataclass(frozen=True, slots=True)
class Decide:
    """Turn scores into probabilities and these into verdicts; switched off, everything that is found is accepted."""

    settings: MatcherSettings

    name = "decide"

    def __call__(self, found: Candidates) -> None:
        """Fill in the probability of each candidate that is answered with."""
        found.chances = [
            probability(float(found.scores[at]), typed=found.asker.typed, degraded=found.degraded)
            for at in found.shown
        ]

    def results(self, found: Candidates) -> Results:
        """Return the answer, best first."""
        ranks = found.ranks()
        return Results(
            tuple(self._match(found, rank, ranks) for rank in range(1, len(found.shown) + 1)),
            degraded=found.degraded,
        )

    def _match(self, found: Candidates, rank: int, ranks: Mapping[str, Mapping[str, int]]) -> Match:
        at, chance = found.shown[rank - 1], found.chances[rank - 1]
        reasons: tuple[Reason, ...] = found.reasons[rank - 1]
        threshold = self.settings.threshold if self.settings.decide else 0.0
        missing, met = _evidence(found.asker, found.records[at])
        return Match(
            id=found.ids[at],
            rank=rank,
            score=float(found.scores[at]),
            chance=chance,
            fit=fit(chance, threshold, reasons),
            accepted=chance >= threshold,
            ranks={name: own[found.ids[at]] for name, own in ranks.items() if found.ids[at] in own},
            reasons=reasons,
            evidence_missing=missing,
            evidence_met=met,
            also=tuple(found.also.get(at, ())),
        )


def _evidence(asker: Asker, found: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the evidence that the need asks for and the technology does not hold, and that which it holds."""
    if asker.record is None:
        return (), ()
    own, theirs = asker.record.document, found.document
    wanted = own.evidence_wanted or theirs.evidence_wanted
    held = {*own.evidence_held, *theirs.evidence_held}
    return tuple(key for key in wanted if key not in held), tuple(key for key in wanted if key in held)
