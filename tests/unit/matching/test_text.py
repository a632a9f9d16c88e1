"""Normalising, words and sentences."""

from __future__ import annotations

import pytest

from matching.text import normalise, sentences, stems, words


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("tele\u200bhealth", "telehealth"),
        ("safe\u202etxet neddih\u202c", "safetxet neddih"),
        ("plain\U000e0041\U000e0042 text", "plain text"),
        ("ＳＤＥＣ ﬁrst", "SDEC first"),
        ("a\x00b\x07c", "abc"),
        ("  one\n\n two\t three ", "one two three"),
        ("p\u0430tient s\u0430fety", "patient safety"),
        ("диабет", "диабет"),
        ("5 μg/kg", "5 μg/kg"),
    ],
)
def test_hidden_and_look_alike_characters_leave_plain_text(written: str, plain: str) -> None:
    assert normalise(written) == plain


def test_text_beyond_the_limit_is_cut() -> None:
    assert normalise("word " * 100, limit=9) == "word word"


def test_words_keep_their_place_in_the_text() -> None:
    text = "D-dimer, in 8 minutes"
    assert [(word.text, text[word.start : word.end]) for word in words(text)] == [
        (found, found) for found in ["D", "dimer", "in", "8", "minutes"]
    ]


def test_stems_join_forms_of_a_word_and_leave_out_stop_words() -> None:
    assert stems("the midwives’ screening and screened patients") == ["midwiv", "screen", "screen", "patient"]


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = "C. diff fell by 3.5%. Dr. Shah agreed! e.g. Two wards\nNew line"
    assert [text[start:end] for start, end in sentences(text)] == [
        "C. diff fell by 3.5%.",
        "Dr. Shah agreed! e.g. Two wards",
        "New line",
    ]
