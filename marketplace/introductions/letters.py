"""The e-mails of introductions, as finished texts. None but `introduced` is given anybody's contact details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.introductions import rules
from marketplace.web.words import moment

PROMISE = "Nobody on the other side sees your answer unless both sides accept. Contact details are shared only then."


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What an introduction is about, and the address of its page."""

    need: str
    organisation: str
    technology: str
    supplier: str
    broker: str
    hin: str
    address: str

    @property
    def names(self) -> str:
        """Return both sides in half a sentence."""
        return f"“{self.need}” ({self.organisation}) and {self.technology} ({self.supplier})"


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(paragraphs) + "\n")


def proposed(about: Subject, note: str, decide_by: datetime) -> Letter:
    """Ask a side for its answer."""
    return _letter(
        f"Introduction proposed: {about.technology} for “{about.need}”",
        f"{about.broker} of {about.hin} proposes to introduce {about.names} to each other.",
        f"Why:\n{note}",
        f"Please answer by {moment(decide_by)}:\n{about.address}",
        PROMISE,
    )


def reminder(about: Subject, decide_by: datetime) -> Letter:
    """Remind a side that has not answered."""
    return _letter(
        f"Reminder: please answer by {moment(decide_by)}",
        f"{about.broker} of {about.hin} proposed to introduce {about.names} to each other. "
        "We do not have your answer yet.",
        f"Please accept or decline by {moment(decide_by)}:\n{about.address}",
        PROMISE,
    )


def stopped(about: Subject) -> Letter:
    """Tell a side, in the same words whatever the cause, that nothing comes of it."""
    reasons = "\n".join(f"- {reason}" for reason in rules.POSSIBLE_REASONS)
    return _letter(
        f"Not going ahead: {about.technology} for “{about.need}”",
        f"{rules.NOT_GOING_AHEAD}: {about.names}.",
        f"We do not say which of these was the cause:\n{reasons}",
        f"No contact details were shared. You can read about it here:\n{about.address}",
    )


def introduced(about: Subject, contacts: Sequence[rules.Contact]) -> Letter:
    """Give both sides and the broker the contact details of the people who accepted."""
    people = [f"{contact.standing}\n" + "\n".join(contact.lines) for contact in contacts]
    return _letter(
        f"You have been introduced: {about.technology} for “{about.need}”",
        f"Both sides have accepted: {about.names}.",
        *people,
        "The next step: agree a first meeting within two weeks. "
        "We suggest that the need side writes first. The broker will ask how it went.",
        f"The page of the introduction:\n{about.address}",
    )


def answered(about: Subject, side: rules.Side, decision: rules.Decision) -> Letter:
    """Tell the broker that one side answered."""
    who = about.organisation if side is rules.Side.NEED else about.supplier
    said = "accepted" if decision is rules.Decision.ACCEPTED else "declined"
    discreet = (
        "The other side has not been told and may still answer. Please keep this to yourself: neither side "
        "learns of the other’s refusal."
    )
    return _letter(
        f"{who} {said}: {about.technology} for “{about.need}”",
        f"{who} {said} your proposal to introduce {about.names}.",
        *((discreet,) if decision is rules.Decision.DECLINED else ()),
        f"Where it stands:\n{about.address}",
    )


def ended(about: Subject, cause: str) -> Letter:
    """Tell the broker why an introduction came to its end by itself."""
    return _letter(
        f"Closed: {about.technology} for “{about.need}”",
        f"Your proposal to introduce {about.names} has been closed. {cause}.",
        "Both sides have been told that it is not going ahead, and not why. You can propose it again.",
        f"Where it stands:\n{about.address}",
    )
