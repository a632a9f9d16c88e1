"""The index's commands, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import cli
from marketplace.factory import create_app
from marketplace.matches.models import IndexEntry
from marketplace.worker import build_worker
from tests.factories.needs import make_need
from tests.factories.technologies import make_technology
from tests.fakes.matching import HashEncoder

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DEMAND_SIGNAL_LOG_LEVEL", "ERROR")
    monkeypatch.setattr(cli, "create_app", lambda settings: create_app(settings, HashEncoder()))

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(cli.main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


def stamps(session: Session) -> dict[str, int]:
    session.rollback()
    return dict(session.execute(select(IndexEntry.subject_ref, IndexEntry.sequence)).all())


def test_check_finds_what_the_index_lacks_and_the_worker_puts_it_right(
    app: Flask, session: Session, run: Run
) -> None:
    make_need(session)
    make_technology(session)
    assert run("index", "check").output == (
        "2 entries of the index differed. The worker brings them up to date.\n"
    )
    made = build_worker(app)
    while made.run_once():
        pass
    assert run("index", "check").output == "The index equals the database.\n"


def test_rebuild_encodes_again_what_has_not_changed(
    app: Flask, session: Session, run: Run, reindex: Callable[[], None]
) -> None:
    need, technology = make_need(session).ref, make_technology(session).ref
    reindex()
    before = stamps(session)
    assert run("index", "rebuild").output == (
        "2 entries will be encoded anew by the worker. Searches go on meanwhile.\n"
    )
    made = build_worker(app)
    while made.run_once():
        pass
    after = stamps(session)
    assert before.keys() == after.keys() == {need, technology}
    assert min(after.values()) > max(before.values())
    assert run("index", "check").output == "The index equals the database.\n"
