"""Must-haves of several needs, told once where they mean the same."""

from __future__ import annotations

from collections.abc import Sequence

from matching.alike import limits
from matching.asked import Asked, joint
from matching.documents import need_document
from matching.matcher import build_finder
from matching.protocols import Encoder
from matching.types import Kind
from tests.fakes.matching import HashEncoder

NEEDS = {
    "B": ("Send an alert to the nurse", "Work with no broadband"),
    "A": ("Send an alert to the nurse at night", "Be cleaned in an hour"),
    "C": ("Send a nurse an alert",),
}


def asked(ids: Sequence[str], encoder: Encoder | None = None) -> tuple[Asked, ...]:
    finder = build_finder(Kind.NEED, encoder=encoder)
    documents = [
        need_document(id=key, title=key, statement=key, requirements=list(texts))
        for key, texts in NEEDS.items()
    ]
    finder.add(finder.encode(documents))
    return joint(finder, ids, limits())


def test_what_means_the_same_is_told_once_with_who_asks_and_in_which_words() -> None:
    first, *rest = asked(["A", "B", "C"], HashEncoder(384))
    assert first == Asked(
        "Send an alert to the nurse",
        ("A", "B", "C"),
        (
            ("A", "Send an alert to the nurse at night"),
            ("B", "Send an alert to the nurse"),
            ("C", "Send a nurse an alert"),
        ),
    )
    assert [one.text for one in rest] == ["Be cleaned in an hour", "Work with no broadband"]


def test_the_order_of_the_needs_does_not_matter() -> None:
    assert asked(["C", "A", "B"], HashEncoder(384)) == asked(["A", "B", "C"], HashEncoder(384))


def test_without_a_model_words_are_compared() -> None:
    first, *_ = asked(["A", "B"])
    assert (first.text, first.by) == ("Send an alert to the nurse at night", ("A", "B"))


def test_one_need_or_none_is_told_as_it_is() -> None:
    assert asked(["C"]) == (Asked("Send a nurse an alert", ("C",), (("C", "Send a nurse an alert"),)),)
    assert asked(["X"]) == ()
