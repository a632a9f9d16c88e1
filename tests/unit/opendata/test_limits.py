"""The limit for each address: counted, bounded, and whole again after a minute."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import pytest
import time_machine

from marketplace.opendata.limits import Limiter
from marketplace.web.limits import subscriber

MORNING = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def test_an_address_may_ask_as_often_as_the_limit_says() -> None:
    with time_machine.travel(MORNING, tick=False):
        limiter = Limiter(3)
        assert [limiter.count("192.0.2.1").left for _ in range(3)] == [2, 1, 0]
        refused = limiter.count("192.0.2.1")
        assert (refused.allowed, refused.left, refused.seconds) == (False, 0, 60)
        assert limiter.count("192.0.2.2").allowed


def test_the_limit_is_whole_again_a_minute_after_the_first_request() -> None:
    with time_machine.travel(MORNING, tick=False) as traveller:
        limiter = Limiter(2)
        limiter.count("192.0.2.1")
        traveller.shift(59)
        limiter.count("192.0.2.1")
        assert limiter.count("192.0.2.1").seconds == 1
        traveller.shift(1)
        assert limiter.count("192.0.2.1").left == 1


def test_what_costs_more_than_is_left_is_refused_and_the_rest_can_still_be_used() -> None:
    with time_machine.travel(MORNING, tick=False):
        limiter = Limiter(15)
        assert limiter.count("192.0.2.1", 10).left == 5
        assert not limiter.count("192.0.2.1", 10).allowed
        assert limiter.count("192.0.2.1").left == 4


def test_a_clock_that_goes_back_locks_nobody_out() -> None:
    with time_machine.travel(MORNING, tick=False) as traveller:
        limiter = Limiter(1)
        limiter.count("192.0.2.1")
        traveller.shift(-3600)
        assert limiter.count("192.0.2.1").allowed


def test_the_memory_is_bounded_and_forgets_who_asked_longest_ago() -> None:
    with time_machine.travel(MORNING, tick=False):
        limiter = Limiter(2, most=100)
        for number in range(1000):
            limiter.count(f"198.51.{number // 250}.{number % 250}")
            limiter.count("192.0.2.1")
        assert len(limiter) == 100
        assert not limiter.count("192.0.2.1").allowed


def test_several_threads_get_no_more_than_the_limit_together() -> None:
    limiter, allowed = Limiter(100), []

    def ask() -> None:
        allowed.extend(limiter.count("192.0.2.1").allowed for _ in range(50))

    threads = [Thread(target=ask) for _ in range(8)]
    with time_machine.travel(MORNING, tick=False):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(allowed), sum(allowed)) == (400, 100)


@pytest.mark.parametrize(
    ("address", "counted_by"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:" + "x" * 200, "unix:" + "x" * 59),
    ],
)
def test_one_subscriber_is_counted_once(address: str, counted_by: str) -> None:
    assert subscriber(address) == counted_by
