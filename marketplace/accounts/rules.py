"""Decisions about e-mail addresses, passwords and tokens: pure functions and their limits."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from datetime import timedelta

from marketplace.errors import DomainError

PASSWORD_LEAST = 12
PASSWORD_MOST = 128
ATTEMPT_WINDOW = timedelta(minutes=15)

#: Passwords of the shape that everybody tries first; length is the real protection.
COMMON = ("password", "123456789012", "qwertyuiop", "letmein", "welcome", "changeme", "demandsignal")


class WrongCredentials(DomainError):
    """E-mail address and password do not belong together; which of the two is wrong is never told."""


class TooManyTries(Exception):
    """The account or the address has to wait; answered with 429."""


def folded_email(address: str) -> str:
    """Return the form of an address that is stored and compared: NFKC, lower case, trimmed."""
    return unicodedata.normalize("NFKC", address).strip().casefold()


def check_password(password: str, *, email: str, name: str = "", field: str = "password") -> None:
    """Raise for a password that is too short, too long, common, or made of the person's own name or address."""
    if len(password) < PASSWORD_LEAST:
        raise DomainError(
            f"Password must be {PASSWORD_LEAST} characters or more. Three random words work well", field
        )
    if len(password) > PASSWORD_MOST:
        raise DomainError(f"Password must be {PASSWORD_MOST} characters or fewer", field)
    folded = password.casefold()
    own = {part for part in (email.partition("@")[0].casefold(), name.casefold()) if len(part) >= 4}
    if any(common in folded and len(folded) - len(common) < 6 for common in COMMON) or len(set(folded)) < 5:
        raise DomainError("Choose a password that is harder to guess. Three random words work well", field)
    if any(part in folded and len(folded) - len(part) < 6 for part in own):
        raise DomainError("Password must not be made of your name or e-mail address", field)


def new_token() -> str:
    """Return 256 random bits for a link or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is stored of a token, so that a copy of the database opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
