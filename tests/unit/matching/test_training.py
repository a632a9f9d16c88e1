"""What the adapter is trained on and how; the training itself is too slow for a test and is run by hand."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from matching.adapters import low_rank
from matching.errors import EncoderUnavailable
from matching.glossary import Entry
from matching.training.low_rank import LowRank, Plan, Read, echoes
from matching.training.pairs import Pair, parted, read, ways_of_saying

JUDGED = Path(__file__).parents[2] / "evaluation"
SHINGLE = 8


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)}


def test_every_pair_has_three_different_texts_and_no_need_comes_twice() -> None:
    pairs = read()
    assert len({pair.need for pair in pairs}) == len(pairs) >= 200
    for pair in pairs:
        assert len({pair.need, pair.technology, pair.near_miss}) == 3
        assert min(len(pair.need), len(pair.technology), len(pair.near_miss)) > 30


def test_nothing_of_a_judged_set_is_learnt_from() -> None:
    learnt = {one for pair in read() for text in (pair.need, pair.technology) for one in shingles(text)}
    for file in JUDGED.glob("*/*.jsonl"):
        assert not learnt & shingles(file.read_text(encoding="utf-8")), file


def test_held_back_pairs_are_never_learnt_from() -> None:
    pairs = [Pair(f"need {at}", f"technology {at}", f"near miss {at}") for at in range(20)]
    learnt, held_back = parted(pairs)
    assert not {pair.need for pair in learnt} & {pair.need for pair in held_back}
    assert len(learnt) + len(held_back) == 20
    assert [pair.need for pair in held_back] == ["need 0", "need 8", "need 16"]


def test_a_term_is_paired_with_what_others_say_for_it() -> None:
    entry = Entry("§did not attend", "Access", ("DNA",), ("did not attend",), ("no-show", "turn up"), ())
    for said, others in ways_of_saying([entry] * 20, random.Random(3)):
        assert said in {"DNA", "did not attend", "DNA (did not attend)"}
        assert set(others.replace("turn up", "turn-up").split()) <= {"no-show", "turn-up"}


def test_late_interaction_in_training_is_that_of_plain_loops() -> None:
    torch.manual_seed(1)
    sizes = ([3, 2], [4, 1])
    mean = torch.randn(6)
    sides = []
    for lengths in sizes:
        tokens = torch.randn(2, max(lengths), 6)
        real = torch.tensor([[at < length for at in range(max(lengths))] for length in lengths])
        sides.append(Read(torch.zeros(2, 6), tokens, real))
    found = echoes(sides[0], sides[1], mean)
    for one in range(2):
        for two in range(2):
            asked = (sides[0].tokens[one][sides[0].real[one]] - mean).numpy()
            given = (sides[1].tokens[two][sides[1].real[two]] - mean).numpy()
            asked /= np.linalg.norm(asked, axis=1, keepdims=True)
            given /= np.linalg.norm(given, axis=1, keepdims=True)
            alike = asked @ given.T
            expected = (alike.max(1).mean() + alike.max(0).mean()) / 2
            assert float(found[one, two]) == pytest.approx(float(expected), rel=1e-5)


class Model:
    """As much of a model as the adapter needs: a named layer inside."""

    def __init__(self) -> None:
        self.auto_model = torch.nn.Sequential(torch.nn.Linear(4, 3))

    def __getitem__(self, _: int) -> Model:
        return self


def test_what_is_shipped_changes_a_layer_as_it_was_trained() -> None:
    model, plan = Model(), Plan(rank=2, dropout=0.0)
    layer = model.auto_model[0]
    trained = LowRank(layer, plan).eval()
    with torch.no_grad():
        trained.up.copy_(torch.randn(3, 2))
    rows = torch.randn(5, 4)
    expected = trained(rows)
    low_rank.add(
        model,
        {
            "0.A": trained.down.detach().numpy().astype(np.float16),
            "0.B": (trained.up.detach() * plan.scale).numpy().astype(np.float16),
        },
    )
    assert torch.allclose(layer(rows), expected, atol=5e-3)


@pytest.mark.parametrize("name", ["9", "0.missing"])
def test_an_adapter_of_another_model_is_told_plainly(name: str) -> None:
    change = {f"{name}.A": np.ones((2, 4), np.float16), f"{name}.B": np.ones((3, 2), np.float16)}
    with pytest.raises(EncoderUnavailable, match="does not belong"):
        low_rank.add(Model(), change)
