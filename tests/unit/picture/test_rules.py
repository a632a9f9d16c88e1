"""What is shared, alone and without a match, and how pictures are cut into classes."""

from __future__ import annotations

import pytest

from marketplace.picture import rules
from marketplace.picture.rules import Asked, Cell, Fact, Held, Measure, Register, Shade, Tally


def fact(number: int, owner: int, **values: object) -> Fact:
    """Return a need of an organisation."""
    return Fact(number, f"n{number}", f"Need {number}", 1, owner, **values)  # type: ignore[arg-type] # for tests


def test_a_family_held_by_two_organisations_here_is_shared_and_comes_first() -> None:
    facts = [fact(1, 10), fact(2, 10, family="f"), fact(3, 11, family="f")]
    found = rules.entries(facts, {10, 11})
    assert [(one.held, [fact.need_id for fact in one.facts]) for one in found] == [
        (Held.SHARED, [2, 3]),
        (Held.ALONE, [1]),
    ]


def test_a_family_is_not_shared_here_by_who_holds_it_elsewhere() -> None:
    facts = [fact(1, 10, family="f"), fact(2, 99, family="f")]
    [entry] = rules.entries(facts, {10})
    assert (entry.held, len(entry.facts)) == (Held.ALONE, 1)


def test_two_needs_of_one_organisation_in_a_family_are_not_shared() -> None:
    [entry] = rules.entries([fact(1, 10, family="f"), fact(2, 10, family="f")], {10, 11})
    assert entry.held is Held.ALONE


def test_a_need_that_another_organisation_here_co_signs_is_shared() -> None:
    [entry] = rules.entries([fact(1, 10, co_signers=(11,))], {10, 11})
    assert (entry.held, entry.holders) == (Held.SHARED, {10, 11})
    [elsewhere] = rules.entries([fact(1, 10, co_signers=(99,))], {10, 11})
    assert elsewhere.held is Held.ALONE


def test_every_need_counts_once_in_the_sums_and_in_their_parts() -> None:
    facts = [
        fact(1, 10, family="f", fits=0),
        fact(2, 11, family="f", fits=2),
        fact(3, 11),
        fact(4, 12, fits=0),
    ]
    found = rules.entries(facts, {10, 11, 12})
    assert rules.tally(found) == Tally(needs=4, shared=2, alone=2, fits=1, nothing=2, not_looked=1)
    parts = rules.tallies(found, lambda one: one.organisation_id)
    assert parts == {
        10: Tally(needs=1, shared=1, nothing=1),
        11: Tally(needs=2, shared=1, alone=1, fits=1, not_looked=1),
        12: Tally(needs=1, alone=1, nothing=1),
    }


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (Asked(), [1, 2, 3]),
        (Asked(held=Held.SHARED), [1, 2]),
        (Asked(held=Held.ALONE), [3]),
        (Asked(register=Register.NOTHING), [2]),
        (Asked(register=Register.NOT_LOOKED), [3]),
        (Asked(area="frailty"), [1]),
        (Asked(theme="falls"), [1, 2]),
        (Asked(theme=rules.NO_THEME), [3]),
        (Asked(theme="falls", area="frailty", register=Register.NOTHING), []),
    ],
)
def test_a_place_can_be_narrowed(asked: Asked, left: list[int]) -> None:
    facts = [
        fact(1, 10, family="f", theme="falls", area="frailty", fits=1),
        fact(2, 11, family="f", theme="falls", fits=0),
        fact(3, 10),
    ]
    kept = rules.chosen(rules.entries(facts, {10, 11}), asked)
    assert [fact.need_id for entry in kept for fact in entry.facts] == left


def test_a_need_stays_shared_when_what_it_is_shared_with_is_filtered_away() -> None:
    facts = [fact(1, 10, family="f", area="frailty"), fact(2, 11, family="f")]
    [kept] = rules.chosen(rules.entries(facts, {10, 11}), Asked(area="frailty"))
    assert (kept.held, len(kept.facts)) == (Held.SHARED, 1)


def place(organisation: int) -> str:
    return "north" if organisation < 20 else "south"


def test_cells_count_needs_where_they_were_published_and_organisations_where_they_are() -> None:
    facts = [fact(1, 10, fits=0, co_signers=(20,)), fact(2, 10, fits=1), fact(3, 21)]
    assert rules.cells(facts, place) == {
        "north": Cell(needs=2, organisations=1, nothing=1, looked=2, asked=2),
        "south": Cell(needs=1, organisations=2, nothing=0, looked=0, asked=2),
    }


def test_a_place_without_what_is_wanted_is_zero_and_one_without_needs_is_no_data() -> None:
    found = rules.cells([fact(1, 10, theme="falls"), fact(2, 20)], place, lambda one: one.theme == "falls")
    assert found["south"].value(Measure.SHARED) == 0
    assert Cell().value(Measure.SHARED) is None


def test_the_part_without_a_match_is_of_what_was_looked_at() -> None:
    assert Cell(needs=9, nothing=1, looked=3, asked=9).value(Measure.UNMATCHED) == 34
    assert Cell(needs=9, asked=9).value(Measure.UNMATCHED) is None
    assert Cell(needs=9, looked=9, asked=9).value(Measure.UNMATCHED) == 0


def test_cells_add_up_to_the_needs_that_there_are() -> None:
    facts = [fact(number, number % 30, fits=number % 3) for number in range(100)]
    sums = rules.total(rules.cells(facts, place))
    assert (sums.needs, sums.nothing, sums.looked) == (100, 34, 100)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([], [(0, 0)]),
        ([None, 0], [(0, 0)]),
        ([3, 1], [(0, 0), (1, 1), (2, 2), (3, 3)]),
        ([5], [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]),
        ([6], [(0, 0), (1, 2), (3, 4), (5, 6)]),
        ([23], [(0, 0), (1, 5), (6, 10), (11, 15), (16, 20), (21, 25)]),
    ],
)
def test_organisations_are_cut_into_few_classes(
    values: list[int | None], classes: list[tuple[int, int]]
) -> None:
    assert [(one.low, one.high) for one in rules.shades(Measure.SHARED, values)] == classes


def test_shares_are_always_cut_at_every_fifth() -> None:
    assert rules.shades(Measure.UNMATCHED, [7]) == [
        Shade(0, 0, 0),
        Shade(1, 1, 20),
        Shade(2, 21, 40),
        Shade(3, 41, 60),
        Shade(4, 61, 80),
        Shade(5, 81, 100),
    ]


@pytest.mark.parametrize("most", range(1, 200))
def test_every_value_lies_in_one_of_six_classes_at_most(most: int) -> None:
    found = rules.shades(Measure.SHARED, [most])
    assert len(found) <= rules.CLASSES + 1
    assert [rules.shade_of(found, value).number for value in range(most + 1)] == sorted(
        rules.shade_of(found, value).number for value in range(most + 1)
    )


def test_something_is_never_shown_as_nothing() -> None:
    assert rules.percent(1, 1000) == 1
    assert rules.percent(0, 1000) == 0
    assert rules.percent(1000, 1000) == 100
