"""How a room below the matcher searches by meaning, and reads abbreviations: the factory joins the two.

`marketplace.needs` and `marketplace.technologies` know only this face; `marketplace.matches` stands behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flask import current_app


@dataclass(frozen=True, slots=True)
class Found:
    """References of needs or technologies, best first.

    ``fits`` are those that are worth a person's time; ``degraded`` is true when only words could be compared.
    ``strengths`` tells how well each fits: strong, fair or weak.
    """

    refs: tuple[str, ...]
    fits: frozenset[str] = frozenset()
    degraded: bool = False
    strengths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A part of a listing that does not count towards matching: the question it answers ("" for all), and why not.

    ``href`` leads to what it was compared with, if anything.
    """

    field: str
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A need that says the same as another, and what both say, in words for people."""

    ref: str
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alike:
    """Needs that say the same, the likest first; ``degraded`` is true when only words could be compared."""

    found: tuple[Likeness, ...] = ()
    degraded: bool = False


class LikeSearch(Protocol):
    """Find the published needs that say the same as one, or as its draft, which the person asking may see."""

    def __call__(self, ref: str, limit: int, *, draft: bool = False) -> Alike: ...


class Search(Protocol):
    """Rank what may be shown (``among``, by reference) for what a person typed."""

    def __call__(self, text: str, limit: int, among: Collection[str] | None = None) -> Found: ...


def uncounted(ref: str) -> tuple[Uncounted, ...]:
    """Return what of a technology's draft does not count towards matching. For its own supplier only."""
    find: Callable[[str], tuple[Uncounted, ...]] = current_app.extensions["uncounted"]
    return find(ref)


class Meanings(Protocol):
    """Tell what an abbreviation may stand for in a text, the likeliest first; nothing when it is not known."""

    def __call__(self, abbreviation: str, text: str, /) -> tuple[str, ...]: ...


def meanings_of(abbreviation: str, text: str) -> tuple[str, ...]:
    """Return what an abbreviation may stand for, where something that knows stands behind this face."""
    known: Meanings | None = current_app.extensions.get("abbreviation_meanings")
    return known(abbreviation, text) if known is not None else ()


def search_needs(text: str, limit: int, among: Collection[str] | None = None) -> Found:
    """Rank published needs for what a person typed."""
    search: Search = current_app.extensions["need_search"]
    return search(text, limit, among)


def search_technologies(text: str, limit: int, among: Collection[str] | None = None) -> Found:
    """Rank listed technologies for what a person typed."""
    search: Search = current_app.extensions["technology_search"]
    return search(text, limit, among)


def like_needs(ref: str, limit: int, *, draft: bool = False) -> Alike:
    """Return published needs that say the same as a published one, or as its draft."""
    search: LikeSearch = current_app.extensions["like_needs"]
    return search(ref, limit, draft=draft)
