from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from marketplace.web import limits
from marketplace.web.limits import TooOften, Turns

START = "2026-11-22T12:00:00Z"


def test_a_visitor_waits_after_the_last_turn_and_goes_on_when_one_has_come_back() -> None:
    with time_machine.travel(START, tick=False) as clock:
        turns = Turns(each_minute=6)
        for _ in range(6):
            turns.take("one")
        with pytest.raises(TooOften) as refused:
            turns.take("one")
        assert refused.value.seconds == 10
        turns.take("another")
        clock.shift(timedelta(seconds=9))
        with pytest.raises(TooOften) as refused:
            turns.take("one")
        assert refused.value.seconds == 1
        clock.shift(timedelta(seconds=1))
        turns.take("one")
        with pytest.raises(TooOften):
            turns.take("one")


def test_turns_do_not_pile_up_and_a_clock_that_goes_back_gives_none() -> None:
    with time_machine.travel(START, tick=False) as clock:
        turns = Turns(each_minute=2)
        turns.take("one")
        clock.shift(timedelta(hours=5))
        turns.take("one")
        turns.take("one")
        clock.shift(timedelta(hours=-5))
        with pytest.raises(TooOften):
            turns.take("one")


def test_only_the_latest_visitors_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 3)
    turns = Turns(each_minute=1)
    for number in range(100):
        turns.take(str(number))
    assert len(turns._left) == 3
