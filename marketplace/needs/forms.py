"""The forms of needs, made from the question set so that limits and words are written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from flask import request
from wtforms import (
    Field,
    FieldList,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind
from wtforms.validators import StopValidation
from wtforms.widgets import HiddenInput

from marketplace.needs import rules, signing
from marketplace.needs.coach import Spot
from marketplace.needs.questions import (
    DETAIL_LIMIT,
    MUST_LEAST,
    MUST_LIMIT,
    MUST_MOST,
    PEOPLE_MOST,
    QUESTIONS,
    Ask,
    Question,
    Shape,
)
from marketplace.needs.rules import NeedContent, Wanted
from marketplace.vocabulary import EvidenceType, Term
from marketplace.web.forms import (
    AtMost,
    BaseForm,
    OneAlphabet,
    clean,
    clean_line,
    line,
    paragraph,
    plain_label,
    whole_number,
)

#: More choices than this are a list to open, not buttons to read through.
RADIOS_MOST = 6
DETAIL = "detail_"


#: A page asks at most three things beside each of its texts.
KEYS_MOST, KEY_LONGEST = 100, 60


class OneOf:
    """The value must be one of the choices; a forged one is told like a mistake."""

    def __init__(self, terms: type[Term]) -> None:
        self.values = {value for value, _ in terms.choices()}

    def __call__(self, form: Any, field: Field) -> None:
        """Stop for a value that was not offered."""
        chosen = field.data if isinstance(field.data, list) else [field.data]
        if any(value and value not in self.values for value in chosen):
            raise StopValidation(f"{plain_label(field)} must be one of the choices")


def statement(_label: str = "", **kwargs: Any) -> TextAreaField:
    """Return the field of one testable statement; its label is written by the page, with its number."""
    return TextAreaField(
        "Statement", filters=[clean_line], validators=[AtMost(MUST_LIMIT), OneAlphabet()], **kwargs
    )


class QuestionForm(BaseForm):
    """One question page. ``lock_version`` and ``seen`` tell on which draft it was opened."""

    question: Question

    lock_version = IntegerField(widget=HiddenInput())
    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wrong_replies: dict[int, str] = {}

    @classmethod
    def opened(cls, content: NeedContent, lock_version: int) -> QuestionForm:
        """Return the form filled with what is written so far."""
        form = cls(formdata=None, data=_as_typed(cls.question, content))
        form.on(content, lock_version)
        form.pad()
        return form

    def on(self, content: NeedContent, lock_version: int) -> None:
        """Note the draft that the form is based on from now."""
        self.lock_version.data = lock_version
        self.seen.data = rules.fingerprint(content, self.question.names)

    def changes(self) -> dict[str, Any]:
        """Return what was typed as answers."""
        return {ask.name: self._answer(ask) for ask in self.question.asks}

    def _answer(self, ask: Ask) -> Any:
        field = self._fields[ask.name]
        if ask.shape is Shape.STATEMENTS:
            return tuple(entry.data for entry in field.entries if entry.data)
        if ask.shape is Shape.EVIDENCE:
            chosen = set(field.data or ())
            return tuple(
                Wanted(kind, self._fields[DETAIL + kind.name.lower()].data or "")
                for kind in EvidenceType
                if kind.value in chosen
            )
        if ask.shape is Shape.CHOICE:
            return ask.terms(field.data) if ask.terms is not None and field.data else None
        if ask.shape is Shape.NUMBER:
            return field.data
        return field.data or ""

    def check_unticked(self, saved: NeedContent) -> bool:
        """Tell of a detail that was written for a type that is not ticked; False when there is one."""
        if "evidence_wanted" not in self._fields:
            return True
        field = self._fields["evidence_wanted"]
        before = {wanted.type: wanted.detail for wanted in saved.evidence_wanted}
        for kind in EvidenceType:
            detail = self._fields[DETAIL + kind.name.lower()].data
            if detail and kind.value not in (field.data or ()) and before.get(kind) != detail:
                field.errors = [
                    *field.errors,
                    (
                        f"You wrote what you want to see for “{kind.label}” but did not tick it. "
                        "Tick it, or clear the text"
                    ),
                ]
        return not field.errors

    # What the coach asks about

    def asks_for_a_look(self) -> bool:
        """Tell whether the answers are to be read by the coach and not yet saved."""
        return request.form.get("act") == "look"

    def so_far(self, saved: NeedContent) -> NeedContent:
        """Return the need with the texts of this page as they are typed, whatever is wrong with them."""
        texts = {ask.name: self._answer(ask) for ask in self.question.asks if ask.shape is not Shape.CHOICE}
        return replace(saved, **texts)

    def left_as_is(self) -> frozenset[str]:
        """Return the keys of the findings that were ticked to be left as they are."""
        return _keys("leave")

    def shown(self) -> frozenset[str]:
        """Return the keys of the findings that stood on the page."""
        return _keys("shown")

    # What a reviewer said

    def replies(self) -> dict[int, str | None]:
        """Return what the writers do about the comments that stand on the page: a reply, or None for not yet."""
        done = set(request.form.getlist("settled"))
        found: dict[int, str | None] = {}
        for key in request.form.getlist("comment")[:KEYS_MOST]:
            if key.isdecimal() and len(key) < 10:
                reply = clean(request.form.get(f"reply-{key}"))
                found[int(key)] = reply if reply or key in done else None
        return found

    def check_replies(self) -> bool:
        """Find replies that are too long; False when there is one."""
        self.wrong_replies = {}
        for key, reply in self.replies().items():
            try:
                signing.check_reply(reply or "")
            except rules.WrongAnswer as error:
                self.wrong_replies[key] = error.message
        return not self.wrong_replies

    @property
    def problems(self) -> list[dict[str, str]]:
        """Return the error summary's entries, those about replies with a link to the reply."""
        linked = [{"text": words, "href": f"#reply-{key}"} for key, words in self.wrong_replies.items()]
        return super().problems + linked

    def spots(self) -> tuple[Spot, ...]:
        """Return the places for findings, one below each text."""
        spots: list[Spot] = []
        for ask in self.question.asks:
            if ask.shape is Shape.STATEMENTS:
                written = count()
                spots += (
                    Spot(entry.id, ask.name, next(written) if entry.data else -1)
                    for entry in self._fields[ask.name].entries
                )
            elif ask.shape is not Shape.CHOICE and ask.shape is not Shape.NUMBER:
                spots.append(Spot(ask.name, ask.name))
        return tuple(spots)

    # Adding and removing statements by buttons

    def rearranged(self) -> bool:
        """Add or remove a statement when one of those buttons was pressed; True when it was."""
        if "must" not in self._fields:
            return False
        pressed = request.form.get("act", "")
        field = self._fields["must"]
        texts = [entry.data or "" for entry in field.entries]
        if pressed == "add":
            texts.append("")
        elif pressed.startswith("remove-") and pressed[7:].isdigit() and int(pressed[7:]) < len(texts):
            del texts[int(pressed[7:])]
        else:
            return False
        while field.entries:
            field.pop_entry()
        for text in texts:
            field.append_entry(text)
        self.pad()
        return True

    def pad(self) -> None:
        """Offer empty statements up to the least number."""
        if "must" in self._fields:
            field = self._fields["must"]
            while len(field.entries) < MUST_LEAST:
                field.append_entry("")

    @property
    def room_for_more(self) -> bool:
        """Tell whether another statement may be added."""
        return "must" in self._fields and len(self._fields["must"].entries) < MUST_MOST


def _keys(name: str) -> frozenset[str]:
    return frozenset(key for key in request.form.getlist(name)[:KEYS_MOST] if len(key) <= KEY_LONGEST)


def _as_typed(question: Question, content: NeedContent) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for ask in question.asks:
        value = getattr(content, ask.name)
        if ask.shape is Shape.EVIDENCE:
            typed[ask.name] = [wanted.type.value for wanted in value]
            typed |= {DETAIL + wanted.type.name.lower(): wanted.detail for wanted in value}
        elif ask.shape is Shape.STATEMENTS:
            typed[ask.name] = list(value)
        elif ask.shape is Shape.CHOICE:
            typed[ask.name] = value.value if value is not None else ""
        else:
            typed[ask.name] = value
    return typed


def _fields_of(ask: Ask) -> Mapping[str, Any]:
    if ask.shape is Shape.LINE:
        return {ask.name: line(ask.label, limit=ask.limit, hint=ask.hint, called=ask.short)}
    if ask.shape is Shape.PARAGRAPH:
        return {
            ask.name: paragraph(ask.label, limit=ask.limit, hint=ask.hint, rows=ask.rows, called=ask.short)
        }
    if ask.shape is Shape.NUMBER:
        return {ask.name: whole_number(ask.label, least=1, most=PEOPLE_MOST, hint=ask.hint)}
    if ask.shape is Shape.STATEMENTS:
        return {ask.name: FieldList(statement())}
    terms = ask.terms or EvidenceType
    if ask.shape is Shape.EVIDENCE:
        kinds = SelectMultipleField(
            ask.label,
            choices=_offered(terms),
            validate_choice=False,
            validators=[OneOf(terms)],
            render_kw={"called": ask.short},
        )
        details = {DETAIL + kind.name.lower(): _detail(kind) for kind in EvidenceType}
        return {ask.name: kinds} | details
    choices = _offered(terms)
    radios = len(choices) <= RADIOS_MOST
    if ask.optional:
        choices = [*choices, SelectChoice("", "None of these")]
    elif not radios:
        choices = [SelectChoice("", "Choose one"), *choices]
    kind = RadioField if radios else SelectField
    return {
        ask.name: kind(
            ask.label,
            description=ask.hint,
            choices=choices,
            validate_choice=False,
            validators=[OneOf(terms)],
            render_kw={"called": ask.short},
        )
    }


def _offered(terms: type[Term]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in terms.choices()]


def _detail(kind: EvidenceType) -> StringField:
    return StringField(
        f"What exactly? ({kind.label})",
        filters=[clean_line],
        validators=[AtMost(DETAIL_LIMIT), OneAlphabet()],
        render_kw={"limit": DETAIL_LIMIT, "called": kind.label},
    )


def _form_of(question: Question) -> type[QuestionForm]:
    made: dict[str, Any] = {"question": question, "__doc__": question.heading}
    for ask in question.asks:
        made |= _fields_of(ask)
    return type(f"{question.slug.title()}Form", (QuestionForm,), made)


#: The form of each question page, by its address.
FORMS: Mapping[str, type[QuestionForm]] = {question.slug: _form_of(question) for question in QUESTIONS}


class StartForm(BaseForm):
    """Choose the organisation that a need is for."""

    organisation = RadioField("Which organisation is this need for?", validate_choice=False)

    def offer(self, organisations: Iterable[tuple[str, str]]) -> None:
        """Offer these organisations: code and name."""
        self.organisation.choices = [SelectChoice(code, name) for code, name in organisations]


class RankForm(BaseForm):
    """Places for needs: ``place-<ref>`` is 1, 2, 3 or empty; ``seen-<ref>`` the draft's lock version."""

    def __init__(self) -> None:
        super().__init__()
        self.by_need: dict[str, str] = {}

    @property
    def problems(self) -> list[dict[str, str]]:
        """Return the error summary's entries, each with a link to the need that it is about."""
        linked = [{"text": words, "href": f"#place-{ref}"} for ref, words in self.by_need.items()]
        return [{"text": words} for words in self.form_errors] + linked

    @staticmethod
    def places() -> dict[str, int | None]:
        """Return the places that were sent, also for needs that have left the list meanwhile.

        Anything that is no place at all counts as the impossible place 0.
        """
        sent: dict[str, int | None] = {}
        for name, value in request.form.items():
            if name.startswith("place-"):
                typed = clean(value)
                sent[name[6:]] = None if not typed else int(typed) if typed in {"1", "2", "3"} else 0
        return sent

    @staticmethod
    def seen() -> dict[str, int]:
        """Return the lock versions that the page showed."""
        return {
            name[5:]: int(value)
            for name, value in request.form.items()
            if name.startswith("seen-") and value.isdecimal() and len(value) < 10
        }


class WithdrawForm(BaseForm):
    """Withdraw a need with a public reason."""

    reason = paragraph(
        "Why do you withdraw it?",
        called="The reason",
        limit=rules.REASON_LIMIT,
        needed="Enter why you withdraw this need",
        hint="Everybody can read this. For example, “We have found a solution with a neighbouring trust”.",
        rows=4,
    )


class SubmitEditForm(BaseForm):
    """Submit an edited need as its new version."""

    lock_version = IntegerField(widget=HiddenInput())
    change_note = line(
        "What did you change, and why?",
        called="What you changed",
        limit=rules.CHANGE_NOTE_LIMIT,
        needed="Enter what you changed and why",
        hint="Everybody can read this in the history of the need.",
    )


class PlainForm(BaseForm):
    """A button."""
