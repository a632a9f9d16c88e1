"""Let count for a listing only what its supplier said first, in words of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matching.background import SIGNALS
from matching.coverage import pair
from matching.duplicates import NOTHING, Foreign, Spoken, copied_from, loans, own_text, suspects
from matching.fingerprints import Fingerprints
from matching.lexical import Floats
from matching.reading import Reader
from matching.settings import MatcherSettings
from matching.steps.candidates import Candidates
from matching.steps.combine import Combine
from matching.steps.rerank import Rerank
from matching.steps.retrieve import Retrieve
from matching.steps.spread import Spread
from matching.types import Kind

READ_AGAIN = 16
"""Candidates, from the best on, whose own text is encoded anew for one request; what was encoded is remembered. The
others are judged by their words."""

AT_ONCE = 8
"""Candidates that are read again together."""


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
    spread: Spread

    name = "own words"

    def __call__(self, found: Candidates) -> None:
        """Find who has text of whom, lower the scores of those that lean on others, and order the head anew."""
        asking = found.asker.record
        if asking is None or asking.document.kind is not Kind.NEED:
            return  # What a person typed is no text to copy.
        head = found.order[: max(self.settings.rerank, found.limit)]
        listings = [found.compared(at).spoken for at in head]
        need = asking.compared().spoken
        laid = Fingerprints.of([one.fingerprint for one in listings])
        # What two listings both have from the need is no loan of one from the other.
        found.loans = [
            replace(one, borrower=head[one.borrower], lender=head[one.lender])
            for one in loans(listings, need.hashes, laid)
        ]
        foreign = self._foreign(found, head, suspects(need, laid), need) if self.settings.own_words else {}
        # From the best on, until nobody is shown who has not been read without it: scores only fall.
        encoded = set(list(foreign)[:READ_AGAIN])
        while some := [at for at in self.spread.deciding(found) if at in foreign][:AT_ONCE]:
            theirs = {at: foreign.pop(at) for at in some}
            found.scores[some] = np.minimum(found.scores[some], self._scores(found, theirs, encoded))
            found.order = found.sort(head) + found.order[len(head) :]

    def _foreign(
        self, found: Candidates, head: Sequence[int], suspected: Sequence[int], need: Spoken
    ) -> dict[int, Foreign]:
        """Return what is not their own in the candidates at ``head``, best first; by its places, who is suspected."""
        foreign = {}
        for at in (head[place] for place in suspected):
            if (copy := copied_from(need, found.compared(at).spoken)) is not NOTHING:
                foreign[at] = copy
        for loan in found.loans:
            giver, taker = (found.records[at].document.supplier for at in (loan.lender, loan.borrower))
            if giver != taker:
                before = foreign.get(loan.borrower, NOTHING)
                foreign[loan.borrower] = replace(before, hashes=np.union1d(before.hashes, loan.shingles))
        return {at: foreign[at] for at in head if at in foreign}

    def _scores(self, found: Candidates, foreign: Mapping[int, Foreign], encoded: Collection[int]) -> Floats:
        """Return what candidates would score without the foreign text; those of ``encoded`` are encoded anew."""
        alone = Candidates(found.asker, found.view, found.limit)
        alone.ids = [found.ids[at] for at in foreign]
        alone.values = np.full((len(foreign), SIGNALS), np.nan, dtype=np.float32)
        for row, (at, away) in enumerate(foreign.items()):
            document = own_text(found.compared(at).spoken, away)
            record, what = self.reader.again(document, encoded=at in encoded)
            alone.records.append(record)
            if self.settings.keyword:
                alone.values[row, :2] = pair(found.asker.said, what)
        self.retrieve.compare_wholes(alone)
        self.rerank.compare_tokens(alone, range(len(alone.ids)))
        return self.combine.scores(alone, range(len(alone.ids)))
