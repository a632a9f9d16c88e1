from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from marketplace.needs import signing
from marketplace.needs.signing import Decided, Readiness, Step

MONDAY = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moments", "step"),
    [
        ((False, False, False, False), Step.SUBMITTED),
        ((True, False, False, False), Step.APPROVED),
        ((False, True, False, False), Step.RETURNED),
        ((True, True, False, False), Step.RETURNED),
        ((False, False, True, False), Step.TAKEN_BACK),
        ((True, False, True, False), Step.TAKEN_BACK),
        ((True, False, False, True), Step.PUBLISHED),
    ],
)
def test_where_a_submission_stands_follows_from_its_moments(
    moments: tuple[bool, bool, bool, bool], step: Step
) -> None:
    approved, returned, taken_back, published = moments
    assert (
        signing.step(approved=approved, returned=returned, taken_back=taken_back, published=published) is step
    )


def test_only_what_is_submitted_or_approved_waits_for_somebody() -> None:
    assert [step for step in Step if step.open] == [Step.SUBMITTED, Step.APPROVED]


def test_a_hin_has_until_five_on_the_tenth_weekday() -> None:
    assert signing.check_by(MONDAY) == datetime(2026, 11, 30, 17, tzinfo=UTC)
    friday_evening = datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert signing.check_by(friday_evening) == datetime(2026, 12, 4, 17, tzinfo=UTC)
    in_summer = datetime(2026, 7, 6, 9, tzinfo=UTC)
    assert signing.check_by(in_summer) == datetime(2026, 7, 20, 16, tzinfo=UTC)


def test_a_hin_is_silent_from_that_moment_on_and_never_before_approval() -> None:
    end = signing.check_by(MONDAY)
    assert not signing.is_silent(MONDAY, end - timedelta(seconds=1))
    assert signing.is_silent(MONDAY, end)
    assert not signing.is_silent(None, end)


def test_nobody_signs_off_what_they_wrote() -> None:
    signing.check_not_own(7, [3, 5], "approve")
    for user_id in (3, 5, None):
        with pytest.raises(signing.OwnWork, match="somebody else has to approve it"):
            signing.check_not_own(user_id, [3, 5], "approve")


def test_a_decision_holds_only_for_what_the_reviewer_looked_at() -> None:
    signing.check_current(Step.SUBMITTED, Step.SUBMITTED, 1, 1)
    for now, lock in product(Step, (1, 2)):
        if (now, lock) != (Step.SUBMITTED, 1):
            with pytest.raises(Decided, match="meanwhile"):
                signing.check_current(Step.SUBMITTED, now, 1, lock)


@pytest.mark.parametrize(
    ("comments", "note", "field", "words"),
    [
        ({}, "", "note", "Write a comment"),
        ({"title": ""}, "", "note", "Write a comment"),
        ({"title": "x" * 601}, "", "comment_title", "Take out 1."),
        ({"title": "Say who."}, "x" * 603, "note", "Take out 3."),
        ({"colour": "Red."}, "", "note", "no field"),
    ],
)
def test_a_return_says_what_to_change_within_its_limits(
    comments: dict[str, str], note: str, field: str, words: str
) -> None:
    with pytest.raises(signing.DomainError, match=words) as refused:
        signing.check_return(comments, note)
    assert refused.value.field == field


def test_a_note_alone_or_a_comment_alone_is_enough_to_return() -> None:
    signing.check_return({}, "Please speak to me first.")
    signing.check_return({"title": "x" * 600}, "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"waiting": True}, "is with its reviewers already"),
        ({"owner": False}, "has left. Take it over"),
        ({"deputy": False}, "has no deputy"),
        (
            {"open_fields": ("title", "must")},
            "comments on “Falls” before you submit it again: Title, A solution must",
        ),
    ],
)
def test_what_keeps_a_need_from_being_submitted_is_told_by_name(
    changes: dict[str, object], words: str
) -> None:
    ready = {"ref": "a1", "title": "Falls", "owner": True, "deputy": True, "waiting": False}
    signing.check_ready(Readiness(**ready))  # type: ignore[arg-type] # values of several kinds
    with pytest.raises(signing.NotReady, match=words) as refused:
        signing.check_ready(Readiness(**ready | changes))  # type: ignore[arg-type] # values of several kinds
    assert refused.value.field == "a1"
