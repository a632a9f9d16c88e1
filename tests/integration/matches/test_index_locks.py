"""Two workers that write the same entries of the index take locks in one order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import sleep

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.matches import queries
from marketplace.matches.actions import next_sequence
from marketplace.matches.indexer import bury
from marketplace.matches.models import IndexEntry
from matching.types import Kind
from tests.factories.technologies import make_technology


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_that_buries_waits_for_one_that_writes_and_holds_no_entry_meanwhile(
    app: Flask, session: Session, reindex: Callable[[], None]
) -> None:
    ref = make_technology(session, name="Nightlight").ref
    session.commit()
    reindex()
    engine = app.extensions["engine"]
    serving = queries.serving(session).id
    session.rollback()
    became: list[str] = []

    def bury_it() -> None:
        with Session(engine) as other:
            bury(other, serving, Kind.TECHNOLOGY, ref)
            other.commit()
            became.append("buried")

    with Session(engine) as writer:
        number = next_sequence(writer)
        thread = threading.Thread(target=bury_it)
        thread.start()
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while thread.is_alive() and not session.scalar(waiting):
            session.rollback()
            sleep(0.01)
        row = writer.scalars(select(IndexEntry).where(IndexEntry.subject_ref == ref)).one()
        row.sequence = number
        writer.commit()  # with the locks taken the other way round PostgreSQL ends one of the two here
    thread.join()
    assert became == ["buried"]
    session.rollback()
    entry = queries.entry(session, serving, Kind.TECHNOLOGY, ref)
    assert entry is not None
    assert entry.removed
    assert entry.sequence > number
