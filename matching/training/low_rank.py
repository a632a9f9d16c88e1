"""Train a low-rank change of the packaged model's attention, on two cores in minutes.

Two things are learnt at once, as the matcher uses both: the vector of the whole text, and token by token (late
interaction). Each need is to prefer its technology to all others of the batch and to the near misses, and each
technology its need.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from matching.adapters.low_rank import Change, transformer
from matching.training.pairs import Pair, ways_of_saying

ADAPTED = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train. The defaults were chosen on the held-back pairs alone."""

    rank: int = 8
    scale: float = 2.0
    rate: float = 1e-3
    epochs: int = 3
    pairs_each: int = 24
    terms_each: int = 64
    dropout: float = 0.1
    seed: int = 7


class LowRank(nn.Module):  # type: ignore[misc] # torch does not type it
    """A linear layer with a trainable low-rank change beside it, zero at first."""

    def __init__(self, layer: nn.Linear, plan: Plan) -> None:
        super().__init__()
        self.layer, self.plan = layer, plan
        start = torch.randn(plan.rank, layer.in_features) / math.sqrt(layer.in_features)
        self.down, self.up = nn.Parameter(start), nn.Parameter(torch.zeros(layer.out_features, plan.rank))

    def forward(self, rows: Tensor) -> Tensor:
        """Return what the layer gives, changed."""
        seen = functional.dropout(rows, self.plan.dropout, self.training)
        changed: Tensor = self.layer(rows) + (seen @ self.down.T) @ self.up.T * self.plan.scale
        return changed


@dataclass(frozen=True, slots=True)
class Read:
    """Texts as the model reads them: a vector of length one each, their tokens, and which tokens are real."""

    wholes: Tensor
    tokens: Tensor
    real: Tensor


class Learner:
    """The packaged model with changes that can be trained."""

    def __init__(self, model: Any, plan: Plan) -> None:
        self.plan = plan
        self.tokenizer = model.tokenizer
        self.inside = transformer(model)
        self.layers: dict[str, LowRank] = {}
        for weight in self.inside.parameters():
            weight.requires_grad = False
        for name, layer in list(self.inside.named_modules()):
            if isinstance(layer, nn.Linear) and name.endswith(ADAPTED):
                above, _, last = name.rpartition(".")
                self.layers[name] = LowRank(layer, plan)
                setattr(self.inside.get_submodule(above), last, self.layers[name])

    def weights(self) -> list[nn.Parameter]:
        """Return what is trained."""
        return [weight for layer in self.layers.values() for weight in (layer.down, layer.up)]

    def read(self, texts: Sequence[str], most: int) -> Read:
        """Read texts, cut to ``most`` tokens."""
        given = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=most, return_tensors="pt"
        )
        tokens = self.inside(**given).last_hidden_state
        real = given["attention_mask"].bool()
        counted = real.unsqueeze(-1).float()
        wholes = (tokens * counted).sum(1) / counted.sum(1)
        return Read(functional.normalize(wholes, dim=-1), tokens, real)

    def change(self) -> Change:
        """Return what was learnt, as it is shipped."""
        found = {}
        for name, layer in self.layers.items():
            found[f"{name}.A"] = layer.down.detach().numpy().astype(np.float16)
            found[f"{name}.B"] = (layer.up.detach() * self.plan.scale).numpy().astype(np.float16)
        return found


def echoes(askers: Read, others: Read, mean: Tensor) -> Tensor:
    """Return late interaction, both ways, of every asker with every other: shape (askers, others)."""
    asked = functional.normalize(askers.tokens - mean, dim=-1)
    given = functional.normalize(others.tokens - mean, dim=-1)
    alike = torch.einsum("aid,bjd->abij", asked, given)
    there = alike.masked_fill(~others.real[None, :, None, :], -1).max(3).values
    back = alike.masked_fill(~askers.real[:, None, :, None], -1).max(2).values
    own, theirs = askers.real.float()[:, None, :], others.real.float()[None]
    both: Tensor = (there * own).sum(2) / own.sum(2) + (back * theirs).sum(2) / theirs.sum(2)
    return both / 2


def loss_of_pairs(learner: Learner, pairs: Sequence[Pair], mean: Tensor) -> Tensor:
    """Return how badly needs and technologies of a batch find each other."""
    needs = learner.read([pair.need for pair in pairs], 128)
    others = learner.read([pair.technology for pair in pairs] + [pair.near_miss for pair in pairs], 128)
    right, count = torch.arange(len(pairs)), len(pairs)
    whole = needs.wholes @ others.wholes.T / 0.05
    single = echoes(needs, others, mean) / 0.02
    total = torch.zeros(())
    for scores in (whole, single):
        total = total + functional.cross_entropy(scores, right)
        total = total + 0.5 * functional.cross_entropy(scores[:, :count].T, right)
    return total


def loss_of_terms(learner: Learner, said: Sequence[tuple[str, str]]) -> Tensor:
    """Return how badly terms and other words for them find each other."""
    first = learner.read([one for one, _ in said], 24).wholes
    second = learner.read([other for _, other in said], 24).wholes
    scores, right = first @ second.T / 0.05, torch.arange(len(said))
    both: Tensor = functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right)
    return both / 4


def found_first(learner: Learner, pairs: Sequence[Pair], mean: Tensor) -> tuple[float, float]:
    """Return for how many needs the right technology comes first among all: by whole text, and by token."""
    learner.inside.eval()
    with torch.no_grad():
        needs = learner.read([pair.need for pair in pairs], 128)
        others = learner.read([pair.technology for pair in pairs] + [pair.near_miss for pair in pairs], 128)
        right = torch.arange(len(pairs))
        whole = (needs.wholes @ others.wholes.T).argmax(1) == right
        single = echoes(needs, others, mean).argmax(1) == right
    learner.inside.train()
    return float(whole.float().mean()), float(single.float().mean())


def train(
    model: Any,
    learnt: Sequence[Pair],
    held_back: Sequence[Pair],
    entries: Sequence[Any],
    plan: Plan,
    tell: Callable[[str], None],
) -> Change:
    """Train on ``learnt`` pairs and glossary ``entries``; ``held_back`` pairs are only measured."""
    torch.manual_seed(plan.seed)
    chance = random.Random(plan.seed)  # noqa: S311 - nothing secret: the same training each time
    learner = Learner(model, plan)
    with torch.no_grad():
        sample = learner.read([text for pair in learnt[:64] for text in (pair.need, pair.technology)], 128)
        mean = sample.tokens[sample.real].mean(0)
    tell("start: first by whole text {:.3f}, by token {:.3f}".format(*found_first(learner, held_back, mean)))
    optimizer = torch.optim.AdamW(learner.weights(), lr=plan.rate, weight_decay=0.01)
    started, done = time.monotonic(), 0
    each = len(learnt) // plan.pairs_each + len(entries) // plan.terms_each
    steps = plan.epochs * each
    for epoch in range(plan.epochs):
        losses = []
        for pairs, some in _batches(learnt, entries, plan, chance):
            for group in optimizer.param_groups:
                group["lr"] = plan.rate * min(1.0, (done + 1) / 20) * max(0.05, 1 - done / steps)
            loss = (
                loss_of_pairs(learner, pairs, mean)
                if pairs
                else loss_of_terms(learner, list(ways_of_saying(some, chance)))
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learner.weights(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
            done += 1
        tell(
            "epoch {}: loss {:.3f}, first by whole text {:.3f}, by token {:.3f}, {:.0f} s".format(
                epoch + 1,
                sum(losses) / len(losses),
                *found_first(learner, held_back, mean),
                time.monotonic() - started,
            )
        )
    return learner.change()


def _batches(
    pairs: Sequence[Pair], entries: Sequence[Any], plan: Plan, chance: random.Random
) -> Iterator[tuple[list[Pair], list[Any]]]:
    """Yield batches in random order, each of pairs or of glossary rows; an incomplete last one is left out."""
    first, second = chance.sample(list(pairs), len(pairs)), chance.sample(list(entries), len(entries))
    starts = range(0, len(first) - plan.pairs_each + 1, plan.pairs_each)
    batches: list[tuple[list[Pair], list[Any]]] = [(first[at : at + plan.pairs_each], []) for at in starts]
    starts = range(0, len(second) - plan.terms_each + 1, plan.terms_each)
    batches += [([], second[at : at + plan.terms_each]) for at in starts]
    chance.shuffle(batches)
    yield from batches
