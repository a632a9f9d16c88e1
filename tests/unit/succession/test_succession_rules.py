"""What may be recorded, what a choice is, which places do, and when counts add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marketplace.errors import DomainError
from marketplace.organisations.rules import Change
from marketplace.succession import rules
from marketplace.succession.rules import (
    END,
    EVERY,
    STAY,
    UNPLACED,
    WITHDRAW,
    ChangePlan,
    Item,
    Ledger,
    LinkPlan,
    Party,
    Place,
    State,
    to,
)

TODAY = date(2026, 11, 22)
NORTH, SOUTH, EAST = Party("QRV", "North"), Party("QMJ", "South"), Party("QM7", "East")
WHOLE = Party("", "NHS Whole Test", new=True, kind="icb")
HALF = Party("", "NHS Half Test", new=True, kind="icb")


def plan(kind: Change, *links: LinkPlan, **values: object) -> ChangePlan:
    given = {"source": "Order in law", "source_date": date(2026, 2, 1)} | values
    return ChangePlan(kind=kind, effective_on=date(2027, 4, 1), links=links, **given)  # type: ignore[arg-type] # of tests


MERGER = plan(Change.MERGE, LinkPlan(NORTH, WHOLE), LinkPlan(SOUTH, WHOLE))
SPLIT = plan(Change.SPLIT, LinkPlan(EAST, WHOLE, 60), LinkPlan(EAST, HALF, 40))


@pytest.mark.parametrize(
    "asked",
    [
        MERGER,
        SPLIT,
        plan(Change.MERGE, LinkPlan(NORTH, SOUTH), LinkPlan(SOUTH, SOUTH)),
        plan(Change.TRANSFER, LinkPlan(NORTH, SOUTH)),
        plan(Change.RENAME, LinkPlan(NORTH, NORTH), new_name="NHS Another Name"),
        plan(
            Change.MIXED,
            LinkPlan(NORTH, WHOLE, 50),
            LinkPlan(NORTH, HALF, 50),
            LinkPlan(SOUTH, HALF),
        ),
    ],
    ids=["merger", "split", "merger into one of them", "transfer", "new name", "reorganisation"],
)
def test_changes_that_make_sense_are_taken(asked: ChangePlan) -> None:
    rules.check_plan(asked, TODAY)


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (plan(Change.MERGE), "from_1", "Choose the organisation that changes"),
        (plan(Change.MERGE, LinkPlan(NORTH, WHOLE)), "to_1", "A merger needs at least two organisations"),
        (
            plan(Change.MERGE, LinkPlan(NORTH, WHOLE), LinkPlan(SOUTH, HALF)),
            "to_1",
            "become exactly one",
        ),
        (plan(Change.SPLIT, LinkPlan(EAST, WHOLE)), "to_1", "A split needs one organisation"),
        (
            plan(Change.SPLIT, LinkPlan(EAST, WHOLE, 60), LinkPlan(EAST, HALF, 30)),
            "share_1",
            "The shares of East add up to 90 percent. They must add up to 100",
        ),
        (
            plan(Change.SPLIT, LinkPlan(EAST, WHOLE, 60), LinkPlan(EAST, HALF)),
            "share_1",
            "Enter for each successor of East the share that goes there",
        ),
        (
            plan(Change.SPLIT, LinkPlan(EAST, WHOLE, 0), LinkPlan(EAST, HALF, 100)),
            "share_1",
            "A share must be between 1 and 100 percent",
        ),
        (
            plan(Change.SPLIT, LinkPlan(EAST, EAST, 60), LinkPlan(EAST, HALF, 40)),
            "to_1",
            "An organisation cannot follow itself here",
        ),
        (
            plan(Change.MERGE, LinkPlan(NORTH, WHOLE), LinkPlan(SOUTH, WHOLE), LinkPlan(SOUTH, WHOLE)),
            "to_1",
            "The same organisation goes twice to the same successor",
        ),
        (plan(Change.MIXED, LinkPlan(NORTH, WHOLE)), "from_1", "A reorganisation needs at least two"),
        (plan(Change.RENAME, LinkPlan(NORTH, NORTH)), "new_name", "Enter the new name"),
        (
            plan(Change.RENAME, LinkPlan(NORTH, NORTH), LinkPlan(SOUTH, SOUTH), new_name="NHS Test"),
            "from_1",
            "one organisation a new name at a time",
        ),
        (replace(MERGER, source=""), "source", "Enter where you know this from"),
        (replace(MERGER, source="x" * 301), "source", "The source must be 300 characters or fewer"),
        (replace(MERGER, note="x" * 601), "note", "The note must be 600 characters or fewer"),
        (
            replace(MERGER, source_date=date(2026, 11, 23)),
            "source_date",
            "The date of the source must be today or in the past",
        ),
        (
            plan(Change.TRANSFER, LinkPlan(NORTH, replace(WHOLE, name=""))),
            "to_1",
            "Enter the name of the new organisation",
        ),
        (
            plan(Change.TRANSFER, LinkPlan(NORTH, replace(WHOLE, name="x" * 121))),
            "to_1",
            "A name must be 120 characters or fewer",
        ),
        (
            plan(Change.TRANSFER, LinkPlan(NORTH, replace(WHOLE, code="made-up"))),
            "to_1",
            "made-up is not formed like an ODS code",
        ),
        (
            plan(
                Change.MIXED,
                *(LinkPlan(Party(f"Q{number:02}", f"Number {number}"), WHOLE) for number in range(13)),
            ),
            "from_1",
            "at most 12 organisations on each side",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(asked: ChangePlan, field: str, words: str) -> None:
    with pytest.raises(DomainError) as caught:
        rules.check_plan(asked, TODAY)
    assert (caught.value.field, words in caught.value.message) == (field, True), caught.value.message


def test_a_change_waits_from_its_day_until_it_is_handed_over() -> None:
    day = date(2026, 4, 1)

    def on(today: date, **done: bool) -> State:
        return rules.state(day, today, **({"cancelled": False, "settled": False} | done))

    assert on(date(2026, 3, 31)) is State.PLANNED
    assert on(day) is State.WAITING
    assert on(day, settled=True) is State.DONE
    assert on(day, cancelled=True, settled=True) is State.CANCELLED
    assert on(day, hands_over=False) is State.DONE
    assert on(date(2026, 3, 31), hands_over=False) is State.PLANNED


# Choices


def item(*options: str, owner: int = 1, kind: str = "need", state: str = "Open") -> Item:
    return Item(kind=kind, id=7, owner_id=owner, state=state, title="A need", options=options)


def test_the_successor_with_the_largest_share_is_suggested_and_of_equal_ones_the_first_code() -> None:
    assert rules.suggestion(item(), {"QA1": 40, "QB2": 60}, stays=False) == to("QB2")
    assert rules.suggestion(item(), {"QB2": 50, "QA1": 50}, stays=False) == to("QA1")
    assert rules.suggestion(item(EVERY), {"QA1": 40, "QB2": 60}, stays=False) == EVERY
    assert rules.suggestion(item(EVERY), {"QA1": 100}, stays=False) == to("QA1")
    assert rules.suggestion(item(EVERY), {"QA1": 40, "QB2": 60}, stays=True) == STAY
    assert rules.suggestion(item(), {}, stays=False) == ""


def test_what_can_be_chosen_depends_on_the_thing_and_on_who_stays() -> None:
    both = ("QA1", "QB2")
    assert rules.allowed(item(), both, stays=False) == (to("QA1"), to("QB2"))
    assert rules.allowed(item(EVERY, END), both, stays=False) == (to("QA1"), to("QB2"), EVERY, END)
    assert rules.allowed(item(EVERY, END), both[:1], stays=False) == (to("QA1"), END)
    assert rules.allowed(item(), both[:1], stays=True) == (to("QA1"), STAY)


def test_a_choice_names_a_successor_or_none() -> None:
    assert rules.code_of(to("QA1")) == "QA1"
    assert [rules.code_of(choice) for choice in (END, EVERY, STAY, "")] == [""] * 4


def test_what_has_no_choice_is_missing() -> None:
    one, other = item(), item(kind="person")
    assert rules.missing([one, other], {("need", "1-7"): to("QA1")}) == [other]
    assert rules.missing([one], {("need", "1-7"): ""}) == [one]


# Places


def test_places_are_given_from_first_to_third() -> None:
    chosen = [
        Place("b", "B", "2"),
        Place("a", "A", "1"),
        Place("c", "C", UNPLACED),
        Place("d", "D", WITHDRAW, "Solved"),
    ]
    assert rules.check_places(chosen) == ["a", "b"]
    assert rules.check_places([]) == []


@pytest.mark.parametrize(
    ("places", "field", "words"),
    [
        ([Place("a", "A", "")], "a", "Choose what becomes of “A”"),
        ([Place("a", "A", "1"), Place("b", "B", "1")], "b", "Two needs have place 1"),
        ([Place("a", "A", "2")], "a", "Place 1 is empty"),
        ([Place("a", "A", "1"), Place("b", "B", "3")], "b", "Place 2 is empty"),
        ([Place("a", "A", "4")], "a", "Choose a place from 1 to 3"),
        ([Place("a", "A", "anywhere")], "a", "Choose a place from 1 to 3"),
        ([Place("a", "A", WITHDRAW)], "a", "Enter why “A” is withdrawn"),
        ([Place("a", "A", WITHDRAW, "x" * 601)], "a", "The reason must be 600 characters or fewer"),
    ],
)
def test_places_that_do_not_do_are_told_beside_the_need(places: list[Place], field: str, words: str) -> None:
    with pytest.raises(DomainError) as caught:
        rules.check_places(places)
    assert (caught.value.field, words in caught.value.message) == (field, True), caught.value.message


# Counts


def test_counts_add_up_when_what_left_one_came_to_another() -> None:
    ledger = Ledger()
    ledger.take(item(owner=1))
    ledger.put(2, item(owner=1))
    rules.check_sums({(1, "need", "Open"): 3}, ledger, {(1, "need", "Open"): 2, (2, "need", "Open"): 1})


@pytest.mark.parametrize(
    "after",
    [
        {(1, "need", "Open"): 2},
        {(1, "need", "Open"): 3, (2, "need", "Open"): 1},
        {(1, "need", "Open"): 2, (2, "need", "Lapsed"): 1},
        {(1, "need", "Open"): 2, (2, "need", "Open"): 1, (3, "need", "Open"): 1},
    ],
    ids=["one is lost", "one is there twice", "one has changed its state", "one came from nowhere"],
)
def test_counts_that_do_not_add_up_are_refused(after: dict[tuple[int, str, str], int]) -> None:
    ledger = Ledger()
    ledger.take(item(owner=1))
    ledger.put(2, item(owner=1))
    with pytest.raises(rules.DoesNotAddUp, match="The counts do not add up"):
        rules.check_sums({(1, "need", "Open"): 3}, ledger, after)


def test_an_item_can_come_in_another_state_than_it_left() -> None:
    ledger = Ledger()
    ledger.take(item())
    ledger.put(2, item(), "Lapsed")
    assert ledger.entries == {(1, "need", "Open"): -1, (2, "need", "Lapsed"): 1}
