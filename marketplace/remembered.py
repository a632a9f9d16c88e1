"""What was read of the database and is kept in this process for as long as nothing that it was made of has changed.

Lists of demand are made of thousands of rows that seldom change. The database itself draws a new `Stamp` in the
transaction of every change to those tables (triggers, so nobody can forget it), and a read that finds the stamp it
remembers takes what it has. Whoever sees a change sees its stamp, in whichever process, as both become visible in one
commit; commits draw one after another. Decision 22 says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from threading import Lock
from typing import TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import clock
from marketplace.database import Base, db

Value = TypeVar("Value")


class Part(StrEnum):
    """What changes together; each has its own column of the stamp."""

    BOARD = "board"
    PICTURE = "picture"


#: The tables whose changes draw a new stamp: triggers of the migrations, one for each.
TABLES: dict[Part, tuple[str, ...]] = {
    Part.BOARD: (
        "organisation",
        "cycle",
        "need",
        "need_version",
        "priority",
        "family",
        "family_member",
    ),
    Part.PICTURE: ("theme", "theme_member", "co_signature", "need_fit"),
}


class Stamp(Base):
    """One row of random texts, new with each change: drawn, not counted, so that none ever comes again.

    A counter would come again where a transaction is rolled back or a backup is put in place.
    """

    __tablename__ = "stamp"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    board: Mapped[str]
    picture: Mapped[str]


@dataclass(slots=True)
class _Kept:
    """One read: the stamps and the day that it was made under, with what came of it; None before the first."""

    lock: Lock = field(default_factory=Lock)
    held: tuple[tuple[str | date, ...], object] | None = None


class Memory:
    """What this process remembers, by name."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def of(self, name: str) -> _Kept:
        """Return the place of a read, empty at first."""
        with self._lock:
            return self._kept.setdefault(name, _Kept())


def init(app: Flask) -> None:
    """Give this process an empty memory."""
    app.extensions["memory"] = Memory()


def remembered(name: str, parts: tuple[Part, ...], read: Callable[[], Value]) -> Value:
    """Return what ``read`` returns, from memory where nothing of these parts has changed since, on the same day.

    What is remembered is shared by all readers: it must be the same for everybody, and nobody may change it. Inside
    a transaction that writes it is read anew and not kept, as nobody else may ever see what that writes.
    """
    return renewed(name, parts, lambda _: read())


def renewed(name: str, parts: tuple[Part, ...], read: Callable[[Value | None], Value]) -> Value:
    """Do the same for a ``read`` that takes over what it can of what was remembered before (None: nothing)."""
    if db.session.connection().get_execution_options().get("writes"):
        return read(None)
    columns = [getattr(Stamp, part.value) for part in parts]
    # The stamp first: what is read after it is as new or newer, so at worst it is read once more.
    under = (*db.session.execute(select(*columns)).one(), clock.today())
    memory: Memory = current_app.extensions["memory"]
    kept = memory.of(name)
    if (held := kept.held) is not None and held[0] == under:
        return cast("Value", held[1])
    with kept.lock:  # who comes meanwhile waits, instead of reading the same beside it
        if (held := kept.held) is not None and held[0] == under:
            return cast("Value", held[1])
        value = read(cast("Value", held[1]) if held is not None else None)
        kept.held = under, value
    return value
