"""The forms of changes of organisations."""

from __future__ import annotations

from collections.abc import Callable

from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs lag behind
from wtforms.validators import ValidationError

from marketplace.errors import DomainError
from marketplace.organisations.models import Organisation
from marketplace.organisations.rules import Change
from marketplace.succession import rules
from marketplace.succession.rules import ChangePlan, LinkPlan, Party
from marketplace.web.forms import BaseForm, DateParts, WholeNumber, clean, line, paragraph, whole_number

STARTS, ENDS = 4, 4
#: What the form offers; reorganisations of several into several are imported.
OFFERED = (Change.MERGE, Change.SPLIT, Change.TRANSFER, Change.RENAME)

Resolve = Callable[[str], Organisation | None]


def _start(number: int) -> StringField:
    return line(f"Organisation {number}", limit=200)


def _end(number: int) -> StringField:
    return line(f"Successor {number}", limit=200)


def _code(number: int) -> StringField:
    return line(f"ODS code of successor {number}, if it is new and has one (optional)", limit=10)


def _share(number: int) -> WholeNumber:
    return whole_number(
        f"Share of successor {number} in percent (optional)",
        least=1,
        most=100,
        called=f"The share of successor {number}",
    )


class ChangeForm(BaseForm):
    """A change of organisations."""

    kind = RadioField(
        "What happens?",
        choices=[SelectChoice(one.value, one.label) for one in OFFERED],
        validate_choice=False,
    )
    effective_on = DateParts(
        "First day of the new state",
        needed="Enter the first day of the new state",
        hint="It may lie ahead. For example, 1 4 2027",
    )
    from_1, from_2, from_3, from_4 = (_start(number) for number in range(1, STARTS + 1))
    to_1, to_2, to_3, to_4 = (_end(number) for number in range(1, ENDS + 1))
    code_1, code_2, code_3, code_4 = (_code(number) for number in range(1, ENDS + 1))
    share_1, share_2, share_3, share_4 = (_share(number) for number in range(1, ENDS + 1))
    new_name = line("New name", limit=rules.NAME_LIMIT, hint="Only for a new name")
    source = line(
        "Where do you know this from?",
        limit=rules.SOURCE_LIMIT,
        needed="Enter where you know this from",
        hint="For example the order in law, a board paper or a page of NHS England",
    )
    source_date = DateParts(
        "Date of the source", needed="Enter the date of the source", hint="For example, 27 3 2026"
    )
    note = paragraph("Note (optional)", limit=rules.NOTE_LIMIT, rows=3)

    def validate_kind(self, field: RadioField) -> None:
        """Ask for a choice."""
        if field.data not in {one.value for one in OFFERED}:
            raise ValidationError("Choose what happens")

    def plan(self, resolve: Resolve) -> ChangePlan:
        """Return the change that was asked for; ``resolve`` finds organisations by code or name.

        Raises `DomainError` with the field for an organisation that the registry does not hold.
        """
        kind = Change(self.kind.data)
        starts = []
        for number in range(1, STARTS + 1):
            name = f"from_{number}"
            if text := self[name].data:
                found = resolve(text)
                if found is None:
                    raise DomainError(
                        f"The registry holds no single organisation called “{text[:80]}”. Enter its code",
                        name,
                    )
                starts.append((found, Party(found.code, found.name)))
        ends = [end for number in range(1, ENDS + 1) if (end := self._end(number, resolve, starts))]
        if kind is Change.RENAME:
            links = [LinkPlan(party, party) for _, party in starts]
        else:
            links = [LinkPlan(party, end, share) for _, party in starts for end, share in ends]
        return ChangePlan(
            kind=kind,
            effective_on=self.effective_on.data,
            links=tuple(links),
            source=self.source.data or "",
            source_date=self.source_date.data,
            note=self.note.data or "",
            new_name=self.new_name.data or "",
        )

    def _end(
        self, number: int, resolve: Resolve, starts: list[tuple[Organisation, Party]]
    ) -> tuple[Party, int | None] | None:
        text = self[f"to_{number}"].data
        if not text:
            return None
        share: int | None = self[f"share_{number}"].data
        if (found := resolve(text)) is not None:
            return Party(found.code, found.name), share
        kind = starts[0][0].kind.value if starts else ""
        code = (self[f"code_{number}"].data or "").upper()
        party = Party(code, text, new=True, kind=kind)
        try:
            rules.check_new(party)
        except DomainError as error:
            field = f"code_{number}" if code else f"to_{number}"
            raise DomainError(error.message, field) from None
        return party, share


class ImportForm(BaseForm):
    """A file of changes, chosen or pasted."""

    file = FileField("CSV file")
    text = TextAreaField("Or paste its lines", filters=[clean], render_kw={"rows": 8})

    def content(self) -> str:
        """Return the file's text, or what was pasted.

        Raises `DomainError` when there is neither, or the file is no text.
        """
        upload = self.file.data
        if upload:
            try:
                return str(upload.read().decode("utf-8-sig"))
            except UnicodeDecodeError:
                raise DomainError("The file is not text in UTF-8. Save it as “CSV UTF-8”", "file") from None
        if self.text.data:
            return str(self.text.data)
        raise DomainError("Choose a file or paste its lines", "file")


class LockedForm(BaseForm):
    """A form that belongs to the plan as it was when the page was opened."""

    lock_version = HiddenField(default="0")

    @property
    def lock(self) -> int:
        """Return the version that the person saw."""
        text = str(self.lock_version.data or "")
        return int(text) if text.isdecimal() and len(text) < 10 else 0


class CodeForm(BaseForm):
    """The ODS code of an organisation that had none."""

    ods_code = line(
        "ODS code", limit=10, needed="Enter the ODS code", hint="As ODS has published it. Never guess one"
    )
