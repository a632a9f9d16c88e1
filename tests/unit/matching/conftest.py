"""A database of its own for the pgvector adapter."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from tests.conftest import administer


@pytest.fixture(scope="session")
def pgvector_engine(postgresql_server: str) -> Iterator[Engine]:
    """Yield an engine on an empty database of the tests' PostgreSQL."""
    name = f"pgvector_{uuid4().hex[:12]}"
    administer(postgresql_server, f"CREATE DATABASE {name}")
    engine = sa.create_engine(sa.make_url(postgresql_server).set(database=name))
    yield engine
    engine.dispose()
    administer(postgresql_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
