"""Speed and memory of the matcher alone, as ratios in one run: ``python -m benchmarks.matching [COUNT ...]``.

Three more are run on their own: ``python -m benchmarks.matching.keywords`` compares ways of searching by words,
``python -m benchmarks.matching.database`` measures pgvector, and ``python -m benchmarks.matching.copying`` a register
of copies.
"""

from __future__ import annotations

import json
import sys

from benchmarks.matching import encoding, ranking
from benchmarks.starting import resident_mib
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.matcher import build_finder
from matching.types import Kind


def main() -> None:
    """Print one JSON object."""
    sizes = [int(argument) for argument in sys.argv[1:]] or [1_000, 10_000, 100_000]
    encoder = SentenceEncoder()
    encoder.encode_queries(["warm"])
    found: dict[str, object] = {"mib_with_model": round(resident_mib())}
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    found["indexing"] = encoding.indexing(encoder, finder)
    found["ranking"] = ranking.grow(encoder, finder, sizes)
    found["request"] = encoding.requests(encoder, finder)
    found["mib_resident"] = round(resident_mib())
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
