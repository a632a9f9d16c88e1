"""The e-mails of joining and of passwords, as finished texts."""

from __future__ import annotations

from dataclasses import dataclass

CLOSING = (
    "If you did not ask for this, you can ignore this e-mail. Nothing changes unless you use the link.\n\n"
    "Demand Signal"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body of plain text."""

    subject: str
    body: str


def invitation(*, inviter: str, organisation: str, role: str, link: str, until: str) -> Letter:
    """Return the invitation to join an organisation in a role."""
    return Letter(
        f"Join {organisation} on Demand Signal",
        f"Hello,\n\n{inviter} has invited you to join {organisation} on Demand Signal as {role}.\n\n"
        f"Accept the invitation:\n{link}\n\n"
        f"The link works once, for this e-mail address, until {until}.\n\n{CLOSING}\n",
    )


def registration(*, name: str, company: str, link: str, until: str) -> Letter:
    """Return the letter that proves an address."""
    return Letter(
        "Confirm your e-mail address for Demand Signal",
        f"Hello {name},\n\nYou are registering {company} on Demand Signal.\n\n"
        f"Confirm that this is your e-mail address:\n{link}\n\n"
        f"The link works once, until {until}. You can sign in after that.\n\n{CLOSING}\n",
    )


def known_already(*, sign_in: str, forgotten: str) -> Letter:
    """Return what the owner of an account gets when somebody registers its address again."""
    return Letter(
        "You already have a Demand Signal account",
        "Hello,\n\nSomebody, probably you, tried to register this e-mail address on Demand Signal. "
        "It has an account already.\n\n"
        f"Sign in:\n{sign_in}\n\nIf you have forgotten your password:\n{forgotten}\n\n{CLOSING}\n",
    )


def reset(*, name: str, link: str, until: str) -> Letter:
    """Return the letter with the link to set a new password."""
    return Letter(
        "Set a new password for Demand Signal",
        f"Hello {name},\n\nSet a new password:\n{link}\n\nThe link works once, until {until}.\n\n{CLOSING}\n",
    )


def password_changed(*, name: str, forgotten: str) -> Letter:
    """Return the notice that the password is another now."""
    return Letter(
        "Your Demand Signal password was changed",
        f"Hello {name},\n\nYour password was changed just now, and you were signed out everywhere else.\n\n"
        f"If that was not you, set a new password at once:\n{forgotten}\n\nDemand Signal\n",
    )


def welcome(*, name: str, organisation: str, role: str, link: str) -> Letter:
    """Return the confirmation that a person has joined an organisation."""
    return Letter(
        f"You have joined {organisation} on Demand Signal",
        f"Hello {name},\n\nYou are now {role} for {organisation}.\n\nStart here:\n{link}\n\nDemand Signal\n",
    )
