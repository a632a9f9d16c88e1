"""Speed and memory of the matcher alone, as ratios in one run: ``python -m benchmarks.matching [COUNT ...]``.

Registers are filled with the shipped background texts under new ids and with their sentences shuffled, encoded
once and reused: ranking costs the same, and nobody waits for 10,000 encodings.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from benchmarks.starting import resident_mib
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.background import texts
from matching.matcher import build_finder
from matching.types import Encoded, Kind

NUMBERS = iter(range(10**9))
"""Makes every search a new one, so that none comes from the cache."""


def milliseconds(work: Callable[[], object], repeats: int = 15) -> float:
    """Return the median time of ``work`` in milliseconds."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def copies(encoded: list[Encoded], count: int) -> list[Encoded]:
    """Return ``count`` encoded technologies with ids of their own."""
    chance = random.Random(1)
    return [
        replace(one, document=replace(one.document, id=f"t{number:06}"))
        for number, one in enumerate(chance.choices(encoded, k=count))
    ]


def main() -> None:
    """Print one JSON object."""
    counts = [int(argument) for argument in sys.argv[1:]] or [1_000, 10_000]
    encoder = SentenceEncoder()
    encoder.encode_queries(["warm"])
    start_mib = resident_mib()
    need = texts()[Kind.NEED][3]
    first = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    start = time.perf_counter()
    encoded = first.encode(texts()[Kind.TECHNOLOGY])
    whole = time.perf_counter() - start
    flat = [passage.text for one in encoded for passage in one.passages]
    start = time.perf_counter()
    encoder.encode_documents(flat)
    bare_all = time.perf_counter() - start
    asker = first.encode([need])[0]
    bare = milliseconds(lambda: encoder.encode_documents([asker.passages[0].text]))
    found: dict[str, object] = {
        "indexing_share_of_bare_encoding": round(bare_all / whole, 2),
        "bare_encode_ms": round(bare, 1),
        "mib_with_model": round(start_mib),
    }
    for count in counts:
        finder = build_finder(Kind.TECHNOLOGY, encoder=encoder)
        given = copies(encoded, count)
        before = resident_mib()
        start = time.perf_counter()
        finder.add(given)
        adding = time.perf_counter() - start
        finder.match(asker, 20)
        ranked = milliseconds(lambda one=finder: one.match(asker, 20))  # type: ignore[misc] - bound now
        search = milliseconds(lambda one=finder: one.search(f"falls at night {next(NUMBERS)}", 20))  # type: ignore[misc]
        found[str(count)] = {
            "add_ms_each": round(adding * 1000 / count, 2),
            "kib_each": round((resident_mib() - before) * 1024 / count, 1),
            "match_encoded_ms": round(ranked, 1),
            "match_with_encoding_over_bare_encode": round(
                milliseconds(lambda one=finder: one.match(need, 20), 7) / bare,
                2,  # type: ignore[misc]
            ),
            "search_ms": round(search, 1),
            "mib_resident": round(resident_mib()),
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
