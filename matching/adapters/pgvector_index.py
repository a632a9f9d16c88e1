"""Approximate inner-product search inside PostgreSQL with pgvector (HNSW), for more than fits one process."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from pgvector.sqlalchemy import Vector as VectorType
from sqlalchemy import (
    Column,
    Engine,
    FromClause,
    Index,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from matching.adapters.numpy_index import check
from matching.types import Hit, Vector, Vectors

_SPARE = 16
_LARGEST_SEARCH = 1000
"""pgvector's own bound on hnsw.ef_search."""

_EXACT_AMONG = 5_000
"""Among up to so many documents every vector is compared: as fast as the graph, and nothing is missed."""


def vector_table(name: str, dimension: int, metadata: MetaData | None = None) -> Table:
    """Return the table that holds the vectors of one index: an id, its vector, and an HNSW index by inner product."""
    table = Table(
        name,
        metadata if metadata is not None else MetaData(),
        Column("id", String, primary_key=True),
        Column("vector", VectorType(dimension), nullable=False),
    )
    Index(
        f"ix_{name}_vector_hnsw",
        table.c.vector,
        postgresql_using="hnsw",
        postgresql_with={"m": 16, "ef_construction": 64},
        postgresql_ops={"vector": "vector_ip_ops"},
    )
    return table


class PgVectorIndex:
    """One table of vectors in PostgreSQL. Every call is one short transaction of its own on ``engine``."""

    def __init__(self, engine: Engine, table: Table, width: int | None = None) -> None:
        """Search ``table`` on ``engine``; ``width`` is hnsw.ef_search, twice the limit unless given."""
        self._width = width
        self._engine = engine
        self._table = table
        column: Any = table.c.vector.type
        self._dimension = int(column.dim)

    def create(self) -> None:
        """Create the extension, the table and its index where they do not exist yet."""
        with self._engine.begin() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
            self._table.create(connection, checkfirst=True)

    def __len__(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(self._table)).scalar_one())

    def ids(self) -> set[str]:
        """Return every id that has a vector here."""
        with self._engine.connect() as connection:
            return set(connection.execute(select(self._table.c.id)).scalars())

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the stored vector of each of these ids that has one, to be compared with what it was made of."""
        wanted = bindparam("wanted", list(ids), ARRAY(String))
        statement = select(self._table.c.id, self._table.c.vector).where(self._table.c.id == func.any(wanted))
        with self._engine.connect() as connection:
            rows = connection.execute(statement).all()
        return {row.id: np.asarray(row.vector, dtype=np.float32) for row in rows}

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store one row for each id, in place of what was there; raises ValueError on another shape."""
        check(ids, vectors, self._dimension)
        if not ids:
            return
        statement = insert(self._table)
        statement = statement.on_conflict_do_update(
            index_elements=[self._table.c.id], set_={"vector": statement.excluded.vector}
        )
        rows = [{"id": key, "vector": row} for key, row in zip(ids, vectors, strict=True)]
        with self._engine.begin() as connection:
            connection.execute(statement, rows)

    def remove(self, ids: Sequence[str]) -> None:
        """Drop ids; unknown ones are ignored."""
        if ids:
            with self._engine.begin() as connection:
                connection.execute(
                    delete(self._table).where(
                        self._table.c.id == func.any(bindparam("gone", list(ids), ARRAY(String)))
                    )
                )

    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]:
        """Return at most ``limit`` hits, best inner product first, ties by id, filtered in the database."""
        if limit <= 0:
            return []
        query = np.ascontiguousarray(vector, dtype=np.float32)
        source: FromClause = self._table
        if among is not None:
            wanted = bindparam("among", sorted(frozenset(among)), ARRAY(String))
            part = select(self._table).where(self._table.c.id == func.any(wanted))
            few = len(among) <= _EXACT_AMONG
            # A materialised part is compared row by row; of a subquery PostgreSQL filters what the graph yields.
            source = part.cte("part").prefix_with("MATERIALIZED") if few else part.subquery("part")
        distance = source.c.vector.max_inner_product(query)
        statement = select(source.c.id, (literal(-1.0) * distance).label("score"))
        statement = statement.order_by(distance).limit(limit + _SPARE)
        width = self._width or min(max(2 * limit, 100), _LARGEST_SEARCH)
        with self._engine.begin() as connection:
            connection.execute(text(f"SET LOCAL hnsw.ef_search = {width}"))
            # Filtered and long searches go on through the graph until there are enough rows.
            connection.execute(text("SET LOCAL hnsw.iterative_scan = strict_order"))
            connection.execute(text("SET LOCAL hnsw.max_scan_tuples = 2147483647"))
            hits = [Hit(row.id, float(row.score)) for row in connection.execute(statement)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]
