"""Decisions about passports: what one must hold, and how it stands on a day."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace.errors import Conflict, DomainError
from marketplace.technologies.rules import EXPIRING, PassportBadge, years_after
from marketplace.vocabulary import Term

SCOPE_LIMIT = 1000
CONDITIONS_LIMIT = 2000
REASON_LIMIT = 500
YEARS_MOST = 5
#: An assessment is typed in some time after it was made, or before it begins; further away is a slip.
BEGINS_WITHIN = timedelta(days=366)

_UNAMBIGUOUS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER = re.compile(rf"DS-[0-9]{{4}}-[{_UNAMBIGUOUS}]{{6}}")


class Standing(Term):
    """How a passport stands on a day."""

    VALID = "valid", "Valid"
    EXPIRING = "expiring", "Expires soon"
    NOT_YET_VALID = "not-yet-valid", "Not valid yet"
    SUSPENDED = "suspended", "Suspended"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"

    @property
    def in_force(self) -> bool:
        """Tell whether the passport may be relied on."""
        return self in (Standing.VALID, Standing.EXPIRING)

    @property
    def colour(self) -> str:
        """Return the design system's tag colour."""
        return {
            Standing.VALID: "green",
            Standing.EXPIRING: "yellow",
            Standing.NOT_YET_VALID: "blue",
            Standing.SUSPENDED: "orange",
            Standing.EXPIRED: "grey",
            Standing.REVOKED: "red",
        }[self]


#: From the best standing that a technology's passports can have to the worst.
BEST_FIRST = tuple(Standing)


@dataclass(frozen=True, slots=True)
class Best(PassportBadge):
    """The best passport of a technology, with its standing."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class PassportContent:
    """What an assessor records. Both days are days on which the passport is valid.

    ``evidence`` holds references of the technology's items. ``issuer_id`` may be left out by somebody who assesses
    for one body alone. ``technology_version`` is the version that was read; None takes the one listed now.
    """

    scope: str
    valid_from: date
    valid_to: date
    evidence: tuple[str, ...]
    conditions: str = ""
    issuer_id: int | None = None
    technology_version: int | None = None


class ConflictOfInterest(DomainError):
    """Nobody assesses for a supplier that they belong to."""

    def __init__(self) -> None:
        super().__init__(
            "You belong to the supplier of this technology, so you cannot assess it. "
            "Ask another assessor of your organisation."
        )


class TechnologyChanged(Conflict):
    """A new version was listed, or the technology archived, after the assessor opened the page."""


class StandingChanged(Conflict):
    """The passport was suspended, reinstated or revoked after the page was opened."""


def new_number(year: int) -> str:
    """Return a random passport number such as DS-2026-7K3M2Q, without characters that are mistaken for others."""
    return f"DS-{year}-{''.join(secrets.choice(_UNAMBIGUOUS) for _ in range(6))}"


def tidy_number(typed: str) -> str:
    """Return a typed number in the form that is stored; the empty text for what cannot be a number."""
    letters = re.sub(r"[^0-9A-Z]", "", typed.upper()).removeprefix("DS")
    tidy = f"DS-{letters[:4]}-{letters[4:]}"
    return tidy if _NUMBER.fullmatch(tidy) else ""


def check_passport(content: PassportContent, *, today: date) -> None:
    """Raise for a passport that cannot be: no scope, no evidence, or dates that make no sense."""
    if not content.scope:
        raise DomainError("Enter what was assessed, and for which use", "scope")
    if len(content.scope) > SCOPE_LIMIT:
        raise DomainError(f"Scope must be {SCOPE_LIMIT:,} characters or fewer", "scope")
    if len(content.conditions) > CONDITIONS_LIMIT:
        raise DomainError(f"Conditions must be {CONDITIONS_LIMIT:,} characters or fewer", "conditions")
    if not content.evidence:
        raise DomainError("Select at least one evidence item that the assessment relied on", "evidence")
    if abs(content.valid_from - today) > BEGINS_WITHIN:
        raise DomainError("Valid from must be within one year of today. Check the year", "valid_from")
    if content.valid_to <= content.valid_from:
        raise DomainError("Valid to must be after the day it is valid from", "valid_to")
    if content.valid_to < today:
        raise DomainError("Valid to must be today or in the future", "valid_to")
    if content.valid_to > years_after(content.valid_from, YEARS_MOST):
        raise DomainError(f"Valid to must be at most {YEARS_MOST} years after valid from", "valid_to")


def check_reason(reason: str) -> None:
    """Raise for an empty or over-long reason: it is shown to everybody."""
    if not reason:
        raise DomainError("Enter the reason. It is shown on the public register", "reason")
    if len(reason) > REASON_LIMIT:
        raise DomainError(f"Reason must be {REASON_LIMIT} characters or fewer", "reason")


def standing_of(
    valid_from: date,
    valid_to: date,
    *,
    suspended_at: datetime | None,
    revoked_at: datetime | None,
    on: date,
) -> Standing:
    """Return how a passport stands on a day. It is valid on its first and on its last day.

    What ends it for good comes first: revoked, then expired, then suspended.
    """
    if revoked_at is not None:
        return Standing.REVOKED
    if on > valid_to:
        return Standing.EXPIRED
    if suspended_at is not None:
        return Standing.SUSPENDED
    if on < valid_from:
        return Standing.NOT_YET_VALID
    return Standing.EXPIRING if valid_to - on <= EXPIRING else Standing.VALID
