"""Look up, for every need on the board, whether the register has anything that fits it: work of the worker.

A page of a region shows hundreds of needs and a map all of them, and matching each takes tens of milliseconds, so the
answer is kept. What was never looked at comes first. When technologies change, every need is looked at again, but not
more often than every `AGAIN`; until then the last answer stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy import and_, func, or_, select

from marketplace import clock
from marketplace.access.actor import SERVICE
from marketplace.database import db, transaction
from marketplace.matches import finder, queries
from marketplace.matches.models import IndexEntry, NeedFit
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.technologies import queries as technologies
from matching.types import Kind

#: How many technologies are counted for a need; that there are more is not told.
COUNTED = 3
#: How often all needs are looked at again while the register goes on changing.
AGAIN = timedelta(minutes=15)
#: Needs in one step: what a person saves meanwhile waits for its end.
BATCH = 8


def steps() -> Iterator[int]:
    """Look at every need that is due, a few in each step; yield how many were looked at."""
    serving = queries.serving(db.session)
    generation = 0 if serving is None else serving.id
    waiting = due(generation) if generation else []
    sequence = queries.sequence(db.session)
    db.session.rollback()
    for start in range(0, len(waiting), BATCH):
        yield look(waiting[start : start + BATCH], generation, sequence)


def due(generation: int) -> list[str]:
    """Return the needs on the board to look at: those never looked at as they are now, then the longest ago."""
    changed = (
        select(func.max(IndexEntry.sequence))
        .where(IndexEntry.generation_id == generation, IndexEntry.kind == Kind.TECHNOLOGY.value)
        .scalar_subquery()
    )
    old = or_(NeedFit.generation != generation, NeedFit.sequence < changed, NeedFit.words_only)
    statement = (
        needs.on_board(select(Need.ref))
        .outerjoin(NeedFit, and_(NeedFit.need_id == Need.id, NeedFit.version == Need.version))
        .where(or_(NeedFit.need_id.is_(None), and_(old, NeedFit.looked_at <= clock.now() - AGAIN)))
        .order_by(NeedFit.need_id.is_not(None), NeedFit.looked_at, Need.id)
    )
    return list(dict.fromkeys(db.session.scalars(statement)))


def look(refs: Sequence[str], generation: int, sequence: int) -> int:
    """Search the register for needs and keep what was found; return for how many. One not indexed yet stays due."""
    found = finder.match_many(Kind.NEED, refs, COUNTED)
    accepted = {
        ref: [one.id for one in results.matches if one.accepted][:COUNTED] for ref, results in found.items()
    }
    proposed = sorted({one for several in accepted.values() for one in several})
    listed = {one.ref for one in technologies.listed_by_refs(SERVICE, proposed)}
    now = clock.now()
    with transaction() as session:
        for need in session.scalars(select(Need).where(Need.ref.in_(found))):
            before = session.get(NeedFit, need.id)
            fits = sum(one in listed for one in accepted[need.ref])
            same = before is not None and before.version == need.version and bool(before.fits) == bool(fits)
            session.merge(
                NeedFit(
                    need_id=need.id,
                    version=need.version,
                    fits=fits,
                    words_only=found[need.ref].degraded,
                    generation=generation,
                    sequence=sequence,
                    looked_at=now,
                    changed_at=before.changed_at if before is not None and same else now,
                )
            )
    return len(found)
