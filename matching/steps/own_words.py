"""Let count for a listing only what its supplier said first, in words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matching.background import SIGNALS
from matching.coverage import Said, pair
from matching.duplicates import NOTHING, Foreign, copied, copied_from, loans, own_text
from matching.late import Tokens
from matching.lexical import Floats
from matching.reading import Reader, mean_of
from matching.register import Record
from matching.settings import MatcherSettings
from matching.steps.candidates import Candidates
from matching.steps.combine import Combine
from matching.steps.rerank import Rerank
from matching.steps.retrieve import Retrieve
from matching.types import Kind

_SIGNALS = ([0, 1], [2], [3, 4])
"""Words, meaning, tokens. What foreign text has rubbed off on its neighbours shows in one of them, seldom in all, so
the weakest counts."""


@dataclass(frozen=True, slots=True)
class OwnWords:
    """Score candidates that hold text of the need, or of an older listing, again without that text.

    The need's own words prove nothing to the one who wrote them, and what another supplier's product does is no
    merit of this one. Nothing else is taken away, and nobody rises by it.
    """

    settings: MatcherSettings
    reader: Reader
    retrieve: Retrieve
    combine: Combine
    rerank: Rerank

    name = "own words"

    def __call__(self, found: Candidates) -> None:
        """Find who has text of whom, lower the scores of those that lean on others, and order the head anew."""
        head = found.order[: max(self.settings.rerank, found.limit)]
        if self._asking(found) is None:
            return
        found.loans = [
            replace(one, borrower=head[one.borrower], lender=head[one.lender])
            for one in loans([found.records[at].spoken for at in head])
        ]
        foreign = self._foreign(found, head) if self.settings.own_words else {}
        if foreign:
            places = sorted(foreign)
            scores = self._scores(found, places, [foreign[at] for at in places])
            found.scores[places] = np.minimum(found.scores[places], scores)
            found.order = found.sort(head) + found.order[len(head) :]

    def _asking(self, found: Candidates) -> Record | None:
        """Return the need that asks; what a person typed is no text to copy."""
        asking = found.asker.record
        return asking if asking is not None and asking.document.kind is Kind.NEED else None

    def _foreign(
        self, found: Candidates, head: Sequence[int]
    ) -> dict[int, tuple[Foreign, list[Tokens | None]]]:
        """Return what is not their own in the candidates at ``head``, with the tokens of those who said it."""
        foreign: dict[int, tuple[Foreign, list[Tokens | None]]] = {}
        asking = self._asking(found)
        if asking is not None:
            for at in head:
                copy = copied_from(asking.spoken, found.records[at].spoken)
                if copy is not NOTHING:
                    foreign[at] = copy, [asking.tokens]
        for loan in found.loans:
            giver, taker = found.records[loan.lender], found.records[loan.borrower]
            if giver.document.supplier != taker.document.supplier:
                before, tokens = foreign.get(loan.borrower, (NOTHING, []))
                hashes = np.union1d(before.hashes, loan.shingles)
                foreign[loan.borrower] = replace(before, hashes=hashes), [*tokens, giver.tokens]
        return foreign

    def _scores(
        self,
        found: Candidates,
        places: Sequence[int],
        foreign: Sequence[tuple[Foreign, Sequence[Tokens | None]]],
    ) -> Floats:
        """Return what the candidates at ``places`` would score without the foreign text, by their weakest signal."""
        alone = Candidates(found.asker, found.view, found.limit)
        alone.ids = [found.ids[at] for at in places]
        alone.values = np.full((len(places), SIGNALS), np.nan, dtype=np.float32)
        for row, (at, (away, tokens)) in enumerate(zip(places, foreign, strict=True)):
            record, what = self._without(found.records[at], away, tokens)
            alone.records.append(record)
            if self.settings.keyword:
                alone.values[row, :2] = pair(found.asker.said, what)
        self.retrieve.compare_wholes(alone)
        self.rerank.compare_tokens(alone, range(len(places)))
        values, weakest = alone.values, np.full(len(places), np.inf, dtype=np.float32)
        for signals in _SIGNALS:
            alone.values = np.full_like(values, np.nan)
            alone.values[:, signals] = values[:, signals]
            self.combine(alone)
            known = ~np.isnan(alone.values).all(axis=1)
            weakest[known] = np.minimum(weakest, alone.scores)[known]
        return np.where(np.isinf(weakest), 0.0, weakest).astype(np.float32)

    def _without(
        self, record: Record, foreign: Foreign, tokens: Sequence[Tokens | None]
    ) -> tuple[Record, Said]:
        """Return a record as it reads without foreign text: words, vectors of its own sentences, tokens."""
        document = own_text(record.spoken, foreign)
        what = self.reader.said(document)
        whole = None
        if record.vectors is not None:
            away = {*copied(record.spoken, foreign)}
            rows = [
                at
                for at, passage in enumerate(record.passages)
                if passage.text not in away and passage.source != "settings"
            ]
            whole = mean_of(record.vectors[rows].astype(np.float32)) if rows else None
        own = _less(record.tokens, tokens)
        standing = self.reader.standing(what, document.kind, whole, own)
        return replace(record, document=document, whole=whole, standing=standing, tokens=own), what


def _less(tokens: Tokens | None, others: Sequence[Tokens | None]) -> Tokens | None:
    """Return tokens without those that follow each other in the same way in other texts."""
    if tokens is None:
        return None
    away = np.zeros(len(tokens.pieces), dtype=bool)
    own = _runs(tokens)
    for other in others:
        if other is not None:
            same = np.isin(own, _runs(other))
            away[:-1] |= same
            away[1:] |= same
    return Tokens(tokens.pieces[~away], tokens.vectors[~away]) if not away.all() else None


def _runs(tokens: Tokens) -> npt.NDArray[np.uint32]:
    pieces = tokens.pieces.astype(np.uint32)
    return (pieces[:-1] << np.uint32(16)) | pieces[1:]
