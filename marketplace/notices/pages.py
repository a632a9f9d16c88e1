"""The demo's mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.notices.models import Email
from marketplace.web.pages import Page
from marketplace.web.words import moment


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail as the mailbox shows it."""

    to: str
    subject: str
    body: str
    when: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address to filter by."""

    address: str
    href: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class Mailbox(Page):
    """All e-mails of the demo, newest first."""

    template = "notices/mailbox.html"

    title: str = "The demo’s mailbox"
    letters: tuple[Letter, ...]
    recipients: tuple[Recipient, ...]
    everything: str
    chosen: str

    @classmethod
    def build(cls, emails: Sequence[Email], addresses: Sequence[str], chosen: str) -> Mailbox:
        """Return the page for what was found."""
        return cls(
            letters=tuple(
                Letter(
                    email.to,
                    email.subject,
                    email.body,
                    f"Sent {moment(email.sent_at)}"
                    if email.sent_at
                    else f"Written {moment(email.created_at)}, about to be sent",
                )
                for email in emails
            ),
            recipients=tuple(
                Recipient(address, url_for("notices.mailbox", to=address), address == chosen)
                for address in addresses
            ),
            everything=url_for("notices.mailbox"),
            chosen=chosen,
        )
