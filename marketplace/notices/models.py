"""E-mails: written in the transaction of what they tell about, sent by the worker afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base


class Email(Base):
    """One e-mail as it was, or will be, sent: plain text. In demo mode the mailbox page shows it.

    ``stop`` is the whole address that stops such e-mails by one POST (RFC 8058); empty for letters about oneself.
    """

    __tablename__ = "email"

    id: Mapped[int] = mapped_column(primary_key=True)
    to: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    body: Mapped[str]
    stop: Mapped[str] = mapped_column(default="", server_default="", index=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
