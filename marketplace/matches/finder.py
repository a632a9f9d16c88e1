"""The matchers of this process: built from the rows in the database, and brought up to date before each search.

The index proposes, the database decides: callers re-read every reference through `visible_to` before it is shown.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TypeAlias

import structlog
from flask import Flask, current_app
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.database import db
from marketplace.matches import queries
from marketplace.matches.documents import from_entry
from marketplace.matches.models import IndexEntry
from marketplace.settings import Settings
from marketplace.web.search import Found
from matching.errors import EncoderUnavailable
from matching.matcher import Matcher, Reading, Stage, build_finder, digest_of
from matching.protocols import Encoder, VectorIndex
from matching.types import Encoded, Hit, Kind, Reason, Results, Vector, Vectors

__all__ = [
    "Encoder",
    "Finders",
    "State",
    "init",
    "match",
    "ready",
    "search",
    "search_quoted",
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


@dataclass
class Finders:
    """One matcher for each kind of document, what they have seen, and what they can do."""

    encoder: Encoder
    matchers: dict[Kind, Matcher]
    seen: int = 0
    state: State = State.STARTING
    lock: threading.Lock = field(default_factory=threading.Lock)
    warm: threading.Event = field(default_factory=threading.Event)
    #: When the last warm-up began, by the clock of `monotonic`; None in processes that do without.
    began: float | None = None

    def note(self, results: Results) -> None:
        """Take the state from how a typed text was just searched for; one without words tells nothing."""
        if results.degraded or results.matches:
            self.state = State.WORDS_ONLY if results.degraded else State.READY

    def refresh(self, session: Session) -> None:
        """Take in every index write that this process has not seen; one small query when there is none."""
        if queries.sequence(session) == self.seen:
            return
        # A session of its own: entries are many, and are let go batch by batch.
        with self.lock, Session(session.get_bind()) as own:
            for rows in queries.entries_after(own, self.seen):
                self.take(rows)

    def take(self, rows: Sequence[IndexEntry]) -> None:
        """Put a batch of entries into the matchers; call with the lock held."""
        model = digest_of(self.encoder)
        for kind, matcher in self.matchers.items():
            of_kind = [row for row in rows if row.kind == kind.value]
            matcher.forget([row.subject_ref for row in of_kind if row.removed])
            matcher.add([from_entry(row, model) for row in of_kind if not row.removed])
        self.seen = rows[-1].sequence


def make_encoder(settings: Settings) -> Encoder:
    """Return the encoder of the settings; its model is loaded at first use."""
    from matching.adapters.sentence_encoder import SentenceEncoder

    return SentenceEncoder("" if settings.encoder == "packaged" else settings.encoder)


def vector_index(engine: Engine, kind: Kind, encoder: Encoder) -> VectorIndex | None:
    """Return the index inside PostgreSQL, or None where vectors are searched in memory.

    That is so too while the model cannot be loaded: its dimension, and with it the table, is not known.
    """
    if engine.dialect.name != "postgresql":
        return None
    try:
        dimension = encoder.dimension
    except EncoderUnavailable as error:
        log.warning("encoder_unavailable", error=type(error).__name__)
        return None
    from matching.adapters.pgvector_index import PgVectorIndex, vector_table

    return PgVectorIndex(engine, vector_table(f"pgvector_{kind.value}_{dimension}", dimension))


def prepare_database(engine: Engine, encoder: Encoder) -> None:
    """Create pgvector's tables on PostgreSQL where they are missing; nothing to do on SQLite."""
    for kind in Kind:
        index = vector_index(engine, kind, encoder)
        create = getattr(index, "create", None)
        if create is not None:
            create()


def init(app: Flask, settings: Settings, encoder: Encoder | None = None) -> None:
    """Set up this process's matchers, empty; `warm` fills them."""
    engine: Engine = app.extensions["engine"]
    chosen = encoder or make_encoder(settings)
    matchers = {}
    for kind in Kind:
        index = vector_index(engine, kind, chosen)
        matchers[kind] = build_finder(
            kind, encoder=chosen, index=None if index is None else SearchOnly(index)
        )
    app.extensions["finders"] = Finders(chosen, matchers)
    app.extensions["need_search"] = lambda text, limit, among=None: search(Kind.NEED, text, limit, among)
    app.extensions["technology_search"] = lambda text, limit, among=None: search(
        Kind.TECHNOLOGY, text, limit, among
    )


def finders() -> Finders:
    """Return the matchers of this process."""
    found: Finders = current_app.extensions["finders"]
    return found


def warm(app: Flask) -> None:
    """Load the stored index and the model; slow (seconds), so it runs before the first page or beside it."""
    with app.app_context():
        own = finders()
        own.refresh(db.session)
        own.state = probe(own.encoder)
        own.warm.set()


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
    if own.state is State.READY or own.began is None or _warming() or monotonic() - own.began < AGAIN:
        return
    warm_beside(current_app._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001 - the documented way


def probe(encoder: Encoder) -> State:
    """Encode one word, and say whether that works."""
    try:
        encoder.encode_queries(["ready"])
    except EncoderUnavailable as error:
        log.warning("encoder_unavailable", error=type(error).__name__)
        return State.WORDS_ONLY
    return State.READY


def ready(session: Session) -> Finders:
    """Return matchers that know everything committed before this moment."""
    own = finders()
    _warm_again(own)
    if own.state is State.STARTING and not own.warm.wait(0 if not _warming() else PATIENCE):
        log.info("search_before_warm")
    own.refresh(session)
    return own


def _warming() -> bool:
    return any(thread.name == WARM_UP for thread in threading.enumerate())


def search(kind: Kind, text: str, limit: int, among: Collection[str] | None = None) -> Found:
    """Rank public documents of a kind for what a person typed."""
    own = ready(db.session)
    results = own.matchers[kind].search(text, limit, among)
    own.note(results)
    return Found(
        refs=tuple(match.id for match in results.matches),
        fits=frozenset(match.id for match in results.matches if match.accepted),
        degraded=results.degraded,
    )


def search_quoted(kind: Kind, text: str, limit: int) -> tuple[Results, Mapping[str, Reason]]:
    """Rank public documents for what a person typed; of those that fit, return the sentence that is nearest to it."""
    own = ready(db.session)
    matcher = own.matchers[kind]
    results = matcher.search(text, limit)
    own.note(results)
    return results, matcher.quote(text, [match.id for match in results.matches if match.accepted])


def match(asker: Kind, ref: str, limit: int, among: Collection[str] | None = None) -> Results | None:
    """Rank the other side for a need or a technology, with reasons; None while it is not indexed yet.

    What was stored of the asker is used, so nothing is encoded.
    """
    own = ready(db.session)
    stored = queries.entry(db.session, asker, ref)
    if stored is None or stored.removed:
        return None
    other = Kind.TECHNOLOGY if asker is Kind.NEED else Kind.NEED
    encoded: Encoded = from_entry(stored, digest_of(own.encoder))
    return own.matchers[other].match(encoded, limit, among)


def match_many(asker: Kind, refs: Sequence[str], limit: int) -> dict[str, Results]:
    """Rank the other side for several askers at once; those not indexed yet are left out.

    ``limit`` bounds what is explained of each; a few more are ranked, as some may just have been withdrawn.
    """
    own = ready(db.session)
    other = Kind.TECHNOLOGY if asker is Kind.NEED else Kind.NEED
    stored = queries.entries(db.session, asker, refs)
    return {
        entry.subject_ref: own.matchers[other].match(from_entry(entry, digest_of(own.encoder)), limit + 3)
        for entry in stored
    }


def trace_text(text: str, limit: int) -> Traced:
    """Search technologies for what a person typed, and tell how: the reading, the answer, and each step."""
    own = ready(db.session)
    matcher = own.matchers[Kind.TECHNOLOGY]
    results, stages = matcher.trace(text, limit)
    own.note(results)
    return matcher.read(text), results, stages


def trace_need(ref: str, limit: int) -> Traced | None:
    """Rank technologies for a published need, and tell how; None while it is not indexed yet."""
    own = ready(db.session)
    stored = queries.entry(db.session, Kind.NEED, ref)
    if stored is None or stored.removed:
        return None
    encoded = from_entry(stored, digest_of(own.encoder))
    matcher = own.matchers[Kind.TECHNOLOGY]
    results, stages = matcher.trace(encoded, limit)
    return matcher.read(encoded.document), results, stages
