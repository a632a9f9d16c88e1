"""What everybody may read: what an organisation came from and went into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.lineage import Lineage
from marketplace.organisations.models import Organisation, Succession
from marketplace.succession import wording
from marketplace.web.pages import Link, Page, Row
from marketplace.web.words import count, day


@dataclass(frozen=True, slots=True)
class Told:
    """One change in an organisation's history."""

    when: str
    sentence: str
    source: str
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class HistoryPage(Page):
    """What an organisation came from and went into."""

    template = "succession/history.html"

    organisation: Link
    kind: str
    facts: tuple[Row, ...]
    told: tuple[Told, ...]
    now: tuple[Link, ...]
    now_words: str
    nothing: str

    @classmethod
    def build(
        cls, organisation: Organisation, lineage: Lineage, successors: Sequence[Organisation], needs: int
    ) -> HistoryPage:
        """Return the page; ``needs`` were handed on from here."""
        changes = sorted((*lineage.formed, *lineage.became), key=lambda one: (one.effective_on, one.id))
        facts = []
        if organisation.ods_code:
            facts.append(Row("ODS code", organisation.ods_code))
        elif not changes:
            facts.append(Row("ODS code", "None"))
        else:
            facts.append(Row("ODS code", "Not known to this service yet"))
        if organisation.opened_on:
            facts.append(Row("Open since", day(organisation.opened_on)))
        if organisation.closed_on:
            facts.append(Row("Closed since", day(organisation.closed_on)))
        if needs:
            facts.append(Row("Needs handed on", count(needs, "need")))
        return cls(
            title=f"History of {organisation.name}",
            organisation=Link(
                organisation.name, url_for("needs.organisation", organisation_code=organisation.code)
            ),
            kind=organisation.kind.label,
            facts=tuple(facts),
            told=tuple(_told(change, organisation) for change in changes),
            now=tuple(
                Link(one.name, url_for("needs.organisation", organisation_code=one.code))
                for one in successors
            ),
            now_words="Its needs are now those of" if len(successors) == 1 else "Its needs now belong to",
            nothing="" if changes else "No merger, split or new name is recorded for this organisation.",
        )


def _told(change: Succession, organisation: Organisation) -> Told:
    others = {one.id: one for one in (*change.predecessors, *change.successors) if one.id != organisation.id}
    return Told(
        when=day(change.effective_on),
        sentence=wording.sentence(change),
        source=f"Source: {change.source}, {day(change.source_date)}",
        links=tuple(
            Link(one.name, url_for("succession.history", organisation_code=one.code))
            for one in others.values()
        ),
    )
