"""Decisions about shared needs: what a co-signature is, how people are summed, and what may be done to a family.

Pure functions over plain values. See `docs/decisions` for why each rule is as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from marketplace.errors import Conflict, DomainError
from marketplace.needs.questions import ASKS
from marketplace.needs.rounds import Round, Stage, Standing
from marketplace.needs.rules import PLACES, NeedContent

NOTE_LIMIT = 600
NAME_LIMIT = 120
#: Families on a page of the list.
PER_PAGE = 20
#: Technologies that are looked at for each need of a family.
BEST_OF_EACH = 10


class CoSignError(DomainError):
    """A need cannot be co-signed; says why in plain words."""


class State(StrEnum):
    """Where a co-signature stands, derived from its moments."""

    STANDING = "standing"
    TAKEN_BACK = "taken-back"
    ENDED = "ended"


class Ending(StrEnum):
    """Why a co-signature ended without being taken back."""

    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    NEW_CYCLE = "new-cycle"
    MERGED = "merged"

    @property
    def words(self) -> str:
        """Return the reason as people read it."""
        return {
            Ending.WITHDRAWN: "The organisation that published this need has withdrawn it",
            Ending.LAPSED: "The organisation that published this need did not confirm it in the next cycle",
            Ending.NEW_CYCLE: "The cycle is over, and the need stands again in the new one",
            Ending.MERGED: "Organisations have changed, and it holds the need in another way now",
        }[self]


def state(taken_back_at: datetime | None, ended_at: datetime | None) -> State:
    """Return where a co-signature stands."""
    if taken_back_at is not None:
        return State.TAKEN_BACK
    return State.STANDING if ended_at is None else State.ENDED


def ending(*, withdrawn: bool, over: bool, standing: Standing | None) -> Ending | None:
    """Tell whether a standing co-signature has ended, and why.

    ``over`` says that a later cycle has opened than the one it was given for. While the need itself waits to be
    confirmed in that cycle, the co-signature waits too.
    """
    if withdrawn:
        return Ending.WITHDRAWN
    if not over:
        return None
    return {
        Standing.CURRENT: Ending.NEW_CYCLE,
        Standing.TO_CONFIRM: None,
        Standing.LAPSED: Ending.LAPSED,
        None: None,
    }[standing]


def check_co_sign(
    *,
    cycle: Round | None,
    today: date,
    own: bool,
    standing: Standing | None,
    signed: bool,
    taken: Collection[int],
) -> int:
    """Return the place that a co-signature takes, the first that is free.

    Raises `CoSignError` where there is none, or where the need cannot be co-signed by this organisation.
    """
    if own:
        raise CoSignError("This is your own organisation’s need")
    if cycle is None or standing is not Standing.CURRENT:
        raise CoSignError("This need has no place in the current cycle, so it cannot be co-signed")
    if signed:
        raise CoSignError("Your organisation co-signs this need already")
    if cycle.stage(today) is not Stage.OPEN:
        raise CoSignError(f"The cycle {cycle.name} is locked. You can co-sign needs when the next one opens")
    free = [place for place in range(1, PLACES + 1) if place not in taken]
    if not free:
        raise CoSignError(
            "Your three places in this cycle are taken, and a co-signature takes one. Withdraw one of your needs, or "
            "take back another co-signature, to free a place"
        )
    return free[0]


@dataclass(frozen=True, slots=True)
class People:
    """How many people some organisations gave in sum, how many gave a number, and how many gave none."""

    total: int
    gave: int
    silent: int


def people(numbers: Sequence[int | None]) -> People:
    """Return the sum of what each organisation gave."""
    given = [number for number in numbers if number is not None]
    return People(sum(given), len(given), len(numbers) - len(given))


def own_text(content: NeedContent, how_many: int | None, note: str) -> NeedContent:
    """Return the text of another's need as a draft of one's own, with what the co-signer said of itself.

    Numbers of the other organisation are left out: they are not this one's.
    """
    differs = f"\n\n{note}" if note else ""
    problem = content.problem + differs
    limit = ASKS["problem"].limit
    return replace(
        content,
        problem=problem if len(problem) <= limit else content.problem,
        how_many=how_many,
        how_many_note="" if how_many is None else content.how_many_note,
        baseline="",
    )


# Families


class Settled(Conflict):
    """Somebody else settled the family after this page was opened."""


def check_name(name: str) -> None:
    """Raise `DomainError` unless the name of a family says something, within its limit."""
    if not name:
        raise DomainError("Enter a name for the family", "name")
    if len(name) > NAME_LIMIT:
        raise DomainError(
            f"The name must be {NAME_LIMIT} characters or fewer. Take out {len(name) - NAME_LIMIT}.", "name"
        )


def check_split(chosen: Collection[str], members: Collection[str]) -> None:
    """Raise `DomainError` unless a part of the family, and not all of it, is to be a family of its own."""
    if not chosen:
        raise DomainError("Choose the needs that will be a family of their own", "needs")
    if set(chosen) - set(members):
        raise DomainError("A need that you chose has left this family. Choose again", "needs")
    if len(set(chosen)) == len(set(members)):
        raise DomainError("Leave at least one need in this family", "needs")


def reference_in(typed: str) -> str:
    """Return the reference of a need or family in what a person typed or pasted: its address, or itself."""
    return typed.split("?")[0].split("#")[0].rstrip("/").rsplit("/", 1)[-1].strip()


def pairs_apart(
    exclusions: Mapping[str, Collection[str]],
    settled: Mapping[str, Sequence[str]],
    dissolved: Collection[str],
) -> set[tuple[str, str]]:
    """Return the pairs of needs that people have kept apart.

    ``exclusions`` says of each family which needs do not belong to it, ``settled`` which do. A need that was taken
    out of a family is kept from each settled member; needs of a ``dissolved`` family are kept from each other.
    """
    found: set[tuple[str, str]] = set()
    for family, out in exclusions.items():
        others = set(out) if family in dissolved else set(settled.get(family, ()))
        found |= {(one, other) for one in out for other in others if one != other}
    return {(min(pair), max(pair)) for pair in found}
