"""What the command line says to a mistake, before it touches a database: one sentence and exit code 1."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketplace import logs, running
from marketplace.cli import main

Say = Callable[..., Result]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Say]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'nothing here.db'}")

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    yield invoke
    logs.configure("ERROR")  # the runner's standard error is closed now


@pytest.fixture
def port_in_use() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_told_before_anything_is_set_up(say: Say, port_in_use: int, tmp_path: Path) -> None:
    result = say("run", "--port", str(port_in_use))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"Port {port_in_use} is in use by another program, perhaps by Demand Signal itself. "
        f"Stop that one, or choose another port: make run PORT={port_in_use + 1}\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_another_machine_is_refused(say: Say) -> None:
    result = say("run", "--host", "192.0.2.1", "--port", "8106")
    assert result.exit_code == 1
    assert result.stderr == "Cannot listen on 192.0.2.1, port 8106: Cannot assign requested address.\n"


def test_a_port_that_cannot_be_is_refused(say: Say) -> None:
    result = say("run", "--port", "70000")
    assert result.exit_code == 2
    assert "70000 is not in the range" in result.stderr


def test_the_demo_is_refused_in_production_mode(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    monkeypatch.setenv("DEMAND_SIGNAL_PUBLIC_URL", "https://demand-signal.example")
    monkeypatch.setenv("DEMAND_SIGNAL_SECRET_KEY", "a-random-text-of-more-than-32-characters")
    monkeypatch.setenv("DEMAND_SIGNAL_SMTP_HOST", "mail.demand-signal.example")
    result = say("run", "--demo")
    assert result.exit_code == 1
    assert result.stderr == "Demo data cannot be loaded in production mode. Start without --demo.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("run",), ("worker",), ("index", "check")])
def test_a_setting_that_is_wrong_is_named(
    say: Say, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    result = say(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "The settings are not right. In production mode set DEMAND_SIGNAL_SECRET_KEY"
    )


@pytest.mark.parametrize(
    "words", [("migrate",), ("worker",), ("index", "rebuild"), ("run", "--port", "8106")]
)
@pytest.mark.parametrize("address", ["not an address", "nosuch://host/name"])
def test_an_address_that_is_no_databases_is_told_with_an_example(
    say: Say, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], address: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    result = say(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith("DATABASE_URL is not the address of a database.")


@pytest.mark.parametrize("words", [("index", "check"), ("index", "rebuild")])
def test_a_database_that_is_not_there_is_told_with_the_way_to_make_one(
    say: Say, words: tuple[str, ...]
) -> None:
    result = say(*words)
    assert result.exit_code == 1
    assert result.stderr.endswith("If it is new, run first: python -m marketplace migrate\n")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8106"),
        ("0.0.0.0", "http://127.0.0.1:8106"),
        ("::1", "http://[::1]:8106"),
        ("demand-signal.example", "http://demand-signal.example:8106"),
    ],
)
def test_the_address_that_is_printed_can_be_opened_on_this_machine(host: str, address: str) -> None:
    assert running.address_of(host, 8106) == address
