"""The e-mails about cycles, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.needs.rounds import Round
from marketplace.web.words import count, day

KEPT = "What you write is saved as you go, and only your organisation sees it until it is published."


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(part for part in paragraphs if part) + "\n")


def opened(organisation: str, cycle: Round, waiting: int, confirm: str, write: str) -> Letter:
    """Tell that a cycle has opened, and how to answer."""
    return _letter(
        f"{cycle.name} is open: name your top three needs",
        f"{organisation} can name its top three needs in the cycle {cycle.name} until {day(cycle.locks_on)}.",
        _to_confirm(cycle, waiting, confirm),
        f"Write a need, in about 20 minutes:\n{write}",
        KEPT,
    )


def reminder(organisation: str, cycle: Round, named: int, waiting: int, confirm: str, write: str) -> Letter:
    """Remind of what is left to say in a cycle."""
    so_far = (
        f"{organisation} has not yet named a need in the cycle {cycle.name}."
        if named == 0
        else f"{organisation} has named {count(named, 'need')} in the cycle {cycle.name}."
    )
    return _letter(
        f"Reminder: name your top three needs by {day(cycle.locks_on)}",
        f"{so_far} You can answer until {day(cycle.locks_on)}.",
        _to_confirm(cycle, waiting, confirm),
        f"Write a need, in about 20 minutes:\n{write}",
        f"{KEPT} We do not remind you of this cycle again.",
    )


def cancelled(cycle: Round, reason: str, *, confirmed: bool) -> Letter:
    """Tell that a cycle was cancelled, and that nobody has to do anything."""
    return _letter(
        f"{cycle.name} was cancelled",
        f"The cycle {cycle.name}, which was open until {day(cycle.locks_on)}, was cancelled.",
        reason,
        "You do not have to do anything. Needs of the last cycle stand as they did before, and your drafts are kept.",
        "Where you said that a need is still true, you will be asked again when the next cycle opens."
        if confirmed
        else "",
    )


def _to_confirm(cycle: Round, waiting: int, address: str) -> str:
    if not waiting:
        return ""
    needs = count(waiting, "need of the last cycle waits", "needs of the last cycle wait")
    return (
        f"{needs} for your word: still true, or not? One click each:\n{address}\n"
        f"What nobody confirms by {day(cycle.locks_on)} lapses: it is no longer listed as open."
    )
