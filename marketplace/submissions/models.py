"""Forms that have been sent once already, so that a second press of the button has no second effect."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base


class Submission(Base):
    """The random key of one form as it was shown, and where its first sending led."""

    __tablename__ = "submission"

    key: Mapped[str] = mapped_column(primary_key=True)
    actor_id: Mapped[int | None]
    location: Mapped[str]
    created_at: Mapped[datetime]
