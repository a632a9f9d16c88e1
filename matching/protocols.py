"""The few shapes that the parts of the matcher agree on; adapters and fakes implement them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from matching.types import Document, Encoded, Hit, Results, TokenRows, Vector, Vectors


class Encoder(Protocol):
    """Turns text into vectors. Its name, dimension and weights digest are stored beside each vector."""

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def digest(self) -> str: ...

    def encode_documents(self, texts: Sequence[str]) -> Vectors: ...
    def encode_queries(self, texts: Sequence[str]) -> Vectors: ...


@runtime_checkable
class TokenCounter(Protocol):
    """An encoder may also say how it counts; without it lengths are guessed from characters, on the safe side."""

    @property
    def max_tokens(self) -> int: ...

    def count_tokens(self, text: str) -> int: ...


@runtime_checkable
class WordKnower(Protocol):
    """An encoder that can tell whether a word is one that it learnt as a whole."""

    def knows_word(self, word: str) -> bool: ...


@runtime_checkable
class TokenEncoder(Protocol):
    """An encoder may also give the vectors of single tokens, from the same pass as that of the whole text."""

    def encode_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[TokenRows]]: ...


class VectorIndex(Protocol):
    """Nearest vectors by inner product. Ids are ours; best first, ties by id; never padded; upsert replaces."""

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None: ...
    def remove(self, ids: Sequence[str]) -> None: ...
    def search(self, vector: Vector, limit: int, among: Collection[str] | None = None) -> list[Hit]: ...
    def __len__(self) -> int: ...


class LexicalIndex(Protocol):
    """Best documents by their words. Same habits as `VectorIndex`."""

    def upsert(self, documents: Sequence[tuple[str, str]]) -> None: ...
    def remove(self, ids: Sequence[str]) -> None: ...
    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> list[Hit]: ...
    def __len__(self) -> int: ...


class Finder(Protocol):
    """What the service holds: one for technologies, one for needs. `matching.matcher.Matcher` is the real one.

    Safe to read from several threads while one thread adds or forgets.
    """

    def encode(self, documents: Sequence[Document]) -> list[Encoded]:
        """Split into passages and encode; the slow step, done by the worker and stored."""
        ...

    def add(self, encoded: Sequence[Encoded]) -> None:
        """Put encoded documents into the indexes in memory, replacing those with the same id."""
        ...

    def forget(self, ids: Sequence[str]) -> None:
        """Drop documents; unknown ids are ignored."""
        ...

    def match(self, asker: Document | Encoded, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for one on the other side; an `Encoded` asker is not encoded again."""
        ...

    def search(self, text: str, limit: int, among: Collection[str] | None = None) -> Results:
        """Rank this finder's documents for what a person typed."""
        ...
