"""Reads of the index's rows, and of the subjects that it describes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.access.actor import SERVICE
from marketplace.matches.models import IndexClock, IndexEntry, IndexGeneration
from marketplace.matches.rules import LIVE, UNFINISHED, GenerationState
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.technologies.models import Technology
from matching.types import Kind


def sequence(session: Session) -> int:
    """Return the number of the last index write."""
    return session.scalar(select(IndexClock.sequence).where(IndexClock.id == 1)) or 0


def generations(session: Session) -> Sequence[IndexGeneration]:
    """Return the generations that have entries, the newest first."""
    return session.scalars(
        select(IndexGeneration)
        .where(IndexGeneration.state.in_(LIVE))
        .order_by(IndexGeneration.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def serving(session: Session) -> IndexGeneration | None:
    """Return the generation that serves; None in a database in which nothing was ever indexed."""
    return next((one for one in generations(session) if one.state is GenerationState.SERVING), None)


def unfinished(session: Session, key: str | None = None) -> IndexGeneration | None:
    """Return the generation that is being built: any, or the one of a recipe."""
    waiting = (one for one in generations(session) if one.state in UNFINISHED)
    return next((one for one in waiting if key is None or one.key == key), None)


def history(session: Session, limit: int) -> Sequence[IndexGeneration]:
    """Return the latest generations, also those that were removed, the newest first."""
    return session.scalars(select(IndexGeneration).order_by(IndexGeneration.id.desc()).limit(limit)).all()


def entries_after(
    session: Session, generation: int, seen: int, batch: int = 500
) -> Iterator[Sequence[IndexEntry]]:
    """Yield a generation's entries written after ``seen``, in the order of writing, in batches; tombstones too."""
    last = seen
    while rows := session.scalars(
        select(IndexEntry)
        .where(IndexEntry.generation_id == generation, IndexEntry.sequence > last)
        .order_by(IndexEntry.sequence)
        .limit(batch)
    ).all():
        last = rows[-1].sequence
        yield rows
        session.expunge_all()


def entry(session: Session, generation: int, kind: Kind, ref: str) -> IndexEntry | None:
    """Return what a generation stores of one subject."""
    return session.scalar(
        select(IndexEntry).where(
            IndexEntry.generation_id == generation,
            IndexEntry.kind == kind.value,
            IndexEntry.subject_ref == ref,
        )
    )


def digests(session: Session, generation: int, kind: Kind) -> dict[str, str]:
    """Return the digest of each of a generation's entries that is not a tombstone, by reference."""
    return dict(
        session.execute(
            select(IndexEntry.subject_ref, IndexEntry.digest).where(
                IndexEntry.generation_id == generation,
                IndexEntry.kind == kind.value,
                IndexEntry.removed.is_(False),
            )
        ).all()
    )


def counted(session: Session, generation: int) -> int:
    """Return how many of a generation's entries are not tombstones."""
    found = select(func.count()).where(IndexEntry.generation_id == generation, IndexEntry.removed.is_(False))
    return session.scalar(found) or 0


def orphans(session: Session) -> int:
    """Return how many entries belong to no generation that has any."""
    live = select(IndexGeneration.id).where(IndexGeneration.state.in_(LIVE))
    return session.scalar(select(func.count()).where(IndexEntry.generation_id.not_in(live))) or 0


def needs_to_index(session: Session, refs: Collection[str]) -> list[Need]:
    """Return those of the needs that are on the board, as they are in the database now."""
    session.expire_all()
    return needs.published_by_refs(SERVICE, list(refs))


def need_with_draft(session: Session, ref: str) -> Need | None:
    """Return a need with what is being written of it, whoever may see that: callers have made sure."""
    return session.scalar(select(Need).where(Need.ref == ref).options(joinedload(Need.draft)))


def technologies_to_index(session: Session, refs: Collection[str]) -> list[Technology]:
    """Return technologies with what their documents are made of."""
    return list(
        session.scalars(
            select(Technology)
            .where(Technology.ref.in_(refs))
            .options(
                joinedload(Technology.current),
                joinedload(Technology.supplier),
                selectinload(Technology.evidence),
                selectinload(Technology.versions),
            )
            .order_by(Technology.id)
            .execution_options(populate_existing=True)
        )
    )


def technology_with_draft(session: Session, ref: str) -> Technology | None:
    """Return a technology with its draft and all that its document is made of. For its own supplier only."""
    return session.scalar(
        select(Technology)
        .where(Technology.ref == ref)
        .options(
            joinedload(Technology.draft),
            joinedload(Technology.supplier),
            selectinload(Technology.evidence),
            selectinload(Technology.versions),
        )
    )


def public_refs(session: Session, kind: Kind) -> list[str]:
    """Return the references of everything that belongs into the index."""
    if kind is Kind.NEED:
        return needs.published_refs(SERVICE)
    listed = select(Technology.ref).where(Technology.listed_at.is_not(None), Technology.archived_at.is_(None))
    return list(session.scalars(listed.order_by(Technology.id)))


def entries(session: Session, generation: int, kind: Kind, refs: Collection[str]) -> Sequence[IndexEntry]:
    """Return what a generation stores of several subjects that are in the index."""
    return session.scalars(
        select(IndexEntry)
        .where(
            IndexEntry.generation_id == generation,
            IndexEntry.kind == kind.value,
            IndexEntry.subject_ref.in_(refs),
            IndexEntry.removed.is_(False),
        )
        .order_by(IndexEntry.id)
    ).all()
