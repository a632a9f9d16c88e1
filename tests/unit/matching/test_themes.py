"""Themes: which families are near each other, what they are called, and that neither depends on order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from matching import themes as module
from matching.alike import limits
from matching.documents import need_document
from matching.matcher import Matcher, build_finder
from matching.naming import phrases
from matching.themes import Before, Theme, Themes, themes
from matching.types import Document, Kind
from tests.fakes.matching import DamagedEncoder, HashEncoder

LIMITS = replace(limits(), theme=0.2, theme_words=0.05)


def need(key: str, title: str, statement: str) -> Document:
    return need_document(id=key, title=title, statement=statement)


FALLS = [
    need("F1", "Falls at night", "Residents fall at night in care homes. Falls are found late by carers."),
    need("F2", "Falls on the ward", "Patients fall on wards at night. Falls are found late by nurses."),
    need("F3", "Falls in gardens", "Residents fall in care homes and gardens. Carers find falls late."),
]
WOUNDS = [
    need("W1", "Leg ulcers at home", "Leg ulcers heal slowly. Compression bandages come late to legs."),
    need("W2", "Leg ulcers in clinics", "Compression bandages come late and leg ulcers do not heal."),
    need("W3", "Healing of leg ulcers", "Leg ulcers heal slowly as compression of legs comes late."),
]
PUMPS = need("P1", "Lost pumps", "Porters search every store for infusion pumps that are lost.")
ALL = [*FALLS, *WOUNDS, PUMPS]


def made(documents: Sequence[Document], before: Sequence[Before] = (), **families: list[str]) -> Themes:
    return themes(finder(documents), families or {one.id: [one.id] for one in documents}, LIMITS, before)


def finder(documents: Sequence[Document]) -> Matcher:
    found = build_finder(Kind.NEED, encoder=HashEncoder(384))
    found.add(found.encode(documents))
    return found


def remembered(found: Themes) -> list[Before]:
    return [Before(one.key, one.name, one.said, frozenset(one.families)) for one in found.themes]


def names(found: Themes) -> dict[str, tuple[str, ...]]:
    return {theme.name: theme.families for theme in found.themes}


def test_families_of_one_field_are_a_theme_in_words_of_their_own() -> None:
    found = made(ALL)
    assert names(found) == {"Falls": ("F1", "F2", "F3"), "Leg ulcers": ("W1", "W2", "W3")}
    assert [theme.key for theme in found.themes] == ["falls", "leg-ulcers"]
    assert found.alone == ("P1",)


def test_no_order_of_the_needs_changes_anything() -> None:
    first = made(ALL)
    for seed in range(10):
        assert made(random.Random(seed).sample(ALL, len(ALL))) == first


def test_a_family_counts_once_however_many_needs_it_has() -> None:
    found = made(ALL, falls=["F1", "F2", "F3"], one=["W1"], two=["W2", "W3"], pumps=["P1"])
    assert names(found) == {"Leg ulcers": ("one", "two")}
    assert found.alone == ("falls", "pumps")


def test_needs_that_are_not_registered_are_left_out() -> None:
    assert made(ALL, gone=["X1"], one=["W1", "X2"], two=["W2"]).themes == (
        Theme("leg-ulcers", "Leg ulcers", ("one", "two"), ("§lower limb wounds",)),
    )
    assert made([]) == Themes(())


def test_a_theme_keeps_key_and_name_while_needs_come_and_go() -> None:
    before = [Before("dropping", "Dropping", ("fall",), frozenset({"F1", "F2", "F9"}))]
    found = made([*FALLS[1:], *WOUNDS], before)
    assert (found.themes[1].key, found.themes[1].name) == ("dropping", "Dropping")


def test_a_name_that_hardly_any_family_says_any_more_is_given_up_but_not_its_key() -> None:
    before = [Before("dropping", "Dropping", ("drop",), frozenset({"F1", "F2"}))]
    assert [(one.key, one.name) for one in made(FALLS, before).themes] == [("dropping", "Falls")]


def test_the_group_with_most_of_its_needs_inherits_and_the_other_gets_a_key_that_was_never_used() -> None:
    before = [Before("falls", "Mixed", ("heal",), frozenset({"F1", "W1", "W2", "W3"}))]
    assert {one.key: one.families[0] for one in made(ALL, before).themes} == {"falls": "W1", "falls-2": "F1"}


def test_two_themes_never_have_one_name() -> None:
    before = [Before("old", "Leg ulcers", ("fall",), frozenset({"F1", "F2", "F3"}))]
    found = made(ALL, before)
    assert len({theme.name.lower() for theme in found.themes}) == len(found.themes) == 2


def test_a_word_that_says_nothing_without_another_is_no_name() -> None:
    said = phrases(need("H1", "Health checks of drivers", "Drivers miss health checks."), None, str)
    written = {one.written for one in said.values()}
    assert "health checks" in written
    assert "health" not in written


def test_abbreviations_are_spelled_as_the_glossary_spells_them() -> None:
    documents = [
        need("A", "VTE risk", "VTE risk is assessed late on wards."),
        need("B", "Late VTE assessment", "Wards assess VTE late."),
    ]
    assert [theme.name for theme in made(documents).themes] == ["Venous thromboembolism"]


def test_without_the_model_words_alone_are_compared_and_it_is_told() -> None:
    found = build_finder(Kind.NEED, encoder=DamagedEncoder(384))
    found.add(found.encode(ALL))
    told = themes(found, {one.id: [one.id] for one in ALL}, LIMITS)
    assert told.degraded
    assert names(told) == {"Falls": ("F1", "F2", "F3"), "Leg ulcers": ("W1", "W2", "W3")}


def test_where_there_would_be_too_many_joining_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    assert len(made(ALL).themes) == 1


def test_families_beyond_what_is_compared_join_the_theme_they_are_nearest_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CLUSTERED", 6)
    assert sorted(names(made(ALL)).values()) == [("F1", "F2", "F3"), ("W1", "W2", "W3")]
    monkeypatch.setattr(module, "CLUSTERED", 2)
    assert made([FALLS[0], PUMPS, WOUNDS[0]]).alone == ("F1", "P1", "W1")
