"""Compare the index with the database, entry by entry: what is missing, stale, left over, damaged or misplaced.

The comparison reads everything and encodes nothing. It goes in small steps, so that a worker can do it between two
changes; people are shown numbers, and operators the references.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marketplace.database import db
from marketplace.matches import actions, queries
from marketplace.matches.documents import from_entry, intact
from marketplace.matches.indexer import REPAIRS, Indexer, Target, documents_of
from marketplace.matches.models import IndexEntry
from matching.adapters.pgvector_index import PgVectorIndex
from matching.matcher import build_finder, digest_of
from matching.types import Document, Encoded, Kind

#: Subjects that are compared in one step.
STEP = 100


@dataclass
class Findings:
    """What differs for one kind of document, by reference.

    ``missing``: public, and not in the index. ``stale``: made of another text, or by another recipe. ``extra``: in
    the index, and not public. ``damaged``: not what was written. ``wrong_model``: with vectors of another model than
    the generation's. ``vectors``: not, or not rightly, in the database's own vector index.
    """

    documents: int = 0
    entries: int = 0
    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    wrong_model: list[str] = field(default_factory=list)
    vectors: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        """Return the references of each fault, by its name in the log and in /health."""
        return {
            "missing": self.missing,
            "stale": self.stale,
            "extra": self.extra,
            "damaged": self.damaged,
            "wrong_model": self.wrong_model,
            "vectors": self.vectors,
        }

    @property
    def refs(self) -> list[str]:
        """Return every reference that something is wrong with, once each."""
        return list(dict.fromkeys(ref for refs in self.faults.values() for ref in refs))

    def numbers(self) -> dict[str, int]:
        """Return how many of what; no reference, no text."""
        counts = {name: len(refs) for name, refs in self.faults.items()}
        return {"documents": self.documents, "entries": self.entries} | counts


class Check:
    """One comparison of one generation; `steps` does it, the fields tell what came out."""

    def __init__(self, indexer: Indexer, target: Target) -> None:
        self._indexer = indexer
        self.target = target
        self.found = {kind: Findings() for kind in Kind}
        self.orphans = 0

    def __bool__(self) -> bool:
        return bool(self.orphans) or any(found.refs for found in self.found.values())

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of each kind, and of entries that belong nowhere."""
        return {kind.value: found.numbers() for kind, found in self.found.items()} | {"orphans": self.orphans}

    def steps(self) -> Iterator[None]:
        """Compare everything, giving way after each small step; no transaction is left open in between."""
        for kind in Kind:
            public = queries.public_refs(db.session, kind)
            known = queries.digests(db.session, self.target.generation, kind)
            yield from self._public(kind, public)
            yield from self._left_over(kind, [ref for ref in known if ref not in set(public)])
            yield from self._vectors(kind)
        self.orphans = queries.orphans(db.session)
        db.session.rollback()

    def _public(self, kind: Kind, refs: Sequence[str]) -> Iterator[None]:
        found = self.found[kind]
        for start in range(0, len(refs), STEP):
            some = refs[start : start + STEP]
            documents = documents_of(db.session, kind, some)
            entries = self._entries(kind, some)
            found.documents += len(documents)
            found.entries += sum(ref in documents for ref in entries)
            for ref, document in documents.items():
                if (fault := self._fault(kind, document, entries.get(ref))) is not None:
                    fault.append(ref)
            db.session.rollback()
            yield

    def _fault(self, kind: Kind, document: Document, entry: IndexEntry | None) -> list[str] | None:
        found = self.found[kind]
        if entry is None:
            return found.missing
        if not intact(entry):
            return found.damaged
        if entry.vectors is not None and entry.encoder != self.target.made_by:
            return found.wrong_model
        return found.stale if self._indexer.stale(self.target, kind, entry, document) else None

    def _left_over(self, kind: Kind, refs: Sequence[str]) -> Iterator[None]:
        for start in range(0, len(refs), STEP):
            some = refs[start : start + STEP]
            # Read again: something may have been published since the list was made.
            public = documents_of(db.session, kind, some)
            left = [ref for ref in self._entries(kind, some) if ref not in public]
            self.found[kind].extra += left
            self.found[kind].entries += len(left)
            db.session.rollback()
            yield

    def _vectors(self, kind: Kind) -> Iterator[None]:
        """Compare the rows of pgvector with the entries that they were made of."""
        index = self._indexer.vectors(kind, self.target)
        if index is None:
            return
        told = set(self.found[kind].refs)  # what is wrong with an entry is wrong with its vector
        refs = sorted(queries.digests(db.session, self.target.generation, kind))
        for start in range(0, len(refs), STEP):
            some = refs[start : start + STEP]
            entries = self._entries(kind, some)
            wanted = self._wholes(kind, list(entries.values()))
            stored = index.vectors(some)
            self.found[kind].vectors += [
                ref for ref in some if ref not in told and not _same(wanted.get(ref), stored.get(ref))
            ]
            db.session.rollback()
            yield
        self.found[kind].vectors += self._strangers(kind, index)
        db.session.rollback()

    def _strangers(self, kind: Kind, index: PgVectorIndex) -> list[str]:
        rows = index.ids()
        known = queries.digests(db.session, self.target.generation, kind)
        return sorted(rows - known.keys() - set(self.found[kind].refs))

    def _wholes(self, kind: Kind, entries: Sequence[IndexEntry]) -> dict[str, Any]:
        encoded = [one for entry in entries if (one := self._read(entry)) is not None]
        finder = build_finder(kind, encoder=self.target.encoder)
        finder.add(encoded)
        return dict(finder.wholes())

    def _read(self, entry: IndexEntry) -> Encoded | None:
        try:
            return from_entry(entry, digest_of(self.target.encoder))
        except (KeyError, TypeError, ValueError):
            return None

    def _entries(self, kind: Kind, refs: Sequence[str]) -> dict[str, IndexEntry]:
        rows = queries.entries(db.session, self.target.generation, kind, refs)
        return {row.subject_ref: row for row in rows}


def _same(wanted: Any, stored: Any) -> bool:
    if wanted is None or stored is None:
        return wanted is None and stored is None
    return bool(wanted.shape == stored.shape and np.allclose(wanted, stored, atol=1e-5))


def check_and_repair(indexer: Indexer) -> Iterator[None]:
    """Compare the index that serves with the database, note what came out, and have the worker put it right.

    One of another recipe is left alone: its successor is being built.
    """
    serving = queries.serving(db.session)
    target = None if serving is None else indexer.target(serving)
    db.session.rollback()
    if target is None:
        indexer.enqueue_differences()
        return
    if target.made_by and not target.ours:
        return
    check = Check(indexer, target)
    yield from check.steps()
    repair(indexer, check)


def repair(indexer: Indexer, check: Check) -> int:
    """Note what a check found, and enqueue it; return how many entries."""
    actions.note_findings(check.target.generation, check.numbers())
    if check.orphans:
        actions.remove_orphans()
    return sum(indexer.repair(topic, check.found[kind].refs, check.target) for topic, kind in REPAIRS.items())
