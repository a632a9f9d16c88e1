"""Keep the index true: look at a need or a technology again, and store what the matcher has to know of it.

Every change is written to each generation of the index that has entries: the one that serves, the one that is being
built, and the one that served before and may still answer in a process with the model of before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.matches import actions, queries
from marketplace.matches.actions import Recipe, hold_clock, next_sequence
from marketplace.matches.documents import (
    document_of_need,
    document_of_technology,
    from_entry,
    to_columns,
)
from marketplace.matches.finder import Encoders, encoding, prepare_database, vector_index
from marketplace.matches.models import IndexEntry, IndexGeneration
from marketplace.matches.rules import (
    NEED_REPAIR_TOPIC,
    NEED_TOPIC,
    TECHNOLOGY_REPAIR_TOPIC,
    TECHNOLOGY_TOPIC,
)
from marketplace.outbox.actions import Job, enqueue, finish
from matching.adapters.pgvector_index import PgVectorIndex
from matching.matcher import Matcher, build_finder, digest_of
from matching.protocols import Encoder
from matching.types import Document, Encoded, Kind

log = structlog.get_logger()

TOPICS = {NEED_TOPIC: Kind.NEED, TECHNOLOGY_TOPIC: Kind.TECHNOLOGY}
#: What the index check found: the same work, which waits for what people have just saved.
REPAIRS = {NEED_REPAIR_TOPIC: Kind.NEED, TECHNOLOGY_REPAIR_TOPIC: Kind.TECHNOLOGY}


@dataclass(frozen=True, slots=True)
class Target:
    """A generation to be written to, as it was when it was looked at.

    ``encoder`` is None where its model is away; ``ours`` tells whether it is of this worker's recipe.
    """

    generation: int
    made_by: str
    encoder: Encoder | None
    ours: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """How the index differs from the database: references to add or encode again, and to remove."""

    outdated: tuple[str, ...]
    left_over: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.outdated or self.left_over)


class Indexer:
    """Writes the index; the worker has one."""

    def __init__(self, engine: Engine, encoders: Encoders) -> None:
        self.engine = engine
        self.encoders = encoders
        self._matchers: dict[tuple[Kind, str], Matcher] = {}
        self._tables: set[tuple[Kind, int]] = set()

    def matcher(self, kind: Kind, encoder: Encoder | None) -> Matcher:
        """Return what cuts and encodes for a model."""
        key = kind, digest_of(encoder)
        if key not in self._matchers:
            self._matchers[key] = encoding(kind, encoder)
        return self._matchers[key]

    def recipe(self) -> Recipe:
        """Return what this worker makes an index by."""
        return self.encoders.recipe()

    def begin(self, *, anew: bool = False) -> IndexGeneration | None:
        """See to it that there is an index of this recipe; return the generation that is to be built, if any."""
        prepare_database(self.engine)
        return actions.begin(self.recipe(), anew=anew)

    def target(self, generation: IndexGeneration) -> Target:
        """Return a generation with the model that made it; one without vectors takes this worker's."""
        encoder = self.encoders.of(generation.encoder) if generation.encoder else self.encoders.own
        ours = encoder is not None and generation.key == self.recipe().key
        return Target(generation.id, generation.encoder, encoder, ours)

    def targets(self, session: Session) -> list[Target]:
        """Return the generations to write to, begun where there is none, or where the model was away until now."""
        serving = queries.serving(session)
        if serving is None or (not serving.encoder and digest_of(self.encoders.own)):
            session.rollback()
            self.begin()
        return [self.target(generation) for generation in queries.generations(session)]

    def handle(self, jobs: Sequence[Job]) -> None:
        """Do claimed rows of one topic: re-read, encode what changed, store, and finish in the same commit."""
        kind = (TOPICS | REPAIRS)[jobs[0].topic]
        refs = list(dict.fromkeys(job.subject_id for job in jobs))
        session = db.session
        while True:
            session.rollback()
            targets = self.targets(session)
            documents = documents_of(session, kind, refs)
            changed = {one: self.changed(session, one, kind, documents) for one in targets}
            session.rollback()
            encoded = self._encode(kind, changed)  # slow: outside any transaction
            with transaction() as session:
                hold_clock(session)
                if [self.target(one) for one in queries.generations(session)] != targets:
                    continue
                if documents_of(session, kind, refs) != documents:
                    continue
                for target in targets:
                    self.store(session, target, kind, encoded[target])
                    self.bury(session, target, kind, [ref for ref in refs if ref not in documents])
                for job in jobs:
                    finish(session, job)
            return

    def _encode(
        self, kind: Kind, changed: Mapping[Target, Sequence[Document]]
    ) -> dict[Target, list[Encoded]]:
        """Encode each document once for each model."""
        made: dict[tuple[int, str], Encoded] = {}
        for target, documents in changed.items():
            fresh = [one for one in documents if (id(target.encoder), one.id) not in made]
            for one in self.matcher(kind, target.encoder).encode(fresh):
                made[id(target.encoder), one.document.id] = one
        return {
            target: [made[id(target.encoder), one.id] for one in documents]
            for target, documents in changed.items()
        }

    def changed(
        self, session: Session, target: Target, kind: Kind, documents: Mapping[str, Document]
    ) -> list[Document]:
        """Return the documents that a generation does not hold as they are now."""
        stored = {
            entry.subject_ref: entry
            for entry in queries.entries(session, target.generation, kind, list(documents))
        }
        return [
            one
            for ref, one in documents.items()
            if ref not in stored or self.stale(target, kind, stored[ref], one)
        ]

    def stale(self, target: Target, kind: Kind, entry: IndexEntry, document: Document) -> bool:
        """Tell whether an entry was made of another text, or has to be made again.

        In a generation of another recipe, or whose model is away, an entry of the same text stays as it is; another
        text is stored as well as this worker can, for one that has the model to do again.
        """
        if target.ours:
            return entry.digest != self.matcher(kind, target.encoder).digest(document)
        return not entry.digest or not same_text(entry, document)

    def store(self, session: Session, target: Target, kind: Kind, encoded: Sequence[Encoded]) -> None:
        """Write encoded documents, in the caller's transaction; call with the clock held.

        pgvector's rows are written at once, before the commit: a row more than the entries say does no harm (every
        hit is read again), and a crash in between leaves the work to be done again.
        """
        if not encoded:
            return
        vectors = self.vectors(kind, target)
        if vectors is not None:
            build_finder(kind, encoder=target.encoder, index=vectors).add(encoded)
        for one in encoded:
            write(session, target, kind, one)

    def bury(self, session: Session, target: Target, kind: Kind, refs: Sequence[str]) -> None:
        """Leave tombstones for what is not public any more, in the caller's transaction."""
        if not refs:
            return
        for ref in refs:
            bury(session, target.generation, kind, ref)
        vectors = self.vectors(kind, target)
        if vectors is not None:
            vectors.remove(refs)

    def vectors(self, kind: Kind, target: Target) -> PgVectorIndex | None:
        """Return a generation's table of vectors in PostgreSQL, made where it is missing; None elsewhere."""
        if not target.made_by:
            return None
        index = vector_index(self.engine, kind, target.generation, target.encoder)
        if index is not None and (kind, target.generation) not in self._tables:
            index.create()
            self._tables.add((kind, target.generation))
        return index

    def difference(self, session: Session, kind: Kind) -> Difference:
        """Compare the texts of the index that serves with the database; `checker` looks at all the rest."""
        serving = queries.serving(session)
        refs = queries.public_refs(session, kind)
        if serving is None:
            return Difference(tuple(refs), ())
        target = self.target(serving)
        known = queries.digests(session, serving.id, kind)
        documents: dict[str, Document] = {}
        outdated: list[str] = []
        for start in range(0, len(refs), 500):
            some = documents_of(session, kind, refs[start : start + 500])
            outdated += [one.id for one in self.changed(session, target, kind, some)]
            documents |= some
        return Difference(tuple(outdated), tuple(ref for ref in known if ref not in documents))

    def differing(self) -> int:
        """Return how many entries `difference` finds."""
        found = [self.difference(db.session, kind) for kind in Kind]
        db.session.rollback()
        return sum(len(one.outdated) + len(one.left_over) for one in found)

    def enqueue_differences(self) -> int:
        """Enqueue what `difference` finds; return how many."""
        count = 0
        for topic, kind in REPAIRS.items():
            found = self.difference(db.session, kind)
            count += self.repair(topic, (*found.outdated, *found.left_over))
        return count

    def repair(self, topic: str, refs: Collection[str], doubted: Target | None = None) -> int:
        """Have the worker look at subjects again, and return how many; their doubted entries are made anew.

        Nothing is taken away before there is something better.
        """
        with transaction() as session:
            if doubted is not None:
                doubt(session, doubted.generation, REPAIRS[topic], refs)
            for ref in refs:
                enqueue(session, topic, ref)
        return len(refs)


def doubt(session: Session, generation: int, kind: Kind, refs: Collection[str]) -> None:
    """Take the digests off entries, so that they are made again whatever they hold; the caller commits."""
    hold_clock(session)
    session.execute(
        update(IndexEntry)
        .where(
            IndexEntry.generation_id == generation,
            IndexEntry.kind == kind.value,
            IndexEntry.subject_ref.in_(refs),
        )
        .values(digest="")
    )


def documents_of(session: Session, kind: Kind, refs: Sequence[str]) -> dict[str, Document]:
    """Return the documents of those subjects that are public now, by reference."""
    if kind is Kind.NEED:
        made = [document_of_need(need) for need in queries.needs_to_index(session, refs)]
    else:
        today = clock.today()
        found = queries.technologies_to_index(session, refs)
        made = [document_of_technology(technology, today) for technology in found]
    return {document.id: document for document in made if document is not None}


def same_text(entry: IndexEntry, document: Document) -> bool:
    """Tell whether an entry was made of this document."""
    try:
        return from_entry(entry, "").document == document
    except (KeyError, TypeError, ValueError):
        return False


def write(session: Session, target: Target, kind: Kind, encoded: Encoded) -> None:
    """Store an encoded document in place of what was there; call with the clock held."""
    number = next_sequence(session)
    row = queries.entry(session, target.generation, kind, encoded.document.id)
    if row is None:
        row = IndexEntry(generation_id=target.generation, kind=kind.value, subject_ref=encoded.document.id)
    for name, value in to_columns(encoded, digest_of(target.encoder)).items():
        setattr(row, name, value)
    row.removed = False
    row.indexed_at = clock.now()
    row.sequence = number
    session.add(row)


def bury(session: Session, generation: int, kind: Kind, ref: str) -> None:
    """Leave a tombstone where there was an entry, so that every process forgets it."""
    hold_clock(session)
    row = queries.entry(session, generation, kind, ref)
    if row is not None and not row.removed:
        row.removed = True
        row.document, row.passages, row.vectors = {}, [], None
        row.dimension, row.encoder, row.digest, row.checksum = 0, "", "", ""
        row.indexed_at = clock.now()
        row.sequence = next_sequence(session)
