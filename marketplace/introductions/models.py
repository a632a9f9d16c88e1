"""A broker brings a need and a technology together; each side decides for itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.database import Base, Choice
from marketplace.introductions.rules import Course, Decision, Side
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.technologies.models import Technology


class Introduction(Base):
    """A proposal to bring two sides together. Its state is computed from the moments stored here.

    One open introduction per need and technology. ``need_lock_version`` and ``supplier_lock_version`` grow with the
    answers of that side alone: they stand in its forms, and a shared number would tell that the other side answered.
    ``lock_version`` grows with every change and stands in the broker's forms.
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
    #: Set once, when those who had not answered by then were reminded.
    reminded_at: Mapped[datetime | None]
    lock_version: Mapped[int] = mapped_column(default=1)
    need_lock_version: Mapped[int] = mapped_column(default=1, server_default="1")
    supplier_lock_version: Mapped[int] = mapped_column(default=1, server_default="1")

    need: Mapped[Need] = relationship()
    technology: Mapped[Technology] = relationship()
    hin: Mapped[Organisation] = relationship()
    broker: Mapped[User | None] = relationship(foreign_keys=[broker_id])
    need_decided_by: Mapped[User | None] = relationship(foreign_keys=[need_decided_by_id])
    supplier_decided_by: Mapped[User | None] = relationship(foreign_keys=[supplier_decided_by_id])

    @property
    def course(self) -> Course:
        """Return the stored moments and answers, as the rules take them."""
        return Course(self.decide_by, self.need_decision, self.supplier_decision, self.closed_at)

    def organisation_id(self, side: Side) -> int:
        """Return which organisation a side is."""
        return self.need.organisation_id if side is Side.NEED else self.technology.supplier_id

    def side_lock_version(self, side: Side) -> int:
        """Return the number that a side's forms carry."""
        return self.need_lock_version if side is Side.NEED else self.supplier_lock_version

    def answer(self, side: Side, decision: Decision, reason: str, user_id: int | None, at: datetime) -> None:
        """Store what one side answered, in place of an earlier answer."""
        if side is Side.NEED:
            self.need_decision, self.need_reason = decision, reason
            self.need_decided_at, self.need_decided_by_id = at, user_id
            self.need_lock_version += 1
        else:
            self.supplier_decision, self.supplier_reason = decision, reason
            self.supplier_decided_at, self.supplier_decided_by_id = at, user_id
            self.supplier_lock_version += 1
        self.lock_version += 1

    def close(self, reason: str, at: datetime) -> None:
        """Store that it is not going ahead; the reason is for brokers, and empty when time ran out."""
        self.closed_at, self.closed_reason = at, reason
        self.lock_version += 1
