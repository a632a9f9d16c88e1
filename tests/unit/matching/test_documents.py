"""The text recipe."""

from __future__ import annotations

from matching.documents import (
    MAX_REQUIREMENTS,
    digest,
    fields,
    need_document,
    quotable,
    split,
    technology_document,
    whole_text,
)
from matching.types import Kind, Passage


def test_a_technology_keeps_its_parts_exactly_and_leaves_out_empty_ones() -> None:
    made = technology_document(
        id="t1",
        name="Rapid\u200bot",
        supplier="Corvane",
        summary="Reads D-dimer.  In 8 minutes.",
        claims=["Fewer scans", "  "],
        settings=("Outpatient clinic", "Community pharmacy"),
        evidence=[("dtac", "Passed DTAC"), ("dtac", "Renewed")],
    )
    assert made.kind is Kind.TECHNOLOGY
    assert made.passages == (
        Passage("name", "Rapid\u200bot"),
        Passage("summary", "Reads D-dimer.  In 8 minutes."),
        Passage("claims", "Fewer scans"),
        Passage("settings", "Outpatient clinic; Community pharmacy"),
        Passage("evidence:dtac", "Passed DTAC"),
        Passage("evidence:dtac", "Renewed"),
        Passage("supplier", "Corvane"),
    )
    assert made.evidence_held == ("dtac",)
    assert fields(made)[0] == ("name", "Rapidot")


def test_a_need_numbers_its_requirements_from_one_and_holds_at_most_so_many() -> None:
    made = need_document(
        id="n1", title="Jaundice", statement="Readmissions.", requirements=["", "All skin tones", *["x"] * 40]
    )
    assert made.requirements[0] == "All skin tones"
    assert len(made.requirements) == MAX_REQUIREMENTS
    assert [passage.source for passage in made.passages[:3]] == ["title", "statement", "requirement:1"]


def test_the_whole_text_names_neither_supplier_nor_source() -> None:
    made = technology_document(
        id="t", name="Glow", supplier="Northfell", summary="Light at home", source="Listing"
    )
    assert whole_text(made) == "Glow. Light at home."


def test_quotable_sentences_are_exact_pieces_of_what_was_written() -> None:
    made = technology_document(
        id="t", name="Glow", supplier="Northfell", summary="Light  at home. No\u200b crib."
    )
    assert [passage.text for passage in quotable(made)] == ["Light  at home.", "No\u200b crib."]


def test_a_text_is_cut_on_sentence_borders_and_long_sentences_between_words() -> None:
    def count(text: str) -> int:
        return len(text.split())

    text = "One two three. Four five. Six seven eight nine ten eleven. End"
    assert split(text, count, 5) == ["One two three. Four five.", "Six seven eight nine ten", "eleven. End"]


def test_a_word_longer_than_the_limit_is_cut_and_nothing_is_lost() -> None:
    assert "".join(split("x" * 50, len, 8)) == "x" * 50
    assert all(len(piece) <= 8 for piece in split("x" * 50, len, 8))


def test_the_digest_changes_with_text_and_with_encoder() -> None:
    one = technology_document(id="t", name="Glow", summary="Light")
    other = technology_document(id="t", name="Glow", summary="Light!")
    assert digest(one, "model-a") == digest(one, "model-a")
    assert len({digest(one, "model-a"), digest(other, "model-a"), digest(one, "model-b")}) == 3
