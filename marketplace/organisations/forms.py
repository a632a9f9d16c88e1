"""The forms of patches."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import BooleanField, SelectField
from wtforms.validators import ValidationError

from marketplace.organisations import rules
from marketplace.organisations.models import Kind
from marketplace.web.forms import BaseForm, DateParts, Needed, line


class PatchForm(BaseForm):
    """By which source a HIN covers an organisation."""

    source = line(
        "Where do you know this from?",
        limit=rules.SOURCE_MOST,
        needed="Enter where you know this from",
        hint="For example a board paper, a letter or a web page",
    )
    source_date = DateParts(
        "Date of the source", needed="Enter the date of the source", hint="For example, 27 3 2026"
    )
    confirmed = BooleanField("The HIN has confirmed this")


class PatchAddForm(PatchForm):
    """An organisation that joins a patch."""

    organisation = SelectField(
        "Organisation",
        description="An integrated care system brings all its trusts with it",
        validators=[Needed("Choose an organisation")],
        validate_choice=False,
    )

    offered: frozenset[str] = frozenset()

    def offer(self, organisations: Sequence[tuple[str, str, Kind]]) -> PatchAddForm:
        """Set the organisations to choose from."""
        self.offered = frozenset(code for code, _, _ in organisations)
        self.organisation.choices = [
            ("", "Choose an organisation"),
            *((code, f"{name} ({code})") for code, name, _ in organisations),
        ]
        return self

    def validate_organisation(self, field: SelectField) -> None:
        """Refuse a value that was not offered."""
        if field.data not in self.offered:
            raise ValidationError("Choose an organisation from the list")


class ButtonForm(BaseForm):
    """A form of one button."""
