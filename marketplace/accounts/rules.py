"""Decisions about e-mail addresses, passwords and tokens: pure functions and their limits."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Collection
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email

from marketplace.access.policy import Role
from marketplace.errors import DomainError

PASSWORD_LEAST = 12
PASSWORD_MOST = 128
ATTEMPT_WINDOW = timedelta(minutes=15)
REGISTRATION_LIFE = timedelta(hours=24)
#: Requests in one window: for one address of e-mail, and (times ten, as with sign-in) from one place.
REGISTRATIONS = RESETS = 3
INVITATIONS = 30
EMAIL_MOST = 254

#: Passwords of the shape that everybody tries first; length is the real protection.
COMMON = ("password", "123456789012", "qwertyuiop", "letmein", "welcome", "changeme", "demandsignal")


#: The roles that fit each kind of organisation, by the kind's stored value.
_ROLES: dict[str, tuple[Role, ...]] = {
    "trust": (Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR),
    "icb": (Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR),
    "hin": (Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR, Role.BROKER),
    "supplier": (Role.INNOVATOR,),
    "service": (Role.ADMINISTRATOR,),
}

#: Without somebody in each of these an organisation's work stands still: nobody writes, approves or checks.
_VITAL = frozenset({Role.NEED_LEAD, Role.SPONSOR, Role.BROKER})


class DeadLink(Exception):
    """A link from an e-mail that was used, ran out or was taken back. Answered with 410 and the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class WrongCredentials(DomainError):
    """E-mail address and password do not belong together; which of the two is wrong is never told."""


class TooManyTries(DomainError):
    """The account or the place that it is tried from has to wait; answered with 429."""

    def __init__(self) -> None:
        super().__init__("There were too many tries. Wait 15 minutes and try again")


def folded_email(address: str) -> str:
    """Return the form of an address that is stored and compared: NFKC, lower case, trimmed."""
    return unicodedata.normalize("NFKC", address).strip().casefold()


def roles_for(kind: str) -> tuple[Role, ...]:
    """Return the roles that a person can have at an organisation of this kind, the usual one first."""
    return _ROLES.get(kind, ())


def roles_to_fill(kind: str, held: Collection[Role]) -> tuple[Role, ...]:
    """Return the roles that an administrator, who does not belong to an organisation, may invite somebody to.

    Any role where nobody belongs to it yet; afterwards those that its work stands still without and nobody holds.
    """
    return tuple(role for role in roles_for(kind) if not held or (role in _VITAL and role not in held))


def checked_email(address: str, field: str = "email") -> str:
    """Return the folded address, or raise for one that no e-mail can be sent to."""
    folded = folded_email(address)
    try:
        validate_email(folded, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise DomainError(
            "Enter an e-mail address in the correct format, like name@example.com", field
        ) from None
    if len(folded) > EMAIL_MOST:
        raise DomainError(f"E-mail address must be {EMAIL_MOST} characters or fewer", field)
    return folded


def check_telephone(number: str, field: str = "telephone") -> None:
    """Raise for something that is not a telephone number; none at all is fine."""
    if number and (
        not re.fullmatch(r"[0-9+() .-]{6,30}( ?(ext|x)\.? ?[0-9]{1,6})?", number)
        or len(re.findall(r"[0-9]", number)) < 6
    ):
        raise DomainError("Enter a telephone number, like 01632 960 001 or +44 808 157 0192", field)


def check_password(password: str, *, email: str, name: str = "", field: str = "password") -> None:
    """Raise for a password that is too short, too long, common, or made of the person's own name or address."""
    if len(password) < PASSWORD_LEAST:
        raise DomainError(
            f"Password must be {PASSWORD_LEAST} characters or more. Three random words work well", field
        )
    if len(password) > PASSWORD_MOST:
        raise DomainError(f"Password must be {PASSWORD_MOST} characters or fewer", field)
    folded = password.casefold()
    own = {
        part
        for part in (email.casefold(), email.partition("@")[0].casefold(), name.casefold())
        if len(part) >= 4
    }
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
