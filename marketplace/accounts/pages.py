"""The pages of joining, signing in, passwords and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import url_for

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission, Role
from marketplace.accounts.models import Invitation, Registration, User
from marketplace.accounts.queries import Member, offered_roles
from marketplace.organisations.models import Organisation
from marketplace.web.pages import Link, Page, Row
from marketplace.web.words import day, listed, moment


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account that demo mode offers by one click."""

    key: str
    label: str
    person: str


@dataclass(frozen=True, kw_only=True)
class SignInPage(Page):
    """Sign in, with the demo accounts in demo mode; ``note`` says what became of a form that came too late."""

    template = "accounts/sign_in.html"

    title: str = "Sign in"
    note: str = ""
    demo_accounts: tuple[DemoAccount, ...] = ()

    @classmethod
    def build(cls, accounts: Sequence[tuple[User, Role, str]], note: str = "") -> SignInPage:
        """Return the page with the demo accounts there are."""
        return cls(
            note=note,
            demo_accounts=tuple(
                DemoAccount(
                    str(user.id),
                    user.demo_label or role.label,
                    ", ".join(part for part in (user.name, user.job_title) if part),
                )
                for user, role, _ in accounts
            ),
        )


@dataclass(frozen=True, kw_only=True)
class RegisterPage(Page):
    """Register a company."""

    template = "accounts/register.html"

    title: str = "Register your company"


@dataclass(frozen=True, kw_only=True)
class CheckEmail(Page):
    """The same words whether the address is known or not."""

    template = "accounts/check_email.html"

    title: str = "Check your e-mail"


@dataclass(frozen=True, kw_only=True)
class ConfirmPage(Page):
    """One button that confirms: links alone are opened by mail scanners too."""

    template = "accounts/confirm.html"

    title: str = "Confirm your e-mail address"
    rows: tuple[Row, ...]

    @classmethod
    def build(cls, registration: Registration) -> ConfirmPage:
        """Return the page of a registration."""
        return cls(
            rows=(
                Row("Your name", registration.name),
                Row("E-mail address", registration.email),
                Row("Company", registration.company),
            )
        )


@dataclass(frozen=True, kw_only=True)
class ForgottenPage(Page):
    """Ask for a link to set a new password."""

    template = "accounts/forgotten.html"

    title: str = "Forgotten your password"


@dataclass(frozen=True, kw_only=True)
class ResetPage(Page):
    """Set a new password by a link."""

    template = "accounts/reset.html"

    title: str = "Set a new password"
    email: str


@dataclass(frozen=True, kw_only=True)
class InvitationPage(Page):
    """An invitation, for somebody new, for the right account, or for somebody who has to sign in (again)."""

    template = "accounts/invitation.html"

    organisation: str
    role: str
    email: str
    inviter: str
    until: str
    state: str

    @classmethod
    def build(cls, invitation: Invitation, actor: Actor, *, has_account: bool) -> InvitationPage:
        """Return the page; ``state`` is new, sign-in, mine or other."""
        if actor.signed_in:
            state = "mine" if actor.email == invitation.email else "other"
        else:
            state = "sign-in" if has_account else "new"
        return cls(
            title=f"Join {invitation.organisation.name}",
            organisation=invitation.organisation.name,
            role=invitation.role.label,
            email=invitation.email,
            inviter=invitation.invited_by.name if invitation.invited_by else "Demand Signal",
            until=moment(invitation.expires_at),
            state=state,
        )


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One person's role, and the link to end it."""

    name: str
    email: str
    role: str
    since: str
    end: str


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """One invitation that is still open, and the address of the button that takes it back."""

    email: str
    role: str
    sent: str
    until: str
    revoke: str


@dataclass(frozen=True, kw_only=True)
class MembersPage(Page):
    """Who belongs to an organisation, who is invited, and the form to invite."""

    template = "accounts/members.html"

    organisation: str
    members: tuple[MemberLine, ...]
    invitations: tuple[InvitationLine, ...]
    invite: str
    may_invite: bool
    colleagues: str

    @classmethod
    def build(
        cls,
        actor: Actor,
        organisation: Organisation,
        members: Sequence[Member],
        invitations: Sequence[Invitation],
    ) -> MembersPage:
        """Return the page of an organisation."""
        code = organisation.code
        roles = offered_roles(actor, organisation, members)
        own = actor.may(Permission.MEMBER_INVITE, organisation.id)
        colleagues = f"The people of {organisation.name} invite their own colleagues." if members else ""
        if colleagues and roles:
            missing = listed([role.label for role in roles], "or")
            colleagues += f" Nobody there has the role {missing}, so you can invite somebody."
        return cls(
            title=f"People at {organisation.name}",
            organisation=organisation.name,
            members=tuple(
                MemberLine(
                    member.name,
                    member.email,
                    member.role.label,
                    f"since {day(member.since)}",
                    url_for(
                        "accounts.end_member", organisation_code=code, membership_id=member.membership_id
                    ),
                )
                for member in members
            ),
            invitations=tuple(
                InvitationLine(
                    row.email,
                    row.role.label,
                    day(row.created_at),
                    moment(row.expires_at),
                    url_for("accounts.revoke", organisation_code=code, invitation_id=row.id),
                )
                for row in invitations
            ),
            invite=url_for("accounts.invite", organisation_code=code),
            may_invite=bool(roles),
            colleagues="" if own else colleagues,
        )


@dataclass(frozen=True, kw_only=True)
class EndMemberPage(Page):
    """Make sure before a role is ended."""

    template = "accounts/end_member.html"

    person: str
    role: str
    organisation: str
    back: str

    @classmethod
    def build(cls, organisation: Organisation, member: Member) -> EndMemberPage:
        """Return the page for one person's role."""
        return cls(
            title=f"End {member.name}’s role?",
            person=member.name,
            role=member.role.label,
            organisation=organisation.name,
            back=url_for("accounts.members", organisation_code=organisation.code),
        )


@dataclass(frozen=True, kw_only=True)
class AccountPage(Page):
    """A person's own details, password and organisations."""

    template = "accounts/account.html"

    title: str = "Your account"
    rows: tuple[Row, ...]
    organisations: tuple[tuple[str, Link], ...]
    overseeing: tuple[Link, ...] = field(default=())

    @classmethod
    def build(cls, actor: Actor, user: User) -> AccountPage:
        """Return the page of the person."""
        change = url_for("accounts.details")
        links: list[Link] = []
        if actor.may(Permission.SERVICE_OVERSEE):
            links.append(Link("All organisations and their people", url_for("organisations.registry")))
        if actor.may(Permission.PATCH_READ):
            links.append(
                Link("Which organisations each HIN covers", url_for("organisations.patches"))
                if actor.may(Permission.SERVICE_OVERSEE)
                else Link("Which organisations your HIN covers", url_for("organisations.patches"))
            )
        return cls(
            rows=(
                Row("Name", user.name, change),
                Row("Job title", user.job_title or "Not given", change),
                Row("Telephone number", user.telephone or "Not given", change),
                Row("E-mail address", user.email),
                Row("Password", "Hidden", url_for("accounts.password")),
            ),
            organisations=tuple(
                (
                    f"{grant.role.label} at {grant.organisation_name}",
                    Link(
                        f"People at {grant.organisation_name}",
                        url_for("accounts.members", organisation_code=grant.organisation_code),
                    ),
                )
                for grant in actor.grants
            ),
            overseeing=tuple(links),
        )


@dataclass(frozen=True, kw_only=True)
class DetailsPage(Page):
    """Change one's own details."""

    template = "accounts/details.html"

    title: str = "Change your details"


@dataclass(frozen=True, kw_only=True)
class PasswordPage(Page):
    """Change one's own password."""

    template = "accounts/password.html"

    title: str = "Change your password"
