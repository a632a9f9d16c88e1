"""The e-mails of saved searches, as finished texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.demand.saving import LISTED_MOST
from marketplace.web.words import count, listed


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Told:
    """One thing in a digest. ``changed`` says what changed, empty for what is new."""

    title: str
    by: str
    facts: str
    href: str
    changed: str = ""


def confirm(*, looks_for: str, often: str, link: str, until: str) -> Letter:
    """Return the letter that proves an address before anything is sent to it.

    Anybody can have it sent to anybody, so it holds no word that somebody typed: those are on the page of its link.
    """
    return Letter(
        "Confirm your saved search on Demand Signal",
        f"Hello,\n\nSomebody, probably you, asked Demand Signal to tell this address about new needs of the NHS.\n\n"
        f"Looks for: {looks_for}\nE-mails: {often}\n\n"
        f"Confirm that you want this:\n{link}\n\nThe link works until {until}. "
        "If you do not use it, we send nothing more and delete your address.\n\nDemand Signal\n",
    )


def already(*, name: str, manage: str) -> Letter:
    """Return what the owner of an address gets who saves the same search again."""
    return Letter(
        "You have saved this search already",
        f"Hello,\n\nSomebody, probably you, saved a search on Demand Signal for this address that is saved already: "
        f"{name}.\n\nChange or delete it:\n{manage}\n\nDemand Signal\n",
    )


def full(*, most: int, manage: str) -> Letter:
    """Return what the owner of an address gets for which there is no room for another search."""
    return Letter(
        f"You have {most} saved searches already",
        f"Hello,\n\nSomebody, probably you, asked Demand Signal to save another search for this address. "
        f"{most} are saved for it, and there is no room for more. Delete one first.\n\n"
        f"Change or delete them:\n{manage}\n\nDemand Signal\n",
    )


def digest(*, name: str, looks_for: str, told: Sequence[Told], page: str, manage: str, stop: str) -> Letter:
    """Return what is new or changed for a saved search."""
    fresh, changed = [one for one in told if not one.changed], [one for one in told if one.changed]
    parts = [count(len(fresh), "new need")] if fresh else []
    parts += [count(len(changed), "changed need")] if changed else []
    shown = [*fresh, *changed][:LISTED_MOST]
    lines = [f"Hello,\n\nThis is new for your search “{name}” ({looks_for})."]
    for heading, some in (("New", fresh), ("Changed", changed)):
        for one in some:
            if one in shown:
                words = f"\nWhat changed: {one.changed}" if one.changed else ""
                lines.append(f"{heading}: {one.title}\n{one.by}\n{one.facts}{words}\n{one.href}")
    if len(told) > len(shown):
        lines.append(f"And {len(told) - len(shown)} more, on the page of the search.")
    lines.append(f"The whole search:\n{page}")
    lines.append(f"Change how often we write, or the name:\n{manage}")
    lines.append(f"Stop these e-mails (no sign-in needed):\n{stop}")
    return Letter(f"{listed(parts)}: {name}", "\n\n".join(lines) + "\n\nDemand Signal\n")
