"""Decisions about organisations and patches: pure functions and their limits."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum

from marketplace.errors import Conflict, DomainError

NAME_MOST = 120
ABOUT_MOST = 600
SOURCE_MOST = 300


class OrganisationClosed(Conflict):
    """An organisation has closed: nothing new is started, signed off or published in its name."""


def slug_of(name: str) -> str:
    """Return a name as it can stand in an address: small letters, digits and hyphens, at most 50 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.replace("&", " and ")).strip("-")[:50].strip("-")
    return slug or "supplier"


def check_patch_date(day: date, today: date, field: str = "source_date") -> None:
    """Raise for a source that is dated in the future."""
    if day > today:
        raise DomainError("The date of the source must be today or in the past", field)


class Change(StrEnum):
    """What happens to organisations on a day."""

    MERGE = "merge"
    SPLIT = "split"
    MIXED = "mixed"
    TRANSFER = "transfer"
    RENAME = "rename"

    @property
    def label(self) -> str:
        """Return the change as people read it."""
        return {
            Change.MERGE: "Merger: several become one",
            Change.SPLIT: "Split: one becomes several",
            Change.MIXED: "Reorganisation: several become several",
            Change.TRANSFER: "Transfer: some things go to another organisation, both stay",
            Change.RENAME: "New name: the organisation stays the same",
        }[self]

    @property
    def word(self) -> str:
        """Return the change as one word."""
        return {
            Change.MERGE: "Merger",
            Change.SPLIT: "Split",
            Change.MIXED: "Reorganisation",
            Change.TRANSFER: "Transfer",
            Change.RENAME: "New name",
        }[self]

    @property
    def ends(self) -> bool:
        """Tell whether the organisations that it starts from close."""
        return self in ENDING


#: The changes after which the organisations that they start from are closed.
ENDING = (Change.MERGE, Change.SPLIT, Change.MIXED)
