"""Reads of the index's rows, and of the subjects that it describes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.access.actor import SERVICE
from marketplace.matches.models import IndexClock, IndexEntry
from marketplace.needs import queries as needs
from marketplace.needs.models import Need
from marketplace.technologies.models import Technology
from matching.types import Kind


def sequence(session: Session) -> int:
    """Return the number of the last index write."""
    return session.scalar(select(IndexClock.sequence).where(IndexClock.id == 1)) or 0


def entries_after(session: Session, seen: int, batch: int = 500) -> Iterator[Sequence[IndexEntry]]:
    """Yield the entries written after ``seen``, in the order of writing, in batches; tombstones too."""
    last = seen
    while rows := session.scalars(
        select(IndexEntry).where(IndexEntry.sequence > last).order_by(IndexEntry.sequence).limit(batch)
    ).all():
        last = rows[-1].sequence
        yield rows
        session.expunge_all()


def entry(session: Session, kind: Kind, ref: str) -> IndexEntry | None:
    """Return what is stored of one subject."""
    return session.scalar(
        select(IndexEntry).where(IndexEntry.kind == kind.value, IndexEntry.subject_ref == ref)
    )


def digests(session: Session, kind: Kind) -> dict[str, str]:
    """Return the digest of each entry that is not a tombstone, by reference."""
    return dict(
        session.execute(
            select(IndexEntry.subject_ref, IndexEntry.digest).where(
                IndexEntry.kind == kind.value, IndexEntry.removed.is_(False)
            )
        ).all()
    )


def needs_to_index(session: Session, refs: Collection[str]) -> list[Need]:
    """Return those of the needs that are on the board, as they are in the database now."""
    session.expire_all()
    return needs.published_by_refs(SERVICE, list(refs))


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
            )
            .order_by(Technology.id)
            .execution_options(populate_existing=True)
        )
    )


def public_refs(session: Session, kind: Kind) -> list[str]:
    """Return the references of everything that belongs into the index."""
    if kind is Kind.NEED:
        return needs.published_refs(SERVICE)
    listed = select(Technology.ref).where(Technology.listed_at.is_not(None), Technology.archived_at.is_(None))
    return list(session.scalars(listed.order_by(Technology.id)))


def entries(session: Session, kind: Kind, refs: Collection[str]) -> Sequence[IndexEntry]:
    """Return what is stored of several subjects that are in the index."""
    return session.scalars(
        select(IndexEntry)
        .where(IndexEntry.kind == kind.value, IndexEntry.subject_ref.in_(refs), IndexEntry.removed.is_(False))
        .order_by(IndexEntry.id)
    ).all()
