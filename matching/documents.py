"""The text recipe: which parts of a need and of a technology are matched, and how they are cut.

The service and the evaluation build every document here, so that what is measured is what people get.
Text that people will see again (passages) is kept exactly as it was written; only what goes to the encoder and to
the keyword index is normalised.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from matching.text import MAX_CHARACTERS, normalise, sentences
from matching.types import Document, Kind, Passage

RECIPE_VERSION = "4"
"""Change this with any change of what is encoded: stored vectors with another version are made again."""

MAX_PASSAGES = 60
MAX_REQUIREMENTS = 20
WHOLE = "whole"
"""Source of the chunks that hold the whole document, and are never quoted to people."""

QUOTABLE = ("summary", "intended-use", "claims", "replaces", "evidence:", "settings")
"""Sources of a technology that may answer a requirement."""

TOLD = ("statement", "pathway", "outcome")
"""Sources of a need, besides its must-haves, that are sentences worth quoting."""


def technology_document(
    *,
    id: str,
    name: str,
    supplier: str = "",
    summary: str,
    intended_use: str = "",
    claims: Sequence[str] = (),
    replaces: str = "",
    category: str = "",
    settings: Sequence[str] = (),
    evidence: Sequence[tuple[str, str]] = (),
    clinical_area: str = "",
    source: str = "",
) -> Document:
    """Build the document of a technology.

    ``settings`` and ``clinical_area`` are the words that people read, not stored keys; ``evidence`` holds
    (type key, text) pairs; ``source`` is where the listing comes from, if that says something.
    """
    passages = [
        ("name", name),
        ("summary", summary),
        ("intended-use", intended_use),
        *(("claims", claim) for claim in claims),
        ("replaces", replaces),
        ("category", category),
        ("settings", "; ".join(settings)),
        ("clinical-area", clinical_area),
        *((f"evidence:{key}", text) for key, text in evidence),
        ("supplier", supplier),
        ("source", source),
    ]
    return Document(
        id=id,
        kind=Kind.TECHNOLOGY,
        title=name,
        passages=_kept(passages),
        clinical_area=clinical_area,
        settings=tuple(settings),
        supplier=supplier,
        evidence_held=tuple(dict.fromkeys(key for key, _ in evidence)),
    )


def need_document(
    *,
    id: str,
    title: str,
    statement: str,
    who: str = "",
    pathway: str = "",
    outcome: str = "",
    requirements: Sequence[str] = (),
    clinical_area: str = "",
    settings: Sequence[str] = (),
    evidence_wanted: Sequence[str] = (),
) -> Document:
    """Build the document of a need.

    ``statement`` is the problem; ``who``, ``pathway`` and ``outcome`` are the answers to those questions.
    ``requirements`` are what a solution must do, in order; ``evidence_wanted`` holds evidence type keys.
    """
    musts = tuple(text for text in requirements if normalise(text))[:MAX_REQUIREMENTS]
    passages = [
        ("title", title),
        ("statement", statement),
        ("who", who),
        ("pathway", pathway),
        ("outcome", outcome),
        *((f"requirement:{number}", text) for number, text in enumerate(musts, start=1)),
        ("clinical-area", clinical_area),
        ("settings", "; ".join(settings)),
    ]
    return Document(
        id=id,
        kind=Kind.NEED,
        title=title,
        passages=_kept(passages),
        requirements=musts,
        clinical_area=clinical_area,
        settings=tuple(settings),
        evidence_wanted=tuple(dict.fromkeys(evidence_wanted)),
    )


def _kept(passages: Sequence[tuple[str, str]]) -> tuple[Passage, ...]:
    return tuple(
        Passage(source, text[:MAX_CHARACTERS]) for source, text in passages[:MAX_PASSAGES] if normalise(text)
    )


def fields(document: Document, plain: Callable[[str], str] = normalise) -> list[tuple[str, str]]:
    """Return (source, plain text) of each part of a document, in order."""
    return [(passage.source, plain(passage.text)) for passage in document.passages]


def whole_text(document: Document, plain: Callable[[str], str] = normalise) -> str:
    """Return the whole document as one plain text, each part ended like a sentence."""
    parts = [text for source, text in fields(document, plain) if source not in {"supplier", "source"}]
    return " ".join(part if part[-1] in ".!?;:" else f"{part}." for part in parts)


def quotable(document: Document) -> tuple[Passage, ...]:
    """Return the sentences of a technology that may answer a requirement, each exactly as it was written."""
    found = []
    for passage in document.passages:
        if passage.source.startswith(QUOTABLE):
            found += [Passage(passage.source, passage.text[a:b]) for a, b in sentences(passage.text)]
    return tuple(found[: MAX_PASSAGES * 2])


def told(need: Document) -> tuple[Passage, ...]:
    """Return the sentences of a need that tell what is wanted, each exactly as it was written."""
    found = []
    for passage in need.passages:
        if passage.source in TOLD or passage.source.startswith("requirement:"):
            found += [Passage(passage.source, passage.text[a:b]) for a, b in sentences(passage.text)]
    return tuple(found[: MAX_PASSAGES * 2])


def split(text: str, count_tokens: Callable[[str], int], limit: int) -> list[str]:
    """Cut normalised ``text`` on sentence borders into pieces of at most ``limit`` tokens each.

    ``count_tokens`` is the encoder's own count. A single sentence that is too long is cut between words.
    """
    if text and count_tokens(text) <= limit:
        return [text]
    pieces: list[str] = []
    current = ""
    for start, end in sentences(text):
        sentence = text[start:end]
        joined = f"{current} {sentence}".strip()
        if count_tokens(joined) <= limit:
            current = joined
            continue
        if current:
            pieces.append(current)
        *full, current = _cut(sentence, count_tokens, limit)
        pieces += full
    return [*pieces, current] if current else pieces


def _cut(sentence: str, count_tokens: Callable[[str], int], limit: int) -> list[str]:
    """Cut one sentence between words; a word that is itself too long is cut between characters."""
    pieces: list[str] = []
    rest = sentence
    while rest and count_tokens(rest) > limit:
        low, high = 1, len(rest) - 1
        while low < high:  # the longest beginning that still fits
            middle = (low + high + 1) // 2
            low, high = (middle, high) if count_tokens(rest[:middle]) <= limit else (low, middle - 1)
        space = rest.rfind(" ", 1, low + 1)
        end = space if space > 0 else low
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*pieces, rest]


def digest(document: Document, encoder_digest: str) -> str:
    """Return the hash of a document's text, this recipe and the encoder: equal means nothing to encode again."""
    content = json.dumps(
        [RECIPE_VERSION, encoder_digest, asdict(document)], sort_keys=True, ensure_ascii=True
    )
    return hashlib.sha256(content.encode()).hexdigest()
