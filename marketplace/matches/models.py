"""What the matcher knows of each need and technology: text passages and vectors, kept true by the worker."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base


class IndexEntry(Base):
    """One indexed subject. ``sequence`` grows with every write, so a process reads only what it has not seen.

    ``removed`` marks a tombstone: the subject was withdrawn. ``vectors`` holds float32 rows, (passages, dimension),
    or nothing when the encoder was missing; ``digest`` tells which text, recipe and encoder made them.
    """

    __tablename__ = "index_entry"
    __table_args__ = (UniqueConstraint("kind", "subject_ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_ref: Mapped[str]
    sequence: Mapped[int] = mapped_column(index=True)
    removed: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    passages: Mapped[list[list[str]]] = mapped_column(JSON)
    vectors: Mapped[bytes | None] = mapped_column(LargeBinary)
    dimension: Mapped[int]
    encoder: Mapped[str]
    digest: Mapped[str]
    indexed_at: Mapped[datetime]


class IndexClock(Base):
    """One row whose counter gives each index write its ``sequence``.

    The row lock makes sequences become visible in order: a reader that has seen 41 cannot miss a late 40.
    """

    __tablename__ = "index_clock"

    id: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int]
