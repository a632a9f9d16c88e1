"""Work that follows a change: written with it, done after it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base


class OutboxRow(Base):
    """“Look at this subject again”: a topic and an id, no state, so that repeats and reordering do no harm.

    Waiting: neither finished nor parked. Claimed: ``claimed_until`` lies ahead. A row that failed comes back at
    ``due_at``; after some tries it is parked and shown on the health page.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "finished_at", "parked_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str]
    subject_id: Mapped[str]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None]
    claim: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
