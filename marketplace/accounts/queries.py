"""Reads about people: who acts, and for whom."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor, Grant
from marketplace.accounts import rules
from marketplace.accounts.models import Membership, SignIn, User
from marketplace.organisations.models import Organisation


def user_of_token(session: Session, token: str) -> User | None:
    """Return the person whose sign-in the token is, while it is alive and the account enabled."""
    now = clock.now()
    return session.scalar(
        select(User)
        .join(SignIn, SignIn.user_id == User.id)
        .where(
            SignIn.token_hash == rules.hashed(token),
            SignIn.ended_at.is_(None),
            SignIn.expires_at > now,
            User.disabled_at.is_(None),
        )
    )


def actor_of(session: Session, user: User) -> Actor:
    """Return the person with the roles in force today, at organisations that are open."""
    today = clock.today()
    rows = session.execute(
        select(Organisation.id, Organisation.code, Organisation.name, Membership.role)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(
            Membership.user_id == user.id,
            Membership.started_on <= today,
            or_(Membership.ended_on.is_(None), Membership.ended_on > today),
            or_(Organisation.closed_on.is_(None), Organisation.closed_on > today),
        )
        .order_by(Organisation.name, Organisation.id, Membership.role)
    ).all()
    return Actor(
        user_id=user.id,
        name=user.name,
        email=user.email,
        grants=tuple(Grant(id_, code, name, role) for id_, code, name, role in rows),
    )


def user_by_email(session: Session, address: str) -> User | None:
    """Return the account with this address, whatever its case."""
    return session.scalar(select(User).where(User.email == rules.folded_email(address)))
