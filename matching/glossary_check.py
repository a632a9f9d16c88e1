"""Check the glossary after an edit: ``python -m matching.glossary_check [--tidy]``.

Prints what is wrong, with the line, and returns 1 where something is. ``--tidy`` first puts the rows in order and
takes out stray spaces and repeats; words and meanings are never changed. `docs/glossary.md` tells the rules.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from matching.glossary import is_short, phrase_key, read
from matching.text import words

FILE = Path(__file__).parent / "data" / "glossary.csv"
COLUMNS = ("section", "forms", "meaning", "related", "context")
_MANY = ("forms", "meaning", "related", "context")

Row = Mapping[str, str]


def parts(cell: str) -> list[str]:
    """Return what stands between the semicolons of a cell."""
    return [part for piece in cell.split(";") if (part := " ".join(piece.split()))]


def form_of(part: str) -> str:
    """Return a form without the words that it stands for."""
    return part.partition("=")[0].strip()


def order(row: Row) -> tuple[str, str, str]:
    """Return what rows are ordered by: section, first form, first meaning."""
    return row["section"].casefold(), row["forms"].casefold(), row["meaning"].casefold()


def rows_of(text: str) -> list[Row]:
    """Return the rows of a table; raises ValueError where the columns are not the five known ones."""
    table = csv.DictReader(io.StringIO(text))
    if tuple(table.fieldnames or ()) != COLUMNS:
        raise ValueError(f"line 1: the columns must be {', '.join(COLUMNS)}")
    return [{name: row[name] or "" for name in COLUMNS} for row in table]


def tidied(text: str) -> str:
    """Return a table in order, without stray spaces and repeats."""
    rows = []
    for row in rows_of(unicodedata.normalize("NFC", text)):
        cells = {name: "; ".join(dict.fromkeys(parts(row[name]))) for name in _MANY}
        rows.append({"section": " ".join(row["section"].split()), **cells})
    found = io.StringIO()
    table = csv.DictWriter(found, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(sorted(rows, key=order))
    return found.getvalue()


def faults(text: str) -> Iterator[str]:
    """Yield what is wrong with a table, each with its line; nothing where it may be used."""
    try:
        rows = rows_of(text)
        read(text)
    except ValueError as error:
        yield str(error)
        return
    for line, row in enumerate(rows, start=2):
        yield from (f"line {line}: {fault}" for fault in _row_faults(row))
    for first, second in zip(enumerate(rows, start=2), rows[1:], strict=False):
        if order(first[1]) > order(second):
            yield f"line {first[0]}: the row after this one belongs before it (--tidy puts rows in order)"
    yield from _twice_said(rows)
    if tidied(text) != text:
        yield "the file is not tidy (--tidy makes it so)"


def _row_faults(row: Row) -> Iterator[str]:
    if not row["section"].strip():
        yield "the row has no section"
    for form in parts(row["forms"]):
        if "=" in form and not is_short(form_of(form)):
            yield f"“{form_of(form)}” is not an abbreviation, so it cannot stand for other words"
        if "=" in form and not form.partition("=")[2].strip():
            yield f"“{form_of(form)}” stands for nothing: write words after the = sign"
    for start in parts(row["context"]):
        if start != start.lower() or len(start) < 2:
            yield f"context “{start}” must be lower-case and of two letters or more"
    for name in ("forms", "meaning", "related"):
        for part in parts(row[name]):
            if not words(part):
                yield f"“{part}” holds no word"


def _twice_said(rows: Sequence[Row]) -> Iterator[str]:
    """Yield concepts, abbreviations and phrases that stand on more rows than can be told apart."""
    lines = list(enumerate(rows, start=2))
    concepts = _places(lines, lambda row: [phrase_key(parts(row["meaning"])[0])])
    for places in concepts.values():
        if len(places) > 1 and sorted(bool(rows[line - 2]["context"]) for line in places) != [False, True]:
            name = parts(rows[places[0] - 2]["meaning"])[0]
            yield f"lines {_and(places)}: “{name}” is on several rows; two are allowed, one of them with context"
    shorts = _places(lines, lambda row: [_written(form) for form in map(form_of, parts(row["forms"]))])
    for written, places in shorts.items():
        free = [line for line in places if not rows[line - 2]["context"]]
        if written and len(free) > 1:
            yield f"lines {_and(free)}: “{' '.join(written)}” is on several rows without context"
    phrases = _places(lines, _phrases)
    for key, places in phrases.items():
        if len({phrase_key(parts(rows[line - 2]["meaning"])[0]) for line in places}) > 1:
            yield f"lines {_and(places)}: “{' '.join(key)}” means two things; make it related on one of the rows"


def _phrases(row: Row) -> list[tuple[str, ...]]:
    told = [form_of(form) for form in parts(row["forms"])]
    return [
        phrase_key(phrase) for phrase in (*parts(row["meaning"]), *(one for one in told if not is_short(one)))
    ]


def _written(form: str) -> tuple[str, ...]:
    return tuple(word.text for word in words(form)) if is_short(form) else ()


def _places(
    lines: Sequence[tuple[int, Row]], keys: Callable[[Row], Sequence[tuple[str, ...]]]
) -> Mapping[tuple[str, ...], Sequence[int]]:
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for line, row in lines:
        for key in dict.fromkeys(keys(row)):
            found[key].append(line)
    return found


def _and(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines))


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the shipped table, or tidy and check it."""
    parser = argparse.ArgumentParser(prog="python -m matching.glossary_check", description=__doc__)
    parser.add_argument("--tidy", action="store_true", help="put the rows in order first")
    options = parser.parse_args(arguments)
    if options.tidy:
        FILE.write_text(tidied(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    text = FILE.read_text(encoding="utf-8")
    found = list(faults(text))
    for fault in found:
        print(fault)
    if not found:
        entries = read(text)
        print(f"Nothing is wrong: {len(entries)} rows, {sum(len(one.forms) for one in entries)} forms.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
