"""Time and memory of families and themes: ``python -m benchmarks.families [1000 10000]``.

Needs are put together from the judged sets' sentences by a fixed seed, and encoded by hashing, for encoding is not
what is measured here. With ``--model`` the packaged model encodes them, and tokens are compared too.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from pathlib import Path

from matching.alike import limits
from matching.documents import need_document
from matching.families import families
from matching.matcher import build_finder
from matching.protocols import Encoder
from matching.themes import themes
from matching.types import Document, Kind
from tests.fakes.matching import HashEncoder

SETS = Path(__file__).parents[1] / "tests" / "evaluation"
ORGANISATIONS_EACH = 7


def needs(number: int) -> list[Document]:
    """Return so many needs of so many problems that each is told by about seven organisations, whatever the number.

    A problem is six sentences of six judged needs; each organisation leaves two of them out.
    """
    files = [SETS / name / "needs.jsonl" for name in ("alike", "dev", "held", "terse", "fresh")]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    said = [sentence for row in rows for sentence in row["statement"].split(". ")]
    wanted = [one for row in rows for one in row["requirements"]]
    chance = random.Random(1)
    problems = [
        (chance.sample(said, 6), chance.sample(wanted, 4), chance.sample(rows, 2))
        for _ in range(max(1, number // ORGANISATIONS_EACH))
    ]
    made = []
    for at in range(number):
        sentences, requirements, (one, other) = problems[at % len(problems)]
        made.append(
            need_document(
                id=f"N{at:05}",
                title=f"{one['title']}; {other['title']}",
                statement=". ".join(chance.sample(sentences, 4)),
                requirements=chance.sample(requirements, 3),
                clinical_area=one["clinical_area"],
            )
        )
    return made


def measure(number: int, encoder: Encoder) -> dict[str, float]:
    """Return seconds for the neighbours of all needs and for the families, and what they are."""
    finder = build_finder(Kind.NEED, encoder=encoder)
    documents = needs(number)
    for start in range(0, number, 500):
        finder.add(finder.encode(documents[start : start + 500]))
    start_at = time.perf_counter()
    near = finder.alike.neighbours()
    found_at = time.perf_counter()
    found = families({one.id: "" for one in documents}, near, limits(), ask=finder.alike.chances)
    done_at = time.perf_counter()
    named = themes(finder, {one.id: one.members for one in found}, limits())
    named_at = time.perf_counter()
    return {
        "needs": number,
        "neighbours, seconds": round(found_at - start_at, 1),
        "neighbours, ms each": round(1000 * (found_at - start_at) / number, 2),
        "families, seconds": round(done_at - found_at, 1),
        "families": len(found),
        "largest": max(len(one.members) for one in found),
        "themes, seconds": round(named_at - done_at, 1),
        "themes": len(named.themes),
        "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main(arguments: list[str]) -> None:
    """Measure each size."""
    encoder: Encoder = HashEncoder(384)
    if "--model" in arguments:
        from matching.adapters.sentence_encoder import SentenceEncoder

        encoder = SentenceEncoder()
    for number in [int(one) for one in arguments if one.isdigit()] or [1000, 10000]:
        print(json.dumps(measure(number, encoder)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
