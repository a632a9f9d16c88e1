"""What open data promises, as pure functions: cursors, moments and parameters of an address."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

#: Records of a page, unless asked otherwise, and at most.
LIMIT_USUAL, LIMIT_MOST = 100, 1000
#: The longest text that is read from an address.
TEXT_MOST = 100
#: A change carries the moment at which its transaction began to write and is seen when that ends. Who asks again
#: starts so much before the newest change that was seen, so that nothing that ended late is missed.
OVERLAP = timedelta(seconds=60)

LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"


class BadParameter(Exception):
    """A part of the address after the question mark that cannot be used: its name and what is wrong, in words."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail


# Moments ---------------------------------------------------------------------------------------------------------

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MOMENT_WANTED = "must be a date and time with its time zone, such as 2026-11-22T07:30:00Z"


def read_moment(text: str) -> datetime:
    """Return an RFC 3339 moment in UTC, or raise `ValueError` in words that follow the name of a parameter."""
    if not _RFC_3339.fullmatch(text):
        if _RFC_3339.fullmatch(text.replace(" ", "+")):
            raise ValueError(f"{_MOMENT_WANTED}. In an address write + as %2B, or end the time with Z")
        raise ValueError(_MOMENT_WANTED)
    # Python reads six digits of a second.
    plain = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text.upper())
    try:
        return datetime.fromisoformat(plain).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"is not a moment that there is. It {_MOMENT_WANTED}") from None


def written_moment(when: datetime) -> str:
    """Return a moment as addresses and records carry it, to the microsecond."""
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# Parameters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that may stand in an address: how it is read, and its JSON Schema for the published document.

    ``read`` raises `ValueError` with words that follow the parameter's name.
    """

    name: str
    about: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any] = field(repr=False)
    example: Any = None


def whole_number(name: str, about: str, *, least: int, most: int, usual: int) -> Parameter:
    """Return a parameter that is a whole number within limits."""

    def read(text: str) -> int:
        # Python would also take 1_000, ٣ and numbers of thousands of digits.
        if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most:,}")
        return int(text)

    schema = {"type": "integer", "minimum": least, "maximum": most, "default": usual}
    return Parameter(name, about, schema, read)


def choice(name: str, about: str, terms: type[StrEnum] | Collection[str]) -> Parameter:
    """Return a parameter that is one of some words."""
    words = [str(term) for term in terms]

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return text

    return Parameter(name, about, {"type": "string", "enum": words}, read)


def code(name: str, about: str, example: str = "") -> Parameter:
    """Return a parameter that names one thing by its id."""

    def read(text: str) -> str:
        if not text or len(text) > TEXT_MOST:
            raise ValueError(f"must be from 1 to {TEXT_MOST} characters long")
        return text

    schema = {"type": "string", "minLength": 1, "maxLength": TEXT_MOST}
    return Parameter(name, about, schema, read, example or None)


LIMIT = whole_number(
    "limit", "How many records a page holds at most.", least=1, most=LIMIT_MOST, usual=LIMIT_USUAL
)
CURSOR = Parameter(
    "cursor",
    "Where the next page begins. Take it from `next` of the page before, and do not make or change one yourself.",
    {"type": "string", "minLength": 1, "maxLength": 300},
    str,
)
UPDATED_SINCE = Parameter(
    "updated_since",
    "Only what was added, changed or withdrawn at this moment or later (RFC 3339).",
    {"type": "string", "format": "date-time"},
    read_moment,
    "2026-11-22T07:30:00Z",
)
WITHDRAWN = choice(
    "withdrawn",
    "`include` (as without it) shows withdrawn things as such, `leave-out` leaves them out, `only` shows no others.",
    ("include", "leave-out", "only"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for: the values of its parameters, and those that decide what the list holds."""

    values: Mapping[str, Any]
    #: As written, without ``limit`` and ``cursor``.
    lasting: Mapping[str, str]

    @property
    def limit(self) -> int:
        """Return how many records a page holds at most."""
        value: int = self.values.get("limit", LIMIT_USUAL)
        return value

    @property
    def fingerprint(self) -> str:
        """Return a short text that differs for another list."""
        plain = json.dumps(sorted(self.lasting.items()))
        return hashlib.sha256(plain.encode()).hexdigest()[:8]


def read_address(given: Sequence[tuple[str, str]], known: Sequence[Parameter]) -> Asked:
    """Return what an address asks for; raise `BadParameter` for the first part that cannot be used."""
    by_name = {parameter.name: parameter for parameter in known}
    values: dict[str, Any] = {}
    lasting: dict[str, str] = {}
    for name, text in given:
        parameter = by_name.get(name)
        if parameter is None:
            raise BadParameter(
                name[:TEXT_MOST], f"There is no such parameter here. You can use: {', '.join(by_name)}."
            )
        if name in values:
            raise BadParameter(name, f"{name} stands in the address more than once. Give it once.")
        try:
            values[name] = parameter.read(text)
        except ValueError as error:
            raise BadParameter(name, f"{name} {error}.") from None
        if name not in {"limit", "cursor"}:
            lasting[name] = text
    return Asked(values, lasting)


# Cursors ---------------------------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BAD_CURSOR = "The cursor cannot be read. Take it from `next` of the page before, or start again without one."
_OTHER_CURSOR = (
    "The cursor belongs to another list. Keep the other parameters as they were when you got it, "
    "or start again without it."
)


def write_cursor(changed: datetime, row: int, asked: Asked) -> str:
    """Return the place after a record: the moment of its change and its row, good for this list alone."""
    place = [asked.fingerprint, (changed - _EPOCH) // _MICROSECOND, row]
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(text: str, asked: Asked) -> tuple[datetime, int]:
    """Return the place that a cursor marks, or raise `BadParameter`."""
    try:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,300}", text):
            raise BadParameter("cursor", _BAD_CURSOR)
        mark, moment, row = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if type(mark) is not str or type(moment) is not int or type(row) is not int:
            raise BadParameter("cursor", _BAD_CURSOR)
        if not 0 <= row < 2**31:
            raise BadParameter("cursor", _BAD_CURSOR)
        place = _EPOCH + moment * _MICROSECOND
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise BadParameter("cursor", _BAD_CURSOR) from None
    if mark != asked.fingerprint:
        raise BadParameter("cursor", _OTHER_CURSOR)
    return place, row
