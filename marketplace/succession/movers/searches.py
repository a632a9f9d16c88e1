"""Saved searches that name an organisation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.demand.models import SavedSearch
from marketplace.demand.rules import NAMING
from marketplace.organisations.models import Organisation
from marketplace.succession.movers.mover import Handover
from marketplace.succession.rules import EVERY, Item


def naming(query: str, old: str, codes: Sequence[str]) -> str:
    """Return a search's part of the address with other organisations in place of one, each once."""
    pairs: list[tuple[str, str]] = []
    for name, value in parse_qsl(query):
        ours = name in NAMING and value == old
        pairs += [(name, code) for code in codes] if ours else [(name, value)]
    return urlencode(list(dict.fromkeys(pairs)))


def follow_code(session: Session, old: str, code: str) -> None:
    """Let the saved searches for an organisation follow it to its new code; who keeps them notices nothing."""
    wanted = SavedSearch.query.contains(f"={old}", autoescape=True)
    for row in session.scalars(select(SavedSearch).where(wanted)):
        row.query = naming(row.query, old, [code])


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
        before = {
            (found.owner_id, found.id) for found in self.items(handover.session, [one.id for one in to])
        }
        row.query = naming(row.query, old, [one.code for one in to])
        handover.session.flush()
        handover.ledger.take(item)
        for organisation in to:
            handover.note(item, organisation.id)
            if (organisation.id, item.id) not in before:
                handover.ledger.put(organisation.id, item)
