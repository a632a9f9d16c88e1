"""The forms of cycles."""

from __future__ import annotations

from datetime import date

from wtforms import HiddenField

from marketplace.cycles import rules
from marketplace.needs.models import Cycle
from marketplace.needs.rounds import Round
from marketplace.web.forms import BaseForm, DateParts, line, paragraph


class CycleForm(BaseForm):
    """A cycle: its name and its four dates. ``seen`` holds them as they were when the form was opened."""

    seen = HiddenField()
    name = line(
        "Name",
        limit=rules.NAME_LIMIT,
        needed="Enter a name for the cycle",
        hint="People read it beside each need, for example Spring 2027.",
    )
    opens_on = DateParts(
        "First day",
        needed="Enter the first day of the cycle",
        hint="Organisations can answer from this day. For example, 1 3 2027.",
    )
    reminds_on = DateParts(
        "Day of the reminder",
        needed="Enter the day of the reminder",
        hint="Who has not answered by then gets one e-mail. For example, 12 4 2027.",
    )
    locks_on = DateParts(
        "Last day for answers",
        needed="Enter the last day for answers",
        hint="Places cannot change after this day, and what nobody has confirmed lapses. For example, 30 4 2027.",
    )
    closes_on = DateParts(
        "Last day of the cycle",
        needed="Enter the last day of the cycle",
        hint="After this day the cycle is history. For example, 31 8 2027.",
    )

    @classmethod
    def opened(cls, cycle: Cycle) -> CycleForm:
        """Return the form filled with a cycle."""
        form = cls(
            formdata=None, data={"name": cycle.name} | {name: getattr(cycle, name) for name in rules.DATES}
        )
        form.on(cycle)
        return form

    def on(self, cycle: Cycle) -> None:
        """Note the cycle that the form is based on from now."""
        dates = (getattr(cycle, name).isoformat() for name in rules.DATES)
        self.seen.data = " ".join((*dates, cycle.name))

    def round(self) -> Round:
        """Return what was typed."""
        return Round(name=self.name.data or "", **{name: self._fields[name].data for name in rules.DATES})

    def was(self) -> Round | None:
        """Return the cycle as it was when the form was opened; None when the form does not say it."""
        parts = (self.seen.data or "").split(" ", len(rules.DATES))
        if len(parts) <= len(rules.DATES):
            return None
        try:
            dates = [date.fromisoformat(part) for part in parts[:-1]]
        except ValueError:
            return None
        return Round(name=parts[-1], **dict(zip(rules.DATES, dates, strict=True)))


class CancelForm(BaseForm):
    """Why a cycle is cancelled. ``seen`` stands for what the person read of it."""

    seen = HiddenField()
    reason = paragraph(
        "Why is it cancelled?",
        limit=rules.REASON_LIMIT,
        needed="Enter why the cycle is cancelled",
        hint="Need leads who were told of the cycle read it in an e-mail, and everybody can.",
        rows=3,
    )


class PlainForm(BaseForm):
    """A button."""
