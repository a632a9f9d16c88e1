"""Read changes of organisations from a CSV file: one line for each pair of an organisation and its successor.

The columns, with a header line, in any order:

- ``change``: a label of your own; lines with the same label make one change
- ``kind``: merge, split, mixed, transfer or rename
- ``effective_on``: the first day of the new state, as 2027-04-01
- ``from``: the code of an organisation of the registry
- ``to``: the code of the successor; empty for a new organisation without an ODS code yet, and for a new name
- ``to_name``: the name of a successor that the registry does not hold yet
- ``to_region``: the code of its region; empty for that of the predecessor
- ``share``: percent of what goes there, for each of several successors
- ``new_name``: for a new name
- ``source``, ``source_date``: where this is known from, and the date of that
- ``note``: anything else, may be empty
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.errors import DomainError
from marketplace.organisations.models import Organisation
from marketplace.organisations.rules import Change
from marketplace.succession import queries, rules
from marketplace.succession.rules import ChangePlan, LinkPlan, Party
from marketplace.web.words import day

COLUMNS = (
    "change",
    "kind",
    "effective_on",
    "from",
    "to",
    "to_name",
    "to_region",
    "share",
    "new_name",
    "source",
    "source_date",
    "note",
)
NEEDED = ("change", "kind", "effective_on", "from", "source", "source_date")
LINES_MOST = 500
CHARACTERS_MOST = 200_000
#: What the reader of CSV says, in plain words.
UNREADABLE = {
    "unexpected end of data": "a quotation mark is opened and never closed",
    "'\"' expected after '\"'": "something follows a closing quotation mark",
    "',' expected after '\"'": "something follows a closing quotation mark",
}
#: Digits of a share in percent.
SHARE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of the file; line 1 is the header."""

    line: int
    message: str

    @property
    def words(self) -> str:
        """Return it as people read it."""
        return f"Line {self.line}: {self.message}"


class FaultyFile(Exception):
    """A file that cannot be read as changes. Nothing was changed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.words for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Read:
    """The changes of a file, each with the line on which it begins."""

    plans: tuple[ChangePlan, ...]
    lines: tuple[int, ...]


def read(session: Session, text: str) -> Read:
    """Return the changes of a file as they would be recorded.

    Raises `FaultyFile` with every fault and its line.
    """
    if not text.strip():
        raise FaultyFile([Fault(1, "The file is empty")])
    if len(text) > CHARACTERS_MOST:
        raise FaultyFile([Fault(1, f"The file is longer than {CHARACTERS_MOST:,} characters")])
    rows = list(_rows(text.removeprefix("\ufeff")))
    known = queries.known_codes(session)
    faults: list[Fault] = []
    grouped: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for line, row in rows:
        if missing := [name for name in NEEDED if not row[name]]:
            faults.append(Fault(line, f"Fill in {', '.join(missing)}"))
        else:
            grouped.setdefault(row["change"], []).append((line, row))
    plans, lines = [], []
    for lined in grouped.values():
        try:
            plan = _plan(known, lined)
            rules.check_plan(plan, clock.today())
            plans.append(plan)
            lines.append(lined[0][0])
        except _AtLine as error:
            faults.append(Fault(error.line, error.message))
        except DomainError as error:
            faults.append(Fault(lined[0][0], error.message))
    if faults:
        raise FaultyFile(sorted(faults, key=lambda fault: fault.line))
    return Read(tuple(plans), tuple(lines))


class _AtLine(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


def _rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise FaultyFile([Fault(1, f"This is not a CSV file ({error})")]) from None
    absent = [name for name in NEEDED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if absent or unknown:
        words = [f"these columns are missing: {', '.join(absent)}"] if absent else []
        words += [f"these are not known: {', '.join(unknown)[:200]}"] if unknown else []
        raise FaultyFile([Fault(1, f"The first line must name the columns; {'; '.join(words)}")])
    reader.fieldnames = header
    begins = reader.line_num + 1
    try:
        for number, row in enumerate(reader):
            # A field may hold line breaks: what is told is the line on which its row begins.
            line = reader.line_num - sum(str(value).count("\n") for value in row.values())
            if number >= LINES_MOST:
                raise FaultyFile([Fault(line, f"The file has more than {LINES_MOST} lines")])
            if None in row:
                raise FaultyFile([Fault(line, "This line has more fields than the first")])
            yield line, {name: (row.get(name) or "").strip() for name in COLUMNS}
            begins = reader.line_num + 1
    except csv.Error as error:
        why = UNREADABLE.get(str(error), "it is not CSV")
        raise FaultyFile([Fault(begins, f"This line cannot be read: {why}")]) from None


def _plan(known: Mapping[str, Organisation], lined: list[tuple[int, Mapping[str, str]]]) -> ChangePlan:
    line, first = lined[0]
    for number, row in lined[1:]:
        for name in ("kind", "effective_on", "source", "source_date"):
            if row[name] != first[name]:
                raise _AtLine(number, f"{name} differs from line {line}, which is of the same change")
    try:
        kind = Change(first["kind"].lower())
    except ValueError:
        raise _AtLine(line, f"kind must be one of {', '.join(Change)}, not {first['kind'][:40]}") from None
    return ChangePlan(
        kind=kind,
        effective_on=_date(line, "effective_on", first["effective_on"]),
        links=tuple(_link(known, kind, number, row) for number, row in lined),
        source=first["source"],
        source_date=_date(line, "source_date", first["source_date"]),
        note=" ".join(dict.fromkeys(row["note"] for _, row in lined if row["note"])),
        new_name=first["new_name"],
    )


def _link(known: Mapping[str, Organisation], kind: Change, line: int, row: Mapping[str, str]) -> LinkPlan:
    start = known.get(row["from"])
    if start is None:
        raise _AtLine(line, f"The registry holds no organisation with the code {row['from'][:40]}")
    begin = Party(start.code, start.name)
    if kind is Change.RENAME:
        return LinkPlan(begin, begin)
    share = None
    if row["share"]:
        number = row["share"].removesuffix("%").strip()
        if not number.isascii() or not number.isdecimal():
            raise _AtLine(line, f"share must be a whole number of percent, not {row['share'][:40]}")
        if len(number) > SHARE_DIGITS:
            raise _AtLine(line, f"share must be at most 100 percent, not {number[:40]}")
        share = int(number)
    code = row["to"]
    if (end := known.get(code)) is not None:
        return LinkPlan(begin, Party(end.code, end.name), share)
    if not row["to_name"]:
        words = f"The registry holds no organisation with the code {code[:40]}. " if code else ""
        raise _AtLine(line, f"{words}Fill in to_name for a new organisation")
    new = Party(code, row["to_name"], new=True, kind=start.kind.value, region=row["to_region"])
    return LinkPlan(begin, new, share)


def _date(line: int, name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _AtLine(line, f"{name} must be a date such as 2027-04-01, not {text[:40]}") from None


def words_of(plan: ChangePlan) -> str:
    """Return what a change would do, on lines of plain text."""
    lines = [f"{plan.kind.word} on {day(plan.effective_on)}"]
    if plan.kind is Change.RENAME:
        return f"{lines[0]}: {plan.starts[0].name} is called {plan.new_name}"
    for link in plan.links:
        new = ", new" if link.end.new else ""
        share = f", {link.share} percent" if link.share else ""
        lines.append(f"  {link.start.name} ({link.start.code}) to {link.end.name}{new}{share}")
    return "\n".join(lines)
