"""The forms of sign-off, made from the question set so that each field can have its comment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import request
from wtforms import IntegerField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind
from wtforms.widgets import HiddenInput

from marketplace.needs import signing
from marketplace.needs.questions import ASKS
from marketplace.web.forms import BaseForm, paragraph

COMMENT = "comment_"


class SeenForm(BaseForm):
    """What was decided on: the round of the need and the lock version of the submission."""

    round = IntegerField(widget=HiddenInput())
    lock_version = IntegerField(widget=HiddenInput())

    @property
    def seen(self) -> tuple[int, int]:
        """Return what the reviewer looked at."""
        return self.round.data or 0, self.lock_version.data or 0


class _CommentsForm(SeenForm):
    note = paragraph(
        "A note to the writers (optional)",
        called="The note",
        limit=signing.NOTE_LIMIT,
        hint="Only your organisation, the writers and the health innovation network (HIN) read it.",
        rows=3,
    )

    def comments(self) -> dict[str, str]:
        """Return what was written beside each field."""
        return {name: self._fields[f"{COMMENT}{name}"].data or "" for name in ASKS}

    @property
    def decision(self) -> str:
        """Return which button was pressed: approve, check, return, or the empty text."""
        pressed = request.form.get("act", "")
        return pressed if pressed in {"approve", "check", "return"} else ""


def _review_form() -> type[_CommentsForm]:
    made: dict[str, Any] = {
        f"{COMMENT}{name}": paragraph(
            f"Comment on {ask.short}",
            called=f"The comment on “{ask.short}”",
            limit=signing.COMMENT_LIMIT,
            rows=3,
        )
        for name, ask in ASKS.items()
    }
    return type(
        "ReviewForm", (_CommentsForm,), made | {"__doc__": "A decision, with comments beside fields."}
    )


if TYPE_CHECKING:
    ReviewForm = _CommentsForm
else:
    ReviewForm = _review_form()


class ApproveForm(BaseForm):
    """Approve several needs at once: ``need`` is ``ref:round:lock`` of each that is ticked."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = False

    @staticmethod
    def chosen() -> dict[str, tuple[int, int]]:
        """Return what was ticked, with what the page showed of it; anything that is no such text is left out."""
        found: dict[str, tuple[int, int]] = {}
        for value in request.form.getlist("need")[:200]:
            ref, _, seen = value.partition(":")
            round_, _, lock = seen.partition(":")
            if all(part.isdecimal() and len(part) < 10 for part in (round_, lock)):
                found[ref] = (int(round_), int(lock))
        return found


class DeputyForm(BaseForm):
    """Name the deputy of a need."""

    deputy = SelectField("Who is the deputy?", validate_choice=False, render_kw={"called": "The deputy"})

    def offer(self, people: Iterable[tuple[int, str]]) -> None:
        """Offer these people: id and name."""
        self.deputy.choices = [
            SelectChoice("", "Choose a person"),
            *(SelectChoice(str(id_), name) for id_, name in people),
        ]

    @property
    def chosen(self) -> int | None:
        """Return the person's id."""
        typed = self.deputy.data or ""
        return int(typed) if typed.isdecimal() and len(typed) < 10 else None


class PlainForm(BaseForm):
    """A button."""
