"""One contract for every vector index: ids and scores are compared with plain numpy.

FAISS holds half-precision vectors, whose scores are off by less than 0.0005; the others are exact to rounding.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from sqlalchemy import Engine

from matching.adapters import pgvector_index
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


def same(index: VectorIndex, found: list[Hit], wanted: list[Hit]) -> None:
    off = 5e-4 if isinstance(index, FaissIndex) else 1e-5
    assert [hit.id for hit in found] == [hit.id for hit in wanted]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=off)


def test_search_gives_the_ids_and_scores_of_numpy(index: VectorIndex) -> None:
    vectors, query = rows(80), rows(1, seed=9)[0]
    index.upsert(names(80), vectors)
    same(index, index.search(query, 10), expected(dict(zip(names(80), vectors, strict=True)), query, 10))


def test_upsert_replaces_the_old_vector(index: VectorIndex) -> None:
    vectors, query = rows(5), rows(1, seed=9)[0]
    index.upsert(names(5), vectors)
    index.upsert(["d002"], query.reshape(1, -1))
    assert len(index) == 5
    held = dict(zip(names(5), vectors, strict=True)) | {"d002": query}
    same(index, index.search(query, 5), expected(held, query, 5))


def test_a_removed_vector_is_gone_and_may_come_back(index: VectorIndex) -> None:
    vectors, query = rows(4), rows(1, seed=9)[0]
    index.upsert(names(4), vectors)
    index.remove(["d001", "unknown", "d001"])
    held = dict(zip(names(4), vectors, strict=True))
    assert len(index) == 3
    same(
        index,
        index.search(query, 9),
        expected({key: held[key] for key in ("d000", "d002", "d003")}, query, 9),
    )
    index.upsert(["d001"], vectors[1:2])
    same(index, index.search(query, 9), expected(held, query, 9))


def test_fewer_than_asked_for_are_never_padded(index: VectorIndex) -> None:
    query = rows(1)[0]
    assert index.search(query, 5) == []
    index.upsert(["a"], rows(1))
    assert [hit.id for hit in index.search(query, 5)] == ["a"]
    assert index.search(query, 0) == []


@pytest.mark.parametrize("size", [0, 1, 2, 20, 100, 199, 200])
def test_among_is_kept_to_inside_the_search_whatever_its_size(index: VectorIndex, size: int) -> None:
    vectors, query = rows(200), rows(1, seed=9)[0]
    index.upsert(names(200), vectors)
    held = dict(zip(names(200), vectors, strict=True))
    worst = [
        hit.id for hit in expected(held, query, 200)[200 - size :]
    ]  # what a filter after the search loses
    chosen = {key: held[key] for key in worst}
    same(index, index.search(query, 10, [*worst, "unknown"]), expected(chosen, query, 10))


@pytest.mark.postgresql
def test_a_large_filter_is_kept_to_by_the_graph_of_pgvector_too(
    pgvector_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector_index, "_EXACT_AMONG", 0)
    table = vector_table("graph_vectors", DIMENSION)
    index = PgVectorIndex(pgvector_engine, table)
    index.create()
    vectors, query = rows(200), rows(1, seed=9)[0]
    index.upsert(names(200), vectors)
    chosen = dict(zip(names(200)[::2], vectors[::2], strict=True))
    same(index, index.search(query, 20, list(chosen)), expected(chosen, query, 20))
    table.drop(pgvector_engine)


def test_one_vector_and_a_limit_beyond_everything(index: VectorIndex) -> None:
    vectors, query = rows(30), rows(1, seed=9)[0]
    index.upsert(["only"], vectors[:1])
    same(index, index.search(query, 10), [Hit("only", float(vectors[0] @ query))])
    index.upsert(names(30), vectors)
    held = dict(zip(names(30), vectors, strict=True)) | {"only": vectors[0]}
    assert len(index.search(query, 900)) == len(index) == 31
    same(
        index, index.search(query, 900, names(30)), expected({key: held[key] for key in names(30)}, query, 31)
    )


def test_an_emptied_index_finds_nothing_and_can_be_filled_again(index: VectorIndex) -> None:
    index.upsert(names(3), rows(3))
    index.remove(names(3))
    assert (len(index), index.search(rows(1)[0], 5), index.search(rows(1)[0], 5, names(3))) == (0, [], [])
    index.upsert(["d001"], rows(1))
    assert [hit.id for hit in index.search(rows(1)[0], 5)] == ["d001"]


def test_it_stays_equal_to_numpy_through_many_changes(index: VectorIndex) -> None:
    chance, held = random.Random(4), dict[str, Vector]()
    query = rows(1, seed=9)[0]
    for step in range(12):
        fresh = dict(zip(chance.sample(names(400), 150), rows(150, seed=step + 20), strict=True))
        index.upsert(list(fresh), np.stack(list(fresh.values())))
        gone = chance.sample(sorted(held), min(len(held), 60))
        index.remove(gone)
        held = {key: row for key, row in (held | fresh).items() if key not in gone}
    assert len(index) == len(held)
    same(index, index.search(query, 25), expected(held, query, 25))
    among = sorted(held)[::3]
    same(index, index.search(query, 25, among), expected({key: held[key] for key in among}, query, 25))


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
