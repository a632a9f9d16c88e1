"""Measure the matcher on a judged set: ``python -m matching.evaluation SPLIT_DIR [--json]``.

The split's format and the figures are those of the project's reference scorer; documents are built by the same
recipe as in the service. Needs no database and no network.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any, TypeVar

from matching.documents import fields, need_document, technology_document, whole_text
from matching.fusion import reciprocal_rank_fusion
from matching.lexical import BM25Index
from matching.matcher import Matcher, build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.types import Document, Encoded, Hit, Kind, Results, Vector

T = TypeVar("T")
Grades = Mapping[str, Mapping[str, int]]
Rankings = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A short text as it was typed, what it searches, and the grade of each relevant id."""

    id: str
    text: str
    target: Kind
    relevant: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Split:
    """A judged set: ``grades`` holds need id -> technology id -> grade (1 to 3)."""

    technologies: tuple[Document, ...]
    needs: tuple[Document, ...]
    grades: Grades
    no_match: tuple[str, ...]
    queries: tuple[Query, ...]

    @property
    def reversed_grades(self) -> Grades:
        """Return technology id -> need id -> grade."""
        turned: dict[str, dict[str, int]] = defaultdict(dict)
        for need, graded in self.grades.items():
            for technology, grade in graded.items():
                turned[technology][need] = grade
        return dict(turned)


class SplitError(ValueError):
    """A split cannot be read; the message names the file and the line."""


def load(folder: Path) -> Split:
    """Read a split; raises `SplitError` for a missing file or a damaged line."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(_lines(folder / "qrels.tsv")[1:], start=2):
        try:
            need, technology, grade = line.split("\t")
            grades[need][technology] = int(grade)
        except ValueError as error:
            raise SplitError(f"qrels.tsv, line {number}: need id, technology id and grade wanted") from error
    return Split(
        technologies=tuple(
            _read(
                folder / "technologies.jsonl",
                lambda row: technology_document(
                    id=row["id"],
                    name=row["name"],
                    supplier=row.get("supplier", ""),
                    summary=row["summary"],
                    category=row.get("category", ""),
                    settings=(row.get("setting", ""),),
                    source=row.get("source", ""),
                ),
            )
        ),
        needs=tuple(
            _read(
                folder / "needs.jsonl",
                lambda row: need_document(
                    id=row["id"],
                    title=row["title"],
                    statement=row["statement"],
                    requirements=row.get("requirements", ()),
                    clinical_area=row.get("clinical_area", ""),
                ),
            )
        ),
        grades=dict(grades),
        no_match=tuple(line.strip() for line in _lines(folder / "no_match.txt") if line.strip()),
        queries=tuple(
            _read(
                folder / "queries.jsonl",
                lambda row: Query(
                    id=row["id"],
                    text=row["text"],
                    target=Kind.NEED if row["target"] == "needs" else Kind.TECHNOLOGY,
                    relevant={key: int(grade) for key, grade in row["relevant"].items()},
                ),
            )
        ),
    )


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SplitError(f"{file.name} cannot be read: {error}") from error


def _read(file: Path, build: Callable[[dict[str, Any]], T]) -> list[T]:
    built = []
    for number, line in enumerate(_lines(file), start=1):
        try:
            built.append(build(json.loads(line)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SplitError(f"{file.name}, line {number}: {error!r}") from error
    return built


# Measures ----------------------------------------------------------------------------------------------------


def gain(grades: Sequence[int]) -> float:
    """Return the discounted cumulative gain of grades in ranked order."""
    return math.fsum((2.0**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return nDCG at 10."""
    ideal = gain(sorted(relevant.values(), reverse=True)[:10])
    return gain([relevant.get(key, 0) for key in ranked[:10]]) / ideal


def recall(ranked: Sequence[str], relevant: Mapping[str, int]) -> float | None:
    """Return the share of items of grade 2 and 3 in the first 20; None where there are none."""
    strong = {key for key, grade in relevant.items() if grade >= 2}
    return len(strong & set(ranked[:20])) / len(strong) if strong else None


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, int]) -> float | None:
    """Return 1 / the rank of the first item of grade 2 or 3, 0 if none came; None where there are none."""
    if not any(grade >= 2 for grade in relevant.values()):
        return None
    return next((1 / rank for rank, key in enumerate(ranked, start=1) if relevant.get(key, 0) >= 2), 0.0)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return mean(known) if known else 0.0


def figures(needs: Rankings, technologies: Rankings, queries: Rankings, split: Split) -> dict[str, float]:
    """Return the agreed figures of one method from its rankings of every asker."""
    wanted = {query.id: query.relevant for query in split.queries}
    return {
        "ndcg@10": _mean([ndcg(needs.get(key, ()), graded) for key, graded in split.grades.items()]),
        "recall@20": _mean([recall(needs.get(key, ()), graded) for key, graded in split.grades.items()]),
        "mrr": _mean([reciprocal_rank(needs.get(key, ()), graded) for key, graded in split.grades.items()]),
        "reverse_ndcg@10": _mean(
            [ndcg(technologies.get(key, ()), graded) for key, graded in split.reversed_grades.items()]
        ),
        "query_ndcg@10": _mean([ndcg(queries.get(key, ()), graded) for key, graded in wanted.items()]),
    }


def verdicts(results: Mapping[str, Results], split: Split) -> dict[str, float]:
    """Return how often the matcher accepts where nothing answers, and refuses where something does."""
    accepted = {
        key: [match.id for match in found.matches if match.accepted] for key, found in results.items()
    }
    pairs = [(need, technology) for need in split.grades for technology in accepted.get(need, ())]
    return {
        "false_match_rate": _mean([float(bool(accepted.get(need))) for need in split.no_match]),
        "wrongly_empty_rate": _mean([float(not accepted.get(need)) for need in split.grades]),
        "accepted_precision": _mean([float(pair[1] in split.grades[pair[0]]) for pair in pairs]),
    }


# Methods -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """One kind of document, ready to be ranked by every method; ``plain`` are the vectors of the bare texts."""

    encoded: Mapping[str, Encoded]
    finder: Matcher
    keyword: BM25Index
    plain: Mapping[str, Vector]

    @staticmethod
    def of(kind: Kind, given: Sequence[Document], encoder: Encoder | None, settings: MatcherSettings) -> Side:
        """Encode and index the documents of one kind."""
        finder = build_finder(kind, encoder=encoder, settings=settings)
        encoded = finder.encode(given)
        finder.add(encoded)
        keyword = BM25Index()
        keyword.upsert([(document.id, plain_text(document)) for document in given])
        plain: dict[str, Vector] = {}
        if encoder is not None:
            plain = _bare(encoded)
            rest = [document for document in given if document.id not in plain]
            rows = encoder.encode_documents([whole_text(document) for document in rest])
            plain |= {document.id: row for document, row in zip(rest, rows, strict=True)}
        return Side({one.document.id: one for one in encoded}, finder, keyword, plain)

    def by_words(self, text: str) -> list[Hit]:
        """Rank by BM25 with stemming and no synonyms."""
        return self.keyword.search(text, len(self.encoded))

    def by_meaning(self, vector: Vector | None) -> list[Hit]:
        """Rank by the plain cosine of the encoder."""
        if vector is None:
            return []
        hits = [Hit(key, float(row @ vector)) for key, row in self.plain.items()]
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))


def _bare(encoded: Sequence[Encoded]) -> dict[str, Vector]:
    """Return the vectors of texts that the matcher encoded as they stand, so that they are not encoded twice."""
    return {
        one.document.id: one.vectors[0]
        for one in encoded
        if one.vectors is not None
        and len(one.passages) == 1
        and one.passages[0].text == whole_text(one.document)
    }


def plain_text(document: Document) -> str:
    """Return every field of a document as one text, for the keyword baseline."""
    return " ".join(text for _, text in fields(document))


def rankings(ids: Mapping[str, Sequence[Hit]]) -> Rankings:
    """Return the ids of each asker's hits, best first."""
    return {asker: [hit.id for hit in hits] for asker, hits in ids.items()}


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of every method, and the matcher's own results for those who want to look closer."""

    table: dict[str, dict[str, float]]
    need_results: Mapping[str, Results]
    technology_results: Mapping[str, Results]
    query_results: Mapping[str, Results]


def measure(split: Split, encoder: Encoder | None, settings: MatcherSettings | None = None) -> Measured:
    """Rank every asker of a split by every method and return the figures."""
    chosen = replace(settings or MatcherSettings(), explain=False)
    technologies = Side.of(Kind.TECHNOLOGY, split.technologies, encoder, chosen)
    needs = Side.of(Kind.NEED, split.needs, encoder, chosen)
    sides = {Kind.TECHNOLOGY: technologies, Kind.NEED: needs}
    typed = encoder.encode_queries([query.text for query in split.queries]) if encoder else None
    lists: dict[str, tuple[dict[str, list[Hit]], ...]] = {
        name: ({}, {}, {}) for name in ("keyword", "dense", "fusion")
    }
    for place, (askers, pool) in enumerate(((needs, technologies), (technologies, needs))):
        for key, asker in askers.encoded.items():
            lists["keyword"][place][key] = pool.by_words(plain_text(asker.document))
            lists["dense"][place][key] = pool.by_meaning(askers.plain.get(key))
    for at, query in enumerate(split.queries):
        lists["keyword"][2][query.id] = sides[query.target].by_words(query.text)
        lists["dense"][2][query.id] = sides[query.target].by_meaning(None if typed is None else typed[at])
    for place in range(3):
        for key, hits in lists["keyword"][place].items():
            lists["fusion"][place][key] = reciprocal_rank_fusion([hits, lists["dense"][place][key]])
    table = {
        name: figures(rankings(found[0]), rankings(found[1]), rankings(found[2]), split)
        for name, found in lists.items()
    }
    need_results = {key: technologies.finder.match(one, 100) for key, one in needs.encoded.items()}
    technology_results = {key: needs.finder.match(one, 100) for key, one in technologies.encoded.items()}
    query_results = {query.id: sides[query.target].finder.search(query.text, 100) for query in split.queries}
    ranked = [
        {key: [match.id for match in found.matches] for key, found in results.items()}
        for results in (need_results, technology_results, query_results)
    ]
    table["matcher"] = figures(ranked[0], ranked[1], ranked[2], split) | verdicts(need_results, split)
    return Measured(table, need_results, technology_results, query_results)


ABLATIONS: Mapping[str, Mapping[str, bool]] = {
    "everything": {},
    "no glossary": {"glossary": False},
    "no late interaction": {"late": False},
    "no vectors": {"dense": False, "late": False},
    "not centred": {"centred": False},
    "one way only": {"both_ways": False},
    "no standing": {"standing": False},
    "no spelling": {"spelling": False},
}
"""What the matcher is without each step: the settings that are switched off."""


def ablate(split: Split, encoder: Encoder | None) -> dict[str, dict[str, float]]:
    """Return the matcher's figures with each step switched off in turn; takes as long as so many measurements."""
    return {
        name: measure(split, encoder, replace(MatcherSettings(), **changes)).table["matcher"]
        for name, changes in ABLATIONS.items()
    }


# Command -----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 2 where the split cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m matching.evaluation", description=__doc__)
    parser.add_argument(
        "split", type=Path, help="folder with technologies, needs, qrels, no_match and queries"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--ablation", action="store_true", help="also print the matcher without each step")
    parser.add_argument("--model", default="", help="another sentence-transformers model: a name or a folder")
    options = parser.parse_args(arguments)
    from matching.adapters.sentence_encoder import SentenceEncoder  # heavy: not needed for --help

    try:
        split = load(options.split)
    except SplitError as error:
        print(f"The split cannot be read. {error}", file=sys.stderr)
        return 2
    encoder = SentenceEncoder(options.model)
    measured = measure(split, encoder)
    if options.json:
        print(json.dumps(measured.table))
    else:
        print(as_text(measured.table))
        if options.ablation:
            print(as_text(ablate(split, encoder)))
    return 0


def as_text(table: Mapping[str, Mapping[str, float]]) -> str:
    """Return the figures as a table for a terminal, a method a line."""
    names = list(list(table.values())[-1])
    lines = [" " * 20 + "".join(f"{name:>20}" for name in names)]
    for method, row in table.items():
        lines.append(
            f"{method:20}" + "".join(f"{row[name]:20.3f}" if name in row else " " * 20 for name in names)
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
