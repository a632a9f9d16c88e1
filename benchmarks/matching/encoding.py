"""What the matcher takes beside the encoder: a whole request, and filling the index, both against bare encoding.

Times are processor times: the model uses every core, so a person waits for about half of them on two.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

from benchmarks.serving import medians
from matching.adapters.sentence_encoder import SentenceEncoder
from matching.background import texts
from matching.documents import technology_document
from matching.matcher import Matcher
from matching.types import Document, Kind

LIMIT = 20
QUESTION = "falls at night in care homes"


def requests(encoder: SentenceEncoder, finder: Matcher, rounds: int = 15) -> dict[str, object]:
    """Measure a need and a typed question that nobody has asked before, and a question asked again."""
    needs = texts()[Kind.NEED]
    wholes = [finder.encode([need])[0].passages[0].text for need in needs[:rounds]]
    bare = _bare(encoder)
    number = iter(range(10**9))
    need, text = cycle(needs[:rounds]), cycle(wholes)
    times = medians(
        {
            "need": lambda: finder.match(next(need), LIMIT),
            "bare need": lambda: bare([next(text)]),
            "question": lambda: finder.search(f"{QUESTION} {next(number)}", LIMIT),
            "bare question": lambda: bare([f"{QUESTION} {next(number)}"]),
            "again": lambda: finder.search(QUESTION, LIMIT),
        },
        rounds,
        time.process_time,
    )
    return {
        **{f"{name}_ms": round(value, 1) for name, value in times.items()},
        "need_ratio": round(times["need"] / times["bare need"], 2),
        "question_ratio": round(times["question"] / times["bare question"], 2),
    }


def indexing(encoder: SentenceEncoder, finder: Matcher, count: int = 96) -> dict[str, object]:
    """Encode listings of usual length, and the same texts with the bare model in its usual batches of 32."""
    documents = _listings(count)
    bare = _bare(encoder)
    finder.encode(documents[:4])
    taken = {"index": 0.0, "bare": 0.0}
    passages = [one.text for found in finder.encode(documents) for one in found.passages]
    for _ in range(3):
        start = time.process_time()
        finder.encode(documents)
        middle = time.process_time()
        bare(passages)
        taken["index"] += middle - start
        taken["bare"] += time.process_time() - middle
    return {
        "listings_a_processor_second": round(3 * count / taken["index"], 1),
        "texts": len(passages),
        "share_of_bare_throughput": round(taken["bare"] / taken["index"], 2),
    }


def _bare(encoder: SentenceEncoder) -> Any:
    """Return the model's own encode, with its usual batches."""
    encoder.encode_queries(["ready"])
    model: Any = encoder._model  # noqa: SLF001 - the bare model is what is compared with
    return lambda given: model.encode(
        given, batch_size=32, normalize_embeddings=True, show_progress_bar=False
    )


def _listings(count: int) -> Sequence[Document]:
    """Return technologies whose summaries are those of three shipped ones, some 90 words."""
    shipped = texts()[Kind.TECHNOLOGY]
    return [
        technology_document(
            id=f"listing-{at}",
            name=one.title,
            summary=" ".join(near.passages[1].text for near in islice(cycle(shipped), at, at + 3)),
        )
        for at, one in enumerate(islice(cycle(shipped), count))
    ]
