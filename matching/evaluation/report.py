"""Write findings as one HTML file that needs nothing else: tables, and charts as SVG in the page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from matching.evaluation import charts, printing
from matching.evaluation.ablation import TOLD
from matching.evaluation.findings import FIGURES, RANKING, Findings
from matching.evaluation.methods import METHODS
from matching.evaluation.reasons import MEASURED
from matching.types import Answer

CHARTED = ("ndcg@10", "reverse_ndcg@10", "query_ndcg@10")
"""The figures that have a chart of their own; the rest are in the tables."""


class ReportError(ValueError):
    """The report cannot be written; the message says why."""

    def __str__(self) -> str:
        return f"The report cannot be written. {super().__str__()}"


def writable(file: Path) -> None:
    """Raise `ReportError` where ``file`` could not be written: told before minutes are spent on measuring."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("a", encoding="utf-8").close()
    except OSError as error:
        raise ReportError(str(error)) from error


def write(found: Findings, file: Path) -> None:
    """Write the report, in place of what was there."""
    file.write_text(page(found), encoding="utf-8")


def page(found: Findings) -> str:
    """Return the report as HTML."""
    environment = Environment(
        loader=PackageLoader("matching.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "place": printing.place,
        "words": printing.words_for,
        "sentence": lambda text: text[:1].upper() + text[1:],
    }
    losing = [loss for loss in found.losses if loss.lost > 0]
    simple = [name for name in found.methods if name != "matcher"]
    return environment.get_template("report.html").render(
        found=found,
        split=found.split,
        names=FIGURES,
        methods=METHODS,
        ranking=RANKING,
        best=max(simple, key=lambda name: found.methods[name]["ndcg@10"].figure),
        method_charts=list(_method_charts(found)),
        step_charts=list(_step_charts(found)),
        told=TOLD,
        threshold_chart=charts.threshold_chart(found.curve, found.threshold),
        thresholds=[found.at_threshold(least) for least in sorted({*printing.THRESHOLDS, found.threshold})],
        reliability_chart=charts.reliability_chart(found.reliability.bins),
        answers=list(Answer),
        measured=MEASURED,
        loss_chart=charts.loss_chart(found.losses),
        losing=losing,
        worst=losing[: printing.WORST],
    )


def _method_charts(found: Findings) -> Iterable[charts.DotChart]:
    for name in CHARTED:
        rows = [(METHODS[method], figures[name]) for method, figures in found.methods.items()]
        yield charts.dots(FIGURES[name], rows, METHODS["matcher"])


def _step_charts(found: Findings) -> Iterable[charts.DotChart]:
    for name in CHARTED if found.ablations else ():
        rows = [(one.name, one.changes[name]) for one in found.ablations]
        yield charts.dots(f"Change of {FIGURES[name]}", rows, change=True)
