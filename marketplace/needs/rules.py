"""Decisions about needs: what may be saved, when a need is complete, what a top three is, how the board sorts.

Pure functions over plain values; the questions themselves are in `marketplace.needs.questions`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from marketplace.errors import Conflict, DomainError, NotVisible
from marketplace.needs.questions import (
    ASKS,
    MUST_LEAST,
    MUST_LIMIT,
    MUST_MOST,
    PEOPLE_MOST,
    QUESTIONS,
    Ask,
    Question,
    Shape,
)
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, FundingState, Shift, Timing

#: Topic of the outbox rows that say "look at this need again"; the subject is the need's ref.
TOPIC = "need"

PLACES = 3
REASON_LIMIT = 600
CHANGE_NOTE_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """A type of evidence that a need asks for, and what exactly."""

    type: EvidenceType
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedContent:
    """Everything that a need lead writes, as plain values. Empty texts and None mean not yet answered."""

    title: str = ""
    problem: str = ""
    who_affected: str = ""
    how_many: int | None = None
    how_many_note: str = ""
    pathway_today: str = ""
    outcome: str = ""
    measure: str = ""
    baseline: str = ""
    target: str = ""
    must: tuple[str, ...] = ()
    evidence_wanted: tuple[Wanted, ...] = ()
    clinical_area: ClinicalArea | None = None
    care_setting: CareSetting | None = None
    shift: Shift | None = None
    timing: Timing | None = None
    funding_state: FundingState | None = None


class State(StrEnum):
    """Where a need stands, derived from its moments."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


#: What a page sends to be saved: names of `NeedContent` with new values.
Changes = Mapping[str, Any]
FIELD_NAMES = tuple(item.name for item in fields(NeedContent))


# Errors


class WrongAnswer(DomainError):
    """An answer that cannot be kept even in a draft: too long, too many, not one of the choices."""


class TopThreeError(DomainError):
    """A ranking that cannot be published; ``field`` is the ref of the need it is about, where there is one."""


class NotComplete(TopThreeError):
    """A need that is to be published lacks answers."""


class DraftChanged(Conflict):
    """The draft was saved by somebody else after this form was opened: both texts are shown.

    ``theirs`` is what is saved now, with who saved it, when (in words for people) and its lock version.
    """

    def __init__(self, theirs: NeedContent, *, lock_version: int, saved_by: str, saved_at: str) -> None:
        super().__init__("This draft was changed while you were writing. Nothing of yours is lost")
        self.theirs, self.lock_version = theirs, lock_version
        self.saved_by, self.saved_at = saved_by, saved_at


class NoDraft(Conflict):
    """There is no draft to change: it was published, discarded or withdrawn meanwhile."""


# Questions


def question(slug: str) -> Question:
    """Return the question page with this address, or raise `NotVisible`."""
    for item in QUESTIONS:
        if item.slug == slug:
            return item
    raise NotVisible


def page_of(name: str) -> Question:
    """Return the question page that asks for this field."""
    return next(item for item in QUESTIONS if name in item.names)


def after(slug: str) -> Question | None:
    """Return the question page that follows, or None after the last."""
    slugs = [item.slug for item in QUESTIONS]
    following = slugs.index(slug) + 1
    return QUESTIONS[following] if following < len(QUESTIONS) else None


class Progress(StrEnum):
    """How far a question page has come."""

    NOT_STARTED = "Not started"
    STARTED = "Started"
    DONE = "Completed"


@dataclass(frozen=True, slots=True)
class Gap:
    """An answer that is missing before a need can be published, and the page that asks for it."""

    question: Question
    ask: Ask
    message: str


def gaps(content: NeedContent, asked: Sequence[Question] = QUESTIONS) -> list[Gap]:
    """Return what is missing for publication, in the order of the questions."""
    return [Gap(item, ask, message) for item in asked for ask in item.asks if (message := _gap(ask, content))]


def _gap(ask: Ask, content: NeedContent) -> str:
    answer = getattr(content, ask.name)
    if ask.shape is Shape.STATEMENTS and 0 < len(answer) < MUST_LEAST:
        return ask.gap
    if ask.shape is Shape.EVIDENCE and any(not wanted.detail for wanted in answer):
        unsaid = next(wanted for wanted in answer if not wanted.detail)
        return f"Say what exactly you want to see for “{unsaid.type.label}”"
    return "" if answer not in ("", None, ()) else ask.gap


def progress(content: NeedContent, item: Question) -> Progress:
    """Return the state of a question page for the task list."""
    if not any(getattr(content, name) not in ("", None, ()) for name in item.names):
        return Progress.NOT_STARTED
    return Progress.STARTED if gaps(content, [item]) else Progress.DONE


def is_complete(content: NeedContent) -> bool:
    """Tell whether the need can be published."""
    return not gaps(content)


# Answers


def changed(content: NeedContent, changes: Changes) -> NeedContent:
    """Return the content with the changes.

    Raises `WrongAnswer` for what may not even stand in a draft; an empty answer may.
    """
    for name, value in changes.items():
        check(name, value)
    return replace(content, **changes)


def check(name: str, value: Any) -> None:
    """Raise `WrongAnswer` when the value breaks a limit of its field."""
    ask = ASKS[name]
    for message in _faults(ask, value):
        raise WrongAnswer(message, name)


def _faults(ask: Ask, value: Any) -> Iterator[str]:
    if ask.shape in (Shape.LINE, Shape.PARAGRAPH):
        yield from _too_long(ask.short, value, ask.limit)
    elif ask.shape is Shape.NUMBER:
        if value is not None and not 1 <= value <= PEOPLE_MOST:
            yield f"{ask.short} must be between 1 and {PEOPLE_MOST:,}"
    elif ask.shape is Shape.CHOICE:
        if value is not None and ask.terms is not None and not isinstance(value, ask.terms):
            yield f"{ask.short} must be one of the choices"
    elif ask.shape is Shape.STATEMENTS:
        yield from _statement_faults(value)
    else:
        if len({wanted.type for wanted in value}) < len(value):
            yield "Choose each type of evidence once"
        for wanted in value:
            yield from _too_long(wanted.type.label, wanted.detail, ask.limit)


def _statement_faults(statements: Sequence[str]) -> Iterator[str]:
    if len(statements) > MUST_MOST:
        yield f"Enter {MUST_MOST} statements or fewer. You have {len(statements)}"
    if any(not statement for statement in statements):
        yield "A statement is empty"
    if len({statement.casefold() for statement in statements}) < len(statements):
        yield "Two statements are the same. Change or remove one of them"
    for number, statement in enumerate(statements, start=1):
        yield from _too_long(f"Statement {number}", statement, MUST_LIMIT)


def _too_long(what: str, text: str, limit: int) -> Iterator[str]:
    if len(text) > limit:
        yield f"{what} must be {limit:,} characters or fewer. Take out {len(text) - limit:,}."


def check_reason(reason: str) -> None:
    """Raise `WrongAnswer` unless the reason for a withdrawal says something, within its limit."""
    if not reason:
        raise WrongAnswer("Enter why you withdraw this need", "reason")
    for message in _too_long("The reason", reason, REASON_LIMIT):
        raise WrongAnswer(message, "reason")


def check_change_note(note: str) -> None:
    """Raise `WrongAnswer` unless a new version says what changed, within the limit."""
    if not note:
        raise WrongAnswer("Enter what you changed and why", "change_note")
    for message in _too_long("What you changed", note, CHANGE_NOTE_LIMIT):
        raise WrongAnswer(message, "change_note")


def fingerprint(content: NeedContent, names: Collection[str]) -> str:
    """Return a short hash of some answers: a form that was opened on these answers carries it.

    It tells a form that is stale in its own fields from one where somebody only answered another question.
    """
    answers = {name: repr(getattr(content, name)) for name in sorted(names)}
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()[:24]


# The top three


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A need as the ranking sees it.

    ``published`` means with a place in this cycle; ``waiting`` that it is being signed off for the first time.
    ``problem`` says why it cannot be ranked (withdrawn, another organisation's, discarded), in words that follow its
    title. ``co_signed`` means another organisation's need that this one has given a place to.
    """

    ref: str
    title: str
    published: bool = False
    waiting: bool = False
    complete: bool = True
    co_signed: bool = False
    problem: str = ""


def check_top_three(ranked_refs: Sequence[str], candidates: Mapping[str, Candidate]) -> None:
    """Raise `TopThreeError` unless these refs, best first, can be the organisation's top three of the cycle.

    ``candidates`` holds every need that was asked for, where it exists, and every need with a place already.
    """
    if not ranked_refs:
        raise TopThreeError("Choose a place for at least one need")
    if len(set(ranked_refs)) < len(ranked_refs):
        raise TopThreeError("Give each need one place only")
    for ref in ranked_refs:
        candidate = candidates.get(ref)
        if candidate is None:
            raise TopThreeError(
                "One of the needs you ranked no longer exists. Check the list and try again", ref
            )
        if candidate.problem:
            raise TopThreeError(f"“{candidate.title}” {candidate.problem}", ref)
        if not candidate.complete:
            raise NotComplete(
                f"“{candidate.title}” is not finished. Answer the questions that are left before you submit it",
                ref,
            )
    for ref, candidate in candidates.items():
        if candidate.co_signed and ref not in ranked_refs:
            raise TopThreeError(
                f"You co-sign “{candidate.title}”, which takes a place. To free it, take the co-signature back first",
                ref,
            )
        if candidate.published and ref not in ranked_refs:
            raise TopThreeError(
                f"“{candidate.title}” is published and must keep a place. To free its place, withdraw it first",
                ref,
            )
        if candidate.waiting and ref not in ranked_refs:
            raise TopThreeError(
                f"“{candidate.title}” is with its reviewers and must keep a place. To free it, take it back first",
                ref,
            )
    if len(ranked_refs) > PLACES:
        raise TopThreeError(
            f"You can publish at most {PLACES} needs in a cycle, and you ranked {len(ranked_refs)}. "
            "Leave out some, or withdraw one that is published"
        )


def order_of(places: Mapping[str, int | None]) -> list[str]:
    """Return the refs in the order of their chosen places.

    Raises `TopThreeError` for a place given twice, a fourth place, or a gap before a place that is filled.
    """
    chosen: dict[int, str] = {}
    for ref, place in places.items():
        if place is None:
            continue
        if not 1 <= place <= PLACES:
            raise TopThreeError(f"Choose a place from 1 to {PLACES}", ref)
        if place in chosen:
            raise TopThreeError(f"You gave place {place} to two needs. Choose a different place", ref)
        chosen[place] = ref
    if chosen and (missing := [place for place in range(1, max(chosen)) if place not in chosen]):
        raise TopThreeError(
            f"You left out place {missing[0]}. Fill the places from 1 down", chosen[max(chosen)]
        )
    return [chosen[place] for place in sorted(chosen)]
