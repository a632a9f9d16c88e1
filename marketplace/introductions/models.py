"""A broker brings a need and a technology together; each side decides for itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.database import Base, Choice
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.technologies.models import Technology


class Decision(StrEnum):
    """What one side answered."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class Introduction(Base):
    """A proposal to bring two sides together. Its state is computed from the moments stored here.

    ``lock_version`` guards against two people deciding at once. One open introduction per need and technology.
    """

    __tablename__ = "introduction"
    __table_args__ = (
        CheckConstraint("(need_decision IS NULL) = (need_decided_at IS NULL)", name="need_side_whole"),
        CheckConstraint(
            "(supplier_decision IS NULL) = (supplier_decided_at IS NULL)", name="supplier_side_whole"
        ),
        Index(
            "uq_introduction_open",
            "need_id",
            "technology_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("need.id"))
    technology_id: Mapped[int] = mapped_column(ForeignKey("technology.id"), index=True)
    hin_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    broker_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str]
    proposed_at: Mapped[datetime]
    decide_by: Mapped[datetime]
    need_decision: Mapped[Decision | None] = mapped_column(Choice(Decision))
    need_decided_at: Mapped[datetime | None]
    need_decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    need_reason: Mapped[str] = mapped_column(default="")
    supplier_decision: Mapped[Decision | None] = mapped_column(Choice(Decision))
    supplier_decided_at: Mapped[datetime | None]
    supplier_decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    supplier_reason: Mapped[str] = mapped_column(default="")
    #: Set when it is not going ahead: by the broker, or by the clock after ``decide_by``.
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str] = mapped_column(default="")
    lock_version: Mapped[int] = mapped_column(default=1)

    need: Mapped[Need] = relationship()
    technology: Mapped[Technology] = relationship()
    hin: Mapped[Organisation] = relationship()
    broker: Mapped[User | None] = relationship(foreign_keys=[broker_id])
    need_decided_by: Mapped[User | None] = relationship(foreign_keys=[need_decided_by_id])
    supplier_decided_by: Mapped[User | None] = relationship(foreign_keys=[supplier_decided_by_id])
