"""Decisions about technologies and their evidence: what a listing must hold, and how evidence stands on a day."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypedDict, cast

from marketplace.errors import Conflict, DomainError
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, Readiness, Term

#: The outbox topic under which the worker looks at a technology again.
TOPIC = "technology"

NAME_LIMIT = 100
SUMMARY_LIMIT = 1500
INTENDED_USE_LIMIT = 1000
REPLACES_LIMIT = 500
CLAIM_LIMIT = 300
CLAIMS_MOST = 8
CHANGE_NOTE_LIMIT = 500

NUMBER_LIMIT = 100
ISSUER_LIMIT = 200
SCOPE_LIMIT = 300
EVIDENCE_SUMMARY_LIMIT = 1500
EVIDENCE_MOST = 50

#: How long before its last day something counts as expiring.
EXPIRING = timedelta(days=90)
#: No certificate runs longer; a later date is a slip of the keyboard.
EVIDENCE_YEARS_MOST = 25

#: Evidence that always carries a number. Without it "has a certificate" is a claim that nobody can check.
NUMBERED = frozenset(
    {
        EvidenceType.DEVICE_CERTIFICATE,
        EvidenceType.MHRA_REGISTRATION,
        EvidenceType.DSPT,
        EvidenceType.CYBER_ESSENTIALS,
        EvidenceType.NICE_GUIDANCE,
        EvidenceType.QUALITY_SYSTEM,
    }
)

_UNAMBIGUOUS = "23456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class TechnologyContent:
    """What an innovator writes of a technology. Empty means not yet answered."""

    name: str = ""
    summary: str = ""
    intended_use: str = ""
    replaces: str = ""
    claims: tuple[str, ...] = ()
    settings: tuple[CareSetting, ...] = ()
    clinical_areas: tuple[ClinicalArea, ...] = ()
    readiness: Readiness | None = None


class TechnologyChanges(TypedDict, total=False):
    """New answers to some of the questions."""

    name: str
    summary: str
    intended_use: str
    replaces: str
    claims: tuple[str, ...]
    settings: tuple[CareSetting, ...]
    clinical_areas: tuple[ClinicalArea, ...]
    readiness: Readiness | None


@dataclass(frozen=True, slots=True)
class EvidenceContent:
    """What an innovator writes of an evidence item. ``expires_on`` is the last day on which it holds."""

    type: EvidenceType
    issuer: str
    issued_on: date
    number: str = ""
    scope: str = ""
    summary: str = ""
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class PassportBadge:
    """How the best passport of a technology stands today, told by the room of passports.

    ``in_force`` is true while the passport may be relied on.
    """

    number: str
    issuer: str
    label: str
    colour: str
    in_force: bool
    valid_to: date


class EvidenceState(Term):
    """How an evidence item stands on a day."""

    CURRENT = "current", "Current"
    EXPIRING = "expiring", "Expires soon"
    EXPIRED = "expired", "Expired"
    WITHDRAWN = "withdrawn", "Withdrawn"

    @property
    def holds(self) -> bool:
        """Tell whether a passport may rely on the item."""
        return self in (EvidenceState.CURRENT, EvidenceState.EXPIRING)


class Incomplete(DomainError):
    """A listing lacks answers; ``missing`` names the fields in the order of the questions."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("Answer every question before you list the technology")
        self.missing = missing


class DraftChanged(Conflict):
    """Somebody saved the draft after this page was opened; the page shows both texts."""


class EvidenceGone(Conflict):
    """The evidence item was changed or withdrawn after this page was opened."""


#: Each field with its name in messages and its limit in characters, in the order of the questions.
_TEXTS = (
    ("name", "Name", NAME_LIMIT),
    ("summary", "Summary", SUMMARY_LIMIT),
    ("intended_use", "Intended use", INTENDED_USE_LIMIT),
    ("replaces", "What it replaces", REPLACES_LIMIT),
)
QUESTIONS = (
    "name",
    "summary",
    "intended_use",
    "replaces",
    "claims",
    "settings",
    "clinical_areas",
    "readiness",
)


def new_ref() -> str:
    """Return a random reference for addresses: 8 characters that are not mistaken for one another."""
    return "".join(secrets.choice(_UNAMBIGUOUS) for _ in range(8))


def with_changes(content: TechnologyContent, changes: TechnologyChanges) -> TechnologyContent:
    """Return the content with new answers, or raise for one that breaks a limit."""
    unknown = set(changes) - set(QUESTIONS)
    if unknown:
        raise ValueError(f"not a question: {sorted(unknown)}")
    changed = replace(content, **cast("Mapping[str, object]", changes))  # type: ignore[arg-type] # keys are checked
    check_limits(changed)
    return changed


def check_limits(content: TechnologyContent) -> None:
    """Raise for a text that is too long or for too many claims, naming the field."""
    for field, label, limit in _TEXTS:
        if len(getattr(content, field)) > limit:
            raise DomainError(f"{label} must be {limit:,} characters or fewer", field)
    if len(content.claims) > CLAIMS_MOST:
        raise DomainError(f"Give at most {CLAIMS_MOST} claims", "claims")
    if any(len(claim) > CLAIM_LIMIT for claim in content.claims):
        raise DomainError(f"Each claim must be {CLAIM_LIMIT} characters or fewer", "claims")
    if len(set(content.claims)) < len(content.claims):
        raise DomainError("Two of the claims are the same. Change or remove one", "claims")


def unanswered(content: TechnologyContent) -> tuple[str, ...]:
    """Return the questions that have no answer yet."""
    return tuple(field for field in QUESTIONS if not getattr(content, field))


def check_listing(content: TechnologyContent, current: TechnologyContent | None, change_note: str) -> None:
    """Raise unless the content may become a version. ``current`` is what people see now, None before the first."""
    check_limits(content)
    if missing := unanswered(content):
        raise Incomplete(missing)
    if current is None:
        return
    if content == current:
        raise DomainError("You have not changed any answer since the version that people see now")
    if not change_note:
        raise DomainError("Tell people in a sentence what has changed", "change_note")
    if len(change_note) > CHANGE_NOTE_LIMIT:
        raise DomainError(f"What has changed must be {CHANGE_NOTE_LIMIT} characters or fewer", "change_note")


def check_evidence(content: EvidenceContent, *, today: date) -> None:
    """Raise for an evidence item that cannot be: issued tomorrow, expired before its issue, or without a number."""
    if not content.number and content.type in NUMBERED:
        raise DomainError(
            "Enter the number printed on it. This kind of evidence has one, and people check it by that",
            "number",
        )
    for field, label, limit in (
        ("number", "Number", NUMBER_LIMIT),
        ("issuer", "Issuer", ISSUER_LIMIT),
        ("scope", "Scope", SCOPE_LIMIT),
        ("summary", "What it shows", EVIDENCE_SUMMARY_LIMIT),
    ):
        if len(getattr(content, field)) > limit:
            raise DomainError(f"{label} must be {limit:,} characters or fewer", field)
    if not content.issuer:
        raise DomainError("Enter who issued or wrote it", "issuer")
    if content.issued_on > today:
        raise DomainError("Date of issue must be today or in the past", "issued_on")
    if content.expires_on is None:
        return
    if content.expires_on < content.issued_on:
        raise DomainError("Expiry date must be the same as or after the date of issue", "expires_on")
    if content.expires_on > years_after(content.issued_on, EVIDENCE_YEARS_MOST):
        raise DomainError(
            f"Expiry date must be within {EVIDENCE_YEARS_MOST} years of the date of issue. Check the year",
            "expires_on",
        )


def years_after(day: date, years: int) -> date:
    """Return the same day some years later; 29 February becomes 28 February where the year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def evidence_state(expires_on: date | None, withdrawn_at: datetime | None, *, on: date) -> EvidenceState:
    """Return how an item stands on a day. It holds on its last day still."""
    if withdrawn_at is not None:
        return EvidenceState.WITHDRAWN
    if expires_on is None:
        return EvidenceState.CURRENT
    if on > expires_on:
        return EvidenceState.EXPIRED
    return EvidenceState.EXPIRING if expires_on - on <= EXPIRING else EvidenceState.CURRENT
