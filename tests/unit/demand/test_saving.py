from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.demand import saving
from marketplace.demand.saving import Frequency, News
from marketplace.errors import DomainError
from marketplace.needs.rules import NeedContent, Wanted
from marketplace.vocabulary import EvidenceType, Timing
from tests.factories.needs import COMPLETE

LONG = (
    "Residents fall at night in their own rooms and nobody sees it until the morning round, so that they lie on the "
    "floor for hours and are taken to hospital cold, dehydrated and frightened."
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "daily", "weekly"),
    [
        # In summer seven o'clock in England is six by UTC, in winter seven.
        ("2026-10-24T05:59", date(2026, 10, 23), date(2026, 10, 19)),
        ("2026-10-24T06:00", date(2026, 10, 24), date(2026, 10, 19)),
        ("2026-10-25T06:59", date(2026, 10, 24), date(2026, 10, 19)),
        ("2026-10-25T07:00", date(2026, 10, 25), date(2026, 10, 19)),
        ("2026-10-26T06:59", date(2026, 10, 25), date(2026, 10, 19)),
        ("2026-10-26T07:00", date(2026, 10, 26), date(2026, 10, 26)),
        # The clocks go forward.
        ("2027-03-28T06:00", date(2027, 3, 28), date(2027, 3, 22)),
        ("2027-03-29T05:59", date(2027, 3, 28), date(2027, 3, 22)),
        ("2027-03-29T06:00", date(2027, 3, 29), date(2027, 3, 29)),
        ("2027-01-01T08:00", date(2027, 1, 1), date(2026, 12, 28)),
    ],
)
def test_a_digest_is_due_from_seven_in_england(moment: str, daily: date, weekly: date) -> None:
    assert saving.period(Frequency.DAILY, at(moment)) == daily
    assert saving.period(Frequency.WEEKLY, at(moment)) == weekly
    assert saving.period(Frequency.NONE, at(moment)) is None
    assert saving.awake(at(moment)) == (moment[11:] not in {"05:59", "06:59"})


def test_every_hour_of_two_years_belongs_to_one_period_that_never_goes_back() -> None:
    moment, last = at("2026-01-01T00:00"), [date(2000, 1, 1)] * 2
    seen: tuple[set[date], set[date]] = set(), set()
    for _ in range(2 * 365 * 24):
        for number, frequency in enumerate((Frequency.DAILY, Frequency.WEEKLY)):
            day = saving.period(frequency, moment)
            assert day is not None
            assert day >= last[number]
            last[number] = day
            seen[number].add(day)
        moment += timedelta(hours=1)
    assert len(seen[0]) == 731
    assert len(seen[1]) == 105
    assert {day.weekday() for day in seen[1]} == {0}


def test_news_is_what_was_not_told_and_what_says_something_else() -> None:
    found = {("need", "new"): 3, ("need", "same"): 1, ("need", "typo"): 2, ("need", "other"): 5}
    told = {("need", "same"): 1, ("need", "typo"): 1, ("need", "other"): 2, ("need", "gone"): 1}
    asked = []

    def is_material(key: tuple[str, str], before: int, after: int) -> bool:
        asked.append((key[1], before, after))
        return key[1] == "other"

    assert saving.news(found, told, is_material) == [
        News(("need", "new"), 3),
        News(("need", "other"), 5, changed=True),
    ]
    assert asked == [("typo", 1, 2), ("other", 2, 5)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, False),
        ({"problem": LONG.replace("hospital", "hospital,").upper()}, False),
        ({"problem": LONG.replace("dehydrated", "dehidrated")}, False),
        ({"problem": "Staff do not know who is at risk of a fall before it happens."}, True),
        ({"title": "Fewer falls at night!"}, False),
        ({"title": "Fewer falls by day"}, True),
        ({"must": ("tell staff within 2 minutes of a fall.", "Work where there is no wifi")}, False),
        ({"must": ("Tell staff within 1 minute of a fall", "Work where there is no wifi")}, True),
        ({"must": COMPLETE.must[:1]}, True),
        ({"target": "5 within 12 months"}, True),
        ({"how_many": 12_000}, True),
        ({"timing": Timing.NOW}, True),
        (
            {"evidence_wanted": (Wanted(EvidenceType.REAL_WORLD, "Results from at least 12 care homes"),)},
            True,
        ),
        (
            {"evidence_wanted": (Wanted(EvidenceType.REAL_WORLD, "results from at least 10 care homes."),)},
            False,
        ),
        ({"evidence_wanted": ()}, True),
    ],
)
def test_a_change_is_told_when_the_need_says_something_else(changes: dict[str, object], told: bool) -> None:
    before: NeedContent = replace(COMPLETE, problem=LONG)
    assert saving.material(before, replace(before, **changes)) is told


def test_the_ledger_knows_the_last_version_told() -> None:
    rows = [("need", "a", 2), ("need", "b", 1), ("need", "a", 1), ("family", "a", 7)]
    assert saving.last_told(rows) == {("need", "a"): 2, ("need", "b"): 1, ("family", "a"): 7}


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_search_has_a_name_of_some_length(name: str) -> None:
    with pytest.raises(DomainError) as refused:
        saving.checked_name(name)
    assert refused.value.field == "name"


def test_how_often_is_told_in_a_list_with_the_day_of_the_week_as_it_is_written() -> None:
    assert [one.told for one in Frequency] == [
        "E-mails: every day, when there is something new",
        "E-mails: every Monday, when there is something new",
        "No e-mails",
    ]
