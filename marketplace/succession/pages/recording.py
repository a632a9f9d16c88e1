"""Record a change by hand or from a file, and cancel it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Succession
from marketplace.organisations.rules import Change
from marketplace.succession import wording
from marketplace.succession.importing import Fault, Read
from marketplace.succession.rules import ChangePlan
from marketplace.web.pages import Page, Row
from marketplace.web.words import day


@dataclass(frozen=True, kw_only=True)
class NewPage(Page):
    """Record a change: the questions and, once they are answered, what would be recorded."""

    template = "succession/new.html"

    title: str = "Record a change of organisations"
    organisations: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    summary: tuple[Row, ...]

    @classmethod
    def build(
        cls, organisations: Sequence[tuple[str, str]], starts: int, ends: int, plan: ChangePlan | None
    ) -> NewPage:
        """Return the page."""
        return cls(
            organisations=tuple(f"{name} ({code})" for code, name in organisations),
            starts=tuple(range(1, starts + 1)),
            ends=tuple(range(1, ends + 1)),
            summary=plan_rows(plan) if plan is not None else (),
        )


def plan_rows(plan: ChangePlan) -> tuple[Row, ...]:
    """Return what a change would do, in words."""
    ends = plan.kind.ends
    rows = [
        Row("What happens", plan.kind.label),
        Row("First day", day(plan.effective_on)),
        Row(
            "Closes on that day" if ends else "Organisation",
            "",
            items=tuple(
                f"{one.name} ({one.code})" for one in plan.starts if not ends or one not in plan.ends
            ),
        ),
    ]
    if plan.kind is Change.RENAME:
        rows.append(Row("New name", plan.new_name))
    else:
        rows.append(
            Row(
                "Successors",
                "",
                items=tuple(
                    f"{link.end.name}"
                    + (f" ({link.end.code})" if link.end.code else "")
                    + (", new" if link.end.new else "")
                    + (f", {link.share} percent of {link.start.name}" if link.share else "")
                    for link in plan.links
                ),
            )
        )
    rows.append(Row("Source", f"{plan.source}, {day(plan.source_date)}"))
    if plan.note:
        rows.append(Row("Note", plan.note))
    return tuple(rows)


@dataclass(frozen=True, kw_only=True)
class ImportPage(Page):
    """Import changes: the file, its faults, or what it would record."""

    template = "succession/import.html"

    title: str = "Import changes of organisations"
    faults: tuple[str, ...]
    plans: tuple[tuple[Row, ...], ...]

    @classmethod
    def build(cls, faults: Sequence[Fault] = (), found: Read | None = None) -> ImportPage:
        """Return the page."""
        return cls(
            faults=tuple(fault.words for fault in faults),
            plans=tuple(plan_rows(plan) for plan in found.plans) if found is not None else (),
        )


@dataclass(frozen=True, kw_only=True)
class CancelPage(Page):
    """Ask before a change is cancelled."""

    template = "succession/cancel.html"

    title: str = "Cancel this change?"
    sentence: str
    back: str

    @classmethod
    def build(cls, change: Succession) -> CancelPage:
        """Return the page."""
        return cls(sentence=wording.sentence(change), back=url_for("succession.change", ref=change.ref))
