"""How far a cycle has come, and whether a need still stands, from dates alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from marketplace.needs.rounds import Round, Stage, Stand, Standing, stand

DAY = timedelta(days=1)


def a_round(name: str, first: date) -> Round:
    return Round(
        name=name,
        opens_on=first,
        reminds_on=first + 10 * DAY,
        locks_on=first + 20 * DAY,
        closes_on=first + 30 * DAY,
    )


AUTUMN = a_round("Autumn", date(2026, 9, 1))
WINTER = a_round("Winter", date(2026, 12, 1))
SPRING = a_round("Spring", date(2027, 3, 1))
ALL = [SPRING, AUTUMN, WINTER]


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        (date(2026, 8, 31), Stage.PLANNED),
        (date(2026, 9, 1), Stage.OPEN),
        (date(2026, 9, 21), Stage.OPEN),
        (date(2026, 9, 22), Stage.LOCKED),
        (date(2026, 10, 1), Stage.LOCKED),
        (date(2026, 10, 2), Stage.CLOSED),
    ],
)
def test_a_cycle_opens_locks_and_closes_by_its_dates(today: date, stage: Stage) -> None:
    assert AUTUMN.stage(today) is stage


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 9, 1), Stand(Standing.CURRENT, AUTUMN)),
        (date(2026, 11, 30), Stand(Standing.CURRENT, AUTUMN)),
        (date(2026, 12, 1), Stand(Standing.TO_CONFIRM, WINTER)),
        (date(2026, 12, 21), Stand(Standing.TO_CONFIRM, WINTER)),
        (date(2026, 12, 22), Stand(Standing.LAPSED, WINTER)),
        (date(2027, 3, 1), Stand(Standing.LAPSED, WINTER)),
    ],
)
def test_a_need_waits_for_its_confirmation_until_the_next_cycle_locks_and_lapses_the_day_after(
    today: date, expected: Stand
) -> None:
    assert stand(AUTUMN, ALL, today) == expected


def test_a_lapsed_need_tells_the_day_on_which_it_lapsed() -> None:
    assert stand(AUTUMN, ALL, date(2027, 6, 1)).lapsed_on == date(2026, 12, 22)
