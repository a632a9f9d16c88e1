"""Give each product one place, and each supplier at most a few of the first ten."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from matching.settings import MatcherSettings
from matching.steps.candidates import Candidates
from matching.text import stems

PAGE = 10
"""Places on the first page that one supplier may not fill."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Fold listings that say nearly the same into the oldest, and let the rest of a supplier's follow behind.

    Nothing is hidden: what is folded is named beside the one that stands, and what has to wait comes next after
    the first ten. Who searches for a supplier by name gets all of it.
    """

    settings: MatcherSettings

    name = "spread"

    def __call__(self, found: Candidates) -> None:
        """Take folded listings out of the order, and put it in order again."""
        if self.settings.fold:
            self._fold(found)
        if self.settings.supplier_most:
            self._part(found)

    def _fold(self, found: Candidates) -> None:
        into: dict[int, int] = {}
        for loan in sorted(found.loans, key=lambda loan: -loan.share):
            if loan.borrower not in into and loan.same:
                into[loan.borrower] = loan.lender
        for at in (at for at in found.order if at in into):
            stands, seen = into[at], {at}
            while stands in into and stands not in seen:
                seen.add(stands)
                stands = into[stands]
            found.also.setdefault(stands, []).append(found.ids[at])
        found.order = [at for at in found.order if at not in into]

    def _part(self, found: Candidates) -> None:
        typed = set(found.asker.said.shares) if found.asker.typed else set()
        first: list[int] = []
        waiting: list[int] = []
        shown: Counter[str] = Counter()
        rest = iter(found.order)
        for at in rest:
            supplier = found.records[at].document.supplier
            named = bool(supplier and typed) and typed.issuperset(stems(supplier))
            if supplier and not named and shown[supplier] >= self.settings.supplier_most:
                waiting.append(at)
                continue
            shown[supplier] += 1
            first.append(at)
            if len(first) == PAGE:
                break
        found.order = [*first, *waiting, *rest]
