"""The questions about a technology, one form a page, and the forms of evidence and of the register."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from wtforms import FieldList, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import ValidationError

from marketplace.technologies import rules
from marketplace.technologies.queries import Filters, PassportFilter
from marketplace.technologies.rules import EvidenceContent, TechnologyChanges, TechnologyContent
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, Readiness, Term
from marketplace.web.forms import (
    AtMost,
    BaseForm,
    DateParts,
    OneAlphabet,
    clean_line,
    line,
    paragraph,
)

CLAIM_LABEL = "Claim"


class Among:
    """Everything chosen must be offered: the keys of the field's ``choices``."""

    def __init__(self, message: str, *, needed: bool = True) -> None:
        self.message, self.needed = message, needed

    def __call__(self, form: Any, field: Any) -> None:
        """Stop for an empty or a foreign choice."""
        chosen = field.data if isinstance(field.data, list) else [field.data] if field.data else []
        if (self.needed and not chosen) or not set(chosen) <= set(field.choices):
            raise ValidationError(self.message)


def one_of(label: str, terms: type[Term], *, needed: str, hint: str = "") -> RadioField:
    """Return radios for one term of a vocabulary."""
    return RadioField(
        label,
        description=hint,
        choices=dict(terms.choices()),
        validate_choice=False,
        validators=[Among(needed)],
    )


def some_of(label: str, terms: type[Term], *, needed: str, hint: str = "") -> SelectMultipleField:
    """Return checkboxes for some terms of a vocabulary."""
    return SelectMultipleField(
        label,
        description=hint,
        choices=dict(terms.choices()),
        validate_choice=False,
        validators=[Among(needed)],
    )


class StartForm(BaseForm):
    """The first question: for which company, and the name."""

    supplier = RadioField("Which company offers it?", validate_choice=False, validators=[])
    name = line(
        "What is the technology called?",
        called="Name",
        limit=rules.NAME_LIMIT,
        needed="Enter the name of the technology",
        hint="The name that people will search for. You can change it later.",
    )

    def __init__(self, suppliers: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supplier.choices = dict(suppliers)
        if len(suppliers) == 1:
            del self.supplier

    def validate_supplier(self, field: RadioField) -> None:
        """Ask for one of the person's own companies."""
        Among("Select the company that offers the technology")(self, field)


class QuestionForm(BaseForm):
    """One question. ``field`` is the answer's name in `TechnologyContent`."""

    field: ClassVar[str]
    lock_version = HiddenField()

    @classmethod
    def of(cls, content: TechnologyContent, lock_version: int) -> QuestionForm:
        """Return the form as it is first shown, with the answer of the draft."""
        value = getattr(content, cls.field)
        if isinstance(value, tuple):
            value = list(value)
        return cls(formdata=None, data={cls.field: value, "lock_version": lock_version})

    @property
    def answer(self) -> Any:
        """Return the answer's field."""
        return self[self.field]

    @property
    def seen(self) -> int:
        """Return the lock version of the draft that the page showed; 0, which no draft has, for a damaged one."""
        typed = self.lock_version.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0

    def changes(self) -> TechnologyChanges:
        """Return the answer as the draft takes it."""
        return cast("TechnologyChanges", {self.field: self.value()})

    def value(self) -> Any:
        """Return the answer as a plain value."""
        return self.answer.data or ""


class NameForm(QuestionForm):
    """What it is called."""

    field = "name"
    name = line(
        "What is the technology called?",
        called="Name",
        limit=rules.NAME_LIMIT,
        needed="Enter the name of the technology",
        hint="The name that people will search for.",
    )


class SummaryForm(QuestionForm):
    """What it is."""

    field = "summary"
    summary = paragraph(
        "What is it, and what does it do?",
        called="Summary",
        limit=rules.SUMMARY_LIMIT,
        needed="Describe what the technology is and does",
        rows=10,
        hint=(
            "Write for a clinician or manager who has not heard of it. Say what people get, how it works and what "
            "it needs. Matching reads this text, so name the tasks that it does and those that it does not."
        ),
    )


class IntendedUseForm(QuestionForm):
    """Who uses it for what."""

    field = "intended_use"
    intended_use = paragraph(
        "What is its intended use?",
        called="Intended use",
        limit=rules.INTENDED_USE_LIMIT,
        needed="Enter the intended use",
        hint=(
            "Who uses it, for which people, to do what. For a medical device, use the words of its certificate or "
            "instructions for use."
        ),
    )


class ReplacesForm(QuestionForm):
    """What it takes the place of."""

    field = "replaces"
    replaces = paragraph(
        "What does it replace?",
        called="What it replaces",
        limit=rules.REPLACES_LIMIT,
        needed="Enter what it replaces. If it replaces nothing, say so",
        rows=3,
        hint="The way of working today that would stop or change. If it replaces nothing, say so.",
    )


class ClaimsForm(QuestionForm):
    """One claim in each field; fields are added and removed by buttons that need no script."""

    field = "claims"
    claims = FieldList(
        StringField(CLAIM_LABEL, filters=[clean_line], validators=[AtMost(rules.CLAIM_LIMIT), OneAlphabet()]),
        "What do you claim for it?",
        description=(
            f"Up to {rules.CLAIMS_MOST} results, one in each box, with numbers where you have them. "
            "They are shown as your claims. Evidence for them comes in a later step."
        ),
        min_entries=1,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.number()

    def number(self) -> None:
        """Name the fields as people count them."""
        for number, entry in enumerate(self.claims.entries, 1):
            entry.label.text = f"{CLAIM_LABEL} {number}"
            entry.render_kw = {"limit": rules.CLAIM_LIMIT}

    def resized(self, *, add: bool = False, remove: str = "") -> ClaimsForm:
        """Return the form with one more or one fewer field and all that was typed."""
        typed = [entry.data or "" for entry in self.claims.entries]
        if remove.isascii() and remove.isdigit() and int(remove) < len(typed):
            del typed[int(remove)]
        if add and len(typed) < rules.CLAIMS_MOST:
            typed.append("")
        return ClaimsForm(formdata=None, data={"claims": typed, "lock_version": self.lock_version.data})

    def validate_claims(self, field: Any) -> None:
        """Ask for at least one claim and not too many."""
        if not self.value():
            raise ValidationError("Enter at least one claim")
        if len(self.value()) > rules.CLAIMS_MOST:
            raise ValidationError(f"Give at most {rules.CLAIMS_MOST} claims")

    def value(self) -> tuple[str, ...]:
        """Return the claims without the empty fields."""
        return tuple(entry.data for entry in self.claims.entries if entry.data)


class SettingsForm(QuestionForm):
    """Where it is used."""

    field = "settings"
    settings = some_of(
        "Where is it used?",
        CareSetting,
        needed="Select at least one care setting",
        hint="Select all that apply.",
    )

    def value(self) -> tuple[CareSetting, ...]:
        """Return the settings in the order of the vocabulary."""
        return tuple(setting for setting in CareSetting if setting.value in (self.settings.data or ()))


class ClinicalAreasForm(QuestionForm):
    """What part of care it is about."""

    field = "clinical_areas"
    clinical_areas = some_of(
        "Which clinical areas is it for?",
        ClinicalArea,
        needed="Select at least one clinical area",
        hint="Select all that apply. People use this to narrow down the register.",
    )

    def value(self) -> tuple[ClinicalArea, ...]:
        """Return the areas in the order of the vocabulary."""
        return tuple(area for area in ClinicalArea if area.value in (self.clinical_areas.data or ()))


class ReadinessForm(QuestionForm):
    """How far it has come."""

    field = "readiness"
    readiness = one_of("How far has it come?", Readiness, needed="Select how far the technology has come")

    def value(self) -> Readiness:
        """Return the stage."""
        return Readiness(self.readiness.data)


FORMS: dict[str, type[QuestionForm]] = {
    form.field: form
    for form in (
        NameForm,
        SummaryForm,
        IntendedUseForm,
        ReplacesForm,
        ClaimsForm,
        SettingsForm,
        ClinicalAreasForm,
        ReadinessForm,
    )
}


class ListForm(BaseForm):
    """Check your answers: for a further version, what has changed."""

    lock_version = HiddenField()
    change_note = paragraph(
        "What has changed?",
        called="What has changed",
        limit=rules.CHANGE_NOTE_LIMIT,
        rows=3,
        hint="One or two sentences for people who know the version before. They are shown in the version history.",
    )

    @property
    def seen(self) -> int:
        """Return the lock version of the answers that were checked."""
        typed = self.lock_version.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


class ConfirmForm(BaseForm):
    """A button that asks once more."""


class EvidenceForm(BaseForm):
    """One evidence item."""

    type = SelectField(
        "What kind of evidence is it?",
        choices={"": "Select a kind"} | dict(EvidenceType.choices()),
        validate_choice=False,
        validators=[Among("Select what kind of evidence it is")],
    )
    number = line(
        "Number or reference (optional for studies and statements)",
        called="Number",
        limit=rules.NUMBER_LIMIT,
        hint="As printed on it. Certificates, registrations and toolkit submissions always have one.",
    )
    issuer = line(
        "Who issued or wrote it?",
        called="Issuer",
        limit=rules.ISSUER_LIMIT,
        needed="Enter who issued or wrote it",
        hint="For example the certifying body, the university or your own company.",
    )
    scope = line(
        "What does it cover? (optional)",
        called="What it covers",
        limit=rules.SCOPE_LIMIT,
        hint="For example the class and part of the product, the release, or the people and place of a study.",
    )
    issued_on = DateParts(
        "Date of issue",
        needed="Enter the date of issue",
        hint="For example, 27 3 2026. For a study, its date.",
    )
    expires_on = DateParts(
        "Expiry date (optional)",
        hint="The last day on which it holds, as printed. Leave it empty if it has none.",
    )
    summary = paragraph(
        "What does it show?",
        called="What it shows",
        limit=rules.EVIDENCE_SUMMARY_LIMIT,
        needed="Enter in a sentence or two what it shows",
        hint="Results with numbers, or what was certified. Matching quotes this text as a reason.",
    )

    @classmethod
    def of(cls, content: EvidenceContent) -> EvidenceForm:
        """Return the form as it is first shown for a change."""
        return cls(
            formdata=None,
            data={name: getattr(content, name) for name in content.__dataclass_fields__}
            | {"type": content.type.value},
        )

    def content(self) -> EvidenceContent:
        """Return what was typed; call it after `validate`."""
        return EvidenceContent(
            type=EvidenceType(self.type.data),
            number=self.number.data or "",
            issuer=self.issuer.data or "",
            scope=self.scope.data or "",
            summary=self.summary.data or "",
            issued_on=self.issued_on.data,
            expires_on=self.expires_on.data,
        )


class RegisterForm(BaseForm):
    """The search and the filters of the register; a GET form, so it carries no token."""

    class Meta:
        """Take values from the address."""

        csrf = False

    q = line(
        "Search technologies",
        called="What you search for",
        limit=200,
        hint="In your own words, for example: falls in care homes at night",
    )
    clinical_area = SelectField(
        "Clinical area",
        choices={"": "All areas"} | dict(ClinicalArea.choices()),
        validate_choice=False,
        validators=[Among("Select a clinical area from the list", needed=False)],
    )
    setting = SelectField(
        "Care setting",
        choices={"": "All settings"} | dict(CareSetting.choices()),
        validate_choice=False,
        validators=[Among("Select a care setting from the list", needed=False)],
    )
    readiness = SelectField(
        "Readiness",
        choices={"": "All stages"} | dict(Readiness.choices()),
        validate_choice=False,
        validators=[Among("Select a stage from the list", needed=False)],
    )
    passport = SelectField(
        "Passport",
        choices={
            "": "With or without",
            PassportFilter.YES.value: "With a valid passport",
            PassportFilter.NO.value: "Without a valid passport",
        },
        validate_choice=False,
        validators=[Among("Select an answer about the passport from the list", needed=False)],
    )

    def filters(self) -> Filters:
        """Return the filters; one with an error is left out."""

        def value(name: str) -> str:
            return "" if self[name].errors else self[name].data or ""

        return Filters(
            clinical_area=ClinicalArea(area) if (area := value("clinical_area")) else None,
            setting=CareSetting(setting) if (setting := value("setting")) else None,
            readiness=Readiness(stage) if (stage := value("readiness")) else None,
            passport=PassportFilter(passport) if (passport := value("passport")) else None,
        )

    def chosen(self) -> dict[str, str]:
        """Return what the address holds."""
        names = ("q", "clinical_area", "setting", "readiness", "passport")
        return {name: self[name].data for name in names if self[name].data and not self[name].errors}
