from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marketplace.reviews.rules import Line, Mark, Pair, Piece, compare_lists, compare_texts


def text_of(line: Line) -> str:
    return "".join(piece.text for piece in line)


def test_only_the_words_that_differ_are_marked() -> None:
    pair = compare_texts("Fewer falls in 12 months.", "Fewer falls in 9 months.")
    assert pair.old == (Piece("Fewer falls in "), Piece("12 ", Mark.REMOVED), Piece("months."))
    assert pair.new == (Piece("Fewer falls in "), Piece("9 ", Mark.ADDED), Piece("months."))


def test_an_answer_that_was_empty_is_added_whole() -> None:
    assert compare_texts("", "33 in 100") == Pair((), (Piece("33 in 100", Mark.ADDED),))
    assert compare_texts("33 in 100", "") == Pair((Piece("33 in 100", Mark.REMOVED),), ())


def test_texts_with_next_to_nothing_in_common_are_not_made_a_riddle() -> None:
    pair = compare_texts("Nurses cannot find pumps on the ward", "Families wait for the result of a scan")
    assert pair == Pair(
        (Piece("Nurses cannot find pumps on the ward", Mark.REMOVED),),
        (Piece("Families wait for the result of a scan", Mark.ADDED),),
    )


def test_a_change_of_white_space_alone_is_no_change_of_words() -> None:
    pair = compare_texts("One line\nand another", "One line and another")
    assert {piece.mark for piece in (*pair.old, *pair.new)} == {Mark.SAME}


def test_items_of_a_list_stand_beside_what_they_became() -> None:
    pairs = compare_lists(
        ["Work without wifi", "Tell staff within 5 minutes"],
        ["Work without wifi", "Tell staff within 2 minutes", "Work in the dark"],
    )
    assert pairs == [
        Pair((Piece("Work without wifi"),), (Piece("Work without wifi"),)),
        Pair(
            (Piece("Tell staff within "), Piece("5 ", Mark.REMOVED), Piece("minutes")),
            (Piece("Tell staff within "), Piece("2 ", Mark.ADDED), Piece("minutes")),
        ),
        Pair((), (Piece("Work in the dark", Mark.ADDED),)),
    ]


def test_an_item_that_went_leaves_its_side_empty() -> None:
    assert compare_lists(["First", "Second"], ["Second"]) == [
        Pair((Piece("First", Mark.REMOVED),), ()),
        Pair((Piece("Second"),), (Piece("Second"),)),
    ]


texts = st.text(st.sampled_from("ab c\n."), max_size=60)


@given(texts, texts)
def test_each_side_holds_its_whole_text_and_no_word_of_the_other(old: str, new: str) -> None:
    pair = compare_texts(old, new)
    assert (text_of(pair.old), text_of(pair.new)) == (old, new)
    assert Mark.ADDED not in {piece.mark for piece in pair.old}
    assert Mark.REMOVED not in {piece.mark for piece in pair.new}


@given(texts)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    pair = compare_texts(text, text)
    assert {piece.mark for piece in (*pair.old, *pair.new)} <= {Mark.SAME}
