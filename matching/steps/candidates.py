"""What the ranking steps hand on to each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from matching.background import SIGNALS, Standing
from matching.coverage import Said
from matching.duplicates import Loan
from matching.late import Tokens
from matching.lexical import Floats
from matching.register import Record, View
from matching.shelf import Compared
from matching.types import Hit, Reason, Vector


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a document of the other side, or what a person typed (``record`` is None)."""

    said: Said
    whole: Vector | None
    tokens: Tokens | None
    standing: Standing
    record: Record | None = None

    @property
    def typed(self) -> bool:
        """Tell whether a person typed it."""
        return self.record is None


@dataclass(slots=True)
class Candidates:
    """The candidates of one request, in the making, in the order of their ids.

    ``values`` holds a row of signals for each candidate (order as in `matching.background`), NaN where a signal is
    not known; ``order`` the places of the candidates from best to worst; ``reasons`` and ``chances`` belong to the
    first ``limit`` of ``order``.
    """

    asker: Asker
    view: View
    limit: int
    among: Collection[str] | None = None
    hits: dict[str, list[Hit]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.zeros((0, SIGNALS), dtype=np.float32))
    scores: Floats = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    order: list[int] = field(default_factory=list)
    reasons: list[tuple[Reason, ...]] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    degraded: bool = False
    loans: list[Loan] = field(default_factory=list)
    """Who among the candidates has text of whom, by their places."""
    read: dict[int, Compared] = field(default_factory=dict)
    also: dict[int, list[str]] = field(default_factory=dict)
    """Ids of listings that are folded into a candidate, by its place."""

    @property
    def shown(self) -> Sequence[int]:
        """Return the places of the candidates that are answered with."""
        return self.order[: max(self.limit, 0)]

    def compared(self, at: int) -> Compared:
        """Return what a candidate is compared by; read once."""
        if at not in self.read:
            self.read[at] = self.records[at].compared()
        return self.read[at]

    def ranks(self) -> dict[str, dict[str, int]]:
        """Return the rank, from 1, that each retriever gave to what it found."""
        return {
            name: {hit.id: rank for rank, hit in enumerate(hits, start=1)} for name, hits in self.hits.items()
        }

    def sort(self, among: Sequence[int] | None = None) -> list[int]:
        """Return places from best to worst, ties by id: of all candidates, or of those given."""
        places = np.arange(len(self.ids)) if among is None else np.sort(np.array(among, dtype=np.int64))
        order: list[int] = places[np.argsort(-self.scores[places], kind="stable")].tolist()
        return order


class Step(Protocol):
    """One step of ranking: it changes the candidates in place. ``name`` is what traces and switches call it."""

    @property
    def name(self) -> str:
        """Return the name of the step."""
        ...

    def __call__(self, found: Candidates) -> None:
        """Add to the candidates what this step finds."""
        ...
