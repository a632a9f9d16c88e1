"""Past days at 1,000 and 10,000 needs: ``python -m benchmarks.history [--open] [--rounds N] [--wall] [FOLDER]``.

Prints p50 and p95 in milliseconds and the number of queries of each page that tells what stood on a day: the needs,
all and those of one organisation, the organisations, the withdrawals, and one need. 300 organisations have three
needs each in the current cycle, the others lie in cycles before. One organisation in ten has handed its needs over
since, so that owners of that day have to be found again. ``--open`` adds a world in which 10,000 needs are open.

Pages are asked of the application itself, in turns, so that noise hits all alike. Times are those of this process's
processor; ``--wall`` takes those of the clock on the wall.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import world
from benchmarks.demand import ALL_OPEN, WORLDS, Row, summary
from benchmarks.pages import counted
from benchmarks.sharing import share
from marketplace import clock
from marketplace.database import make_engine
from marketplace.factory import create_app
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation, Succession, SuccessionLink, SuccessionMove
from marketplace.organisations.rules import Change
from marketplace.settings import Settings

PAGES = {
    "needs of a day": "/needs/as-of/{day}",
    "needs of a day, page 10": "/needs/as-of/{day}?page=10",
    "needs of a day in one region": "/needs/as-of/{day}?region=Midlands",
    "needs of a day of one organisation": "/needs/as-of/{day}?organisation=QHL",
    "organisations of a day": "/needs/as-of/{day}/organisations",
    "withdrawn by a day": "/needs/as-of/{day}/withdrawn",
    "one need on a day": "/needs/as-of/{day}/needs/000000000000",
}
#: One organisation in so many has handed its needs over to the next.
HANDED = 10


def hand_over(url: str) -> None:
    """Let one organisation in ten give its needs to the one after it today; once."""
    engine = make_engine(url)
    with Session(engine) as session:
        session.connection(execution_options={"writes": True})
        if session.scalar(sa.select(sa.func.count()).select_from(Succession)):
            return
        now = clock.now()
        ids = list(session.scalars(sa.select(Need.organisation_id).distinct().order_by(Need.organisation_id)))
        for start, end in list(pairwise(ids))[::HANDED]:
            change = Succession(
                ref=f"benchmark-{start}",
                kind=Change.MERGE,
                effective_on=clock.today(),
                source="benchmark",
                source_date=clock.today(),
                recorded_at=now,
                settled_at=now,
                links=[SuccessionLink(from_id=start, to_id=end)],
            )
            session.add(change)
            session.flush()
            session.execute(
                sa.update(Organisation).where(Organisation.id == start).values(closed_on=clock.today())
            )
            needs = session.scalars(sa.select(Need.id).where(Need.organisation_id == start)).all()
            session.add_all(
                SuccessionMove(
                    succession_id=change.id, kind="need", subject_id=id_, from_id=start, to_id=end, at=now
                )
                for id_ in needs
            )
            session.execute(sa.update(Need).where(Need.id.in_(needs)).values(organisation_id=end))
        session.commit()
    engine.dispose()


def measure(url: str, rounds: int, *, spent: Callable[[], float]) -> dict[str, Row]:
    """Return p50 and p95 in milliseconds with the number of queries, of each page."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
    client, day = app.test_client(), clock.today() - timedelta(days=1)

    def get(path: str) -> None:
        response = client.get(path.format(day=day))
        if response.status_code != 200:
            raise RuntimeError(f"{path} was answered with {response.status_code}")

    for path in PAGES.values():  # once outside the clock: templates and lazy imports
        get(path)
    times: dict[str, list[float]] = {name: [] for name in PAGES}
    for _ in range(rounds):
        for name, path in PAGES.items():
            began = spent()
            get(path)
            times[name].append((spent() - began) * 1000)
    found = {}
    for name, path in PAGES.items():
        with counted(app) as sent:
            get(path)
        found[name] = summary(times[name]) | {"queries": len(sent)}
    app.extensions["engine"].dispose()
    return found


def main() -> None:
    """Fill the databases, measure each, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history")
    parser.add_argument("folder", nargs="?", default="")
    parser.add_argument("--rounds", type=int, default=20)
    for option in ("open", "wall", "json"):
        parser.add_argument(f"--{option}", action="store_true")
    asked = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, size in (WORLDS | (ALL_OPEN if asked.open else {})).items():
            url = world.prepared(Path(asked.folder or temporary), **size)
            share(url)
            hand_over(url)
            print(f"Measuring {name}", file=sys.stderr, flush=True)
            spent = time.perf_counter if asked.wall else time.process_time
            found[name] = measure(url, asked.rounds, spent=spent)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print("| | " + " | ".join(f"{name}: p50, p95 ms; queries" for name in found) + " |")
    print("| --- |" + " --- |" * len(found))
    for what in PAGES:
        cells = [
            f"{row[what]['p50']:.0f}, {row[what]['p95']:.0f}; {row[what]['queries']:g}"
            for row in found.values()
        ]
        print(f"| {what} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
