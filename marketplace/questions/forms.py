"""The forms of questions."""

from __future__ import annotations

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind
from wtforms.validators import InputRequired

from marketplace.questions import rules
from marketplace.questions.rules import Reason
from marketplace.web.forms import BaseForm, VersionedForm, paragraph


class AskForm(BaseForm):
    """A question about a need."""

    question = paragraph(
        "What do you want to know?",
        called="The question",
        limit=rules.QUESTION_MOST,
        needed="Enter the question",
        hint="Ask one thing. Leave out the names of your organisation and product: question and answer are public.",
        rows=5,
    )


class AnswerForm(VersionedForm):
    """The question as it will be published, and the answer."""

    question = paragraph(
        "The question, as people will read it",
        called="The question",
        limit=rules.QUESTION_MOST,
        needed="Enter the question",
        hint="Change words that tell who asks, or that others would not understand. Keep what is asked.",
        rows=4,
    )
    answer = paragraph(
        "Your answer",
        called="The answer",
        limit=rules.ANSWER_MOST,
        needed="Enter the answer",
        hint="Everybody can read it beside the need. Do not name people or patients.",
        rows=6,
    )


class SetAsideForm(VersionedForm):
    """Why a question is not answered in public."""

    reason = RadioField(
        "Why is it not answered in public?",
        choices=[SelectChoice(reason.value, reason.label) for reason in Reason],
        validators=[InputRequired("Choose why it is not answered in public")],
    )
