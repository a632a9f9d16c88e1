"""Rank every asker of a judged set by the matcher and by the simple methods that it has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matching.documents import fields, whole_text
from matching.evaluation.measures import Rankings, figures, verdicts
from matching.evaluation.sets import Split
from matching.fusion import reciprocal_rank_fusion
from matching.lexical import BM25Index
from matching.matcher import Matcher, build_finder
from matching.protocols import Encoder
from matching.settings import MatcherSettings
from matching.types import Document, Encoded, Hit, Kind, Results, Vector


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
