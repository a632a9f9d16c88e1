"""Rank the documents of one side for an asker of the other: retrieve, combine, decide, explain."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from matching import documents as recipe
from matching.calibration import Features, fit, probability
from matching.errors import EncoderUnavailable
from matching.explanation import Wanted, explain
from matching.lexical import BM25Index, Floats, Snapshot, best
from matching.protocols import Encoder, TokenCounter, VectorIndex
from matching.settings import MatcherSettings
from matching.text import normalise, stems
from matching.types import Document, Encoded, Kind, Match, Passage, Reason, Results, Vector, Vectors

logger = logging.getLogger(__name__)

_PASSAGE_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Record:
    """What the matcher keeps in memory of one document: its vector as a whole, and what may be quoted of it."""

    document: Document
    whole: Vector | None
    passages: tuple[Passage, ...]
    vectors: Vectors | None


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
        self._encoder = encoder
        self._index = index
        self._words = BM25Index(self.settings.k1, self.settings.b)
        self._records: Mapping[str, Record] = {}
        self._sum = np.zeros(encoder.dimension if encoder else 0, dtype=np.float64)
        self._with_vector = 0
        self._lock = threading.Lock()
        self._typed: Callable[[str], Vector] = lru_cache(maxsize=1024)(self._encode_typed)

    def __len__(self) -> int:
        return len(self._records)

    # The slow step, done ahead -------------------------------------------------------------------------------

    def encode(self, documents: Sequence[Document]) -> list[Encoded]:
        """Cut documents into passages and encode them; without the encoder ``vectors`` is None."""
        if self._encoder is not None:
            try:
                return self._encode_all(self._encoder, documents)
            except EncoderUnavailable:
                logger.warning("Encoding is off: documents are found by their words alone")
        return [Encoded(document, _pieces(document), None, _digest(document, "")) for document in documents]

    def _encode_all(self, encoder: Encoder, given: Sequence[Document]) -> list[Encoded]:
        counter = encoder.count_tokens if isinstance(encoder, TokenCounter) else _guess_tokens
        limit = min(
            encoder.max_tokens if isinstance(encoder, TokenCounter) else _PASSAGE_TOKENS, _PASSAGE_TOKENS
        )
        cut = []
        for document in given:
            chunks = recipe.split(recipe.whole_text(document), counter, limit)
            wholes = [Passage(recipe.WHOLE, chunk) for chunk in chunks]
            cut.append((*wholes, *_pieces(document)))
        rows = encoder.encode_documents([normalise(passage.text) for passages in cut for passage in passages])
        encoded, start = [], 0
        for document, passages in zip(given, cut, strict=True):
            vectors = rows[start : start + len(passages)]
            start += len(passages)
            encoded.append(Encoded(document, passages, vectors, _digest(document, encoder.digest)))
        return encoded

    def digest(self, document: Document) -> str:
        """Return the digest that `encode` would give, without encoding: equal means there is nothing to do."""
        return _digest(document, self._encoder.digest if self._encoder else "")

    # Keeping the indexes true --------------------------------------------------------------------------------

    def add(self, encoded: Sequence[Encoded]) -> None:
        """Put encoded documents into memory, in place of those with the same id; the last of equal ids wins."""
        fresh = {one.document.id: _record(one) for one in encoded}
        if wrong := [key for key, record in fresh.items() if record.document.kind is not self.kind]:
            raise ValueError(f"this finder holds each {self.kind}; not one: {', '.join(sorted(wrong))}")
        with self._lock:
            self._count(fresh)
            self._records = {**self._records, **fresh}
            self._words.upsert_weighted([(key, _terms(record.document)) for key, record in fresh.items()])
            if self._index is not None:
                whole = {key: record.whole for key, record in fresh.items() if record.whole is not None}
                self._index.remove([key for key in fresh if key not in whole])
                if whole:
                    self._index.upsert(list(whole), np.stack(list(whole.values())))

    def forget(self, ids: Sequence[str]) -> None:
        """Drop documents; unknown ids are ignored."""
        with self._lock:
            gone = set(ids)
            self._count({}, gone)
            self._records = {key: record for key, record in self._records.items() if key not in gone}
            self._words.remove(ids)
            if self._index is not None:
                self._index.remove(ids)

    def _count(self, fresh: Mapping[str, Record], gone: Collection[str] = ()) -> None:
        """Keep the sum of all whole vectors, from which the mean for centring comes."""
        total, count = self._sum.copy(), self._with_vector
        for key in {*fresh, *gone}:
            for record, sign in ((self._records.get(key), -1), (fresh.get(key), 1)):
                if record is not None and record.whole is not None:
                    total += sign * record.whole
                    count += sign
        self._sum, self._with_vector = total, count

    def wholes(self) -> Mapping[str, Vector]:
        """Return the vector of each document as a whole, of those that have one."""
        return {key: record.whole for key, record in self._records.items() if record.whole is not None}

    # Ranking -------------------------------------------------------------------------------------------------

    def match(self, asker: Document | Encoded, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for one on the other side, with a reason for each must-have."""
        encoded = self.encode([asker])[0] if isinstance(asker, Document) else asker
        record = _record(encoded)
        return self._rank(_terms(record.document), record.whole, limit, among, record)

    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for what a person typed; an empty text finds nothing."""
        plain = normalise(text, 500)
        if not plain:
            return Results(())
        vector = None
        if self._encoder is not None:
            try:
                vector = self._typed(plain)
            except EncoderUnavailable:
                logger.warning("Search goes on by words alone: the encoder is not available")
        return self._rank(Counter(stems(plain)), vector, limit, among, None)

    def _encode_typed(self, text: str) -> Vector:
        if self._encoder is None:
            raise EncoderUnavailable("No encoder is set.")
        row: Vector = self._encoder.encode_queries([text])[0]
        return row

    def _rank(
        self,
        terms: Mapping[str, float],
        vector: Vector | None,
        limit: int,
        among: Collection[str] | None,
        asker: Record | None,
    ) -> Results:
        records = self._records
        seen = self._words.snapshot()
        scores = self._words.scores(terms, seen)
        keyword = best(seen, scores, max(self.settings.candidates, limit), among)
        dense = []
        if vector is not None and self._index is not None and self._with_vector:
            dense = self._index.search(vector, max(self.settings.candidates, limit), among)
        degraded = vector is None or (not dense and bool(keyword))
        ranks: dict[str, dict[str, int]] = {}
        for name, hits in (("keyword", keyword), ("dense", dense)):
            for rank, hit in enumerate(hits, start=1):
                ranks.setdefault(hit.id, {})[name] = rank
        ids = [key for key in ranks if key in records]
        cosines = self._cosines([records[key].whole for key in ids], vector)
        words = np.array(
            [scores[seen.places[key]] if key in seen.places else 0.0 for key in ids], dtype=np.float32
        )
        combined = _standard(words, scores[seen.alive])
        if not degraded:
            combined = combined + _standard(cosines, cosines)
        order = sorted(range(len(ids)), key=lambda at: (-combined[at], ids[at]))[: max(limit, 0)]
        most = self._most(terms, seen)
        matches = []
        for rank, at in enumerate(order, start=1):
            found = records[ids[at]]
            chance = probability(
                Features(
                    cosine=float(cosines[at]),
                    coverage=float(words[at]) / most if most else 0.0,
                    has_vector=found.whole is not None and vector is not None,
                )
            )
            matches.append(
                Match(
                    id=ids[at],
                    rank=rank,
                    score=float(combined[at]),
                    fit=fit(chance, self.settings.threshold),
                    accepted=chance >= self.settings.threshold,
                    ranks=ranks[ids[at]],
                    evidence_missing=_evidence(asker, found)[0],
                    evidence_met=_evidence(asker, found)[1],
                )
            )
        if asker is not None:
            matches = [replace(one, reasons=self._reasons(asker, records[one.id])) for one in matches]
        return Results(tuple(matches), degraded=degraded)

    def _cosines(self, vectors: Sequence[Vector | None], vector: Vector | None) -> Floats:
        """Return the cosine of each vector with the asker's; 0 where one is missing."""
        found = np.zeros(len(vectors), dtype=np.float32)
        if vector is not None:
            for at, one in enumerate(vectors):
                if one is not None:
                    found[at] = one @ vector
        return found

    def _most(self, terms: Mapping[str, float], seen: Snapshot) -> float:
        """Return the score of an ideal document that says every term of the asker often."""
        return sum(w * self._words.idf(term, seen) for term, w in terms.items()) * (self.settings.k1 + 1)

    def _reasons(self, asker: Record, found: Record) -> tuple[Reason, ...]:
        need, technology = (asker, found) if asker.document.kind is Kind.NEED else (found, asker)
        if need.document.kind is technology.document.kind:
            return ()
        wanted = [
            Wanted(passage.text, _weights(passage.text), None if need.vectors is None else need.vectors[at])
            for at, passage in enumerate(need.passages)
        ]
        return explain(wanted, technology.passages, technology.vectors, _weights)


def _standard(values: Floats, everyone: Floats) -> Floats:
    """Return how many standard deviations each value stands above the mean of ``everyone``."""
    spread = float(everyone.std()) if len(everyone) else 0.0
    return (values - float(everyone.mean() if len(everyone) else 0.0)) / (spread or 1.0)


def _weights(text: str) -> Mapping[str, float]:
    return dict.fromkeys(stems(normalise(text)), 1.0)


def _terms(document: Document) -> Mapping[str, float]:
    """Return the weight of each stem of a document."""
    counts: Counter[str] = Counter()
    for _, text in recipe.fields(document):
        counts.update(stems(text))
    return counts


def _pieces(document: Document) -> tuple[Passage, ...]:
    """Return what is explained passage by passage: a need's must-haves, a technology's quotable sentences."""
    if document.kind is Kind.TECHNOLOGY:
        return recipe.quotable(document)
    return tuple(passage for passage in document.passages if passage.source.startswith("requirement:"))


def _record(encoded: Encoded) -> Record:
    wholes = [at for at, passage in enumerate(encoded.passages) if passage.source == recipe.WHOLE]
    passages = tuple(passage for passage in encoded.passages if passage.source != recipe.WHOLE)
    if encoded.vectors is None or not wholes:
        return Record(encoded.document, None, passages, None)
    mean = encoded.vectors[wholes].mean(axis=0)
    length = float(np.linalg.norm(mean))
    rest = [at for at in range(len(encoded.passages)) if at not in set(wholes)]
    return Record(
        encoded.document,
        (mean / (length or 1.0)).astype(np.float32),
        passages,
        encoded.vectors[rest].astype(np.float16),
    )


def _evidence(asker: Record | None, found: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the evidence that the need asks for and the technology does not hold, and that which it holds."""
    if asker is None:
        return (), ()
    wanted = asker.document.evidence_wanted or found.document.evidence_wanted
    held = {*asker.document.evidence_held, *found.document.evidence_held}
    return tuple(key for key in wanted if key not in held), tuple(key for key in wanted if key in held)


def _guess_tokens(text: str) -> int:
    return 2 + len(text) // 3


def _digest(document: Document, encoder_digest: str) -> str:
    return recipe.digest(document, encoder_digest)


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

        index = FaissIndex(encoder.dimension)
    return Matcher(kind, encoder, index, settings)
