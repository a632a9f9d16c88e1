"""Every change that is recorded, and the codes that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Organisation, Succession
from marketplace.succession import queries, wording
from marketplace.succession.rules import State
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import count, day, listed

TAGS = {
    State.PLANNED: Tag("Planned", "blue"),
    State.WAITING: Tag("Waits for its handover", "orange"),
    State.DONE: Tag("Done", "green"),
    State.CANCELLED: Tag("Cancelled", "grey"),
}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change in words."""

    title: Link
    sentence: str
    tag: Tag


def change_line(change: Succession) -> ChangeLine:
    """Return a change as a line of a list."""
    names = [one.name for one in change.successors] or [one.name for one in change.predecessors]
    title = f"{change.kind.word}: {listed(names)}, {day(change.effective_on)}"
    return ChangeLine(
        Link(title, url_for("succession.change", ref=change.ref)),
        wording.sentence(change),
        TAGS[queries.state_of(change)],
    )


@dataclass(frozen=True, kw_only=True)
class ListingPage(Page):
    """Every change that is recorded."""

    template = "succession/listing.html"

    title: str = "Changes of organisations"
    changes: tuple[ChangeLine, ...]
    left: str
    left_href: str
    without_code: tuple[Link, ...]

    @classmethod
    def build(
        cls, changes: Sequence[Succession], orphans: int, without_code: Sequence[Organisation]
    ) -> ListingPage:
        """Return the page."""
        return cls(
            changes=tuple(change_line(one) for one in changes),
            left=f"{count(orphans, 'thing')} still {'belongs' if orphans == 1 else 'belong'} to a closed organisation"
            if orphans
            else "Nothing belongs to a closed organisation",
            left_href=url_for("succession.left_behind"),
            without_code=tuple(
                Link(one.name, url_for("succession.ods_code", organisation_code=one.code))
                for one in without_code
            ),
        )


@dataclass(frozen=True, kw_only=True)
class CodePage(Page):
    """Enter the ODS code of an organisation that has none yet."""

    template = "succession/ods_code.html"

    organisation: str
    back: str

    @classmethod
    def build(cls, organisation: Organisation) -> CodePage:
        """Return the page."""
        return cls(
            title="Enter the ODS code",
            organisation=organisation.name,
            back=url_for("succession.listing"),
        )
