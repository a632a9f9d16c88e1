"""What tests of mirrors share: the truth to compare a copy with, and a mirror that has everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from benchmarks.mirror import Fetch, Mirror
from marketplace import clock
from marketplace.opendata import catalogue
from marketplace.opendata.rules import Asked
from tests.web.opendata.world import make_newer

DOCUMENT = "/open/v1/openapi.json"


def truth(app: Flask) -> dict[str, dict[str, object]]:
    """Return all records of all collections, read from the database without pages, cursors or HTTP."""
    with app.app_context():
        found = {}
        for name, collection in catalogue.COLLECTIONS.items():
            changed = catalogue.everything(collection, Asked({}, {}))
            records = collection.fill(changed)
            found[f"/{name}"] = {record.id: json.loads(record.model_dump_json()) for record in records}  # type: ignore[attr-defined] # all have one
        return found


def copied(mirror: Mirror) -> dict[str, dict[str, object]]:
    """Return what a mirror holds."""
    return {path: dict(copy.records) for path, copy in mirror.copies.items()}


def up_to_date(app: Flask, session: Session, ask: Fetch, hours: int = 1) -> Mirror:
    """Return a mirror that has everything, and asks next for what is newer than things of some hours later.

    Without those the minute by which it goes back would bring it the whole world again.
    """
    with time_machine.travel(clock.now() + timedelta(hours=hours)):
        make_newer(session)
        mirror = Mirror(DOCUMENT, ask)
        mirror.update()
        found = untrue(app, mirror)
        assert found == {}, found
    return mirror


def untrue(app: Flask, mirror: Mirror) -> dict[str, tuple[object, object]]:
    """Return what a mirror has other than the database: by collection and id, the copy and the truth."""
    held, true = copied(mirror), truth(app)
    return {
        f"{path}/{id_}": (held[path].get(id_), true[path].get(id_))
        for path in held
        for id_ in {*held[path], *true[path]}
        if held[path].get(id_) != true[path].get(id_)
    }


@contextmanager
def changing(app: Flask, mirror: Mirror, hours: float = 2) -> Iterator[None]:
    """Let something change some hours later; then the mirror asks for changes, and has to have a true copy."""
    with time_machine.travel(clock.now() + timedelta(hours=hours)):
        yield
        mirror.update()
        found = untrue(app, mirror)
        assert found == {}, found
