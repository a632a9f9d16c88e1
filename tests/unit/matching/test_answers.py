"""An answer is given again only while the index stands as it did."""

from __future__ import annotations

from collections.abc import Callable

from marketplace.matches.answers import ANSWERS_MOST, Answers
from matching.types import Results


def counting(asked: list[int], results: Results | None = None) -> Callable[[], Results]:
    def ask() -> Results:
        asked.append(1)
        return results or Results(())

    return ask


def test_what_was_asked_at_this_state_is_not_asked_again() -> None:
    answers, asked = Answers(), list[int]()
    first = answers.of(7, "need", counting(asked))
    assert answers.of(7, "need", counting(asked)) is first
    answers.of(7, "another need", counting(asked))
    assert len(asked) == 2


def test_at_another_state_everything_is_asked_anew_also_at_an_earlier_one() -> None:
    answers, asked = Answers(), list[int]()
    for seen in (7, 8, 7):
        answers.of(seen, "need", counting(asked))
    assert len(asked) == 3


def test_what_the_index_took_in_while_it_was_asked_is_not_answered_as_if_it_were_known() -> None:
    answers, asked = Answers(), list[int]()

    def slow() -> Results:
        answers.of(8, "another need", counting(asked))  # meanwhile somebody asks at a later state
        return Results(())

    answers.of(7, "need", slow)
    answers.of(8, "need", counting(asked))
    assert len(asked) == 2


def test_what_was_found_by_words_alone_is_asked_again() -> None:
    answers, asked = Answers(), list[int]()
    for _ in range(2):
        answers.of(7, "need", counting(asked, Results((), degraded=True)))
    assert len(asked) == 2


def test_only_the_last_ones_are_kept() -> None:
    answers, asked = Answers(), list[int]()
    answers.of(7, "first", counting([]))
    answers.of(7, "second", counting([]))
    for number in range(ANSWERS_MOST - 1):
        answers.of(7, "first", counting(asked))
        answers.of(7, number, counting([]))
    answers.of(7, "first", counting(asked))
    assert not asked
    answers.of(7, "second", counting(asked))
    assert len(asked) == 1
