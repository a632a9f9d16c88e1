"""The forms of assessors and of the register of passports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import ValidationError

from marketplace.passports import rules
from marketplace.passports.queries import Filters
from marketplace.passports.rules import PassportContent, Standing
from marketplace.web.forms import BaseForm, DateParts, line, paragraph


class PassportForm(BaseForm):
    """One assessment. ``technology_version`` is the version that the assessor has before them."""

    technology_version = HiddenField()
    issuer = RadioField("Which organisation issues the passport?", validate_choice=False)
    scope = paragraph(
        "What was assessed, and for which use?",
        called="Scope",
        limit=rules.SCOPE_LIMIT,
        needed="Enter what was assessed, and for which use",
        hint="The release, the people and the care settings that the assessment covers. Everybody sees this.",
    )
    evidence = SelectMultipleField(
        "Which evidence did you rely on?",
        description="Select what you have seen and checked with its issuer.",
        validate_choice=False,
    )
    conditions = paragraph(
        "Conditions and limits (optional)",
        limit=rules.CONDITIONS_LIMIT,
        hint="What an organisation that relies on the passport must do or must not do.",
    )
    valid_from = DateParts("Valid from", needed="Enter the first day on which the passport is valid")
    valid_to = DateParts(
        "Valid to",
        needed="Enter the last day on which the passport is valid",
        hint=f"The last day, at most {rules.YEARS_MOST} years after the first.",
    )

    def __init__(
        self, bodies: Sequence[tuple[str, str]], evidence: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.evidence.choices = dict(evidence)
        self.issuer.choices = dict(bodies)
        self.offered = {value for value, _ in evidence}
        self.bodies = {value for value, _ in bodies}
        self.only_body = bodies[0][0] if len(bodies) == 1 else ""
        if self.only_body:
            del self.issuer

    def validate_issuer(self, field: RadioField) -> None:
        """Ask for one of the bodies for which the person assesses."""
        if field.data not in self.bodies:
            raise ValidationError("Select the organisation that issues the passport")

    def validate_evidence(self, field: SelectMultipleField) -> None:
        """Ask for at least one item; one that is not offered has been withdrawn or has expired meanwhile."""
        if not field.data:
            raise ValidationError("Select at least one evidence item that the assessment relied on")
        if not set(field.data) <= self.offered:
            field.data = [value for value in field.data if value in self.offered]
            raise ValidationError(
                "An evidence item that you selected has been withdrawn or has expired. Select from the current ones"
            )

    def content(self) -> PassportContent:
        """Return what was typed; call it after `validate`."""
        version = self.technology_version.data or ""
        return PassportContent(
            scope=self.scope.data or "",
            conditions=self.conditions.data or "",
            valid_from=self.valid_from.data,
            valid_to=self.valid_to.data,
            evidence=tuple(self.evidence.data or ()),
            issuer_id=int(self.issuer.data if self.issuer else self.only_body),
            # A damaged form names version 0, which never is the current one.
            technology_version=int(version)
            if version.isascii() and version.isdigit() and len(version) < 10
            else 0,
        )


class ReasonForm(BaseForm):
    """Why a passport is suspended or revoked."""

    reason = paragraph(
        "Why?",
        called="Reason",
        limit=rules.REASON_LIMIT,
        needed="Enter the reason. It is shown on the public register",
        hint="Everybody sees this on the register. Do not name people.",
    )


class ConfirmForm(BaseForm):
    """A button that asks once more."""


class PickForm(BaseForm):
    """Look for the technology to be assessed; a GET form, so it carries no token."""

    class Meta:
        """Take values from the address."""

        csrf = False

    q = line("Search technologies", called="What you search for", limit=200)


class RegisterForm(BaseForm):
    """The search and the filters of the register; a GET form, so it carries no token."""

    class Meta:
        """Take values from the address."""

        csrf = False

    q = line(
        "Passport number or technology",
        called="What you search for",
        limit=200,
        hint="For example, DS-2026-7K3M2Q",
    )
    standing = SelectField(
        "Standing", choices={"": "Any standing"} | dict(Standing.choices()), validate_choice=False
    )
    issuer = SelectField("Issued by", validate_choice=False)
    technology = HiddenField()

    def __init__(self, issuers: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.issuer.choices = {"": "Any organisation"} | dict(issuers)
        self.issuers = {code for code, _ in issuers}

    def validate_standing(self, field: SelectField) -> None:
        """Take only standings that there are."""
        if field.data and field.data not in set(Standing):
            raise ValidationError("Select a standing from the list")

    def validate_issuer(self, field: SelectField) -> None:
        """Take only organisations that have issued a passport."""
        if field.data and field.data not in self.issuers:
            raise ValidationError("Select an organisation from the list")

    def _value(self, name: str) -> str:
        return "" if self[name].errors else str(self[name].data or "")

    def filters(self) -> Filters:
        """Return the filters; one with an error is left out."""
        standing = self._value("standing")
        return Filters(
            standing=Standing(standing) if standing else None,
            issuer=self._value("issuer"),
            technology=self._value("technology")[:20],
            text=self._value("q"),
        )

    def chosen(self) -> dict[str, str]:
        """Return what the address holds."""
        names = ("q", "standing", "issuer", "technology")
        return {name: value for name in names if (value := self._value(name))}
