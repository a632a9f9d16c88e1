"""Write e-mails with the change they tell about, and deliver them after it."""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from flask import current_app
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.notices.models import Email
from marketplace.outbox.actions import enqueue
from marketplace.outbox.rules import EMAIL
from marketplace.settings import Settings

#: For each answer of the mail server; an outbox lease is much longer.
TIMEOUT_SECONDS = 15
#: The outbox topic of e-mails that wait to be sent; the subject is the e-mail's id.
TOPIC = EMAIL
KEPT = timedelta(days=30)
#: The longest lines that mail servers take (RFC 5322).
LONG_LINES = policy.default.clone(max_line_length=998)


class NoMailServer(RuntimeError):
    """Production mode without a mail server: the mail waits, and the health page tells."""


def send(session: Session, to: str, subject: str, body: str, *, stop: str = "") -> None:
    """Write an e-mail in the caller's transaction; the worker sends it after the commit.

    ``stop`` is the whole address that stops e-mails of this kind, for letters that nobody has to get.
    """
    email = Email(to=to, subject=" ".join(subject.split()), body=body, created_at=clock.now(), stop=stop)
    session.add(email)
    session.flush()
    enqueue(session, TOPIC, email.id)


def deliver(email_id: str | int, *, made_up: bool = False) -> None:
    """Send an e-mail that has not been sent, by SMTP or, in demo mode without a server, to the mailbox page.

    Called again after a success it does nothing. Only a crash between the server's last word and our commit can
    send twice; the fixed Message-ID lets the receiving side drop such a copy. Refusals are raised, so that the
    outbox tries again later. What people in the demo's history wrote (``made_up``) never leaves the mailbox page.
    """
    settings: Settings = current_app.extensions["settings"]
    email = db.session.get(Email, int(email_id))
    if email is None or email.sent_at is not None:
        db.session.rollback()
        return
    id_, message = email.id, _message(email, settings)
    db.session.rollback()  # no transaction stays open while a mail server takes its time
    if settings.smtp_host and not made_up:
        _by_smtp(message, settings)
    elif not settings.demo:
        raise NoMailServer("DEMAND_SIGNAL_SMTP_HOST is not set")
    with transaction() as session:
        session.execute(
            update(Email).where(Email.id == id_, Email.sent_at.is_(None)).values(sent_at=clock.now())
        )


def forget(session: Session, stop: str) -> None:
    """Delete every e-mail that this address stops, sent or not, in the caller's transaction."""
    session.execute(delete(Email).where(Email.stop == stop))


def _message(email: Email, settings: Settings) -> EmailMessage:
    _, sender = parseaddr(settings.mail_from)
    # An address in a header must not be cut or encoded, as lines longer than usual are.
    message = EmailMessage(policy=LONG_LINES if email.stop else policy.default)
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=email.to)
    message["Subject"] = email.subject
    message["Date"] = format_datetime(email.created_at)
    message["Message-ID"] = f"<demand-signal-{email.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if email.stop:
        message["List-Unsubscribe"] = f"<{email.stop}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(email.body)
    return message


def _by_smtp(message: EmailMessage, settings: Settings) -> None:
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS) as server:
        if settings.smtp_tls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_username:
            server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
        server.send_message(message)


def prune() -> None:
    """Delete e-mails a month after they were sent: they hold names, addresses and links."""
    with transaction() as session:
        session.execute(delete(Email).where(Email.sent_at < clock.now() - KEPT))
