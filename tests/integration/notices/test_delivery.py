"""E-mails are written with the change and sent once."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.database import transaction
from marketplace.notices import actions
from marketplace.notices.models import Email
from marketplace.outbox.models import OutboxRow
from marketplace.settings import Settings
from tests.fakes.smtp import FakeMailServer


def written(session: Session, body: str = "Hello, Zoë.\nA second line.") -> int:
    with transaction() as current:
        actions.send(current, "zoe@people.example", "An\ninvitation", body)
    return session.scalars(select(Email.id)).one()


def sent_at(session: Session) -> object:
    session.rollback()
    return session.scalars(select(Email.sent_at)).one()


@pytest.fixture
def server(app: Flask, socket_enabled: None) -> Iterator[FakeMailServer]:
    with FakeMailServer() as server:
        app.extensions["settings"] = app.extensions["settings"].model_copy(
            update={"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_tls": False}
        )
        yield server


def test_an_email_is_written_with_an_outbox_row_in_the_callers_transaction(session: Session) -> None:
    def use_case() -> None:
        with transaction() as current:
            actions.send(current, "zoe@people.example", "Subject", "Body")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        use_case()
    assert session.scalars(select(Email)).all() == []
    id_ = written(session)
    assert [(row.topic, row.subject_id) for row in session.scalars(select(OutboxRow))] == [
        ("email", str(id_))
    ]


def test_without_a_server_the_demo_marks_the_email_as_sent(session: Session) -> None:
    id_ = written(session)
    assert sent_at(session) is None
    actions.deliver(str(id_))
    assert sent_at(session) is not None


def test_without_a_server_production_keeps_the_email_waiting(app: Flask, session: Session) -> None:
    id_ = written(session)
    settings: Settings = app.extensions["settings"]
    app.extensions["settings"] = settings.model_copy(update={"mode": "production"})
    with pytest.raises(actions.NoMailServer):
        actions.deliver(id_)
    assert sent_at(session) is None


def test_a_server_gets_the_message_as_it_was_written(session: Session, server: FakeMailServer) -> None:
    actions.deliver(written(session))
    message = message_from_bytes(server.accepted[0].encode(), EmailMessage, policy=policy.default)
    assert message["To"] == "zoe@people.example"
    assert message["Subject"] == "An invitation"
    assert message["From"] == "Demand Signal <no-reply@demand-signal.example>"
    assert message.get_content().rstrip() == "Hello, Zoë.\nA second line."
    assert sent_at(session) is not None


def test_a_server_that_refuses_and_then_accepts_gets_exactly_one_message(
    session: Session, server: FakeMailServer
) -> None:
    server.refusals = 1
    id_ = written(session)
    with pytest.raises(smtplib.SMTPResponseException):
        actions.deliver(id_)
    assert (sent_at(session), server.accepted) == (None, [])
    actions.deliver(id_)
    actions.deliver(id_)
    assert len(server.accepted) == 1
    assert server.connections == 2


def test_a_server_that_is_away_is_an_error_to_try_again(app: Flask, session: Session) -> None:
    app.extensions["settings"] = app.extensions["settings"].model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_port": 9, "smtp_tls": False}
    )
    with pytest.raises(OSError, match="refused"):
        actions.deliver(written(session))
    assert sent_at(session) is None


def test_an_email_that_is_not_there_is_nothing_to_do(session: Session) -> None:
    actions.deliver(4711)
    assert session.scalars(select(Email)).all() == []


def test_emails_are_deleted_a_month_after_they_were_sent_and_not_while_they_wait(session: Session) -> None:
    sent = written(session)
    actions.deliver(sent)
    with transaction() as current:
        actions.send(current, "waits@people.example", "Subject", "Body")
    with time_machine.travel(clock.now() + timedelta(days=29)):
        actions.prune()
    assert session.scalars(select(Email.to).order_by(Email.id)).all() == [
        "zoe@people.example",
        "waits@people.example",
    ]
    session.rollback()
    with time_machine.travel(clock.now() + timedelta(days=31)):
        actions.prune()
    assert session.scalars(select(Email.to)).all() == ["waits@people.example"]
