"""Open data with 1,000 and with 10,000 needs: time and queries of each kind of answer, and of a whole mirror.

Two in three needs are in families of about five, the families in forty themes; each need on the board was looked at.

`python -m benchmarks.opendata` fills a SQLite database for each size (written directly, from a seed) and asks the
service in the same process, without a network. Times are milliseconds of processor time, which other work on the
machine does not change: the middle one, and that which 95 in 100 keep.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from benchmarks.mirror import Mirror
from marketplace import clock, migrating
from marketplace.database import make_engine
from marketplace.demo import content
from marketplace.factory import create_app
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.matches.models import NeedFit
from marketplace.needs.models import Cycle, Need, NeedVersion, PlacesRecord, Priority
from marketplace.needs.rules import FIELD_NAMES
from marketplace.opendata.limits import Limiter
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import NEED_KINDS, Organisation
from marketplace.settings import Settings

SIZES = (1_000, 10_000)
ROUNDS = 30
WORDS = [name for name in FIELD_NAMES if name not in {"must", "evidence_wanted"}]
BASE = "/open/v1"


def fill(session: Session, number: int, seed: int = 20261122) -> None:
    """Write needs with two versions each, three to an organisation in each cycle, one in ten withdrawn."""
    chosen, now = random.Random(seed), clock.now()
    # Loaded a moment ago, they would make every need one that has just changed.
    session.execute(sa.update(Organisation).values(updated_at=now - timedelta(days=400)))
    places = list(session.scalars(sa.select(Organisation.id).where(Organisation.kind.in_(NEED_KINDS))))
    texts = content.needs()
    rounds = -(-number // (3 * len(places)))
    today = clock.today()
    cycles = []
    for age in reversed(range(rounds)):
        opens = today - timedelta(days=90 * age + 30)
        cycle = Cycle(
            name=f"Round {rounds - age}",
            opens_on=opens,
            reminds_on=opens + timedelta(days=40),
            locks_on=opens + timedelta(days=60),
            closes_on=opens + timedelta(days=80),
        )
        session.add(cycle)
        cycles.append(cycle)
    session.flush()
    written = 0
    for cycle in cycles:
        for organisation in places:
            held = []
            for _ in range(3):
                if written == number:
                    break
                written += 1
                when = now - timedelta(minutes=number - written + 5)
                need = Need(
                    ref=f"{chosen.getrandbits(48):012x}",
                    organisation_id=organisation,
                    created_at=when,
                    published_at=when,
                    version=2,
                )
                if chosen.random() < 0.1:
                    need.withdrawn_at, need.withdrawn_reason = when + timedelta(minutes=2), "Solved"
                session.add(need)
                session.flush()
                text = chosen.choice(texts)
                for version in (1, 2):
                    row = NeedVersion(
                        need_id=need.id, number=version, published_at=when + timedelta(seconds=version)
                    )
                    for name in WORDS:
                        setattr(row, name, getattr(text, name))
                    row.must = list(text.must)
                    row.evidence_wanted = [
                        {"type": one.type.value, "detail": one.detail} for one in text.evidence_wanted
                    ]
                    session.add(row)
                if need.withdrawn_at is None:
                    session.add(
                        Priority(
                            organisation_id=organisation,
                            cycle_id=cycle.id,
                            rank=len(held) + 1,
                            need_id=need.id,
                        )
                    )
                    held.append(need.id)
            if held:
                session.add(
                    PlacesRecord(organisation_id=organisation, cycle_id=cycle.id, needs=held, at=when)
                )
        session.flush()
    share(session, chosen)


def share(session: Session, chosen: random.Random) -> None:
    """Put two thirds of the needs into families of about five and these into themes; one in twenty is co-signed."""
    now = clock.now()
    rows = session.execute(
        sa.select(Need.id, Need.ref, Need.organisation_id, Need.published_at).order_by(Need.id)
    ).all()
    signers = list(session.scalars(sa.select(Organisation.id).where(Organisation.kind.in_(NEED_KINDS))))
    cycle = session.scalar(sa.select(sa.func.max(Cycle.id)))
    chosen.shuffle(rows)
    old = now - timedelta(days=30)
    themes = [Theme(key=f"theme-{at}", name=f"Theme {at}", changed_at=old) for at in range(40)]
    session.add_all(themes)
    session.flush()
    for start in range(0, 2 * len(rows) // 3, 5):
        several, theme = rows[start : start + 5], chosen.choice(themes)
        family = Family(ref=several[0].ref, created_at=old, changed_at=several[0].published_at)
        family.members = [FamilyMember(need_id=one.id, since=one.published_at) for one in several]
        family.joint = [[[one.ref, 2, 0] for one in several]]
        session.add(family)
        session.add_all(ThemeMember(need_id=one.id, theme_id=theme.id) for one in several)
    for at, one in enumerate(rows):
        session.add(
            NeedFit(
                need_id=one.id,
                version=2,
                fits=chosen.randrange(3),
                generation=1,
                sequence=1,
                looked_at=now,
                changed_at=one.published_at,
            )
        )
        if at % 20 == 0:
            signer = chosen.choice([id_ for id_ in signers if id_ != one.organisation_id])
            session.add(
                CoSignature(
                    ref=f"{chosen.getrandbits(48):012x}",
                    need_id=one.id,
                    organisation_id=signer,
                    cycle_id=cycle,
                    version=2,
                    told_version=2,
                    signed_at=one.published_at,
                    how_many=chosen.randrange(1, 5000),
                )
            )
    session.flush()


def timed(ask: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the middle time and that which 95 in 100 keep, in milliseconds of processor time."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        ask()
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times), statistics.quantiles(times, n=20)[-1] if rounds > 1 else times[0]


def measure(app: Flask) -> dict[str, tuple[float, float, int]]:
    """Return for each kind of answer its two times and the number of queries."""
    client = app.test_client(use_cookies=False)
    sent: list[str] = []
    sa.event.listen(
        app.extensions["engine"],
        "before_cursor_execute",
        lambda _c, _k, statement, *_: sent.append(statement),
    )

    def get(address: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], bytes]:
        response = client.get(address, headers=dict(headers or {}))
        return response.status_code, response.headers, response.data

    def whole(address: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        split = urlsplit(address)
        return get(f"{split.path}?{split.query}" if split.query else split.path, headers)

    _, told, _ = get(f"{BASE}/needs")
    first = client.get(f"{BASE}/needs").get_json()
    middle = first["next"]
    for _ in range(4):
        middle = client.get(urlsplit(middle)._replace(scheme="", netloc="").geturl()).get_json()["next"]
    late = (clock.now() - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    asked: dict[str, tuple[str, Mapping[str, str]]] = {
        "first 100 needs": (f"{BASE}/needs", {}),
        "100 needs after the 500th": (urlsplit(middle)._replace(scheme="", netloc="").geturl(), {}),
        "needs since an hour ago": (f"{BASE}/needs?updated_since={late}", {}),
        "first 100 needs, not changed": (f"{BASE}/needs", {"If-None-Match": told["ETag"]}),
        "one need": (f"{BASE}/needs/{first['items'][0]['id']}", {}),
        "100 versions": (f"{BASE}/need-versions", {}),
        "100 top threes": (f"{BASE}/priorities", {}),
        "100 families": (f"{BASE}/families", {}),
        "all themes": (f"{BASE}/themes", {}),
        "100 answers of organisations": (f"{BASE}/answers", {}),
        "the counts of all cycles": (f"{BASE}/coverage", {}),
        "100 releases (OCDS)": (f"{BASE}/ocds/releases", {}),
        "50 needs (Atom)": (f"{BASE}/needs.atom", {}),
    }
    found = {}
    for name, (address, headers) in asked.items():
        sent.clear()
        get(address, headers)
        queries = sum(line.lstrip().startswith(("SELECT", "WITH")) for line in sent)
        found[name] = (*timed(lambda address=address, headers=headers: get(address, headers)), queries)  # type: ignore[misc] # bound now
    sent.clear()
    file = timed(lambda: get(f"{BASE}/needs.csv"), 1)
    found["all needs (CSV)"] = (*file, sum(line.startswith(("SELECT", "WITH")) for line in sent))
    sent.clear()
    mirror = timed(lambda: Mirror(f"{BASE}/openapi.json", whole).update(), 1)
    found["a mirror of everything"] = (*mirror, sum(line.startswith(("SELECT", "WITH")) for line in sent))
    sent.clear()
    copy = Mirror(f"{BASE}/openapi.json", whole)
    copy.update()
    sent.clear()
    again = timed(lambda: copy.update(), 1)
    found["the mirror asks for what has changed"] = (
        *again,
        sum(line.startswith(("SELECT", "WITH")) for line in sent),
    )
    return found


def main() -> None:
    """Fill, measure, and print a table for both sizes."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            url = f"sqlite:///{Path(folder) / f'{size}.db'}"
            engine = make_engine(url, create=True)
            migrating.upgrade(engine)
            engine.dispose()
            app = create_app(Settings(DATABASE_URL=url, log_level="ERROR", mode="demo"))
            app.extensions["open_data_limiter"] = Limiter(10**9)
            with app.app_context():
                load_reference()
            with Session(app.extensions["engine"]) as session:
                session.connection(execution_options={"writes": True})
                fill(session, size)
                session.commit()
            print(f"Measuring {size:,} needs", file=sys.stderr, flush=True)
            results.append(measure(app))
            app.extensions["engine"].dispose()
    print("| Answer | " + " | ".join(f"{size:,}: p50 / p95 ms, queries" for size in SIZES) + " |")
    print("| --- |" + " --- |" * len(SIZES))
    for name in results[0]:
        cells = [f"{one[name][0]:,.0f} / {one[name][1]:,.0f}, {one[name][2]}" for one in results]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
