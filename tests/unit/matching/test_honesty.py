"""What of a listing counts, and what its author is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.documents import need_document, technology_document
from matching.honesty import MOST_CHARACTERS, SAME_WORD, Oddity, counted
from matching.types import Document

PLAIN = "A sensor under the mattress tells the nurse when somebody gets up at night."


def listing(summary: str = PLAIN, **more: object) -> Document:
    return technology_document(id="t", name="Nightstep", summary=summary, **more)  # type: ignore[arg-type] # by name


def summary_of(document: Document) -> str:
    return next((one.text for one in document.passages if one.source == "summary"), "")


def oddities(document: Document) -> list[Oddity]:
    return [note.oddity for note in counted(document).notes]


def test_an_honest_listing_counts_as_it_is() -> None:
    given_ = listing(
        f"{PLAIN} It works offline.\nIt costs £40 a bed, and needs no wiring.", claims=["Fewer falls"]
    )
    assert counted(given_).document is given_


def test_a_list_of_terms_does_not_count_and_the_rest_does() -> None:
    terms = (
        "Falls, frailty, delirium, stroke, sepsis, asthma, COPD, wounds, dementia, diabetes, renal, cardiac."
    )
    found = counted(listing(f"{PLAIN} {terms}"))
    assert summary_of(found.document) == PLAIN
    assert [(note.oddity, note.source, note.text) for note in found.notes] == [
        (Oddity.LIST, "summary", terms)
    ]


def test_a_list_cut_up_by_full_stops_is_a_list() -> None:
    found = counted(listing(f"{PLAIN} RTT. NCTR. SDEC. CYP. DNA. AKI. HAPU."))
    assert summary_of(found.document) == PLAIN


def test_a_sentence_counts_twice_but_not_three_times() -> None:
    again = "It is for falls in hospital."
    assert oddities(listing(f"{PLAIN} {again} {again}")) == []
    found = counted(listing(f"{PLAIN} {again} {again} {again}"))
    assert summary_of(found.document) == PLAIN
    assert [(note.oddity, note.count) for note in found.notes] == [(Oddity.REPEATED_SENTENCE, 3)]


def test_a_word_counts_only_so_often_and_its_author_is_told_how_often_it_stands() -> None:
    verbs = [
        "Counts",
        "Shows",
        "Records",
        "Foresees",
        "Explains",
        "Maps",
        "Prevents",
        "Codes",
        "Reviews",
        "Audits",
    ]
    found = counted(
        listing(" ".join(f"{verb} falls on wards of {at + 20} beds." for at, verb in enumerate(verbs)))
    )
    assert summary_of(found.document).count("falls") == SAME_WORD
    told = {note.text: note.count for note in found.notes if note.oddity is Oddity.REPEATED_WORD}
    assert told["falls"] == 10


def test_one_sentence_with_a_blank_filled_in_does_not_count() -> None:
    fields = ["stroke", "renal", "cardiac", "asthma", "wound"]
    template = " ".join(f"Busy {field} teams use it to see more people sooner." for field in fields)
    found = counted(listing(f"{PLAIN} {template}"))
    assert summary_of(found.document) == PLAIN
    assert {note.oddity for note in found.notes} == {Oddity.TEMPLATE}


def test_who_ticks_every_box_has_ticked_none() -> None:
    found = counted(listing(settings=[f"Setting {number}" for number in range(8)]))
    assert [note.oddity for note in found.notes] == [Oddity.BOXES]
    assert "settings" not in {one.source for one in found.document.passages}
    assert oddities(listing(settings=[f"Setting {number}" for number in range(7)])) == []


def test_what_stands_behind_the_limit_does_not_count() -> None:
    book = " ".join(
        f"Chapter {at} tells in plain words what ward {at} did with it in week {at * 7}." for at in range(400)
    )
    found = counted(listing(book))
    assert len(summary_of(found.document)) <= MOST_CHARACTERS
    assert Oddity.LONG in oddities(listing(book))


def test_a_need_is_read_as_it_is() -> None:
    need = need_document(id="n", title="Falls", statement="RTT. PTL. DNA. NCTR. SDEC. CYP. AKI. " * 5)
    assert counted(need).document is need


@given(st.text(max_size=400), st.lists(st.text(max_size=80), max_size=5))
def test_nothing_is_ever_added(summary: str, claims: list[str]) -> None:
    document = listing(summary or "x", claims=claims)
    found = counted(document)
    whole = [one.text for one in document.passages]
    for passage in found.document.passages:
        assert any(set(passage.text.split()) <= set(text.split()) for text in whole)
    assert bool(found.notes) == (found.document is not document)


@pytest.mark.parametrize("source", ["summary", "intended_use", "replaces"])
def test_every_question_that_is_answered_in_sentences_is_looked_at(source: str) -> None:
    again = {source: "It is for falls in hospital. " * 3}
    assert oddities(listing(**{"summary": PLAIN, **again})) == [Oddity.REPEATED_SENTENCE]  # type: ignore[arg-type] # by name
