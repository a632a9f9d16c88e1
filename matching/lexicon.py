"""The words that are known before anybody has registered anything: those of the glossary and of the shipped texts."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources

from matching import glossary
from matching.text import STOP_WORDS, stem, words

_COLUMNS = ("name", "title", "statement", "summary", "requirements", "clinical_area", "category", "setting")


@lru_cache(maxsize=2)
def lexicon(with_glossary: bool) -> tuple[str, ...]:
    """Return every known word in lower case, in order of the alphabet."""
    shipped = resources.files("matching").joinpath("data/background.jsonl").read_text(encoding="utf-8")
    texts: list[str] = []
    for row in map(json.loads, shipped.splitlines()):
        cells = [row.get(column, "") for column in _COLUMNS]
        texts += [text for cell in cells for text in (cell if isinstance(cell, list) else [cell])]
    if with_glossary:
        for entry in glossary.load().entries:
            told = [form for form in entry.forms if not glossary.is_short(form)]
            texts += [*told, *entry.meanings, *entry.related, *entry.own.values()]
    found = {word.text.lower().removesuffix("'s") for text in texts for word in words(text)}
    found |= STOP_WORDS | glossary.EVERYDAY
    return tuple(sorted(found))


@lru_cache(maxsize=2)
def lexicon_stems(with_glossary: bool) -> frozenset[str]:
    """Return the stems of the known words."""
    return frozenset(map(stem, lexicon(with_glossary)))
