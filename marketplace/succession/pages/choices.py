"""Choose for each thing where it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.succession import wording
from marketplace.succession.movers.mover import Mover
from marketplace.succession.queries import Holdings
from marketplace.succession.rules import Item
from marketplace.web.pages import Page

#: So many things are shown on one page of choices.
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a list."""

    value: str
    text: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Choose:
    """One thing with its choices."""

    subject: str
    title: str
    href: str
    state: str
    detail: str
    owner: str
    options: tuple[Option, ...]
    suggested: str
    error: str


@dataclass(frozen=True, kw_only=True)
class ChoicesPage(Page):
    """Choose for each thing of one kind where it goes."""

    template = "succession/choices.html"

    sentence: str
    hint: str
    items: tuple[Choose, ...]
    fills: tuple[Option, ...]
    left: str
    back: str
    lock_version: int
    where: str
    previous: str
    following: str

    @classmethod
    def build(
        cls,
        holdings: Holdings,
        mover: Mover,
        number: int,
        *,
        typed: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> ChoicesPage:
        """Return the page; ``typed`` are choices that could not be saved."""
        change = holdings.change
        items = holdings.of(mover.kind)
        pages = max(1, -(-len(items) // PER_PAGE))
        number = min(max(1, number), pages)
        shown = items[(number - 1) * PER_PAGE : number * PER_PAGE]
        owners = {one.id: one.name for one in change.predecessors}
        left = sum(not holdings.choice(item) for item in items)

        def address(page: int) -> str:
            return url_for("succession.choices", ref=change.ref, kind=mover.kind, page=page)

        return cls(
            title=mover.heading,
            sentence=wording.sentence(change),
            hint=mover.hint,
            items=tuple(
                _choose(
                    holdings, item, owners, (typed or {}).get(item.subject), (errors or {}).get(item.subject)
                )
                for item in shown
            ),
            fills=_fills(holdings, items),
            left=f"{left} of {len(items)} still to choose" if left else f"All {len(items)} chosen",
            back=url_for("succession.change", ref=change.ref),
            lock_version=change.lock_version,
            where=f"Page {number} of {pages}" if pages > 1 else "",
            previous=address(number - 1) if number > 1 else "",
            following=address(number + 1) if number < pages else "",
        )


def _choose(
    holdings: Holdings, item: Item, owners: Mapping[int, str], typed: str | None, error: str | None
) -> Choose:
    chosen = holdings.choice(item) if typed is None else typed
    suggested = holdings.suggestion(item)
    return Choose(
        subject=item.subject,
        title=item.title,
        href=item.href,
        state=item.state,
        detail=item.detail,
        owner=owners.get(item.owner_id, "") if len(owners) > 1 else "",
        options=tuple(
            Option(choice, holdings.words_of(choice), choice == chosen) for choice in holdings.allowed(item)
        ),
        suggested=holdings.words_of(suggested) if not chosen and suggested else "",
        error=error or "",
    )


def _fills(holdings: Holdings, items: Sequence[Item]) -> tuple[Option, ...]:
    common: list[str] = []
    for item in items:
        common += [one for one in holdings.allowed(item) if one not in common]
    return (
        Option("suggested", "What is suggested for each", False),
        *(Option(choice, holdings.words_of(choice), False) for choice in common),
    )
