"""Find text that stands in two documents: copied from a need, or from another listing.

A text is cut into *shingles*, three stems in a row without stop words (Broder 1997). They survive other spellings,
other endings and small words put in between; two people who describe one thing in their own words share next to none
(no need of the judged sets shares two with any of 334 listings).

Nothing is stored: the shingles of a document are made when it first comes near somebody, and only documents that
share rare words are ever compared. So an upsert costs nothing, with a hundred documents or a hundred thousand.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property

import numpy as np
import numpy.typing as npt

from matching.text import STOP_WORDS, Word, normalise, sentences, stem, words
from matching.types import Document, Kind

Hashes = npt.NDArray[np.uint32]

WORDS = 3
"""Stems in a shingle."""

COPIED = 4
"""Shingles below which nothing is a copy: a turn of phrase, or a short quotation."""

RUN = 6
"""Shingles of a need in a row that nobody writes again by chance: eight stems, about thirteen words. The most among
the demo's full-length listings and the needs that they were written for is four."""

RUN_OF_LISTINGS = 10
"""The same between two listings, which share the names of certificates. The most among the demo's is seven."""

OF_A_NEED = 0.15
"""Share of a need from which a listing has copied it, in however small pieces. The most there is 0.07."""

OF_A_LISTING = 0.2
"""Share of a listing from which it has borrowed, likewise. The most there, with the names of certificates, is 0.1."""

SAME_LISTING = 0.4
"""Share of a listing's shingles that stand in an older one of another supplier, from which it is the same listing."""

SAME_ORDER = 0.65
"""Share of a listing's words that stand in an older one in the same order, from which it is the same one reworded."""

SAME_PRODUCT = 0.6
"""The same within one supplier, whose products may share what they say of the house."""

SENTENCE = 6
"""Telling words from which a whole sentence of one listing is no chance in another."""

MADE_OF = 0.95
"""Share of the telling words of a sentence that stand in the need, from which it is made of the need, in whatever
order."""

MADE_WORDS = 12
"""Telling words below which a sentence is a plain answer to a plain question."""

LEAST_WORDS = 8
"""Telling words below which two listings may say the same by chance."""

_SOURCES: Mapping[Kind, tuple[str, ...]] = {
    Kind.TECHNOLOGY: ("name", "summary", "intended-use", "claims", "replaces", "evidence:"),
    Kind.NEED: ("title", "statement", "who", "pathway", "outcome", "requirement:"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its passage (counted from 0), as it was written, normalised, and its telling words."""

    passage: int
    written: str
    plain: str
    words: tuple[Word, ...]
    stems: tuple[str, ...]


def cut(document: Document) -> Iterator[Sentence]:
    """Yield the sentences of a document in order; labels such as settings are left out."""
    for at, passage in enumerate(document.passages):
        if passage.source.startswith(_SOURCES[document.kind]):
            for start, end in sentences(passage.text):
                written = passage.text[start:end]
                plain = normalise(written)
                telling = tuple(word for word in words(plain) if word.text.lower() not in STOP_WORDS)
                yield Sentence(at, written, plain, telling, tuple(stem(word.text) for word in telling))


@dataclass(frozen=True)
class Spoken:
    """What a document says, as shingles; made at first use and kept."""

    document: Document

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Return its sentences."""
        return tuple(cut(self.document))

    @cached_property
    def shingles(self) -> tuple[Hashes, ...]:
        """Return for each sentence the shingles that begin in it; they run on into the next of the same passage."""
        following: dict[int, list[str]] = {}
        found: list[Hashes] = []
        for one in reversed(self.sentences):
            after = following.get(one.passage, [])
            found.append(_hashes([*one.stems, *after[: WORDS - 1]], len(one.stems)))
            following[one.passage] = [*one.stems, *after][:WORDS]
        return tuple(reversed(found))

    @cached_property
    def hashes(self) -> Hashes:
        """Return the different shingles in ascending order."""
        return np.unique(np.concatenate(self.shingles)) if self.shingles else np.zeros(0, dtype=np.uint32)

    def longest(self, shared: Hashes) -> int:
        """Return the length of the longest row of shingles that are all in ``shared``."""
        longest = run = 0
        before = -1
        for one, own in zip(self.sentences, self.shingles, strict=True):
            run, before = (run if one.passage == before else 0), one.passage
            for is_shared in np.isin(own, shared).tolist():
                run = run + 1 if is_shared else 0
                longest = max(longest, run)
        return longest

    @cached_property
    def since(self) -> npt.NDArray[np.str_]:
        """Return for each of ``hashes`` since when it has been said; "" where nobody knows."""
        dates = self.document.since
        if len(dates) == 1:
            return np.full(len(self.hashes), dates[0], dtype="U32")
        if len(dates) != len(self.sentences):
            return np.full(len(self.hashes), "", dtype="U32")
        each = np.concatenate(
            [np.full(len(own), date, dtype="U32") for own, date in zip(self.shingles, dates, strict=True)]
        )
        order = np.argsort(each, kind="stable")
        _, first = np.unique(np.concatenate(self.shingles)[order], return_index=True)
        found: npt.NDArray[np.str_] = each[order][first]
        return found

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Return the stems of all sentences but the first, which is the name."""
        return tuple(one for sentence in self.sentences if sentence.passage for one in sentence.stems)

    @cached_property
    def claimed(self) -> frozenset[tuple[str, ...]]:
        """Return the longer sentences outside evidence, where everybody names the same certificates."""
        passages = self.document.passages
        return frozenset(
            one.stems
            for one in self.sentences
            if len(one.stems) >= SENTENCE and not passages[one.passage].source.startswith("evidence:")
        )

    @cached_property
    def title(self) -> tuple[str, ...]:
        """Return the stems of its title that tell something."""
        return _telling(self.document.title)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Return all its stems, those of the title too."""
        return frozenset((*self.stems, *self.title))

    @cached_property
    def must_haves(self) -> frozenset[tuple[str, ...]]:
        """Return the stems of each must-have of a need."""
        return frozenset(found for text in self.document.requirements if (found := _telling(text)))

    @cached_property
    def said(self) -> frozenset[tuple[str, ...]]:
        """Return the stems of each sentence, to be compared with whole must-haves."""
        return frozenset(one.stems for one in self.sentences)


def _hashes(found: Sequence[str], most: int) -> Hashes:
    starts = range(min(most, len(found) - WORDS + 1))
    return np.array([zlib.crc32(" ".join(found[at : at + WORDS]).encode()) for at in starts], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Text that is not a listing's own: shingles, and whole sentences, a name among them, that say just this.

    ``vocabulary`` are the stems of a need from which the listing has copied: of a sentence that is made of these,
    nobody can say whose it is.
    """

    hashes: Hashes
    sentences: frozenset[tuple[str, ...]] = frozenset()
    vocabulary: frozenset[str] = frozenset()


NOTHING = Foreign(np.zeros(0, dtype=np.uint32))

MUSTS = 2
"""Must-haves that may not be repeated word for word; one is a short answer to a short question."""


def _telling(text: str) -> tuple[str, ...]:
    return tuple(stem(word.text) for word in words(normalise(text)) if word.text.lower() not in STOP_WORDS)


def shared_text(one: Spoken, other: Spoken) -> int:
    """Return how many shingles two documents share."""
    return len(np.intersect1d(one.hashes, other.hashes, assume_unique=True))


def copied_from(need: Spoken, listing: Spoken) -> Foreign:
    """Return what a listing has copied from a need: sentences, several of its must-haves, or its title in the name.

    A short quotation and a single must-have, however long, are nobody's property.
    """
    hashes = np.intersect1d(need.hashes, listing.hashes, assume_unique=True)
    repeated = [must for must in need.must_haves if _repeats(listing, must)]
    asked = np.concatenate([NOTHING.hashes, *(_hashes(must, len(must)) for must in repeated)])
    title, vocabulary = need.title, need.vocabulary
    named = len(title) > 1 and _holds(listing.title, title)
    shuffled = any(_made_of(one, vocabulary) for one in listing.sentences)
    told = _is_copy(np.setdiff1d(hashes, asked), listing, OF_A_NEED * len(need.hashes), RUN)
    if not (told or len(repeated) >= MUSTS or named or shuffled):
        return NOTHING
    return Foreign(
        np.union1d(hashes, _hashes(title, len(title))),
        frozenset(repeated) | {title},
        vocabulary,
    )


def _is_copy(shared: Hashes, taker: Spoken, least: float, run: int) -> bool:
    """Tell whether what two texts share is a copy: long in one piece, or at least so much in all."""
    return len(shared) >= COPIED and (len(shared) >= least or taker.longest(shared) >= run)


def _repeats(listing: Spoken, must: tuple[str, ...]) -> bool:
    """Tell whether a listing says a must-have word for word, a short one as a sentence of its own."""
    if must in listing.said:
        return True
    asked = _hashes(must, len(must))
    return len(asked) > 1 and bool(np.isin(asked, listing.hashes).all())


def _holds(whole: Sequence[str], part: Sequence[str]) -> bool:
    return any(tuple(whole[at : at + len(part)]) == tuple(part) for at in range(len(whole) - len(part) + 1))


def copied(spoken: Spoken, foreign: Foreign) -> tuple[str, ...]:
    """Return the sentences, as they were written, in which anything is foreign."""
    return tuple(one.written for one, kept in _own(spoken, foreign) if kept != one.plain)


def own_text(spoken: Spoken, foreign: Foreign) -> Document:
    """Return a document less what is foreign.

    A sentence with more foreign words than its own goes altogether; one with fewer loses the foreign words.
    """
    texts: dict[int, list[str]] = {}
    for one, kept in _own(spoken, foreign):
        texts.setdefault(one.passage, []).append(kept)
    document = spoken.document
    passages = [
        replace(passage, text=" ".join(texts[at]).strip()) if at in texts else passage
        for at, passage in enumerate(document.passages)
    ]
    return replace(document, passages=tuple(passage for passage in passages if passage.text), since=())


def _own(spoken: Spoken, foreign: Foreign) -> Iterator[tuple[Sentence, str]]:
    """Yield each sentence with what of it is the author's own."""
    carried, passage = 0, -1
    for one, own in zip(spoken.sentences, spoken.shingles, strict=True):
        carried, passage = (carried if passage == one.passage else 0), one.passage
        count = len(one.stems)
        away = np.zeros(max(count, carried) + WORDS, dtype=bool)
        away[:carried] = True
        for start in np.flatnonzero(np.isin(own, foreign.hashes)).tolist():
            away[start : start + WORDS] = True
        for part in foreign.sentences:
            for start in range(count - len(part) + 1):
                # One word alone is a must-have only where nothing else is said.
                if one.stems[start : start + len(part)] == part and (len(part) > 1 or count == 1):
                    away[start : start + len(part)] = True
        carried = int(away[count:].sum())
        away = away[:count]
        if count and (away.mean() > 0.5 or _made_of(one, foreign.vocabulary)):
            yield one, ""
        else:
            yield one, _less(one, away) if away.any() else one.plain


def _made_of(one: Sentence, vocabulary: frozenset[str]) -> bool:
    """Tell whether a sentence is made of the words of a need, in whatever order."""
    known = sum(stem in vocabulary for stem in one.stems)
    return len(one.stems) >= MADE_WORDS and known >= MADE_OF * len(one.stems)


def _less(sentence: Sentence, away: npt.NDArray[np.bool_]) -> str:
    pieces, end = [], 0
    for word, gone in zip(sentence.words, away, strict=True):
        if gone:
            pieces.append(sentence.plain[end : word.start])
            end = word.end
    return " ".join("".join([*pieces, sentence.plain[end:]]).split())


@dataclass(frozen=True, slots=True)
class Loan:
    """What one document has of another that said it first; both by their places in a list.

    ``share`` is that of all shingles of the borrower; ``same`` tells whether it is the lender's listing over again.
    """

    borrower: int
    lender: int
    shingles: Hashes
    share: float
    same: bool


def loans(among: Sequence[Spoken], nobodys: Hashes = NOTHING.hashes) -> list[Loan]:
    """Return who has text of whom. Who said it first is the lender, ties by id. Shingles of ``nobodys`` are left out.

    Where several have said it, the first of all has lent it to each of them.
    """
    sizes = [len(one.hashes) for one in among]
    if sum(size > 0 for size in sizes) < 2:
        return []
    rank = np.argsort(np.argsort([one.document.id for one in among], kind="stable"), kind="stable")
    owner = np.repeat(np.arange(len(among)), sizes)
    hashes = np.concatenate([one.hashes for one in among])
    _, where, count = np.unique(hashes, return_inverse=True, return_counts=True)
    several = np.flatnonzero((count[where] > 1) & ~np.isin(hashes, nobodys))
    if not len(several):
        return []
    hashes, owner = hashes[several], owner[several]
    since = np.concatenate([one.since for one in among])[several]
    order = np.lexsort((rank[owner], since, hashes))
    hashes, owner = hashes[order], owner[order]
    first = np.concatenate([[True], hashes[1:] != hashes[:-1]])
    lender = owner[np.flatnonzero(first)[np.cumsum(first) - 1]]
    found: list[Loan] = []
    pairs, place = np.unique(np.stack([owner, lender]), axis=1, return_inverse=True)
    for number, (borrower, giver) in enumerate(pairs.T.tolist()):
        if borrower != giver:
            lent = hashes[place.reshape(-1) == number]
            share = len(lent) / max(sizes[borrower], 1)
            same = _is_same(among[borrower], among[giver], share)
            whole = among[borrower].claimed & among[giver].claimed
            if (
                same
                or whole
                or _is_copy(lent, among[borrower], OF_A_LISTING * sizes[borrower], RUN_OF_LISTINGS)
            ):
                found.append(Loan(borrower, giver, lent, share, same))
    return found


def _is_same(borrower: Spoken, lender: Spoken, share: float) -> bool:
    """Tell whether a borrower is the lender's listing over again, word for word or lightly reworded."""
    if borrower.document.supplier == lender.document.supplier:
        return share >= SAME_PRODUCT
    if share >= SAME_LISTING:
        return True
    theirs, given = borrower.stems, lender.stems
    least = SAME_ORDER * len(theirs)
    if len(theirs) < LEAST_WORDS or len(theirs) * SAME_ORDER > len(set(theirs) & set(given)) * 1.2:
        return False
    blocks = SequenceMatcher(None, theirs, given, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= least


def first_said(document: Document, earlier: Sequence[tuple[str, Document]]) -> tuple[str, ...]:
    """Return for each sentence of a document since when it has been said without a break.

    ``earlier`` holds (ISO date, document) of its versions, newest first, the present one among them. So a listing
    that is changed into the copy of a newer one is not the older of the two.
    """
    texts = [(date, Spoken(version).said) for date, version in earlier]
    found = []
    for one in cut(document):
        since = ""
        for date, said in texts:
            if one.stems not in said:
                break
            since = date
        found.append(since or (earlier[0][0] if earlier else ""))
    return tuple(found)
