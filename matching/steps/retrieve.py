"""Propose candidates: by their words, and by the meaning of the whole text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.background import SIGNALS
from matching.lexical import best
from matching.reading import Reader
from matching.register import Register
from matching.settings import MatcherSettings
from matching.steps.candidates import Candidates
from matching.types import Hit, Kind


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Take the best of each retriever into one list of candidates, with the signals that are known so far."""

    kind: Kind
    settings: MatcherSettings
    reader: Reader
    register: Register

    name = "retrieve"

    def __call__(self, found: Candidates) -> None:
        """Fill in ids, records, ranks, and the signals of words and of whole texts."""
        wanted = max(self.settings.candidates, found.limit)
        words, said = self.register.words, found.asker.said
        covers = words.covers(said, found.view.words) if self.settings.keyword else None
        if covers is not None:
            found.hits["keyword"] = best(found.view.words, covers, wanted, found.among)
        found.hits["dense"] = self._by_meaning(found, wanted)
        keyword, dense = found.hits.get("keyword", []), found.hits["dense"]
        found.degraded = found.asker.whole is None or (self.settings.dense and not dense and bool(keyword))
        # In the order of their ids, so that a stable sort by score leaves ties in it.
        proposed = sorted({hit.id for hits in found.hits.values() for hit in hits})
        rows = found.view.words.rows_of(proposed)
        records = list(map(found.view.records.get, proposed))
        known = [at for at, row in enumerate(rows.tolist()) if row >= 0 and records[at] is not None]
        rows = rows[known]
        found.ids = [proposed[at] for at in known]
        found.records = [record for at in known if (record := records[at]) is not None]
        found.values = np.full((len(found.ids), SIGNALS), np.nan, dtype=np.float32)
        if covers is not None:
            found.values[:, 0] = covers[rows]
            found.values[:, 1] = words.covered(said, found.view.words, rows)
        self.compare_wholes(found)

    def _by_meaning(self, found: Candidates, wanted: int) -> list[Hit]:
        """Return the nearest documents; the asker alone is centred, which orders nearly as if both were."""
        index, whole = self.register.index, found.asker.whole
        if whole is None or index is None or not self.settings.dense or not self.register.with_vector:
            return []
        return index.search(self.reader.asked(whole, self.kind.other), wanted, found.among)

    def compare_wholes(self, found: Candidates) -> None:
        """Fill in the centred cosine of every candidate that has a vector."""
        whole = found.asker.whole
        if whole is None or not self.settings.dense:
            return
        wholes = {at: own for at, record in enumerate(found.records) if (own := record.whole) is not None}
        if wholes:
            rows = np.concatenate(list(wholes.values())).reshape(len(wholes), -1)
            mean = self.register.mean(self.reader.meaning().means[self.kind])
            asked = self.reader.asked(whole, self.kind.other)
            found.values[list(wholes), 2] = self.reader.centred_cosines(rows, mean, asked)
