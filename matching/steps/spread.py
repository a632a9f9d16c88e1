"""Give each product one place, and each supplier at most a few of the first ten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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

    def deciding(self, found: Candidates) -> list[int]:
        """Return the candidates, best first, whose scores decide who is shown; all others stand behind or aside."""
        into = self._into(found) if self.settings.fold else {}
        order = [at for at in found.order if at not in into]
        waiting = self._waiting(found, order) if self.settings.supplier_most else []
        return order[: max(found.limit, PAGE + len(waiting))]

    def _into(self, found: Candidates) -> dict[int, int]:
        """Return for each listing that is folded the one that it says the same as."""
        into: dict[int, int] = {}
        for loan in sorted(found.loans, key=lambda loan: -loan.share):
            if loan.borrower not in into and loan.same:
                into[loan.borrower] = loan.lender
        return into

    def _fold(self, found: Candidates) -> None:
        into = self._into(found)
        for at in (at for at in found.order if at in into):
            stands, seen = into[at], {at}
            while stands in into and stands not in seen:
                seen.add(stands)
                stands = into[stands]
            found.also.setdefault(stands, []).append(found.ids[at])
        found.order = [at for at in found.order if at not in into]

    def _part(self, found: Candidates) -> None:
        waiting = self._waiting(found, found.order)
        looked_at = found.order[: PAGE + len(waiting)]
        later = set(waiting)
        found.order = [
            *(at for at in looked_at if at not in later),
            *waiting,
            *found.order[len(looked_at) :],
        ]

    def _waiting(self, found: Candidates, order: Sequence[int]) -> list[int]:
        """Return who has to wait for the first page to be full, as its supplier has its places there already."""
        typed = set(found.asker.said.shares) if found.asker.typed else set()
        first = 0
        waiting: list[int] = []
        shown: Counter[str] = Counter()
        for at in order:
            supplier = found.records[at].document.supplier
            named = bool(supplier and typed) and typed.issuperset(stems(supplier))
            if supplier and not named and shown[supplier] >= self.settings.supplier_most:
                waiting.append(at)
                continue
            shown[supplier] += 1
            first += 1
            if first == PAGE:
                break
        return waiting
