from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock
from marketplace.clock import LONDON
from marketplace.errors import Conflict, DomainError
from marketplace.introductions import rules
from marketplace.introductions.rules import Course, Decision, Group, Seen, Side, State, Stop

NOW = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
ACCEPTED, DECLINED = Decision.ACCEPTED, Decision.DECLINED

answers = st.sampled_from([None, ACCEPTED, DECLINED])
moments = st.integers(0, 730 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
courses = st.builds(Course, moments, answers, answers, st.none() | moments)


@pytest.mark.parametrize(
    ("need", "supplier", "expected"),
    [
        (None, None, State.PROPOSED),
        (ACCEPTED, None, State.WAITING_FOR_SUPPLIER),
        (None, ACCEPTED, State.WAITING_FOR_NEED),
        (ACCEPTED, ACCEPTED, State.INTRODUCED),
        (DECLINED, None, State.STOPPED),
        (ACCEPTED, DECLINED, State.STOPPED),
        (DECLINED, DECLINED, State.STOPPED),
    ],
)
def test_the_broker_sees_the_state_that_the_answers_make(
    need: Decision | None, supplier: Decision | None, expected: State
) -> None:
    assert rules.state(Course(LATER, need, supplier), NOW) is expected


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        (Course(LATER, DECLINED, None), Stop.DECLINED_BY_NEED),
        (Course(LATER, ACCEPTED, DECLINED), Stop.DECLINED_BY_SUPPLIER),
        (Course(LATER, DECLINED, DECLINED, closed_at=NOW), Stop.DECLINED_BY_BOTH),
        (Course(LATER, ACCEPTED, None, closed_at=NOW), Stop.CLOSED),
        (Course(NOW, ACCEPTED, None), Stop.NO_ANSWER),
        (Course(NOW, None, None, closed_at=NOW), Stop.NO_ANSWER),
        (Course(LATER, ACCEPTED, None), None),
        (Course(NOW, ACCEPTED, ACCEPTED), None),
    ],
)
def test_the_broker_is_told_why_it_stopped(course: Course, expected: Stop | None) -> None:
    assert rules.stop(course, NOW) is expected


def test_an_introduction_that_was_made_stays_made_after_its_last_day() -> None:
    course = Course(NOW, ACCEPTED, ACCEPTED)
    assert rules.state(course, LATER) is State.INTRODUCED
    assert {rules.seen_by(side, course, LATER) for side in Side} == {Seen.INTRODUCED}


@given(course=courses, side=st.sampled_from(Side), now=moments)
def test_a_side_sees_the_same_whether_the_other_declined_or_was_silent(
    course: Course, side: Side, now: datetime
) -> None:
    def with_other(answer: Decision | None) -> Course:
        need, supplier = (course.need, answer) if side is Side.NEED else (answer, course.supplier)
        return Course(course.decide_by, need, supplier, course.closed_at)

    assert rules.seen_by(side, with_other(DECLINED), now) is rules.seen_by(side, with_other(None), now)


@given(course=courses, now=moments)
def test_both_sides_that_gave_the_same_answer_see_the_same(course: Course, now: datetime) -> None:
    if course.need is course.supplier:
        assert rules.seen_by(Side.NEED, course, now) is rules.seen_by(Side.SUPPLIER, course, now)


@given(course=courses, side=st.sampled_from(Side), now=moments)
def test_a_side_may_answer_exactly_while_its_page_says_so(course: Course, side: Side, now: datetime) -> None:
    if rules.seen_by(side, course, now).open:
        rules.check_answer(side, course, now)
    else:
        with pytest.raises(Conflict):
            rules.check_answer(side, course, now)


def test_an_acceptance_may_be_taken_back_while_the_other_side_has_declined() -> None:
    course = Course(LATER, ACCEPTED, DECLINED)
    assert rules.seen_by(Side.NEED, course, NOW) is Seen.ACCEPTED
    rules.check_answer(Side.NEED, course, NOW)


def test_the_broker_may_close_until_it_is_made_or_has_ended() -> None:
    rules.check_close(Course(LATER, ACCEPTED, DECLINED), NOW)
    with pytest.raises(Conflict, match="that was made cannot be closed"):
        rules.check_close(Course(LATER, ACCEPTED, ACCEPTED), NOW)
    with pytest.raises(Conflict, match="closed already"):
        rules.check_close(Course(LATER, closed_at=NOW), NOW)


@pytest.mark.parametrize(
    ("proposed", "last"),
    [
        (datetime(2027, 3, 3, 10, 0, tzinfo=UTC), "2027-03-17 17:00"),  # Wednesday
        (datetime(2027, 3, 6, 10, 0, tzinfo=UTC), "2027-03-19 17:00"),  # Saturday counts as the Friday before
        (datetime(2027, 3, 19, 23, 30, tzinfo=UTC), "2027-04-02 17:00"),  # over the change to summer time
    ],
)
def test_both_sides_have_ten_working_days_until_five_in_the_afternoon(proposed: datetime, last: str) -> None:
    assert f"{rules.answer_by(proposed).astimezone(LONDON):%Y-%m-%d %H:%M}" == last


def test_the_reminder_is_due_three_working_days_before_the_end() -> None:
    end = rules.answer_by(datetime(2027, 3, 3, 10, 0, tzinfo=UTC))
    assert f"{rules.remind_at(end).astimezone(LONDON):%Y-%m-%d %H:%M}" == "2027-03-12 17:00"


@given(
    day=st.dates(date(2026, 1, 1), date(2028, 1, 1)).filter(lambda day: day.weekday() < 5),
    now=moments,
)
def test_due_before_is_remind_at_the_other_way_round(day: date, now: datetime) -> None:
    end = datetime.combine(day, time(17), LONDON).astimezone(UTC)
    assert (end <= rules.due_before(now)) == (rules.remind_at(end) <= now)


@given(day=st.dates(date(2026, 1, 1), date(2028, 1, 1)), days=st.integers(1, 30))
def test_working_days_are_weekdays_and_come_back(day: date, days: int) -> None:
    after = clock.add_working_days(day, days)
    assert after.weekday() < 5
    between = [day + timedelta(days=n) for n in range(1, (after - day).days + 1)]
    assert sum(one.weekday() < 5 for one in between) == days


@pytest.mark.parametrize(
    "text",
    [
        "Write to jo@trust.example first",
        "Ring 01632 960123 in the morning",
        "Ring +44 1632 960 123",
        "Please ring (01632) 960123",
        "See https://supplier.example/page",
        "See www.supplier.example",
    ],
)
def test_a_note_with_contact_details_is_refused(text: str) -> None:
    with pytest.raises(
        DomainError, match="Contact details are shared when both sides have accepted"
    ) as refused:
        rules.check_note(text)
    assert refused.value.field == "note"


@pytest.mark.parametrize(
    "text",
    [
        "It saved 120,000 bed days in 2025 and 2026 at 14 sites.",
        "DCB0129 and ISO 13485 are in place; 0.45 falls for each 1000 days.",
        "1200 patients in 2024, 1300 patients in 2025, 1400 in 2026",
    ],
)
def test_numbers_in_a_note_are_not_taken_for_telephones(text: str) -> None:
    assert rules.check_note(text) == text


def test_a_note_has_limits() -> None:
    with pytest.raises(DomainError, match="20 characters or more"):
        rules.check_note("Too short")
    with pytest.raises(DomainError, match=r"1,200 characters or fewer\. Take out 1"):
        rules.check_note("a" * 1201)


def test_a_reason_has_limits() -> None:
    with pytest.raises(DomainError, match="why you decline"):
        rules.check_reason("", asked=rules.WHY_DECLINED)
    with pytest.raises(DomainError, match=r"500 characters or fewer\. Take out 2"):
        rules.check_reason("a" * 502, asked=rules.WHY_DECLINED)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), Group.NOTHING_PROPOSED),
        ((State.STOPPED, State.STOPPED), Group.STOPPED),
        ((State.STOPPED, State.WAITING_FOR_NEED), Group.IN_DIALOGUE),
        ((State.PROPOSED, State.INTRODUCED), Group.INTRODUCED),
    ],
)
def test_a_need_has_come_as_far_as_its_best_introduction(states: tuple[State, ...], expected: Group) -> None:
    assert rules.group(states) is expected
