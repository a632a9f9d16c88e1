"""Reads about people: who acts, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.access.actor import Actor, Grant
from marketplace.access.policy import Permission, Role
from marketplace.accounts import rules
from marketplace.accounts.models import (
    Invitation,
    Membership,
    PasswordReset,
    Registration,
    SignIn,
    User,
)
from marketplace.errors import NotVisible
from marketplace.organisations import lineage
from marketplace.organisations import queries as organisations
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
    """Return the person with the roles in force today, at organisations that are open or being handed over."""
    today = clock.today()
    rows = session.execute(
        select(Organisation.id, Organisation.code, Organisation.name, Membership.role)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(
            Membership.user_id == user.id,
            Membership.started_on <= today,
            or_(Membership.ended_on.is_(None), Membership.ended_on > today),
            or_(
                Organisation.closed_on.is_(None),
                Organisation.closed_on > today,
                lineage.being_handed_over(),
            ),
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


@dataclass(frozen=True, slots=True)
class Member:
    """A person's role at an organisation, in force."""

    membership_id: int
    user_id: int
    name: str
    email: str
    job_title: str
    role: Role
    since: date


def may_manage(actor: Actor, organisation_id: int) -> bool:
    """Tell whether the actor may see and change who belongs to an organisation: its people, and administrators."""
    return actor.may(Permission.MEMBER_INVITE, organisation_id) or actor.may(Permission.SERVICE_OVERSEE)


def managed_organisation(session: Session, actor: Actor, code: str) -> Organisation:
    """Return the organisation whose people the actor may see and change; raise `NotVisible` for any other."""
    organisation = organisations.by_code(session, code)
    if organisation is None or not may_manage(actor, organisation.id):
        raise NotVisible
    return organisation


def in_force() -> ColumnElement[bool]:
    """Return the condition that a membership, joined with its person, counts today."""
    today = clock.today()
    return and_(
        Membership.started_on <= today,
        or_(Membership.ended_on.is_(None), Membership.ended_on > today),
        User.disabled_at.is_(None),
    )


def members_of(session: Session, organisation_id: int) -> list[Member]:
    """Return who belongs to an organisation now, by name. The caller has checked that this may be seen."""
    rows = session.execute(
        select(Membership, User)
        .join(User, Membership.user_id == User.id)
        .where(Membership.organisation_id == organisation_id, in_force())
        .order_by(User.name, User.id, Membership.id)
    ).all()
    return [
        Member(
            membership.id,
            user.id,
            user.name,
            user.email,
            user.job_title,
            membership.role,
            membership.started_on,
        )
        for membership, user in rows
    ]


def offered_roles(actor: Actor, organisation: Organisation, members: Iterable[Member]) -> tuple[Role, ...]:
    """Return the roles in which the actor may invite somebody to an organisation with these members."""
    if actor.may(Permission.MEMBER_INVITE, organisation.id):
        return rules.roles_for(organisation.kind)
    return rules.roles_to_fill(organisation.kind, {member.role for member in members})


def pending_invitations(session: Session, organisation_id: int) -> Sequence[Invitation]:
    """Return the invitations that can still be accepted, newest first."""
    return session.scalars(
        select(Invitation)
        .where(Invitation.organisation_id == organisation_id, _pending())
        .order_by(Invitation.id.desc())
    ).all()


def _pending() -> ColumnElement[bool]:
    return and_(
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > clock.now(),
    )


def invited_to(role: Role) -> Select[int]:
    """Return the query of the organisations to which somebody is invited in a role and has not answered yet."""
    return select(Invitation.organisation_id).where(Invitation.role == role, _pending())


def live_invitation(session: Session, token: str) -> Invitation:
    """Return the invitation that a link opens now; raise `DeadLink` for every reason why it does not.

    The inviter's right is looked at again: an invitation must not outlive it.
    """
    invitation = session.scalar(
        select(Invitation)
        .options(joinedload(Invitation.organisation), joinedload(Invitation.invited_by))
        .where(Invitation.token_hash == rules.hashed(token), _pending())
    )
    if invitation is None:
        raise rules.DeadLink(
            "This invitation has been used, has run out or was taken back. "
            "Ask the person who invited you to send another."
        )
    organisation, inviter = invitation.organisation, invitation.invited_by
    if organisation.closed and lineage.heirs_of(session, organisation.id):
        raise rules.DeadLink(
            f"{organisation.name} has closed, and its work is being handed over. The link works again when that is "
            "done, unless the invitation is taken back."
        )
    if organisation.closed or invitation.role not in rules.roles_for(organisation.kind):
        raise rules.DeadLink(f"{organisation.name} has closed, so nobody can join it any more.")
    if inviter is not None and (
        inviter.disabled_at is not None or not may_manage(actor_of(session, inviter), organisation.id)
    ):
        raise rules.DeadLink(
            "The person who sent this invitation is no longer at the organisation. "
            "Ask one of your colleagues there to invite you."
        )
    return invitation


def live_registration(session: Session, token: str) -> Registration:
    """Return the registration that a link confirms now, or raise `DeadLink`."""
    registration = session.scalar(
        select(Registration).where(
            Registration.token_hash == rules.hashed(token),
            Registration.used_at.is_(None),
            Registration.expires_at > clock.now(),
        )
    )
    if registration is None:
        raise rules.DeadLink("This link has been used or has run out. If you cannot sign in, register again.")
    return registration


def live_reset(session: Session, token: str) -> PasswordReset:
    """Return the reset that a link opens now, or raise `DeadLink`."""
    reset = session.scalar(
        select(PasswordReset)
        .join(PasswordReset.user)
        .options(joinedload(PasswordReset.user))
        .where(
            PasswordReset.token_hash == rules.hashed(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > clock.now(),
            User.disabled_at.is_(None),
        )
    )
    if reset is None:
        raise rules.DeadLink("This link has been used or has run out. You can ask for another one.")
    return reset


def demo_accounts(session: Session) -> list[tuple[User, Role, str]]:
    """Return the accounts that demo mode offers, with role and organisation, in the order they were made."""
    rows = session.execute(
        select(User, Membership.role, Organisation.name)
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Membership.organisation_id == Organisation.id)
        .where(User.demo_label.is_not(None), in_force())
        .order_by(User.id, Membership.id)
    ).all()
    return [(user, role, name) for user, role, name in rows]


def organisations_with(role: Role) -> Select[int]:
    """Select the ids of the organisations at which somebody holds a role now."""
    return (
        select(Membership.organisation_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.role == role, in_force())
    )


def people_with(session: Session, organisation_id: int, role: Role) -> Sequence[User]:
    """Return who holds a role at an organisation now, by name: the people to tell."""
    return session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == organisation_id, Membership.role == role, in_force())
        .order_by(User.name, User.id)
    ).all()
