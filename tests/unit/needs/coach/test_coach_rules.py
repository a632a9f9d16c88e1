from __future__ import annotations

import re

import pytest

from marketplace.needs import coach
from marketplace.needs.noticing import RULES
from marketplace.needs.noticing.reading import Example, Rule
from marketplace.needs.rules import NeedContent
from marketplace.settings import PROJECT
from tests.factories.needs import COMPLETE, content


def rules_about(example: Example) -> set[str]:
    return {one.rule for one in coach.look_over(example.need()) if one.field == example.field}


BAD = [(rule, example) for rule in RULES for example in rule.bad]
GOOD = [(rule, example) for rule in RULES for example in rule.good]


@pytest.mark.parametrize(("rule", "example"), BAD, ids=lambda one: getattr(one, "key", ""))
def test_a_rule_asks_about_its_own_bad_examples(rule: Rule, example: Example) -> None:
    assert rule.key in rules_about(example)


@pytest.mark.parametrize(("rule", "example"), GOOD, ids=lambda one: getattr(one, "key", ""))
def test_no_rule_asks_about_a_good_example(rule: Rule, example: Example) -> None:
    assert rules_about(example) == set()


def test_every_rule_has_a_reason_and_examples_of_both_kinds_under_a_key_of_its_own() -> None:
    assert len({rule.key for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.name, rule.key
        assert rule.why.endswith("."), rule.key
        assert len(rule.bad) >= 2, rule.key
        assert len(rule.good) >= 2, rule.key


def test_every_rule_is_told_in_the_documentation_with_its_name_reason_and_an_example() -> None:
    page = (PROJECT / "docs" / "coach.md").read_text("utf-8")
    told = re.findall(r"^### (.+)$", page, re.MULTILINE)
    assert told == [rule.name for rule in RULES]
    for rule in RULES:
        assert rule.why in page, rule.key
        assert rule.bad[0].text in page, rule.key
        assert rule.good[0].text in page, rule.key


def test_a_finding_is_a_question_about_the_exact_words() -> None:
    for rule in RULES:
        for example in rule.bad:
            for one in coach.look_over(example.need()):
                assert example.text[one.start : one.end] == one.words
                assert "?" in one.question, one.question


def test_findings_come_in_the_order_of_the_questions_and_of_the_words() -> None:
    need = NeedContent(title="An app for the CNS", problem="", must=("Be robust", "Be fast"))
    assert [(one.field, one.item, one.rule, one.words) for one in coach.look_over(need)] == [
        ("title", 0, "solution", "app"),
        ("title", 0, "abbreviation", "CNS"),
        ("must", 0, "untestable", "robust"),
        ("must", 1, "quantity", "fast"),
    ]


def test_a_complete_need_that_says_what_it_has_to_is_left_alone() -> None:
    assert coach.look_over(content(baseline="8.1", target="6 within 12 months")) == []


def test_a_need_that_is_empty_is_left_alone() -> None:
    assert coach.look_over(NeedContent()) == []


def test_an_answer_that_is_missing_is_asked_for_once_its_page_is_begun() -> None:
    need = NeedContent(outcome="People go home on the day that they are ready.")
    assert [(one.field, one.rule, one.words) for one in coach.look_over(need)] == [
        ("measure", "measure", ""),
        ("baseline", "baseline", ""),
        ("target", "target", ""),
    ]


def test_an_abbreviation_that_another_answer_spells_out_is_not_asked_about() -> None:
    spelled = NeedContent(title="Fewer DTOCs", problem="A delayed transfer of care keeps people in hospital.")
    assert coach.look_over(spelled) == []


def test_each_abbreviation_is_asked_about_once_where_it_is_first_used() -> None:
    need = NeedContent(
        title="Fewer DTOCs", pathway_today="A DTOC is told to the CNS. The CNS rings the DTOC line."
    )
    assert [(one.field, one.words) for one in coach.look_over(need)] == [
        ("title", "DTOCs"),
        ("pathway_today", "CNS"),
    ]


def test_the_question_about_an_abbreviation_offers_what_it_may_mean() -> None:
    known = {"CNS": ("clinical nurse specialist",), "PE": ()}
    need = Example("title", "Fewer calls to the CNS").need()
    (asked,) = coach.look_over(need, lambda letters, _text: known[letters])
    assert asked.question == (
        "Does “CNS” mean clinical nurse specialist here? Readers elsewhere may not know."
    )
    assert coach.look_over(need)[0].question.startswith("What does “CNS” stand for?")


def test_what_was_left_as_it_is_comes_back_when_its_sentence_changes_and_not_when_another_does() -> None:
    first = Example("problem", "We want an app so that nurses can talk. It is 2026.").need()
    left = {one.key for one in coach.look_over(first)}
    other_sentence = Example("problem", "We want an app so that nurses  can talk. It is 2027.").need()
    assert coach.still_open(coach.look_over(other_sentence), left) == []
    changed = Example("problem", "We want an app so that doctors can talk. It is 2026.").need()
    assert [one.rule for one in coach.still_open(coach.look_over(changed), left)] == ["solution"]


def test_leaving_one_statement_as_it_is_leaves_another_with_the_same_words_open() -> None:
    need = NeedContent(must=("Be user friendly", "Give nurses a user friendly report"))
    first, second = coach.look_over(need)
    assert coach.still_open([first, second], {first.key}) == [second]


def test_beside_a_field_stand_at_most_three_findings_the_most_important_first() -> None:
    text = "Mrs Ada Hill wants an app from the CNS, the MDM, the RSS and the DTOC team across the trust."
    found = coach.look_over(Example("title", text).need())
    assert len(found) > 3
    assert [one.rule for one in coach.beside(found, coach.Spot("title", "title"))] == [
        "person",
        "solution",
        "broad",
    ]


@pytest.mark.parametrize("number", ["943 476 5919", "943-476-5919", "9434765919"])
def test_a_number_that_checks_as_an_nhs_number_is_noticed_however_it_is_written(number: str) -> None:
    (asked,) = coach.look_over(Example("pathway_today", f"The record {number} was lost.").need())
    assert (asked.rule, asked.words) == ("person", number)


def test_ten_digits_that_do_not_check_are_taken_for_something_else() -> None:
    assert coach.look_over(Example("pathway_today", "Contract 943 476 5918 ends in May.").need()) == []


def test_a_text_that_leads_patterns_astray_is_read_to_its_end() -> None:
    # A pattern that tries every way of cutting such a text would not end within the life of this test.
    for piece in ("A", "a ", "and ", "A1", "(a ", "no more than ", "AB (", "Mr A", "by in ", "’ "):
        coach.look_over(
            COMPLETE.__class__(title=piece * 60, problem=(piece * 3000)[:3000], must=(piece * 80,))
        )
