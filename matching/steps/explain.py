"""Say for each must-have of the need which passage of the technology answers it."""

from __future__ import annotations

from math import log

import numpy as np

from matching.calibration import probability
from matching.errors import EncoderUnavailable
from matching.explanation import MustHave, explain
from matching.reading import Reader
from matching.register import Record
from matching.requirements import Asking
from matching.steps.candidates import Candidates
from matching.types import Kind, Reason


class Explain:
    """Reasons for the candidates that are answered with; a typed text has no must-haves, and gets none."""

    name = "explain"

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._asking = Asking(reader.expand.book, reader.rarity)

    def __call__(self, found: Candidates) -> None:
        """Fill in the reasons of the candidates that are answered with."""
        asker = found.asker.record
        if asker is None:
            found.reasons = [() for _ in found.shown]
            return
        own = self.must_haves(asker)
        found.reasons = []
        for at in found.shown:
            chance = probability(float(found.scores[at]), degraded=found.degraded)
            context = log(max(chance, 1e-9) / max(1 - chance, 1e-9))
            found.reasons.append(self._reasons(asker, own, found.records[at], context))

    def _reasons(
        self, asker: Record, own: tuple[MustHave, ...], found: Record, context: float
    ) -> tuple[Reason, ...]:
        """Return one reason for each must-have, whichever of the two sides is the need."""
        if asker.document.kind is found.document.kind:
            return ()
        technology = found if asker.document.kind is Kind.NEED else asker
        wanted = own if asker.document.kind is Kind.NEED else self.must_haves(found)
        said = technology.quoted()
        return explain(wanted, said.passages, said.vectors, self._asking.told, context)

    def must_haves(self, need: Record) -> tuple[MustHave, ...]:
        """Return the must-haves of a need, each with the cosine that it has with technologies not meant for it."""
        if need.document.kind is not Kind.NEED:
            return ()
        said = need.quoted()
        texts = [passage.text for passage in said.passages]
        asked = [self._asking.asked(text) for text in texts]
        if said.vectors is None or not texts:
            return tuple(MustHave(text, what) for text, what in zip(texts, asked, strict=True))
        vectors = said.vectors.astype(np.float32)
        try:
            others = vectors @ self._reader.meaning().vectors[Kind.TECHNOLOGY].T
        except EncoderUnavailable:  # it was there when the need was read, and is not now: words will do
            return tuple(MustHave(text, what) for text, what in zip(texts, asked, strict=True))
        means, spreads = others.mean(axis=1), np.maximum(others.std(axis=1), 1e-3)
        return tuple(
            MustHave(text, what, vector, (float(mean), float(spread)))
            for text, what, vector, mean, spread in zip(texts, asked, vectors, means, spreads, strict=True)
        )
