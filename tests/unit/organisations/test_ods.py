"""Reading ODS files and planning what they change."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from marketplace.organisations import ods

TODAY = date(2026, 11, 2)
KNOWN = ods.KnownParents(regions=frozenset({"Y60", "Y62"}), icbs=frozenset({"QK1", "QOP"}))


def row(
    code: str = "RWE",
    name: str = "UNIVERSITY HOSPITALS OF LEICESTER NHS TRUST",
    region: str = "Y60",
    icb: str = "QK1",
    opened: str = "20000401",
    closed: str = "",
) -> list[str]:
    fields = [""] * 27
    fields[0], fields[1], fields[2], fields[3] = code, name, region, icb
    fields[10], fields[11] = opened, closed
    return fields


MANCHESTER = row("R0A", "MANCHESTER UNIVERSITY NHS FOUNDATION TRUST", "Y62", "QOP", "20171001")


def content(*rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def refusal(source: bytes) -> ods.OdsFileError:
    with pytest.raises(ods.OdsFileError) as caught:
        ods.read(source, KNOWN)
    return caught.value


def apply(current: list[ods.CurrentOrganisation], plan: ods.ImportPlan) -> list[ods.CurrentOrganisation]:
    """Apply a plan to plain values, as the database side does to rows."""
    held = {organisation.ods_code: organisation for organisation in current}
    held |= {new.ods_code: new for new in plan.opened}
    held |= {change.after.ods_code: change.after for change in plan.changed}
    for closure in plan.closed:
        held[closure.ods_code] = replace(held[closure.ods_code], closed_on=closure.closed_on)
    return list(held.values())


LEICESTER = ods.CurrentOrganisation(
    "RWE", "University Hospitals of Leicester NHS Trust", "QK1", date(2000, 4, 1), None
)


def test_a_sound_file_gives_its_rows_and_the_hash_of_its_bytes() -> None:
    source = content(row(), MANCHESTER)
    file = ods.read(source, KNOWN)
    assert [(r.line, r.ods_code, r.region_code, r.icb_code, r.opened_on, r.closed_on) for r in file.rows] == [
        (1, "RWE", "Y60", "QK1", date(2000, 4, 1), None),
        (2, "R0A", "Y62", "QOP", date(2017, 10, 1), None),
    ]
    assert file.sha256 == hashlib.sha256(source).hexdigest()


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "etr.csv"
    path.write_bytes(content(row()))
    assert ods.read(path).rows[0].name == "UNIVERSITY HOSPITALS OF LEICESTER NHS TRUST"


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ods.OdsFileError, match="The file cannot be read"):
        ods.read(tmp_path / "none.csv")


def test_a_name_with_a_comma_stays_in_one_column() -> None:
    name = "BARKING, HAVERING AND REDBRIDGE UNIVERSITY HOSPITALS NHS TRUST"
    assert ods.read(content(row("RF4", name)), KNOWN).rows[0].name == name


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (row("RX1")[:26], "26 columns, and an ODS file has 27."),
        ([*row("RX1"), ""], "28 columns, and an ODS file has 27."),
        (row("not a code"), "“not a code” is not a code of this kind of organisation."),
        (row("rx1"), "“rx1” is not a code of this kind of organisation."),
        (row("RX1", name=""), "RX1 has no name."),
        (row("RX1", name="A" * 201), "the name of RX1 is longer than 200 characters."),
        (row("RX1", name="TAB\tBED"), "a control character inside a column."),
        (row("RX1", opened="1 April 2000"), "the open date “1 April 2000” is not written as YYYYMMDD"),
        (row("RX1", opened="20230230"), "the open date 20230230 is not a day of the calendar."),
        (row("RX1", closed="00000000"), "the close date 00000000 is not a day of the calendar."),
        (
            row("RX1", opened="20200401", closed="20190401"),
            "RX1 closes on 1 April 2019, before it opens on 1 April 2020.",
        ),
        (row("RX1", icb="Q99"), "integrated care board Q99 is not in the registry. Import it first."),
        (row("RX1", region="Y99"), "region Y99 is not in the registry. Import it first."),
        (row("RWE"), "code RWE is already on line 1."),
    ],
)
def test_a_damaged_line_is_refused_with_its_number_and_reason(second: list[str], reason: str) -> None:
    error = refusal(content(row(), second))
    assert error.line == 2
    assert error.reason.startswith(reason)
    assert str(error).startswith(f"Line 2: {reason}")


def test_a_header_is_refused_even_when_it_has_another_width() -> None:
    error = refusal(content(["Organisation Code", "Name", "Open date"], row()))
    assert error.line == 1
    assert error.reason.startswith("a header line")


def test_a_lost_quotation_mark_is_refused_on_its_own_line() -> None:
    good = content(row())
    error = refusal(good + b'"RX1","NOTTINGHAM\r\n' + content(MANCHESTER))
    assert error.line == 2
    assert error.reason.startswith("the quotation marks do not close")


def test_bytes_that_are_not_text_are_refused_with_their_line() -> None:
    assert refusal(content(row()) + b'"R\xff\xfe"').line == 2
    nul = refusal(content(row()) + content(MANCHESTER).replace(b"R0A", b"R0\x00"))
    assert nul.line == 2
    assert nul.reason.startswith("NUL bytes")


@pytest.mark.parametrize("source", [b"", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(source: bytes) -> None:
    assert str(refusal(source)) == "The file is empty."


def test_a_closed_row_may_name_a_parent_that_is_gone() -> None:
    closed = ods.read(content(row("RX1", icb="Q99", region="Y99", closed="20100331")), KNOWN).rows[0]
    assert closed.parent_code is None


def test_a_first_import_opens_every_row_with_a_readable_name() -> None:
    plan = ods.plan([], ods.read(content(row(), MANCHESTER), KNOWN), TODAY)
    assert [(new.ods_code, new.name, new.parent_code) for new in plan.opened] == [
        ("R0A", "Manchester University NHS Foundation Trust", "QOP"),
        ("RWE", "University Hospitals of Leicester NHS Trust", "QK1"),
    ]
    assert plan.row_count == 2


def test_a_name_that_differs_in_capitals_only_is_no_change() -> None:
    plan = ods.plan([LEICESTER], ods.read(content(row()), KNOWN), TODAY)
    assert plan.is_empty
    assert plan.unchanged == ("RWE",)


def test_a_renamed_and_moved_organisation_shows_each_field_before_and_after() -> None:
    held = replace(LEICESTER, name="Leicester Hospitals NHS Trust", parent_code=None)
    plan = ods.plan([held], ods.read(content(row()), KNOWN), TODAY)
    assert [(f.field, f.before, f.after) for f in plan.changed[0].fields] == [
        ("name", "Leicester Hospitals NHS Trust", "University Hospitals of Leicester NHS Trust"),
        ("parent_code", None, "QK1"),
    ]
    assert plan.closed == ()


def test_a_close_date_that_has_come_closes_the_organisation() -> None:
    plan = ods.plan([LEICESTER], ods.read(content(row(closed="20261102")), KNOWN), TODAY)
    assert plan.closed == (
        ods.Closure("RWE", LEICESTER.name, date(2026, 11, 2), ods.ClosureReason.CLOSE_DATE),
    )
    assert plan.changed == ()


def test_a_close_date_to_come_is_a_change_and_no_closure() -> None:
    plan = ods.plan([LEICESTER], ods.read(content(row(closed="20270331")), KNOWN), TODAY)
    assert plan.closed == ()
    assert plan.changed[0].fields == (ods.FieldChange("closed_on", None, date(2027, 3, 31)),)


def test_an_organisation_missing_from_the_file_is_closed_today_and_kept() -> None:
    trusts = [replace(LEICESTER, ods_code=f"R{n:02}") for n in range(40)]
    file = ods.read(content(*(row(trust.ods_code) for trust in trusts[1:])), KNOWN)
    plan = ods.plan(trusts, file, TODAY)
    assert plan.closed == (ods.Closure("R00", LEICESTER.name, TODAY, ods.ClosureReason.MISSING),)
    assert len(apply(trusts, plan)) == 40


def test_an_organisation_that_comes_back_is_open_again() -> None:
    held = replace(LEICESTER, closed_on=date(2026, 1, 1))
    plan = ods.plan([held], ods.read(content(row()), KNOWN), TODAY)
    assert plan.changed[0].fields == (ods.FieldChange("closed_on", date(2026, 1, 1), None),)


def test_planning_again_after_applying_changes_nothing() -> None:
    gone = replace(LEICESTER, ods_code="RXX", name="Gone NHS Trust")
    current = [replace(LEICESTER, name="Old Name"), gone]
    closing = [row("RX1", closed="20200101"), row("RBK", "WALSALL", closed="20270101")]
    file = ods.read(content(row(), MANCHESTER, *closing), KNOWN)
    first = ods.plan(current, file, TODAY)
    assert (len(first.opened), len(first.changed), len(first.closed)) == (3, 1, 1)
    assert ods.plan(apply(current, first), file, TODAY).is_empty
    assert ods.plan(apply(current, first), file, date(2027, 6, 1)).is_empty


def test_a_file_that_is_over_five_per_cent_shorter_is_refused() -> None:
    file = ods.read(content(*(row(f"R{n:02}") for n in range(94))), KNOWN)
    with pytest.raises(ods.ImportRefused, match="The file has 94 rows and 100 were expected"):
        ods.plan([], file, TODAY, last_run_rows=100)
    assert len(ods.plan([], file, TODAY, last_run_rows=98).opened) == 94


def test_without_an_earlier_run_the_open_organisations_are_counted() -> None:
    trusts = [replace(LEICESTER, ods_code=f"R{n:02}") for n in range(40)]
    file = ods.read(content(*(row(f"R{n:02}") for n in range(37))), KNOWN)
    with pytest.raises(ods.ImportRefused):
        ods.plan(trusts, file, TODAY)
    closed = [replace(trust, closed_on=date(2020, 1, 1)) for trust in trusts[37:]]
    assert ods.plan([*trusts[:37], *closed], file, TODAY).is_empty


def test_a_plan_tells_what_it_would_do_in_plain_english() -> None:
    held = replace(LEICESTER, name="Leicester Hospitals NHS Trust")
    file = ods.read(content(row(), MANCHESTER), KNOWN)
    assert list(ods.plan([held], file, TODAY).lines()) == [
        "2 rows: 1 new, 1 changed, 0 closed, 0 unchanged.",
        "New: R0A Manchester University NHS Foundation Trust",
        f"Change: RWE name from “Leicester Hospitals NHS Trust” to “{LEICESTER.name}”",
    ]


@pytest.mark.parametrize(
    ("capitals", "readable"),
    [
        (
            "THE QUEEN ELIZABETH HOSPITAL, KING'S LYNN, NHS FOUNDATION TRUST",
            "The Queen Elizabeth Hospital, King's Lynn, NHS Foundation Trust",
        ),
        (
            "THE NEWCASTLE UPON TYNE HOSPITALS NHS FOUNDATION TRUST",
            "The Newcastle upon Tyne Hospitals NHS Foundation Trust",
        ),
        ("STOKE-ON-TRENT CARE TRUST", "Stoke-on-Trent Care Trust"),
        ("Alder Hey Children's NHS Foundation Trust", "Alder Hey Children's NHS Foundation Trust"),
    ],
)
def test_names_in_capitals_become_readable(capitals: str, readable: str) -> None:
    assert ods.readable_name(capitals) == readable
