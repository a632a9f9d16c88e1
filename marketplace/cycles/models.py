"""Which news of a cycle was told, and which cycles were cancelled.

The cycles themselves and the places are in `marketplace.needs.models`.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.cycles.rules import News
from marketplace.database import Base, Choice


class CycleLetter(Base):
    """An organisation's leads were told this about a cycle. Its key makes a second time impossible."""

    __tablename__ = "cycle_letter"

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    news: Mapped[News] = mapped_column(Choice(News), primary_key=True)
    written_at: Mapped[datetime]


class CycleSweep(Base):
    """The index was told to look again at the needs that lapsed at the lock of a cycle."""

    __tablename__ = "cycle_sweep"

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), primary_key=True)
    swept_at: Mapped[datetime]


class CancelledCycle(Base):
    """A cycle that an administrator took back before it locked, as it was. Its number is never used again."""

    __tablename__ = "cancelled_cycle"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    opens_on: Mapped[date]
    reminds_on: Mapped[date]
    locks_on: Mapped[date]
    closes_on: Mapped[date]
    cancelled_at: Mapped[datetime]
    cancelled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    #: Why, for everybody to read.
    reason: Mapped[str]
