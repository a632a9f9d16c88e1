"""Compare the best candidates token by token (late interaction), and order them anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matching.late import Batch
from matching.reading import Reader
from matching.settings import MatcherSettings
from matching.steps.candidates import Candidates
from matching.steps.combine import Combine
from matching.types import Kind


@dataclass(frozen=True, slots=True)
class Rerank:
    """Only the head of the list is compared: what stands far behind by words and meaning is not brought forward."""

    kind: Kind
    settings: MatcherSettings
    reader: Reader
    combine: Combine

    name = "rerank"

    def __call__(self, found: Candidates) -> None:
        """Fill in the two signals of tokens for the head, and order it by all five."""
        asker = found.asker
        if asker.tokens is None:
            return
        before = found.order
        head = before[: max(self.settings.rerank, found.limit)]
        self.compare_tokens(found, head)
        found.scores[head] = self.combine.scores(found, head)
        found.order = found.sort(head) + before[len(head) :]

    def compare_tokens(self, found: Candidates, places: Sequence[int]) -> None:
        """Fill in the two signals of tokens for the candidates at ``places``."""
        asker = found.asker
        if asker.tokens is None:
            return
        lens = self.reader.meaning().lens
        tokens = {at: own for at in places if (own := found.compared(at).tokens) is not None}
        if lens is not None and tokens:
            having, others = list(tokens), list(tokens.values())
            there, back = lens.echoes(asker.tokens, self.kind, Batch.of(others))
            found.values[having, 3], found.values[having, 4] = there, back
