"""Ways of searching by words, side by side: ``python -m benchmarks.matching.keywords [COUNT ...]``.

The matcher's own postings, bm25s, SQLite's FTS5 and PostgreSQL's tsvector hold the same made-up technologies and
are asked for the 300 best for the same needs. Told: time to fill, to take in one more, and to search; and, on the
judged sets of this repository, nDCG at 10 of each as it ranks needs by words alone. No language model is loaded.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import mean, median
from typing import Any, Protocol

import pysqlite3
import sqlalchemy as sa

from benchmarks.matching.database import server
from benchmarks.matching.population import documents
from matching.coverage import CoverageIndex
from matching.documents import whole_text
from matching.evaluation.measures import ndcg
from matching.evaluation.sets import load
from matching.lexical import BM25Index, best
from matching.reading import Reader
from matching.settings import MatcherSettings
from matching.text import stems
from matching.types import Document

LIMIT = 300
NEEDS = 20
SETS = ("dev", "held", "terse")


class Words(Protocol):
    """Something that finds documents by their words."""

    def fill(self, given: Sequence[Document]) -> None:
        """Hold these documents and no others."""
        ...

    def add(self, one: Document) -> None:
        """Hold one more."""
        ...

    def search(self, need: Document) -> list[str]:
        """Return the ids of the best, best first."""
        ...


class Own:
    """The matcher's: words and concepts of the glossary, weighed by the shipped texts."""

    def __init__(self) -> None:
        self._reader = Reader(None, MatcherSettings())

    def fill(self, given: Sequence[Document]) -> None:
        """Hold these documents and no others."""
        self._index = CoverageIndex()
        said = [(one.id, self._reader.said(one)) for one in given]
        self.filled = time.perf_counter()  # texts are read by the worker; a start takes what it stored
        self._index.upsert(said)

    def add(self, one: Document) -> None:
        """Hold one more."""
        self._index.upsert([(one.id, self._reader.said(one))])

    def search(self, need: Document) -> list[str]:
        """Return the ids of the best, best first."""
        seen = self._index.snapshot()
        return [hit.id for hit in best(seen, self._index.covers(self._reader.said(need), seen), LIMIT)]


class OwnBM25:
    """The usual formula on the same postings: what evaluation compares with."""

    def fill(self, given: Sequence[Document]) -> None:
        """Hold these documents and no others."""
        self._index = BM25Index()
        self._index.upsert([(one.id, whole_text(one)) for one in given])

    def add(self, one: Document) -> None:
        """Hold one more."""
        self._index.upsert([(one.id, whole_text(one))])

    def search(self, need: Document) -> list[str]:
        """Return the ids of the best, best first."""
        return [hit.id for hit in self._index.search(whole_text(need), LIMIT)]


class Bm25s:
    """bm25s, which has to be built anew for one more."""

    def fill(self, given: Sequence[Document]) -> None:
        """Hold these documents and no others."""
        self._ids = [one.id for one in given]
        self._texts = [stems(whole_text(one)) for one in given]
        self._build()

    def _build(self) -> None:
        self._index: Any = import_module("bm25s").BM25(method="lucene")
        self._index.index(self._texts, show_progress=False)

    def add(self, one: Document) -> None:
        """Hold one more."""
        self._ids.append(one.id)
        self._texts.append(stems(whole_text(one)))
        self._build()

    def search(self, need: Document) -> list[str]:
        """Return the ids of the best, best first."""
        most = min(LIMIT, len(self._ids))
        found, _ = self._index.retrieve([stems(whole_text(need))], k=most, show_progress=False)
        return [self._ids[row] for row in found[0]]


class Fts5:
    """SQLite's full-text search with its Porter stemmer, in memory."""

    def fill(self, given: Sequence[Document]) -> None:
        """Hold these documents and no others."""
        self._base = pysqlite3.connect(":memory:")
        self._base.execute(
            "CREATE VIRTUAL TABLE words USING fts5(id UNINDEXED, text, tokenize='porter unicode61')"
        )
        self._base.executemany(
            "INSERT INTO words VALUES (?, ?)", [(one.id, whole_text(one)) for one in given]
        )
        self._base.commit()

    def add(self, one: Document) -> None:
        """Hold one more."""
        self._base.execute("INSERT INTO words VALUES (?, ?)", (one.id, whole_text(one)))
        self._base.commit()

    def search(self, need: Document) -> list[str]:
        """Return the ids of the best, best first."""
        wanted = " OR ".join(f'"{word}"' for word in _plain(need))
        statement = f"SELECT id FROM words WHERE words MATCH ? ORDER BY rank LIMIT {LIMIT}"
        return [key for (key,) in self._base.execute(statement, (wanted,))]


class Tsvector:
    """PostgreSQL's full-text search with a GIN index, ranked by ts_rank_cd with length (flag 1)."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)

    def fill(self, given: Sequence[Document]) -> None:
        """Hold these documents and no others."""
        with self._engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS words"))
            connection.execute(
                sa.text(
                    "CREATE TABLE words (id text PRIMARY KEY, body text, "
                    "read tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED)"
                )
            )
            rows = [{"id": one.id, "body": whole_text(one)} for one in given]
            connection.execute(sa.text("INSERT INTO words (id, body) VALUES (:id, :body)"), rows)
            connection.execute(sa.text("CREATE INDEX ON words USING gin (read)"))
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE words"))

    def add(self, one: Document) -> None:
        """Hold one more."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.text("INSERT INTO words (id, body) VALUES (:id, :body)"),
                {"id": one.id, "body": whole_text(one)},
            )

    def search(self, need: Document) -> list[str]:
        """Return the ids of the best, best first."""
        statement = sa.text(
            "SELECT id FROM words, to_tsquery('english', :wanted) wanted WHERE read @@ wanted "
            f"ORDER BY ts_rank_cd(read, wanted, 1) DESC, id LIMIT {LIMIT}"
        )
        with self._engine.connect() as connection:
            return list(connection.execute(statement, {"wanted": " | ".join(_plain(need))}).scalars())


def _plain(need: Document) -> list[str]:
    """Return the words of a need without signs, each once."""
    words = "".join(letter if letter.isalnum() else " " for letter in whole_text(need)).split()
    return list(dict.fromkeys(word.lower() for word in words))


def timed(ways: Mapping[str, Words], count: int) -> dict[str, object]:
    """Return times of each way at one size."""
    *given, extra = documents(count + 1)
    needs = _needs()
    found: dict[str, object] = {}
    for name, way in ways.items():
        start = time.perf_counter()
        way.fill(given)
        filled = time.perf_counter() - max(start, getattr(way, "filled", start))
        start = time.perf_counter()
        way.add(extra)
        added = (time.perf_counter() - start) * 1000
        taken = [_milliseconds(lambda way=way, need=need: way.search(need)) for need in needs]  # type: ignore[misc]
        found[name] = {
            "fill_s": round(filled, 2),
            "add_one_ms": round(added, 1),
            "search_ms": round(median(taken), 1),
        }
        way.fill(given[:1])
    return found


def _needs() -> Sequence[Document]:
    from matching.background import texts
    from matching.types import Kind

    return texts()[Kind.NEED][:NEEDS]


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def quality(ways: Mapping[str, Words], folder: Path) -> dict[str, dict[str, float]]:
    """Return nDCG at 10 over the needs of each judged set."""
    found: dict[str, dict[str, float]] = {name: {} for name in ways}
    for one in SETS:
        split = load(folder / one)
        for name, way in ways.items():
            way.fill(split.technologies)
            figures = [
                ndcg(way.search(need), split.grades[need.id])
                for need in split.needs
                if need.id in split.grades
            ]
            found[name][one] = round(mean(figures), 3)
    return found


def main() -> None:
    """Print one JSON object."""
    sizes = [int(argument) for argument in sys.argv[1:]] or [10_000, 100_000]
    with server() as url:
        ways: dict[str, Words] = {
            "own, with glossary": Own(),
            "own BM25": OwnBM25(),
            "bm25s": Bm25s(),
            "FTS5": Fts5(),
            "tsvector": Tsvector(url),
        }
        found = {
            "ndcg_at_10": quality(ways, Path("tests/evaluation")),
            **{str(size): timed(ways, size) for size in sizes},
        }
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
