"""A database of any size, from a seed: organisations, needs, technologies, and their index entries.

Rows are written directly, which no page does: filling by the actions would measure them and nothing else. Texts are
put together from the demo's. Vectors are random rows of length one: nothing measured depends on their meaning,
and encoding 10,000 technologies would take minutes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.orm import Session

from marketplace import clock, migrating
from marketplace.database import make_engine
from marketplace.demo import content
from marketplace.factory import create_app
from marketplace.matches import queries
from marketplace.matches.finder import Encoder, Encoders
from marketplace.matches.indexer import Indexer, documents_of
from marketplace.needs.models import Cycle, Need, NeedVersion, Priority
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import NEED_KINDS, Kind, Organisation
from marketplace.settings import Settings
from marketplace.technologies.models import Technology, TechnologyVersion
from matching.types import Kind as DocumentKind
from matching.types import Vectors


class RandomEncoder:
    """An encoder that claims to be the given one and gives random rows: fast, and of the right shape."""

    def __init__(self, like: Encoder, seed: int) -> None:
        self.name, self.dimension, self.digest = like.name, like.dimension, like.digest
        self.max_tokens = 256
        self._random = np.random.default_rng(seed)

    def count_tokens(self, text: str) -> int:
        """Guess the tokens of a text from its length."""
        return 2 + len(text) // 4

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return a random row of length one for each text."""
        rows = self._random.standard_normal((len(texts), self.dimension), dtype=np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return a random row of length one for each text."""
        return self.encode_documents(texts)


def fill(
    url: str, *, needs: int, technologies: int, organisations: int | None = None, seed: int = 20261121
) -> None:
    """Make a new database with so many published needs and listed technologies, indexed.

    Of so many ``organisations`` each has three needs in the current cycle, and what is left in earlier ones, lapsed
    or withdrawn; without a number there are as many as are needed for all needs to be open.
    """
    engine = make_engine(url, create=True)
    migrating.upgrade(engine)
    engine.dispose()
    app = create_app(Settings(DATABASE_URL=url, log_level="ERROR"))
    chosen = random.Random(seed)
    with app.app_context():
        load_reference()
        with Session(app.extensions["engine"]) as session:
            session.connection(execution_options={"writes": True})
            _needs(session, chosen, needs, organisations)
            _technologies(session, chosen, technologies)
            _go_on_counting(session)
            session.commit()
        encoder = RandomEncoder(app.extensions["finders"].encoder, seed)
        indexer = Indexer(app.extensions["engine"], Encoders(encoder))
        indexer.begin()
        for kind in DocumentKind:
            _index(app.extensions["engine"], kind, indexer)
    app.extensions["engine"].dispose()


def _go_on_counting(session: Session) -> None:
    """Let PostgreSQL give its next numbers after those that were given here."""
    if session.get_bind().dialect.name == "postgresql":
        for name in ("need", "technology"):
            last = text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name}")
            session.execute(last)


def _cycles(session: Session, number: int) -> list[int]:
    """Make the current cycle and those before it; return their ids, the latest first. Of several all are locked."""
    today = clock.today()
    cycles = []
    for back in range(number):
        opens = today - timedelta(days=10 + 120 * back)
        locked = number > 1
        cycles.append(
            Cycle(
                name=f"Benchmark {back}" if back else "Benchmark",
                opens_on=opens,
                reminds_on=opens + timedelta(days=5 if locked else 76),
                locks_on=opens + timedelta(days=9 if locked else 90),
                closes_on=opens + timedelta(days=90),
            )
        )
    session.add_all(cycles)
    session.flush()
    return [cycle.id for cycle in cycles]


def _needs(session: Session, chosen: random.Random, number: int, organisations: int | None) -> None:
    now = clock.now()
    latest = now - timedelta(days=2)  # so that the board of yesterday holds them too
    each = 3 * (organisations or -(-number // 3))
    cycle_ids = _cycles(session, -(-number // each))
    ids = list(session.scalars(select(Organisation.id).where(Organisation.kind.in_(NEED_KINDS))))
    icbs = list(
        session.execute(select(Organisation.id, Organisation.region_id).where(Organisation.kind == Kind.ICB))
    )
    while len(ids) * 3 < min(
        number, each
    ):  # the registry has 264: the rest is made up, and so are their codes
        icb, region = chosen.choice(icbs)
        extra = Organisation(
            code=f"ZZ{len(ids)}",
            name=f"Benchmark Trust {len(ids)}",
            kind=Kind.TRUST,
            parent_id=icb,
            region_id=region,
            source="benchmark",
            updated_at=now,
        )
        session.add(extra)
        session.flush()
        ids.append(extra.id)
    texts = content.needs()
    rows, versions, places = [], [], []
    for at in range(number):
        one, other = chosen.choice(texts), chosen.choice(texts)
        rows.append(
            {
                "id": at + 1,
                "ref": f"{at:012x}",
                "organisation_id": ids[at % each // 3],
                "created_at": latest - timedelta(minutes=at),
                "published_at": latest - timedelta(minutes=at),
                "version": 1,
                "withdrawn_at": now if at >= each and at % 10 == 0 else None,
                "withdrawn_reason": "Benchmark" if at >= each and at % 10 == 0 else "",
            }
        )
        versions.append(
            {
                "need_id": at + 1,
                "number": 1,
                "published_at": latest - timedelta(minutes=at),
                "change_note": "",
                "title": f"{one.title} ({at})",
                "problem": f"{one.problem} {other.outcome}",
                "who_affected": one.who_affected,
                "how_many": one.how_many,
                "how_many_note": one.how_many_note,
                "pathway_today": one.pathway_today,
                "outcome": one.outcome,
                "measure": one.measure,
                "baseline": one.baseline,
                "target": one.target,
                "must": list(one.must),
                "evidence_wanted": [{"type": w.type.value, "detail": w.detail} for w in one.evidence_wanted],
                "clinical_area": one.clinical_area,
                "care_setting": one.care_setting,
                "shift": one.shift,
                "timing": one.timing,
                "funding_state": one.funding_state,
            }
        )
        places.append(
            {
                "organisation_id": ids[at % each // 3],
                "cycle_id": cycle_ids[at // each],
                "rank": at % 3 + 1,
                "need_id": at + 1,
            }
        )
    for table, values in ((Need, rows), (NeedVersion, versions), (Priority, places)):
        session.execute(insert(table), values)


def _technologies(session: Session, chosen: random.Random, number: int) -> None:
    now = clock.now()
    suppliers = [
        Organisation(
            code=f"benchmark-supplier-{at}",
            name=f"Benchmark Supplier {at}",
            kind=Kind.SUPPLIER,
            updated_at=now,
        )
        for at in range(max(1, number // 20))
    ]
    session.add_all(suppliers)
    session.flush()
    ids = [supplier.id for supplier in suppliers]
    texts = content.technologies()
    rows, versions = [], []
    for at in range(number):
        one, other = chosen.choice(texts), chosen.choice(texts)
        rows.append(
            {
                "id": at + 1,
                "ref": f"t{at:07x}",
                "supplier_id": ids[at % len(ids)],
                "created_at": now,
                "listed_at": now,
                "version": 1,
            }
        )
        versions.append(
            {
                "technology_id": at + 1,
                "number": 1,
                "listed_at": now,
                "change_note": "",
                "name": f"{one.name} {at}",
                "summary": one.summary,
                "intended_use": other.intended_use,
                "replaces": one.replaces,
                "claims": list(one.claims),
                "settings": [setting.value for setting in one.settings],
                "clinical_areas": [area.value for area in one.clinical_areas],
                "readiness": one.readiness,
            }
        )
    session.execute(insert(Technology), rows)
    session.execute(insert(TechnologyVersion), versions)


def _index(engine: Engine, kind: DocumentKind, indexer: Indexer, batch: int = 500) -> None:
    with Session(engine) as session:
        serving = queries.serving(session)
        if serving is None:
            raise RuntimeError("no index was begun")
        target = indexer.target(serving)
        refs = queries.public_refs(session, kind)
        session.rollback()
        for start in range(0, len(refs), batch):
            documents = documents_of(session, kind, refs[start : start + batch])
            session.rollback()
            encoded = indexer.matcher(kind, target.encoder).encode(list(documents.values()))
            session.connection(execution_options={"writes": True})
            indexer.store(session, target, kind, encoded)
            session.commit()


def prepared(folder: Path, *, needs: int, technologies: int, organisations: int | None = None) -> str:
    """Return the address of a filled SQLite database in a folder, made when it is not there, of today's schema."""
    path = folder / f"benchmark-{needs}-{technologies}-{organisations or 'any'}.db"
    url = f"sqlite:///{path}"
    if path.exists():
        engine = make_engine(url)
        migrating.upgrade(engine)
        engine.dispose()
    else:
        fill(url, needs=needs, technologies=technologies, organisations=organisations)
    return url
