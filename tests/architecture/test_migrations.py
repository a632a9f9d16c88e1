from __future__ import annotations

from pathlib import Path

import pytest

from marketplace import migrating
from marketplace.database import make_engine
from tests.conftest import BOTH


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def test_the_models_and_the_migrated_schema_agree(database_url: str) -> None:
    engine = make_engine(database_url)
    assert migrating.differences(engine) == []
    engine.dispose()


def test_migrations_go_down_to_nothing_and_up_again(database_url: str) -> None:
    engine = make_engine(database_url)
    migrating.downgrade(engine, "base")
    migrating.upgrade(engine)
    with engine.connect() as connection:
        assert migrating.current_revision(connection) == migrating.known_revisions()[-1]
    assert migrating.differences(engine) == []
    engine.dispose()


def test_migrations_are_numbered_in_one_line() -> None:
    numbers = migrating.known_revisions()
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_a_database_newer_than_the_code_is_refused(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}", create=True)
    migrating.upgrade(engine)
    with engine.connect().execution_options(writes=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(migrating.UnknownRevision, match="9999"):
        migrating.upgrade(engine)
    engine.dispose()
