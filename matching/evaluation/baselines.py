"""The simple methods that the matcher has to beat: what a search engine or an afternoon's work would give.

Each is a matrix of scores, askers by documents; NaN means that the method does not return the document at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matching.documents import fields, whole_text
from matching.evaluation.measures import Rankings
from matching.evaluation.sets import Query
from matching.fusion import reciprocal_rank_fusion
from matching.glossary import Glossary
from matching.lexical import BM25Index, Floats
from matching.protocols import Encoder, TokenEncoder
from matching.text import normalise, stems
from matching.types import Document, Hit, TokenRows, Vectors

Scores = Floats


@dataclass(frozen=True, slots=True)
class Side:
    """Askers or documents as the simple methods see them: bare texts, their vectors, and those of their tokens.

    ``spelled`` are the texts with the glossary's abbreviations spelled out, for keywords alone.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    spelled: tuple[str, ...]
    vectors: Vectors | None
    tokens: tuple[TokenRows, ...] | None

    @staticmethod
    def of_documents(given: Sequence[Document], encoder: Encoder | None, book: Glossary) -> Side:
        """Read and encode documents as they stand, all fields."""
        texts = [" ".join(text for _, text in fields(document)) for document in given]
        wholes = [whole_text(document) for document in given]
        tokens = _tokens(wholes, encoder)
        vectors = encoder.encode_documents(wholes) if encoder else None
        return _side([document.id for document in given], texts, book, vectors, tokens)

    @staticmethod
    def of_queries(given: Sequence[Query], encoder: Encoder | None, book: Glossary) -> Side:
        """Read and encode what was typed."""
        texts = [query.text for query in given]
        vectors = encoder.encode_queries(texts) if encoder else None
        return _side([query.id for query in given], texts, book, vectors, _tokens(texts, encoder))


def _tokens(texts: Sequence[str], encoder: Encoder | None) -> tuple[TokenRows, ...] | None:
    return tuple(encoder.encode_tokens(texts)[1]) if isinstance(encoder, TokenEncoder) else None


def _side(
    ids: Sequence[str],
    texts: Sequence[str],
    book: Glossary,
    vectors: Vectors | None,
    tokens: tuple[TokenRows, ...] | None,
) -> Side:
    spelled = tuple(book.spell_out(normalise(text)) for text in texts)
    return Side(tuple(ids), tuple(texts), spelled, vectors, tokens)


# Scores ------------------------------------------------------------------------------------------------------


def by_words(askers: Sequence[str], texts: Sequence[str]) -> Scores:
    """Score texts for askers by BM25 with stemming; NaN where they share no word."""
    index = BM25Index()
    index.upsert([(str(at), text) for at, text in enumerate(texts)])
    seen = index.snapshot()
    places = [seen.places[str(at)] for at in range(len(texts))]
    rows = [index.scores(Counter(stems(normalise(asker))), seen)[places] for asker in askers]
    scores = np.stack(rows) if rows else np.zeros((0, len(texts)), dtype=np.float32)
    return np.where(scores > 0, scores, np.nan).astype(np.float32)


def centred(rows: Vectors) -> Vectors:
    """Return rows of length one after taking away what they have in common."""
    mean: Vectors = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1], dtype=np.float32)
    return _unit((rows - mean).astype(np.float32))


def standardised(scores: Scores) -> Scores:
    """Return the z-score of each document for its asker; what a method does not return has the lowest score, 0."""
    known = np.nan_to_num(scores)
    spread = known.std(axis=1, keepdims=True)
    moved = known - known.mean(axis=1, keepdims=True)
    unit: Scores = (moved / np.where(spread, spread, 1.0)).astype(np.float32)
    return unit


def late(askers: Sequence[TokenRows], texts: Sequence[TokenRows]) -> tuple[Scores, Scores]:
    """Compare token by token, both ways: how far texts echo askers, and askers texts. Both are askers by texts.

    The mean over the tokens of one side of the best token of the other (Khattab and Zaharia 2020), after centring
    the tokens of each side. A text's mean over all askers is taken away, so that texts near everything gain nothing.
    """
    there = np.zeros((len(askers), len(texts)), dtype=np.float32)
    back = np.zeros_like(there)
    if askers and texts:
        own, other = _centred_tokens(askers), _centred_tokens(texts)
        starts = np.cumsum([0, *(len(text) for text in other[:-1])])
        lengths = np.array([len(text) for text in other], dtype=np.float32)
        rows = np.concatenate(other)
        for at, asker in enumerate(own):
            alike = rows @ asker.T
            there[at] = np.maximum.reduceat(alike, starts, axis=0).mean(axis=1)
            back[at] = np.add.reduceat(alike.max(axis=1), starts) / lengths
        there -= there.mean(axis=0)
        back -= back.mean(axis=1, keepdims=True)
    return there, back


def _centred_tokens(side: Sequence[TokenRows]) -> list[Vectors]:
    """Return the tokens of each text of one side, centred on the mean of all; without a token it is like nothing."""
    mean = np.concatenate([one.vectors for one in side]).mean(axis=0)
    return [_unit(one.vectors - mean) if len(one.vectors) else mean[None] * 0 for one in side]


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Vectors = (rows / np.where(lengths > 1e-6, lengths, 1.0)).astype(np.float32)
    return unit


# Methods -----------------------------------------------------------------------------------------------------


def ranked(scores: Scores, askers: Sequence[str], ids: Sequence[str]) -> dict[str, list[Hit]]:
    """Return each asker's hits, best first, ties by id."""
    found = {}
    for asker, row in zip(askers, scores, strict=True):
        hits = [Hit(ids[at], float(row[at])) for at in np.flatnonzero(~np.isnan(row)).tolist()]
        found[asker] = sorted(hits, key=lambda hit: (-hit.score, hit.id))
    return found


def rankings(askers: Side, pool: Side, echoes: Scores | None) -> Mapping[str, Rankings]:
    """Rank the pool for every asker by every simple method; ``echoes`` are the scores of late interaction.

    Without an encoder only those that go by words.
    """
    words = by_words(askers.texts, pool.texts)
    spelled = by_words(askers.spelled, pool.spelled)
    scores: dict[str, Scores] = {"keyword": words, "abbreviations": spelled}
    if askers.vectors is not None and pool.vectors is not None:
        scores["dense"] = askers.vectors @ pool.vectors.T
        scores["centred"] = centred(askers.vectors) @ centred(pool.vectors).T
        scores["sum"] = standardised(spelled) + standardised(scores["centred"])
        if echoes is not None:
            scores["late"] = echoes
    hits = {name: ranked(found, askers.ids, pool.ids) for name, found in scores.items()}
    hits["fusion"] = {
        asker: reciprocal_rank_fusion(
            [hits["keyword"][asker], hits["dense"][asker] if "dense" in hits else ()]
        )
        for asker in askers.ids
    }
    return {name: {asker: [hit.id for hit in found] for asker, found in hits[name].items()} for name in hits}
