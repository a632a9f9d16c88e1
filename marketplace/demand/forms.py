"""The forms of saved searches."""

from __future__ import annotations

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind
from wtforms.validators import InputRequired

from marketplace.accounts.forms import email_field
from marketplace.demand.saving import NAME_LIMIT, Frequency
from marketplace.web.forms import BaseForm, line


class ButtonForm(BaseForm):
    """Nothing to type: the button is the answer."""


class SearchForm(BaseForm):
    """What a search is called, and how often it is told."""

    name = line("Name of this search", limit=NAME_LIMIT, needed="Enter a name for this search")
    frequency = RadioField(
        "How often should we e-mail you?",
        choices=[SelectChoice(value, label) for value, label in Frequency.choices()],
        validators=[InputRequired("Choose how often we should e-mail you")],
    )

    @property
    def often(self) -> Frequency:
        """Return the frequency of a valid form."""
        return Frequency(self.frequency.data)


class LetterForm(SearchForm):
    """The same of an address alone: an address to which nobody writes is not kept, so e-mails are always chosen."""

    frequency = RadioField(
        "How often should we e-mail you?",
        choices=[
            SelectChoice(value, label) for value, label in Frequency.choices() if value != Frequency.NONE
        ],
        validators=[InputRequired("Choose how often we should e-mail you")],
    )


class AddressForm(LetterForm):
    """The same, with the address of somebody who has not signed in."""

    email = email_field(
        written_to=True,
        hint="We write to it once, to ask whether it is yours. We keep nothing else about you",
    )
