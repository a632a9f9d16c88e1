"""Decisions about the sign-off of a need: where a submission stands, who may decide, and how long a HIN has.

Pure functions over plain values. See `docs/decisions` for why each rule is as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from marketplace.clock import LONDON, add_working_days
from marketplace.errors import Conflict, DomainError
from marketplace.needs.questions import ASKS
from marketplace.needs.rules import TopThreeError, WrongAnswer

COMMENT_LIMIT = 600
REPLY_LIMIT = 600
NOTE_LIMIT = 600
#: Within so many weekdays a HIN checks what a sponsor approved; afterwards the sponsor may publish without it.
WORKING_DAYS_TO_CHECK = 10
CLOSING_HOUR = time(17)


class Step(StrEnum):
    """Where a submission stands, derived from its moments."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    TAKEN_BACK = "taken-back"
    PUBLISHED = "published"

    @property
    def open(self) -> bool:
        """Tell whether somebody has to decide on it."""
        return self in OPEN


#: The steps in which somebody has to decide.
OPEN = (Step.SUBMITTED, Step.APPROVED)


class Unchecked(StrEnum):
    """Why a need was published without a HIN's check. Everybody reads it beside the need."""

    OWN = "own"
    NO_HIN = "no-hin"
    SILENT = "silent"

    @property
    def words(self) -> str:
        """Return the reason as people read it."""
        return {
            Unchecked.OWN: "it is the need of a health innovation network itself, and nobody checks their own",
            Unchecked.NO_HIN: "no health innovation network that covers this organisation uses this service yet",
            Unchecked.SILENT: (
                f"the health innovation network did not answer within {WORKING_DAYS_TO_CHECK} working days"
            ),
        }[self]


class NotReady(TopThreeError):
    """A need cannot be submitted yet; ``field`` is its ref."""


class Submitted(Conflict):
    """The text is with its reviewers: nobody changes it before it is returned or taken back."""


class OwnWork(DomainError):
    """A person who wrote or submitted a need tried to sign it off."""


class Decided(Conflict):
    """Somebody else decided, or the writers took it back, after this page was opened."""


def step(*, approved: bool, returned: bool, taken_back: bool, published: bool) -> Step:
    """Return where a submission stands."""
    if taken_back:
        return Step.TAKEN_BACK
    if returned:
        return Step.RETURNED
    if published:
        return Step.PUBLISHED
    return Step.APPROVED if approved else Step.SUBMITTED


def check_by(approved_at: datetime) -> datetime:
    """Return the moment until which the HIN may check alone: 5pm in England on the tenth weekday after approval."""
    last = add_working_days(approved_at.astimezone(LONDON).date(), WORKING_DAYS_TO_CHECK)
    return datetime.combine(last, CLOSING_HOUR, LONDON).astimezone(UTC)


def is_silent(approved_at: datetime | None, now: datetime) -> bool:
    """Tell whether the HIN's time to check is over."""
    return approved_at is not None and now >= check_by(approved_at)


def check_not_own(user_id: int | None, writers: Collection[int], what: str) -> None:
    """Raise `OwnWork` when a person would sign off what they wrote; ``what`` is the verb, such as "approve"."""
    if user_id is None or user_id in writers:
        raise OwnWork(
            f"You wrote or submitted this need, so somebody else has to {what} it. "
            "You can invite a colleague for that"
        )


def check_current(asked: Step, now: Step, asked_lock: int, now_lock: int) -> None:
    """Raise `Decided` unless the submission is still the one that the reviewer looked at."""
    if now is asked and asked_lock == now_lock:
        return
    raise Decided(
        {
            Step.APPROVED: "Another sponsor has approved this need meanwhile",
            Step.RETURNED: "Somebody else has returned this need with comments meanwhile",
            Step.TAKEN_BACK: "The writers have taken this need back meanwhile, to change it",
            Step.PUBLISHED: "This need has been published meanwhile",
            Step.SUBMITTED: "This need was submitted anew meanwhile. Read the new text",
        }[now]
    )


def check_return(comments: Mapping[str, str], note: str) -> None:
    """Raise `DomainError` unless a return says what to change, within the limits."""
    for message, name in _return_faults(comments, note):
        raise DomainError(message, name)


def _return_faults(comments: Mapping[str, str], note: str) -> Iterator[tuple[str, str]]:
    if not note and not any(comments.values()):
        yield "Write a comment beside the field that should change, or a note, before you return it", "note"
    for name, text in comments.items():
        if name not in ASKS:
            yield "That is no field of a need", "note"
        elif len(text) > COMMENT_LIMIT:
            over = len(text) - COMMENT_LIMIT
            yield (
                f"The comment on “{ASKS[name].short}” must be {COMMENT_LIMIT} characters or fewer. Take out {over}.",
                f"comment_{name}",
            )
    if len(note) > NOTE_LIMIT:
        yield f"The note must be {NOTE_LIMIT} characters or fewer. Take out {len(note) - NOTE_LIMIT}.", "note"


def check_reply(reply: str) -> None:
    """Raise `WrongAnswer` for a reply to a comment that is too long."""
    if len(reply) > REPLY_LIMIT:
        raise WrongAnswer(
            f"Your reply must be {REPLY_LIMIT} characters or fewer. Take out {len(reply) - REPLY_LIMIT}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What submission wants to know of a need beside its text.

    ``deputy`` and ``owner`` tell whether there is such a person who still belongs to the organisation;
    ``open_fields`` are the fields whose comments nobody has settled.
    """

    ref: str
    title: str
    owner: bool
    deputy: bool
    waiting: bool
    open_fields: Sequence[str] = ()


def check_ready(need: Readiness) -> None:
    """Raise `NotReady` unless a need can be submitted for sign-off."""
    if need.waiting:
        raise NotReady(f"“{need.title}” is with its reviewers already", need.ref)
    if not need.owner:
        raise NotReady(
            f"The person who led “{need.title}” has left. Take it over before you submit it", need.ref
        )
    if not need.deputy:
        raise NotReady(f"“{need.title}” has no deputy. Name one before you submit it", need.ref)
    if need.open_fields:
        names = ", ".join(ASKS[name].short for name in need.open_fields)
        raise NotReady(
            f"Answer the reviewer’s comments on “{need.title}” before you submit it again: {names}", need.ref
        )
