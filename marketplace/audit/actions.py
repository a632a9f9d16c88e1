"""Write an audit row beside a change, in the transaction of the change."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.audit.models import AuditEvent


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject_id: object,
    *,
    organisation_id: int | None = None,
    **detail: Any,
) -> None:
    """Add one row: ``action`` is a dotted verb such as ``need.published``; detail is small and not personal."""
    session.add(
        AuditEvent(
            at=clock.now(),
            actor_id=actor.user_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            organisation_id=organisation_id,
            detail=detail,
        )
    )
