from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.demand import rules
from marketplace.demand.rules import FACETS, Asked, Fact, Sort
from marketplace.web.forms import clean_line


def fact(ref: str, *, age: int = 0, **values: object) -> Fact:
    plain = {name: values.pop(name, ()) for name in FACETS}
    plain["state"] = plain["state"] or "open"
    tuples = tuple((value,) if isinstance(value, str) else tuple(value) for value in plain.values())
    known = {"kind": "need", "version": 1, "rank": 1, "closes": 0, "shared": 0, "by": "X"}
    return Fact(**{**known, "ref": ref, "age": age, "values": tuples, **values})


FACTS = [
    fact("a", age=2, area="cancer", region="north", evidence=("dtac", "clinical-study")),
    fact("b", age=0, area="cancer", region="south", evidence=("dtac",)),
    fact("c", age=1, area="eyes", region="south"),
    fact("old", age=3, state="lapsed", area="eyes", region="north"),
]


def refs(facts: list[Fact]) -> list[str]:
    return [one.ref for one in facts]


# What an address asks for


def test_the_same_search_is_always_written_the_same_way() -> None:
    typed = [
        ("region", "Y61"),
        ("page", "1"),
        ("area", ""),
        ("utm_source", "x"),
        ("q", "falls"),
        ("region", "Y60"),
    ]
    asked = rules.read(typed)
    assert rules.query_string(asked) == "q=falls&region=Y60&region=Y61"
    assert rules.query_string(rules.read(reversed(typed))) == "q=falls&region=Y60&region=Y61"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("sort", "newest")], ""),
        ([("sort", "newest"), ("q", "falls")], "q=falls&sort=newest"),
        ([("sort", "best"), ("q", "falls")], "q=falls"),
        ([("sort", "fit")], ""),
        ([("sort", "rank")], "sort=rank"),
        ([("sort", "cheapest")], "sort=cheapest"),
        ([("state", "open")], ""),
        ([("state", "open"), ("state", "lapsed")], "state=lapsed&state=open"),
        ([("page", "3")], "page=3"),
        ([("page", "nine")], ""),
        ([("page", "9" * 4000)], ""),
        ([("organisation", "RXA"), ("organisation", "RXB")], "organisation=RXA"),
        ([("area", "moon")], "area=moon"),
    ],
)
def test_what_goes_without_saying_is_left_out(pairs: list[tuple[str, str]], expected: str) -> None:
    assert rules.query_string(rules.read(pairs)) == expected


TEXTS = st.text(max_size=80).map(clean_line)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["q", "sort", "page", "other", *FACETS]),
            TEXTS | st.sampled_from(["open", "1", "fit"]),
        ),
        max_size=12,
    )
)
def test_the_usual_address_leads_to_itself(pairs: list[tuple[str, str]]) -> None:
    once = rules.query_string(rules.read(pairs))
    again = rules.read((name, clean_line(value)) for name, value in parse_qsl(once))
    assert rules.query_string(again) == once


def test_a_filter_is_taken_away_alone_and_leads_to_the_first_page() -> None:
    asked = Asked("falls", {"region": ("Y60", "Y61"), "area": ("frailty",)}, page=4)
    assert rules.query_string(asked.without("region", "Y60")) == "q=falls&region=Y61&area=frailty"
    assert rules.query_string(asked.without("area", "frailty")) == "q=falls&region=Y60&region=Y61"


# What was typed


@pytest.mark.parametrize(
    ("typed", "exact", "rest", "plain"),
    [
        ("falls at night", (), "falls at night", "falls at night"),
        ('"virtual ward" at home', ("virtual ward",), "at home", "virtual ward at home"),
        ("“virtual  ward”", ("virtual ward",), "", "virtual ward"),
        ('"" "..." x', (), "x", "... x"),
        ('5" screen', (), "5 screen", "5 screen"),
        ('"a b" "a b" «c d»', ("a b", "c d"), "", "a b a b c d"),
    ],
)
def test_quotation_marks_ask_for_these_very_words(
    typed: str, exact: tuple[str, ...], rest: str, plain: str
) -> None:
    assert rules.phrases(typed) == exact
    assert rules.beside(typed) == rest
    assert rules.unquoted(typed) == plain


@pytest.mark.parametrize(
    ("text", "phrase", "said"),
    [
        ("A virtual ward at home", "virtual ward", True),
        ("A Virtual-Ward, at home", "virtual ward", True),
        ("virtual\n  ward", "Virtual Ward", True),
        ("virtual wards", "virtual ward", False),
        ("a virtual hospital ward", "virtual ward", False),
        ("chart", "art", False),
        ("C++ (or C)", "c++", True),
        ("Ménière’s disease", "ménière’s", True),
    ],
)
def test_a_phrase_is_found_as_whole_words_next_to_each_other(text: str, phrase: str, said: bool) -> None:
    assert rules.says(text, phrase) is said


def test_words_without_meaning_and_ends_of_plurals_are_left_out() -> None:
    assert rules.words("Falls in the wards of a hospital, and glass") == ("fall", "ward", "hospital", "glass")
    assert rules.words("to be or not to be") == ("not",)
    assert rules.words("of the") == ("of", "the")


# Filters, counts and order


def test_one_filters_values_are_alternatives_and_filters_go_together() -> None:
    assert refs(rules.passing(FACTS, {"area": ("cancer", "eyes"), "region": ("south",)})) == ["b", "c"]
    assert refs(rules.passing(FACTS, {"evidence": ("clinical-study",)})) == ["a"]


def test_counts_tell_what_each_further_choice_would_show() -> None:
    asked = Asked(chosen={"area": ("cancer",)})
    counts = rules.counts(FACTS, asked.wanted)
    assert counts["region"] == {"north": 1, "south": 1}
    assert counts["area"] == {"cancer": 2, "eyes": 1}  # as if no area was chosen
    assert counts["evidence"] == {"dtac": 2, "clinical-study": 1}
    assert counts["state"] == {"open": 2}


@given(
    st.lists(
        st.builds(
            lambda ref, age, state, area, region, evidence: fact(
                str(ref), age=age, state=state, area=area, region=region, evidence=tuple(evidence)
            ),
            st.integers(0, 99),
            st.integers(0, 99),
            st.sampled_from(["open", "lapsed", "withdrawn"]),
            st.sampled_from(["x", "y", "z"]),
            st.sampled_from(["n", "s"]),
            st.sets(st.sampled_from(["d", "e"])),
        ),
        max_size=12,
    ),
    st.fixed_dictionaries(
        {"state": st.sampled_from([("open",), ("lapsed", "open")])},
        optional={
            "area": st.sampled_from([("x",), ("x", "y")]),
            "region": st.just(("n",)),
            "evidence": st.just(("d",)),
        },
    ),
)
def test_each_count_is_what_choosing_that_value_alone_shows(
    facts: list[Fact], wanted: dict[str, tuple[str, ...]]
) -> None:
    counts = rules.counts(facts, wanted)
    for name, at in ((name, list(FACETS).index(name)) for name in ("state", "area", "region", "evidence")):
        for value in {value for one in facts for value in one.values[at]}:
            shown = rules.passing(facts, wanted | {name: (value,)})
            assert counts[name][value] == len(shown)


def test_orders_break_ties_by_the_newest() -> None:
    today = date(2026, 11, 22).toordinal()
    facts = [
        fact("late", age=0, closes=today + 90),
        fact("soon", age=3, closes=today + 5, timing="later"),
        fact("soon and now", age=4, closes=today + 5, timing="now"),
        fact("shared", age=1, shared=2, rank=3),
        fact("third", age=2, rank=3),
    ]
    places = {("need", "third"): 0, ("need", "soon"): 1}
    assert refs(rules.in_order(facts, Sort.NEWEST, {})) == ["late", "shared", "third", "soon", "soon and now"]
    assert refs(rules.in_order(facts, Sort.FIT, places))[:3] == ["third", "soon", "late"]
    assert refs(rules.in_order(facts, Sort.CLOSING, {})) == [
        "soon and now",
        "soon",
        "late",
        "shared",
        "third",
    ]
    assert refs(rules.in_order(facts, Sort.SHARED, {}))[0] == "shared"
    assert refs(rules.in_order(facts, Sort.RANK, {})) == ["late", "soon", "soon and now", "shared", "third"]
