"""Long lists in pages that can be bookmarked: the address holds the search and the page's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from flask import url_for

PER_PAGE = 20
#: Digits of a page number that are read: Python refuses to read numbers of thousands of digits.
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of how many, with the addresses of its neighbours (empty where there is none)."""

    number: int
    pages: int
    previous: str = ""
    next: str = ""

    @property
    def offset(self) -> int:
        """Return how many entries come before this page."""
        return (self.number - 1) * PER_PAGE

    @classmethod
    def build(cls, endpoint: str, chosen: Mapping[str, str], wanted: str, total: int) -> Self:
        """Return the page that was asked for, or the nearest there is. ``chosen`` are the address's other values."""
        pages = max(1, -(-total // PER_PAGE))
        readable = wanted.isascii() and wanted.isdigit() and len(wanted) <= MOST_DIGITS
        number = min(max(int(wanted), 1), pages) if readable else 1

        def address(page: int) -> str:
            return url_for(endpoint, **{key: value for key, value in chosen.items() if value}, page=page)  # type: ignore[arg-type] # values for the query

        return cls(
            number,
            pages,
            previous=address(number - 1) if number > 1 else "",
            next=address(number + 1) if number < pages else "",
        )
