"""Tables as CSV files that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable

#: What makes a cell a formula when it comes first, in the wide letters too.
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
#: A cell begins at the start of the text, and after whatever some program takes for a separator of cells.
_BEGINNING = re.compile(rf"(^|[,;|\t\r\n])([\s\"“”]*)(?='*[{_FORMULA}])")
_BLANK_BEGINNING = re.compile(r"^(?='*[\t\r])")
_MARKED = re.compile(rf"(^|[,;|\t\r\n])([\s\"“”]*)'(?='*[{_FORMULA}])")
_BLANK_MARKED = re.compile(r"^'(?='*[\t\r])")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs: an apostrophe stands before what would begin a formula.

    That is = + - @ at the start, or after a comma, semicolon, bar, tab or line end, whatever blanks and quotation
    marks are between; and a tab or carriage return at the start. `as_it_was` takes exactly these apostrophes away.
    """
    return _BLANK_BEGINNING.sub("'", _BEGINNING.sub(r"\1\2'", text))


def as_it_was(text: str) -> str:
    """Return the text that `harmless` was given."""
    return _MARKED.sub(r"\1\2", _BLANK_MARKED.sub("", text))


def cell(value: object) -> str | int | float:
    """Return a value as a cell of a CSV file: numbers as they are, lists as JSON, texts made harmless."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return harmless(value)
    return harmless(json.dumps(value, ensure_ascii=False))


def csv_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV (RFC 4180): texts in quotation marks, numbers without."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_NONNUMERIC).writerows(
        [cell(value) for value in row] for row in rows
    )
    return written.getvalue()
