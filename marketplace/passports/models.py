"""Passports: a record that an NHS body assessed a technology, with what it relied on."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.database import Base
from marketplace.organisations.models import Organisation
from marketplace.passports.rules import Standing, standing_of
from marketplace.technologies.models import EvidenceItem, Technology


class Passport(Base):
    """One assessment by one NHS body. Its standing is computed from dates and never stored."""

    __tablename__ = "passport"
    __table_args__ = (CheckConstraint("valid_to > valid_from", name="valid_for_a_time"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    technology_id: Mapped[int] = mapped_column(ForeignKey("technology.id"), index=True)
    technology_version: Mapped[int]
    issuer_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    assessor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    scope: Mapped[str]
    conditions: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    issued_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]
    suspended_reason: Mapped[str] = mapped_column(default="")
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str] = mapped_column(default="")

    technology: Mapped[Technology] = relationship()
    issuer: Mapped[Organisation] = relationship()
    assessor: Mapped[User | None] = relationship()
    relied_on: Mapped[list[EvidenceItem]] = relationship(
        secondary="passport_evidence", order_by="EvidenceItem.id"
    )

    def standing(self, on: date) -> Standing:
        """Return how the passport stands on a day."""
        return standing_of(
            self.valid_from,
            self.valid_to,
            suspended_at=self.suspended_at,
            revoked_at=self.revoked_at,
            on=on,
        )


class PassportEvidence(Base):
    """A passport relies on an evidence item."""

    __tablename__ = "passport_evidence"

    passport_id: Mapped[int] = mapped_column(ForeignKey("passport.id"), primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence_item.id"), primary_key=True)
