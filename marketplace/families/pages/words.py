"""What the pages of families and of co-signatures have in common."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from marketplace.families import rules
from marketplace.families.rules import State
from marketplace.needs.models import Need
from marketplace.web.pages import Link, Tag
from marketplace.web.words import count

STATES = {
    State.STANDING: Tag("You co-sign it", "green"),
    State.TAKEN_BACK: Tag("Taken back", "grey"),
    State.ENDED: Tag("Ended", "yellow"),
}


def need_link(need: Need) -> Link:
    """Return the title of a need, leading to it."""
    return Link(need.current.title if need.current is not None else "", url_for("needs.need", ref=need.ref))


def people_in_sum(numbers: Sequence[int | None]) -> str:
    """Say how many people organisations gave in sum, and what kind of sum that is."""
    found = rules.people(numbers)
    if not found.gave:
        return "None of them has said how many people are affected."
    if found.gave == 1:
        silent = f" {count(found.silent, 'other gave', 'others gave')} no number." if found.silent else ""
        return f"One of them gave a number: {count(found.total, 'person', 'people')}.{silent}"
    silent = f" {count(found.silent, 'more gave', 'more gave')} no number." if found.silent else ""
    return (
        f"About {count(found.total, 'person', 'people')} in all: the sum of what {found.gave} of them gave, each for "
        f"itself. Somebody whom two of them care for is counted twice.{silent}"
    )


def people_in_brief(numbers: Sequence[int | None]) -> str:
    """Say how many people are affected in sum, in few words; nothing where nobody told it."""
    found = rules.people(numbers)
    return (
        f" {count(found.total, 'person', 'people')}, as given by {found.gave} of them." if found.gave else ""
    )


#: What stands over organisations that lie in more than one region, last.
NO_REGION = "Not in one region"

SUGGESTED = Tag("Suggested by our matching, not checked yet", "yellow")
