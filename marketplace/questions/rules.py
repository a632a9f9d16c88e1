"""Public questions about a need: what may be asked and answered, when, and in which state a question is."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from enum import StrEnum

from marketplace.clock import LONDON, add_working_days
from marketplace.errors import Conflict, DomainError
from marketplace.introductions.rules import holds_contact_details

QUESTION_LEAST = 15
QUESTION_MOST = 600
ANSWER_LEAST = 2
ANSWER_MOST = 2000
#: Questions of one supplier about one need that may wait for an answer at the same time.
OPEN_MOST = 3
#: Within so many weekdays an answer is hoped for. Nothing closes when they have passed: it is only told.
WORKING_DAYS_TO_ANSWER = 5

NEED_GONE = "This need has been withdrawn, so questions about it are closed."
NEED_LAPSED = "This need has lapsed: its organisation has not confirmed it. Nobody can ask about it now."
_LEGAL_FORMS = re.compile(r"\b(?:ltd|limited|plc|llp|cic|inc|group|uk|holdings)\b\.?", re.IGNORECASE)


class State(StrEnum):
    """Where a question stands, derived from its moments."""

    WAITING = "waiting"
    ANSWERED = "answered"
    DECLINED = "declined"


class Reason(StrEnum):
    """Why a question is not answered in public. The asker is told; nobody else is."""

    NOT_ABOUT = "not-about"
    TELLS_WHO = "tells-who"
    ANSWERED_ALREADY = "answered-already"
    CONFIDENTIAL = "confidential"

    @property
    def label(self) -> str:
        """Return the reason as people read it."""
        return {
            Reason.NOT_ABOUT: "It is not about what this need asks for",
            Reason.TELLS_WHO: "It tells who asks, or names a product",
            Reason.ANSWERED_ALREADY: "The need or an earlier answer says it already",
            Reason.CONFIDENTIAL: "The answer cannot be made public",
        }[self]


def state(answered_at: datetime | None, declined_at: datetime | None) -> State:
    """Return where a question stands."""
    if answered_at is not None:
        return State.ANSWERED
    return State.WAITING if declined_at is None else State.DECLINED


def answer_by(asked_at: datetime) -> date:
    """Return the day until which an answer is hoped for."""
    return add_working_days(
        asked_at.replace(tzinfo=asked_at.tzinfo or UTC).astimezone(LONDON).date(), WORKING_DAYS_TO_ANSWER
    )


def telling(text: str, names: Collection[str]) -> str:
    """Return the first of ``names`` (of a supplier and its technologies) that a text gives away; else empty."""
    said = f" {_plain(text)} "
    for name in names:
        plain = _plain(_LEGAL_FORMS.sub(" ", name))
        if len(plain) > 2 and f" {plain} " in said:
            return name
    return ""


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def check_question(text: str, names: Collection[str]) -> None:
    """Raise unless a question may be asked: long enough, short enough, and without a word that tells who asks."""
    _check_length(text, QUESTION_LEAST, QUESTION_MOST, "question", "Question")
    if holds_contact_details(text):
        raise DomainError(
            "Take the e-mail address, telephone number or web address out of the question. Questions are public, "
            "and nobody is told who asks",
            "question",
        )
    if given := telling(text, names):
        raise DomainError(
            f"Take “{given}” out of the question. Questions are public, and this name would tell who asks",
            "question",
        )


def check_answer(question: str, answer: str) -> None:
    """Raise unless a question, as it will be published, and its answer may be public."""
    _check_length(question, QUESTION_LEAST, QUESTION_MOST, "question", "Question")
    _check_length(answer, ANSWER_LEAST, ANSWER_MOST, "answer", "Answer")
    for field, text in (("question", question), ("answer", answer)):
        if holds_contact_details(text):
            raise DomainError(
                f"Take the e-mail address, telephone number or web address out of the {field}. Suppliers reach you "
                "through a HIN broker, who introduces you",
                field,
            )


def _check_length(text: str, least: int, most: int, field: str, name: str) -> None:
    if not text:
        raise DomainError(f"Enter the {field}", field)
    if len(text) < least:
        raise DomainError(
            f"{name} must be {least} characters or more, so that everybody can understand it", field
        )
    if len(text) > most:
        raise DomainError(
            f"{name} must be {most:,} characters or fewer. Take out {len(text) - most:,}.", field
        )


def check_open(withdrawn_at: datetime | None, *, lapsed: bool = False) -> None:
    """Raise when the need is gone, or has lapsed and nobody may be left to answer."""
    if withdrawn_at is not None:
        raise Conflict(NEED_GONE)
    if lapsed:
        raise Conflict(NEED_LAPSED)


def check_waiting(where: State) -> None:
    """Raise unless the question still waits."""
    if where is State.ANSWERED:
        raise Conflict("A colleague has answered this question meanwhile.")
    if where is State.DECLINED:
        raise Conflict("A colleague has set this question aside meanwhile.")


def check_new(text: str, waiting: Collection[str]) -> None:
    """Raise for a question that a supplier's own waiting one asks in the same words: its lead would read it twice."""
    if _plain(text) in {_plain(one) for one in waiting}:
        raise DomainError("Your organisation has asked this already, and it waits for an answer", "question")


def check_count(waiting: int) -> None:
    """Raise when a supplier has enough questions waiting about one need."""
    if waiting >= OPEN_MOST:
        raise DomainError(
            f"Your organisation has {OPEN_MOST} questions about this need that wait for an answer. "
            "Ask again when one of them is answered"
        )
