"""Finding demand and telling it at 1,000 and 10,000 needs: ``python -m benchmarks.demand [--json] [FOLDER]``.

300 organisations have three needs each in the current cycle, the others lie in cycles before, lapsed or withdrawn. As
that leaves 900 open, a third database holds 10,000 open needs of as many organisations as that takes. Pages are asked
of the application itself, each search with another text, so that none comes from a cache. Times are those of the
processor, which other work on the machine changes little. FOLDER keeps what was filled.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import quantiles

from flask import Flask
from sqlalchemy import delete
from sqlalchemy.orm import Session

from benchmarks import world
from benchmarks.pages import counted
from marketplace import clock
from marketplace.demand import emails
from marketplace.demand.models import SavedSearch, ToldItem
from marketplace.demand.saving import Frequency
from marketplace.factory import create_app
from marketplace.matches import finder
from marketplace.settings import Settings

WORLDS = {
    "1,000 needs of 300 organisations": {"needs": 1_000, "technologies": 20, "organisations": 300},
    "10,000 needs of 300 organisations": {"needs": 10_000, "technologies": 20, "organisations": 300},
    "10,000 open needs of 3,334 organisations": {"needs": 10_000, "technologies": 20},
}
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
}
READERS = 40


def measure(url: str, rounds: int = 20) -> dict[str, object]:
    """Return p50 and p95 in milliseconds of processor time with the number of queries, of each page and digest."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR", searches_each_minute=10_000))
    finder.warm(app)
    found: dict[str, object] = {}
    client, number = app.test_client(), iter(range(10**9))
    for name, path in PAGES.items():

        def get(path: str = path) -> None:
            at = next(number)
            question = QUESTIONS[at % len(QUESTIONS)].replace(" ", "+")
            asked = path.format(question=question, number=at)
            response = client.get(asked)
            if response.status_code != 200:
                raise RuntimeError(f"{asked} was answered with {response.status_code}")

        found[name] = told(app, [get] * rounds)
    found[f"a digest, of {READERS}"] = digests(app)
    app.extensions["engine"].dispose()
    return found


def told(app: Flask, works: list[Callable[[], None]]) -> dict[str, object]:
    """Time each piece of work, after one outside the clock, and count the queries of the last."""
    works[0]()
    times = []
    for work in works:
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    with counted(app) as sent:
        works[-1]()
    return summary(times) | {"queries": len(sent)}


def summary(times: list[float]) -> dict[str, object]:
    """Return the middle and the slow end of times in milliseconds."""
    cuts = quantiles(times, n=20, method="inclusive")
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


def digests(app: Flask) -> dict[str, object]:
    """Time the digests of readers of whom half search in words; each has everything to be told."""
    day = clock.today()
    with Session(app.extensions["engine"]) as session:
        session.connection(execution_options={"writes": True})
        for table in (ToldItem, SavedSearch):  # of an earlier run
            session.execute(delete(table))
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
    with app.app_context(), clock.pretend(morning):
        times, began = [], time.process_time()
        with counted(app) as sent:
            last = began
            for _ in emails.digests():
                times.append((time.process_time() - last) * 1000)
                last = time.process_time()
        whole = time.process_time() - began
    return summary(times) | {
        "queries": round(len(sent) / len(times), 1),
        "seconds for all": round(whole, 1),
    }


def main() -> None:
    """Fill the databases, measure each, and print."""
    folder = next((one for one in sys.argv[1:] if not one.startswith("-")), "")
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, size in WORLDS.items():
            url = world.prepared(Path(folder or temporary), **size)
            print(f"Measuring {name}", file=sys.stderr, flush=True)
            found[name] = measure(url)
            print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    for name, rows in found.items():
        print(name)
        for what, row in rows.items():  # type: ignore[attr-defined] # made above
            print(f"  {what}: " + ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
