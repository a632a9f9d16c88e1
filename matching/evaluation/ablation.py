"""Tell what each step of the matcher is worth: measure it with the step switched off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from matching.evaluation.measures import Tally
from matching.evaluation.methods import run_matcher
from matching.evaluation.sets import Split
from matching.evaluation.uncertainty import Estimate, difference
from matching.protocols import Encoder
from matching.settings import MatcherSettings

NOT_RANKING = frozenset({"explain"})
"""Switches that change no rank and no verdict: reasons are measured by themselves."""

SWITCHES = tuple(
    one.name
    for one in fields(MatcherSettings)
    if isinstance(one.default, bool) and one.name not in NOT_RANKING
)

TOGETHER: Mapping[str, tuple[str, ...]] = {"words alone": ("dense", "late")}
"""Steps that say little when one of them is off, because another does much of its work."""

TOLD = ("ndcg@10", "recall@20", "reverse_ndcg@10", "query_ndcg@10", "false_match_rate", "wrongly_empty_rate")


@dataclass(frozen=True, slots=True)
class Ablation:
    """The matcher with some steps switched the other way: its figures, and how far they differ from the whole."""

    name: str
    figures: Mapping[str, float]
    changes: Mapping[str, Estimate]


def ablations() -> dict[str, dict[str, bool]]:
    """Return the name of every ablation and what it sets: each switch the other way, then some together."""
    standard = MatcherSettings()
    found = {}
    for switch in SWITCHES:
        on: bool = getattr(standard, switch)
        name = switch.replace("_", " ")
        found[f"without {name}" if on else f"with {name}"] = {switch: not on}
    return found | {name: dict.fromkeys(switches, False) for name, switches in TOGETHER.items()}


def ablate(split: Split, encoder: Encoder | None, whole: Mapping[str, Tally]) -> Iterator[Ablation]:
    """Yield each ablation as it is done, compared with the tallies of the matcher as it is.

    Give a `RememberingEncoder`, or every text is encoded again each time.
    """
    for name, changes in ablations().items():
        tallies = run_matcher(split, encoder, replace(MatcherSettings(), **changes)).tallies(split)
        yield Ablation(
            name,
            {figure: tallies[figure].figure for figure in TOLD},
            {figure: difference(tallies[figure], whole[figure]) for figure in TOLD},
        )
