"""The forms of introductions."""

from __future__ import annotations

from wtforms import HiddenField

from marketplace.introductions import rules
from marketplace.web.forms import BaseForm, VersionedForm, paragraph


class ProposeForm(BaseForm):
    """The broker's note; ``step`` tells whether it is to be checked or sent."""

    note = paragraph(
        "Why should these two talk?",
        limit=rules.NOTE_MOST,
        needed="Say why the two should talk. Both sides will read it",
        hint="Both sides read this with your name. Leave out e-mail addresses and telephone numbers: "
        "they are shared when both sides have accepted.",
        rows=6,
    )
    step = HiddenField()


class AcceptForm(VersionedForm):
    """Nothing to type: the button is the answer."""


class DeclineForm(VersionedForm):
    """Why a side declines."""

    reason = paragraph(
        "Why do you decline?",
        limit=rules.REASON_MOST,
        needed=rules.WHY_DECLINED,
        hint="Only the broker reads this. The other side is not told that you declined.",
        rows=4,
    )


class CloseForm(VersionedForm):
    """Why a broker closes it."""

    reason = paragraph(
        "Why do you close it?",
        limit=rules.REASON_MOST,
        needed=rules.WHY_CLOSED,
        hint="Only brokers of your HIN read this. Both sides are told that it is not going ahead, and not why.",
        rows=4,
    )
