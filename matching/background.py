"""Texts that are shipped so that scores have something to stand against, whatever the register holds.

A few hundred fictional needs and technologies (``data/background.jsonl``) say how rare words are, what all texts of a
kind have in common, and how any text scores with others that it was not meant for. A pair is then judged by how
far it stands above what its two sides have with anybody: that takes out texts that are near everything (hubs),
and makes scores independent of how many documents are registered.

``python -m matching.background`` makes ``data/background.npz`` again with the packaged model, after a change of the
texts, the glossary or the recipe.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from matching import glossary as glossaries
from matching.coverage import CoverageIndex, Language, Said, said
from matching.documents import need_document, technology_document, whole_text
from matching.glossary import Glossary
from matching.late import Batch, Lens
from matching.lexical import Floats
from matching.protocols import Encoder, TokenEncoder
from matching.settings import MatcherSettings
from matching.terms import document_terms
from matching.types import Document, Kind, Vectors

DIRECTIONS = 96
COMPARED = {Kind.NEED: 98, Kind.TECHNOLOGY: 120}
"""How many texts of each kind others are compared with; all of them count for the rarity of words."""

SIGNALS = 5
"""Words there, words back, meaning, tokens there, tokens back: the order everywhere."""

Standing = npt.NDArray[np.float32]
"""Mean and spread of each signal with texts not meant for this one, shape (SIGNALS, 2); NaN where it has none."""


@lru_cache(maxsize=1)
def texts() -> Mapping[Kind, tuple[Document, ...]]:
    """Return the shipped documents of each kind."""
    found: dict[Kind, list[Document]] = {Kind.NEED: [], Kind.TECHNOLOGY: []}
    content = resources.files("matching").joinpath("data/background.jsonl").read_text(encoding="utf-8")
    for row in map(json.loads, content.splitlines()):
        if row["kind"] == Kind.NEED:
            found[Kind.NEED].append(
                need_document(
                    id=row["id"],
                    title=row["title"],
                    statement=row["statement"],
                    requirements=row["requirements"],
                    clinical_area=row["clinical_area"],
                )
            )
        else:
            found[Kind.TECHNOLOGY].append(
                technology_document(
                    id=row["id"],
                    name=row["name"],
                    supplier=row["supplier"],
                    summary=row["summary"],
                    category=row["category"],
                    settings=(row["setting"],),
                )
            )
    return {kind: tuple(documents) for kind, documents in found.items()}


def compared(kind: Kind) -> Sequence[Document]:
    """Return the shipped documents of one kind that others are compared with, spread over all of them."""
    documents = texts()[kind]
    return [documents[at * len(documents) // COMPARED[kind]] for at in range(COMPARED[kind])]


@dataclass(frozen=True)
class WordsBackground:
    """What can be told of words without any encoder."""

    language: Language
    index: Mapping[Kind, CoverageIndex]

    @staticmethod
    @lru_cache(maxsize=16)
    def of(settings: MatcherSettings) -> WordsBackground:
        """Count the shipped texts by the given settings."""
        book = glossaries.load(settings.related) if settings.glossary else None
        terms = {
            kind: [document_terms(one, book, settings) for one in given] for kind, given in texts().items()
        }
        language = Language(
            texts={kind: len(found) for kind, found in terms.items()},
            having={kind: Counter(term for one in found for term in one) for kind, found in terms.items()},
            mean_length={
                kind: sum(sum(one.values()) for one in found) / len(found) for kind, found in terms.items()
            },
        )
        index = {}
        for kind, found in terms.items():
            by_id = dict(zip((one.id for one in texts()[kind]), found, strict=True))
            index[kind] = CoverageIndex()
            index[kind].upsert(
                [
                    (one.id, said(by_id[one.id], kind, language, settings.k1, settings.b))
                    for one in compared(kind)
                ]
            )
        return WordsBackground(language, index)


@dataclass(frozen=True)
class MeaningBackground:
    """What the vectors of shipped texts have in common, by one encoder; ``lens`` is None without tokens."""

    means: Mapping[Kind, Floats]
    vectors: Mapping[Kind, Vectors]
    lens: Lens | None
    tokens: Mapping[Kind, Batch]


_made: dict[tuple[str, bool], MeaningBackground] = {}


def meaning_background(encoder: Encoder, settings: MatcherSettings) -> MeaningBackground:
    """Return what is shipped for the packaged model; for another encoder encode the texts, once in a process.

    Raises `matching.errors.EncoderUnavailable`.
    """
    key = (encoder.digest, settings.glossary)
    if key not in _made:
        _made[key] = _shipped(encoder) or _encoded(encoder, settings)
    return _made[key]


def spelled_out(document: Document, book: Glossary | None) -> str:
    """Return the whole text of a document as the encoder reads it: abbreviations with what they stand for."""
    text = whole_text(document)
    return text if book is None else book.spell_out(text)


def _shipped(encoder: Encoder) -> MeaningBackground | None:
    """Return what is shipped for the packaged model; without the glossary too, which changes its texts a little."""
    file = resources.files("matching").joinpath("data/background.npz")
    if not file.is_file():
        return None
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
        if str(kept["encoder"]) != encoder.digest or str(kept["content"]) != content_digest():
            return None
    with file.open("rb") as stream:
        return _read(stream)


def _read(stream: IO[bytes]) -> MeaningBackground:
    with np.load(stream, allow_pickle=False) as kept:
        lens = Lens(
            {kind: kept[f"{kind}_token_mean"] for kind in Kind},
            kept["directions"].astype(np.float32),
            {kind: _rarity(kept[f"{kind}_pieces_having"], int(kept[f"{kind}_texts"])) for kind in Kind},
        )
        tokens = {
            kind: Batch(
                kept[f"{kind}_pieces"],
                kept[f"{kind}_tokens"],
                kept[f"{kind}_starts"],
            )
            for kind in Kind
        }
        return MeaningBackground(
            {kind: kept[f"{kind}_mean"] for kind in Kind},
            {kind: kept[f"{kind}_vectors"].astype(np.float32) for kind in Kind},
            lens,
            tokens,
        )


def _rarity(having: npt.NDArray[np.uint16], count: int) -> Floats:
    return np.log1p((count - having + 0.5) / (having + 0.5)).astype(np.float32)


def _encoded(encoder: Encoder, settings: MatcherSettings) -> MeaningBackground:
    book = glossaries.load(settings.related) if settings.glossary else None
    if isinstance(encoder, TokenEncoder):
        made = BytesIO()
        build(encoder, made, book)
        made.seek(0)
        return _read(made)
    vectors = {
        kind: encoder.encode_documents([spelled_out(one, book) for one in compared(kind)]) for kind in Kind
    }
    return MeaningBackground({kind: rows.mean(axis=0) for kind, rows in vectors.items()}, vectors, None, {})


@lru_cache(maxsize=1)
def content_digest() -> str:
    """Return the hash of the shipped texts and the glossary: what is made from them is made again if it changes."""
    found = hashlib.sha256()
    for name in ("background.jsonl", "glossary.csv"):
        found.update(resources.files("matching").joinpath(f"data/{name}").read_bytes())
    return found.hexdigest()


LEAST_SPREAD = np.array([0.01, 0.01, 0.05, 0.01, 0.01], dtype=np.float32)
LEAST_SPREAD_TYPED = np.array([0.05, 0.05, 0.08, 0.04, 0.04], dtype=np.float32)
"""Spread that each signal is taken to have at least: few words that no shipped text says have none by chance."""


def standing(values: Sequence[Floats | None], *, typed: bool = False) -> Standing:
    """Return mean and spread of each signal over texts not meant for the asker."""
    least = LEAST_SPREAD_TYPED if typed else LEAST_SPREAD
    found = np.full((SIGNALS, 2), np.nan, dtype=np.float32)
    for at, signal in enumerate(values):
        if signal is not None and len(signal):
            found[at] = signal.mean(), max(float(signal.std()), float(least[at]))
    return found


def words_against(asker: Said, kind: Kind, background: WordsBackground) -> tuple[Floats, Floats]:
    """Return the two word signals of an asker with every compared text of ``kind``."""
    index = background.index[kind]
    return index.coverage(asker, index.snapshot())


def build(encoder: Encoder, file: Path | IO[bytes], book: Glossary | None) -> None:
    """Encode the shipped texts, read with ``book``, and write what the matcher needs of them."""
    if not isinstance(encoder, TokenEncoder):
        raise TypeError("only an encoder that gives tokens needs a file")
    kept: dict[str, object] = {"encoder": encoder.digest, "content": content_digest()}
    rows = {
        kind: encoder.encode_tokens([spelled_out(one, book) for one in given])
        for kind, given in texts().items()
    }
    means, centred = {}, []
    for kind, (wholes, tokens) in rows.items():
        kept[f"{kind}_mean"] = wholes.mean(axis=0)
        means[kind] = kept[f"{kind}_token_mean"] = np.concatenate([one.vectors for one in tokens]).mean(
            axis=0
        )
        centred += [one.vectors - means[kind] for one in tokens]
    stacked = np.concatenate(centred)
    stacked /= np.linalg.norm(stacked, axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(stacked.T @ stacked)
    directions = np.ascontiguousarray(vectors[:, np.argsort(-values)[:DIRECTIONS]]).astype(np.float16)
    kept["directions"] = directions
    rarity = {}
    for kind, (_, tokens) in rows.items():
        having = np.zeros(2**16, dtype=np.uint16)
        for one in tokens:
            having[np.unique(one.pieces)] += 1
        kept[f"{kind}_pieces_having"], kept[f"{kind}_texts"] = having, len(tokens)
        rarity[kind] = _rarity(having, len(tokens))
    lens = Lens(means, directions.astype(np.float32), rarity)
    for kind, (wholes, tokens) in rows.items():
        places = {one.id: at for at, one in enumerate(texts()[kind])}
        chosen = [places[one.id] for one in compared(kind)]
        reduced = [lens.reduce([tokens[at]], kind) for at in chosen]
        kept[f"{kind}_vectors"] = wholes[chosen].astype(np.float16)
        kept[f"{kind}_starts"] = np.cumsum([0, *(len(one.pieces) for one in reduced[:-1])])
        kept[f"{kind}_pieces"] = np.concatenate([one.pieces for one in reduced])
        kept[f"{kind}_tokens"] = np.concatenate([one.vectors for one in reduced])
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in kept.items()}
    np.savez_compressed(file, **arrays)


def main() -> int:
    """Make ``data/background.npz`` again."""
    from matching.adapters.sentence_encoder import SentenceEncoder

    file = Path(__file__).parent / "data" / "background.npz"
    build(SentenceEncoder(), file, glossaries.load(MatcherSettings().related))
    print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
