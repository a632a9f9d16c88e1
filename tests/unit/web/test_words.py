from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from marketplace.web import words
from marketplace.web.forms import mixed_word


def test_a_moment_is_dated_by_the_clocks_in_england() -> None:
    late = datetime(2027, 7, 3, 23, 30, tzinfo=UTC)
    assert words.day(late) == "4 July 2027"
    assert words.moment(late) == "4 July 2027 at 12:30am"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (datetime(2027, 3, 3, 9, tzinfo=UTC), "today"),
        (datetime(2027, 3, 2, 9, tzinfo=UTC), "yesterday"),
        (datetime(2027, 2, 20, 9, tzinfo=UTC), "11 days ago"),
        (datetime(2027, 1, 1, 9, tzinfo=UTC), "on 1 January 2027"),
    ],
)
def test_how_long_ago_is_told_in_days_and_then_as_a_date(when: datetime, said: str) -> None:
    assert words.ago(when, date(2027, 3, 3)) == said


def test_numbers_carry_their_thing() -> None:
    assert [words.count(n, "need") for n in (0, 1, 1200)] == ["0 needs", "1 need", "1,200 needs"]
    assert words.count(2, "person", "people") == "2 people"


def test_lists_read_as_in_a_sentence() -> None:
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"], "or") == "a, b or c"


@pytest.mark.parametrize("text", ["p\u0430tient flow", "\uff21BC", "c\u03bfst", "\U0001d400bc"])
def test_a_word_with_letters_that_look_like_others_is_found(text: str) -> None:
    assert mixed_word(text) in text.split()


@pytest.mark.parametrize("text", ["TNFα and 5μg", "naïve café", "Сибирь", "β-blocker", "x²"])
def test_honest_words_of_any_alphabet_are_left_alone(text: str) -> None:
    assert mixed_word(text) == ""
