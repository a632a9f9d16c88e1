"""One contract for every vector index: ids and scores are compared with plain numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from matching.adapters.faiss_index import FaissIndex
from matching.adapters.numpy_index import NumpyIndex
from matching.adapters.pgvector_index import PgVectorIndex, vector_table
from matching.protocols import VectorIndex
from matching.types import Hit, Vector, Vectors

DIMENSION = 16
Make = Callable[[], VectorIndex]


@pytest.fixture(params=["numpy", "faiss", pytest.param("pgvector", marks=pytest.mark.postgresql)])
def index(request: pytest.FixtureRequest) -> Iterator[VectorIndex]:
    if request.param == "numpy":
        yield NumpyIndex(DIMENSION)
    elif request.param == "faiss":
        yield FaissIndex(DIMENSION)
    else:
        engine = request.getfixturevalue("pgvector_engine")
        table = vector_table("contract_vectors", DIMENSION)
        made = PgVectorIndex(engine, table)
        made.create()
        yield made
        table.drop(engine)


def rows(count: int, seed: int = 0) -> Vectors:
    made = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def names(count: int) -> list[str]:
    return [f"d{number:03}" for number in range(count)]


def expected(held: dict[str, Vector], query: Vector, limit: int) -> list[Hit]:
    hits = [Hit(key, float(row @ query)) for key, row in held.items()]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit]


def same(found: list[Hit], wanted: list[Hit]) -> None:
    assert [hit.id for hit in found] == [hit.id for hit in wanted]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=1e-5)


def test_search_gives_the_ids_and_scores_of_numpy(index: VectorIndex) -> None:
    vectors, query = rows(80), rows(1, seed=9)[0]
    index.upsert(names(80), vectors)
    same(index.search(query, 10), expected(dict(zip(names(80), vectors, strict=True)), query, 10))


def test_upsert_replaces_the_old_vector(index: VectorIndex) -> None:
    vectors, query = rows(5), rows(1, seed=9)[0]
    index.upsert(names(5), vectors)
    index.upsert(["d002"], query.reshape(1, -1))
    assert len(index) == 5
    held = dict(zip(names(5), vectors, strict=True)) | {"d002": query}
    same(index.search(query, 5), expected(held, query, 5))


def test_a_removed_vector_is_gone_and_may_come_back(index: VectorIndex) -> None:
    vectors, query = rows(4), rows(1, seed=9)[0]
    index.upsert(names(4), vectors)
    index.remove(["d001", "unknown", "d001"])
    held = dict(zip(names(4), vectors, strict=True))
    assert len(index) == 3
    same(index.search(query, 9), expected({key: held[key] for key in ("d000", "d002", "d003")}, query, 9))
    index.upsert(["d001"], vectors[1:2])
    same(index.search(query, 9), expected(held, query, 9))


def test_fewer_than_asked_for_are_never_padded(index: VectorIndex) -> None:
    query = rows(1)[0]
    assert index.search(query, 5) == []
    index.upsert(["a"], rows(1))
    assert [hit.id for hit in index.search(query, 5)] == ["a"]
    assert index.search(query, 0) == []


def test_among_is_kept_to_inside_the_search(index: VectorIndex) -> None:
    vectors, query = rows(200), rows(1, seed=9)[0]
    index.upsert(names(200), vectors)
    worst = [hit.id for hit in expected(dict(zip(names(200), vectors, strict=True)), query, 200)[-3:]]
    held = {key: vectors[names(200).index(key)] for key in worst}
    same(index.search(query, 2, [*worst, "unknown"]), expected(held, query, 2))
    assert index.search(query, 2, []) == []


def test_ties_are_ordered_by_id_also_at_the_limit(index: VectorIndex) -> None:
    index.upsert(["c", "a", "d", "b"], np.repeat(rows(1), 4, axis=0))
    assert [hit.id for hit in index.search(rows(1)[0], 2)] == ["a", "b"]


def test_rows_that_do_not_fit_are_refused(index: VectorIndex) -> None:
    with pytest.raises(ValueError, match="shape"):
        index.upsert(["a", "b"], rows(1))
    with pytest.raises(ValueError, match="shape"):
        index.upsert(["a"], np.zeros((1, DIMENSION + 1), dtype=np.float32))
    with pytest.raises(ValueError, match="once"):
        index.upsert(["a", "a"], rows(2))
    assert len(index) == 0
