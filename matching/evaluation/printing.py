"""Print findings as lines of text for a terminal, each as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from matching.evaluation.ablation import TOLD, Ablation
from matching.evaluation.findings import FIGURES, RANKING, Findings
from matching.evaluation.losses import Item, Loss
from matching.evaluation.methods import LIMIT, METHODS
from matching.evaluation.reasons import MEASURED, ReasonFigures
from matching.evaluation.uncertainty import Estimate
from matching.types import Answer

WORST = 10
"""How many needs are told in full."""

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
"""The thresholds whose rates are told, beside the one in use."""

_NAME, _COLUMN = 38, 23


def everything(found: Findings) -> Iterator[str]:
    """Yield every line about a set but those of ablations, which come one by one."""
    yield from summary(found)
    yield from methods(found)
    yield from threshold(found)
    yield from probabilities(found)
    if found.reasons is not None:
        yield from reasons(found.reasons)
    yield from lost(found)


def summary(found: Findings) -> Iterator[str]:
    """Yield what the set holds and how to read the figures."""
    split = found.split
    yield (
        f"{split.name}: {len(split.technologies)} technologies, {len(split.needs)} needs "
        f"({len(split.no_match)} that nothing answers), {len(split.queries)} queries; {found.model}"
    )
    yield "Intervals hold 95 % (paired bootstrap over askers, 10,000 resamples, seeded; rates: Wilson)."


def methods(found: Findings) -> Iterator[str]:
    """Yield each method's figures, then what the matcher is ahead of each."""
    yield from _heading("How well each method ranks")
    yield _row("method", [FIGURES[name] for name in RANKING])
    for method, figures in found.methods.items():
        yield _row(METHODS[method], [sure(figures[name]) for name in RANKING])
    yield from _heading("What the matcher is ahead of each (* more than chance)")
    yield _row("method", [FIGURES[name] for name in RANKING])
    for method, figures in found.ahead.items():
        yield _row(METHODS[method], [change(figures[name]) for name in RANKING])


def threshold(found: Findings) -> Iterator[str]:
    """Yield how often the matcher says yes and no wrongly, and what other thresholds would do."""
    yield from _heading(f"When nothing fits: threshold {found.threshold:g}")
    for verdict in found.verdicts:
        yield f"{FIGURES[verdict.name]:{_NAME}}{sure(verdict.estimate)}  ({verdict.told})"
    yield ""
    yield f"{'threshold':>12}{'false-match rate':>20}{'wrongly empty rate':>20}"
    for least in THRESHOLDS:
        point = found.at_threshold(least)
        yield f"{least:12.2f}{point.false_match:20.3f}{point.wrongly_empty:20.3f}"


def probabilities(found: Findings) -> Iterator[str]:
    """Yield how good the probabilities are, and the reliability table."""
    known = found.reliability
    yield from _heading("Does a probability mean what it says? (grade 2 or 3)")
    for whom, one in (("every need and candidate", known), ("the first candidate of each need", found.first)):
        yield (
            f"{whom:{_NAME}}Brier score {one.brier:.4f}; saying {one.rate:.3f} to everything {one.base:.4f}; "
            f"skill {one.skill:.3f}; {one.candidates} pairs"
        )
    yield ""
    yield f"{'said':>12}{'pairs':>8}{'mean said':>12}{'came true':>12}"
    for tenth in known.bins:
        span = f"{tenth.low:.1f} to {tenth.high:.1f}"
        yield f"{span:>12}{tenth.count:8}{tenth.said:12.3f}   {sure(tenth.came_true)}"


def reasons(judged: ReasonFigures) -> Iterator[str]:
    """Yield how the reasons compare with the judged ones."""
    yield from _heading(f"Reasons: {judged.judged} judged pairs of must-have and technology")
    for answer in MEASURED:
        accuracy = judged.accuracy(answer)
        yield (
            f"{words_for(answer):{_NAME}}precision {sure(accuracy.precision)}  recall {sure(accuracy.recall)}"
        )
    yield _row("judged \\ matcher says", [words_for(answer) for answer in Answer])
    for one in Answer:
        yield _row(words_for(one), [str(judged.confusion[one, said]) for said in Answer])


def lost(found: Findings) -> Iterator[str]:
    """Yield what every need lost, and what was ranked instead for the worst ten; for a sealed set only that it is."""
    yield from _heading("What each need lost of its nDCG@10")
    if found.split.sealed:
        yield "This set is sealed: figures only."
        return
    losing = [loss for loss in found.losses if loss.lost > 0]
    yield f"{len(found.losses) - len(losing)} of {len(found.losses)} needs lost nothing."
    for loss in losing:
        missed = ", ".join(f"{item.id} (grade {item.grade}) {place(item)}" for item in loss.graded)
        yield f"{loss.lost:6.3f}  {loss.id}  {missed}"
    yield from _heading(f"The worst {min(WORST, len(losing))}, with what was ranked instead")
    for loss in losing[:WORST]:
        yield from worst(loss)


def worst(loss: Loss) -> Iterator[str]:
    """Yield one need in full."""
    yield f"{loss.lost:6.3f}  {loss.id}  {loss.title}"
    for item in loss.graded:
        yield f"{'':8}grade {item.grade}, {place(item)}, lost {item.lost:+.3f}: {item.id} {item.title}"
    for item in loss.instead:
        yield f"{'':8}instead, rank {item.rank}: {item.id} {item.title}"


def ablation(done: Iterable[Ablation], whole: Mapping[str, float]) -> Iterator[str]:
    """Yield a line for each ablation as it is done, after one for the matcher as it is."""
    yield from _heading("What each step is worth: the matcher without it (* more than chance)")
    yield _row("steps", [FIGURES[name] for name in TOLD])
    yield _row("everything", [f"{whole[name]:.3f}" for name in TOLD])
    for one in done:
        yield _row(
            one.name,
            [f"{one.figures[name]:.3f} {starred(one.changes[name])}" for name in TOLD],
        )
        yield _row("", [f"[{one.changes[name].low:+.3f}, {one.changes[name].high:+.3f}]" for name in TOLD])


def sure(given: Estimate) -> str:
    """Return a figure with its interval."""
    return f"{given.figure:.3f} [{given.low:.3f}, {given.high:.3f}]"


def change(given: Estimate) -> str:
    """Return a difference with its interval, and a star where it is more than chance."""
    return f"{starred(given)} [{given.low:+.3f}, {given.high:+.3f}]"


def starred(given: Estimate) -> str:
    """Return a difference, with a star where it is more than chance."""
    return f"{given.figure:+.3f}{'*' if given.clear else ''}"


def place(item: Item) -> str:
    """Return where a technology stood, in words."""
    return f"not in the first {LIMIT}" if item.rank is None else f"rank {item.rank}"


def words_for(answer: Answer) -> str:
    """Return an answer as people read it."""
    return answer.value.replace("-", " ")


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield text
    yield "-" * len(text)


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:{_NAME}}" + "".join(f"{cell:<{_COLUMN + 2}}" for cell in cells).rstrip()
