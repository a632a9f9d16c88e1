"""All that is found out about the matcher on one judged set, in one frozen place for screen and report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from matching.evaluation.ablation import Ablation
from matching.evaluation.losses import Loss, losses
from matching.evaluation.measures import Tally
from matching.evaluation.methods import Measured
from matching.evaluation.reasons import ReasonFigures
from matching.evaluation.reliability import CurvePoint, Reliability, curve, forecasts, reliability
from matching.evaluation.sets import Split
from matching.evaluation.uncertainty import Estimate, difference, estimate, share
from matching.settings import MatcherSettings

RANKING = ("ndcg@10", "recall@20", "mrr", "reverse_ndcg@10", "query_ndcg@10")

FIGURES = {
    "ndcg@10": "needs nDCG@10",
    "recall@20": "needs recall@20",
    "mrr": "needs MRR",
    "reverse_ndcg@10": "technologies nDCG@10",
    "query_ndcg@10": "queries nDCG@10",
    "false_match_rate": "false-match rate",
    "false_matches": "false matches per unanswerable need",
    "wrongly_empty_rate": "wrongly empty rate",
    "accepted_precision": "accepted precision",
}
"""Every figure and what people are told it is."""

_RATES = frozenset({"false_match_rate", "wrongly_empty_rate"})
"""Shares of needs, of which there may be a handful: Wilson's interval."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure of the threshold, and the counts behind it: ``count`` of ``among``."""

    name: str
    estimate: Estimate
    count: int
    among: int

    @property
    def told(self) -> str:
        """Return the counts in words."""
        return f"{self.count} of {self.among}" if self.among else "the set has none such"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: figures of each method, what the matcher is ahead of each, verdicts, losses, probabilities.

    ``reliability`` is over every need and candidate, ``first`` over the best candidate of each need alone: most
    candidates are plainly nothing, and it is easy to say so. ``losses`` is empty for a sealed set, ``reasons`` None
    where none were judged, ``ablations`` empty where they were not asked for.
    """

    split: Split
    model: str
    methods: Mapping[str, Mapping[str, Estimate]]
    ahead: Mapping[str, Mapping[str, Estimate]]
    verdicts: tuple[Verdict, ...]
    losses: tuple[Loss, ...]
    reliability: Reliability
    first: Reliability
    curve: tuple[CurvePoint, ...]
    threshold: float
    reasons: ReasonFigures | None = None
    ablations: tuple[Ablation, ...] = ()

    def at_threshold(self, threshold: float) -> CurvePoint:
        """Return what a threshold would do."""
        # Rates change only where a need's best candidate stands: the next such point tells.
        point = next(one for one in self.curve if one.threshold >= threshold)
        return replace(point, threshold=threshold)

    def with_ablations(self, done: Iterable[Ablation]) -> Findings:
        """Return the same with ablations."""
        return replace(self, ablations=tuple(done))


def findings(
    split: Split, measured: Measured, reasons: ReasonFigures | None = None, model: str = ""
) -> Findings:
    """Look closer at what was measured; ``model`` is the encoder's name."""
    matcher = measured.tallies["matcher"]
    return Findings(
        split=split,
        model=model,
        methods={
            method: {name: estimate(tallies[name]) for name in RANKING}
            for method, tallies in measured.tallies.items()
        },
        ahead={
            method: {name: difference(matcher[name], tallies[name]) for name in RANKING}
            for method, tallies in measured.tallies.items()
            if method != "matcher"
        },
        verdicts=tuple(_verdict(name, tally) for name, tally in matcher.items() if name not in RANKING),
        losses=tuple(losses(measured.need_rankings["matcher"], split)),
        reliability=reliability(forecasts(measured.run.needs, split)),
        first=reliability(forecasts(measured.run.needs, split, 1)),
        curve=tuple(curve(measured.run.needs, split)),
        threshold=MatcherSettings().threshold,
        reasons=reasons,
    )


def _verdict(name: str, tally: Tally) -> Verdict:
    sure = share(tally) if name in _RATES else estimate(tally)
    return Verdict(name, sure, round(float(tally.over.sum())), round(float(tally.under.sum())))
