"""Co-signing and settling as pure rules."""

from __future__ import annotations

from datetime import date

import pytest

from marketplace.errors import DomainError
from marketplace.families import rules
from marketplace.families.rules import CoSignError, Ending, People
from marketplace.needs.questions import ASKS
from marketplace.needs.rounds import Round, Standing
from marketplace.needs.rules import NeedContent

ROUND = Round(
    name="Spring",
    opens_on=date(2027, 3, 1),
    reminds_on=date(2027, 4, 1),
    locks_on=date(2027, 4, 30),
    closes_on=date(2027, 5, 31),
)


def place(**values: object) -> int:
    given: dict[str, object] = {
        "cycle": ROUND,
        "today": date(2027, 3, 5),
        "own": False,
        "standing": Standing.CURRENT,
        "signed": False,
        "taken": (),
    }
    return rules.check_co_sign(**(given | values))  # type: ignore[arg-type] # one of them is changed


def test_a_co_signature_takes_the_first_free_place() -> None:
    assert place() == 1
    assert place(taken={1, 3}) == 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"own": True}, "your own organisation’s need"),
        ({"cycle": None}, "has no place in the current cycle"),
        ({"standing": Standing.TO_CONFIRM}, "has no place in the current cycle"),
        ({"standing": None}, "has no place in the current cycle"),
        ({"signed": True}, "co-signs this need already"),
        ({"today": date(2027, 5, 1)}, "The cycle Spring is locked"),
        ({"taken": {1, 2, 3}}, "Your three places in this cycle are taken"),
    ],
)
def test_why_a_need_cannot_be_co_signed_is_said_in_words(values: dict[str, object], words: str) -> None:
    with pytest.raises(CoSignError, match=words):
        place(**values)


@pytest.mark.parametrize(
    ("withdrawn", "over", "standing", "expected"),
    [
        (False, False, Standing.CURRENT, None),
        (True, False, Standing.CURRENT, Ending.WITHDRAWN),
        (False, True, Standing.TO_CONFIRM, None),
        (False, True, Standing.CURRENT, Ending.NEW_CYCLE),
        (False, True, Standing.LAPSED, Ending.LAPSED),
    ],
)
def test_a_co_signature_ends_with_its_need_or_its_cycle(
    withdrawn: bool, over: bool, standing: Standing, expected: Ending | None
) -> None:
    assert rules.ending(withdrawn=withdrawn, over=over, standing=standing) is expected


def test_people_are_summed_over_those_who_gave_a_number() -> None:
    assert rules.people([1400, None, 600]) == People(2000, 2, 1)


def test_a_text_that_is_carried_on_has_our_numbers_and_none_of_theirs() -> None:
    theirs = NeedContent(
        title="Falls", problem="They fall.", how_many=9000, how_many_note="residents", baseline="21 a month"
    )
    ours = rules.own_text(theirs, 700, "Ours live far away.")
    assert (ours.title, ours.problem) == ("Falls", "They fall.\n\nOurs live far away.")
    assert (ours.how_many, ours.how_many_note, ours.baseline) == (700, "residents", "")
    assert rules.own_text(theirs, None, "").how_many_note == ""
    full = NeedContent(problem="x" * ASKS["problem"].limit)
    assert rules.own_text(full, None, "More").problem == full.problem


def test_what_was_taken_out_is_kept_from_each_settled_member_and_a_dissolved_family_from_itself() -> None:
    apart = rules.pairs_apart(
        {"F1": ["C"], "F2": ["X", "Y", "Z"]}, {"F1": ["A", "B"], "F2": []}, dissolved={"F2"}
    )
    assert apart == {("A", "C"), ("B", "C"), ("X", "Y"), ("X", "Z"), ("Y", "Z")}


@pytest.mark.parametrize(
    "typed",
    ["abc123", " abc123 ", "https://demand.example/families/abc123", "/needs/abc123/?page=2#shared"],
)
def test_an_address_or_a_reference_may_be_pasted(typed: str) -> None:
    assert rules.reference_in(typed.strip()) == "abc123"


def test_a_split_leaves_something_on_both_sides() -> None:
    rules.check_split(["A"], ["A", "B"])
    for chosen, words in (([], "Choose the needs"), (["A", "B"], "Leave at least one"), (["X"], "has left")):
        with pytest.raises(DomainError, match=words):
            rules.check_split(chosen, ["A", "B"])


def test_a_name_has_an_end() -> None:
    rules.check_name("Falls")
    with pytest.raises(DomainError, match="Take out 1"):
        rules.check_name("x" * 121)
