"""What still belongs to organisations that have closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Succession
from marketplace.succession.movers.catalogue import mover_of
from marketplace.succession.queries import Orphan
from marketplace.web.pages import Link, Page
from marketplace.web.words import count, day


@dataclass(frozen=True, slots=True)
class LeftGroup:
    """What still belongs to one closed organisation."""

    organisation: Link
    closed: str
    lines: tuple[str, ...]
    change: Link | None


@dataclass(frozen=True, kw_only=True)
class LeftPage(Page):
    """Everything that still belongs to a closed organisation."""

    template = "succession/left_behind.html"

    title: str = "What closed organisations still hold"
    groups: tuple[LeftGroup, ...]
    total: str

    @classmethod
    def build(cls, orphans: Sequence[Orphan], changes: Sequence[Succession]) -> LeftPage:
        """Return the page; ``changes`` are those whose handover waits."""
        by_organisation: dict[int, list[Orphan]] = {}
        for orphan in orphans:
            by_organisation.setdefault(orphan.organisation.id, []).append(orphan)
        waiting = {one.id: change for change in changes if change.kind.ends for one in change.predecessors}
        return cls(
            groups=tuple(
                _left(found, waiting.get(organisation_id))
                for organisation_id, found in by_organisation.items()
            ),
            total=count(len(orphans), "thing"),
        )


def _left(found: Sequence[Orphan], change: Succession | None) -> LeftGroup:
    organisation = found[0].organisation
    lines = []
    for orphan in found:
        mover = mover_of(orphan.item.kind)
        lines.append(
            f"{mover.heading if mover else orphan.item.kind}: {orphan.item.title} ({orphan.item.state})"
        )
    return LeftGroup(
        Link(organisation.name, url_for("succession.history", organisation_code=organisation.code)),
        f"Closed since {day(organisation.closed_on)}" if organisation.closed_on else "",
        tuple(lines),
        Link("Choose where it goes", url_for("succession.change", ref=change.ref)) if change else None,
    )
