"""The forms of shared needs."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind

from marketplace.families import rules
from marketplace.needs.questions import PEOPLE_MOST
from marketplace.web.forms import BaseForm, paragraph, whole_number


class CoSignForm(BaseForm):
    """What a co-signing organisation says of itself."""

    organisation = RadioField("Which organisation co-signs it?", validate_choice=False)
    how_many = whole_number(
        "How many people does it affect where you are? (optional)",
        least=1,
        most=PEOPLE_MOST,
        hint="Your own people only: they are added to those of the others.",
    )
    note = paragraph(
        "How does it differ where you are? (optional)",
        limit=rules.NOTE_LIMIT,
        hint="Everybody can read it beside the need. Do not name people or patients.",
        rows=4,
    )

    def offer(self, organisations: Iterable[tuple[str, str]]) -> None:
        """Offer these organisations: code and name."""
        self.organisation.choices = [SelectChoice(code, name) for code, name in organisations]


class PlainForm(BaseForm):
    """Nothing to type: the button is the answer."""
