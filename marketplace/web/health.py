"""Tell machines whether the service is alive and ready. No personal data, no sign-in, no session."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import structlog
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from marketplace import clock
from marketplace.access.doors import public
from marketplace.database import db
from marketplace.outbox.actions import Backlog, backlog
from marketplace.settings import PROJECT

health = Blueprint("health", __name__, url_prefix="/health")
log = structlog.get_logger()


@cache
def newest_migration() -> str:
    """Return the number of this code's newest migration, from the file names: Alembic is slow to import."""
    return max(path.name[:4] for path in (PROJECT / "migrations" / "versions").glob("[0-9]*.py"))


def _database() -> tuple[bool, bool, Backlog | None]:
    # Whether the database answers, whether its schema is this code's, and what waits in it.
    try:
        revision = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return True, revision == newest_migration(), backlog(db.session)
    except SQLAlchemyError as error:
        log.warning("health_database", error=type(error).__name__)
        db.session.rollback()
        return False, False, None


def _index() -> dict[str, object] | None:
    # What is told of the search index; nothing while the database cannot be asked.
    told = current_app.extensions.get("index_state")
    try:
        return told(db.session) if told else None
    except SQLAlchemyError as error:
        log.warning("health_index", error=type(error).__name__)
        db.session.rollback()
        return None


def report() -> dict[str, object]:
    """Return what `/health` tells."""
    answers, current, waiting = _database()
    encoder_state = current_app.extensions.get("encoder_state")
    return {
        "live": True,
        "ready": answers and current,
        "database": "answers" if answers else "away",
        "migrations": "current" if current else "not current" if answers else "unknown",
        "outbox": None
        if waiting is None
        else {
            "waiting": waiting.waiting,
            "parked": waiting.parked,
            "oldest_seconds": _age(waiting.oldest),
        },
        "encoder": encoder_state() if encoder_state else None,
        "index": _index() if current else None,
    }


def _age(since: datetime | None) -> int:
    return max(0, round((clock.now() - since).total_seconds())) if since else 0


@health.get("/live")
@public("a supervisor asks whether the process answers; nothing private is told")
def live() -> ResponseReturnValue:
    """Answer without looking at anything else."""
    return jsonify(live=True)


@health.get("/ready")
@public("a load balancer asks whether requests can be served; nothing private is told")
def ready() -> ResponseReturnValue:
    """Answer 200 when the database answers with this code's schema, else 503."""
    told = report()
    return jsonify(ready=told["ready"]), 200 if told["ready"] else 503


@health.get("")
@public("operators look here; numbers and states, nothing private")
def overview() -> ResponseReturnValue:
    """Tell live from ready, and how far the worker is behind."""
    told = report()
    return jsonify(told), 200 if told["ready"] else 503
