"""Read the CSV files of the Organisation Data Service (ODS) and plan what they would change.

Pure: bytes in, dataclasses out. Nothing here touches the database; whoever applies a plan does so in one
transaction and stores the plan's `sha256` and `row_count` with the run.

The real files (reports `etr` and others of ODS Data Search and Export) have no header, quote every field and hold
27 columns. Only the columns that the registry uses are named below; the rest are read past.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

WIDTH = 27
LONGEST_NAME = 200
# A share, not a count: the files shrink by a few rows when records are tidied, and by far more when cut off.
LARGEST_FALL = 0.05

TRUST_CODE = re.compile(r"[RT][A-Z0-9]{2}")

# Columns, counted from 0 (the ODS guide counts from 1).
_CODE, _NAME, _REGION, _ICB = 0, 1, 2, 3
_ADDRESS = slice(4, 9)
_POSTCODE, _OPENED, _CLOSED = 9, 10, 11

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_WORDS = re.compile(r"\b(code|name|organisation|date|postcode|address)\b", re.IGNORECASE)
_SMALL_WORDS = frozenset({"and", "at", "for", "in", "of", "on", "the", "upon", "with", "by"})
_CAPITALS = frozenset({"NHS", "ICB", "UK", "II", "CIC"})


class OdsFileError(ValueError):
    """A file that cannot be trusted. `line` counts from 1; None when the fault is in the file as a whole."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason = reason
        self.line = line
        super().__init__(f"Line {line}: {reason}" if line else reason)


class ImportRefused(ValueError):
    """A sound file that must not be applied; the message says why in plain English."""


@dataclass(frozen=True)
class KnownParents:
    """The region and ICB codes that the registry holds, closed ones included."""

    regions: frozenset[str]
    icbs: frozenset[str]


@dataclass(frozen=True)
class OdsRow:
    """One organisation as ODS describes it. Empty columns are None; `line` is where it stands in the file."""

    line: int
    ods_code: str
    name: str
    region_code: str | None
    icb_code: str | None
    address: tuple[str, ...]
    postcode: str | None
    opened_on: date | None
    closed_on: date | None

    @property
    def parent_code(self) -> str | None:
        """Return the closest parent that the file names: the ICB, or else the region."""
        return self.icb_code or self.region_code


@dataclass(frozen=True)
class OdsFile:
    """A file that passed every check, with the SHA-256 (hex) of its bytes."""

    rows: tuple[OdsRow, ...]
    sha256: str


@dataclass(frozen=True)
class CurrentOrganisation:
    """What the registry holds now for an organisation of the kind that the file is about."""

    ods_code: str
    name: str
    parent_code: str | None
    opened_on: date | None
    closed_on: date | None


@dataclass(frozen=True)
class FieldChange:
    """One field of `CurrentOrganisation` with its value before and after."""

    field: str
    before: str | date | None
    after: str | date | None


@dataclass(frozen=True)
class Change:
    """An organisation that stays and has other facts; `after` holds all values to store."""

    after: CurrentOrganisation
    fields: tuple[FieldChange, ...]


class ClosureReason(StrEnum):
    """Why an import closes an organisation."""

    CLOSE_DATE = "close-date"
    MISSING = "missing-from-file"


@dataclass(frozen=True)
class Closure:
    """An organisation that the import closes; it is kept with all that hangs on it."""

    ods_code: str
    name: str
    closed_on: date
    reason: ClosureReason


@dataclass(frozen=True)
class ImportPlan:
    """What a file would change, each list in order of code.

    An organisation can be in both `changed` and `closed`: apply the change first. `opened` holds every code that
    is new to the registry, also those that ODS has closed already (they carry their `closed_on`).
    """

    opened: tuple[CurrentOrganisation, ...]
    changed: tuple[Change, ...]
    closed: tuple[Closure, ...]
    unchanged: tuple[str, ...]
    sha256: str
    row_count: int

    @property
    def is_empty(self) -> bool:
        """Tell whether applying the plan would change nothing."""
        return not (self.opened or self.changed or self.closed)

    def lines(self) -> Iterator[str]:
        """Yield the plan in plain English, one change a line, with a summary first."""
        yield (
            f"{self.row_count} rows: {len(self.opened)} new, {len(self.changed)} changed, "
            f"{len(self.closed)} closed, {len(self.unchanged)} unchanged."
        )
        for new in self.opened:
            closed = f" (close date {_day(new.closed_on)})" if new.closed_on else ""
            yield f"New: {new.ods_code} {new.name}{closed}"
        for change in self.changed:
            for field in change.fields:
                yield (
                    f"Change: {change.after.ods_code} {_FIELD_LABELS[field.field]} "
                    f"from {_shown(field.before)} to {_shown(field.after)}"
                )
        for closure in self.closed:
            why = "not in the file" if closure.reason is ClosureReason.MISSING else "closed by ODS"
            yield f"Close: {closure.ods_code} {closure.name} on {_day(closure.closed_on)} ({why})"


_FIELD_LABELS = {
    "name": "name",
    "parent_code": "parent",
    "opened_on": "open date",
    "closed_on": "close date",
}


def read(
    source: Path | bytes, known: KnownParents | None = None, code_pattern: re.Pattern[str] = TRUST_CODE
) -> OdsFile:
    """Read and check an ODS CSV file, all or nothing.

    With `known`, an open organisation under a region or ICB that the registry does not hold is refused; a closed
    one keeps no parent instead, since old rows name bodies that went long ago. Raises `OdsFileError` for the
    first fault.
    """
    content = _bytes_of(source)
    text = _text_of(content)
    rows: list[OdsRow] = []
    seen: dict[str, int] = {}
    for line, fields in _records(text):
        row = _row(line, fields, known, code_pattern)
        if row.ods_code in seen:
            raise OdsFileError(f"code {row.ods_code} is already on line {seen[row.ods_code]}.", line)
        seen[row.ods_code] = line
        rows.append(row)
    if not rows:
        raise OdsFileError("The file is empty.")
    return OdsFile(tuple(rows), hashlib.sha256(content).hexdigest())


def plan(
    current: Sequence[CurrentOrganisation],
    file: OdsFile,
    today: date,
    last_run_rows: int | None = None,
) -> ImportPlan:
    """Compare the file with what the registry holds and say what to open, change and close.

    `current` is every organisation of the file's own kind, closed ones included, and no others: whatever is open
    in it and missing from the file is closed as of `today`. `last_run_rows` is the number of rows of the last
    import of this kind; without it the open organisations of `current` are counted. Planning again after the
    plan was applied gives an empty plan. Raises `ImportRefused` when the file holds over 5 % fewer rows.
    """
    _refuse_a_shrunken_file(current, file, last_run_rows)
    held = {organisation.ods_code: organisation for organisation in current}
    opened: list[CurrentOrganisation] = []
    changed: list[Change] = []
    closed: list[Closure] = []
    unchanged: list[str] = []
    for row in sorted(file.rows, key=lambda row: row.ods_code):
        before = held.pop(row.ods_code, None)
        if before is None:
            opened.append(_from_row(row, readable_name(row.name)))
            continue
        name = before.name if _same_name(before.name, row.name) else readable_name(row.name)
        after = _from_row(row, name)
        closes_now = before.closed_on is None and row.closed_on is not None and row.closed_on <= today
        fields = tuple(
            field for field in _differences(before, after) if not (closes_now and field.field == "closed_on")
        )
        if fields:
            changed.append(Change(after, fields))
        if closes_now and row.closed_on is not None:
            closed.append(Closure(row.ods_code, name, row.closed_on, ClosureReason.CLOSE_DATE))
        if not fields and not closes_now:
            unchanged.append(row.ods_code)
    closed.extend(
        # One that was to open later closes on the day on which it would have opened.
        Closure(missing.ods_code, missing.name, max(today, missing.opened_on or today), ClosureReason.MISSING)
        for missing in held.values()
        if missing.closed_on is None or missing.closed_on > today
    )
    return ImportPlan(
        opened=tuple(opened),
        changed=tuple(changed),
        closed=tuple(sorted(closed, key=lambda closure: closure.ods_code)),
        unchanged=tuple(unchanged),
        sha256=file.sha256,
        row_count=len(file.rows),
    )


def readable_name(name: str) -> str:
    """Return the name in capitals and small letters; ODS writes names in capitals only."""
    if name != name.upper():
        return name
    words = [_readable_word(word, first=position == 0) for position, word in enumerate(name.split())]
    return " ".join(words)


def _readable_word(word: str, first: bool) -> str:
    bare = word.strip("(),.")
    if bare in _CAPITALS:
        return word
    if bare.lower() in _SMALL_WORDS and not first:
        return word.lower()
    return "-".join(
        part if part in _SMALL_WORDS and position else _capitalised(part)
        for position, part in enumerate(word.lower().split("-"))
    )


def _capitalised(word: str) -> str:
    # str.title() would turn "king's" into "King'S".
    for position, letter in enumerate(word):
        if letter.isalpha():
            return word[:position] + letter.upper() + word[position + 1 :]
    return word


def _bytes_of(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise OdsFileError(f"The file cannot be read: {error.strerror or error}.") from error


def _text_of(content: bytes) -> str:
    if not content.strip():
        raise OdsFileError("The file is empty.")
    if b"\x00" in content:
        raise OdsFileError("NUL bytes: this is not a text file.", _line_at(content, content.index(b"\x00")))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OdsFileError(
            "bytes that are not UTF-8 text. Save the file as CSV UTF-8, or fetch it from ODS again.",
            _line_at(content, error.start),
        ) from error


def _line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    # One record is one line: splitting first keeps a lost quotation mark from swallowing the lines after it.
    for line, record in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not record.strip():
            continue
        try:
            fields = next(csv.reader([record], strict=True))
        except csv.Error as error:
            raise OdsFileError(f"the quotation marks do not close ({error}).", line) from error
        yield line, [field.strip() for field in fields]


def _row(line: int, fields: list[str], known: KnownParents | None, code_pattern: re.Pattern[str]) -> OdsRow:
    code = fields[_CODE]
    if line == 1 and not code_pattern.fullmatch(code) and _HEADER_WORDS.search(" ".join(fields)):
        raise OdsFileError(
            "a header line. ODS files have none: remove the line or fetch the file again.", line
        )
    if len(fields) != WIDTH:
        raise OdsFileError(f"{len(fields)} columns, and an ODS file has {WIDTH}.", line)
    if not code_pattern.fullmatch(code):
        raise OdsFileError(f"“{_shortened(code)}” is not a code of this kind of organisation.", line)
    if any(_CONTROL.search(field) for field in fields):
        raise OdsFileError("a control character inside a column.", line)
    name = " ".join(fields[_NAME].split())
    if not name:
        raise OdsFileError(f"{code} has no name.", line)
    if len(name) > LONGEST_NAME:
        raise OdsFileError(f"the name of {code} is longer than {LONGEST_NAME} characters.", line)
    opened_on = _date(fields[_OPENED], "open", line)
    closed_on = _date(fields[_CLOSED], "close", line)
    if opened_on and closed_on and closed_on < opened_on:
        raise OdsFileError(f"{code} closes on {_day(closed_on)}, before it opens on {_day(opened_on)}.", line)
    is_open = closed_on is None
    return OdsRow(
        line=line,
        ods_code=code,
        name=name,
        region_code=_parent(fields[_REGION], known.regions if known else None, "region", is_open, line),
        icb_code=_parent(fields[_ICB], known.icbs if known else None, "integrated care board", is_open, line),
        address=tuple(part for part in fields[_ADDRESS] if part),
        postcode=fields[_POSTCODE] or None,
        opened_on=opened_on,
        closed_on=closed_on,
    )


def _date(text: str, which: str, line: int) -> date | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{8}", text):
        raise OdsFileError(
            f"the {which} date “{_shortened(text)}” is not written as YYYYMMDD, such as 20220701.", line
        )
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise OdsFileError(f"the {which} date {text} is not a day of the calendar.", line) from None


def _parent(
    code: str, known: Collection[str] | None, what: str, must_be_known: bool, line: int
) -> str | None:
    if not code:
        return None
    if known is None or code in known:
        return code
    if must_be_known:
        raise OdsFileError(f"{what} {_shortened(code)} is not in the registry. Import it first.", line)
    return None


def _refuse_a_shrunken_file(
    current: Sequence[CurrentOrganisation], file: OdsFile, last_run_rows: int | None
) -> None:
    expected = last_run_rows
    if expected is None:
        expected = sum(organisation.closed_on is None for organisation in current)
    if len(file.rows) < expected * (1 - LARGEST_FALL):
        raise ImportRefused(
            f"The file has {len(file.rows)} rows and {expected} were expected. A file that is over 5% shorter "
            "than the last one may have been cut off. Nothing was changed."
        )


def _from_row(row: OdsRow, name: str) -> CurrentOrganisation:
    return CurrentOrganisation(row.ods_code, name, row.parent_code, row.opened_on, row.closed_on)


def _differences(before: CurrentOrganisation, after: CurrentOrganisation) -> Iterator[FieldChange]:
    for field in _FIELD_LABELS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            yield FieldChange(field, old, new)


def _same_name(held: str, in_file: str) -> bool:
    return " ".join(held.split()).casefold() == in_file.casefold()


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "no date"


def _shown(value: str | date | None) -> str:
    if isinstance(value, date):
        return _day(value)
    return f"“{value}”" if value else "nothing"
