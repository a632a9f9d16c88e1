"""Forms: cleaned text, limits in plain English, a key against double sending, and errors from rules.

Templates draw fields with the macros of ``components/fields.html``.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any
from uuid import uuid4

from flask_wtf import FlaskForm
from wtforms import Field, Form, FormField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, StopValidation

from marketplace.errors import DomainError

#: Control and format characters do not belong in what people type; new lines and tabs do.
_KEPT = {"\n", "\t"}
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn"}


def clean(text: str | None) -> str:
    r"""Return the text in NFC with ``\n`` line ends, without control or invisible characters, trimmed.

    Zero-width joiners and bidirectional marks go too: they make two different texts look the same.
    """
    if text is None:
        return ""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(ch for ch in text if ch in _KEPT or unicodedata.category(ch) not in _INVISIBLE)
    return re.sub(r"\n{3,}", "\n\n", kept).strip()


def clean_line(text: str | None) -> str:
    """Return the cleaned text on one line."""
    return " ".join(clean(text).split())


class BaseForm(FlaskForm):
    """A form with a random key: `marketplace.submissions` lets each key have one effect."""

    form_key = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not re.fullmatch(r"[0-9a-f]{32}", self.form_key.data or ""):
            self.form_key.data = uuid4().hex

    def show(self, error: DomainError) -> None:
        """Put a rule's message beside its field or, without one, into the summary."""
        if error.field and error.field in self._fields:
            field = self._fields[error.field]
            field.errors = [*field.errors, error.message]
        else:
            self.form_errors.append(error.message)

    @property
    def problems(self) -> list[dict[str, str]]:
        """Return the error summary's entries: the message and a link to its field."""
        found = [{"text": message} for message in self.form_errors]
        found += _problems_of(self)
        return found


class VersionedForm(BaseForm):
    """A form that carries the number of the state it was shown with."""

    lock_version = HiddenField()

    @property
    def version(self) -> int:
        """Return the number, or 0, which no state has, for anything else."""
        typed = str(self.lock_version.data or "")
        return int(typed) if typed.isdecimal() and len(typed) <= 9 else 0


def _problems_of(form: Form) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for field in form:
        if isinstance(field, FormField):
            found += _problems_of(field.form)
            continue
        entries = getattr(field, "entries", None)
        if entries is None:
            found += [{"text": str(message), "href": f"#{first_control(field)}"} for message in field.errors]
            continue
        # A FieldList's errors are its own words and lists of its entries' words.
        found += [{"text": word, "href": f"#{field.id}-0"} for word in field.errors if isinstance(word, str)]
        for entry in entries:
            found += [{"text": str(message), "href": f"#{entry.id}"} for message in entry.errors]
    return found


def first_control(field: Field) -> str:
    """Return the id of the control that a field's error link goes to."""
    if isinstance(field, DateParts):
        return f"{field.id}-day"
    return str(field.id)


def line(label: str, *, limit: int, needed: str = "", hint: str = "", **kwargs: Any) -> StringField:
    """Return a field for one line of text; ``needed`` is what to say when it is empty."""
    return StringField(
        label,
        description=hint,
        filters=[clean_line],
        validators=[*([Needed(needed)] if needed else []), AtMost(limit), OneAlphabet()],
        render_kw={"limit": limit} | kwargs,
    )


def paragraph(
    label: str, *, limit: int, needed: str = "", hint: str = "", rows: int = 5, **kwargs: Any
) -> TextAreaField:
    """Return a field for some sentences, with a count of what is left."""
    return TextAreaField(
        label,
        description=hint,
        filters=[clean],
        validators=[*([Needed(needed)] if needed else []), AtMost(limit), OneAlphabet()],
        render_kw={"limit": limit, "rows": rows} | kwargs,
    )


def whole_number(
    label: str, *, least: int, most: int, needed: str = "", hint: str = "", **kwargs: Any
) -> WholeNumber:
    """Return a field for a whole number between two limits; commas and spaces between digits are fine."""
    return WholeNumber(label, description=hint, least=least, most=most, needed=needed, render_kw=kwargs)


class Needed(InputRequired):
    """The field must not be empty after cleaning."""

    def __call__(self, form: Any, field: Field) -> None:
        """Stop with the message when nothing is left."""
        if not field.data:
            field.errors = []
            raise StopValidation(str(self.message))


class AtMost(Length):
    """The text must not be longer than the limit; says by how much it is."""

    def __init__(self, limit: int) -> None:
        super().__init__(max=limit)
        self.limit = limit

    def __call__(self, form: Any, field: Field) -> None:
        """Stop with the number of characters to take out."""
        over = len(field.data or "") - self.limit
        if over > 0:
            raise StopValidation(
                f"{plain_label(field)} must be {self.limit:,} characters or fewer. Take out {over:,}."
            )


def mixed_word(text: str) -> str:
    """Return the first word that hides a letter of another alphabet among Latin ones, or the empty text.

    Such words look like others (a Cyrillic "а" in "pаtient"), so search does not find them and readers are misled.
    Greek letters that look Greek (TNFα, μg) are fine.
    """
    for word in re.findall(r"\w+", text):
        if word.isascii():
            continue
        names = {ch: unicodedata.name(ch, "").split(" ")[0] for ch in word if ch.isalpha()}
        if "LATIN" in names.values() and any(
            name in _LOOK_ALIKE_ALPHABETS or ch in _LOOK_ALIKE_GREEK for ch, name in names.items()
        ):
            return str(word)
    return ""


_LOOK_ALIKE_ALPHABETS = {"CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "FULLWIDTH", "MATHEMATICAL"}
_LOOK_ALIKE_GREEK = set("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ")


class OneAlphabet:
    """A word must not mix alphabets whose letters look alike."""

    def __call__(self, form: Any, field: Field) -> None:
        """Stop with the word."""
        if word := mixed_word(field.data or ""):
            raise StopValidation(
                f"{plain_label(field)} has a word that mixes letters of different alphabets: “{word[:40]}”. "
                "Type that word again"
            )


class WholeNumber(IntegerField):
    """A whole number, typed with or without separators."""

    def __init__(self, label: str, *, least: int, most: int, needed: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.least, self.most, self.needed = least, most, needed

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the number, or keep what was typed for the page."""
        self.data = None
        self.raw_data = list(valuelist)
        typed = clean_line(valuelist[0]).replace(",", "").replace(" ", "") if valuelist else ""
        if not typed:
            return
        if not re.fullmatch(r"-?[0-9]{1,40}", typed):
            example = 1_200 if self.least <= 1_200 <= self.most else (self.least + self.most) // 2
            raise ValueError(f"{plain_label(self)} must be a whole number, such as {example:,}")
        self.data = int(typed)

    def pre_validate(self, form: Any) -> None:
        """Check presence and limits."""
        if self.process_errors:
            raise StopValidation
        if self.data is None:
            if self.needed:
                raise StopValidation(self.needed)
            return
        if not self.least <= self.data <= self.most:
            raise StopValidation(f"{plain_label(self)} must be between {self.least:,} and {self.most:,}")


class DateParts(Field):
    """A date typed as day, month and year, as the design system asks.

    Errors name what is missing; what was typed stays. ``data`` is a date or None.
    """

    def __init__(self, label: str, *, needed: str = "", hint: str = "", **kwargs: Any) -> None:
        super().__init__(label, description=hint, **kwargs)
        self.needed = needed
        self.parts = ["", "", ""]
        self.wrong: set[str] = set()

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Read three fields named ``<name>-day``, ``-month`` and ``-year``."""
        self.process_errors: list[str] = []
        self.data = self.object_data = data if isinstance(data, date) else None
        if self.data is not None:
            self.parts = [str(self.data.day), str(self.data.month), str(self.data.year)]
        if not formdata or not any(f"{self.name}-{part}" in formdata for part in ("day", "month", "year")):
            return
        self.parts = [
            clean_line(formdata.get(f"{self.name}-{part}", ""))[:10] for part in ("day", "month", "year")
        ]
        self.data = None
        missing = [
            name for name, typed in zip(("day", "month", "year"), self.parts, strict=True) if not typed
        ]
        if len(missing) == 3:
            return
        what = plain_label(self)
        if missing:
            self.wrong = set(missing)
            self.process_errors.append(f"{what} must include a {' and a '.join(missing)}")
            return
        if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in self.parts) or len(self.parts[2]) != 4:
            self.wrong = {"day", "month", "year"}
            self.process_errors.append(f"{what} must be a real date in numbers, such as 27 3 2027")
            return
        try:
            self.data = date(int(self.parts[2]), int(self.parts[1]), int(self.parts[0]))
        except ValueError:
            self.wrong = {"day", "month", "year"}
            self.process_errors.append(f"{what} must be a real date, such as 27 3 2027")
            return
        if not 1990 <= self.data.year <= 2100:
            self.wrong = {"year"}
            self.process_errors.append(f"{what} must be between 1990 and 2100")

    def pre_validate(self, form: Any) -> None:
        """Check presence."""
        if self.process_errors:
            raise StopValidation
        if self.data is None and self.needed:
            self.wrong = {"day", "month", "year"}
            raise StopValidation(self.needed)


def plain_label(field: Field) -> str:
    """Return the field's label for use at the start of a message, or its ``called`` where the label is a question."""
    if called := (field.render_kw or {}).get("called"):
        return str(called)
    return str(field.label.text).removesuffix(" (optional)").rstrip("?")
