"""Whatever refers to an organisation either changes hands when organisations change, or says why it stays."""

from __future__ import annotations

from marketplace import tables  # noqa: F401 - so that the metadata is whole
from marketplace.database import Base
from marketplace.succession.movers.catalogue import HISTORY, MOVERS


def references() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.column.table.name == "organisation"
    }


def test_every_reference_to_an_organisation_is_moved_or_stays_for_a_reason() -> None:
    moved = {column for mover in MOVERS for column in mover.columns}
    assert references() - moved - set(HISTORY) == set(), (
        "add a mover for it to marketplace/succession/movers, or the reason to HISTORY in its catalogue"
    )


def test_no_reference_is_named_that_does_not_exist_and_none_twice() -> None:
    moved = [column for mover in MOVERS for column in mover.columns]
    assert {*moved, *HISTORY} - references() == set()
    assert len({*moved, *HISTORY}) == len(moved) + len(HISTORY)
