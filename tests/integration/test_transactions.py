from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.access.actor import SERVICE
from marketplace.audit.actions import record
from marketplace.audit.models import AuditEvent
from marketplace.database import transaction


def test_a_failed_use_case_leaves_no_trace(session: Session) -> None:
    def use_case() -> None:
        with transaction() as current:
            record(current, SERVICE, "test.done", "test", 1)
            current.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        use_case()
    assert session.scalars(select(AuditEvent)).all() == []


AGAIN = (
    "INTO audit_event "
    "SELECT id, at, actor_id, 'x', subject_kind, subject_id, organisation_id, detail FROM audit_event"
)
CHANGES = {
    "sqlite": {
        "update": "UPDATE audit_event SET action = 'x'",
        "delete": "DELETE FROM audit_event",
        "upsert": f"INSERT {AGAIN} WHERE true ON CONFLICT (id) DO UPDATE SET action = 'x'",
        "replace": f"INSERT OR REPLACE {AGAIN}",
        "replace by an update": "UPDATE OR REPLACE audit_event SET id = 1",
    },
    "postgresql": {
        "update": "UPDATE audit_event SET action = 'x'",
        "delete": "DELETE FROM audit_event",
        "upsert": f"INSERT {AGAIN} ON CONFLICT (id) DO UPDATE SET action = 'x'",
        "truncate": "TRUNCATE audit_event",
        "truncate by another": "TRUNCATE audit_event, email CASCADE",
    },
}


def test_the_database_itself_refuses_to_change_the_audit_trail(session: Session) -> None:
    with transaction() as current:
        record(current, SERVICE, "test.done", "test", 1)
        record(current, SERVICE, "test.done", "test", 2)
    before = session.execute(select(AuditEvent.id, AuditEvent.action).order_by(AuditEvent.id)).all()
    session.rollback()
    for way, statement in CHANGES[session.get_bind().dialect.name].items():
        with pytest.raises(DBAPIError) as refused:
            session.execute(text(statement))
        assert "append-only" in str(refused.value), way
        session.rollback()
    assert session.execute(select(AuditEvent.id, AuditEvent.action).order_by(AuditEvent.id)).all() == before


def test_work_left_uncommitted_is_told_and_not_swept_in(session: Session) -> None:
    record(session, SERVICE, "test.done", "test", 1)
    with pytest.raises(RuntimeError, match="uncommitted"), transaction():
        pass
