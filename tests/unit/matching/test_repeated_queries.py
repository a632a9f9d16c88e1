"""What was typed before is not encoded again, and what is remembered is bounded."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from matching.adapters.numpy_index import NumpyIndex
from matching.documents import technology_document
from matching.matcher import REMEMBERED, Matcher
from matching.types import Kind, Vectors
from tests.fakes.matching import HashEncoder


class CountingEncoder(HashEncoder):
    """Counts the texts that it is asked to encode."""

    def __init__(self) -> None:
        super().__init__(8)
        self.encoded: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        return super().encode_documents(texts)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
def finder(encoder: CountingEncoder) -> Matcher:
    finder = Matcher(Kind.TECHNOLOGY, encoder, NumpyIndex(8))
    finder.add(
        finder.encode([technology_document(id="t", name="Nightlight", summary="A mat that tells of falls.")])
    )
    finder.search("warm", 5)
    encoder.encoded.clear()
    return finder


def test_a_repeated_query_is_encoded_once_also_to_quote_from_what_it_found(
    finder: Matcher, encoder: CountingEncoder
) -> None:
    first = finder.search("falls at night", 5)
    assert finder.search("  falls at   night ", 5) == first
    finder.quote("falls at night", ["t"])
    assert encoder.encoded == ["falls at night"]


def test_only_so_many_queries_are_remembered(finder: Matcher, encoder: CountingEncoder) -> None:
    finder.search("falls at night", 5)
    for number in range(REMEMBERED):
        finder.search(f"question {number}", 5)
    finder.search("falls at night", 5)
    assert encoder.encoded.count("falls at night") == 2
    assert len(encoder.encoded) == REMEMBERED + 2
