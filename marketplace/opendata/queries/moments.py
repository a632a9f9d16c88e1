"""Moments in SQL, on both databases: of several the latest, and the beginnings of days.

"When it changed" is SQL, because pages of a list are cut in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from marketplace import clock
from marketplace.database import Moment

#: Rows to records: the ids of the rows in their order, each with the moment of its last change.
Changed = Mapping[int, datetime]


class later_of(FunctionElement[datetime]):  # noqa: N801 - named as it is called, like SQL's functions
    """The latest of two moments, neither of them NULL."""

    type = Moment()
    name = "later_of"
    inherit_cache = True


@compiles(later_of, "sqlite")
def _later_on_sqlite(element: later_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"max({compiler.process(element.clauses, **kwargs)})"


@compiles(later_of, "postgresql")
def _later_on_postgresql(element: later_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **kwargs)})"


class midnight(FunctionElement[datetime]):  # noqa: N801 - named as it is called, like SQL's functions
    """The beginning of a date in UTC, some days later: ``midnight(column, days)``."""

    type = Moment()
    name = "midnight"
    inherit_cache = True


@compiles(midnight, "sqlite")
def _midnight_on_sqlite(element: midnight, compiler: SQLCompiler, **kwargs: Any) -> str:
    day, days = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(date({day}, {days} || ' days') || ' 00:00:00.000000')"


@compiles(midnight, "postgresql")
def _midnight_on_postgresql(element: midnight, compiler: SQLCompiler, **kwargs: Any) -> str:
    day, days = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(CAST(({day} + ({days})) AS timestamp) AT TIME ZONE 'UTC')"


def latest(first: Any, *others: Any) -> ColumnElement[datetime]:
    """Return the latest of some moments; the first is never NULL, the others may be."""
    found = first
    for other in others:
        found = later_of(found, func.coalesce(other, first))
    return found  # type: ignore[no-any-return] # columns of several kinds come in


def begun(day: Any, days: int = 0) -> ColumnElement[Any]:
    """Return the moment at which a day begins, once it has begun; NULL before.

    In UTC, while pages change at midnight in England: in summer that is an hour later. Such a change is told an hour
    late and never lost; the other way round, a change made within that hour could be passed over.
    """
    when = midnight(day, literal_column(str(days)))
    return case((when <= literal(clock.now(), Moment()), when))


def in_order(rows: Mapping[int, Any], changed: Changed) -> list[tuple[Any, datetime]]:
    """Return the rows that are still there in the order of their changes: one may have gone between two reads."""
    return [(rows[row], when) for row, when in changed.items() if row in rows]
