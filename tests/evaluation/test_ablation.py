from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from matching.evaluation.ablation import NOT_RANKING, SWITCHES, ablate, ablations
from matching.evaluation.methods import measure
from matching.evaluation.remembering import RememberingEncoder
from matching.evaluation.sets import load
from matching.settings import MatcherSettings
from tests.fakes.matching import HashEncoder

DEV = Path(__file__).parent / "dev"


def test_every_switch_of_the_matcher_is_ablated_but_the_one_that_ranks_nothing() -> None:
    switches = {one.name for one in fields(MatcherSettings) if one.type in {"bool", bool}}
    assert set(SWITCHES) | NOT_RANKING == switches
    assert "glossary" in switches
    standard = MatcherSettings()
    for switch in SWITCHES:
        turned = [
            changes for changes in ablations().values() if changes == {switch: not getattr(standard, switch)}
        ]
        assert len(turned) == 1, switch


def test_an_ablation_tells_its_figures_and_how_they_differ_from_the_whole() -> None:
    encoder = RememberingEncoder(HashEncoder(64))
    split = load(DEV)
    whole = measure(split, encoder).tallies["matcher"]
    done = {one.name: one for one in ablate(split, encoder, whole)}
    assert list(done) == list(ablations())
    for one in done.values():
        for name, change in one.changes.items():
            assert change.figure == pytest.approx(one.figures[name] - whole[name].figure)
    assert done["without glossary"].changes["ndcg@10"].figure < -0.02
    assert done["without decide"].figures["false_match_rate"] == 1.0
