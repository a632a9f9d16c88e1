"""What a document says, as weighted terms: its stems, and the concepts of the glossary."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from matching.documents import fields
from matching.glossary import Glossary, Mention
from matching.settings import MatcherSettings
from matching.text import normalise, sentences, stems, words
from matching.types import Document

_ASKS_FOR_EVIDENCE = re.compile(r"(?:evidence|show us|we need evidence|data on)\b", re.IGNORECASE)
"""Beginnings of the sentence in which needs list what is to be measured: cost, length of stay, satisfaction."""


def document_terms(
    document: Document,
    glossary: Glossary | None,
    settings: MatcherSettings,
    plain: Callable[[str], str] = normalise,
) -> Mapping[str, float]:
    """Return the weight of each term of a document. Sentences that list measures count for less than the rest."""
    counts: dict[str, float] = {}
    spoken = []
    for source, text in fields(document, plain):
        if source != "statement":
            _add(counts, text, 1.0)
        else:
            for start, end in sentences(text):
                sentence = text[start:end]
                _add(counts, sentence, settings.measures if _ASKS_FOR_EVIDENCE.match(sentence) else 1.0)
        if source not in {"supplier", "source"}:
            spoken.append(text)
    return _with_concepts(counts, ". ".join(spoken), glossary, settings)


def query_terms(text: str, glossary: Glossary | None, settings: MatcherSettings) -> Mapping[str, float]:
    """Return the weight of each term of a normalised text that a person typed."""
    counts: dict[str, float] = {}
    _add(counts, text, 1.0)
    return _with_concepts(counts, text, glossary, settings)


def _add(counts: dict[str, float], text: str, weight: float) -> None:
    for stem in stems(text):
        counts[stem] = counts.get(stem, 0.0) + weight


def _with_concepts(
    counts: Mapping[str, float], text: str, glossary: Glossary | None, settings: MatcherSettings
) -> Mapping[str, float]:
    total: dict[str, float] = dict(counts)
    if glossary is None:
        return total
    for mention in glossary.mentions(words(text)):
        concept = mention.entry.concept
        total[concept] = total.get(concept, 0.0) + mention.weight
        for stem in _meant(mention):
            total[stem] = total.get(stem, 0.0) + settings.spelled * mention.weight
    return total


def _meant(mention: Mention) -> list[str]:
    """Return the stems of what an abbreviation stands for; nothing for words that are there anyway."""
    return stems(mention.meaning) if mention.short else []
