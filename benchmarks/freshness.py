"""Seconds until a change is known everywhere: ``python -m benchmarks.freshness [--postgresql] [--rebuilding]``.

Three web processes (gunicorn, as in production) and a worker process serve one database of 1,000 technologies.
Listings, edits and withdrawals are made one after another through the service's actions, as a person's form does;
every process is then asked by HTTP, ten times a second, until it answers as it should. A withdrawal is timed twice:
until it is gone from the page, and until the process's index has let go of it. ``--rebuilding`` has a new index built
meanwhile, ``--json`` prints JSON.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from benchmarks import world
from benchmarks.matching.database import server
from benchmarks.serving import Client
from marketplace import clock
from marketplace.access.actor import Actor, Grant
from marketplace.access.policy import Role
from marketplace.database import db, transaction
from marketplace.factory import create_app
from marketplace.matches.models import IndexEntry
from marketplace.organisations.models import Kind, Organisation
from marketplace.settings import Settings
from marketplace.technologies import actions, queries
from marketplace.technologies.rules import TechnologyChanges, TechnologyContent
from marketplace.vocabulary import CareSetting, ClinicalArea, Readiness
from marketplace.worker import make_indexer

PROCESSES = 3
SIZE = {"needs": 100, "technologies": 1000}
PATIENCE = 60.0
POLL = 0.1
LISTED = "{name} is a pump that warms fluids before they are given."
EDITED = "{name} reads a wrist scan and names the broken bone."


def measure(url: str, changes: int = 60, *, rebuilding: bool = False) -> dict[str, dict[str, float]]:
    """Make so many changes, a third of each kind, and return percentiles in seconds over changes and processes."""
    with ExitStack() as stack:
        app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
        stack.callback(app.extensions["engine"].dispose)
        if rebuilding:
            with app.app_context():
                make_indexer(app).begin(anew=True)
        stack.enter_context(_process(url, [sys.executable, "-m", "marketplace", "worker"]))
        ports = [stack.enter_context(_web(url)) for _ in range(PROCESSES)]
        _wait_until_ready(ports)
        waits: dict[str, list[float]] = {}
        with app.app_context():
            actor = _supplier()
            _one_life(app, actor, "Warming", ports)  # the worker has just been started, and loads its model
            for number in range(changes // 3):
                for kind, times in _one_life(app, actor, f"Warmline{number}", ports).items():
                    waits.setdefault(kind, []).extend(times)
    return {kind: _told(times) for kind, times in waits.items()}


def _told(times: list[float]) -> dict[str, float]:
    ordered = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "observations": len(times),
        "p50_seconds": round(ordered[49], 2),
        "p95_seconds": round(ordered[94], 2),
        "worst_seconds": round(max(times), 2),
    }


@contextmanager
def _process(url: str, command: list[str]) -> Iterator[None]:
    environment = {**os.environ, "DATABASE_URL": url, "DEMAND_SIGNAL_LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _web(url: str) -> Iterator[int]:
    """Run one web process on a free port of this machine; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    kind = ["--worker-class", "gthread", "--workers", "1", "--threads", "4", "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", *kind, "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    with _process(url, command):
        yield port


def _wait_until_ready(ports: list[int]) -> None:
    until = time.perf_counter() + 2 * PATIENCE
    for port in ports:
        while not _ready(port):
            if time.perf_counter() > until:
                raise RuntimeError("a web process did not become ready")
            time.sleep(0.5)


def _ready(port: int) -> bool:
    try:
        told = json.loads(Client(port).get("/health"))
    except (OSError, RuntimeError):
        return False
    return bool(told["encoder"] == "ready")


def _supplier() -> Actor:
    with transaction() as session:
        code = f"freshness-{clock.now():%Y%m%d%H%M%S%f}"
        supplier = Organisation(code=code, name="Freshness", kind=Kind.SUPPLIER, updated_at=clock.now())
        session.add(supplier)
        session.flush()
        grant = Grant(supplier.id, supplier.code, supplier.name, Role.INNOVATOR)
    return Actor(user_id=None, grants=(grant,))


def _one_life(app: Flask, actor: Actor, name: str, ports: list[int]) -> dict[str, list[float]]:
    """List a technology, change it, and take it off; return how long each process took to know."""
    content = TechnologyContent(
        name=name,
        summary=LISTED.format(name=name),
        intended_use="Adults on wards.",
        replaces="Water baths",
        claims=("Warms a litre in four minutes.",),
        settings=(CareSetting.ACUTE_WARD,),
        clinical_areas=(ClinicalArea.SURGERY,),
        readiness=Readiness.PILOT,
    )
    ref = actions.create_draft(actor, actor.grants[0].organisation_id, content)
    actions.list_technology(actor, ref)
    found = _times(ports, LISTED.format(name=name), lambda page: f"/technologies/{ref}".encode() in page)

    other = name.replace("Warmline", "Bonesight")
    changes: TechnologyChanges = {
        "name": other,
        "summary": EDITED.format(name=other),
        "claims": ("Names the bone in a second.",),
    }
    draft = queries.own_by_ref(actor, ref).draft
    if draft is None:
        raise RuntimeError("a listing has no draft to be changed")
    actions.save_draft(actor, ref, changes, lock_version=draft.lock_version)
    actions.list_technology(actor, ref, change_note="Another product")
    edited = _times(ports, EDITED.format(name=other), lambda page: f"/technologies/{ref}".encode() in page)

    actions.archive(actor, ref)
    engine: Engine = app.extensions["engine"]
    began = time.perf_counter()
    gone = _times(ports, EDITED.format(name=other), lambda page: f"/technologies/{ref}".encode() not in page)
    spent = time.perf_counter() - began
    # A page takes in everything that was written before it was asked for.
    forgotten = _times(ports, EDITED.format(name=other), first=lambda: _buried(engine, ref))
    return {
        "listed": found,
        "edited": edited,
        "withdrawn, from pages": gone,
        "withdrawn, from the index": [spent + one for one in forgotten],
    }


def _buried(engine: Engine, ref: str) -> bool:
    with Session(engine) as session:
        rows = session.scalars(select(IndexEntry.removed).where(IndexEntry.subject_ref == ref)).all()
    return bool(rows) and all(rows)


def _times(
    ports: list[int],
    text: str,
    as_it_should: Callable[[bytes], bool] = lambda _page: True,
    first: Callable[[], bool] = lambda: True,
) -> list[float]:
    """Return for each process the seconds until a page, asked for once ``first`` holds, is as it should be."""
    db.session.rollback()
    began = time.perf_counter()
    times: list[float] = []

    def ask(port: int) -> None:
        client = Client(port)
        path = f"/technologies?q={text.replace(' ', '+')}"
        while not (first() and as_it_should(client.get(path))):
            if time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"not as it should be within {PATIENCE} s")
            time.sleep(POLL)
        times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=ask, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(times) != len(ports):
        raise RuntimeError("a web process never came to know of a change")
    return times


@contextmanager
def database(*, postgresql: bool) -> Iterator[str]:
    """Yield the address of a filled database."""
    if postgresql:
        with server() as url:
            world.fill(url, **SIZE)
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield world.prepared(Path(folder), **SIZE)


def main() -> None:
    """Measure one kind of database and print."""
    with database(postgresql="--postgresql" in sys.argv) as url:
        found = measure(url, rebuilding="--rebuilding" in sys.argv)
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    for kind, row in found.items():
        print(f"{kind}: " + ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
