"""What people are told of the search index: which serves, how far the next one is, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from marketplace.matches import queries
from marketplace.matches.checker import Check
from marketplace.matches.finder import finders
from marketplace.matches.models import IndexGeneration
from marketplace.matches.rules import UNFINISHED, GenerationState
from marketplace.web.pages import Page, Row, Tag
from marketplace.web.words import count, listed, moment
from matching.types import Kind

#: How many indexes the page lists.
LISTED = 6
STATES = {
    GenerationState.BUILDING: Tag("Being built", "blue"),
    GenerationState.READY: Tag("Being checked", "blue"),
    GenerationState.SERVING: Tag("Serves", "green"),
    GenerationState.RETIRED: Tag("Kept for a day", "grey"),
    GenerationState.REMOVED: Tag("Removed", "grey"),
}
FAULTS = {
    "missing": "missing",
    "stale": "out of date",
    "extra": "not public any more",
    "damaged": "damaged",
    "wrong_model": "of another model",
    "vectors": "wrong in the vector index",
}
KINDS = {Kind.NEED: "needs", Kind.TECHNOLOGY: "technologies"}


@dataclass(frozen=True, slots=True)
class Build:
    """How far the index is that is being built, for a progress bar and in words."""

    title: str
    done: int
    total: int
    words: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One index of the list: its name, its state, and what it was made by and when."""

    name: str
    tag: Tag
    words: str


@dataclass(frozen=True, kw_only=True)
class IndexPage(Page):
    """The page of the search index."""

    template = "matches/index.html"
    partial = "matches/_index.html"

    status: str
    build: Build | None
    serving: tuple[Row, ...]
    faults: tuple[str, ...]
    checked: str
    generations: tuple[Listed, ...]


def index_page(session: Session) -> IndexPage:
    """Return the page of the search index as it is now."""
    found = queries.history(session, LISTED)
    serving = next((one for one in found if one.state is GenerationState.SERVING), None)
    building = next((one for one in found if one.state in UNFINISHED), None)
    build = None if building is None else _build(building)
    return IndexPage(
        title="Search index",
        status=_status(serving, build),
        build=build,
        serving=() if serving is None else _serving(session, serving),
        faults=() if serving is None else _fault_lines(serving.findings or {}),
        checked=_checked(serving),
        generations=tuple(Listed(f"Index {one.id}", STATES[one.state], _history_words(one)) for one in found),
    )


def _status(serving: IndexGeneration | None, build: Build | None) -> str:
    if serving is None:
        return "There is no index yet. The worker makes it when the first need or technology is public."
    return f"{build.title}." if build else "The index is complete. No other is being built."


def _build(generation: IndexGeneration) -> Build:
    done, total = min(generation.done, generation.total), generation.total
    words = f"{done:,} of {count(total, 'document')}"
    if generation.state is GenerationState.READY:
        words = f"all of {count(total, 'document')}, which are now compared with the database"
    elif total:
        words += f", {100 * done // total} %"
    return Build(f"Index {generation.id} is being built", done, max(1, total), words)


def _serving(session: Session, generation: IndexGeneration) -> tuple[Row, ...]:
    own = finders()
    here = f"Index {own.serving.generation}" if own.serving.generation else "None yet"
    if own.serving.generation == generation.id:
        here += ", the one that serves"
    if own.serving.generation and not own.able:
        here += ", by words alone: this process does not have its language model"
    return (
        Row("Index", f"Index {generation.id}"),
        Row("Language model", generation.encoder_name or "None: it is searched by words alone"),
        Row("Documents", f"{queries.counted(session, generation.id):,}"),
        Row("Serves since", moment(generation.finished_at or generation.started_at)),
        Row("Answering in this web process", here),
    )


def _fault_lines(findings: dict[str, Any]) -> tuple[str, ...]:
    lines = []
    for kind, name in KINDS.items():
        numbers = findings.get(kind.value, {})
        wrong = [f"{numbers[fault]:,} {words}" for fault, words in FAULTS.items() if numbers.get(fault)]
        if wrong:
            lines.append(f"Of the {name} {listed(wrong)}.")
    if findings.get("orphans"):
        lines.append(f"{count(findings['orphans'], 'entry belongs', 'entries belong')} to no index.")
    return tuple(lines)


def _checked(serving: IndexGeneration | None) -> str:
    if serving is None or serving.checked_at is None or serving.findings is None:
        return "It has not been compared with the database yet. The worker does that every hour."
    public = sum(serving.findings.get(kind.value, {}).get("documents", 0) for kind in Kind)
    words = f"Compared with the database on {moment(serving.checked_at)}: {count(public, 'public document')}"
    return f"{words}, and nothing was wrong." if not _fault_lines(serving.findings) else f"{words}."


def _history_words(generation: IndexGeneration) -> str:
    words = [generation.encoder_name or "no language model", f"begun on {moment(generation.started_at)}"]
    if generation.finished_at is not None:
        words.append(f"served from {moment(generation.finished_at)}")
    if generation.retired_at is not None:
        words.append(f"until {moment(generation.retired_at)}")
    return ", ".join(words)


def generation_words(generations: Sequence[IndexGeneration]) -> list[str]:
    """Return a line for each generation, for the command line."""
    lines = []
    for one in generations:
        model = f"made by {one.encoder_name}" if one.encoder else "made without a language model"
        state = {
            GenerationState.BUILDING: f"is being built: {one.done:,} of {one.total:,} documents",
            GenerationState.READY: "is complete and is being compared with the database",
            GenerationState.SERVING: "serves",
            GenerationState.RETIRED: "has been replaced",
        }[one.state]
        lines.append(f"Index {one.id}, {model}, {state}.")
    return lines


def findings_words(check: Check, ids: int) -> list[str]:
    """Return what a check found, with so many references of each fault, for the command line."""
    lines = []
    for kind, name in KINDS.items():
        found = check.found[kind]
        line = f"{name}: {found.documents:,} public, {found.entries:,} in the index."
        lines.append(line if found.refs else f"{line} Nothing is wrong.")
        for fault, refs in found.faults.items():
            if refs:
                more = f" and {len(refs) - ids:,} more" if len(refs) > ids else ""
                lines.append(f"  {len(refs):,} {FAULTS[fault]}: {' '.join(refs[:ids])}{more}")
    if check.orphans:
        lines.append(f"{count(check.orphans, 'entry belongs', 'entries belong')} to no index.")
    return lines
