"""Decisions about organisations and patches: pure functions and their limits."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from marketplace.errors import DomainError

NAME_MOST = 120
ABOUT_MOST = 600
SOURCE_MOST = 300


def slug_of(name: str) -> str:
    """Return a name as it can stand in an address: small letters, digits and hyphens, at most 50 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.replace("&", " and ")).strip("-")[:50].strip("-")
    return slug or "supplier"


def check_patch_date(day: date, today: date, field: str = "source_date") -> None:
    """Raise for a source that is dated in the future."""
    if day > today:
        raise DomainError("The date of the source must be today or in the past", field)
