"""Changes of organisations on the command line: what it says, what it does, and its exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.cli import main
from marketplace.notices.models import Email
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import Organisation, Succession
from tests.factories.successions import make_estate, organisation_of

Run = Callable[..., Result]
HEADER = "change,kind,effective_on,from,to,to_name,to_region,share,new_name,source,source_date,note\n"
LONDON = (
    "London,merge,2026-04-01,QRV,,NHS London Test,,,,Statement,2025-09-09,\n"
    "London,merge,2026-04-01,QMJ,,NHS London Test,,,,Statement,2025-09-09,\n"
)
HERTS = (
    "Herts,split,2026-04-01,QM7,,NHS Hertfordshire Test,,60,,Statement,2025-09-09,\n"
    "Herts,split,2026-04-01,QM7,QH8,,,40,,Statement,2025-09-09,To Essex\n"
)


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DEMAND_SIGNAL_LOG_LEVEL", "ERROR")

    def invoke(*words: str, answer: str = "") -> Result:
        result = CliRunner().invoke(main, ["organisations", "changes", *words], input=answer)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture
def registry(session: Session) -> Session:
    load_reference()
    session.rollback()
    return session


def line(**values: str) -> str:
    """Return one line of a merger of QRV, with some fields changed."""
    fields = {
        "change": "1",
        "kind": "merge",
        "effective_on": "2026-04-01",
        "from": "QRV",
        "to": "",
        "to_name": "NHS Test",
        "to_region": "",
        "share": "",
        "new_name": "",
        "source": "Statement",
        "source_date": "2025-09-09",
        "note": "",
    } | values
    return ",".join(fields.values()) + "\n"


WRONG: dict[str, tuple[str, str]] = {
    "an empty file": ("", "Line 1: The file is empty"),
    "no header": (LONDON, "Line 1: The first line must name the columns; these columns are missing: change"),
    "a column that is not known": (
        HEADER.replace("note", "remark") + LONDON,
        "Line 1: The first line must name the columns; these are not known: remark",
    ),
    "a column that is missing": (
        HEADER.replace("source_date,", "") + LONDON,
        "Line 1: The first line must name the columns; these columns are missing: source_date",
    ),
    "a quotation mark that is never closed": (
        HEADER + LONDON + '"open\n',
        "Line 4: This line cannot be read: a quotation mark is opened",
    ),
    "words after a closing quotation mark": (
        HEADER + LONDON + line(change="2", note='"Yes" and more'),
        "Line 4: This line cannot be read: something follows a closing quotation mark",
    ),
    "a fault after a note of two lines": (
        HEADER + LONDON.replace("2025-09-09,", '2025-09-09,"two\nlines"', 1) + line(change="2", kind="melt"),
        "Line 5: kind must be one of",
    ),
    "a field too many": (
        HEADER + line().strip() + ",more\n",
        "Line 2: This line has more fields than the first",
    ),
    "a kind that is not known": (HEADER + line(kind="melt"), "Line 2: kind must be one of merge, split"),
    "a day that is none": (
        HEADER + line(effective_on="31 March"),
        "Line 2: effective_on must be a date such as 2027-04-01, not 31 March",
    ),
    "a code that nobody has": (
        HEADER + LONDON + line(change="2", **{"from": "QXX"}),
        "Line 4: The registry holds no organisation with the code QXX",
    ),
    "nothing where something is needed": (HEADER + line(source=""), "Line 2: Fill in source"),
    "a merger of one": (HEADER + line(), "Line 2: A merger needs at least two organisations"),
    "a share in words": (
        HEADER + HERTS.replace(",60,", ",most,"),
        "Line 2: share must be a whole number of percent, not most",
    ),
    "shares that do not add up": (HEADER + HERTS.replace(",60,", ",70,"), "add up to 110 percent"),
    "lines of one change that differ": (
        HEADER + LONDON.replace("London,merge,2026-04-01,QMJ", "London,merge,2026-05-01,QMJ"),
        "Line 3: effective_on differs from line 2, which is of the same change",
    ),
    "a made-up code": (
        HEADER + LONDON.replace(",,NHS London", ",made-up,NHS London"),
        "Line 2: made-up is not formed like an ODS code",
    ),
    "the code of another organisation": (
        HEADER + HERTS.replace("QM7,,NHS Hertfordshire Test", "QM7,RRV,NHS Hertfordshire Test"),
        "Line 2: University College London Hospitals",
    ),
    "a region that is none": (
        HEADER + LONDON.replace("NHS London Test,", "NHS London Test,Y99"),
        "Line 2: The registry holds no region with the code Y99",
    ),
    "a source of tomorrow": (
        HEADER + LONDON.replace("2025-09-09", "2999-09-09"),
        "Line 2: The date of the source must be today or in the past",
    ),
    "a board that ends twice in one file": (
        HEADER + LONDON + LONDON.replace("London,", "Again,").replace("NHS London Test", "NHS Again Test"),
        "Line 4: It is recorded already that NHS North West London Integrated Care Board ends on 1 April 2026",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_told_with_its_line_and_nothing_is_recorded(
    run: Run, registry: Session, tmp_path: Path, what: str
) -> None:
    text, words = WRONG[what]
    file = tmp_path / "changes.csv"
    file.write_text(text, "utf-8")
    for options in (("--dry-run",), ("--yes",)):
        told = run("import", str(file), *options)
        assert told.exit_code == 1
        assert "changes.csv was not imported." in told.output
        assert words in told.output, told.output
        assert "Traceback" not in told.output
    assert registry.scalars(select(Succession)).all() == []
    assert registry.scalars(select(Email)).all() == []


def test_every_fault_of_a_file_is_told_at_once(run: Run, registry: Session, tmp_path: Path) -> None:
    file = tmp_path / "changes.csv"
    file.write_text(
        HEADER
        + line(change="1", kind="melt")
        + line(change="2", source="")
        + line(change="3", **{"from": "X"}),
        "utf-8",
    )
    told = run("import", str(file))
    assert [f"Line {number}" in told.output for number in (2, 3, 4)] == [True] * 3


@pytest.mark.parametrize("content", [b"\xff\xfe\x00change", b"change\x00\xe9"])
def test_a_file_that_is_no_text_is_told_in_one_sentence(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "changes.csv"
    file.write_bytes(content)
    told = run("import", str(file))
    assert told.exit_code == 1
    assert "changes.csv cannot be read as a text file in UTF-8." in told.output


def test_an_import_shows_rehearses_and_records_and_what_is_left_is_found(
    run: Run, registry: Session, tmp_path: Path
) -> None:
    for code in ("QRV", "QM7"):
        make_estate(registry, organisation_of(registry, code))
    registry.rollback()
    file = tmp_path / "changes.csv"
    file.write_text("\ufeff" + HEADER + LONDON + HERTS, "utf-8")
    shown = run("import", str(file), "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "NHS North West London Integrated Care Board (QRV) to NHS London Test, new" in shown.output
    assert "to NHS Hertfordshire Test, new, 60 percent" in shown.output
    assert registry.scalars(select(Succession)).all() == []
    registry.rollback()
    assert run("check").exit_code == 0

    assert "2 changes recorded" in run("import", str(file), "--yes").output
    registry.rollback()
    refs = {one.kind.value: one.ref for one in registry.scalars(select(Succession))}
    names = set(registry.scalars(select(Organisation.name).where(Organisation.ods_code.is_(None))))
    assert {"NHS London Test", "NHS Hertfordshire Test"} <= names
    registry.rollback()
    listed = run("list").output
    assert f"{refs['merge']}: waiting." in listed
    left = run("check")
    assert left.exit_code == 1
    assert "QRV: need" in left.output
    for kind in ("merge", "split"):
        told = run("rehearse", refs[kind])
        assert told.exit_code == 0, told.output
        counted = [row.split() for row in told.output.splitlines() if row.strip().startswith("need ")]
        assert ["need", "7", "7"] in counted
        assert "Nothing was changed." in told.output
    assert run("check").output == left.output
    assert "There is no change with the reference nothing." in run("rehearse", "nothing").output
