"""Build the next index beside the one that serves, in small steps that a worker does between two changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from time import perf_counter

import structlog

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.matches import actions, queries
from marketplace.matches.actions import Claim, hold_clock
from marketplace.matches.checker import Check
from marketplace.matches.finder import drop_stray_vectors
from marketplace.matches.indexer import Indexer, Target, documents_of, doubt
from marketplace.matches.models import IndexGeneration
from marketplace.matches.rules import may_fail
from matching.types import Document, Encoded, Kind

log = structlog.get_logger()

#: Documents that are compared with what is already built in one step.
READ = 100
#: A step of encoding should take about so many seconds: a change that a person makes meanwhile waits for its end.
STEP_SECONDS = 0.5
LARGEST_STEP = 32
#: How often the whole is gone through again for what changed or failed meanwhile, before the build is left for later.
PASSES = 3
#: The pause after a build that could not go on.
INTERRUPTED_FOR = timedelta(minutes=1)


class Interrupted(Exception):
    """The build cannot go on here: the claim was lost, or the model cannot be loaded."""


class Builder:
    """Builds the generation that waits, if it is of this worker's recipe and no other worker builds it."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer
        self._size = 4
        self._failed: set[tuple[Kind, str]] = set()
        #: A recipe's index is begun once in a worker's life: two with other settings would take turns for ever.
        self._begun = False
        self._again = clock.now()

    def steps(self) -> Iterator[None]:
        """Build, check and switch, giving way after each small step.

        A worker that is stopped leaves the claim, one that is killed loses it after its lease; whoever goes on finds
        what is built, and does the rest.
        """
        if clock.now() < self._again:
            return
        recipe = self._indexer.recipe()
        if not self._begun:
            self._indexer.begin()
            self._begun = bool(recipe.encoder)
        waiting = queries.unfinished(db.session, recipe.key)
        db.session.rollback()
        claim = None if waiting is None else actions.claim(recipe)
        if claim is None:
            return
        try:
            yield from self._build(claim)
        except Interrupted as reason:
            log.warning("index_build_interrupted", generation=claim.generation, why=str(reason))
            self._again = clock.now() + INTERRUPTED_FOR
        finally:
            db.session.rollback()
            actions.release(claim)

    def _build(self, claim: Claim) -> Iterator[None]:
        target = self._indexer.target(db.session.get_one(IndexGeneration, claim.generation))
        if target.encoder is None:
            raise Interrupted("the model cannot be loaded")
        wanted = {kind: queries.public_refs(db.session, kind) for kind in Kind}
        self._note(claim, total=sum(map(len, wanted.values())))
        self._failed.clear()
        for _ in range(PASSES):
            for kind, refs in wanted.items():
                yield from self._fill(claim, target, kind, refs)
            self._note(claim, complete=True)
            check = Check(self._indexer, target)
            for _step in check.steps():
                self._note(claim)
                yield
            yield from self._clear(claim, target, check)
            wanted = {
                kind: [ref for ref in found.refs if (kind, ref) not in self._failed]
                for kind, found in check.found.items()
            }
            if not any(wanted.values()):
                break
        else:
            raise Interrupted("it never became equal to the database")
        entries = queries.counted(db.session, claim.generation)
        if len(self._failed) > may_fail(entries + len(self._failed)):
            raise Interrupted(f"{len(self._failed)} documents cannot be encoded")
        if not actions.switch(claim, check.numbers()):
            raise Interrupted("another worker took over")

    def _fill(self, claim: Claim, target: Target, kind: Kind, refs: Sequence[str]) -> Iterator[None]:
        """Encode and store those of the subjects that the generation does not hold as they are now."""
        for start in range(0, len(refs), READ):
            documents = documents_of(db.session, kind, refs[start : start + READ])
            waiting = [
                one
                for one in self._indexer.changed(db.session, target, kind, documents)
                if (kind, one.id) not in self._failed
            ]
            db.session.rollback()
            while waiting:
                some, waiting = waiting[: self._size], waiting[self._size :]
                self._encode(claim, target, kind, some)
                yield
            self._note(claim)
            yield

    def _encode(self, claim: Claim, target: Target, kind: Kind, some: Sequence[Document]) -> None:
        began = perf_counter()
        try:
            encoded = self._indexer.matcher(kind, target.encoder).encode(some)
        except Exception as error:
            if len(some) == 1:
                log.warning("index_document_failed", kind=kind.value, ref=some[0].id, exc_info=error)
                self._failed.add((kind, some[0].id))
                return
            for one in some:  # find the one that fails; the others go on
                self._encode(claim, target, kind, [one])
            return
        if any(one.vectors is None for one in encoded):
            raise Interrupted("the model cannot be loaded")
        self._store(claim, target, kind, encoded)
        spent = perf_counter() - began
        grown = round(len(some) * STEP_SECONDS / max(spent, 1e-3))
        self._size = max(1, min(grown, 2 * self._size, LARGEST_STEP))

    def _store(self, claim: Claim, target: Target, kind: Kind, encoded: Sequence[Encoded]) -> None:
        """Store what still is so: what was changed or withdrawn meanwhile is done by whoever did that."""
        with transaction() as session:
            hold_clock(session)
            if not actions.still_claimed(session, claim):
                raise Interrupted("another worker took over")
            now = documents_of(session, kind, [one.document.id for one in encoded])
            self._indexer.store(
                session, target, kind, [one for one in encoded if now.get(one.document.id) == one.document]
            )
            session.flush()
            actions.still_claimed(session, claim, done=queries.counted(session, claim.generation))

    def _clear(self, claim: Claim, target: Target, check: Check) -> Iterator[None]:
        """Leave tombstones for what is not public any more, and have damaged entries made again."""
        for kind, found in check.found.items():
            with transaction() as session:
                hold_clock(session)
                if not actions.still_claimed(session, claim):
                    raise Interrupted("another worker took over")
                public = documents_of(session, kind, found.refs)
                self._indexer.bury(session, target, kind, [ref for ref in found.refs if ref not in public])
                doubt(session, target.generation, kind, [ref for ref in found.refs if ref in public])
            yield

    def _note(self, claim: Claim, *, total: int | None = None, complete: bool = False) -> None:
        if not actions.note(claim, total=total, complete=complete):
            raise Interrupted("another worker took over")


def remove_retired(indexer: Indexer) -> Iterator[None]:
    """Delete what belongs to generations that nobody needs any more, giving way after each small step."""
    # Tables of the time before: a process may still search those of a generation that has just been removed.
    drop_stray_vectors(indexer.engine, [one.id for one in queries.generations(db.session)])
    gone = actions.removable(db.session)
    db.session.rollback()
    for number in gone:
        while actions.remove_some(number):
            yield
    if queries.orphans(db.session):
        actions.remove_orphans()
