"""Find text that stands in two documents: copied from a need, or from another listing.

A text is cut into *shingles*, three stems in a row without stop words (Broder 1997). They survive other spellings,
other endings and small words put in between; two people who describe one thing in their own words share next to none
(no need of the judged sets shares two with any of 334 listings).

Documents are compared by their fingerprints (`matching.fingerprints`), and only the candidates of one request ever
are. So an upsert costs nothing, with a hundred documents or a hundred thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property

import numpy as np
import numpy.typing as npt

from matching.fingerprints import (
    WORDS,
    Fingerprint,
    Fingerprints,
    Hashes,
    Numbers,
    Places,
    among,
    numbers,
    shingles,
    whole,
)
from matching.text import STOP_WORDS, Word, normalise, sentences, stem, words
from matching.types import Document, Kind

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

ROOM = 1.2
"""How many times as many words two listings may have in the same order as they have different ones."""

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


class Spoken:
    """What a document says: its fingerprint, and what is made of it at first use."""

    def __init__(self, document: Document, fingerprint: Fingerprint | None = None) -> None:
        """Without ``fingerprint`` it is taken of the text."""
        self.document = document
        if fingerprint is not None:
            self.fingerprint = fingerprint

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the text."""
        return Fingerprint.of([(one.passage, one.stems) for one in self.sentences])

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Return its sentences."""
        return tuple(cut(self.document))

    @cached_property
    def laid_out(self) -> Fingerprints:
        """Return its fingerprint with shingles."""
        return Fingerprints.of([self.fingerprint])

    @cached_property
    def hashes(self) -> Hashes:
        """Return the different shingles in ascending order."""
        return np.unique(self.laid_out.shingles)

    @cached_property
    def said(self) -> frozenset[int]:
        """Return a number for each whole sentence."""
        return frozenset(self.laid_out.wholes.tolist())

    def longest(self, shared: Hashes) -> int:
        """Return the length of the longest row of shingles that are all in ``shared``."""
        laid = self.laid_out
        begins = np.zeros(len(laid.stems), dtype=bool)  # no shingle begins with the last words of a passage
        begins[laid.places] = np.isin(laid.shingles, shared)
        return longest_run(begins)

    @cached_property
    def since(self) -> Sequence[str]:
        """Return for each sentence since when it has been said; "" where nobody knows."""
        dates, count = self.document.since, len(self.fingerprint.sizes)
        if len(dates) == 1:
            return dates * count
        return dates if len(dates) == count else ("",) * count

    @cached_property
    def stems(self) -> Numbers:
        """Return the stems of all sentences but the first, which is the name."""
        own = self.fingerprint
        return own.stems[np.repeat(own.passages, own.sizes) > 0]

    @cached_property
    def claimed(self) -> frozenset[int]:
        """Return the longer sentences outside evidence, where everybody names the same certificates."""
        own, laid = self.fingerprint, self.laid_out
        told = np.array(
            [not one.source.startswith("evidence:") for one in self.document.passages], dtype=bool
        )
        outside = told[own.passages[own.sizes > 0]]
        return frozenset(laid.wholes[outside & (laid.sizes >= SENTENCE)].tolist())

    @cached_property
    def title(self) -> Numbers:
        """Return the stems of its title that tell something."""
        return numbers(_telling(self.document.title))

    @cached_property
    def vocabulary(self) -> Numbers:
        """Return all its stems in ascending order, those of the title too."""
        return np.unique(np.concatenate([self.stems, self.title]))

    @cached_property
    def must_haves(self) -> Mapping[tuple[str, ...], Numbers]:
        """Return the stems of each must-have of a need, in words and in numbers."""
        found = {_telling(text): None for text in self.document.requirements}
        return {stems: numbers(stems) for stems in found if stems}


def longest_run(marks: npt.NDArray[np.bool_]) -> int:
    """Return the length of the longest row of marks."""
    borders = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return int((borders[1::2] - borders[::2]).max(initial=0))


@dataclass(frozen=True, slots=True)
class Foreign:
    """Text that is not a listing's own: shingles, and whole sentences, a name among them, that say just this.

    ``vocabulary`` are the stems of a need from which the listing has copied: of a sentence that is made of these,
    nobody can say whose it is.
    """

    hashes: Hashes
    sentences: frozenset[tuple[str, ...]] = frozenset()
    vocabulary: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.uint32))


NOTHING = Foreign(np.zeros(0, dtype=np.uint64))

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
    repeated = {words: must for words, must in need.must_haves.items() if _repeats(listing, must)}
    asked = np.concatenate([NOTHING.hashes, *map(shingles, repeated.values())])
    title = need.title
    named = len(title) > 1 and _holds(listing.title, title)
    shuffled = bool(_made_of(listing.laid_out, need.vocabulary).any())
    told = _is_copy(np.setdiff1d(hashes, asked), listing, OF_A_NEED * len(need.hashes), RUN)
    if not (told or len(repeated) >= MUSTS or named or shuffled):
        return NOTHING
    return Foreign(
        np.union1d(hashes, shingles(title)),
        frozenset(repeated) | {_telling(need.document.title)},
        need.vocabulary,
    )


def suspects(need: Spoken, listings: Fingerprints) -> list[int]:
    """Return the places of the listings of which `copied_from` may find anything; of the others it finds nothing."""
    found = np.zeros(listings.count, dtype=bool)
    owners = listings.owner[listings.places]
    shared = np.bincount(owners[among(listings.shingles, need.hashes)], minlength=listings.count)
    found |= shared >= COPIED
    musts = np.unique(np.concatenate([NOTHING.hashes, *map(shingles, need.must_haves.values())]))
    found |= np.bincount(owners[among(listings.shingles, musts)], minlength=listings.count) >= MUSTS
    of_sentence = listings.owner[listings.starts]
    sentences = np.sort(np.array([whole(must) for must in need.must_haves.values()], dtype=np.uint64))
    found |= np.bincount(of_sentence[among(listings.wholes, sentences)], minlength=listings.count) >= MUSTS
    if len(need.title) > 1:
        begins = (listings.stems[:-1] == need.title[0]) & (listings.stems[1:] == need.title[1])
        found[listings.owner[:-1][begins]] = True
    found[of_sentence[_made_of(listings, need.vocabulary)]] = True
    return np.flatnonzero(found).tolist()


def _is_copy(shared: Hashes, taker: Spoken, least: float, run: int) -> bool:
    """Tell whether what two texts share is a copy: long in one piece, or at least so much in all."""
    return len(shared) >= COPIED and (len(shared) >= least or taker.longest(shared) >= run)


def _repeats(listing: Spoken, must: Numbers) -> bool:
    """Tell whether a listing says a must-have word for word, a short one as a sentence of its own."""
    if int(whole(must)) in listing.said:
        return True
    asked = shingles(must)
    return len(asked) > 1 and bool(among(asked, listing.hashes).all())


def _holds(text: Numbers, part: Numbers) -> bool:
    size = len(part)
    return any(np.array_equal(text[at : at + size], part) for at in range(len(text) - size + 1))


def _made_of(listings: Fingerprints, vocabulary: Numbers) -> npt.NDArray[np.bool_]:
    """Tell of each sentence that has stems whether it is made of the words of a need, in whatever order."""
    return (listings.sizes >= MADE_WORDS) & (listings.known(vocabulary) >= MADE_OF * listings.sizes)


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
    laid = spoken.laid_out
    foreign_from = np.zeros(len(laid.stems), dtype=bool)
    foreign_from[laid.places] = np.isin(laid.shingles, foreign.hashes)
    ends = np.cumsum(spoken.fingerprint.sizes, dtype=np.int64)
    shuffled = dict(
        zip(laid.sentence[laid.starts].tolist(), _made_of(laid, foreign.vocabulary).tolist(), strict=True)
    )
    for at, (one, end) in enumerate(zip(spoken.sentences, ends.tolist(), strict=True)):
        carried, passage = (carried if passage == one.passage else 0), one.passage
        count = len(one.stems)
        away = np.zeros(max(count, carried) + WORDS, dtype=bool)
        away[:carried] = True
        for start in np.flatnonzero(foreign_from[end - count : end]).tolist():
            away[start : start + WORDS] = True
        for part in foreign.sentences:
            for start in range(count - len(part) + 1):
                # One word alone is a must-have only where nothing else is said.
                if one.stems[start : start + len(part)] == part and (len(part) > 1 or count == 1):
                    away[start : start + len(part)] = True
        carried = int(away[count:].sum())
        away = away[:count]
        if count and (away.mean() > 0.5 or shuffled[at]):
            yield one, ""
        else:
            yield one, _less(one, away) if away.any() else one.plain


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


def loans(
    given: Sequence[Spoken], nobodys: Hashes = NOTHING.hashes, laid_out: Fingerprints | None = None
) -> list[Loan]:
    """Return who has text of whom. Who said it first is the lender, ties by id. Shingles of ``nobodys`` are left out.

    Where several have said it, the first of all has lent it to each of them. ``laid_out`` are their
    fingerprints, where the caller has them already.
    """
    if len(given) < 2:
        return []
    laid = laid_out or Fingerprints.of([one.fingerprint for one in given])
    owner, sizes, hashes, lender = _lent(given, laid, nobodys)
    pair = owner * len(given) + lender
    order = np.argsort(pair, kind="stable")
    pairs, starts, counts = np.unique(pair[order], return_index=True, return_counts=True)
    borrowers, givers = np.divmod(pairs, len(given))
    claimed = _claimed(given, laid)
    # What two listings share of words tells of nearly all pairs at once that they are not the same.
    worth = (counts >= COPIED) | (counts >= SAME_LISTING * sizes[borrowers])
    worth |= _shared_words(laid, borrowers, givers) | np.isin(borrowers, list(claimed))
    found: list[Loan] = []
    for at in np.flatnonzero(worth).tolist():
        borrower, giver = int(borrowers[at]), int(givers[at])
        lent = hashes[order[starts[at] : starts[at] + counts[at]]]
        size = int(sizes[borrower])
        share = len(lent) / max(size, 1)
        same = _is_same(given[borrower], given[giver], share)
        whole = not claimed.get(borrower, _NONE).isdisjoint(claimed.get(giver, _NONE))
        if same or whole or _is_copy(lent, given[borrower], OF_A_LISTING * size, RUN_OF_LISTINGS):
            found.append(Loan(borrower, giver, lent, share, same))
    return found


def _shared_words(laid: Fingerprints, borrowers: Places, givers: Places) -> npt.NDArray[np.bool_]:
    """Tell of each pair whether they share so many different stems that one may be the other reworded."""
    stems, owner = laid.stems[laid.told], laid.owner[laid.told]
    sizes = np.bincount(owner, minlength=laid.count)
    _, number = np.unique(stems, return_inverse=True)
    width = 64 * (int(number.max(initial=0)) // 64 + 1)
    says = np.zeros((laid.count, width), dtype=bool)
    says[owner, number] = True
    bits = np.packbits(says, axis=1).view(np.uint64)
    shared = np.bitwise_count(bits[borrowers] & bits[givers]).sum(axis=1, dtype=np.int64)
    enough: npt.NDArray[np.bool_] = SAME_ORDER * sizes[borrowers] <= shared * ROOM
    return enough


def _lent(
    given: Sequence[Spoken], laid: Fingerprints, nobodys: Hashes
) -> tuple[Places, Places, Hashes, Places]:
    """Return each shingle that somebody has from somebody else: who, from whom, and how many each has in all.

    That is the borrower of each, the number of different shingles of each document, the shingle, and its lender.
    """
    owners = laid.owner[laid.places]
    order = np.argsort(laid.shingles)
    alike = np.diff(laid.shingles[order]) == 0
    several = order[np.append(alike, False) | np.append(False, alike)] if len(order) else order
    # The order of ages: since when it has been said, then by id.
    rank = np.argsort(np.argsort([one.document.id for one in given], kind="stable"), kind="stable")
    dates = [date for one in given for date in one.since]
    age = {date: at for at, date in enumerate(sorted(set(dates)))}
    said = laid.sentence[laid.places[several]].tolist()
    since = np.fromiter((age[dates[at]] for at in said), np.int64, len(said))
    several = several[np.lexsort((rank[owners[several]], since, laid.shingles[several]))]
    hashes, owner = laid.shingles[several], owners[several]
    first = np.append(True, np.diff(hashes) != 0)[: len(hashes)]
    lender = owner[np.flatnonzero(first)[np.cumsum(first) - 1]]
    # Who says a thing twice has it once.
    _, once = np.unique(np.cumsum(first) * len(given) + owner, return_index=True)
    count = len(given)
    twice = np.bincount(owner, minlength=count) - np.bincount(owner[once], minlength=count)
    sizes = np.bincount(owners, minlength=count) - twice
    kept = once[(owner[once] != lender[once]) & ~np.isin(hashes[once], nobodys)]
    return owner[kept], sizes, hashes[kept], lender[kept]


_NONE: frozenset[int] = frozenset()


def _claimed(given: Sequence[Spoken], laid: Fingerprints) -> dict[int, frozenset[int]]:
    """Return the longer sentences of each document that says one which another says too, by its place."""
    long = laid.sizes >= SENTENCE
    wholes = laid.wholes[long]
    found, counts = np.unique(wholes, return_counts=True)
    saying = laid.owner[laid.starts[long]][among(wholes, found[counts > 1])]
    return {at: given[at].claimed for at in set(saying.tolist())}


def _is_same(borrower: Spoken, lender: Spoken, share: float) -> bool:
    """Tell whether a borrower is the lender's listing over again, word for word or lightly reworded."""
    if borrower.document.supplier == lender.document.supplier:
        return share >= SAME_PRODUCT
    if share >= SAME_LISTING:
        return True
    theirs, given = borrower.stems, lender.stems
    least = SAME_ORDER * len(theirs)
    if len(theirs) < LEAST_WORDS or least > len(set(theirs.tolist()) & set(given.tolist())) * ROOM:
        return False
    if (Counter(theirs.tolist()) & Counter(given.tolist())).total() < least:
        return False  # In whatever order: comparing the order takes a hundred times as long.
    blocks = SequenceMatcher(None, theirs.tolist(), given.tolist(), autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= least


def first_said(document: Document, earlier: Sequence[tuple[str, Document]]) -> tuple[str, ...]:
    """Return for each sentence of a document since when it has been said without a break.

    ``earlier`` holds (ISO date, document) of its versions, newest first, the present one among them. So a listing
    that is changed into the copy of a newer one is not the older of the two.
    """
    texts = [(date, {one.stems for one in cut(version)}) for date, version in earlier]
    found = []
    for one in cut(document):
        since = ""
        for date, said in texts:
            if one.stems not in said:
                break
            since = date
        found.append(since or (earlier[0][0] if earlier else ""))
    return tuple(found)
