"""A match in a register of copies, the slow case of the step that tells who copied from whom.

``python -m benchmarks.matching.copying`` prints medians of processor time in milliseconds. 300 listings are made of
twelve shipped ones, each with a few words less; many have text or must-haves of a need besides.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from matching.adapters.sentence_encoder import SentenceEncoder
from matching.background import texts
from matching.documents import technology_document
from matching.matcher import build_finder
from matching.types import Document, Kind

LIMIT = 20
EACH = 25


def listings(seed: int = 20261122) -> Iterator[Document]:
    """Yield copies of each other and of needs, by eleven suppliers and of nine months."""
    chance = random.Random(seed)
    needs = texts()[Kind.NEED]
    for at, original in enumerate(texts()[Kind.TECHNOLOGY][:12]):
        need = needs[at % 6]
        for copy in range(EACH):
            words = original.passages[1].text.split()
            for _ in range(chance.randint(0, 6)):
                words.pop(chance.randrange(len(words)))
            if copy % 3 == 0:
                words += need.requirements[: chance.randint(1, 4)]
            if copy % 5 == 0:
                words.append(need.passages[1].text)
            made = technology_document(
                id=f"c{at:02}-{copy:02}",
                name=f"{original.title} {copy}",
                supplier=f"Supplier {copy % 11}",
                summary=" ".join(words),
                settings=original.settings,
            )
            yield replace(made, since=(f"2026-{1 + copy % 9:02}-01",))


def main() -> None:
    """Print one JSON object."""
    finder = build_finder(Kind.TECHNOLOGY, encoder=SentenceEncoder())
    finder.add(finder.encode(list(listings())))
    needs = finder.encode(texts()[Kind.NEED][:12])
    found = {}
    for name in ("first", "again"):
        taken = []
        for need in needs:
            start = time.process_time()
            finder.match(need, LIMIT)
            taken.append((time.process_time() - start) * 1000)
        found[f"{name}_match_ms"] = round(statistics.median(taken), 1)
        found[f"{name}_match_most_ms"] = round(max(taken), 1)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
