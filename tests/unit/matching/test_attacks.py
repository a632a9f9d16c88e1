"""Each family of attack, with one seed, without its defence and with all of them. Words alone: no model is needed."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from benchmarks.attacks.families import FAMILIES, OUTSIDE
from benchmarks.attacks.measure import Register, attack, judged_sets, told, wilson
from matching.settings import MatcherSettings

SETS = Path(__file__).parents[2] / "evaluation"


@lru_cache(maxsize=8)
def register(**switched_off: bool | int) -> Register:
    return Register.of(judged_sets(SETS, ["dev"]), None, replace(MatcherSettings(), **switched_off))  # type: ignore[arg-type] # names of switches


DEFENCES: dict[str, tuple[int, dict[str, bool | int]]] = {
    "keyword stuffing": (47, {"honesty": False}),
    "repetition": (1, {"honesty": False}),
    "copied need": (0, {"own_words": False}),
    "hidden characters": (0, {"own_words": False}),
    "look-alike letters": (0, {"own_words": False}),
    "pasted must-haves": (0, {"own_words": False}),
    "clones": (0, {"fold": False}),
    "past the limits": (0, {"own_words": False}),
    "many abbreviations": (0, {"honesty": False}),
    "every box ticked": (2, {"honesty": False}),
    "splitting": (3, {"fold": False}),
    "flooding": (0, {"supplier_most": 0}),
    "invisible padding": (0, {"own_words": False}),
    "foreign claims": (0, {"own_words": False}),
    "every specialty": (1, {"honesty": False}),
}


@pytest.mark.parametrize("family", DEFENCES)
def test_a_defence_keeps_its_family_of_attack_out_of_the_first_ten(family: str) -> None:
    seed, without = DEFENCES[family]
    assert attack(register(**without), family, seed).entered
    assert not attack(register(), family, seed).entered


def test_every_family_of_attack_has_a_defence_or_is_told_to_have_none() -> None:
    assert set(DEFENCES) | set(OUTSIDE) == set(FAMILIES)


def test_no_honest_listing_of_the_development_set_is_told_anything() -> None:
    assert told(register()) == (0, 94)


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Reference values: Newcombe 1998, table I, 81 of 263 and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-4)
