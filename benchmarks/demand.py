"""Everything that shows demand at 1,000 and 10,000 needs: ``python -m benchmarks.demand [--postgresql] [FOLDER]``.

One table, of SQLite or of the PostgreSQL of the tests: p50 and p95 in milliseconds and the number of queries of each
page, and of a digest. 300 organisations have three needs each in the current cycle, the others lie in cycles before,
lapsed or withdrawn. As that leaves 900 open, ``--open`` adds a third column with 10,000 open needs of as many
organisations as that takes. Pages are asked of the application itself, in turns, so that noise hits all alike; each
search has another text, so that none comes from a cache. ``--changing`` publishes something before each page, outside
the clock, so that whatever is kept between requests has to be read again.

Times are those of this process's processor, which other work on the machine changes little; ``--wall`` takes those of
the clock on the wall, in which PostgreSQL's own work counts too. ``--json`` prints JSON, ``--rounds N`` asks for each
page so many times. FOLDER keeps what was filled (SQLite).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from benchmarks import world
from benchmarks.matching.database import server
from benchmarks.pages import counted
from benchmarks.sharing import share
from marketplace import clock
from marketplace.demand import emails
from marketplace.demand.models import SavedSearch, ToldItem
from marketplace.demand.saving import Frequency
from marketplace.factory import create_app
from marketplace.families.models import Family
from marketplace.matches import finder
from marketplace.opendata.limits import Limiter
from marketplace.organisations.actions import load_demo_patches
from marketplace.settings import Settings

WORLDS = {
    "1,000 needs": {"needs": 1_000, "technologies": 20, "organisations": 300},
    "10,000 needs": {"needs": 10_000, "technologies": 20, "organisations": 300},
}
ALL_OPEN = {"10,000 open needs of 3,334 organisations": {"needs": 10_000, "technologies": 20}}
QUESTIONS = (
    "falls at night in care homes",
    "faster scans for cancer",
    "people who wait for a hearing test",
    "beds in virtual wards",
    "ambulances that wait to hand over",
)
#: One for each number, so that every search is new to the process.
SEARCH = "/demand?q={question}+{number}"
PAGES = {
    "board": "/demand",
    "board, three filters": "/demand?region=Y60&type=trust&area=frailty&shift=sickness-to-prevention",
    "search": SEARCH,
    "search, also what lapsed": SEARCH + "&state=lapsed&state=open&state=withdrawn",
    "search with a phrase": "/demand?q=%22care+homes%22+{question}+{number}",
    "feed of a search": "/demand.atom?q={question}+{number}",
    "families": "/families",
    "one family": "/families/f0000001",
    "hex map": "/demand/map",
    "hex map of a theme, by what has no good match": "/demand/map?theme=theme-1&by=unmatched",
    "grid of themes and regions": "/demand/themes",
    "a region (Midlands)": "/demand/regions/Y60",
    "a region's needs as CSV": "/demand/regions/Y60/needs.csv",
    "the patch of a HIN": "/demand/hin/hin-west-midlands",
    "a system": "/demand/ics/QHL",
    "coverage": "/coverage",
    "the board as of yesterday": "/needs/as-of/{yesterday}",
    "open data, 100 needs": "/open/v1/needs",
}
READERS = 40
Row = dict[str, float]


class Asking:
    """Asks for pages, each search with a number of its own."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._number = 0
        self._yesterday = (clock.today() - timedelta(days=1)).isoformat()

    def get(self, path: str) -> None:
        """Fetch a page; raises unless it is answered with 200."""
        self._number += 1
        question = QUESTIONS[self._number % len(QUESTIONS)].replace(" ", "+")
        asked = path.format(question=question, number=self._number, yesterday=self._yesterday)
        response = self._client.get(asked)
        if response.status_code != 200:
            raise RuntimeError(f"{asked} was answered with {response.status_code}")


class Collections:
    """Counts the searches for unused cycles that went over all objects, and their seconds: the usual slow page."""

    def __init__(self) -> None:
        self.number, self.seconds, self._began = 0, 0.0, 0.0

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Note that one begins or ends."""
        if phase == "start":
            self._began = time.process_time()
        elif info["generation"] == 2:
            self.number, self.seconds = self.number + 1, self.seconds + time.process_time() - self._began


def measure(
    url: str, rounds: int, *, spent: Callable[[], float] = time.process_time, changing: bool = False
) -> dict[str, Row]:
    """Return p50 and p95 in milliseconds with the number of queries, of each page and of a digest."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR", searches_each_minute=10_000))
    app.extensions["open_data_limiter"] = Limiter(10**9)
    with app.app_context():
        load_demo_patches()
    finder.warm(app)
    asking, times = Asking(app.test_client()), {name: list[float]() for name in PAGES}
    for path in PAGES.values():  # once outside the clock: templates and lazy imports
        asking.get(path)
    seen = Collections()
    gc.callbacks.append(seen)
    for _ in range(rounds):
        for name, path in PAGES.items():
            if changing:
                change(app)
            began = spent()
            asking.get(path)
            times[name].append((spent() - began) * 1000)
    gc.callbacks.remove(seen)
    print(f"{seen.number} whole collections, {seen.seconds:.2f} s", file=sys.stderr, flush=True)
    found = {}
    for name, path in PAGES.items():
        with counted(app) as sent:
            asking.get(path)
        found[name] = summary(times[name]) | {"queries": len(sent)}
    found[f"a digest, of {READERS}"] = digests(app, spent)
    app.extensions["engine"].dispose()
    return found


def change(app: Flask) -> None:
    """Touch a row that lists of demand are made of."""
    with Session(app.extensions["engine"]) as session:
        session.connection(execution_options={"writes": True})
        session.execute(sa.update(Family).where(Family.id == 1).values(lock_version=Family.lock_version + 1))
        session.commit()


def summary(times: list[float]) -> Row:
    """Return the middle and the slow end of times in milliseconds."""
    cuts = quantiles(times, n=20, method="inclusive")
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


def digests(app: Flask, spent: Callable[[], float]) -> Row:
    """Time the digests of readers of whom half search in words; each has everything to be told."""
    day = clock.today()
    with Session(app.extensions["engine"]) as session:
        session.connection(execution_options={"writes": True})
        for table in (ToldItem, SavedSearch):  # of an earlier run
            session.execute(sa.delete(table))
        session.add_all(
            SavedSearch(
                ref=f"benchmark{at:05}",
                email=f"reader{at}@benchmark.example",
                name=f"Search {at}",
                query=f"q={QUESTIONS[at % len(QUESTIONS)].replace(' ', '+')}+{at}"
                if at % 2
                else "area=frailty",
                frequency=Frequency.DAILY,
                created_at=clock.now(),
                confirmed_at=clock.now(),
                period=day - timedelta(days=2),
            )
            for at in range(READERS)
        )
        session.commit()
    morning = clock.now().astimezone(clock.LONDON).replace(hour=8)
    with app.app_context(), clock.pretend(morning), counted(app) as sent:
        times, last = [], spent()
        for _ in emails.digests():
            times.append((spent() - last) * 1000)
            last = spent()
    return summary(times) | {"queries": round(len(sent) / len(times), 1)}


@contextmanager
def databases(
    worlds: Mapping[str, Mapping[str, int]], folder: str, *, postgresql: bool
) -> Iterator[Iterator[tuple[str, str]]]:
    """Yield the name and address of each database, filled when it is asked for."""
    if not postgresql:
        with tempfile.TemporaryDirectory() as temporary:
            yield ((name, world.prepared(Path(folder or temporary), **size)) for name, size in worlds.items())
        return
    with server() as address:

        def filled() -> Iterator[tuple[str, str]]:
            for number, (name, size) in enumerate(worlds.items()):
                engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
                with engine.connect() as connection:
                    connection.exec_driver_sql(f"CREATE DATABASE demand_{number}")
                url = sa.make_url(address).set(database=f"demand_{number}")
                written = url.render_as_string(hide_password=False)
                world.fill(written, **size)
                yield name, written

        yield filled()


def analyse(url: str) -> None:
    """Let the database look at what it holds, as PostgreSQL does by itself within a minute."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def main() -> None:
    """Fill the databases, measure each, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demand")
    parser.add_argument("folder", nargs="?", default="")
    parser.add_argument("--rounds", type=int, default=20)
    for option in ("postgresql", "open", "changing", "wall", "json"):
        parser.add_argument(f"--{option}", action="store_true")
    asked = parser.parse_args()
    worlds = WORLDS | (ALL_OPEN if asked.open else {})
    found = {}
    with databases(worlds, asked.folder, postgresql=asked.postgresql) as filled:
        for name, url in filled:
            share(url)
            if asked.postgresql:
                analyse(url)
            print(f"Measuring {name}", file=sys.stderr, flush=True)
            spent = time.perf_counter if asked.wall else time.process_time
            found[name] = measure(url, asked.rounds, spent=spent, changing=asked.changing)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print("| | " + " | ".join(f"{name}: p50, p95 ms; queries" for name in found) + " |")
    print("| --- |" + " --- |" * len(found))
    for what in next(iter(found.values())):
        cells = [
            f"{row[what]['p50']:.0f}, {row[what]['p95']:.0f}; {row[what]['queries']:g}"
            for row in found.values()
        ]
        print(f"| {what} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
