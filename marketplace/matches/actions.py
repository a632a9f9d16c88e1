"""The life of a generation of the index: begun, built under a claim, switched to, retired and removed.

The worker and the command line alone act here, so there is no actor: what people change are needs and technologies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import transaction
from marketplace.matches import queries
from marketplace.matches.models import IndexClock, IndexEntry, IndexGeneration
from marketplace.matches.rules import BUILD_LEASE, LIVE, RETIRED_FOR, UNFINISHED, GenerationState
from matching.types import Kind

log = structlog.get_logger()

#: Entries that are deleted in one transaction.
REMOVED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a process would build an index by: its key, and its model's digest (empty without it) and name."""

    key: str
    encoder: str
    encoder_name: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to build a generation; a worker that overslept its lease has lost it."""

    generation: int
    mark: str


def hold_clock(session: Session) -> None:
    """Lock the index clock until the commit, without taking a number: nobody would ever see a row with it.

    Whoever changes entries or generations takes this lock before any of theirs, so that two workers never wait for
    each other, and what is read after it is what the last of them has written.
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


def begin(recipe: Recipe, *, anew: bool = False) -> IndexGeneration | None:
    """See to it that there is an index of this recipe; return the generation that is to be built for it, if any.

    The first index of a database serves from its beginning, and fills as changes come in. One that had no model takes
    up the first that comes: it has no vectors that another could not be compared with. ``anew`` asks for a new one
    though the recipe is the same.
    """
    with transaction() as session:
        hold_clock(session)
        live = queries.generations(session)
        serving = next((one for one in live if one.state is GenerationState.SERVING), None)
        if serving is None:
            _add(session, recipe, GenerationState.SERVING)
            return None
        if not recipe.encoder and not anew:
            return None
        if not serving.encoder and recipe.encoder and not anew:
            serving.key, serving.encoder = recipe.key, recipe.encoder
            serving.encoder_name = recipe.encoder_name
            next_sequence(session)  # for web processes to look again
            return None
        waiting = [one for one in live if one.state in UNFINISHED]
        wanted = next((one for one in waiting if one.key == recipe.key), None)
        for other in waiting:
            if other is not wanted and not _claimed(other):
                _retire(other, clock.now())  # nobody builds it, and its recipe is not wanted any more
        if wanted is None and serving.key != recipe.key and not anew:
            wanted = next((one for one in live if one.key == recipe.key and one.complete), None)
            if wanted is not None:  # the model of before is back: what changed since is all there is to do
                wanted.state, wanted.retired_at = GenerationState.BUILDING, None
        if wanted is None and (anew or serving.key != recipe.key):
            wanted = _add(session, recipe, GenerationState.BUILDING)
        return wanted


def _add(session: Session, recipe: Recipe, state: GenerationState) -> IndexGeneration:
    now = clock.now()
    total = sum(len(queries.public_refs(session, kind)) for kind in Kind)
    made = IndexGeneration(
        key=recipe.key,
        encoder=recipe.encoder,
        encoder_name=recipe.encoder_name,
        state=state,
        total=total,
        done=0,
        started_at=now,
        finished_at=now if state is GenerationState.SERVING else None,
    )
    session.add(made)
    session.flush()
    next_sequence(session)
    log.info("index_generation_begun", generation=made.id, documents=total, encoder=recipe.encoder_name)
    return made


def _claimed(generation: IndexGeneration) -> bool:
    return generation.claimed_until is not None and generation.claimed_until >= clock.now()


def _retire(generation: IndexGeneration, now: datetime) -> None:
    generation.state, generation.retired_at = GenerationState.RETIRED, now
    generation.claim = generation.claimed_until = None


def claim(recipe: Recipe) -> Claim | None:
    """Take the right to build the unfinished generation, if it is of this recipe and no other worker builds it."""
    now = clock.now()
    mark = uuid4().hex
    with transaction() as session:
        waiting = queries.unfinished(session, recipe.key)
        if waiting is None:
            return None
        taken = session.execute(
            update(IndexGeneration)
            .where(
                IndexGeneration.id == waiting.id,
                IndexGeneration.state.in_(UNFINISHED),
                or_(IndexGeneration.claimed_until.is_(None), IndexGeneration.claimed_until < now),
            )
            .values(claim=mark, claimed_until=now + BUILD_LEASE)
            .returning(IndexGeneration.id)
        ).scalar()
    return None if taken is None else Claim(taken, mark)


def release(own: Claim) -> None:
    """Give the right to build back, so that another worker need not wait for its end."""
    with transaction() as session:
        session.execute(
            update(IndexGeneration)
            .where(IndexGeneration.id == own.generation, IndexGeneration.claim == own.mark)
            .values(claim=None, claimed_until=None)
        )


def still_claimed(session: Session, own: Claim, **values: object) -> bool:
    """Renew the claim in the caller's transaction, with what else is to be noted; False when it was lost."""
    kept = session.execute(
        update(IndexGeneration)
        .where(
            IndexGeneration.id == own.generation,
            IndexGeneration.claim == own.mark,
            IndexGeneration.state.in_(UNFINISHED),
        )
        .values(claimed_until=clock.now() + BUILD_LEASE, **values)
        .returning(IndexGeneration.id)
    ).scalar()
    return kept is not None


def note(own: Claim, *, total: int | None = None, complete: bool = False) -> bool:
    """Store how far the build is, and renew the claim; False when it was lost."""
    with transaction() as session:
        values: dict[str, Any] = {"done": queries.counted(session, own.generation)}
        if total is not None:
            values["total"] = total
        if complete:
            values["state"] = GenerationState.READY
        return still_claimed(session, own, **values)


def switch(own: Claim, findings: dict[str, Any]) -> bool:
    """Let the new generation serve in place of the old, in one transaction; False when the claim was lost.

    Every change since it was begun has been written to both, so what was checked a moment ago is still so.
    """
    now = clock.now()
    with transaction() as session:
        hold_clock(session)
        if not still_claimed(session, own):
            return False
        for old in queries.generations(session):
            if old.state is GenerationState.SERVING:
                _retire(old, now)
        session.flush()
        new = session.get_one(IndexGeneration, own.generation)
        new.state, new.finished_at = GenerationState.SERVING, now
        new.claim = new.claimed_until = None
        new.checked_at, new.findings = now, findings
        next_sequence(session)
    log.info("index_generation_serves", generation=own.generation)
    return True


def note_findings(generation: int, findings: dict[str, Any]) -> None:
    """Store what a comparison with the database found."""
    with transaction() as session:
        session.execute(
            update(IndexGeneration)
            .where(IndexGeneration.id == generation)
            .values(checked_at=clock.now(), findings=findings)
        )


def removable(session: Session) -> list[int]:
    """Return the generations whose entries may go: retired for a day, or retired before another that is.

    So there are never more than one that serves, one that is built, and one that served before.
    """
    retired = [one for one in queries.generations(session) if one.state is GenerationState.RETIRED]
    by_age = sorted(retired, key=lambda one: (one.complete, one.retired_at or one.started_at), reverse=True)
    kept = [one for one in by_age[:1] if one.complete and _young(one)]
    return [one.id for one in retired if one not in kept]


def _young(generation: IndexGeneration) -> bool:
    return generation.retired_at is not None and clock.now() - generation.retired_at < RETIRED_FOR


def remove_some(generation: int) -> bool:
    """Delete some entries of a retired generation; when none is left, mark it as removed and return False."""
    with transaction() as session:
        hold_clock(session)
        state = session.scalar(select(IndexGeneration.state).where(IndexGeneration.id == generation))
        if state is not GenerationState.RETIRED:
            return False
        some = (
            select(IndexEntry.id)
            .where(IndexEntry.generation_id == generation)
            .order_by(IndexEntry.id)
            .limit(REMOVED_AT_ONCE)
        )
        gone = session.execute(delete(IndexEntry).where(IndexEntry.id.in_(some)).returning(IndexEntry.id))
        if gone.all():
            return True
        session.execute(
            update(IndexGeneration)
            .where(IndexGeneration.id == generation)
            .values(state=GenerationState.REMOVED)
        )
        next_sequence(session)  # processes that still use it look for another
    log.info("index_generation_removed", generation=generation)
    return False


def remove_orphans() -> int:
    """Delete entries of generations that have none; return how many."""
    live = select(IndexGeneration.id).where(IndexGeneration.state.in_(LIVE))
    with transaction() as session:
        hold_clock(session)
        gone = session.execute(
            delete(IndexEntry).where(IndexEntry.generation_id.not_in(live)).returning(IndexEntry.id)
        )
        return len(gone.all())
