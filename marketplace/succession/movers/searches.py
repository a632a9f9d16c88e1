"""Saved searches that name an organisation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.demand.models import SavedSearch
from marketplace.organisations.models import (
    Organisation,
)
from marketplace.succession.movers.mover import (
    Handover,
)
from marketplace.succession.rules import EVERY, Item

#: Filters of a search whose values are codes of organisations.
NAMING = frozenset({"organisation", "ics"})


class SavedSearches:
    """Searches that people keep and that are narrowed to it: their alerts would fall silent."""

    kind: ClassVar[str] = "search"
    heading: ClassVar[str] = "Saved searches for its needs"
    hint: ClassVar[str] = (
        "The e-mails and the feed of the search go on with the organisation that you choose."
    )
    columns: ClassVar[tuple[str, ...]] = ()

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the searches that name one of the organisations, by name; whose they are is not told."""
        codes = {
            code: id_
            for id_, code in session.execute(
                select(Organisation.id, Organisation.code).where(Organisation.id.in_(organisation_ids))
            ).all()
        }
        wanted = or_(*(SavedSearch.query.contains(f"={code}", autoescape=True) for code in codes))
        rows = (
            session.scalars(select(SavedSearch).where(wanted).order_by(SavedSearch.id)).all() if codes else ()
        )
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=codes[code],
                state=row.frequency.label,
                title=row.name,
                # The filter by one organisation has room for one.
                options=(EVERY,) if ("ics", code) in parse_qsl(row.query) else (),
            )
            for row in rows
            for code in dict.fromkeys(value for name, value in parse_qsl(row.query) if name in NAMING)
            if code in codes
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Name the new organisations in the search, each once."""
        row = handover.session.get_one(SavedSearch, item.id)
        old = handover.session.get_one(Organisation, item.owner_id).code
        pairs: list[tuple[str, str]] = []
        for name, value in parse_qsl(row.query):
            ours = name in NAMING and value == old
            pairs += [(name, one.code) for one in to] if ours else [(name, value)]
        before = {
            (found.owner_id, found.id) for found in self.items(handover.session, [one.id for one in to])
        }
        row.query = urlencode(list(dict.fromkeys(pairs)))
        handover.session.flush()
        handover.ledger.take(item)
        for organisation in to:
            handover.note(item, organisation.id)
            if (organisation.id, item.id) not in before:
                handover.ledger.put(organisation.id, item)
