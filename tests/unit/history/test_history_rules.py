"""Which day is meant, which rounds made its board, and what a need's place was on it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from marketplace import clock
from marketplace.history import rules
from marketplace.history.rules import NoSuchDay
from marketplace.needs.rounds import Round

TODAY, FIRST = date(2026, 11, 22), date(2026, 1, 5)


def round_(opens: date, locks: date, closes: date) -> Round:
    return Round(name="A round", opens_on=opens, reminds_on=opens, locks_on=locks, closes_on=closes)


@pytest.mark.parametrize("text", ["2026-02-30", "yesterday", "", "31-03-2026", "2026-13-01", "٢٠٢٦-٠١-٠١"])
def test_an_address_that_names_no_day_is_told_so(text: str) -> None:
    with pytest.raises(NoSuchDay) as caught:
        rules.read_day(text)
    assert "such as 2026-03-31" in caught.value.message


@pytest.mark.parametrize(
    ("day", "first", "words"),
    [
        (date(2026, 11, 23), FIRST, "That day lies in the future."),
        (date(2026, 1, 4), FIRST, "on 5 January 2026. There is nothing to read before."),
        (TODAY, None, "Nothing has been published here yet"),
    ],
)
def test_a_day_without_anything_to_read_is_told_with_its_reason(
    day: date, first: date | None, words: str
) -> None:
    with pytest.raises(NoSuchDay) as caught:
        rules.check_day(day, TODAY, first)
    assert words in caught.value.message


def test_today_and_the_first_day_can_be_read() -> None:
    for day in (TODAY, FIRST):
        rules.check_day(day, TODAY, FIRST)
    assert rules.read_day("2026-03-31") == date(2026, 3, 31)


def test_a_day_ends_at_midnight_in_england() -> None:
    assert clock.end_of(date(2026, 1, 5)) == datetime(2026, 1, 6, tzinfo=UTC)
    assert clock.end_of(date(2026, 3, 31)) == datetime(2026, 3, 31, 23, tzinfo=UTC)
    # The day on which the clocks go forward has 23 hours.
    begins, ends = (clock.end_of(date(2026, 3, day)) for day in (28, 29))
    assert (ends - begins).total_seconds() == 23 * 3600


SPRING = round_(date(2026, 1, 10), date(2026, 2, 28), date(2026, 4, 30))
AUTUMN = round_(date(2026, 9, 1), date(2026, 10, 31), date(2026, 12, 31))
ROUNDS = [(1, SPRING), (2, AUTUMN)]


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        (date(2026, 1, 9), []),
        (date(2026, 1, 10), [1]),
        (date(2026, 8, 31), [1]),
        (date(2026, 9, 1), [2, 1]),
        (date(2026, 10, 31), [2, 1]),
        (date(2026, 11, 1), [2]),
        (date(2027, 5, 1), [2]),
    ],
)
def test_the_latest_round_makes_the_board_and_while_it_is_open_the_one_before_too(
    day: date, wanted: list[int]
) -> None:
    assert rules.rounds_on(ROUNDS, day) == wanted
    assert rules.rounds_on(list(reversed(ROUNDS)), day) == wanted


def test_a_place_of_the_latest_round_goes_before_one_of_the_round_before() -> None:
    places = {(5, 1): [70, 71], (5, 2): [71, 0, 72]}
    assert rules.place_of(71, 5, [2, 1], places) == (2, 1)
    assert rules.place_of(72, 5, [2, 1], places) == (2, 3)
    assert rules.place_of(70, 5, [2, 1], places) == (1, 1)


def test_a_place_counts_for_its_owner_alone_and_for_rounds_that_count() -> None:
    places = {(5, 1): [70], (6, 2): [70]}
    assert rules.place_of(70, 5, [2], places) is None
    assert rules.place_of(70, 6, [2], places) == (2, 1)
    assert rules.place_of(70, 7, [2, 1], places) is None
