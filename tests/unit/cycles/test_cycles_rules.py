"""Which dates do for a cycle, which may still be moved, and how answers are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from marketplace.cycles import rules
from marketplace.cycles.rules import Answer, CycleError, News, Show, Tally
from marketplace.needs.rounds import Round
from marketplace.organisations.models import Kind

SPRING = Round(
    name="Spring",
    opens_on=date(2027, 3, 1),
    reminds_on=date(2027, 4, 12),
    locks_on=date(2027, 4, 30),
    closes_on=date(2027, 8, 31),
)
AUTUMN = Round(
    name="Autumn",
    opens_on=date(2027, 9, 1),
    reminds_on=date(2027, 10, 1),
    locks_on=date(2027, 10, 31),
    closes_on=date(2028, 2, 28),
)


@pytest.mark.parametrize("name", ["", "x" * 61])
def test_a_cycle_has_a_name_within_its_limit(name: str) -> None:
    with pytest.raises(CycleError) as refused:
        rules.check_name(name)
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("reminds_on", date(2027, 3, 1), "The reminder must come after the first day"),
        ("locks_on", date(2027, 4, 11), "The last day for answers must not come before the reminder"),
        ("closes_on", date(2027, 4, 29), "The cycle must not close before its last day for answers"),
    ],
)
def test_the_dates_of_a_cycle_come_one_after_the_other(field: str, value: date, message: str) -> None:
    with pytest.raises(CycleError) as refused:
        rules.check_order(replace(SPRING, **{field: value}))
    assert (refused.value.message, refused.value.field) == (message, field)


def test_the_reminder_the_lock_and_the_end_may_fall_on_one_day() -> None:
    day = date(2027, 3, 2)
    rules.check_order(replace(SPRING, reminds_on=day, locks_on=day, closes_on=day))


@pytest.mark.parametrize(
    ("opens", "closes", "field"),
    [
        (date(2027, 8, 31), date(2027, 12, 1), "opens_on"),
        (date(2027, 5, 1), date(2027, 6, 1), "opens_on"),
        (date(2027, 1, 1), date(2027, 3, 1), "closes_on"),
        (date(2027, 1, 1), date(2028, 1, 1), "closes_on"),
    ],
)
def test_a_cycle_that_overlaps_with_another_is_told_which(opens: date, closes: date, field: str) -> None:
    with pytest.raises(CycleError) as refused:
        rules.check_apart(replace(AUTUMN, opens_on=opens, closes_on=closes), [SPRING])
    assert refused.value.field == field
    assert refused.value.message == "Cycles must not overlap: Spring runs from 1 March 2027 to 31 August 2027"


def test_a_cycle_may_open_on_the_day_after_another_closed() -> None:
    rules.check_apart(AUTUMN, [SPRING])


def test_a_new_cycle_does_not_begin_in_the_past() -> None:
    rules.check_new(SPRING, date(2027, 3, 1))
    with pytest.raises(CycleError, match="today or later"):
        rules.check_new(SPRING, date(2027, 3, 2))


@pytest.mark.parametrize(
    ("today", "free"),
    [
        (date(2027, 2, 28), {"opens_on", "reminds_on", "locks_on", "closes_on"}),
        (date(2027, 3, 1), {"reminds_on", "locks_on", "closes_on"}),
        (date(2027, 4, 12), {"locks_on", "closes_on"}),
        (date(2027, 4, 30), {"locks_on", "closes_on"}),
        (date(2027, 5, 1), {"closes_on"}),
        (date(2027, 8, 31), {"closes_on"}),
        (date(2027, 9, 1), set()),
    ],
)
def test_a_first_day_passes_in_the_morning_and_a_last_day_at_its_end(today: date, free: set[str]) -> None:
    assert rules.movable(SPRING, today) == free


@pytest.mark.parametrize(
    ("today", "changes", "field", "message"),
    [
        (date(2027, 3, 1), {"opens_on": date(2027, 3, 5)}, "opens_on", "has passed, so it stays 1 March 2027"),
        (date(2027, 4, 12), {"reminds_on": date(2027, 4, 20)}, "reminds_on", "has passed"),
        (date(2027, 5, 1), {"locks_on": date(2027, 5, 9)}, "locks_on", "has passed, so it stays 30 April 2027"),
        (date(2027, 4, 20), {"locks_on": date(2027, 4, 19)}, "locks_on", "must be today or later"),
        (date(2027, 4, 20), {"name": "Other"}, "name", "People know it by this name"),
        (date(2027, 9, 1), {"closes_on": date(2027, 9, 9)}, "", "It is history"),
    ],
)  # fmt: skip
def test_what_has_passed_stays_and_nothing_moves_into_the_past(
    today: date, changes: dict[str, date | str], field: str, message: str
) -> None:
    with pytest.raises(CycleError, match=message) as refused:
        rules.check_moves(SPRING, replace(SPRING, **changes), today)
    assert refused.value.field == field


def test_what_lies_ahead_may_be_moved() -> None:
    later = replace(SPRING, locks_on=date(2027, 5, 14), closes_on=date(2027, 8, 1))
    rules.check_moves(SPRING, later, date(2027, 4, 30))


@pytest.mark.parametrize(
    ("last", "taken", "place"),
    [(2, [], 2), (2, [1, 3], 2), (2, [2], 1), (1, [1], 2), (3, [1, 3], 2), (None, [1], 2), (1, [1, 2, 3], None)],
)  # fmt: skip
def test_a_confirmed_need_keeps_its_place_or_gets_the_next_that_is_free(
    last: int | None, taken: list[int], place: int | None
) -> None:
    assert rules.place_for(last, taken) == place


@pytest.mark.parametrize(
    ("today", "news"),
    [
        (date(2027, 2, 28), None),
        (date(2027, 3, 1), News.OPENED),
        (date(2027, 3, 7), News.OPENED),
        (date(2027, 3, 8), None),
        (date(2027, 4, 11), None),
        (date(2027, 4, 12), News.REMINDER),
        (date(2027, 4, 30), News.REMINDER),
        (date(2027, 5, 1), None),
    ],
)
def test_leads_are_told_in_the_first_week_and_from_the_reminder_to_the_lock(
    today: date, news: News | None
) -> None:
    assert rules.news_due(SPRING, today) is news


def test_a_reminder_in_the_first_week_replaces_the_news_of_the_opening() -> None:
    hasty = replace(SPRING, reminds_on=SPRING.opens_on + timedelta(days=1))
    assert rules.news_due(hasty, date(2027, 3, 2)) is News.REMINDER


ANSWERS = [
    Answer("RWE", "Leicester Trust", Kind.TRUST, "Y60", "Midlands", 0),
    Answer("RX1", "Nottingham Trust", Kind.TRUST, "Y60", "Midlands", 2),
    Answer("QE1", "Lancashire ICB", Kind.ICB, "Y62", "North West", 3),
    Answer("hin-east", "HIN East", Kind.HIN, "", "", 1),
]


def test_who_named_at_least_one_need_has_answered() -> None:
    assert rules.tally(ANSWERS) == Tally(3, 4)
    assert rules.tally([]) == Tally(0, 0)


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"show": Show.UNFINISHED}, ["RWE", "RX1", "hin-east"]),
        ({"show": Show.NONE}, ["RWE"]),
        ({"show": Show.PARTLY}, ["RX1", "hin-east"]),
        ({"show": Show.THREE}, ["QE1"]),
        ({"show": Show.ALL}, ["RWE", "RX1", "QE1", "hin-east"]),
        ({"show": Show.ALL, "kind": Kind.TRUST}, ["RWE", "RX1"]),
        ({"show": Show.ALL, "region": "Y62"}, ["QE1"]),
        ({"show": Show.ALL, "text": "TRUST nott"}, ["RX1"]),
        ({"show": Show.ALL, "text": "rwe"}, ["RWE"]),
        ({"show": Show.NONE, "text": "lancashire"}, []),
    ],
)
def test_the_list_shows_who_is_asked_for(asked: dict[str, object], codes: list[str]) -> None:
    assert [one.code for one in rules.chosen(ANSWERS, **asked)] == codes  # type: ignore[arg-type] # by keyword
