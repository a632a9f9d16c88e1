"""What of a listing counts: its sentences; not lists of terms, not the same over and over, not every box ticked.

A listing is found by what it says. Text that says nothing to a reader and is there to be found is left out before
anything is compared, and its author is told which and why; no listing is punished for it: the rest counts as
ever. The borders stand well outside what honest listings do (``python -m benchmarks.attacks`` tells how many honest
ones they touch). Needs are read as they are: their telegraphic style is how the NHS writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from matching.text import STOP_WORDS, normalise, sentences, words
from matching.types import Document, Kind, Passage

PROSE = ("summary", "intended-use", "claims", "replaces", "evidence:")
"""Sources of a technology that are written in sentences."""

MOST_CHARACTERS = 12_000
"""Characters of prose that count: twice what the questions of the service take, and room for evidence."""
LIST_WORDS = 18
"""A run of as many words with nothing between them ("and", "the", "for") is a list of terms."""
LIST_SHARE = 0.12
"""Share of such small words below which a sentence of twenty words or more is a list of terms."""
LIST_ITEMS = 10
"""A sentence parted by as many commas, with three words or fewer between them, is a list too. The most is five."""
FRAGMENTS = 5
"""More sentences than this of one to three words are a list of terms cut up by full stops."""
SAME_SENTENCE = 3
"""A sentence that stands so often is there to be found, not to be read; twice may be a slip."""
SAME_FRAME = 4
"""Sentences that begin or end with the same four words are one sentence with a blank to be filled in."""
SAME_WORD = 8
"""How often one word counts in a short listing. The most in the judged sets is four."""
SAME_WORD_SHARE = 0.04
"""Share of all words up to which one word counts in a long listing."""
NAME_WORDS = 14
LABEL_WORDS = 10
MOST_BOXES = 7
"""Settings or clinical areas named. Who is for everything has not said what it is for."""


class Oddity(StrEnum):
    """Why a part of a listing does not count."""

    LIST = "list"
    REPEATED_SENTENCE = "repeated-sentence"
    REPEATED_WORD = "repeated-word"
    BOXES = "boxes"
    TEMPLATE = "template"
    LONG_LABEL = "long-label"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Note:
    """One part that does not count: where it stands, its beginning as it was written, and how often or how many."""

    oddity: Oddity
    source: str
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """A document less what does not count, and what that is."""

    document: Document
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sentence:
    source: str
    text: str
    words: tuple[str, ...]


def counted(document: Document) -> Counted:
    """Return a technology as it is compared; a need, and a listing without oddities, as it is."""
    if document.kind is not Kind.TECHNOLOGY:
        return Counted(document)
    given = [list(_cut(passage)) if passage.source.startswith(PROSE) else [] for passage in document.passages]
    every = [one for own in given for one in own]
    same = Counter(one.words for one in every if one.words)
    frames = Counter(frame for one in {one.words: one for one in every}.values() for frame in _frames(one))
    fragmented = sum(0 < len(one.words) <= 3 for one in every if one.source != "claims") > FRAGMENTS
    notes: list[Note] = []
    room, odd = MOST_CHARACTERS, set()
    for at, one in enumerate(every):
        room -= len(one.text)
        if (oddity := _oddity(one, same, frames, fragmented, room)) is not None:
            notes.append(Note(oddity, one.source, one.text[:200], same[one.words]))
            odd.add(at)
    kept = [word for at, one in enumerate(every) if at not in odd for word in one.words]
    most = max(SAME_WORD, round(SAME_WORD_SHARE * len(kept)))
    stated = Counter(word for word in kept if word not in STOP_WORDS and not word.isdigit())
    left = {word: most for word, count in stated.items() if count > most}
    notes += [Note(Oddity.REPEATED_WORD, "", word, stated[word]) for word in sorted(left)]
    passages: list[Passage] = []
    place = 0
    for passage, own in zip(document.passages, given, strict=True):
        texts = [
            one.text if left.keys().isdisjoint(one.words) else _less(one.text, left)
            for at, one in enumerate(own, start=place)
            if at not in odd
        ]
        place += len(own)
        counts = _label(passage, notes)
        if own and texts != [one.text for one in own]:
            counts = replace(passage, text=" ".join(texts))
        if counts is passage or normalise(counts.text):
            passages.append(counts)
    if not notes:
        return Counted(document)
    return Counted(replace(document, passages=tuple(passages)), _merged(notes))


def _cut(passage: Passage) -> Iterator[_Sentence]:
    for start, end in sentences(passage.text):
        text = passage.text[start:end]
        yield _Sentence(passage.source, text, tuple(word.text.lower() for word in words(normalise(text))))


def _frames(one: _Sentence) -> tuple[tuple[str, ...], ...]:
    """Return the first and the last four words of a sentence that has more than six."""
    return (("first", *one.words[:4]), ("last", *one.words[-4:])) if len(one.words) > 6 else ()


def _oddity(
    one: _Sentence,
    same: Counter[tuple[str, ...]],
    frames: Counter[tuple[str, ...]],
    fragmented: bool,
    room: int,
) -> Oddity | None:
    if room < 0:
        return Oddity.LONG
    if one.words and same[one.words] >= SAME_SENTENCE:
        return Oddity.REPEATED_SENTENCE
    if any(frames[frame] >= SAME_FRAME for frame in _frames(one)):
        return Oddity.TEMPLATE
    if fragmented and 0 < len(one.words) <= 3 and one.source != "claims":
        return Oddity.LIST
    if len(one.words) >= LIST_WORDS and len(set(one.words)) < 0.5 * len(one.words):
        return Oddity.REPEATED_SENTENCE
    parts = one.text.count(",") + one.text.count(";")
    listed = parts >= LIST_ITEMS and len(one.words) <= 3 * (parts + 1)
    return Oddity.LIST if listed or _is_list(one.words) else None


def _is_list(found: Sequence[str]) -> bool:
    """Tell whether words are a list of terms rather than a sentence."""
    if len(found) < LIST_WORDS:
        return False
    run = longest = small = 0
    for word in found:
        run = 0 if word in STOP_WORDS or word.isdigit() else run + 1
        small += run == 0
        longest = max(longest, run)
    return longest >= LIST_WORDS or (len(found) >= 20 and small < LIST_SHARE * len(found))


def _less(text: str, left: dict[str, int]) -> str:
    """Return ``text`` without those words that have stood often enough; ``left`` says how often each still may."""
    pieces, end = [], 0
    for word in words(text):
        key = word.text.lower()
        if key in left:
            left[key] -= 1
            if left[key] < 0:
                pieces.append(text[end : word.start])
                end = word.end
    return "".join([*pieces, text[end:]])


def _label(passage: Passage, notes: list[Note]) -> Passage:
    """Return a name, a category or what was ticked, with no more in it than counts."""
    if passage.source in {"settings", "clinical-area"}:
        named = [part for part in passage.text.replace(";", ",").split(",") if part.strip()]
        if len(named) > MOST_BOXES:
            notes.append(Note(Oddity.BOXES, passage.source, passage.text[:200], len(named)))
            return replace(passage, text="")
    most = {"name": NAME_WORDS, "category": LABEL_WORDS}.get(passage.source)
    if most is None or len(found := words(passage.text)) <= most:
        return passage
    notes.append(Note(Oddity.LONG_LABEL, passage.source, passage.text[:200], len(found)))
    # The beginning of a name is a name; that of a list of categories is what the alphabet put there.
    return replace(passage, text=passage.text[: found[most].start] if passage.source == "name" else "")


def _merged(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return each note once: of a sentence that stands forty times one note tells."""
    told = {
        (note.oddity, note.source, note.text if note.oddity is not Oddity.LONG else ""): note
        for note in notes
    }
    return tuple(told.values())
