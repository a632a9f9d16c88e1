"""Keep the index true: look at a need or a technology again, and store what the matcher has to know of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.matches import queries
from marketplace.matches.documents import document_of_need, document_of_technology, to_columns
from marketplace.matches.finder import prepare_database, vector_index
from marketplace.matches.models import IndexClock, IndexEntry
from marketplace.matches.rules import NEED_TOPIC, TECHNOLOGY_TOPIC
from marketplace.outbox.actions import Job, enqueue, finish
from matching.matcher import build_finder, digest_of
from matching.protocols import Encoder
from matching.types import Document, Encoded, Kind

TOPICS = {NEED_TOPIC: Kind.NEED, TECHNOLOGY_TOPIC: Kind.TECHNOLOGY}


@dataclass(frozen=True, slots=True)
class Difference:
    """How the index differs from the database: references to add or encode again, and to remove."""

    outdated: tuple[str, ...]
    left_over: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.outdated or self.left_over)


class Indexer:
    """Writes the index. The worker has one; its matchers cut and encode, ``vectors`` is pgvector's, if any."""

    def __init__(self, engine: Engine, encoder: Encoder) -> None:
        self._engine = engine
        self._encoder = encoder
        self._join()

    def _join(self) -> None:
        """Make the matchers, on pgvector's tables where the database has them."""
        self._vectors = {kind: vector_index(self._engine, kind, self._encoder) for kind in Kind}
        self._matchers = {
            kind: build_finder(kind, encoder=self._encoder, index=self._vectors[kind]) for kind in Kind
        }

    def _take_up_vectors(self, kind: Kind, encoded: Iterable[Encoded]) -> None:
        """Take up pgvector's tables when the model that was missing at the start has come back."""
        waits = self._vectors[kind] is None and self._engine.dialect.name == "postgresql"
        if waits and any(one.vectors is not None for one in encoded):
            prepare_database(self._engine, self._encoder)
            self._join()

    def handle(self, jobs: Sequence[Job]) -> None:
        """Do claimed rows of one topic: re-read, encode what changed, store, and finish in the same commit."""
        kind = TOPICS[jobs[0].topic]
        refs = list(dict.fromkeys(job.subject_id for job in jobs))
        session = db.session
        while True:
            session.rollback()
            documents = documents_of(session, kind, refs)
            known = queries.digests(session, kind)
            matcher = self._matchers[kind]
            changed = [one for one in documents.values() if matcher.digest(one) != known.get(one.id)]
            session.rollback()
            encoded = {
                one.document.id: one for one in matcher.encode(changed)
            }  # slow: outside any transaction
            self._take_up_vectors(kind, encoded.values())
            if self._store(kind, refs, documents, encoded, jobs):
                return

    def _store(
        self,
        kind: Kind,
        refs: Sequence[str],
        documents: dict[str, Document],
        encoded: dict[str, Encoded],
        jobs: Sequence[Job],
    ) -> bool:
        """Store what was encoded, unless the subjects have changed meanwhile; then False, and nothing is stored."""
        vectors = self._vectors[kind]
        if vectors is not None:
            # Before the commit: a row more than the entries say does no harm (every hit is read again), and a
            # crash in between leaves the job to be done again.
            self._matchers[kind].add(list(encoded.values()))
        with transaction() as session:
            if documents_of(session, kind, refs) != documents:
                return False
            for ref in refs:
                if ref in encoded:
                    write(session, kind, encoded[ref], digest_of(self._encoder))
                elif ref not in documents:
                    bury(session, kind, ref)
            for job in jobs:
                finish(session, job)
        if vectors is not None:
            vectors.remove([ref for ref in refs if ref not in documents])
        return True

    def difference(self, session: Session, kind: Kind) -> Difference:
        """Compare the index with the database by digests, without encoding."""
        known = queries.digests(session, kind)
        documents: dict[str, Document] = {}
        refs = queries.public_refs(session, kind)
        for start in range(0, len(refs), 500):
            documents |= documents_of(session, kind, refs[start : start + 500])
        matcher = self._matchers[kind]
        return Difference(
            outdated=tuple(ref for ref, one in documents.items() if known.get(ref) != matcher.digest(one)),
            left_over=tuple(ref for ref in known if ref not in documents),
        )

    def enqueue_differences(self) -> int:
        """Enqueue what `difference` finds; return how many."""
        count = 0
        for topic, kind in TOPICS.items():
            found = self.difference(db.session, kind)
            with transaction() as session:
                for ref in (*found.outdated, *found.left_over):
                    enqueue(session, topic, ref)
                    count += 1
        return count

    def enqueue_everything(self) -> int:
        """Enqueue every subject to be encoded anew, changed or not; return how many. Searches go on meanwhile."""
        count = 0
        with transaction() as session:
            hold_clock(session)
            session.execute(update(IndexEntry).values(digest=""))
            for topic, kind in TOPICS.items():
                refs = dict.fromkeys((*queries.public_refs(session, kind), *queries.digests(session, kind)))
                for ref in refs:
                    enqueue(session, topic, ref)
                count += len(refs)
        return count


def documents_of(session: Session, kind: Kind, refs: Sequence[str]) -> dict[str, Document]:
    """Return the documents of those subjects that are public now, by reference."""
    if kind is Kind.NEED:
        made = [document_of_need(need) for need in queries.needs_to_index(session, refs)]
    else:
        today = clock.today()
        found = queries.technologies_to_index(session, refs)
        made = [document_of_technology(technology, today) for technology in found]
    return {document.id: document for document in made if document is not None}


def write(session: Session, kind: Kind, encoded: Encoded, encoder: str) -> None:
    """Store an encoded document in place of what was there."""
    number = next_sequence(session)
    row = queries.entry(session, kind, encoded.document.id)
    if row is None:
        row = IndexEntry(kind=kind.value, subject_ref=encoded.document.id)
    for name, value in to_columns(encoded, encoder).items():
        setattr(row, name, value)
    row.removed = False
    row.indexed_at = clock.now()
    row.sequence = number
    session.add(row)


def bury(session: Session, kind: Kind, ref: str) -> None:
    """Leave a tombstone where there was an entry, so that every process forgets it."""
    hold_clock(session)
    row = queries.entry(session, kind, ref)
    if row is not None and not row.removed:
        row.removed = True
        row.document, row.passages, row.vectors, row.digest = {}, [], None, ""
        row.indexed_at = clock.now()
        row.sequence = next_sequence(session)


def hold_clock(session: Session) -> None:
    """Lock the index clock until the commit, without taking a number: nobody would ever see a row with it.

    Whoever changes entries takes this lock before any entry's, so that two workers never wait for each other.
    """
    session.execute(select(IndexClock.sequence).where(IndexClock.id == 1).with_for_update())


def next_sequence(session: Session) -> int:
    """Take the next number of the index clock, holding its row until the commit."""
    return session.execute(
        update(IndexClock)
        .where(IndexClock.id == 1)
        .values(sequence=IndexClock.sequence + 1)
        .returning(IndexClock.sequence)
    ).scalar_one()
