"""Pictures of demand at 1,000 and at 10,000 needs: ``python -m benchmarks.pictures [--json]``.

Maps, grids and pages of places over HTTP, each with p50 and p95 of processor time (client and server together, so
that other work on the machine does not count) and its number of queries, which must not grow. Families, themes,
co-signatures and what fits are made up from a seed: what is measured is how long they take to be read and drawn. Each
organisation has three needs, so 10,000 needs are of more than 3,000.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import world
from benchmarks.pages import counted
from benchmarks.serving import Client, served
from marketplace import clock
from marketplace.database import make_engine
from marketplace.factory import create_app
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.matches.models import NeedFit
from marketplace.needs.models import Cycle, Need
from marketplace.organisations.actions import load_demo_patches
from marketplace.settings import Settings

SIZES = (1_000, 10_000)
THEMES = 40
ROUNDS = 40
PAGES = {
    "map": "/demand/map",
    "map of a theme": "/demand/map?theme=theme-1&by=unmatched",
    "grid": "/demand/themes",
    "region": "/demand/regions/Y60",
    "patch": "/demand/hin/hin-west-midlands",
    "system": "/demand/ics/QHL",
    "region as CSV": "/demand/regions/Y60/needs.csv",
}


def share(url: str, seed: int = 20261122) -> None:
    """Give the needs of a filled database families of five, themes, co-signatures, and whether anything fits."""
    chosen, now = random.Random(seed), clock.now()
    engine = make_engine(url)
    with Session(engine) as session:
        session.connection(execution_options={"writes": True})
        needs = session.execute(sa.select(Need.id, Need.organisation_id)).all()
        owners = sorted({owner for _, owner in needs})
        cycle_id = session.scalars(sa.select(Cycle.id)).one()
        ids = [need_id for need_id, _ in needs]
        chosen.shuffle(ids)
        groups = [ids[at : at + 5] for at in range(0, len(ids) * 9 // 10, 5)]
        session.execute(
            sa.insert(Family),
            [
                {"id": at, "ref": f"f{at:07x}", "name": "", "created_at": now, "lock_version": 1}
                for at in range(1, len(groups) + 1)
            ],
        )
        session.execute(
            sa.insert(Theme),
            [
                {"id": at, "key": f"theme-{at}", "name": f"A theme called by its words {at}", "said": []}
                for at in range(1, THEMES + 1)
            ],
        )
        session.execute(
            sa.insert(FamilyMember),
            [
                {"need_id": need_id, "family_id": at, "settled": False, "since": now}
                for at, group in enumerate(groups, start=1)
                for need_id in group
            ],
        )
        session.execute(
            sa.insert(ThemeMember),
            [
                {"need_id": need_id, "theme_id": at % THEMES + 1}
                for at, group in enumerate(groups)
                for need_id in group
            ],
        )
        session.execute(
            sa.insert(CoSignature),
            [
                {
                    "ref": f"c{at:07x}",
                    "need_id": need_id,
                    "organisation_id": chosen.choice(owners),
                    "cycle_id": cycle_id,
                    "version": 1,
                    "told_version": 1,
                    "note": "",
                    "signed_at": now,
                }
                for at, need_id in enumerate(ids[: len(ids) // 10])
            ],
        )
        session.execute(
            sa.insert(NeedFit),
            [
                {
                    "need_id": need_id,
                    "version": 1,
                    "fits": chosen.choice((0, 1, 3)),
                    "words_only": False,
                    "generation": 1,
                    "sequence": 1,
                    "looked_at": now,
                }
                for need_id in ids[: len(ids) * 19 // 20]
            ],
        )
        session.commit()
    engine.dispose()


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return p50 and p95 in milliseconds of processor time; one round goes before, outside the clock."""
    work()
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


def measure(url: str, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Return for each page its bytes, p50 and p95 in milliseconds, and its number of queries."""
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
    with app.app_context():
        load_demo_patches()
    found = {}
    with served(app) as port:
        client = Client(port)
        for name, path in PAGES.items():
            p50, p95 = timed(lambda path=path: client.get(path), rounds)  # type: ignore[misc] # bound now
            with counted(app) as sent:
                body = client.get(path)
            found[name] = {
                "bytes": len(body),
                "p50_milliseconds": round(p50, 1),
                "p95_milliseconds": round(p95, 1),
                "queries": len(sent),
            }
    app.extensions["engine"].dispose()
    return found


def main() -> None:
    """Fill two databases, measure both, and print."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for needs in SIZES:
            print(f"Filling {needs:,} needs", file=sys.stderr, flush=True)
            url = world.prepared(Path(folder), needs=needs, technologies=20)
            share(url)
            found[needs] = measure(url)
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    for needs, rows in found.items():
        print(f"{needs:,} needs")
        for name, row in rows.items():
            print(f"  {name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
