"""When each organisation's top three of a cycle last changed: the one public thing whose table does not say it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base


class TopThreeChange(Base):
    """A top three and the moment of its last change. Stays when its places are empty, so that mirrors learn of it.

    Written by triggers of the database on ``priority`` (their migration says why), never by the service itself.
    """

    __tablename__ = "top_three_change"
    __table_args__ = (UniqueConstraint("organisation_id", "cycle_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), index=True)
    changed_at: Mapped[datetime]
