"""Put every signal on one scale and add them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.background import SIGNALS
from matching.fusion import reciprocal_rank_fusion
from matching.lexical import Floats
from matching.settings import MatcherSettings
from matching.steps.candidates import Candidates

_SCALE = 7.0
"""Scores are told as a sum of seven signals, whichever of them there are, so that they compare."""

SWAPPED = [1, 0, 2, 4, 3]
"""Places of the signals seen from the other side: there and back change places."""


@dataclass(frozen=True, slots=True)
class Combine:
    """Score candidates by how far each signal stands above the usual; switched off, by the fusion of their ranks."""

    settings: MatcherSettings

    name = "combine"

    def __call__(self, found: Candidates) -> None:
        """Fill in scores and order."""
        every = range(len(found.ids))
        found.scores = self.scores(found, every) if self.settings.combine else _fused(found)
        found.order = found.sort()

    def scores(self, found: Candidates, places: Sequence[int]) -> Floats:
        """Return for the candidates at ``places`` the weighted sum of signals, each measured against the usual.

        The usual is, half and half, what the asker has with texts not meant for it, and what the candidate has.
        """
        if not len(places):
            return np.zeros(0, dtype=np.float32)
        set_, asker, values = self.settings, found.asker, found.values[np.asarray(places)]
        weights = np.array(
            [
                set_.words_weight,
                set_.words_weight,
                set_.dense_weight,
                set_.late_weight,
                set_.late_back_weight,
            ]
        )
        if asker.typed:
            weights = weights * np.array([2.0, 0.0, 1.0, 0.5, 0.0])
        elif not set_.both_ways:
            weights = weights * np.array([1.0, 0.0, 1.0, 1.0, 0.0])
        above = (values - asker.standing[:, 0]) / asker.standing[:, 1]
        if set_.standing and not asker.typed:
            usual = np.concatenate([found.records[at].standing for at in places]).reshape(-1, SIGNALS, 2)
            usual = usual[:, SWAPPED, :]
            theirs = (values - usual[:, :, 0]) / usual[:, :, 1]
            above = (above + np.where(np.isnan(theirs), above, theirs)) / 2
        # A signal that a candidate lacks is taken to be as good as its others.
        known = np.where(np.isnan(above), 0.0, weights)
        total = (np.nan_to_num(above, nan=0.0) * weights).sum(axis=1) / np.maximum(known.sum(axis=1), 1e-6)
        scores: Floats = (total * _SCALE).astype(np.float32)
        return scores


def _fused(found: Candidates) -> Floats:
    fused = {hit.id: hit.score for hit in reciprocal_rank_fusion(list(found.hits.values()))}
    return np.array([fused[key] for key in found.ids], dtype=np.float32)
