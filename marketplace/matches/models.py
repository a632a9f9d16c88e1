"""What the matcher knows of each need and technology: text passages and vectors, kept true by the worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, Choice
from marketplace.matches.rules import GenerationState


class IndexGeneration(Base):
    """One whole index, made by one recipe and one model; the next is built beside the one that serves.

    ``key`` is the same exactly where recipe and model give every text the same entry; ``encoder`` is the digest of
    the model's weights, empty while there was none. ``claim`` proves which worker builds it. ``checked_at`` and
    ``findings`` tell the last comparison with the database, numbers by kind and fault.
    """

    __tablename__ = "index_generation"
    __table_args__ = (
        # The last guard of the switch: at most one generation serves.
        Index(
            "ix_index_generation_serving",
            "state",
            unique=True,
            sqlite_where=text("state = 'serving'"),
            postgresql_where=text("state = 'serving'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    encoder: Mapped[str]
    encoder_name: Mapped[str]
    state: Mapped[GenerationState] = mapped_column(Choice(GenerationState))
    total: Mapped[int]
    done: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    claim: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    @property
    def complete(self) -> bool:
        """Tell whether it has everything, and so may answer."""
        return self.finished_at is not None and self.state is not GenerationState.REMOVED


class IndexEntry(Base):
    """One indexed subject. ``sequence`` grows with every write, so a process reads only what it has not seen.

    ``removed`` marks a tombstone: the subject was withdrawn. ``vectors`` holds float32 rows, (passages, dimension),
    or nothing when the encoder was missing; ``digest`` tells which text, recipe and encoder made them, ``checksum``
    whether what is stored is still what was written.
    """

    __tablename__ = "index_entry"
    __table_args__ = (
        UniqueConstraint("generation_id", "kind", "subject_ref"),
        Index("ix_index_entry_sequence", "generation_id", "sequence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    generation_id: Mapped[int] = mapped_column(ForeignKey("index_generation.id"))
    kind: Mapped[str]
    subject_ref: Mapped[str]
    sequence: Mapped[int]
    removed: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    passages: Mapped[list[list[str]]] = mapped_column(JSON)
    vectors: Mapped[bytes | None] = mapped_column(LargeBinary)
    dimension: Mapped[int]
    encoder: Mapped[str]
    digest: Mapped[str]
    checksum: Mapped[str]
    indexed_at: Mapped[datetime]


class IndexClock(Base):
    """One row whose counter gives each index write its ``sequence``.

    The row lock makes sequences become visible in order: a reader that has seen 41 cannot miss a late 40.
    """

    __tablename__ = "index_clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int]


class NeedFit(Base):
    """What the register had for a need when it was last searched for it: for pictures of many needs at once.

    It holds for ``version`` of the need alone. ``fits`` counts technologies up to `fits.COUNTED`. ``generation`` and
    ``sequence`` say which index was asked, and how far it was: what was listed later has not been looked at.
    """

    __tablename__ = "need_fit"

    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"), primary_key=True, autoincrement=False)
    version: Mapped[int]
    fits: Mapped[int]
    words_only: Mapped[bool] = mapped_column(default=False)
    generation: Mapped[int]
    sequence: Mapped[int]
    looked_at: Mapped[datetime]
    #: When it last turned out that something fits or that nothing does, other than before.
    changed_at: Mapped[datetime]
