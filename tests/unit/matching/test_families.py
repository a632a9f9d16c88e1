from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.alike import Limits
from matching.families import Family, Settled, families
from matching.types import Hit

LIMITS = Limits(1.0, 0.0, 1.0, 0.0, threshold=0.4, together=0.5, apart=0.2)
IDS = [f"N{number:02d}" for number in range(12)]

Pairs = Mapping[tuple[str, str], float]


def near(pairs: Pairs, ids: Sequence[str], limit: int = 20) -> dict[str, list[Hit]]:
    found: dict[str, list[Hit]] = {key: [] for key in ids}
    for (one, other), chance in pairs.items():
        if one in found and other in found:
            found[one].append(Hit(other, chance))
            found[other].append(Hit(one, chance))
    return {key: sorted(hits, key=lambda hit: (-hit.score, hit.id))[:limit] for key, hits in found.items()}


def members(found: Sequence[Family]) -> list[tuple[str, ...]]:
    return [family.members for family in found]


def group(pairs: Pairs, ids: Sequence[str], settled: Settled | None = None) -> list[tuple[str, ...]]:
    return members(families(dict.fromkeys(ids, ""), near(pairs, ids), LIMITS, settled=settled))


def test_needs_that_are_alike_are_one_family_called_by_its_oldest() -> None:
    ages = {"A": "2026-03-01", "B": "2026-01-01", "C": "2026-02-01"}
    found = families(ages, near({("A", "B"): 0.9}, list(ages)), LIMITS)
    assert found == (Family("B", ("B", "A")), Family("C", ("C",)))


def test_a_chain_of_neighbours_is_not_one_family() -> None:
    chain = {("A", "B"): 0.9, ("B", "C"): 0.8, ("C", "D"): 0.9, ("A", "C"): 0.1, ("B", "D"): 0.1}
    assert group(chain, "ABCD") == [("A", "B"), ("C", "D")]


def test_two_that_are_surely_not_the_same_keep_families_apart_however_alike_the_rest_is() -> None:
    most = {("A", "B"): 0.95, ("A", "C"): 0.95, ("B", "C"): 0.95, ("B", "D"): 0.95, ("C", "D"): 0.95}
    assert group({**most, ("A", "D"): 0.3}, "ABCD") == [("A", "B", "C", "D")]
    assert group({**most, ("A", "D"): 0.1}, "ABCD") == [("A", "B", "C"), ("D",)]


def test_what_a_person_settled_stands_above_the_matcher() -> None:
    pairs = {("A", "B"): 0.9, ("C", "D"): 0.05}
    settled = Settled(same=[("D", "C")], different=[("B", "A")])
    assert group(pairs, "ABCD", settled) == [("A",), ("B",), ("C", "D")]


def test_a_refusal_counts_more_than_confirmations_around_it() -> None:
    settled = Settled(same=[("A", "B"), ("B", "C")], different=[("A", "C")])
    assert group({}, "ABC", settled) == [("A", "B"), ("C",)]


def test_refused_pairs_never_meet_through_a_third() -> None:
    pairs = {("A", "B"): 0.9, ("B", "C"): 0.8, ("A", "C"): 0.9}
    found = group(pairs, "ABC", Settled(different=[("A", "C")]))
    assert found == [("A", "B"), ("C",)]


def test_pairs_that_a_cut_off_list_hides_are_asked_about() -> None:
    ids = IDS[:6]
    pairs = {(one, other): 0.9 for one in ids for other in ids if one < other}
    asked = []

    def ask(one: str, others: Sequence[str]) -> list[float]:
        asked.extend((one, other) for other in others)
        return [0.9 for _ in others]

    cut = near(pairs, ids, limit=3)
    assert members(families(dict.fromkeys(ids, ""), cut, LIMITS, ask=ask)) == [tuple(ids)]
    known = {frozenset((key, hit.id)) for key, hits in cut.items() for hit in hits}
    assert asked
    assert not known & {frozenset(pair) for pair in asked}


def test_a_family_keeps_its_name_when_its_oldest_member_goes() -> None:
    ages = {"B": "2", "C": "3"}
    found = families(ages, near({("B", "C"): 0.9}, "BC"), LIMITS, before={"B": "A", "C": "A"})
    assert found == (Family("A", ("B", "C")),)


def test_of_two_families_that_merge_the_elder_keeps_its_name_and_tells_the_other() -> None:
    ages = {key: key for key in "ABCD"}
    pairs = {(one, other): 0.9 for one in "ABCD" for other in "ABCD" if one < other}
    found = families(ages, near(pairs, "ABCD"), LIMITS, before={"A": "A", "B": "A", "C": "C", "D": "C"})
    assert found == (Family("A", ("A", "B", "C", "D"), formerly=("C",)),)


def test_of_a_family_that_splits_the_part_with_the_oldest_keeps_the_name() -> None:
    ages = {key: key for key in "ABCD"}
    pairs = {("A", "B"): 0.9, ("C", "D"): 0.9}
    found = families(ages, near(pairs, "ABCD"), LIMITS, before=dict.fromkeys("ABCD", "A"))
    assert found == (Family("A", ("A", "B")), Family("C", ("C", "D")))


def test_no_two_families_ever_bear_one_name() -> None:
    # B's own name is still that of the family which it once founded and has left.
    found = families({"B": "1", "C": "2"}, near({}, "BC"), LIMITS, before={"C": "B"})
    assert [family.id for family in found] == ["B-2", "B"]


chances = st.dictionaries(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda pair: pair[0] < pair[1]),
    st.integers(0, 20).map(lambda number: number / 20),
    max_size=40,
)
decisions = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda pair: pair[0] != pair[1]), max_size=5
)


@given(chances, decisions, decisions, st.integers(0, 1000))
def test_families_do_not_depend_on_the_order_of_anything(
    pairs: Pairs, same: list[tuple[str, str]], different: list[tuple[str, str]], seed: int
) -> None:
    chance = random.Random(seed)
    ids = chance.sample(IDS, len(IDS))
    mixed = dict(chance.sample(list(pairs.items()), len(pairs)))
    first = families(dict.fromkeys(IDS, ""), near(pairs, IDS), LIMITS, settled=Settled(same, different))
    turned = Settled([pair[::-1] for pair in chance.sample(same, len(same))], different[::-1])
    assert families(dict.fromkeys(ids, ""), near(mixed, ids), LIMITS, settled=turned) == first


@given(chances, decisions)
def test_everybody_is_in_one_family_and_nobody_with_whom_he_is_refused(
    pairs: Pairs, different: list[tuple[str, str]]
) -> None:
    found = group(pairs, IDS, Settled(different=different))
    assert sorted(key for one in found for key in one) == IDS
    refused = [set(pair) for pair in different]
    assert not any(pair <= set(one) for pair in refused for one in found)
    for one in found:
        for left, right in ((a, b) for a in one for b in one if a < b):
            assert pairs.get((left, right), 0.0) >= LIMITS.apart


@given(chances)
def test_a_newcomer_without_likeness_changes_nothing(pairs: Pairs) -> None:
    before = group(pairs, IDS)
    assert group(pairs, [*IDS, "N99"]) == [*before, ("N99",)]


@given(chances)
def test_a_second_run_from_the_names_of_the_first_changes_no_name(pairs: Pairs) -> None:
    ages = dict.fromkeys(IDS, "")
    first = families(ages, near(pairs, IDS), LIMITS)
    names = {key: family.id for family in first for key in family.members}
    assert families(ages, near(pairs, IDS), LIMITS, before=names) == first


@pytest.mark.parametrize("gone", IDS[:4])
def test_a_withdrawal_leaves_families_alone_that_it_was_not_in(gone: str) -> None:
    pairs = {(IDS[at], IDS[at + 1]): 0.9 for at in range(0, 12, 2)}
    left = [key for key in IDS if key != gone]
    untouched = [one for one in group(pairs, IDS) if gone not in one]
    assert all(one in group(pairs, left) for one in untouched)
