"""Rank the documents of one side for an asker of the other, by the steps of `matching.steps`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from matching import documents as recipe
from matching.alike import Alike
from matching.duplicates import Spoken
from matching.errors import EncoderUnavailable
from matching.explanation import NEAR, QUOTED, Typed, nearest
from matching.late import Tokens
from matching.lexical import best
from matching.protocols import Encoder, VectorIndex
from matching.reading import Reader, Reading, digest_of
from matching.register import Record, Register
from matching.settings import MatcherSettings
from matching.steps.candidates import Asker, Candidates, Step
from matching.steps.combine import Combine
from matching.steps.decide import Decide
from matching.steps.explain import Explain
from matching.steps.own_words import OwnWords
from matching.steps.rerank import Rerank
from matching.steps.retrieve import Retrieve
from matching.steps.spread import Spread
from matching.types import Answer, Document, Encoded, Hit, Kind, Reason, Results, Vector

__all__ = ["Matcher", "Reading", "Stage", "build_finder", "digest_of"]

logger = logging.getLogger(__name__)

REMEMBERED = 1024
"""Typed texts whose vectors are kept, the latest ones."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one step left behind: the best candidates in their order then, and how long it took.

    ``lists`` holds the hits of each retriever (``keyword``, ``dense``) after the first step, and one list (``all``)
    after the others; scores of different lists do not compare.
    """

    name: str
    seconds: float
    candidates: int
    lists: Mapping[str, tuple[Hit, ...]]


class Matcher:
    """The finder of one kind of document, `matching.protocols.Finder` for real.

    Readers work on what they find in place; one lock keeps writers apart. A document is searchable as soon as
    `add` returns. Without an encoder, or with a damaged one, everything goes on by words alone.
    """

    def __init__(
        self,
        kind: Kind,
        encoder: Encoder | None,
        index: VectorIndex | None,
        settings: MatcherSettings | None = None,
    ) -> None:
        self.kind = kind
        self.settings = settings or MatcherSettings()
        self.reader = Reader(encoder, self.settings)
        self.register = Register(index)
        combine = Combine(self.settings)
        retrieve = Retrieve(kind, self.settings, self.reader, self.register)
        rerank = Rerank(kind, self.settings, self.reader, combine)
        offered = kind is Kind.TECHNOLOGY
        self.alike = Alike(kind, self.settings, self.reader, self.register)
        self._decide = Decide(self.settings)
        spread = Spread(self.settings)
        steps: list[tuple[bool, Step]] = [
            (True, retrieve),
            (True, combine),
            (
                self.settings.late and self.settings.combine,
                rerank,
            ),
            (
                (self.settings.own_words or self.settings.fold) and self.settings.combine and offered,
                OwnWords(self.settings, self.reader, retrieve, combine, rerank, spread),
            ),
            (offered, spread),
            (True, Explain(self.reader)),
            (True, self._decide),
        ]
        self.steps: tuple[Step, ...] = tuple(step for wanted, step in steps if wanted)
        self._typed: Callable[[str], Asker] = lru_cache(maxsize=REMEMBERED)(self._typed_asker)

    def __len__(self) -> int:
        return len(self.register)

    # Documents -----------------------------------------------------------------------------------------------

    def encode(self, documents: Sequence[Document]) -> list[Encoded]:
        """Cut documents into passages and encode them; without the encoder ``vectors`` is None."""
        return self.reader.encode(documents)

    def digest(self, document: Document) -> str:
        """Return the digest that `encode` would give, without encoding: equal means there is nothing to do."""
        return self.reader.digest(document)

    def add(self, encoded: Sequence[Encoded]) -> None:
        """Put encoded documents into memory, in place of those with the same id; the last of equal ids wins."""
        given = {one.document.id: one for one in encoded}
        if wrong := [key for key, one in given.items() if one.document.kind is not self.kind]:
            raise ValueError(f"this finder holds each {self.kind}; not one: {', '.join(sorted(wrong))}")
        what = {key: self.reader.said_of(one) for key, one in given.items()}
        self.register.add({key: self.reader.record(one, what[key]) for key, one in given.items()}, what)

    def forget(self, ids: Sequence[str]) -> None:
        """Drop documents; unknown ids are ignored."""
        self.register.forget(ids)

    def wholes(self) -> Mapping[str, Vector]:
        """Return the vector of each document as a whole, of those that have one."""
        return {
            key: record.whole for key, record in self.register.records.items() if record.whole is not None
        }

    # Ranking -------------------------------------------------------------------------------------------------

    def match(self, asker: Document | Encoded, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for one on the other side, with a reason for each must-have."""
        return self._rank(self.asker(asker), limit, among)

    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for what a person typed; an empty text finds nothing."""
        plain = self.reader.plain.typed(text)
        return self._rank(self._who_typed(plain), limit, among) if plain else Results(())

    def similar(self, asker: Document | Encoded, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents by how surely they say the same as one of the same kind, itself left out.

        Raises ValueError for an asker of the other kind.
        """
        encoded = self.encode([asker])[0] if isinstance(asker, Document) else asker
        if encoded.document.kind is not self.kind:
            raise ValueError(f"only a {self.kind} is like another {self.kind}")
        what = self.reader.said(encoded.document)
        return self.alike.similar(self.reader.record(encoded, what), what, limit, among)

    def trace(self, asker: Document | Encoded | str, limit: int) -> tuple[Results, tuple[Stage, ...]]:
        """Match or search, and tell what each step left behind; an empty text finds nothing."""
        stages: list[Stage] = []
        if not isinstance(asker, str):
            return self._rank(self.asker(asker), limit, None, stages), tuple(stages)
        plain = self.reader.plain.typed(asker)
        if not plain:
            return Results(()), ()
        return self._rank(self._who_typed(plain), limit, None, stages), tuple(stages)

    def _rank(
        self,
        asker: Asker,
        limit: int,
        among: Collection[str] | None,
        stages: list[Stage] | None = None,
    ) -> Results:
        found = Candidates(asker, self.register.view(), limit, among)
        for step in self.steps:
            start = time.perf_counter()
            step(found)
            if stages is not None:
                seconds = time.perf_counter() - start
                stages.append(Stage(step.name, seconds, len(found.ids), _lists(found)))
        return self._decide.results(found)

    def read(self, asker: Document | str) -> Reading:
        """Tell how an asker of the other side is read, before anything is compared."""
        if isinstance(asker, Document):
            return self.reader.read(asker)
        words = self.register.words
        return self.reader.read_typed(self.reader.plain.typed(asker), words.knows, words.vocabulary)

    # Who asks ------------------------------------------------------------------------------------------------

    def asker(self, given: Document | Encoded) -> Asker:
        """Return a document of the other side as an asker; only a bare `Document` is encoded."""
        encoded = self.encode([given])[0] if isinstance(given, Document) else given
        what = self.reader.said_of(encoded)
        record = self.reader.record(encoded, what)
        return Asker(what, record.whole, record.compared().tokens, record.standing, record)

    def _who_typed(self, plain: str) -> Asker:
        """Return who asks for a typed, normalised text; by its words alone where the encoder is not available."""
        try:
            return self._typed(plain)
        except EncoderUnavailable:
            if self.reader.encoder is not None:
                logger.debug("Search goes on by words alone: the encoder is not available")
            return self._asker_of(plain, None, None)

    def _typed_asker(self, text: str) -> Asker:
        """Return who asks for a typed text; raises `EncoderUnavailable`, so that a failure is never remembered."""
        return self._asker_of(text, *self.reader.typed(text, self.kind.other))

    def _asker_of(self, text: str, whole: Vector | None, tokens: Tokens | None) -> Asker:
        words = self.register.words
        terms = self.reader.expand.typed_terms(text, words.knows, words.vocabulary)
        what = self.reader.weigh(terms, self.kind.other)
        standing = self.reader.standing(what, self.kind.other, whole, tokens, typed=True)
        return Asker(what, whole, tokens, standing)

    # Whose text is it ------------------------------------------------------------------------------------------

    def resembling(self, document: Document, limit: int = 30) -> list[Spoken]:
        """Return what those documents say that have most words in common with one of either side, itself left out.

        Only what is copied, in part or in whole, is sure to be among them. Nothing is encoded.
        """
        view = self.register.view()
        hits: list[Hit] = []
        for scores in self.register.words.coverage(self.reader.said(document), view.words):
            hits += best(view.words, scores, limit)
        ids = dict.fromkeys(hit.id for hit in hits if hit.id != document.id and hit.id in view.records)
        return [view.records[key].compared().spoken for key in ids]

    # Quotations ----------------------------------------------------------------------------------------------

    def quote(self, text: str, ids: Collection[str]) -> dict[str, Reason]:
        """Return the sentence of each document that is nearest to what a person typed.

        Documents in which no sentence is near, or that are not known, are left out. Only the text is encoded, and
        not again where it has just been searched for.
        """
        plain = self.reader.plain.typed(text)
        if not plain:
            return {}
        records = self.register.records
        typed = Typed(text, self.reader.weights(plain), self._who_typed(plain).whole)
        found = {key: self._nearest(typed, records[key]) for key in ids if key in records}
        return {key: reason for key, reason in found.items() if reason.passage is not None}

    def _nearest(self, typed: Typed, found: Record) -> Reason:
        said = found.quoted()
        own = said.passages, said.vectors
        weights = self.reader.weights
        if found.document.kind is Kind.TECHNOLOGY:
            return nearest(typed, *own, weights, NEAR)
        # Of a need only the must-haves have vectors: its other sentences are compared by their words.
        told = recipe.told(found.document), None
        tried = ((told, QUOTED), (own, QUOTED), (told, NEAR), (own, NEAR))
        reasons = (nearest(typed, *among, weights, least) for among, least in tried)
        return next(
            (reason for reason in reasons if reason.passage), Reason(typed.text, Answer.NOTHING_FOUND)
        )


def _lists(found: Candidates) -> Mapping[str, tuple[Hit, ...]]:
    if not found.order:
        return {name: tuple(hits[: found.limit]) for name, hits in found.hits.items()}
    return {"all": tuple(Hit(found.ids[at], float(found.scores[at])) for at in found.shown)}


def build_finder(
    kind: Kind,
    *,
    encoder: Encoder | None = None,
    index: VectorIndex | None = None,
    settings: MatcherSettings | None = None,
) -> Matcher:
    """Return the finder of one kind; without ``index`` vectors are searched in memory with FAISS.

    Without ``encoder`` the finder works by words alone and says so (``degraded``).
    """
    if encoder is not None and index is None:
        from matching.adapters.faiss_index import FaissIndex  # heavy: only where it is used

        index = FaissIndex()
    return Matcher(kind, encoder, index, settings)
