"""Integration tests run on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace.database import db
from tests.conftest import BOTH


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a fresh database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """Return the session that actions and queries use too, inside an application context."""
    with app.app_context():
        yield db.session
        db.session.rollback()
