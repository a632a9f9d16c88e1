"""The forms of joining, signing in, passwords and people."""

from __future__ import annotations

from typing import Any

from wtforms import EmailField, Field, HiddenField, PasswordField, RadioField
from wtforms.validators import InputRequired, StopValidation, ValidationError

from marketplace.access.policy import Role
from marketplace.accounts import rules
from marketplace.errors import DomainError
from marketplace.organisations import rules as organisations
from marketplace.web.forms import AtMost, BaseForm, Needed, clean_line, line, paragraph

NAME_MOST = 100


class RealAddress:
    """The address is one that an e-mail can be sent to; said together with what else is wrong on the page."""

    def __call__(self, form: Any, field: Field) -> None:
        """Stop with the message of the rule."""
        try:
            rules.checked_email(field.data)
        except DomainError as error:
            raise StopValidation(error.message) from None


def email_field(
    label: str = "E-mail address", *, hint: str = "", autocomplete: str = "email", written_to: bool = False
) -> EmailField:
    """Return a field for an e-mail address; ``written_to`` when it is new here and we shall write to it."""
    return EmailField(
        label,
        description=hint,
        filters=[clean_line],
        validators=[
            Needed("Enter an e-mail address" if label != "E-mail address" else "Enter your e-mail address"),
            AtMost(rules.EMAIL_MOST),
            *([RealAddress()] if written_to else []),
        ],
        render_kw={"type": "email", "autocomplete": autocomplete, "spellcheck": "false"},
    )


def chosen_password(label: str = "Choose a password") -> PasswordField:
    """Return a field for a password that is being set."""
    return PasswordField(
        label,
        description=f"At least {rules.PASSWORD_LEAST} characters. Three random words work well",
        validators=[Needed("Enter a password"), AtMost(rules.PASSWORD_MOST)],
        render_kw={"autocomplete": "new-password"},
    )


class SignInForm(BaseForm):
    """E-mail address and password, and a form that was kept from before."""

    email = email_field(autocomplete="username")
    password = PasswordField(
        "Password",
        validators=[Needed("Enter your password"), AtMost(rules.PASSWORD_MOST)],
        render_kw={"autocomplete": "current-password"},
    )
    kept = HiddenField()


class DetailsForm(BaseForm):
    """What a person says about themselves."""

    name = line("Your full name", limit=NAME_MOST, needed="Enter your full name", autocomplete="name")
    job_title = line("Job title (optional)", limit=100, autocomplete="organization-title")
    telephone = line(
        "Telephone number (optional)",
        limit=40,
        hint="Shown to the other side only after both sides have accepted an introduction",
        autocomplete="tel",
    )


class RegisterForm(DetailsForm):
    """An innovator and their company."""

    email = email_field(hint="We send a link to this address to check that it is yours", written_to=True)
    password = chosen_password()
    company = line("Company name", limit=organisations.NAME_MOST, needed="Enter the name of your company")
    about = paragraph(
        "What your company does",
        limit=organisations.ABOUT_MOST,
        needed="Enter what your company does",
        hint="One or two sentences. Everybody can read this",
    )


class JoinForm(DetailsForm):
    """The account of somebody who was invited; the address comes from the invitation."""

    password = chosen_password()


class ButtonForm(BaseForm):
    """A form of one button."""


class ForgottenForm(BaseForm):
    """Whose password was forgotten."""

    email = email_field(autocomplete="username")


class ResetForm(BaseForm):
    """A new password by a link."""

    password = chosen_password("New password")


class PasswordForm(BaseForm):
    """A new password by somebody who is signed in."""

    old_password = PasswordField(
        "The password you have now",
        validators=[Needed("Enter the password you have now"), AtMost(rules.PASSWORD_MOST)],
        render_kw={"autocomplete": "current-password"},
    )
    new_password = chosen_password("New password")


class InviteForm(BaseForm):
    """Whom to invite, and in which role."""

    email = email_field("Their e-mail address", autocomplete="off", written_to=True)
    role = RadioField("Role", validators=[InputRequired("Choose a role")], validate_choice=False)

    roles: tuple[tuple[str, str], ...] = ()

    def validate_role(self, field: RadioField) -> None:
        """Refuse a value that was not offered."""
        if field.data not in dict(self.roles):
            raise ValidationError("Choose a role from the list")

    def offer(self, roles: tuple[Role, ...]) -> InviteForm:
        """Set the roles to choose from; the only one is chosen already."""
        self.roles = tuple((role.value, ROLE_WORDS[role]) for role in roles)
        self.role.choices = list(self.roles)
        if len(roles) == 1 and not self.is_submitted():
            self.role.data = roles[0].value
        return self


ROLE_WORDS = {
    Role.NEED_LEAD: "Need lead: writes the organisation’s needs and submits them",
    Role.INNOVATOR: "Innovator: lists technologies and answers introductions",
    Role.SPONSOR: "Sponsor: approves the organisation’s needs before they are published",
    Role.ASSESSOR: "Assessor: records passports that the organisation issues",
    Role.BROKER: "HIN broker: introduces the two sides within the patch",
    Role.ADMINISTRATOR: "Administrator: keeps organisations and first invitations",
}
