"""Cursors, moments and parameters, without a service."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.opendata import rules
from marketplace.opendata.rules import Asked, BadParameter

MORNING = datetime(2026, 11, 22, 7, 30, 0, 123456, tzinfo=UTC)
WHOLE_LIST = Asked({}, {})


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


PARAMETERS = (
    rules.LIMIT,
    rules.CURSOR,
    rules.UPDATED_SINCE,
    rules.choice("colour", "Of one colour.", Colour),
    rules.code("need", "About one need."),
)


def refusal(*given: tuple[str, str]) -> tuple[str, str]:
    with pytest.raises(BadParameter) as refused:
        rules.read_address(given, PARAMETERS)
    return refused.value.name, refused.value.detail


# Cursors


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 2**31 - 1),
)
def test_a_cursor_gives_back_the_place_that_it_was_made_of(moment: datetime, row: int) -> None:
    assert rules.read_cursor(rules.write_cursor(moment, row, WHOLE_LIST), WHOLE_LIST) == (moment, row)


@given(st.text(max_size=60))
def test_no_text_that_is_not_a_cursor_does_worse_than_be_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="Take it from `next` of the page before"):
        rules.read_cursor(text, WHOLE_LIST)


@pytest.mark.parametrize(
    "place",
    ["[]", "{}", "1", '["4f53cda1", 1]', '["4f53cda1", 1.5, 1]', '["4f53cda1", true, 1]', '["4f53cda1", 1, -1]',
     '["4f53cda1", 1, 2147483648]', '["4f53cda1", 99999999999999999999999, 1]', '["4f53cda1", -99999999999999999, 1]',
     "NaN", "[" * 150],
)  # fmt: skip
def test_a_cursor_made_by_hand_is_refused(place: str) -> None:
    text = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    with pytest.raises(BadParameter, match="cannot be read"):
        rules.read_cursor(text, WHOLE_LIST)


def test_a_cursor_of_another_list_is_refused_with_what_to_do() -> None:
    red = rules.read_address([("colour", "red"), ("limit", "5")], PARAMETERS)
    cursor = rules.write_cursor(MORNING, 7, red)
    more = rules.read_address([("limit", "50"), ("colour", "red")], PARAMETERS)
    assert rules.read_cursor(cursor, more) == (MORNING, 7)
    with pytest.raises(BadParameter, match="Keep the other parameters as they were"):
        rules.read_cursor(cursor, rules.read_address([("colour", "blue")], PARAMETERS))


# Moments


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T07:30:00Z", datetime(2026, 11, 22, 7, 30, tzinfo=UTC)),
        ("2026-11-22t07:30:00.123456z", MORNING),
        ("2026-11-22T07:30:00.123456789Z", MORNING),
        ("2026-06-22T08:30:00+01:00", datetime(2026, 6, 22, 7, 30, tzinfo=UTC)),
        ("2026-11-22T02:30:00-05:00", datetime(2026, 11, 22, 7, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_rfc_3339_writes_them(text: str, moment: datetime) -> None:
    assert rules.read_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-22", "2026-11-22T07:30:00", "1700000000", "yesterday", "2026-13-01T00:00:00Z",
     "2026-02-30T00:00:00Z", "2026-11-22T24:30:00Z", "2026-11-22T07:30:60Z", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00", "٢٠٢٦-11-22T07:30:00Z", "2026-11-22T07:30:00+25:00"],
)  # fmt: skip
def test_other_moments_are_refused_with_an_example(text: str) -> None:
    name, detail = refusal(("updated_since", text))
    assert name == "updated_since"
    assert detail.startswith("updated_since ")
    assert "such as 2026-11-22T07:30:00Z" in detail


def test_a_plus_that_became_a_blank_is_explained() -> None:
    assert "write + as %2B" in refusal(("updated_since", "2026-06-22T08:30:00 01:00"))[1]


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_written_moment_is_read_again(moment: datetime) -> None:
    assert rules.read_moment(rules.written_moment(moment)) == moment


# Parameters


@pytest.mark.parametrize("text", ["0", "1001", "-1", "1.0", " 5", "1_0", "٣", "", "9" * 5000])
def test_a_limit_outside_its_limits_is_refused(text: str) -> None:
    assert refusal(("limit", text)) == ("limit", "limit must be a whole number from 1 to 1,000.")


def test_a_word_that_is_not_offered_is_refused_with_those_that_are() -> None:
    assert refusal(("colour", "green")) == ("colour", "colour must be one of: red, blue.")


def test_an_unknown_parameter_is_refused_with_those_that_are_known() -> None:
    name, detail = refusal(("organization", "RXX"))
    assert name == "organization"
    assert detail.endswith("You can use: limit, cursor, updated_since, colour, need.")


def test_a_parameter_may_stand_once() -> None:
    assert refusal(("colour", "red"), ("colour", "blue"))[1].startswith(
        "colour stands in the address more than once"
    )


@pytest.mark.parametrize("text", ["", "x" * 101])
def test_a_code_has_a_length(text: str) -> None:
    assert refusal(("need", text)) == ("need", "need must be from 1 to 100 characters long.")


def test_the_overlap_is_longer_than_any_transaction_of_ours() -> None:
    # A statement ends after 15 seconds and waits 5 for a lock (`marketplace.database`).
    assert timedelta(seconds=45) <= rules.OVERLAP
