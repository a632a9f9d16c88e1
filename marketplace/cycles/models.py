"""Which news of a cycle was told. The cycles themselves and the places are in `marketplace.needs.models`."""

from __future__ import annotations

from datetime import datetime

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
