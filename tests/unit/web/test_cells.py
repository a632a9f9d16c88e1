"""Cells that no spreadsheet runs, and the way back."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.web import cells

FORMULA = "=+-@＝＋－＠"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2 degrees", "'-2 degrees"),
        ("+44", "'+44"),
        ("  =1", "  '=1"),
        ('"=1"', '"\'=1"'),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\rx"),
        ("a;=cmd|'/c calc'!A0", "a;'=cmd|'/c calc'!A0"),
        ("a, -b", "a, '-b"),
        ("first\n- second", "first\n'- second"),
        ("a\t@b", "a\t'@b"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("A plain text - with a dash, and 3 = 3", "A plain text - with a dash, and 3 = 3"),
        ("well-being", "well-being"),
        ("", ""),
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str, written: str) -> None:
    assert cells.harmless(text) == written


TEXTS = st.text(st.sampled_from("=+-@＝＋－＠'\",;|\t\r\n ab1“")) | st.text()


@given(TEXTS)
def test_the_text_can_be_had_back_as_it_was(text: str) -> None:
    assert cells.as_it_was(cells.harmless(text)) == text


@given(TEXTS, st.sampled_from([",", ";", "|", "\t"]))
def test_no_separator_of_any_program_makes_a_cell_that_is_run(text: str, separator: str) -> None:
    # However a program cuts the text into cells, after blanks and quotation marks no cell begins like a formula.
    for found in re.split(f"[{re.escape(separator)}\r\n]", cells.harmless(text)):
        assert not re.match(rf'[\s"“”]*[{re.escape(FORMULA)}]', found), found


@given(TEXTS)
def test_a_cell_never_begins_with_what_is_run(text: str) -> None:
    (row,) = csv.reader(io.StringIO(cells.csv_rows([[text]]), newline=""))
    assert not row[0].startswith((*FORMULA, "\t", "\r"))


def test_numbers_are_not_touched_and_lists_are_json() -> None:
    assert cells.csv_rows([[-5, 2.5, None, True, ["=a", "=b"], "=x"]]) == (
        '-5,2.5,"","true","[""=a"", ""\'=b""]","\'=x"\r\n'
    )
