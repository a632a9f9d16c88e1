"""Links of joining and passwords, alive by default; the token is what stands in the link."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts import rules
from marketplace.accounts.models import Invitation, PasswordReset, Registration, User
from marketplace.organisations.models import Organisation
from tests.factories.people import HASH

_numbers = count(1)


def _token(kind: str) -> str:
    return f"{kind}-token-{next(_numbers)}"


def make_invitation(
    session: Session, at: Organisation, email: str, role: Role, by: User | None = None, **values: object
) -> tuple[Invitation, str]:
    """Return a committed invitation and its token."""
    token = _token("invitation")
    invitation = Invitation(
        **{
            "token_hash": rules.hashed(token),
            "email": email,
            "organisation_id": at.id,
            "role": role,
            "invited_by_id": by.id if by else None,
            "created_at": clock.now(),
            "expires_at": clock.now() + timedelta(days=7),
        }
        | values
    )
    session.add(invitation)
    session.commit()
    return invitation, token


def make_registration(session: Session, email: str, **values: object) -> str:
    """Return the token of a committed registration."""
    token = _token("registration")
    session.add(
        Registration(
            **{
                "token_hash": rules.hashed(token),
                "email": email,
                "name": "Ines Newcomer",
                "job_title": "Founder",
                "telephone": "01632 960777",
                "password_hash": HASH,
                "company": "Made-up Medical Ltd",
                "about": "We make things up.",
                "created_at": clock.now(),
                "expires_at": clock.now() + timedelta(hours=24),
            }
            | values
        )
    )
    session.commit()
    return token


def make_reset(session: Session, user: User, **values: object) -> str:
    """Return the token of a committed password reset."""
    token = _token("reset")
    session.add(
        PasswordReset(
            **{
                "token_hash": rules.hashed(token),
                "user_id": user.id,
                "created_at": clock.now(),
                "expires_at": clock.now() + timedelta(hours=1),
            }
            | values
        )
    )
    session.commit()
    return token
