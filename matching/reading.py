"""Read texts into what the matcher compares: weighed words, vectors, tokens, and how each of them stands."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from matching import background as backgrounds
from matching import documents as recipe
from matching.background import MeaningBackground, Standing, WordsBackground, meaning_background
from matching.coverage import Said, said
from matching.documents import whole_text
from matching.duplicates import Spoken
from matching.errors import EncoderUnavailable
from matching.late import Tokens
from matching.lexical import Floats
from matching.packing import Kept, pack, unpack
from matching.protocols import Encoder, TokenCounter, TokenEncoder, WordKnower
from matching.register import Record
from matching.settings import MatcherSettings
from matching.shelf import Compared, InHand, Quoted
from matching.steps.expand import Expand
from matching.text import stem, words
from matching.types import Document, Encoded, Kind, Passage, TokenRows, Vector, Vectors

logger = logging.getLogger(__name__)

_PASSAGE_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text is read: what the encoder is given, the concepts found in it, and its words by their share.

    ``concepts`` holds (what is written, what it means); ``words`` the words as they are written, heaviest first, with
    their share of the whole; ``mended`` (what was typed, what was read instead).
    """

    encoded: str
    concepts: tuple[tuple[str, str], ...]
    words: tuple[tuple[str, float], ...]
    mended: tuple[tuple[str, str], ...] = ()


class Reader:
    """Everything about texts that does not depend on what is registered. Safe to use from several threads."""

    def __init__(self, encoder: Encoder | None, settings: MatcherSettings) -> None:
        self.encoder = encoder
        self.settings = settings
        self._knower: WordKnower | None = encoder if isinstance(encoder, WordKnower) else None
        self.expand = Expand(settings, self.is_english)
        self.plain = self.expand.plain
        self._again: Callable[[Document], tuple[Record, Said]] = lru_cache(maxsize=1024)(self._read_again)
        self.weights: Callable[[str], Mapping[str, float]] = lru_cache(maxsize=4096)(self._weights)

    def is_english(self, word: str) -> bool:
        """Tell whether the model knows a word as a whole, which it does of common English words alone."""
        try:
            return self._knower is not None and self._knower.knows_word(word)
        except EncoderUnavailable:
            return False

    # Documents, ahead of time --------------------------------------------------------------------------------

    def encode(self, documents: Sequence[Document]) -> list[Encoded]:
        """Cut documents into passages and encode them; without the encoder ``vectors`` is None."""
        if self.encoder is not None:
            try:
                return self._encode_all(self.encoder, documents)
            except EncoderUnavailable:
                logger.debug("Encoding is off: documents are found by their words alone")
        return [
            Encoded(document, _pieces(document), None, recipe.digest(document, "")) for document in documents
        ]

    def _encode_all(
        self, encoder: Encoder, given: Sequence[Document], *, quoted: bool = True
    ) -> list[Encoded]:
        """Encode wholes and, unless they are not to be ``quoted``, sentence by sentence."""
        counter = encoder.count_tokens if isinstance(encoder, TokenCounter) else _guess_tokens
        limit = min(
            encoder.max_tokens if isinstance(encoder, TokenCounter) else _PASSAGE_TOKENS, _PASSAGE_TOKENS
        )
        pieces = [_pieces(document) if self.settings.explain and quoted else () for document in given]
        chunks = [recipe.split(self.expand.whole(document), counter, limit) or ["-"] for document in given]
        flat = [chunk for one in chunks for chunk in one]
        sentences = [self.expand.spelled_out(piece.text) for one in pieces for piece in one]
        tokens: Sequence[TokenRows | None]
        if self.settings.late and isinstance(encoder, TokenEncoder):
            rows, tokens = encoder.encode_tokens([*flat, *sentences])
        else:
            rows, tokens = encoder.encode_documents([*flat, *sentences]), [None] * len(flat)
        wholes, single = rows[: len(flat)], rows[len(flat) :]
        encoded, at, piece_at = [], 0, 0
        for document, parts, own in zip(given, chunks, pieces, strict=True):
            vectors = np.concatenate(
                [wholes[at : at + len(parts)], single[piece_at : piece_at + len(own)]], dtype=np.float32
            )
            passages = (*(Passage(recipe.WHOLE, part) for part in parts), *own)
            extra = self._extra(document, vectors[: len(parts)], tokens[at : at + len(parts)])
            encoded.append(Encoded(document, passages, vectors, self.digest(document), extra))
            at, piece_at = at + len(parts), piece_at + len(own)
        return encoded

    def _extra(self, document: Document, wholes: Vectors, tokens: Sequence[TokenRows | None]) -> bytes:
        lens = self.meaning().lens
        rows = [one for one in tokens if one is not None]
        telling = any(len(one.pieces) for one in rows)
        reduced = lens.reduce(rows, document.kind) if lens is not None and telling else None
        what = self.said(document)
        standing = self.standing(what, document.kind, mean_of(wholes), reduced)
        return pack(Kept(standing, reduced, what, self._way, Spoken(document).fingerprint))

    @cached_property
    def _way(self) -> bytes:
        """Return which settings, recipe and shipped texts words are weighed by, as a short digest."""
        made_by = f"{recipe.RECIPE_VERSION} {backgrounds.content_digest()} {self.settings}"
        return hashlib.sha256(made_by.encode()).digest()[:8]

    def digest(self, document: Document) -> str:
        """Return the digest that `encode` would give, without encoding: equal means there is nothing to do."""
        model = digest_of(self.encoder)
        return recipe.digest(document, f"{model} {backgrounds.content_digest()}" if model else "")

    def again(self, document: Document, *, encoded: bool) -> tuple[Record, Said]:
        """Read what is left of a document when text is taken out of it, and what it says; remembered if encoded."""
        if encoded and self.encoder is not None and document.passages:
            try:
                return self._again(document)
            except EncoderUnavailable:
                logger.warning("Encoding is off: what is left of a document is read by its words alone")
        what = self.said(document)
        return self.record(Encoded(document, (), None, ""), what), what

    def _read_again(self, document: Document) -> tuple[Record, Said]:
        """Read a document anew; raises `EncoderUnavailable`, so that a failure is never remembered."""
        if self.encoder is None:
            raise EncoderUnavailable("No encoder is set.")
        what = self.said(document)
        return self.record(self._encode_all(self.encoder, [document], quoted=False)[0], what), what

    def record(self, encoded: Encoded, what: Said) -> Record:
        """Return what is kept in memory of an encoded document that says ``what``."""
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
        kept = unpack(encoded.extra)
        spoken = Spoken(document, kept.fingerprint if kept else None)
        if encoded.vectors is None or not wholes:
            standing = self.standing(what, document.kind, None, None)
            held = InHand(Compared(None, spoken), Quoted(passages, None))
            return Record(document, None, standing, held)
        whole = mean_of(encoded.vectors[wholes])
        found = kept.standing if kept else self.standing(what, document.kind, whole, None)
        # Half precision halves the memory of what is only quoted; a requirement never needs the last digits.
        quoted = Quoted(passages, encoded.vectors[rest].astype(np.float16))
        return Record(document, whole, found, InHand(Compared(kept.tokens if kept else None, spoken), quoted))

    # What a text says, and how it stands -----------------------------------------------------------------------

    def said(self, document: Document) -> Said:
        """Return what a document says, weighed."""
        return self.weigh(self.expand.terms(document), document.kind)

    def said_of(self, encoded: Encoded) -> Said:
        """Return what an encoded document says: as it was stored, or read anew where it was stored otherwise."""
        kept = unpack(encoded.extra)
        return kept.said if kept is not None and kept.way == self._way else self.said(encoded.document)

    def weigh(self, terms: Mapping[str, float], kind: Kind) -> Said:
        """Weigh the terms of a text that stands on the side of ``kind``."""
        return said(terms, kind, self._language().language, self.settings.k1, self.settings.b)

    def _weights(self, text: str) -> Mapping[str, float]:
        """Return the weight of each term of one sentence: how rare it is among technologies."""
        language = self._language().language
        terms = self.expand.sentence_terms(text)
        return {term: count * language.idf(term, Kind.TECHNOLOGY) for term, count in terms.items()}

    def typed(self, text: str, kind: Kind) -> tuple[Vector, Tokens | None]:
        """Encode a typed, normalised text that asks from the side of ``kind``; raises `EncoderUnavailable`."""
        if self.encoder is None:
            raise EncoderUnavailable("No encoder is set.")
        lens, given = self.meaning().lens, self.expand.spelled_out(text)
        if lens is None or not self.settings.late or not isinstance(self.encoder, TokenEncoder):
            return self.encoder.encode_queries([given])[0], None
        wholes, tokens = self.encoder.encode_tokens([given])
        telling = any(len(one.pieces) for one in tokens)
        return wholes[0], lens.reduce(tokens, kind) if telling else None

    def read(self, document: Document) -> Reading:
        """Tell how a document is read."""
        text = whole_text(document, self.plain)
        return self._reading(text, self.said(document).shares, ())

    def read_typed(
        self, text: str, known: Callable[[str], bool], vocabulary: Callable[[], Sequence[str]]
    ) -> Reading:
        """Tell how a normalised text that a person typed is read."""
        terms = self.expand.typed_terms(text, known, vocabulary)
        slips = self.expand.mended(text, known, vocabulary)
        pairs = [(word.text, slips[word.text.lower()]) for word in words(text) if word.text.lower() in slips]
        return self._reading(text, self.weigh(terms, Kind.NEED).shares, tuple(pairs))

    def _reading(self, text: str, shares: Mapping[str, float], pairs: tuple[tuple[str, str], ...]) -> Reading:
        found = words(text)
        written: dict[str, str] = {}
        for word in found:
            written.setdefault(stem(word.text), word.text)
        concepts: dict[str, str] = {}
        if self.expand.book is not None:
            for mention in self.expand.book.mentions(found):
                said_as = text[found[mention.first].start : found[mention.last - 1].end]
                concepts.setdefault(mention.entry.concept, said_as)
        heaviest = sorted(
            ((written[term], share) for term, share in shares.items() if term in written),
            key=lambda one: (-one[1], one[0]),
        )
        return Reading(
            encoded=self.expand.spelled_out(text),
            concepts=tuple((said_as, concept.removeprefix("§")) for concept, said_as in concepts.items()),
            words=tuple(heaviest),
            mended=pairs,
        )

    def rarity(self, term: str) -> float:
        """Return how rare a term is among technologies."""
        return self._language().language.idf(term, Kind.TECHNOLOGY)

    def _language(self) -> WordsBackground:
        return WordsBackground.of(self.settings)

    def meaning(self) -> MeaningBackground:
        """Return what vectors are measured against; raises `EncoderUnavailable`."""
        if self.encoder is None:
            raise EncoderUnavailable("No encoder is set.")
        return meaning_background(self.encoder, self.settings)

    def standing(
        self, what: Said, kind: Kind, whole: Vector | None, tokens: Tokens | None, *, typed: bool = False
    ) -> Standing:
        """Measure each signal of a text of ``kind`` with the shipped texts of the other side."""
        there, back = backgrounds.words_against(what, kind.other, self._language())
        meaning = echo = echoed = None
        if whole is not None:
            shipped = self.meaning()
            theirs = self.centred(shipped.vectors[kind.other], shipped.means[kind.other])
            meaning = theirs @ self.asked(whole, kind)
        if tokens is not None and (lens := self.meaning().lens) is not None:
            echo, echoed = lens.echoes(tokens, kind.other, self.meaning().tokens[kind.other])
        return backgrounds.standing((there, back, meaning, echo, echoed), typed=typed)

    def asked(self, whole: Vector, kind: Kind) -> Vector:
        """Return the vector of a text of ``kind`` less what all texts of its kind have in common."""
        row: Vector = self.centred(whole.reshape(1, -1), self.meaning().means[kind])[0]
        return row

    def centred_cosines(self, rows: Vectors, mean: Floats, asked: Vector) -> Floats:
        """Return ``self.centred(rows, mean) @ asked`` in one pass over ``rows``, each of length one."""
        if not self.settings.centred:
            return rows @ asked
        along = rows @ np.stack([asked, mean], axis=1)
        squared = 1 - 2 * along[:, 1] + mean @ mean
        cosines = (along[:, 0] - mean @ asked) / np.sqrt(np.maximum(squared, 1e-12))
        return cosines.astype(np.float32)

    def centred(self, rows: Vectors, mean: Floats) -> Vectors:
        """Return rows less the mean, of length one again; as they are where centring is switched off."""
        if not self.settings.centred:
            return rows
        moved = rows - mean
        unit: Vectors = (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)).astype(
            np.float32
        )
        return unit


def digest_of(encoder: Encoder | None) -> str:
    """Return the digest of an encoder's weights; empty where there is none, or where it cannot be loaded now."""
    try:
        return "" if encoder is None else encoder.digest
    except EncoderUnavailable:
        return ""


def mean_of(rows: Vectors) -> Vector:
    """Return the mean of the rows, brought to length one."""
    mean = rows.mean(axis=0)
    unit: Vector = (mean / max(float(np.linalg.norm(mean)), 1e-6)).astype(np.float32)
    return unit


def _pieces(document: Document) -> tuple[Passage, ...]:
    """Return what is explained passage by passage: a need's must-haves, a technology's quotable sentences."""
    if document.kind is Kind.TECHNOLOGY:
        return recipe.quotable(document)
    return tuple(passage for passage in document.passages if passage.source.startswith("requirement:"))


def _guess_tokens(text: str) -> int:
    return 2 + len(text) // 3
