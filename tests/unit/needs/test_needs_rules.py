from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace.needs import rules
from marketplace.needs.questions import ASKS, QUESTIONS
from marketplace.needs.rules import Candidate, NeedContent, Progress, Wanted
from marketplace.vocabulary import EvidenceType
from tests.factories.needs import COMPLETE


def test_every_answer_of_a_need_is_asked_for_on_exactly_one_page() -> None:
    asked = [name for question in QUESTIONS for name in question.names]
    assert sorted(asked) == sorted(rules.FIELD_NAMES)


def test_an_empty_need_misses_every_answer_that_is_not_optional() -> None:
    missing = [gap.ask.name for gap in rules.gaps(NeedContent())]
    assert missing == [name for name, ask in ASKS.items() if not ask.optional]
    assert {"how_many_note", "shift"}.isdisjoint(missing)


def test_a_complete_need_misses_nothing() -> None:
    assert rules.gaps(COMPLETE) == []


def test_one_statement_is_too_few_to_publish_and_fine_for_a_draft() -> None:
    one = rules.changed(COMPLETE, {"must": ("Only one thing",)})
    assert [gap.message for gap in rules.gaps(one)] == ["Enter at least 2 things that a solution must do"]


def test_evidence_without_detail_is_told_by_its_name() -> None:
    vague = replace(COMPLETE, evidence_wanted=(Wanted(EvidenceType.DTAC),))
    assert [gap.message for gap in rules.gaps(vague)] == [
        "Say what exactly you want to see for “DTAC (digital technology assessment criteria)”"
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Progress.DONE),
        ({"measure": ""}, Progress.STARTED),
        ({"outcome": "", "measure": "", "baseline": "", "target": ""}, Progress.NOT_STARTED),
    ],
)
def test_a_page_is_not_started_started_or_completed(changes: dict[str, str], expected: Progress) -> None:
    assert rules.progress(replace(COMPLETE, **changes), rules.question("outcome")) is expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("title", "x" * 121, "Title must be 120 characters or fewer. Take out 1."),
        ("how_many", 0, "How many must be between 1 and 70,000,000"),
        ("how_many", 70_000_001, "How many must be between 1 and 70,000,000"),
        ("must", tuple(f"Thing {n}" for n in range(9)), "Enter 8 statements or fewer. You have 9"),
        ("must", ("Same", "same"), "Two statements are the same. Change or remove one of them"),
        ("must", ("One", "y" * 251), "Statement 2 must be 250 characters or fewer. Take out 1."),
        ("clinical_area", "cancer", "Clinical area must be one of the choices"),
        (
            "evidence_wanted",
            (Wanted(EvidenceType.DTAC), Wanted(EvidenceType.DTAC, "again")),
            "Choose each type of evidence once",
        ),
    ],
)
def test_what_is_wrong_is_refused_even_in_a_draft(name: str, value: object, message: str) -> None:
    with pytest.raises(rules.WrongAnswer) as refused:
        rules.changed(NeedContent(), {name: value})
    assert (refused.value.message, refused.value.field) == (message, name)


def test_a_fingerprint_changes_with_the_answers_it_covers_and_with_no_others() -> None:
    before = rules.fingerprint(COMPLETE, ["title", "problem"])
    assert rules.fingerprint(replace(COMPLETE, target="new"), ["problem", "title"]) == before
    assert rules.fingerprint(replace(COMPLETE, title="new"), ["title", "problem"]) != before


def test_an_unknown_question_is_not_found() -> None:
    with pytest.raises(rules.NotVisible):
        rules.question("budget")


def test_the_pages_follow_each_other_to_the_end() -> None:
    walked, here = [QUESTIONS[0].slug], rules.after(QUESTIONS[0].slug)
    while here is not None:
        walked.append(here.slug)
        here = rules.after(here.slug)
    assert walked == [
        "title",
        "problem",
        "people",
        "pathway",
        "outcome",
        "must",
        "evidence",
        "place",
        "timing",
    ]


# The top three


def ready(**changes: Candidate) -> dict[str, Candidate]:
    return {ref: Candidate(ref=ref, title=f"Need {ref}") for ref in "abcd"} | changes


def test_three_complete_needs_can_be_published() -> None:
    rules.check_top_three(["b", "a", "c"], ready())


@pytest.mark.parametrize(
    ("ranked", "candidates", "message", "field"),
    [
        ([], ready(), "Choose a place for at least one need", ""),
        (["a", "a"], ready(), "Give each need one place only", ""),
        (
            ["a", "b", "c", "d"],
            ready(),
            (
                "You can publish at most 3 needs in a cycle, and you ranked 4. "
                "Leave out some, or withdraw one that is published"
            ),
            "",
        ),
        (
            ["z"],
            ready(),
            "One of the needs you ranked no longer exists. Check the list and try again",
            "z",
        ),
        (
            ["a"],
            ready(a=Candidate(ref="a", title="A", complete=False)),
            "“A” is not finished. Answer the questions that are left before you submit it",
            "a",
        ),
        (
            ["a"],
            ready(b=Candidate(ref="b", title="B", published=True)),
            "“B” is published and must keep a place. To free its place, withdraw it first",
            "b",
        ),
        (
            ["a", "b"],
            ready(b=Candidate(ref="b", title="B", problem="was withdrawn on 3 March 2027")),
            "“B” was withdrawn on 3 March 2027",
            "b",
        ),
    ],
)
def test_a_ranking_that_cannot_be_published_says_why(
    ranked: list[str], candidates: dict[str, Candidate], message: str, field: str
) -> None:
    with pytest.raises(rules.TopThreeError) as refused:
        rules.check_top_three(ranked, candidates)
    assert (refused.value.message, refused.value.field) == (message, field)


def test_needs_are_ordered_by_their_chosen_places() -> None:
    assert rules.order_of({"a": 3, "b": 1, "c": None, "d": 2}) == ["b", "d", "a"]
    assert rules.order_of({"a": None}) == []


@pytest.mark.parametrize(
    ("places", "message", "field"),
    [
        ({"a": 1, "b": 1}, "You gave place 1 to two needs. Choose a different place", "b"),
        ({"a": 4}, "Choose a place from 1 to 3", "a"),
        ({"a": 1, "b": 3}, "You left out place 2. Fill the places from 1 down", "b"),
    ],
)
def test_places_that_make_no_order_are_refused(
    places: dict[str, int | None], message: str, field: str
) -> None:
    with pytest.raises(rules.TopThreeError) as refused:
        rules.order_of(places)
    assert (refused.value.message, refused.value.field) == (message, field)


@pytest.mark.parametrize("reason", ["", "r" * 601])
def test_a_withdrawal_gives_a_reason_within_its_limit(reason: str) -> None:
    with pytest.raises(rules.WrongAnswer) as refused:
        rules.check_reason(reason)
    assert refused.value.field == "reason"


@pytest.mark.parametrize("note", ["", "n" * 301])
def test_a_new_version_says_what_changed_within_the_limit(note: str) -> None:
    with pytest.raises(rules.WrongAnswer) as refused:
        rules.check_change_note(note)
    assert refused.value.field == "change_note"
