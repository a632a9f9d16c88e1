"""The matchers of this process: built from the rows in the database, and brought up to date before each search.

The index proposes, the database decides: callers re-read every reference through `visible_to` before it is shown.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import TypeAlias

import structlog
from flask import Flask, current_app
from sqlalchemy import Engine, MetaData, Table, inspect, text
from sqlalchemy.orm import Session

from marketplace.database import db
from marketplace.matches import queries
from marketplace.matches.actions import Recipe
from marketplace.matches.answers import Answers
from marketplace.matches.documents import document_of_need_draft, from_entry
from marketplace.matches.models import IndexEntry, IndexGeneration
from marketplace.matches.rules import UNFINISHED, GenerationState
from marketplace.settings import Settings
from marketplace.web.search import Alike, Found, Likeness
from matching import glossary
from matching.adapters.pgvector_index import PgVectorIndex, vector_table
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.errors import EncoderUnavailable
from matching.matcher import Matcher, Reading, Stage, build_finder, digest_of
from matching.memory import give_back
from matching.protocols import Encoder, VectorIndex
from matching.text import words
from matching.types import Document, Encoded, Hit, Kind, Reason, Results, Vector, Vectors

__all__ = [
    "Encoder",
    "Finders",
    "State",
    "init",
    "match",
    "quote",
    "ready",
    "search",
    "warm",
    "warm_beside",
]

log = structlog.get_logger()

#: How a text is read, what it finds, and what each step did.
Traced: TypeAlias = tuple[Reading, Results, tuple[Stage, ...]]

#: Seconds that a search waits for the matchers of a process that has just started.
PATIENCE = 10.0
#: Seconds before a warm-up that failed is tried again.
AGAIN = 30.0
WARM_UP = "warm-up"
CHANGE_OVER = "change-over"


class State(StrEnum):
    """What the matchers of this process can do."""

    STARTING = "starting"
    READY = "ready"
    WORDS_ONLY = "words-only"


class SearchOnly:
    """A vector index in the database as web processes use it: the worker alone writes to it."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Do nothing: the worker has written these rows."""

    def remove(self, ids: Sequence[str]) -> None:
        """Do nothing: the worker has removed these rows."""

    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Search the database."""
        return self._index.search(vector, limit, among)

    def __len__(self) -> int:
        return len(self._index)


class Encoders:
    """The models that a process may use: its own first, then those of before."""

    def __init__(self, own: Encoder, before: Sequence[Encoder] = ()) -> None:
        self.own = own
        self._before = before
        self._recipes: dict[str, Recipe] = {}

    def of(self, digest: str) -> Encoder | None:
        """Return the model with that digest; None where this process has none, or cannot load it now."""
        if not digest:
            return None
        return next((one for one in (self.own, *self._before) if digest_of(one) == digest), None)

    def recipe(self) -> Recipe:
        """Return what an index made here is made by.

        Its key is the digest of what says nothing, so that it changes exactly when the digests of documents do.
        """
        digest = digest_of(self.own)
        if digest not in self._recipes:
            made = [
                encoding(kind, self.own).digest(Document(id="", kind=kind, title="", passages=()))
                for kind in Kind
            ]
            key = sha256(" ".join(made).encode()).hexdigest()
            self._recipes[digest] = Recipe(key, digest, self.own.name)
        return self._recipes[digest]


class _NoIndex:
    """A vector index that holds nothing, for matchers that only encode."""

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Keep nothing."""

    def remove(self, ids: Sequence[str]) -> None:
        """Do nothing."""

    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Find nothing."""
        return []

    def __len__(self) -> int:
        return 0


def encoding(kind: Kind, encoder: Encoder | None) -> Matcher:
    """Return a matcher that cuts and encodes, and keeps nothing."""
    return build_finder(kind, encoder=encoder, index=_NoIndex())


@dataclass
class Serving:
    """The matchers over one generation of the index, and what they have seen of it.

    ``made_by`` is the digest of the model that made its vectors, and ``encoder`` that model, as questions are encoded
    by it too; None where this process has not got it, and searches by words.
    """

    generation: int
    made_by: str
    encoder: Encoder | None
    matchers: dict[Kind, Matcher]
    seen: int = 0
    answers: Answers = field(default_factory=Answers)

    @classmethod
    def of(cls, engine: Engine, generation: int, made_by: str, encoders: Encoders) -> Serving:
        """Return empty matchers for a generation; one without vectors takes any model."""
        encoder = encoders.of(made_by) if made_by else encoders.own
        matchers = {}
        for kind in Kind:
            index = vector_index(engine, kind, generation, encoder) if made_by else None
            matchers[kind] = build_finder(
                kind, encoder=encoder, index=None if index is None else SearchOnly(index)
            )
        return cls(generation, made_by, encoder, matchers)

    def catch_up(self, engine: Engine) -> None:
        """Take in what was written to this generation since it was last looked at."""
        # A session of its own: entries are many, and are let go batch by batch.
        with Session(engine) as own, no_collections():
            newest = queries.sequence(own)
            for rows in queries.entries_after(own, self.generation, self.seen):
                self._take(rows)
            self.seen = max(self.seen, newest)

    def _take(self, rows: Sequence[IndexEntry]) -> None:
        model = digest_of(self.encoder)
        for kind, matcher in self.matchers.items():
            of_kind = [row for row in rows if row.kind == kind.value]
            read = {row.subject_ref: readable(row, model) for row in of_kind if not row.removed}
            matcher.forget([row.subject_ref for row in of_kind if read.get(row.subject_ref) is None])
            matcher.add([encoded for encoded in read.values() if encoded is not None])
        self.seen = rows[-1].sequence


@contextmanager
def no_collections() -> Iterator[None]:
    """Hold the search for unused cycles: among objects that all stay it took a third of the time of a start."""
    held = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if held:
            gc.enable()


def readable(row: IndexEntry, model: str) -> Encoded | None:
    """Return what an entry holds; None, and a line in the log, where it is damaged beyond reading."""
    try:
        encoded = from_entry(row, model)
    except (KeyError, TypeError, ValueError) as error:
        log.warning("index_entry_damaged", kind=row.kind, ref=row.subject_ref, error=type(error).__name__)
        return None
    if encoded.vectors is None and row.vectors is not None and row.encoder == model:
        log.warning("index_entry_damaged", kind=row.kind, ref=row.subject_ref, error="checksum")
    return encoded


@dataclass
class Finders:
    """The matchers that answer now, the models they may use, and what they can do.

    ``serving`` is replaced as a whole: whoever has taken it goes on with it to the end of a request.
    """

    engine: Engine
    encoders: Encoders
    serving: Serving
    state: State = State.STARTING
    lock: threading.Lock = field(default_factory=threading.Lock)
    warm: threading.Event = field(default_factory=threading.Event)
    #: When the last warm-up began, by the clock of `monotonic`; None in processes that do without.
    began: float | None = None
    #: The generation that should serve here, and when it was last begun to be loaded beside the one that does.
    wanted: int = 0
    tried: float | None = None

    @property
    def encoder(self) -> Encoder:
        """Return the model of this process's settings."""
        return self.encoders.own

    @property
    def matchers(self) -> dict[Kind, Matcher]:
        """Return the matchers that answer now."""
        return self.serving.matchers

    @property
    def able(self) -> bool:
        """Tell whether questions can be asked by meaning, if the model can be loaded."""
        return self.serving.encoder is not None

    def note(self, results: Results) -> None:
        """Take the state from how a typed text was just searched for; one without words tells nothing."""
        if results.degraded or results.matches:
            self.state = State.WORDS_ONLY if results.degraded else State.READY

    def refresh(self, session: Session, *, again: bool = False) -> None:
        """Take in every index write that this process has not seen; one small query when there is none.

        ``again`` looks also where nothing was written: a model may have come back.
        """
        own = self.serving
        if queries.sequence(session) == own.seen and self.wanted == own.generation and not again:
            return
        # Of its own: what the caller's session sees may be older than what another thread has taken in.
        with self.lock, Session(self.engine) as fresh:
            newest = queries.sequence(fresh)
            chosen = choose(queries.generations(fresh), self.encoders)
            if newest < self.serving.seen:  # another database lies there now: a backup was restored
                self.serving = Serving.of(self.engine, 0, "", self.encoders)
            if chosen is None:
                self.serving.seen = newest
                return
            self.wanted, made_by = chosen.id, chosen.encoder
            fresh.rollback()
            if self._answers(self.wanted, made_by):
                self.serving.catch_up(self.engine)
            elif self.serving.generation == 0 or self.began is None:
                self.serving = self.load(self.wanted, made_by)
            else:
                self.serving.catch_up(self.engine)
                self._change_over(self.wanted, made_by)

    def _answers(self, generation: int, made_by: str) -> bool:
        own = self.serving
        if (own.generation, own.made_by) != (generation, made_by):
            return False
        return own.encoder is not None or self.encoders.of(made_by) is None

    def load(self, generation: int, made_by: str) -> Serving:
        """Return matchers that know the whole generation; slow."""
        made = Serving.of(self.engine, generation, made_by, self.encoders)
        made.catch_up(self.engine)
        return made

    def _change_over(self, generation: int, made_by: str) -> None:
        """Load the generation in a thread, while the one before goes on answering; then swap them at once."""
        if _running(CHANGE_OVER) or (self.tried is not None and monotonic() - self.tried < AGAIN):
            return
        self.tried = monotonic()

        def run() -> None:
            try:
                made = self.load(generation, made_by)
                with self.lock:
                    made.catch_up(self.engine)
                    self.serving, self.tried = made, None
                log.info("index_generation_loaded", generation=generation)
            except Exception:
                # Tried again after a while, as long as it is wanted.
                log.exception("index_generation_not_loaded", generation=generation)

        threading.Thread(target=run, name=CHANGE_OVER, daemon=True).start()


def choose(generations: Sequence[IndexGeneration], encoders: Encoders) -> IndexGeneration | None:
    """Return the generation that answers in this process; ``generations`` are the newest first.

    The one that serves, if this process has its model; else a complete one of this process's own recipe, so that
    processes with the model of before go on as they were; else the one that serves, by words.
    """
    serving = next((one for one in generations if one.state is GenerationState.SERVING), None)
    if serving is None or not serving.encoder:
        return serving
    key = encoders.recipe().key
    if serving.key == key:
        return serving
    own = next((one for one in generations if one.complete and one.key == key), None)
    return own or serving


def make_encoder(settings: Settings) -> Encoder:
    """Return the encoder of the settings; its model is loaded at first use."""
    return SentenceEncoder("" if settings.encoder == "packaged" else settings.encoder)


def encoders_of(settings: Settings) -> Encoders:
    """Return the models of the settings: the one to use, the one of before, and the packaged one.

    None is loaded before an index that it made has to be asked.
    """
    before = [SentenceEncoder(settings.encoder_before)] if settings.encoder_before else []
    # The packaged one with its adapter, and as releases before the adapter used it.
    packaged = [SentenceEncoder(), SentenceEncoder(adapted=False)]
    return Encoders(make_encoder(settings), [*before, *packaged])


def vector_index(
    engine: Engine, kind: Kind, generation: int, encoder: Encoder | None
) -> PgVectorIndex | None:
    """Return a generation's index inside PostgreSQL, or None where vectors are searched in memory.

    That is so too while the model cannot be loaded: its dimension, and with it the table, is not known.
    """
    if engine.dialect.name != "postgresql" or encoder is None:
        return None
    try:
        dimension = encoder.dimension
    except EncoderUnavailable:
        return None
    name = f"pgvector_{kind.value}_{generation}_{dimension}"
    return PgVectorIndex(engine, vector_table(name, dimension))


def prepare_database(engine: Engine) -> None:
    """Create pgvector's extension on PostgreSQL where it is missing; nothing to do on SQLite."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))


def drop_stray_vectors(engine: Engine, live: Collection[int]) -> None:
    """Drop pgvector's tables of generations that are not live; nothing to do on SQLite."""
    if engine.dialect.name != "postgresql":
        return
    names = [name.split("_") for name in inspect(engine).get_table_names() if name.startswith("pgvector_")]
    with engine.begin() as connection:
        for parts in names:
            if len(parts) == 4 and int(parts[2]) not in live:
                Table("_".join(parts), MetaData()).drop(connection, checkfirst=True)


def init(
    app: Flask, settings: Settings, encoder: Encoder | None = None, before: Sequence[Encoder] = ()
) -> None:
    """Set up this process's matchers, empty; `warm` fills them. Tests give models of their own."""
    engine: Engine = app.extensions["engine"]
    encoders = encoders_of(settings) if encoder is None else Encoders(encoder, before)
    app.extensions["finders"] = Finders(engine, encoders, Serving.of(engine, 0, "", encoders))
    app.extensions["need_search"] = lambda text, limit, among=None: search(Kind.NEED, text, limit, among)
    app.extensions["abbreviation_meanings"] = meanings
    app.extensions["technology_search"] = lambda text, limit, among=None: search(
        Kind.TECHNOLOGY, text, limit, among
    )
    app.extensions["like_needs"] = like_needs


def finders() -> Finders:
    """Return the matchers of this process."""
    found: Finders = current_app.extensions["finders"]
    return found


def warm(app: Flask) -> None:
    """Load the stored index and the model; slow (seconds), so it runs before the first page or beside it."""
    with app.app_context():
        own = finders()
        own.refresh(db.session, again=True)
        state = probe(own.serving.encoder)
        if state is State.WORDS_ONLY and own.state is not state:
            log.warning("searching_by_words_alone", generation=own.serving.generation)
        own.state = state
        own.warm.set()
    # What is loaded stays: no later search for unused cycles need look at it, and hold up a page while it does.
    gc.collect()
    give_back()
    gc.freeze()


def warm_beside(app: Flask) -> None:
    """Warm up in a thread of this process: after any fork, and without holding up its first page."""
    own: Finders = app.extensions["finders"]
    own.began = monotonic()

    def run() -> None:
        try:
            warm(app)
        except Exception:
            # The thread ends here; searches try again, and tell.
            log.exception("warm_up_failed")

    threading.Thread(target=run, name=WARM_UP, daemon=True).start()


def _warm_again(own: Finders) -> None:
    """Start a warm-up that failed once more: the database or the model may have come back."""
    if own.state is State.READY or own.began is None or _running(WARM_UP) or monotonic() - own.began < AGAIN:
        return
    warm_beside(current_app._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001 - the documented way


def told(session: Session) -> dict[str, object]:
    """Return what /health tells of the index: numbers, states and moments; no reference, no text."""
    own = finders()
    live = queries.generations(session)
    serving = next((one for one in live if one.state is GenerationState.SERVING), None)
    building = next((one for one in live if one.state in UNFINISHED), None)
    return {
        "serving": None if serving is None else serving.id,
        "here": own.serving.generation or None,
        "behind": max(0, queries.sequence(session) - own.serving.seen),
        "building": None
        if building is None
        else {"index": building.id, "done": building.done, "total": building.total},
        "checked_at": None
        if serving is None or serving.checked_at is None
        else serving.checked_at.isoformat(),
        "findings": None if serving is None else serving.findings,
        "encoder_fault": getattr(own.encoder, "fault", "") or None,
    }


def probe(encoder: Encoder | None) -> State:
    """Encode one word, and say whether that works."""
    if encoder is None:
        return State.WORDS_ONLY
    try:
        encoder.encode_queries(["ready"])
    except EncoderUnavailable:
        return State.WORDS_ONLY
    return State.READY


def ready(session: Session) -> Serving:
    """Return matchers that know everything committed before this moment; use them to the end of the request."""
    own = finders()
    _warm_again(own)
    if own.state is State.STARTING and not own.warm.wait(0 if not _running(WARM_UP) else PATIENCE):
        log.info("search_before_warm")
    own.refresh(session)
    return own.serving


def at_once(session: Session) -> Serving | None:
    """Return matchers that know everything committed before this moment; None where that would mean to wait."""
    if _running(WARM_UP):
        return None
    own = finders()
    own.refresh(session)
    return own.serving


def _running(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


def search(kind: Kind, text: str, limit: int, among: Collection[str] | None = None) -> Found:
    """Rank public documents of a kind for what a person typed."""
    results = ready(db.session).matchers[kind].search(text, limit, among)
    finders().note(results)
    return Found(
        refs=tuple(match.id for match in results.matches),
        fits=frozenset(match.id for match in results.matches if match.accepted),
        degraded=results.degraded,
        strengths={match.id: match.fit.value for match in results.matches},
    )


def quote(kind: Kind, text: str, refs: Collection[str]) -> Mapping[str, Reason]:
    """Return the sentence of each of these documents that is nearest to what a person typed, where one is near."""
    return ready(db.session).matchers[kind].quote(text, refs)


def match(asker: Kind, ref: str, limit: int, among: Collection[str] | None = None) -> Results | None:
    """Rank the other side for a need or a technology, with reasons; None while it is not indexed yet.

    What was stored of the asker is used, so nothing is encoded.
    """
    return _match(asker, [ref], limit, among).get(ref)


def match_many(asker: Kind, refs: Sequence[str], limit: int) -> dict[str, Results]:
    """Rank the other side for several askers at once; those not indexed yet are left out.

    ``limit`` bounds what is explained of each; a few more are ranked, as some may just have been withdrawn.
    """
    return _match(asker, refs, limit + 3, None)


def _match(asker: Kind, refs: Sequence[str], limit: int, among: Collection[str] | None) -> dict[str, Results]:
    own = ready(db.session)
    other = own.matchers[Kind.TECHNOLOGY if asker is Kind.NEED else Kind.NEED]
    # Before anything is asked: what is taken in meanwhile makes an answer newer than it says, never older.
    seen = own.seen
    stored = _stored(own, asker, refs)
    # On SQLite a request sees the database as it was when it began: what it reads of the asker may be older.
    if among is not None or queries.sequence(db.session) != seen:
        return {ref: other.match(encoded, limit, among) for ref, encoded in stored.items()}
    return {
        ref: own.answers.of(seen, (asker, ref, limit), partial(other.match, encoded, limit))
        for ref, encoded in stored.items()
    }


def _stored(own: Serving, kind: Kind, refs: Sequence[str]) -> dict[str, Encoded]:
    """Return what the generation that answers holds of subjects that are in it."""
    model = digest_of(own.encoder)
    stored = queries.entries(db.session, own.generation, kind, refs)
    read = {entry.subject_ref: readable(entry, model) for entry in stored}
    return {ref: encoded for ref, encoded in read.items() if encoded is not None}


def similar(ref: str, limit: int) -> Results | None:
    """Rank other published needs by how surely they say the same as a published one.

    None while it is not indexed yet, or while this process is starting: a page should not wait for this.
    """
    if _running(WARM_UP):
        return None
    own = ready(db.session)
    encoded = _stored(own, Kind.NEED, [ref]).get(ref)
    return None if encoded is None else own.matchers[Kind.NEED].similar(encoded, limit)


def similar_to_draft(ref: str, limit: int) -> Results | None:
    """Rank published needs by how surely they say the same as what is being written; callers may see the draft.

    None while too little is written, or while this process is starting.
    """
    need = queries.need_with_draft(db.session, ref)
    document = None if need is None else document_of_need_draft(need)
    if document is None or _running(WARM_UP):
        return None
    return ready(db.session).matchers[Kind.NEED].similar(document, limit)


def like_needs(ref: str, limit: int, *, draft: bool = False) -> Alike:
    """Return the needs that are accepted as saying the same, for rooms below."""
    results = similar_to_draft(ref, limit) if draft else similar(ref, limit)
    if results is None:
        return Alike()
    found = tuple(Likeness(match.id, match.shared) for match in results.matches if match.accepted)
    return Alike(found, degraded=results.degraded)


def trace_text(text: str, limit: int) -> Traced:
    """Search technologies for what a person typed, and tell how: the reading, the answer, and each step."""
    matcher = ready(db.session).matchers[Kind.TECHNOLOGY]
    results, stages = matcher.trace(text, limit)
    finders().note(results)
    return matcher.read(text), results, stages


def trace_need(ref: str, limit: int) -> Traced | None:
    """Rank technologies for a published need, and tell how; None while it is not indexed yet."""
    own = ready(db.session)
    encoded = _stored(own, Kind.NEED, [ref]).get(ref)
    if encoded is None:
        return None
    matcher = own.matchers[Kind.TECHNOLOGY]
    results, stages = matcher.trace(encoded, limit)
    return matcher.read(encoded.document), results, stages


#: Words that abbreviations leave out.
_LEFT_OUT = frozenset({"a", "and", "for", "in", "of", "on", "the", "to", "with"})
#: The share of an abbreviation's letters that begin a word of what it stands for, small words left out.
_TOLD = 0.7


def meanings(abbreviation: str, text: str) -> tuple[str, ...]:
    """Return what the matcher's glossary takes an abbreviation for in a text, the likeliest first.

    Only wordings that the letters can stand for are given: a row's others say the same thing in other words.
    """
    for letters in (abbreviation, abbreviation.removesuffix("s")):
        wanted, found = [word.text for word in words(letters)], words(text.replace(abbreviation, letters))
        read = [
            mention
            for mention in glossary.load().mentions(found)
            if mention.short and [word.text for word in found[mention.first : mention.last]] == wanted
        ]
        if read:
            read.sort(key=lambda mention: -mention.weight)
            told = (_wording(mention.entry, letters.removesuffix("s")) for mention in read)
            return tuple(dict.fromkeys(filter(None, told)))
    return ()


def _wording(entry: glossary.Entry, letters: str) -> str:
    """Return the row's wording whose words begin with the letters, in their order; empty for none."""
    fitting = {}
    for wording in entry.meanings:
        firsts = [word.text[0].lower() for word in words(wording) if word.text.lower() not in _LEFT_OUT]
        left = iter(letters.lower())
        told = firsts[:1] == [letters[0].lower()] and all(first in left for first in firsts)
        if told and len(firsts) >= _TOLD * sum(letter.isalpha() for letter in letters):
            fitting[wording] = len(firsts)
    return max(fitting, key=lambda wording: fitting[wording], default="")


def fitting(need_ref: str, limit: int) -> list[str]:
    """Return the technologies that fit a need well enough, at most ``limit``; [] while it is not indexed."""
    results = match(Kind.NEED, need_ref, limit)
    return [] if results is None else [one.id for one in results.matches if one.accepted]
