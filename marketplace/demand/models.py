"""Saved searches, and the ledger of what each has told."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.database import Base, Choice
from marketplace.demand.saving import Frequency


class SavedSearch(Base):
    """A search that somebody keeps: a person with an account, or an address of e-mail and nothing else of its owner.

    ``query`` is the part of the address after the question mark, as `rules.query_string` writes it. One of an address
    counts only when the link in its letter was used (``confirmed_at``). ``period`` is the day of the last digest that
    was looked at, sent or not: who sets it first has the period.
    """

    __tablename__ = "saved_search"
    __table_args__ = (CheckConstraint("(user_id IS NULL) != (email IS NULL)", name="one_owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    email: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    query: Mapped[str]
    frequency: Mapped[Frequency] = mapped_column(Choice(Frequency))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirm_hash: Mapped[str | None] = mapped_column(unique=True)
    confirm_by: Mapped[datetime | None]
    period: Mapped[date | None]

    user: Mapped[User | None] = relationship()

    @property
    def address(self) -> str:
        """Return where its e-mails go."""
        return self.user.email if self.user is not None else self.email or ""


class ToldItem(Base):
    """That a saved search has told a version of something, or that it was there when the search was saved or seen.

    The primary key makes telling a version twice impossible. ``period`` is the day of the digest, if one told it.
    """

    __tablename__ = "told_item"

    saved_search_id: Mapped[int] = mapped_column(ForeignKey("saved_search.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    told_at: Mapped[datetime]
    period: Mapped[date | None]
