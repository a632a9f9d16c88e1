"""Decisions about introductions: who sees what of whom, until when an answer counts, and what a note may hold.

The one promise of this room: a side never learns that the other declined, or that it has not answered. Everything
that a side is shown comes from `seen_by`, which is not given the other side's answer at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from marketplace.clock import LONDON, add_working_days
from marketplace.errors import Conflict, DomainError

#: Monday to Friday. Bank holidays are not left out: they change from year to year and would have to be data.
WORKING_DAYS_TO_ANSWER = 10
REMIND_WORKING_DAYS_BEFORE = 3
#: Five in the afternoon in England, on the last day.
CLOSING_HOUR = time(17, 0)

NOTE_LEAST, NOTE_MOST = 20, 1200
REASON_LEAST, REASON_MOST = 5, 500
COMPARE_LEAST, COMPARE_MOST = 2, 4

NOT_GOING_AHEAD = "This introduction is not going ahead"
POSSIBLE_REASONS = (
    "one of the two sides decided not to go ahead",
    "one of the two sides did not answer in time",
    "the broker closed it, for example because the need was withdrawn",
)

ALREADY_OPEN = (
    "This need and this technology have been proposed to each other already, and the answers are still open."
)
INTRODUCED_BEFORE = "This need and this technology have been introduced to each other already."
PROPOSED_ELSEWHERE = "Another HIN has proposed this need and this technology to each other."
WHY_DECLINED = "Say in a few words why you decline. Only the broker will read it"
WHY_CLOSED = "Say in a few words why you close it. Only brokers of your HIN will read it"


class Side(StrEnum):
    """The two sides of an introduction."""

    NEED = "need"
    SUPPLIER = "supplier"

    @property
    def other(self) -> Side:
        """Return the opposite side."""
        return Side.SUPPLIER if self is Side.NEED else Side.NEED


class Decision(StrEnum):
    """What one side answered."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class State(StrEnum):
    """Where an introduction stands, as its broker and nobody else sees it."""

    PROPOSED = "proposed"
    WAITING_FOR_SUPPLIER = "waiting-for-supplier"
    WAITING_FOR_NEED = "waiting-for-need"
    INTRODUCED = "introduced"
    STOPPED = "stopped"

    @property
    def label(self) -> str:
        """Return the state as brokers read it."""
        return {
            State.PROPOSED: "Waiting for both sides",
            State.WAITING_FOR_SUPPLIER: "Waiting for the supplier",
            State.WAITING_FOR_NEED: "Waiting for the need side",
            State.INTRODUCED: "Introduced",
            State.STOPPED: "Not going ahead",
        }[self]

    @property
    def waiting(self) -> bool:
        """Tell whether the broker waits for an answer."""
        return self in (State.PROPOSED, State.WAITING_FOR_SUPPLIER, State.WAITING_FOR_NEED)


class Stop(StrEnum):
    """Why an introduction is not going ahead: for the broker alone."""

    DECLINED_BY_NEED = "declined-by-need"
    DECLINED_BY_SUPPLIER = "declined-by-supplier"
    DECLINED_BY_BOTH = "declined-by-both"
    CLOSED = "closed"
    NO_ANSWER = "no-answer"

    @property
    def label(self) -> str:
        """Return the cause as brokers read it."""
        return {
            Stop.DECLINED_BY_NEED: "The need side declined",
            Stop.DECLINED_BY_SUPPLIER: "The supplier declined",
            Stop.DECLINED_BY_BOTH: "Both sides declined",
            Stop.CLOSED: "Closed before both had answered",
            Stop.NO_ANSWER: "No answer in time",
        }[self]


class Seen(StrEnum):
    """Where an introduction stands, as one of its sides sees it."""

    TO_ANSWER = "to-answer"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    INTRODUCED = "introduced"
    NOT_GOING_AHEAD = "not-going-ahead"

    @property
    def label(self) -> str:
        """Return the state as the side reads it."""
        return {
            Seen.TO_ANSWER: "Waiting for your answer",
            Seen.ACCEPTED: "You accepted",
            Seen.DECLINED: "You declined",
            Seen.INTRODUCED: "Introduced",
            Seen.NOT_GOING_AHEAD: "Not going ahead",
        }[self]

    @property
    def open(self) -> bool:
        """Tell whether the side may answer, or change its answer."""
        return self in (Seen.TO_ANSWER, Seen.ACCEPTED, Seen.DECLINED)


class Group(StrEnum):
    """How far a need of the patch has come."""

    NOTHING_PROPOSED = "nothing-proposed"
    STOPPED = "stopped"
    IN_DIALOGUE = "in-dialogue"
    INTRODUCED = "introduced"

    @property
    def label(self) -> str:
        """Return the group as brokers read it."""
        return {
            Group.NOTHING_PROPOSED: "Nothing proposed yet",
            Group.STOPPED: "All proposals stopped",
            Group.IN_DIALOGUE: "Waiting for answers",
            Group.INTRODUCED: "Introduced",
        }[self]


@dataclass(frozen=True, slots=True)
class Course:
    """The stored moments and answers of one introduction."""

    decide_by: datetime
    need: Decision | None = None
    supplier: Decision | None = None
    closed_at: datetime | None = None

    def answer(self, side: Side) -> Decision | None:
        """Return what one side answered."""
        return self.need if side is Side.NEED else self.supplier

    @property
    def introduced(self) -> bool:
        """Tell whether both sides accepted."""
        return self.need is Decision.ACCEPTED and self.supplier is Decision.ACCEPTED

    def ended(self, now: datetime) -> bool:
        """Tell whether no answer counts any more: introduced, closed, or out of time."""
        return self.introduced or self.closed_at is not None or now >= self.decide_by


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to talk to, once both sides accepted. ``standing`` says for whom the person stands."""

    standing: str
    name: str
    job_title: str
    email: str
    telephone: str

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the contact's lines, without empty ones."""
        return tuple(line for line in (self.name, self.job_title, self.email, self.telephone) if line)


def state(course: Course, now: datetime) -> State:
    """Return where the introduction stands, for its broker."""
    if course.introduced:
        return State.INTRODUCED
    if course.ended(now) or Decision.DECLINED in (course.need, course.supplier):
        return State.STOPPED
    if course.need is Decision.ACCEPTED:
        return State.WAITING_FOR_SUPPLIER
    if course.supplier is Decision.ACCEPTED:
        return State.WAITING_FOR_NEED
    return State.PROPOSED


def stop(course: Course, now: datetime) -> Stop | None:
    """Return why it is not going ahead, for its broker; None while it is, or may be."""
    if state(course, now) is not State.STOPPED:
        return None
    declined = [side for side in Side if course.answer(side) is Decision.DECLINED]
    if len(declined) == 2:
        return Stop.DECLINED_BY_BOTH
    if declined:
        return Stop.DECLINED_BY_NEED if declined == [Side.NEED] else Stop.DECLINED_BY_SUPPLIER
    return (
        Stop.CLOSED
        if course.closed_at is not None and course.closed_at < course.decide_by
        else Stop.NO_ANSWER
    )


def seen_by(side: Side, course: Course, now: datetime) -> Seen:
    """Return where the introduction stands, for one side."""
    return _seen(course.answer(side), introduced=course.introduced, ended=course.ended(now))


def _seen(own: Decision | None, *, introduced: bool, ended: bool) -> Seen:
    # The other side's answer does not come in here: a refusal and silence cannot be told apart by mistake.
    if introduced:
        return Seen.INTRODUCED
    if ended:
        return Seen.NOT_GOING_AHEAD
    if own is None:
        return Seen.TO_ANSWER
    return Seen.ACCEPTED if own is Decision.ACCEPTED else Seen.DECLINED


def told(course: Course, now: datetime) -> str:
    """Return in words, for the broker, why it is not going ahead; the empty text while it is, or may be."""
    cause = stop(course, now)
    return cause.label if cause else ""


def check_answer(side: Side, course: Course, now: datetime) -> None:
    """Raise unless the side may answer now.

    An answer may be changed until the introduction is made or closed, whatever the other side has said: a rule
    that hung on the other side's answer would give it away.
    """
    seen = seen_by(side, course, now)
    if seen is Seen.INTRODUCED:
        raise Conflict("Both sides have accepted meanwhile, so the answer can no longer be changed.")
    if not seen.open:
        raise Conflict(f"{NOT_GOING_AHEAD}. An answer can no longer be given.")


def check_close(course: Course, now: datetime) -> None:
    """Raise unless the broker may still close it."""
    if course.introduced:
        raise Conflict("Both sides have accepted meanwhile. An introduction that was made cannot be closed.")
    if course.ended(now):
        raise Conflict("This introduction has been closed already.")


NEED_LAPSED = (
    "This need has lapsed: its organisation has not confirmed it, so nobody can be introduced for it."
)


def check_subjects(*, need_open: bool, technology_open: bool, lapsed: bool = False) -> None:
    """Raise when one of the two has been taken away meanwhile."""
    if lapsed:
        raise DomainError(NEED_LAPSED)
    if not need_open:
        raise DomainError("This need has been withdrawn meanwhile, so nobody can be introduced for it.")
    if not technology_open:
        raise DomainError("This technology is no longer listed, so it cannot be introduced.")


def check_note(note: str) -> str:
    """Return the note, or raise when it is too short, too long, or would hand out contact details early."""
    if len(note) < NOTE_LEAST:
        raise DomainError(
            f"Say in {NOTE_LEAST} characters or more why the two should talk. Both sides will read it", "note"
        )
    if len(note) > NOTE_MOST:
        over = len(note) - NOTE_MOST
        raise DomainError(f"Note must be {NOTE_MOST:,} characters or fewer. Take out {over:,}.", "note")
    if holds_contact_details(note):
        raise DomainError(
            "Take the e-mail address, telephone number or web address out of the note. "
            "Contact details are shared when both sides have accepted",
            "note",
        )
    return note


def check_reason(reason: str, *, asked: str) -> str:
    """Return the reason, or raise when it is too short or too long. ``asked`` is what to say when it is missing."""
    if len(reason) < REASON_LEAST:
        raise DomainError(asked, "reason")
    if len(reason) > REASON_MOST:
        over = len(reason) - REASON_MOST
        raise DomainError(f"Reason must be {REASON_MOST:,} characters or fewer. Take out {over:,}.", "reason")
    return reason


_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|https?://|\bwww\.", re.IGNORECASE)
_TELEPHONE = re.compile(r"(?<![\w.,])(?:\+44|\(?0)(?:[\s().-]*\d){9,11}(?!\d)")


def holds_contact_details(text: str) -> bool:
    """Tell whether a text holds an e-mail address, a web address or a UK telephone number."""
    return bool(_ADDRESS.search(text) or _TELEPHONE.search(text))


def answer_by(proposed_at: datetime) -> datetime:
    """Return the moment until which both sides may answer: 5pm in England on the tenth weekday after the proposal."""
    last = add_working_days(proposed_at.astimezone(LONDON).date(), WORKING_DAYS_TO_ANSWER)
    return datetime.combine(last, CLOSING_HOUR, LONDON).astimezone(UTC)


def remind_at(decide_by: datetime) -> datetime:
    """Return when a side that has not answered is reminded, once: 5pm in England, three weekdays before the end."""
    day = add_working_days(decide_by.astimezone(LONDON).date(), -REMIND_WORKING_DAYS_BEFORE)
    return datetime.combine(day, CLOSING_HOUR, LONDON).astimezone(UTC)


def due_before(now: datetime) -> datetime:
    """Return the latest end whose reminder is due by now: `remind_at` the other way round."""
    local = now.astimezone(LONDON)
    day = local.date() if local.time() >= CLOSING_HOUR else local.date() - timedelta(days=1)
    last = add_working_days(day, REMIND_WORKING_DAYS_BEFORE)
    return datetime.combine(last, CLOSING_HOUR, LONDON).astimezone(UTC)


def state_shown(sides: Sequence[Side], course: Course, now: datetime) -> State:
    """Return the state that a broker is shown: everything, or what one sees of it who also answers for a side."""
    if not sides:
        return state(course, now)
    seen = seen_by(sides[0], course, now)
    if seen is Seen.INTRODUCED:
        return State.INTRODUCED
    return State.PROPOSED if seen.open else State.STOPPED


def group(states: Sequence[State]) -> Group:
    """Return how far a need has come, from the states of its introductions."""
    if State.INTRODUCED in states:
        return Group.INTRODUCED
    if any(one.waiting for one in states):
        return Group.IN_DIALOGUE
    return Group.STOPPED if states else Group.NOTHING_PROPOSED


def urgency(where: Group, due: datetime | None, now: datetime) -> int:
    """Return the place of a need's group in the triage list, most urgent first; 0 is an answer about to run out."""
    if where is Group.IN_DIALOGUE and due is not None and remind_at(due) <= now:
        return 0
    return 1 + (Group.NOTHING_PROPOSED, Group.STOPPED, Group.IN_DIALOGUE, Group.INTRODUCED).index(where)
