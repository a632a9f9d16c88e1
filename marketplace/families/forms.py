"""The forms of shared needs."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import HiddenField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind

from marketplace.families import rules
from marketplace.needs.questions import PEOPLE_MOST
from marketplace.web.forms import BaseForm, VersionedForm, line, paragraph, whole_number


class CoSignForm(BaseForm):
    """What a co-signing organisation says of itself."""

    organisation = RadioField("Which organisation co-signs it?", validate_choice=False)
    how_many = whole_number(
        "How many people does it affect where you are? (optional)",
        called="How many people it affects",
        least=1,
        most=PEOPLE_MOST,
        hint="Your own people only: they are added to those of the others.",
    )
    note = paragraph(
        "How does it differ where you are? (optional)",
        called="How it differs",
        limit=rules.NOTE_LIMIT,
        hint="Everybody can read it beside the need. Do not name people or patients.",
        rows=4,
    )

    def offer(self, organisations: Iterable[tuple[str, str]]) -> None:
        """Offer these organisations: code and name."""
        self.organisation.choices = [SelectChoice(code, name) for code, name in organisations]


class SettleForm(VersionedForm):
    """What a broker settles; ``act`` says what, and the fields of the other acts stay empty."""

    act = HiddenField()
    need = HiddenField()
    name = line("Name of the family", limit=rules.NAME_LIMIT, hint="In words that people in the NHS use.")
    other = line(
        "Address of the other family, or of a need",
        limit=300,
        hint="Open it, and copy its address from the top of your browser.",
    )


class PlainForm(BaseForm):
    """Nothing to type: the button is the answer."""
