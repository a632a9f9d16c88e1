"""Reads about e-mails."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.notices.models import Email


def mailbox(session: Session, to: str, limit: int) -> Sequence[Email]:
    """Return the newest e-mails, to one address or, with the empty text, to all."""
    wanted = select(Email).order_by(Email.id.desc()).limit(limit)
    return session.scalars(wanted.where(Email.to == to) if to else wanted).all()


def recipients(session: Session) -> Sequence[str]:
    """Return every address that an e-mail went to, in order."""
    return session.scalars(select(Email.to).distinct().order_by(Email.to)).all()
