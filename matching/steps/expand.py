"""Read NHS language: which words and concepts a text is compared by, and what the encoder is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matching import glossary as glossaries
from matching.documents import whole_text
from matching.honesty import counted
from matching.lexicon import lexicon, lexicon_stems
from matching.settings import MatcherSettings
from matching.spelling import mended
from matching.steps.normalise import Normalise
from matching.terms import document_terms, query_terms
from matching.text import stem, words
from matching.types import Document

_LESS_SURE = 0.8
"""What a word counts that was mended."""


class Expand:
    """Terms with their weights, and texts with abbreviations spelled out; switched off, the bare words."""

    name = "expand"

    def __init__(self, settings: MatcherSettings, is_english: Callable[[str], bool] | None = None) -> None:
        """``is_english`` tells ordinary words, which are never taken for typing errors."""
        self.settings = settings
        self.is_english = is_english or (lambda _: False)
        self.book = glossaries.load(settings.related) if settings.glossary else None
        self.plain = Normalise(settings)

    def counting(self, document: Document) -> Document:
        """Return a document less what does not count."""
        return counted(document).document if self.settings.honesty else document

    def terms(self, document: Document) -> Mapping[str, float]:
        """Return the weight of each term of a document."""
        return document_terms(self.counting(document), self.book, self.settings, self.plain)

    def typed_terms(
        self, text: str, known: Callable[[str], bool], vocabulary: Callable[[], Sequence[str]]
    ) -> Mapping[str, float]:
        """Return the weight of each term that a person typed, with typing errors mended against ``vocabulary``."""
        terms = query_terms(text, self.book, self.settings)
        slips = self.mended(text, known, vocabulary)
        if not slips:
            return terms
        meant = query_terms(_replaced(text, slips), self.book, self.settings)
        return {**{term: weight * _LESS_SURE for term, weight in meant.items()}, **terms}

    def mended(
        self, text: str, known: Callable[[str], bool], vocabulary: Callable[[], Sequence[str]]
    ) -> Mapping[str, str]:
        """Return for each typing error of a text what was meant: a word that is known, or a stem of the register."""
        if not self.settings.spelling:
            return {}
        ours = lexicon_stems(self.settings.glossary)

        def is_known(word: str) -> bool:
            return (found := stem(word)) in ours or known(found) or self.is_english(word)

        typed = [word.text.lower() for word in words(text) if not any(map(str.isupper, word.text[1:]))]
        slips = dict(mended(typed, is_known, lambda: lexicon(self.settings.glossary)))
        rest = {stem(word): word for word in typed if word not in slips and not is_known(word)}
        return slips | {rest[word]: near for word, near in mended(rest, known, vocabulary).items()}

    def sentence_terms(self, text: str) -> Mapping[str, float]:
        """Return the weight of each term of one sentence or must-have."""
        return query_terms(self.plain(text), self.book, self.settings)

    def spelled_out(self, text: str) -> str:
        """Return one text as the encoder reads it: abbreviations with what they stand for."""
        plain = self.plain(text)
        return plain if self.book is None else self.book.spell_out(plain)

    def whole(self, document: Document) -> str:
        """Return a whole document as the encoder reads it."""
        text = whole_text(self.counting(document), self.plain)
        return text if self.book is None else self.book.spell_out(text)


def _replaced(text: str, slips: Mapping[str, str]) -> str:
    """Return a text with each slip replaced by what was meant."""
    pieces, end = [], 0
    for word in words(text):
        if meant := slips.get(word.text.lower()):
            pieces += [text[end : word.start], meant]
            end = word.end
    return "".join([*pieces, text[end:]])
