from __future__ import annotations

from collections import Counter

import pytest

from marketplace.demo import content
from marketplace.needs import coach
from marketplace.needs.noticing import RULES
from tests.unit.needs.coach.demo import need_content
from tests.unit.needs.coach.judged import figures, table, texts, whole_needs


def test_the_judged_lists_are_large_enough_and_hold_every_rule() -> None:
    for half in ("tune", "check"):
        judged = [*texts(half), *whole_needs(half)]
        assert sum(bool(one.expected) for one in judged) >= 80
        assert sum(not one.expected for one in judged) >= 60
        assert {rule for one in judged for _, rule in one.expected} == {rule.key for rule in RULES}


def test_no_text_stands_in_both_halves() -> None:
    seen = Counter(one.words for half in ("tune", "check", "others") for one in set(texts(half)))
    # "to be confirmed" and "n/a" are what people write
    assert [words for words, count in seen.items() if count > 1] == []


def test_on_the_list_that_the_rules_were_not_worked_on_the_coach_asks_what_a_reader_would() -> None:
    print(table("check"))
    counted = figures("check")
    assert counted.precision() >= 0.9
    assert counted.recall() >= 0.85


@pytest.mark.parametrize("rule", [rule.key for rule in RULES])
def test_no_rule_alone_falls_far_below_the_rest(rule: str) -> None:
    counted = figures("check")
    assert counted.precision(rule) >= 0.75, table("check")
    assert counted.recall(rule) >= 0.65, table("check")


def test_on_texts_that_other_people_wrote_the_coach_asks_what_a_reader_would() -> None:
    print(table("others"))
    counted = figures("others")
    assert counted.precision() >= 0.85
    assert counted.recall() >= 0.7


def test_the_needs_of_the_demo_are_asked_about_seldom() -> None:
    asked = Counter(one.rule for need in content.needs() for one in coach.look_over(need_content(need)))
    assert asked.total() <= 2 * len(content.needs()), asked
    # What would be a false alarm in needs that tell a problem, name nobody and sell nothing.
    assert not asked.keys() & {
        "person",
        "solution",
        "product",
        "one-supplier",
        "population",
        "several",
        "broad",
    }
