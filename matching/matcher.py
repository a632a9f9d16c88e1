"""Rank the documents of one side for an asker of the other.

Retrieve by words and by meaning, put every signal on one scale, compare the best token by token, decide whether a
candidate is worth a person's time, and say for each must-have what answers it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from matching import background as backgrounds
from matching import documents as recipe
from matching import glossary as glossaries
from matching.background import MeaningBackground, Standing, WordsBackground, meaning_background, other
from matching.calibration import fit, probability
from matching.coverage import CoverageIndex, Said, said
from matching.errors import EncoderUnavailable
from matching.explanation import NEAR, PARTLY_AT, Wanted, explain
from matching.late import Batch, Tokens
from matching.lexical import Floats, best
from matching.packing import pack, unpack
from matching.protocols import Encoder, TokenCounter, TokenEncoder, VectorIndex
from matching.settings import MatcherSettings
from matching.spelling import mended
from matching.terms import document_terms, query_terms
from matching.text import normalise
from matching.types import (
    Answer,
    Document,
    Encoded,
    Hit,
    Kind,
    Match,
    Passage,
    Reason,
    Results,
    TokenRows,
    Vector,
    Vectors,
)

logger = logging.getLogger(__name__)

_PASSAGE_TOKENS = 256
_QUERY_CHARACTERS = 500
_PRIOR = 200
"""The shipped mean counts as much as this many documents of the register."""

_SCALE = 7.0
"""Scores are told as a sum of seven signals, whichever of them there are, so that they compare."""

_SWAPPED = [1, 0, 2, 4, 3]
"""Places of the signals seen from the other side: there and back change places."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the matcher keeps in memory of one document."""

    document: Document
    whole: Vector | None
    passages: tuple[Passage, ...]
    vectors: Vectors | None
    standing: Standing
    tokens: Tokens | None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a document of the other side, or what a person typed (``record`` is None)."""

    said: Said
    whole: Vector | None
    tokens: Tokens | None
    standing: Standing
    record: Record | None = None


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
        self._book = glossaries.load(self.settings.related) if self.settings.glossary else None
        self._words = CoverageIndex()
        self._records: Mapping[str, Record] = {}
        self._sum: Floats | None = None
        self._with_vector = 0
        self._lock = threading.Lock()
        self._weights: Callable[[str], Mapping[str, float]] = lru_cache(maxsize=4096)(self._weigh_text)
        self._typed: Callable[[str], Asker] = lru_cache(maxsize=1024)(self._typed_asker)

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
        return [
            Encoded(document, _pieces(document), None, recipe.digest(document, "")) for document in documents
        ]

    def _encode_all(self, encoder: Encoder, given: Sequence[Document]) -> list[Encoded]:
        counter = encoder.count_tokens if isinstance(encoder, TokenCounter) else _guess_tokens
        limit = min(
            encoder.max_tokens if isinstance(encoder, TokenCounter) else _PASSAGE_TOKENS, _PASSAGE_TOKENS
        )
        pieces = [_pieces(document) if self.settings.explain else () for document in given]
        chunks = [
            recipe.split(backgrounds.spelled_out(document, self._book), counter, limit) or ["-"]
            for document in given
        ]
        flat = [chunk for one in chunks for chunk in one]
        tokens: Sequence[TokenRows | None]
        if self.settings.late and isinstance(encoder, TokenEncoder):
            wholes, tokens = encoder.encode_tokens(flat)
        else:
            wholes, tokens = encoder.encode_documents(flat), [None] * len(flat)
        quoted = encoder.encode_documents([self._spelled(piece.text) for one in pieces for piece in one])
        encoded, at, piece_at = [], 0, 0
        for document, parts, own in zip(given, chunks, pieces, strict=True):
            rows = np.concatenate(
                [wholes[at : at + len(parts)], quoted[piece_at : piece_at + len(own)]], dtype=np.float32
            )
            passages = (*(Passage(recipe.WHOLE, part) for part in parts), *own)
            extra = self._extra(document, rows[: len(parts)], tokens[at : at + len(parts)])
            encoded.append(Encoded(document, passages, rows, self.digest(document), extra))
            at, piece_at = at + len(parts), piece_at + len(own)
        return encoded

    def _spelled(self, text: str) -> str:
        plain = normalise(text)
        return plain if self._book is None else self._book.spell_out(plain)

    def _extra(self, document: Document, wholes: Vectors, tokens: Sequence[TokenRows | None]) -> bytes:
        lens = self._meaning().lens
        rows = [one for one in tokens if one is not None]
        telling = any(len(one.pieces) for one in rows)
        reduced = lens.reduce(rows, document.kind) if lens is not None and telling else None
        asker = self._said(document)
        return pack(self._standing(asker, document.kind, _mean(wholes), reduced), reduced)

    def digest(self, document: Document) -> str:
        """Return the digest that `encode` would give, without encoding: equal means there is nothing to do."""
        model = digest_of(self._encoder)
        return recipe.digest(document, f"{model} {backgrounds.content_digest()}" if model else "")

    # Keeping the indexes true --------------------------------------------------------------------------------

    def add(self, encoded: Sequence[Encoded]) -> None:
        """Put encoded documents into memory, in place of those with the same id; the last of equal ids wins."""
        given = {one.document.id: one for one in encoded}
        if wrong := [key for key, one in given.items() if one.document.kind is not self.kind]:
            raise ValueError(f"this finder holds each {self.kind}; not one: {', '.join(sorted(wrong))}")
        what = {key: self._said(one.document) for key, one in given.items()}
        fresh = {key: self._record(one, what[key]) for key, one in given.items()}
        with self._lock:
            self._count(fresh)
            self._records = {**self._records, **fresh}
            self._words.upsert(list(what.items()))
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
        for key in {*fresh, *gone}:
            for record, sign in ((self._records.get(key), -1), (fresh.get(key), 1)):
                if record is not None and record.whole is not None:
                    total = np.zeros_like(record.whole) if self._sum is None else self._sum
                    self._sum = total + sign * record.whole
                    self._with_vector += sign

    def _record(self, encoded: Encoded, what: Said) -> Record:
        try:
            return self._full_record(encoded, what)
        except (
            EncoderUnavailable
        ):  # vectors of a model that cannot be loaded now: found by words until it can
            return self._full_record(replace(encoded, vectors=None), what)

    def _full_record(self, encoded: Encoded, what: Said) -> Record:
        document = encoded.document
        wholes = [at for at, passage in enumerate(encoded.passages) if passage.source == recipe.WHOLE]
        rest = [at for at, passage in enumerate(encoded.passages) if passage.source != recipe.WHOLE]
        passages = tuple(encoded.passages[at] for at in rest)
        if encoded.vectors is None or not wholes:
            return Record(
                document, None, passages, None, self._standing(what, document.kind, None, None), None
            )
        whole = _mean(encoded.vectors[wholes])
        kept = unpack(encoded.extra)
        found, tokens = kept or (self._standing(what, document.kind, whole, None), None)
        # Half precision halves the memory of what is only quoted; a requirement never needs the last digits.
        return Record(document, whole, passages, encoded.vectors[rest].astype(np.float16), found, tokens)

    # What a document says, and how it stands --------------------------------------------------------------------

    def _said(self, document: Document) -> Said:
        terms = document_terms(document, self._book, self.settings)
        return self._weigh(terms, document.kind)

    def _weigh(self, terms: Mapping[str, float], kind: Kind) -> Said:
        return said(terms, kind, self._language().language, self.settings.k1, self.settings.b)

    def _language(self) -> WordsBackground:
        return WordsBackground.of(self.settings)

    def _meaning(self) -> MeaningBackground:
        if self._encoder is None:
            raise EncoderUnavailable("No encoder is set.")
        return meaning_background(self._encoder, self.settings)

    def _standing(
        self, what: Said, kind: Kind, whole: Vector | None, tokens: Tokens | None, *, typed: bool = False
    ) -> Standing:
        """Measure each signal of a document of ``kind`` with the shipped texts of the other side."""
        there, back = backgrounds.words_against(what, other(kind), self._language())
        meaning = echo = echoed = None
        if whole is not None:
            shipped = self._meaning()
            meaning = self._centred(shipped.vectors[other(kind)], shipped.means[other(kind)]) @ self._centred(
                whole.reshape(1, -1), shipped.means[kind]
            ).reshape(-1)
            if tokens is not None and shipped.lens is not None:
                echo, echoed = shipped.lens.echoes(tokens, other(kind), shipped.tokens[other(kind)])
        return backgrounds.standing((there, back, meaning, echo, echoed), typed=typed)

    def _centred(self, rows: Vectors, mean: Floats) -> Vectors:
        if not self.settings.centred:
            return rows
        moved = rows - mean
        unit: Vectors = (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)).astype(
            np.float32
        )
        return unit

    def _own_mean(self) -> Floats:
        """Return the mean of the register's vectors, leaning on the shipped one while there are few."""
        shipped = self._meaning().means[self.kind]
        if self._sum is None:
            return shipped
        mean: Floats = ((self._sum + _PRIOR * shipped) / (self._with_vector + _PRIOR)).astype(np.float32)
        return mean

    # Ranking -------------------------------------------------------------------------------------------------

    def match(self, asker: Document | Encoded, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for one on the other side, with a reason for each must-have."""
        encoded = self.encode([asker])[0] if isinstance(asker, Document) else asker
        what = self._said(encoded.document)
        record = self._record(encoded, what)
        return self._rank(Asker(what, record.whole, record.tokens, record.standing, record), limit, among)

    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for what a person typed; an empty text finds nothing."""
        plain = normalise(text, _QUERY_CHARACTERS)
        if not plain:
            return Results(())
        return self._rank(self._who_typed(plain), limit, among)

    def quote(self, text: str, ids: Collection[str]) -> dict[str, Reason]:
        """Return the sentence of each document that is nearest to what a person typed.

        Documents in which no sentence is near, or that are not known, are left out. Only the text is encoded, and
        not again where it has just been searched for.
        """
        plain = normalise(text, _QUERY_CHARACTERS)
        if not plain:
            return {}
        wanted = Wanted(text, self._weights(plain), self._who_typed(plain).whole)
        found = {key: self._nearest(wanted, self._records[key]) for key in ids if key in self._records}
        return {key: reason for key, reason in found.items() if reason.passage is not None}

    def _nearest(self, wanted: Wanted, found: Record) -> Reason:
        own = found.passages, found.vectors
        if found.document.kind is Kind.TECHNOLOGY:
            return explain([wanted], *own, self._weights, NEAR)[0]
        # Of a need only the must-haves have vectors: its other sentences are compared by their words.
        told = recipe.told(found.document), None
        tried = ((told, PARTLY_AT), (own, PARTLY_AT), (told, NEAR), (own, NEAR))
        reasons = (explain([wanted], *among, self._weights, least)[0] for among, least in tried)
        return next(
            (reason for reason in reasons if reason.passage), Reason(wanted.text, Answer.NOTHING_FOUND)
        )

    def _who_typed(self, plain: str) -> Asker:
        """Return who asks for a typed, normalised text; by its words alone where the encoder is not available."""
        try:
            return self._typed(plain)
        except EncoderUnavailable:
            if self._encoder is not None:
                logger.warning("Search goes on by words alone: the encoder is not available")
            return self._asker_of(plain, None, None)

    def _typed_asker(self, text: str) -> Asker:
        """Return who asks for a typed text; raises `EncoderUnavailable`, so that a failure is never remembered."""
        if self._encoder is None:
            raise EncoderUnavailable("No encoder is set.")
        return self._asker_of(text, *self._encode_typed(self._encoder, self._spelled(text)))

    def _asker_of(self, text: str, whole: Vector | None, tokens: Tokens | None) -> Asker:
        terms = query_terms(text, self._book, self.settings)
        if self.settings.spelling:
            terms = {**mended(terms, self._words.knows, self._words.vocabulary), **terms}
        what = self._weigh(terms, other(self.kind))
        return Asker(what, whole, tokens, self._standing(what, other(self.kind), whole, tokens, typed=True))

    def _encode_typed(self, encoder: Encoder, text: str) -> tuple[Vector, Tokens | None]:
        lens = self._meaning().lens
        if lens is None or not self.settings.late or not isinstance(encoder, TokenEncoder):
            return encoder.encode_queries([text])[0], None
        wholes, tokens = encoder.encode_tokens([text])
        telling = any(len(one.pieces) for one in tokens)
        return wholes[0], lens.reduce(tokens, other(self.kind)) if telling else None

    def _rank(self, asker: Asker, limit: int, among: Collection[str] | None) -> Results:
        records = self._records
        seen = self._words.snapshot()
        there, back = self._words.coverage(asker.said, seen)
        wanted = max(self.settings.candidates, limit)
        keyword = best(seen, there, wanted, among)
        dense = self._by_meaning(asker, wanted, among)
        degraded = asker.whole is None or (not dense and bool(keyword))
        ranks: dict[str, dict[str, int]] = {}
        for name, hits in (("keyword", keyword), ("dense", dense)):
            for rank, hit in enumerate(hits, start=1):
                if hit.id in records and hit.id in seen.places:
                    ranks.setdefault(hit.id, {})[name] = rank
        ids = list(ranks)
        found = [records[key] for key in ids]
        rows = [seen.places[key] for key in ids]
        values = np.full((len(ids), backgrounds.SIGNALS), np.nan, dtype=np.float32)
        values[:, 0] = there[rows]
        values[:, 1] = back[rows]
        self._compare_wholes(asker, found, values)
        scores = self._combine(asker, found, values)
        order = sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))
        if self.settings.late and asker.tokens is not None:
            head = order[: max(self.settings.rerank, limit)]
            self._compare_tokens(asker, found, values, head)
            scores = self._combine(asker, found, values)
            order = sorted(head, key=lambda at: (-scores[at], ids[at])) + order[len(head) :]
        matches = []
        for rank, at in enumerate(order[: max(limit, 0)], start=1):
            chance = probability(float(scores[at]), typed=asker.record is None, degraded=degraded)
            missing, met = _evidence(asker.record, found[at])
            reasons = self._reasons(asker, found[at])
            matches.append(
                Match(
                    id=ids[at],
                    rank=rank,
                    score=float(scores[at]),
                    fit=fit(chance, self.settings.threshold, reasons),
                    accepted=chance >= self.settings.threshold,
                    ranks=ranks[ids[at]],
                    reasons=reasons,
                    evidence_missing=missing,
                    evidence_met=met,
                )
            )
        return Results(tuple(matches), degraded=degraded)

    def _by_meaning(self, asker: Asker, wanted: int, among: Collection[str] | None) -> list[Hit]:
        """Return the nearest documents; the asker alone is centred, which orders nearly as if both were."""
        if asker.whole is None or self._index is None or not self.settings.dense or not self._with_vector:
            return []
        return self._index.search(self._asked(asker.whole), wanted, among)

    def _asked(self, whole: Vector) -> Vector:
        row: Vector = self._centred(whole.reshape(1, -1), self._meaning().means[other(self.kind)])[0]
        return row

    def _compare_wholes(self, asker: Asker, found: Sequence[Record], values: Floats) -> None:
        """Fill in the centred cosine of every candidate that has a vector."""
        if asker.whole is None or not self.settings.dense:
            return
        having = [at for at, record in enumerate(found) if record.whole is not None]
        if having:
            wholes = np.stack([whole for record in found if (whole := record.whole) is not None])
            values[having, 2] = self._centred(wholes, self._own_mean()) @ self._asked(asker.whole)

    def _compare_tokens(
        self, asker: Asker, found: Sequence[Record], values: Floats, head: Sequence[int]
    ) -> None:
        """Fill in late interaction for the candidates that are compared token by token."""
        lens = self._meaning().lens
        having = [at for at in head if found[at].tokens is not None]
        if lens is None or asker.tokens is None or not having:
            return
        others = [tokens for at in having if (tokens := found[at].tokens) is not None]
        values[having, 3], values[having, 4] = lens.echoes(asker.tokens, self.kind, Batch.of(others))

    def _combine(self, asker: Asker, found: Sequence[Record], values: Floats) -> Floats:
        """Return one score for each candidate: the weighted sum of how far each signal stands above the usual.

        The usual is, half and half, what the asker has with texts not meant for it, and what the candidate has.
        """
        if not found:
            return np.zeros(0, dtype=np.float32)
        set_ = self.settings
        weights = np.array(
            [set_.words_weight, set_.words_weight, set_.dense_weight, set_.late_weight, set_.late_weight]
        )
        if asker.record is None:
            weights = weights * np.array([2.0, 0.0, 1.0, 0.5, 0.0])
        elif not set_.both_ways:
            weights = weights * np.array([1.0, 0.0, 1.0, 1.0, 0.0])
        above = (values - asker.standing[:, 0]) / asker.standing[:, 1]
        if set_.standing and asker.record is not None:
            usual = np.stack([record.standing for record in found])[:, _SWAPPED, :]
            theirs = (values - usual[:, :, 0]) / usual[:, :, 1]
            above = (above + np.where(np.isnan(theirs), above, theirs)) / 2
        # A signal that a candidate lacks is taken to be as good as its others.
        known = np.where(np.isnan(above), 0.0, weights)
        total = (np.nan_to_num(above, nan=0.0) * weights).sum(axis=1) / np.maximum(known.sum(axis=1), 1e-6)
        scores: Floats = (total * _SCALE).astype(np.float32)
        return scores

    # Reasons -------------------------------------------------------------------------------------------------

    def _reasons(self, asker: Asker, found: Record) -> tuple[Reason, ...]:
        if asker.record is None:
            return ()
        sides = (asker.record, found)
        need, technology = sides if asker.record.document.kind is Kind.NEED else sides[::-1]
        if need.document.kind is technology.document.kind:
            return ()
        wanted = [
            Wanted(
                passage.text, self._weights(passage.text), None if need.vectors is None else need.vectors[at]
            )
            for at, passage in enumerate(need.passages)
        ]
        return explain(wanted, technology.passages, technology.vectors, self._weights)

    def _weigh_text(self, text: str) -> Mapping[str, float]:
        language = self._language().language
        terms = query_terms(normalise(text), self._book, self.settings)
        return {term: count * language.idf(term, Kind.TECHNOLOGY) for term, count in terms.items()}

    def wholes(self) -> Mapping[str, Vector]:
        """Return the vector of each document as a whole, of those that have one."""
        return {key: record.whole for key, record in self._records.items() if record.whole is not None}


def digest_of(encoder: Encoder | None) -> str:
    """Return the digest of an encoder's weights; empty where there is none, or where it cannot be loaded now."""
    try:
        return "" if encoder is None else encoder.digest
    except EncoderUnavailable:
        return ""


def _mean(rows: Vectors) -> Vector:
    """Return the mean of the rows, brought to length one."""
    mean = rows.mean(axis=0)
    unit: Vector = (mean / max(float(np.linalg.norm(mean)), 1e-6)).astype(np.float32)
    return unit


def _pieces(document: Document) -> tuple[Passage, ...]:
    """Return what is explained passage by passage: a need's must-haves, a technology's quotable sentences."""
    if document.kind is Kind.TECHNOLOGY:
        return recipe.quotable(document)
    return tuple(passage for passage in document.passages if passage.source.startswith("requirement:"))


def _evidence(asker: Record | None, found: Record) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the evidence that the need asks for and the technology does not hold, and that which it holds."""
    if asker is None:
        return (), ()
    wanted = asker.document.evidence_wanted or found.document.evidence_wanted
    held = {*asker.document.evidence_held, *found.document.evidence_held}
    return tuple(key for key in wanted if key not in held), tuple(key for key in wanted if key in held)


def _guess_tokens(text: str) -> int:
    return 2 + len(text) // 3


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
