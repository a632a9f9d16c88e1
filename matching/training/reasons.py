"""Fit what the reasons are made of: ``python -m matching.training.reasons tests/evaluation/held``.

Prints the weights for `matching.explanation`, with and without vectors, and the two limits, chosen with every sixth
part of the needs held back in turn. A must-have is judged against a whole listing, so which passage speaks for it
is found while fitting: the one that is strongest so far.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from matching.evaluation.sets import Split, load
from matching.explanation import may_answer, possible, signals
from matching.matcher import Matcher, build_finder
from matching.protocols import Encoder
from matching.requirements import Asking, cover
from matching.steps.explain import Explain
from matching.types import Answer, Encoded, Kind

Numbers: TypeAlias = npt.NDArray[np.float64]

PARTS = 6
UNFOUND = -6.0
"""The log-odds of a pair that the matcher does not find at all."""

RIDGE = 1.0
"""Weight of the squared coefficients, of standardised signals, beside the log-loss."""

WANTED = {Answer.ANSWERS: 0.85, Answer.NOTHING_FOUND: 0.88}
"""The precision that each limit is chosen for, on needs held back."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged pair: what is known of each passage of the listing, and which of them may be called an answer."""

    need: str
    answer: Answer
    known: Numbers
    possible: Numbers
    answering: Numbers


def judged(split: Split, encoder: Encoder | None) -> list[Judged]:
    """Return the judged pairs of a set as the matcher sees them."""
    finder = build_finder(Kind.TECHNOLOGY, encoder=encoder)
    finder.add(finder.encode(split.technologies))
    step, asking = Explain(finder.reader), Asking(finder.reader.expand.book, finder.reader.rarity)
    encoded = {one.document.id: one for one in finder.encode(split.needs)}
    found = []
    for need in dict.fromkeys(one.need for one in split.reasons):
        chances = _chances(
            finder, encoded[need], {one.technology for one in split.reasons if one.need == need}
        )
        record = finder.asker(encoded[need]).record
        if record is None:
            raise TypeError("a need that is encoded is a document, and not a typed text")
        musts = step.must_haves(record)
        for one in (row for row in split.reasons if row.need == need):
            must, listing = musts[one.requirement - 1], finder.register.records[one.technology].quoted()
            told = [asking.told(passage.text) for passage in listing.passages]
            covers = [cover(must.asked, what) for what in told]
            cosines = None
            if must.vector is not None and listing.vectors is not None:
                cosines = listing.vectors.astype(np.float32) @ must.vector
            settings = np.array([passage.source == "settings" for passage in listing.passages])
            answering = [
                may_answer(must.asked, *given) for given in zip(listing.passages, told, covers, strict=True)
            ]
            known = signals(must, covers, cosines, settings, chances.get(one.technology, UNFOUND))
            found.append(
                Judged(
                    need,
                    one.answer,
                    known.astype(float),
                    possible(must, covers, known).astype(float),
                    np.where(answering, 0.0, -np.inf),
                )
            )
    return found


def _chances(finder: Matcher, need: Encoded, among: set[str]) -> dict[str, float]:
    matches = finder.match(need, len(among), among).matches
    return {one.id: log(one.chance / (1 - one.chance)) for one in matches}


def fit(pairs: Sequence[Judged], columns: Sequence[int]) -> tuple[Numbers, float]:
    """Return the weight of each signal (4,), 0 for those not in ``columns``, and where the strength starts."""
    rows = np.concatenate([one.known for one in pairs])[:, columns]
    mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    told = [(one.known[:, columns] - mean) / spread for one in pairs]
    wanted = np.array([one.answer is not Answer.NOTHING_FOUND for one in pairs], dtype=float)
    weights, start = np.ones(len(columns)), 0.0
    for _ in range(8):
        chosen = np.array([each[np.argmax(each @ weights)] for each in told])
        weights, start = _logistic(chosen, wanted)
    every = np.zeros(4)
    every[list(columns)] = weights / spread
    return every, float(start - (weights * mean / spread).sum())


def _logistic(rows: Numbers, wanted: Numbers) -> tuple[Numbers, float]:
    """Return weights and intercept of a logistic regression by Newton's method."""
    full = np.column_stack([rows, np.ones(len(rows))])
    ridge = np.diag([RIDGE] * rows.shape[1] + [0.0])
    theta = np.zeros(full.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-full @ theta))
        slope = full.T @ (chance - wanted) + ridge @ theta
        step = np.linalg.solve(full.T @ (full * (chance * (1 - chance))[:, None]) + ridge, slope)
        theta = theta - step
        if np.abs(step).max() < 1e-8:
            break
    return theta[:-1], float(theta[-1])


def held_back(pairs: Sequence[Judged], columns: Sequence[int]) -> Numbers:
    """Return (strength as an answer, strength at all) of each pair by a fit on the other needs, (pairs, 2)."""
    needs = sorted({one.need for one in pairs})
    part = {need: at % PARTS for at, need in enumerate(needs)}
    found = np.zeros((len(pairs), 2))
    for held in range(PARTS):
        weights, start = fit([one for one in pairs if part[one.need] != held], columns)
        for at, one in enumerate(pairs):
            if part[one.need] == held:
                strength = start + one.known @ weights + one.possible
                found[at] = (strength + one.answering).max(), strength.max()
    return found


def limits(pairs: Sequence[Judged], strengths: Numbers) -> tuple[float, float]:
    """Return the least strength of "answers" and of "partly" at which each keeps the precision wanted."""
    truth = np.array([one.answer for one in pairs], dtype=object)
    grid = np.arange(-4, 4, 0.05)
    answers = [
        at for at in grid if _precise(truth, strengths[:, 0] >= at, Answer.ANSWERS) >= WANTED[Answer.ANSWERS]
    ]
    partly = [
        at
        for at in grid
        if _precise(truth, strengths[:, 1] < at, Answer.NOTHING_FOUND) >= WANTED[Answer.NOTHING_FOUND]
    ]
    least = min(answers, default=float(grid[-1]))
    return float(least), float(min(max(partly, default=float(grid[0])), least))


def _precise(truth: npt.NDArray[np.object_], called: npt.NDArray[np.bool_], answer: Answer) -> float:
    return float((truth[called] == answer).mean()) if called.any() else 0.0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m matching.training.reasons", description=__doc__)
    parser.add_argument("split", type=Path, help="folder of a set with judged reasons")
    split = load(parser.parse_args().split)
    from matching.adapters.sentence_encoder import SentenceEncoder  # heavy: not needed for --help

    report(split, SentenceEncoder())
    return 0


def report(split: Split, encoder: Encoder) -> None:
    """Print weights and limits of a set."""
    for name, given, columns in (("WITH_MEANING", encoder, (0, 1, 2, 3)), ("BY_WORDS", None, (1, 2, 3))):
        pairs = judged(split, given)
        weights, start = fit(pairs, columns)
        answers, partly = limits(pairs, held_back(pairs, columns))
        told = ", ".join(
            f"{label}={value:.2f}"
            for label, value in zip(("meaning", "said", "settings", "context"), weights, strict=True)
        )
        print(f"{name}: {told}, start={start:.2f}; answers from {answers:.2f}, partly from {partly:.2f}")


if __name__ == "__main__":
    sys.exit(main())
