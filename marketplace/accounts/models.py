"""People, their sign-in, and their roles at organisations."""

from __future__ import annotations

from datetime import date, datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.access.policy import Role
from marketplace.database import Base, Choice
from marketplace.organisations.models import Organisation


class User(UserMixin, Base):
    """A person. ``email`` is stored folded to lower case and NFKC, and is unique."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    telephone: Mapped[str] = mapped_column(default="")
    job_title: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    #: Set by the demo loader alone: demo mode offers these accounts by one click, in order of id.
    demo_label: Mapped[str | None]

    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", foreign_keys="Membership.user_id"
    )


class Membership(Base):
    """A role at an organisation, from one day to another. Rights are read from here at each request."""

    __tablename__ = "membership"
    __table_args__ = (
        # One role once at a time; a role that ended may be given again.
        Index(
            "uq_membership_in_force",
            "user_id",
            "organisation_id",
            "role",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Role] = mapped_column(Choice(Role))
    started_on: Mapped[date]
    ended_on: Mapped[date | None]

    user: Mapped[User] = relationship(back_populates="memberships", foreign_keys=[user_id])
    organisation: Mapped[Organisation] = relationship()


class SignIn(Base):
    """One signed-in browser. The cookie holds a random token, this row its SHA-256: ending it kills every copy."""

    __tablename__ = "sign_in"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """Tries for one key (an account, a kind of request) since the start of a window; shared by all processes."""

    __tablename__ = "sign_in_attempt"

    key: Mapped[str] = mapped_column(primary_key=True)
    window_started_at: Mapped[datetime]
    count: Mapped[int]


class Invitation(Base):
    """A single-use link to join an organisation in a role, bound to an e-mail address."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="one_end"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[Role] = mapped_column(Choice(Role))
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    invited_by: Mapped[User | None] = relationship()


class Registration(Base):
    """An innovator and their company, until the address is proved by a single-use link."""

    __tablename__ = "registration"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    name: Mapped[str]
    job_title: Mapped[str]
    telephone: Mapped[str]
    password_hash: Mapped[str]
    company: Mapped[str]
    about: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A single-use link to set a new password."""

    __tablename__ = "password_reset"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
