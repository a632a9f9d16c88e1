"""Find documents of the same kind that say the same: needs of other organisations, listings of other suppliers.

The signals are those of a match (words, meaning, tokens), read within one kind and made symmetrical. A like need is
not one that this need covers, nor one that covers it: each must say what the other says, and must do so more than
both say it of the shipped texts of their kind. So of the two directions, and of the two sides' usual, the harsher
counts. Nothing here depends on what else is registered: the score of a pair stays what it is when a third document
comes or goes. That is what keeps families (`matching.families`) still.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from math import exp

import numpy as np

from matching.background import SIGNALS
from matching.calibration import fit
from matching.coverage import Said
from matching.documents import whole_text
from matching.glossary import Entry
from matching.late import Batch
from matching.lexical import Floats, best
from matching.reading import Reader
from matching.register import Record, Register, View
from matching.settings import MatcherSettings
from matching.steps.combine import SWAPPED
from matching.text import stem, words
from matching.types import Document, Hit, Kind, Match, Results
from matching.usual import Usual, between, length_of, measure
from matching.wording import GENERIC, written_as

PROPOSED = 100
"""Documents that words, and that meaning, may propose."""
COMPARED = 32
"""How many of the best of these are compared word by word."""
SHARED = 5
"""How many shared words and concepts are told."""
DIGITS = 4
"""Chances are rounded to so many digits, so that the order of additions never decides anything."""

_PAIRED = ([0, 1], [2], [3, 4])
"""Signals that are two directions of one: words, meaning, tokens."""
_WEIGHTS = np.array([2.0, 1.0, 4.0])
"""What each of them counts; chosen apart from the weights of ranking, as here both sides are of one kind."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that were fitted on judged pairs; ``python -m matching.evaluation.alike --fit`` writes them.

    ``slope`` and ``intercept`` turn the score of a pair into the probability that both are the same need,
    ``words_slope`` and ``words_intercept`` do where only words could be compared. From ``threshold`` on a pair is
    accepted. Members of a family are alike by ``together`` in the mean, and no two by less than ``apart``.
    Families of a theme are as near as ``theme`` in the mean (`matching.themes`), or ``theme_words`` by words alone.
    Must-haves that are as near as ``asked`` in the mean are told as one (`matching.asked`).
    """

    slope: float
    intercept: float
    words_slope: float
    words_intercept: float
    threshold: float
    together: float
    apart: float
    theme: float = 0.2
    theme_words: float = 0.05
    asked: float = 0.6

    def chance(self, score: float, *, words_only: bool) -> float:
        """Return the probability that two documents with this score are the same, between 0 and 1."""
        slope, start = (
            (self.words_slope, self.words_intercept) if words_only else (self.slope, self.intercept)
        )
        return round(1 / (1 + exp(-max(min(slope * score + start, 50.0), -50.0))), DIGITS)


@lru_cache(maxsize=1)
def limits() -> Limits:
    """Return the limits that are shipped (``data/alike.json``)."""
    text = resources.files("matching").joinpath("data/alike.json").read_text(encoding="utf-8")
    return Limits(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Compared:
    """One document beside the one asked about: the score of the pair, and whether words alone were compared."""

    id: str
    score: float
    words_only: bool


class Alike:
    """Compare documents with those of a register of the same kind. Safe to use from several threads."""

    def __init__(self, kind: Kind, settings: MatcherSettings, reader: Reader, register: Register) -> None:
        self.kind = kind
        self.settings = settings
        self.reader = reader
        self.register = register
        self.limits = limits()
        self._usuals: dict[str, tuple[Record, Usual]] = {}

    # What is asked -------------------------------------------------------------------------------------------

    def similar(self, own: Record, said: Said, limit: int, among: Collection[str] | None) -> Results:
        """Rank the register's documents by how surely they are the same as ``own``, which is never among them."""
        view = self.register.view()
        found, ranks = self._compared(own, said, view, max(COMPARED, limit), among)
        matches = []
        for rank, one in enumerate(found[: max(limit, 0)], start=1):
            chance = self._chance(one)
            matches.append(
                Match(
                    id=one.id,
                    rank=rank,
                    score=one.score,
                    chance=chance,
                    fit=fit(chance, self.limits.threshold),
                    accepted=chance >= self.limits.threshold,
                    ranks=ranks[one.id],
                    shared=self.shared(own, view.records[one.id]),
                )
            )
        return Results(tuple(matches), degraded=own.whole is None)

    def neighbours(
        self, ids: Collection[str] | None = None, limit: int = 20, among: Collection[str] | None = None
    ) -> dict[str, list[Hit]]:
        """Return for each document its likest others with the probability that they are the same, best first.

        ``ids`` are those asked about (all where None), ``among`` those that may be neighbours. A list has ``limit``
        others, or as many more as may belong to one family, up to what words and meaning propose.
        """
        view = self.register.view()
        found = {}
        for key in sorted(view.records if ids is None else ids):
            if key not in view.records:
                continue
            own = view.records[key]
            said = self.reader.said(own.document)
            for most in (max(COMPARED, limit), 2 * PROPOSED):
                near, _ = self._compared(own, said, view, most, among)
                hits = [Hit(one.id, self._chance(one)) for one in near]
                hits.sort(key=lambda hit: (-hit.score, hit.id))
                if len(hits) < most or hits[limit - 1].score < self.limits.apart:
                    break
            # The first that is surely not of the family ends a longer list, and tells that nobody was cut off.
            alike = sum(hit.score >= self.limits.apart for hit in hits)
            found[key] = hits[: max(limit, alike + 1)]
        return found

    def chances(self, key: str, others: Sequence[str]) -> list[float]:
        """Return the probability that one registered document is the same as each of several others.

        Raises KeyError for an id that is not registered.
        """
        view = self.register.view()
        own, theirs = view.records[key], [view.records[other] for other in others]
        said = self.reader.said(own.document)
        there, back = self.register.words.coverage(said, view.words)
        places = [view.words.places[other] for other in others]
        rows = np.full((len(others), SIGNALS), np.nan, dtype=np.float32)
        rows[:, 0], rows[:, 1] = there[places], back[places]
        self._compare_wholes(own, theirs, rows)
        return [self._chance(one) for one in self._judged(own, said, theirs, rows)]

    def _chance(self, one: Compared) -> float:
        return self.limits.chance(one.score, words_only=one.words_only)

    def shared(self, own: Record, other: Record) -> tuple[str, ...]:
        """Return what both say, in words for people: concepts that both name outright, words as they are written."""
        mine, theirs = self.reader.said(own.document), self.reader.said(other.document)
        both = mine.shares.keys() & theirs.shares.keys()
        told = sorted(both, key=lambda term: (-min(mine.shares[term], theirs.shares[term]), term))
        entries = self._entries()
        named = self._named(own.document) & self._named(other.document)
        written = written_as([own.document, other.document])
        found: list[str] = []
        covered: set[str] = set()
        for term in told:
            entry = entries.get(term)
            name = written.get(term) if entry is None else entry.meanings[0] if term in named else None
            parts = {stem(word.text) for word in words(name or "")}
            if name is None or parts <= covered | GENERIC:
                continue
            forms = () if entry is None else entry.forms
            if covered & {stem(form) for form in forms}:
                continue  # the abbreviation has been told
            covered.update(parts, (stem(form) for form in forms))
            found.append(name)
        return tuple(found[:SHARED])

    def _named(self, document: Document) -> set[str]:
        """Return the concepts that a document names by an abbreviation or by their own words, not by related ones."""
        book = self.reader.expand.book
        if book is None:
            return set()
        mentions = book.mentions(words(whole_text(document)))
        return {one.entry.concept for one in mentions if one.short or one.weight >= 1.0}

    # How pairs are compared ------------------------------------------------------------------------------------

    def _compared(
        self, own: Record, said: Said, view: View, most: int, among: Collection[str] | None
    ) -> tuple[list[Compared], dict[str, dict[str, int]]]:
        """Return candidates, likest first, and their ranks with those who proposed them."""
        there, back = self.register.words.coverage(said, view.words)
        ranks = self._proposed(own, view, np.minimum(there, back), among)
        ids = sorted(ranks)
        records = [view.records[key] for key in ids]
        places = [view.words.places[key] for key in ids]
        rows = np.full((len(ids), SIGNALS), np.nan, dtype=np.float32)
        rows[:, 0], rows[:, 1] = there[places], back[places]
        self._compare_wholes(own, records, rows)
        # Before tokens are compared only the asker's own usual is known at no cost; it finds the head well enough.
        scores = self._scores(rows, self.usual(own, said), self._lengths(records))
        head = np.argsort(-scores, kind="stable")[:most]
        found = self._judged(own, said, [records[at] for at in head], rows[head])
        return sorted(found, key=lambda one: (-one.score, one.id)), ranks

    def _proposed(
        self, own: Record, view: View, words_shared: Floats, among: Collection[str] | None
    ) -> dict[str, dict[str, int]]:
        """Return who may be alike, by words or by meaning: ids with their ranks."""
        hits = {"keyword": best(view.words, words_shared, PROPOSED + 1, among)}
        index = self.register.index
        if own.whole is not None and index is not None and self.settings.dense and self.register.with_vector:
            hits["dense"] = index.search(self.reader.asked(own.whole, self.kind), PROPOSED + 1, among)
        ranks: dict[str, dict[str, int]] = {}
        for name, found in hits.items():
            others = [hit for hit in found if hit.id != own.document.id]
            for rank, hit in enumerate(others, start=1):
                if hit.id in view.records and hit.id in view.words.places:
                    ranks.setdefault(hit.id, {})[name] = rank
        return ranks

    def _judged(self, own: Record, said: Said, others: Sequence[Record], rows: Floats) -> list[Compared]:
        """Compare tokens too, and return the score of each pair, in the order of ``others``."""
        if not others:
            return []
        self._compare_tokens(own, others, rows)
        theirs = [self.usual(record, None) for record in others]
        scores = self._scores(rows, self.usual(own, said), self._lengths(others), theirs)
        return [
            Compared(record.document.id, round(float(score), DIGITS), bool(np.isnan(row[2])))
            for record, score, row in zip(others, scores, rows, strict=True)
        ]

    def _compare_wholes(self, own: Record, others: Sequence[Record], rows: Floats) -> None:
        """Fill in the cosine of whole texts, less what all of their kind share, in place."""
        having = [at for at, record in enumerate(others) if record.whole is not None]
        if own.whole is None or not having or not self.settings.dense:
            return
        wholes = np.stack([whole for record in others if (whole := record.whole) is not None])
        mean = self.reader.meaning().means[self.kind]
        rows[having, 2] = self.reader.centred(wholes, mean) @ self.reader.asked(own.whole, self.kind)

    def _compare_tokens(self, own: Record, records: Sequence[Record], rows: Floats) -> None:
        """Fill in the two signals of tokens, in place."""
        mine = own.compared().tokens
        if mine is None or own.whole is None or not self.settings.late:
            return
        lens = self.reader.meaning().lens
        theirs = {
            at: tokens for at, one in enumerate(records) if (tokens := one.compared().tokens) is not None
        }
        if lens is not None and theirs:
            rows[list(theirs), 3], rows[list(theirs), 4] = lens.echoes(
                mine, self.kind, Batch.of(list(theirs.values())), among=self.kind
            )

    def _scores(
        self, rows: Floats, own: Usual, lengths: Floats, theirs: Sequence[Usual] | None = None
    ) -> Floats:
        """Return the score of each row of signals: how far the pair stands above the usual of both.

        ``lengths`` are those of the rows' documents (`matching.usual.length_of`), ``theirs`` their usual.
        """
        if not len(rows):
            return np.zeros(0, dtype=np.float32)
        usual = between(own.short, own.long, lengths)
        above = (rows - usual[:, :, 0]) / usual[:, :, 1]
        if theirs is not None:
            short, long = np.stack([one.short for one in theirs]), np.stack([one.long for one in theirs])
            swapped = between(short, long, np.array([own.length], dtype=np.float32))[:, SWAPPED, :]
            above = np.minimum(above, (rows - swapped[:, :, 0]) / swapped[:, :, 1])
        signals = np.stack([above[:, places].min(axis=1) for places in _PAIRED], axis=1)
        known = np.where(np.isnan(signals), 0.0, _WEIGHTS)
        total = (np.nan_to_num(signals, nan=0.0) * _WEIGHTS).sum(axis=1)
        scores: Floats = (total / np.maximum(known.sum(axis=1), 1e-6)).astype(np.float32)
        return scores

    def _lengths(self, records: Sequence[Record]) -> Floats:
        return np.array([length_of(record.document, self.kind) for record in records], dtype=np.float32)

    def usual(self, record: Record, said: Said | None) -> Usual:
        """Return what a document has with the shipped texts of its own kind; remembered while it is registered."""
        key = record.document.id
        kept = self._usuals.get(key)
        if kept is not None and kept[0] is record:
            return kept[1]
        made = measure(record, said or self.reader.said(record.document), self.kind, self.reader)
        if self.register.records.get(key) is record:
            if len(self._usuals) > 2 * len(self.register) + 64:  # mostly of documents that have gone
                self._usuals = {}
            self._usuals[key] = (record, made)
        return made

    def _entries(self) -> Mapping[str, Entry]:
        """Return the row of each concept."""
        book = self.reader.expand.book
        return {} if book is None else {entry.concept: entry for entry in book.entries}
