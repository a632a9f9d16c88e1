"""The command line on a real database: what it says, what it does, and its exit code."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace import clock, migrating
from marketplace.accounts import queries as accounts
from marketplace.cli import main
from marketplace.database import make_engine
from marketplace.notices.models import Email
from marketplace.organisations import actions, queries
from marketplace.organisations.models import Kind, Organisation, OrganisationImport
from marketplace.outbox.models import OutboxRow

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DEMAND_SIGNAL_PASSWORD_MEMORY_KIB", "64")
    monkeypatch.setenv("DEMAND_SIGNAL_LOG_LEVEL", "ERROR")

    def invoke(*words: str, answer: str = "") -> Result:
        result = CliRunner().invoke(main, words, input=answer)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def file(session: Session, tmp_path: Path) -> Path:
    actions.load_reference()
    rows = []
    for trust in session.scalars(
        select(Organisation).where(Organisation.kind == Kind.TRUST).order_by(Organisation.code)
    ):
        fields = [""] * 27
        fields[0], fields[1] = trust.code, trust.name.upper()
        assert trust.region is not None
        assert trust.parent is not None
        fields[2], fields[3] = trust.region.code, trust.parent.code
        rows.append(fields)
    session.rollback()
    rows[0][1] = "A BETTER NAME NHS TRUST"
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows(rows)
    path = tmp_path / "etr.csv"
    path.write_text(lines.getvalue(), "utf-8")
    return path


def imports(session: Session) -> int:
    session.rollback()
    return len(session.scalars(select(OrganisationImport)).all())


def test_migrate_fills_the_registry_once(run: Run) -> None:
    first, second = run("migrate"), run("migrate")
    assert first.exit_code == second.exit_code == 0
    assert "272 organisations added" in first.output
    assert "The registry was filled before." in second.output


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_migrate_makes_pgvectors_extension_on_postgresql(run: Run, database_url: str) -> None:
    assert run("migrate").exit_code == run("migrate").exit_code == 0
    engine = make_engine(database_url)
    with engine.connect() as connection:
        extensions = connection.execute(text("SELECT extname FROM pg_extension")).scalars().all()
    assert "vector" in extensions
    assert migrating.differences(engine) == []
    engine.dispose()


def test_migrate_makes_a_missing_sqlite_file_in_a_folder_with_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a folder" / "new.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    assert path.exists()


def test_an_import_shows_the_changes_and_asks_first(run: Run, file: Path, session: Session) -> None:
    result = run("organisations", "import", str(file), answer="n\n")
    assert result.exit_code == 1
    assert "207 rows: 0 new, 1 changed, 0 closed, 206 unchanged." in result.output
    assert "A Better Name NHS Trust" in result.output
    assert "Nothing was changed." in result.output
    assert imports(session) == 0
    result = run("organisations", "import", str(file), answer="y\n")
    assert (result.exit_code, imports(session)) == (0, 1)
    code = session.scalar(select(Organisation.code).where(Organisation.name == "A Better Name NHS Trust"))
    assert code is not None


def test_without_somebody_to_ask_an_import_changes_nothing(run: Run, file: Path, session: Session) -> None:
    result = run("organisations", "import", str(file))
    assert (result.exit_code, imports(session)) == (1, 0)
    assert "Nothing was changed." in result.output


def test_an_import_can_be_agreed_to_beforehand_and_repeated(run: Run, file: Path, session: Session) -> None:
    assert run("organisations", "import", str(file), "--yes").exit_code == 0
    again = run("organisations", "import", str(file), "--yes")
    assert (again.exit_code, imports(session)) == (0, 1)
    assert "Nothing to change." in again.output


def test_a_dry_run_changes_nothing(run: Run, file: Path, session: Session) -> None:
    result = run("organisations", "import", str(file), "--dry-run", "--yes")
    assert (result.exit_code, imports(session)) == (0, 0)
    assert "dry run" in result.output


def test_a_damaged_file_is_refused_with_its_line_and_the_reason(
    run: Run, file: Path, session: Session
) -> None:
    lines = file.read_text("utf-8").splitlines()
    lines[41] += ',"extra"'
    file.write_text("\n".join(lines), "utf-8")
    result = run("organisations", "import", str(file), "--yes")
    assert (result.exit_code, imports(session)) == (1, 0)
    assert "etr.csv was not imported. Line 42: 28 columns, and an ODS file has 27." in result.output


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.csv", "No such file"), (".", "Is a directory")], ids=["missing", "folder"]
)
def test_a_file_that_cannot_be_read_is_told_in_plain_words(
    run: Run, tmp_path: Path, name: str, reason: str
) -> None:
    result = run("organisations", "import", str(tmp_path / name))
    assert result.exit_code == 1
    assert reason in result.output
    assert "Traceback" not in result.output


def test_the_first_administrator_is_invited_from_the_command_line(
    run: Run, app: Flask, session: Session
) -> None:
    actions.load_reference()
    words = ("invite", "Ada@Example.com", "--organisation", "demand-signal", "--role", "administrator")
    result = run(*words)
    assert result.exit_code == 0
    found = re.search(r"http://127\.0\.0\.1:8000/invitations/(\S+)", result.output)
    assert found is not None
    invitation = accounts.live_invitation(session, found[1])
    assert (invitation.email, invitation.role.value) == ("ada@example.com", "administrator")
    letter = session.scalars(select(Email)).one()
    assert letter.to == "ada@example.com"
    assert found[0] in letter.body


@pytest.mark.parametrize(
    ("email", "code", "role", "words"),
    [
        ("ada", "demand-signal", "administrator", "correct format"),
        ("ada@example.com", "NONE", "administrator", "No organisation has the code NONE"),
        ("ada@example.com", "RWE", "broker", "has no role"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused_in_one_sentence(
    run: Run, session: Session, email: str, code: str, role: str, words: str
) -> None:
    actions.load_reference()
    result = run("invite", email, "--organisation", code, "--role", role)
    assert result.exit_code == 1
    assert words in result.output
    assert queries.by_code(session, "RWE") is not None


def test_parked_rows_are_shown_and_tried_again(run: Run, session: Session) -> None:
    now = clock.now()
    for number, parked in enumerate((None, now, now), start=1):
        session.add(
            OutboxRow(
                topic="email",
                subject_id=str(number),
                created_at=now,
                due_at=now,
                attempts=5 if parked else 0,
                parked_at=parked,
                last_error="OSError" if parked else None,
            )
        )
    session.commit()
    shown = run("outbox", "show").output.splitlines()
    assert shown[0] == "1 waiting, 2 parked."
    assert "2: parked, email 2" in shown[1]
    assert "5 tries, last error OSError" in shown[1]
    assert run("outbox", "retry", "99").exit_code == 1
    assert "1 row will be tried again." in run("outbox", "retry", "2").output
    assert "1 row will be tried again." in run("outbox", "retry").output
    session.expire_all()
    assert {(row.parked_at, row.attempts) for row in session.scalars(select(OutboxRow))} == {(None, 0)}


def test_health_tells_numbers_and_exits_with_one_when_not_ready(run: Run, session: Session) -> None:
    good = run("health")
    assert good.exit_code == 0
    assert json.loads(good.output) == {
        "live": True,
        "ready": True,
        "database": "answers",
        "migrations": "current",
        "outbox": {"waiting": 0, "parked": 0, "oldest_seconds": 0},
        "index": {
            "serving": None,
            "here": None,
            "behind": 0,
            "building": None,
            "checked_at": None,
            "findings": None,
            "encoder_fault": None,
        },
    }


def test_a_database_that_is_not_there_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'nothing.db'}")
    result = CliRunner().invoke(main, ["outbox", "show"])
    assert result.exit_code == 1
    assert "run first: python -m marketplace migrate" in result.output
    assert not (tmp_path / "nothing.db").exists()
    assert CliRunner().invoke(main, ["health"]).exit_code == 1


def test_a_wrong_setting_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMAND_SIGNAL_MODE", "production")
    result = CliRunner().invoke(main, ["health"])
    assert result.exit_code == 1
    assert "set DEMAND_SIGNAL_SECRET_KEY" in result.output


def test_cycles_are_entered_moved_and_listed(session: Session, run: Run) -> None:
    assert run("cycle", "list").stdout == "There is no cycle yet.\n"
    done = run("cycle", "open", "Spring 2027", "2027-03-01", "2027-08-31", "--locks", "2027-04-30")
    assert (done.exit_code, done.stdout) == (0, "The cycle Spring 2027 is entered.\n")
    assert run("cycle", "list").stdout == (
        "Spring 2027: opens 1 March 2027, reminds 16 April 2027, locks after 30 April 2027, "
        "closes after 31 August 2027 (not open yet)\n"
    )
    done = run("cycle", "move", "Spring 2027", "--reminds", "2027-04-01", "--closes", "2027-07-31")
    assert (done.exit_code, done.stdout) == (0, "The cycle Spring 2027 has the new dates.\n")
    for words, message in (
        (("open", "Spring 2027", "2027-09-01", "2027-12-31"), "There is a cycle with this name already."),
        (
            ("open", "Autumn", "2027-09-01", "2027-09-01"),
            "The last day for answers must not come before the reminder.",
        ),
        (
            ("open", "Autumn", "2027-07-31", "2027-09-30"),
            "Cycles must not overlap: Spring 2027 runs from 1 March 2027 to 31 July 2027.",
        ),
        (("move", "Autumn", "--locks", "2027-04-30"), "There is no cycle with the name Autumn."),
        (("move", "Spring 2027", "--opens", "2020-01-01"), "The first day must be today or later."),
    ):
        result = run("cycle", *words)
        assert result.exit_code == 1
        assert message in result.output
        assert "Traceback" not in result.output
    assert run("cycle", "list").stdout == (
        "Spring 2027: opens 1 March 2027, reminds 1 April 2027, locks after 30 April 2027, "
        "closes after 31 July 2027 (not open yet)\n"
    )
