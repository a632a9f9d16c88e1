"""The e-mails about changes of organisations, as finished texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.web.words import day, listed


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(paragraphs) + "\n")


def recorded(what: str, on: date, starts: Sequence[str], address: str, *, ends: bool) -> Letter:
    """Tell the people of an organisation that its change is recorded."""
    return _letter(
        f"Your organisation changes on {day(on)}",
        f"It is recorded that: {what}",
        (
            f"On {day(on)} {listed(starts)} {'closes' if len(starts) == 1 else 'close'} in this service. An "
            "administrator then chooses, one by one, where needs, drafts and people go. You keep your role until "
            "that is done, and nothing is lost."
            if ends
            else "You do not have to do anything."
        ),
        f"What everybody can read about it:\n{address}",
        "If this is wrong, write to an administrator of Demand Signal.",
    )


def cancelled(what: str, on: date) -> Letter:
    """Tell the people of an organisation that its change was recorded by mistake or will not happen."""
    return _letter(
        f"The change of your organisation on {day(on)} is cancelled",
        f"An administrator has cancelled this: {what}",
        "Everything stays as it is.",
    )


def due(what: str, on: date, waiting: int, address: str) -> Letter:
    """Tell the administrators that the day has come, and what is left to choose."""
    left = (
        f"{waiting} choices are still to be made before it can be confirmed."
        if waiting
        else "Every choice is made. It waits for somebody to confirm it."
    )
    return _letter(
        f"The handover of {day(on)} waits for you",
        f"Today this takes effect: {what}",
        left,
        f"Until it is confirmed the needs stay with the organisations that have closed:\n{address}",
    )


def settled(names: Sequence[str], what: str, address: str) -> Letter:
    """Tell a person where they belong from now on; with no names, that their role has ended."""
    return _letter(
        f"You now belong to {listed(names)}" if names else "Your role has ended",
        f"This has taken effect: {what}",
        (
            f"From now on you hold your role at {listed(names)}. Sign in as before."
            if names
            else "Your organisation has closed and your role was not carried on. If you should have one at a "
            "successor, ask a colleague there to invite you."
        ),
        f"What belongs to which organisation now:\n{address}",
    )
