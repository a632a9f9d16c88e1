"""Read NHS language: which words and concepts a text is compared by, and what the encoder is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matching import glossary as glossaries
from matching.documents import whole_text
from matching.honesty import counted
from matching.settings import MatcherSettings
from matching.spelling import mended
from matching.steps.normalise import Normalise
from matching.terms import document_terms, query_terms
from matching.types import Document


class Expand:
    """Terms with their weights, and texts with abbreviations spelled out; switched off, the bare words."""

    name = "expand"

    def __init__(self, settings: MatcherSettings) -> None:
        self.settings = settings
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
        return {**mended(terms, known, vocabulary), **terms} if self.settings.spelling else terms

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
