"""Ranking for a need that is already encoded, against its bare parts, as the register grows.

The bare parts are a FAISS exact search of the same vectors and a bm25s search of the same texts, each for as many
results as are shown. All three are measured in turns, over the same needs. Times are processor times, which other
work on the machine changes little.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Sequence
from importlib import import_module
from itertools import cycle
from typing import Any

import numpy as np

from benchmarks.matching.population import Population
from benchmarks.serving import medians
from benchmarks.starting import resident_mib
from matching.documents import whole_text
from matching.matcher import Matcher
from matching.memory import give_back
from matching.protocols import Encoder
from matching.steps.candidates import Candidates
from matching.text import stems
from matching.types import Document, Encoded, Vector, Vectors

LIMIT = 20
NEEDS = 40
"""So many that sentences read for one need are not still remembered when it asks again."""


class BareVectors:
    """FAISS's flat index and nothing else."""

    def __init__(self, dimension: int) -> None:
        self._index: Any = import_module("faiss").IndexFlatIP(dimension)

    def add(self, vectors: Vectors) -> None:
        """Append rows."""
        self._index.add(np.ascontiguousarray(vectors))

    def search(self, vector: Vector) -> object:
        """Return the best rows."""
        return self._index.search(vector.reshape(1, -1), LIMIT)


class BareWords:
    """bm25s and nothing else, on the stems that the matcher uses too."""

    def __init__(self, texts: Sequence[list[str]]) -> None:
        self._index: Any = import_module("bm25s").BM25()
        self._index.index(list(texts), show_progress=False)

    def search(self, terms: list[str]) -> object:
        """Return the best rows."""
        return self._index.retrieve([terms], k=LIMIT, show_progress=False)


def grow(encoder: Encoder, finder: Matcher, sizes: Sequence[int], rounds: int = 80) -> dict[str, object]:
    """Fill ``finder`` to each of the sizes, and measure at each."""
    population = Population(finder)
    askers = finder.encode(population.needs(NEEDS))
    vectors = BareVectors(encoder.dimension)
    texts: list[list[str]] = []
    held, filled, adding = 0.0, 0, 0.0
    found: dict[str, object] = {}
    for size in sizes:
        for batch in population.technologies(size - filled, 2000):
            before = _resident()
            start = time.process_time()
            finder.add(batch)
            adding += time.process_time() - start
            held += _resident() - before
            vectors.add(np.stack([one.vectors[0] for one in batch if one.vectors is not None]))
            texts += [_words(one.document) for one in batch]
        filled = size
        found[str(size)] = {
            **_compared(finder, askers, vectors, BareWords(texts), rounds),
            "add_ms_each": round(adding * 1000 / size, 2),
            "add_one_ms": round(_add_one(finder, population), 1),
            "kib_each": round(held * 1024 / size, 1),
            "kib_each_on_disk": round(finder.register.on_disk / 1024 / size, 1),
        }
    return found


def _resident() -> float:
    """Return what the process holds in MiB, less what it has let go, which the service gives back after a start."""
    gc.collect()
    give_back()
    return resident_mib()


def _compared(
    finder: Matcher, askers: Sequence[Encoded], vectors: BareVectors, words: BareWords, rounds: int
) -> dict[str, object]:
    wholes = cycle([one.vectors[0] for one in askers if one.vectors is not None])
    queries = cycle([_words(one.document) for one in askers])
    asked = cycle(askers)
    first = []
    for asker in askers:  # once outside the clock of the others: candidates that nobody has met before
        start = time.process_time()
        finder.match(asker, LIMIT)
        first.append((time.process_time() - start) * 1000)
    times = medians(
        {
            "match": lambda: finder.match(next(asked), LIMIT),
            "faiss": lambda: vectors.search(next(wholes)),
            "bm25s": lambda: words.search(next(queries)),
        },
        rounds,
        time.process_time,
    )
    steps = _steps(finder, askers)
    bare = times["faiss"] + times["bm25s"]
    return {
        "match_ms": round(times["match"], 2),
        "first_match_ms": round(statistics.median(first), 2),
        "bare_faiss_ms": round(times["faiss"], 2),
        "bare_bm25s_ms": round(times["bm25s"], 2),
        "ratio": round(times["match"] / bare, 2),
        "ratio_without_reasons": round((times["match"] - steps["explain"]) / bare, 2),
        "step_ms": steps,
    }


def _steps(finder: Matcher, askers: Sequence[Encoded]) -> dict[str, float]:
    """Return the median processor time in milliseconds of each step of ranking."""
    taken: dict[str, list[float]] = {}
    for asker in askers:
        found = Candidates(finder.asker(asker), finder.register.view(), LIMIT)
        for step in finder.steps:
            start = time.process_time()
            step(found)
            taken.setdefault(step.name, []).append((time.process_time() - start) * 1000)
    return {name: round(statistics.median(values), 2) for name, values in taken.items()}


def _add_one(finder: Matcher, population: Population) -> float:
    """Return the median time in milliseconds to take in one more listing."""
    taken = []
    for batch in population.technologies(9, 1):
        start = time.process_time()
        finder.add(batch)
        taken.append((time.process_time() - start) * 1000)
    return statistics.median(taken)


def _words(document: Document) -> list[str]:
    return stems(whole_text(document))
