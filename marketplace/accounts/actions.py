"""Sign in and out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.accounts import passwords, queries, rules
from marketplace.accounts.models import SignIn, SignInAttempt, User
from marketplace.audit.actions import record
from marketplace.database import transaction


@dataclass(frozen=True, slots=True)
class Limits:
    """How many wrong passwords are allowed in a window, for an account and for an address they come from."""

    account: int
    address: int
    hours: int


def sign_in(email: str, password: str, *, address: str, limits: Limits) -> str:
    """Return the token of a new sign-in.

    Raises:
        WrongCredentials: in the same words and the same time for an unknown account and a wrong password.
        TooManyTries: when the account or the address has used up its tries; counted before the password is
            looked at, in the database, so that parallel guesses and several processes share one count.
    """
    folded = rules.folded_email(email)
    with transaction() as session:
        for key, limit in (
            (f"account:{rules.hashed(folded)}", limits.account),
            (f"from:{address}", limits.address),
        ):
            if count_attempt(session, key) > limit:
                session.commit()
                raise rules.TooManyTries
        user = queries.user_by_email(session, folded)
        stored = user.password_hash if user is not None and user.disabled_at is None else None
        user_id = user.id if user is not None else None
    # The slow hash is computed outside the transaction, so that it does not hold SQLite's write lock.
    if not passwords.verify(stored, password) or user_id is None:
        with transaction() as session:
            record(session, Actor(user_id=None), "sign-in.refused", "person", user_id or "unknown")
        raise rules.WrongCredentials("The e-mail address or the password is not right", "password")
    return start(user_id, limits=limits, forget=(f"account:{rules.hashed(folded)}",))


def start(user_id: int, *, limits: Limits, forget: tuple[str, ...] = ()) -> str:
    """Start a sign-in for a person who has proved who they are, and return its token."""
    token = rules.new_token()
    now = clock.now()
    with transaction() as session:
        user = session.get_one(User, user_id)
        session.add(
            SignIn(
                token_hash=rules.hashed(token),
                user_id=user.id,
                created_at=now,
                expires_at=now + timedelta(hours=limits.hours),
            )
        )
        for key in forget:
            if (attempt := session.get(SignInAttempt, key)) is not None:
                session.delete(attempt)
        record(session, Actor(user_id=user.id), "sign-in.started", "person", user.id)
    return token


def sign_out(actor: Actor, token: str) -> None:
    """End this sign-in: every copy of its cookie is dead."""
    with transaction() as session:
        session.execute(
            update(SignIn)
            .where(SignIn.token_hash == rules.hashed(token), SignIn.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
        record(session, actor, "sign-in.ended", "person", actor.user_id)


def count_attempt(session: Session, key: str) -> int:
    """Add one try to a key's window in one statement, and return the count with this one."""
    now = clock.now()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh = SignInAttempt.window_started_at < now - rules.ATTEMPT_WINDOW
    statement = insert(SignInAttempt).values(key=key, window_started_at=now, count=1)
    statement = statement.on_conflict_do_update(
        index_elements=[SignInAttempt.key],
        set_={
            "count": case((fresh, 1), else_=SignInAttempt.count + 1),
            "window_started_at": case((fresh, now), else_=SignInAttempt.window_started_at),
        },
    )
    return session.execute(statement.returning(SignInAttempt.count)).scalar_one()
