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


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event"])
def test_the_database_itself_refuses_to_change_the_audit_trail(session: Session, statement: str) -> None:
    with transaction() as current:
        record(current, SERVICE, "test.done", "test", 1)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))
    session.rollback()
    assert [event.action for event in session.scalars(select(AuditEvent))] == ["test.done"]


def test_work_left_uncommitted_is_told_and_not_swept_in(session: Session) -> None:
    record(session, SERVICE, "test.done", "test", 1)
    with pytest.raises(RuntimeError, match="uncommitted"), transaction():
        pass
