"""Join, sign in and out, passwords, and who belongs to an organisation.

Slow password hashes are computed outside transactions, so that they do not hold SQLite's write lock. Tokens stand in
links and cookies; the database holds their SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts import letters, passwords, queries, rules
from marketplace.accounts.models import (
    Invitation,
    Membership,
    PasswordReset,
    Registration,
    SignIn,
    SignInAttempt,
    User,
)
from marketplace.audit.actions import record
from marketplace.database import db, transaction
from marketplace.errors import DomainError, NotVisible
from marketplace.notices.actions import send
from marketplace.organisations import queries as organisations
from marketplace.organisations.models import Kind, Organisation
from marketplace.submissions.actions import once
from marketplace.web.links import path_of, public_link
from marketplace.web.words import moment

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many wrong passwords are allowed in a window, for an account and for an address they come from.

    ``hours`` is how long a sign-in lives.
    """

    account: int
    address: int
    hours: int


@dataclass(frozen=True, slots=True)
class Details:
    """What a person says about themselves, cleaned by the form."""

    name: str
    job_title: str = ""
    telephone: str = ""


# Signing in and out ---------------------------------------------------------------------------------------------


def sign_in(email: str, password: str, *, address: str, limits: Limits) -> str:
    """Return the token of a new sign-in.

    Raises:
        WrongCredentials: in the same words and the same time for an unknown account and a wrong password.
        TooManyTries: when the account or the address has used up its tries; counted before the password is
            looked at, in the database, so that parallel guesses and several processes share one count.
    """
    folded = rules.folded_email(email)
    account = _account_key(folded)
    place = f"from:{rules.hashed(address)}"
    take_a_turn((account, limits.account), (place, limits.address))
    user = queries.user_by_email(db.session, folded)
    stored = user.password_hash if user is not None and user.disabled_at is None else None
    user_id = user.id if user is not None else None
    db.session.rollback()
    if not passwords.verify(stored, password) or user_id is None:
        with transaction() as session:
            record(session, ANONYMOUS, "sign-in.refused", "person", user_id or "unknown")
        raise rules.WrongCredentials("The e-mail address or the password is not right", "password")
    return start(user_id, limits=limits, forget=account, give_back=place)


def demo_sign_in(user_id: int, *, limits: Limits) -> str:
    """Return the token of a sign-in as one of the demo's people; raise `NotVisible` for anybody else."""
    user = db.session.get(User, user_id)
    if user is None or user.demo_label is None or user.disabled_at is not None:
        raise NotVisible
    return start(user_id, limits=limits)


def start(user_id: int, *, limits: Limits, forget: str = "", give_back: str = "") -> str:
    """Start a sign-in for a person who has proved who they are, and return its token.

    Of the key ``forget`` all tries are dropped; of ``give_back`` only this one, as a whole hospital may stand
    behind one address, and so may somebody who guesses.
    """
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
        session.execute(delete(SignInAttempt).where(SignInAttempt.key == forget))
        session.execute(
            update(SignInAttempt)
            .where(SignInAttempt.key == give_back, SignInAttempt.count > 0)
            .values(count=SignInAttempt.count - 1)
        )
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


def take_a_turn(*turns: tuple[str, int]) -> None:
    """Count one try for each (key, limit), in a transaction of its own, and raise `TooManyTries` over a limit."""
    with transaction() as session:
        over = [count_attempt(session, key) > limit for key, limit in turns]
    if any(over):
        raise rules.TooManyTries


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


def _account_key(folded_email: str) -> str:
    return f"account:{rules.hashed(folded_email)}"


# Registering a company ------------------------------------------------------------------------------------------


def register(
    details: Details, *, email: str, password: str, company: str, about: str, address: str, form_key: str = ""
) -> None:
    """Keep what an innovator typed and write to the address, to prove that it is theirs.

    An address that has an account gets a letter that says so; whoever typed it sees no difference.
    """
    folded = rules.checked_email(email)
    rules.check_telephone(details.telephone)
    rules.check_password(password, email=folded, name=details.name)
    take_a_turn(
        (f"register:{rules.hashed(folded)}", rules.REGISTRATIONS),
        (f"register-from:{rules.hashed(address)}", rules.REGISTRATIONS * 10),
    )
    hashed = passwords.hash_password(password)
    token, now = rules.new_token(), clock.now()
    with transaction() as session:
        if queries.user_by_email(session, folded) is not None:
            letter = letters.known_already(
                sign_in=public_link("accounts.sign_in"), forgotten=public_link("accounts.forgotten")
            )
        else:
            until = now + rules.REGISTRATION_LIFE
            session.add(
                Registration(
                    token_hash=rules.hashed(token),
                    email=folded,
                    name=details.name,
                    job_title=details.job_title,
                    telephone=details.telephone,
                    password_hash=hashed,
                    company=company,
                    about=about,
                    created_at=now,
                    expires_at=until,
                )
            )
            letter = letters.registration(
                name=details.name,
                company=company,
                link=public_link("accounts.confirm", token=token),
                until=moment(until),
            )
        send(session, folded, letter.subject, letter.body)
        record(session, ANONYMOUS, "registration.asked", "registration", "new")
        once(session, ANONYMOUS, form_key, path_of("accounts.check_email"))


def confirm_registration(token: str, *, limits: Limits) -> str:
    """Make the account and the company of a registration, and return the token of its first sign-in."""
    now = clock.now()
    with transaction() as session:
        registration = queries.live_registration(session, token)
        taken = session.execute(
            update(Registration)
            .where(Registration.id == registration.id, Registration.used_at.is_(None))
            .values(used_at=now)
            .returning(Registration.id)
        ).scalar()
        if taken is None:
            raise rules.DeadLink("This link has been used.")
        user = User(
            email=registration.email,
            name=registration.name,
            job_title=registration.job_title,
            telephone=registration.telephone,
            password_hash=registration.password_hash,
            created_at=now,
        )
        company = Organisation(
            code=organisations.free_code(session, registration.company),
            name=registration.company,
            kind=Kind.SUPPLIER,
            about=registration.about,
            source="Registered by the company itself",
            source_date=clock.today(),
            updated_at=now,
        )
        _add_new(session, user, company)
        _join(session, Actor(user_id=user.id), user, company, Role.INNOVATOR)
        record(
            session,
            Actor(user_id=user.id),
            "registration.confirmed",
            "organisation",
            company.code,
            organisation_id=company.id,
        )
        user_id = user.id
    return start(user_id, limits=limits)


def _add_new(session: Session, user: User, *others: Organisation) -> None:
    session.add_all((user, *others))
    try:
        session.flush()
    except IntegrityError as error:
        raise rules.DeadLink(
            "There is an account with this e-mail address already. Sign in to it."
        ) from error


def _join(session: Session, actor: Actor, user: User, organisation: Organisation, role: Role) -> None:
    today = clock.today()
    held = session.scalar(
        select(Membership.id).where(
            Membership.user_id == user.id,
            Membership.organisation_id == organisation.id,
            Membership.role == role,
            Membership.ended_on.is_(None),
        )
    )
    if held is None:
        session.add(Membership(user_id=user.id, organisation_id=organisation.id, role=role, started_on=today))
    record(
        session,
        actor,
        "membership.started",
        "person",
        user.id,
        organisation_id=organisation.id,
        role=role.value,
    )


# Invitations and members ----------------------------------------------------------------------------------------


def invite(
    actor: Actor, organisation_code: str, *, email: str, role: Role, days: int, form_key: str = ""
) -> str:
    """Invite somebody to an organisation in a role that fits it, by a single-use link to their address.

    Returns the link, for the command line. People invite to their own organisations; an administrator invites the
    first person of any, and the first of a role that its work stands still without. An earlier invitation of the
    same person in the same role is taken back.
    """
    folded = rules.checked_email(email)
    if actor is not SERVICE:
        take_a_turn((f"invite:{actor.user_id}", rules.INVITATIONS))
    token, now = rules.new_token(), clock.now()
    link = public_link("accounts.invitation", token=token)
    with transaction() as session:
        organisation = _open_to(session, actor, organisation_code)
        if role not in rules.roles_for(organisation.kind):
            raise DomainError(
                f"{organisation.name} has no role “{role.label}”. Choose one that it has", "role"
            )
        members = queries.members_of(session, organisation.id)
        if actor is not SERVICE and role not in queries.offered_roles(actor, organisation, members):
            raise DomainError(
                f"{organisation.name} has people of its own here. They invite their colleagues", "role"
            )
        if any(member.email == folded and member.role is role for member in members):
            raise DomainError(f"This person is {role.label} at {organisation.name} already", "email")
        _take_back(session, now, organisation, folded, role)
        until = now + timedelta(days=days)
        invitation = Invitation(
            token_hash=rules.hashed(token),
            email=folded,
            organisation_id=organisation.id,
            role=role,
            invited_by_id=actor.user_id,
            created_at=now,
            expires_at=until,
        )
        session.add(invitation)
        session.flush()
        letter = letters.invitation(
            inviter=actor.name,
            organisation=organisation.name,
            role=role.label,
            link=link,
            until=moment(until),
        )
        send(session, folded, letter.subject, letter.body)
        record(
            session,
            actor,
            "invitation.sent",
            "invitation",
            invitation.id,
            organisation_id=organisation.id,
            role=role.value,
        )
        once(session, actor, form_key, path_of("accounts.members", organisation_code=organisation_code))
    return link


def _open_to(session: Session, actor: Actor, code: str) -> Organisation:
    if actor is SERVICE:
        organisation = organisations.by_code(session, code)
        if organisation is None:
            raise DomainError(f"No organisation has the code {code}.")
    else:
        organisation = queries.managed_organisation(session, actor, code)
    if organisation.closed:
        raise DomainError(f"{organisation.name} has closed, so nobody can join it")
    return organisation


def _take_back(session: Session, now: datetime, organisation: Organisation, email: str, role: Role) -> None:
    session.execute(
        update(Invitation)
        .where(
            Invitation.organisation_id == organisation.id,
            Invitation.email == email,
            Invitation.role == role,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )


def revoke_invitation(actor: Actor, organisation_code: str, invitation_id: int) -> None:
    """Take an invitation back; its link is dead from now on."""
    with transaction() as session:
        organisation = queries.managed_organisation(session, actor, organisation_code)
        done = session.execute(
            update(Invitation)
            .where(
                Invitation.id == invitation_id,
                Invitation.organisation_id == organisation.id,
                Invitation.accepted_at.is_(None),
                Invitation.revoked_at.is_(None),
            )
            .values(revoked_at=clock.now())
            .returning(Invitation.id)
        ).scalar()
        if done is None:
            raise NotVisible
        record(
            session,
            actor,
            "invitation.revoked",
            "invitation",
            invitation_id,
            organisation_id=organisation.id,
        )


def accept_as_new(token: str, details: Details, *, password: str, limits: Limits) -> str:
    """Make the account that an invitation is for, and return the token of its first sign-in."""
    invitation = queries.live_invitation(db.session, token)
    rules.check_telephone(details.telephone)
    rules.check_password(password, email=invitation.email, name=details.name)
    hashed = passwords.hash_password(password)
    with transaction() as session:
        invitation = queries.live_invitation(session, token)
        user = User(
            email=invitation.email,
            name=details.name,
            job_title=details.job_title,
            telephone=details.telephone,
            password_hash=hashed,
            created_at=clock.now(),
        )
        organisation, role = invitation.organisation, invitation.role
        _use(session, invitation)
        _add_new(session, user)
        _join(session, Actor(user_id=user.id), user, organisation, role)
        user_id = user.id
    return start(user_id, limits=limits)


def accept(actor: Actor, token: str) -> str:
    """Accept an invitation with the account that it is for; return the organisation's name."""
    with transaction() as session:
        invitation = queries.live_invitation(session, token)
        if actor.user_id is None or actor.email != invitation.email:
            raise DomainError(
                "This invitation is for another e-mail address than the one you are signed in with"
            )
        organisation = invitation.organisation
        _use(session, invitation)
        _join(session, actor, session.get_one(User, actor.user_id), organisation, invitation.role)
        return organisation.name


def _use(session: Session, invitation: Invitation) -> None:
    # One statement, so that of two copies sent at once only one gets through.
    used = session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation.id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(accepted_at=clock.now())
        .returning(Invitation.id)
    ).scalar()
    if used is None:
        raise rules.DeadLink("This invitation has been used or was taken back.")


def end_membership(actor: Actor, organisation_code: str, membership_id: int) -> int:
    """End a person's role at an organisation, in effect at their next page; return the person's id."""
    with transaction() as session:
        organisation = queries.managed_organisation(session, actor, organisation_code)
        members = queries.members_of(session, organisation.id)
        member = next((member for member in members if member.membership_id == membership_id), None)
        if member is None:
            raise NotVisible
        if len(members) == 1 and (organisation.kind is Kind.SERVICE or member.user_id == actor.user_id):
            raise DomainError(
                f"{member.name} is the only person here. Invite somebody else first, "
                "and end this role when they have joined"
            )
        session.get_one(Membership, membership_id).ended_on = clock.today()
        record(
            session,
            actor,
            "membership.ended",
            "person",
            member.user_id,
            organisation_id=organisation.id,
            role=member.role.value,
        )
    return member.user_id


# Passwords and own details --------------------------------------------------------------------------------------


def ask_for_reset(email: str, *, address: str, minutes: int, form_key: str = "") -> None:
    """Send a link to set a new password, if the address has an account; whoever asks sees no difference."""
    folded = rules.checked_email(email)
    take_a_turn(
        (f"reset:{rules.hashed(folded)}", rules.RESETS),
        (f"reset-from:{rules.hashed(address)}", rules.RESETS * 10),
    )
    token, now = rules.new_token(), clock.now()
    with transaction() as session:
        user = queries.user_by_email(session, folded)
        if user is not None and user.disabled_at is None:
            until = now + timedelta(minutes=minutes)
            session.add(
                PasswordReset(
                    token_hash=rules.hashed(token), user_id=user.id, created_at=now, expires_at=until
                )
            )
            letter = letters.reset(
                name=user.name, link=public_link("accounts.reset", token=token), until=moment(until)
            )
            send(session, folded, letter.subject, letter.body)
        record(session, ANONYMOUS, "password-reset.asked", "person", user.id if user else "unknown")
        once(session, ANONYMOUS, form_key, path_of("accounts.check_email"))


def reset_password(token: str, password: str) -> None:
    """Set a new password by a link; every sign-in of the person and every other link ends."""
    user = queries.live_reset(db.session, token).user
    rules.check_password(password, email=user.email, name=user.name)
    hashed = passwords.hash_password(password)
    with transaction() as session:
        user = queries.live_reset(session, token).user
        used = session.execute(
            update(PasswordReset)
            .where(PasswordReset.token_hash == rules.hashed(token), PasswordReset.used_at.is_(None))
            .values(used_at=clock.now())
            .returning(PasswordReset.user_id)
        ).scalar()
        if used is None:
            raise rules.DeadLink("This link has been used.")
        _set_password(session, user, hashed, keep="")
        record(session, Actor(user_id=user.id), "password.reset", "person", user.id)


def change_password(actor: Actor, *, old: str, new: str, token: str, limits: Limits) -> None:
    """Set a new password for a signed-in person who knows the old one; every other sign-in ends."""
    take_a_turn((_account_key(actor.email), limits.account))
    stored = db.session.get_one(User, actor.user_id).password_hash
    db.session.rollback()
    if not passwords.verify(stored, old):
        raise DomainError("The password you have now is not right", "old_password")
    rules.check_password(new, email=actor.email, name=actor.name, field="new_password")
    hashed = passwords.hash_password(new)
    with transaction() as session:
        _set_password(session, session.get_one(User, actor.user_id), hashed, keep=rules.hashed(token))
        session.execute(delete(SignInAttempt).where(SignInAttempt.key == _account_key(actor.email)))
        record(session, actor, "password.changed", "person", actor.user_id)


def _set_password(session: Session, user: User, hashed: str, *, keep: str) -> None:
    now = clock.now()
    user.password_hash = hashed
    session.execute(
        update(SignIn)
        .where(SignIn.user_id == user.id, SignIn.ended_at.is_(None), SignIn.token_hash != keep)
        .values(ended_at=now)
    )
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None))
        .values(used_at=now)
    )
    letter = letters.password_changed(name=user.name, forgotten=public_link("accounts.forgotten"))
    send(session, user.email, letter.subject, letter.body)


def change_details(actor: Actor, details: Details) -> None:
    """Change what a person says about themselves."""
    rules.check_telephone(details.telephone)
    with transaction() as session:
        user = session.get_one(User, actor.user_id)
        user.name, user.job_title, user.telephone = details.name, details.job_title, details.telephone
        record(session, actor, "person.details-changed", "person", user.id)


def offer_in_demo(user_id: int, label: str) -> None:
    """Offer one of the demo's made-up people on the sign-in page, by one click under this label."""
    with transaction() as session:
        session.get_one(User, user_id).demo_label = label
        record(session, SERVICE, "person.offered-in-demo", "person", user_id)


def prune() -> None:
    """Delete what has served its purpose: sign-ins, links and counts of tries, a week after their end.

    Invitations stay: they say who let whom in. An unused registration holds personal data, so it goes.
    """
    now = clock.now()
    old = now - KEPT
    with transaction() as session:
        session.execute(delete(SignIn).where(SignIn.expires_at < old))
        session.execute(delete(Registration).where(Registration.expires_at < old))
        session.execute(delete(PasswordReset).where(PasswordReset.expires_at < old))
        session.execute(
            delete(SignInAttempt).where(SignInAttempt.window_started_at < now - rules.ATTEMPT_WINDOW)
        )
