"""Decisions about changes of organisations: what may be recorded, what a choice is, when counts add up.

Pure functions over plain values. Why each rule is as it is stands in `docs/decisions`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from marketplace.errors import Conflict, DomainError
from marketplace.organisations.rules import Change

NAME_LIMIT = 120
SOURCE_LIMIT = 300
NOTE_LIMIT = 600
REASON_LIMIT = 600
PLACES = 3
#: The most organisations on either side of one change.
SIDE_MOST = 12
#: How ODS codes are formed: an ICB's starts with Q, a trust's with R or T. Never made up here, only checked.
ODS_CODES: Mapping[str, re.Pattern[str]] = {
    "icb": re.compile(r"Q[A-Z0-9]{2}"),
    "trust": re.compile(r"[RT][A-Z0-9]{2,4}"),
}

#: Choices that are no successor.
EVERY = "every"
END = "end"
STAY = "stay"
UNPLACED = "unplaced"
WITHDRAW = "withdraw"
_TO = "to:"


class State(StrEnum):
    """Where a change stands, derived from its dates and moments."""

    PLANNED = "planned"
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


class NotReady(DomainError):
    """The handover cannot be confirmed yet: choices are missing, or the day has not come."""


class ChangedMeanwhile(Conflict):
    """Somebody else changed the plan after this page was opened."""


class DoesNotAddUp(Conflict):
    """The counts after the handover are not those before with what was moved; nothing was changed."""


def state(
    effective_on: date, today: date, *, cancelled: bool, settled: bool, hands_over: bool = True
) -> State:
    """Return where a change stands; one that hands nothing over (a new name) is done on its day."""
    if cancelled:
        return State.CANCELLED
    if settled:
        return State.DONE
    if effective_on > today:
        return State.PLANNED
    return State.WAITING if hands_over else State.DONE


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation of a change: one of the registry by its code, or a new one with its name.

    ``code`` of a new one is its ODS code, or empty while there is none.
    """

    code: str
    name: str = ""
    new: bool = False
    kind: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """One organisation goes to another, with a share in percent where it goes to several."""

    start: Party
    end: Party
    share: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlan:
    """A change as somebody asks for it."""

    kind: Change
    effective_on: date
    links: tuple[LinkPlan, ...]
    source: str
    source_date: date
    note: str = ""
    new_name: str = ""

    @property
    def starts(self) -> tuple[Party, ...]:
        """Return the organisations that it starts from, once each."""
        return tuple(dict.fromkeys(link.start for link in self.links))

    @property
    def ends(self) -> tuple[Party, ...]:
        """Return the organisations that it leads to, once each."""
        return tuple(dict.fromkeys(link.end for link in self.links))


def check_plan(plan: ChangePlan, today: date) -> None:
    """Raise `DomainError` unless the change makes sense by itself; the registry is looked at elsewhere."""
    _check_facts(plan, today)
    starts, ends = plan.starts, plan.ends
    if not starts:
        raise DomainError("Choose the organisation that changes", "from_1")
    if plan.kind is Change.RENAME:
        if len(starts) != 1:
            raise DomainError("Give one organisation a new name at a time", "from_1")
        return
    if not ends:
        raise DomainError("Enter the organisation that follows", "to_1")
    if len(starts) > SIDE_MOST or len(ends) > SIDE_MOST:
        raise DomainError(f"A change can have at most {SIDE_MOST} organisations on each side", "from_1")
    if plan.kind is Change.MERGE and (len(starts) < 2 or len(ends) != 1):
        raise DomainError("A merger needs at least two organisations that become exactly one", "to_1")
    if plan.kind is Change.SPLIT and (len(starts) != 1 or len(ends) < 2):
        raise DomainError("A split needs one organisation that becomes at least two", "to_1")
    if plan.kind is Change.MIXED and len(starts) < 2:
        raise DomainError("A reorganisation needs at least two organisations that close", "from_1")
    pairs = [(link.start.code, link.end.code or link.end.name) for link in plan.links]
    if len(set(pairs)) < len(pairs):
        raise DomainError("The same organisation goes twice to the same successor", "to_1")
    codes = {one.code for one in starts}
    if plan.kind is not Change.MERGE and codes & {one.code for one in ends if one.code}:
        raise DomainError("An organisation cannot follow itself here", "to_1")
    _check_shares(plan)


def _check_facts(plan: ChangePlan, today: date) -> None:
    if not plan.source:
        raise DomainError("Enter where you know this from", "source")
    for text, limit, name, words in (
        (plan.source, SOURCE_LIMIT, "source", "The source"),
        (plan.note, NOTE_LIMIT, "note", "The note"),
        (plan.new_name, NAME_LIMIT, "new_name", "The new name"),
    ):
        if len(text) > limit:
            raise DomainError(f"{words} must be {limit} characters or fewer", name)
    if plan.source_date > today:
        raise DomainError("The date of the source must be today or in the past", "source_date")
    if plan.kind is Change.RENAME and not plan.new_name:
        raise DomainError("Enter the new name", "new_name")
    for party in plan.ends:
        if party.new:
            check_new(party)


def check_new(party: Party) -> None:
    """Raise unless a new organisation has a name, and its ODS code, if given, is formed like one."""
    if not party.name:
        raise DomainError("Enter the name of the new organisation", "to_1")
    if len(party.name) > NAME_LIMIT:
        raise DomainError(f"A name must be {NAME_LIMIT} characters or fewer", "to_1")
    pattern = ODS_CODES.get(party.kind)
    if party.code and pattern is not None and not pattern.fullmatch(party.code):
        raise DomainError(
            f"{party.code} is not formed like an ODS code of this kind. Leave it out until ODS has published it",
            "to_1",
        )


def _check_shares(plan: ChangePlan) -> None:
    for start in plan.starts:
        shares = [link.share for link in plan.links if link.start == start]
        if any(share is not None and not 1 <= share <= 100 for share in shares):
            raise DomainError("A share must be between 1 and 100 percent", "share_1")
        if plan.kind is Change.TRANSFER or len(shares) == 1:
            continue
        if any(share is None for share in shares):
            raise DomainError(
                f"Enter for each successor of {start.name or start.code} the share that goes there", "share_1"
            )
        total = sum(share for share in shares if share is not None)
        if total != 100:
            raise DomainError(
                f"The shares of {start.name or start.code} add up to {total} percent. They must add up to 100",
                "share_1",
            )


# Choices


def to(code: str) -> str:
    """Return the choice of a successor."""
    return f"{_TO}{code}"


def code_of(choice: str) -> str:
    """Return the code of the successor that was chosen, or the empty text for another choice."""
    return choice.removeprefix(_TO) if choice.startswith(_TO) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that belongs to an organisation, as the person who decides sees it.

    ``id`` is its row; ``state`` is counted before and after. ``options`` are choices beside the successors: `EVERY`,
    `END`. ``detail`` tells what goes with it. ``about`` is the row of the need that it is or is about, where it is.
    """

    kind: str
    id: int
    owner_id: int
    state: str
    title: str
    detail: str = ""
    href: str = ""
    about: int = 0
    options: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Return what a saved choice calls it."""
        return f"{self.owner_id}-{self.id}"


def suggestion(item: Item, shares: Mapping[str, int], *, stays: bool) -> str:
    """Return the choice that is offered: to stay in a transfer, else the successor with the largest share.

    ``shares`` maps the codes of the successors of its organisation to percent. Of equal shares the first code wins.
    """
    if stays:
        return STAY
    if len(shares) > 1 and EVERY in item.options:
        return EVERY
    return to(max(sorted(shares), key=lambda code: shares[code])) if shares else ""


def allowed(item: Item, successors: Collection[str], *, stays: bool) -> tuple[str, ...]:
    """Return every choice that can be made for an item."""
    more = tuple(one for one in item.options if one != EVERY or len(successors) > 1)
    return (*(to(code) for code in successors), *more, *((STAY,) if stays else ()))


def missing(items: Iterable[Item], chosen: Mapping[tuple[str, str], str]) -> list[Item]:
    """Return the items for which nothing is chosen yet."""
    return [item for item in items if not chosen.get((item.kind, item.subject))]


@dataclass(frozen=True, slots=True)
class Place:
    """What was chosen for a need that had a place: 1 to 3, no place, or to be withdrawn with public words."""

    ref: str
    title: str
    choice: str
    words: str = ""


def check_places(places: Sequence[Place]) -> list[str]:
    """Return the refs that get a place, first place first.

    Raises:
        DomainError: with the ref as its field, for a need without a choice, a place given twice or left out between
            others, or a withdrawal without a reason.
    """
    ranked: dict[int, str] = {}
    for place in places:
        if not place.choice:
            raise DomainError(f"Choose what becomes of “{place.title}”", place.ref)
        if place.choice == WITHDRAW:
            if not place.words:
                raise DomainError(
                    f"Enter why “{place.title}” is withdrawn. Everybody will read it", place.ref
                )
            if len(place.words) > REASON_LIMIT:
                raise DomainError(f"The reason must be {REASON_LIMIT} characters or fewer", place.ref)
        elif place.choice != UNPLACED:
            number = int(place.choice) if place.choice in {"1", "2", "3"} else 0
            if not number:
                raise DomainError("Choose a place from 1 to 3, no place, or to withdraw it", place.ref)
            if number in ranked:
                raise DomainError(f"Two needs have place {number}. Choose a different place", place.ref)
            ranked[number] = place.ref
    gaps = [number for number in range(1, max(ranked, default=0)) if number not in ranked]
    if gaps:
        raise DomainError(f"Place {gaps[0]} is empty. Fill the places from 1 down", ranked[max(ranked)])
    return [ranked[number] for number in sorted(ranked)]


# Counts


#: What is counted: organisation, kind of thing, its state.
Key = tuple[int, str, str]


@dataclass
class Ledger:
    """What was taken from one count and added to another: double entry, so that before and after must add up."""

    entries: Counter[Key] = field(default_factory=Counter)

    def take(self, item: Item) -> None:
        """Note that an item left its organisation."""
        self.entries[item.owner_id, item.kind, item.state] -= 1

    def put(self, organisation_id: int, item: Item, state: str = "") -> None:
        """Note that an item came to an organisation, in its state or another."""
        self.entries[organisation_id, item.kind, state or item.state] += 1


def check_sums(before: Mapping[Key, int], ledger: Ledger, after: Mapping[Key, int]) -> None:
    """Raise `DoesNotAddUp` unless every count after is the count before with what was moved."""
    for key in {*before, *after, *ledger.entries}:
        expected = before.get(key, 0) + ledger.entries.get(key, 0)
        if after.get(key, 0) != expected:
            _, kind, what = key
            raise DoesNotAddUp(
                f"The counts do not add up ({kind}, {what}: {after.get(key, 0)} and not {expected}). Nothing was "
                "changed. Somebody may have changed something at the same moment: look at the choices and try again"
            )
