"""Lay out the report's charts: plain numbers that ``templates/charts.html`` draws as SVG.

The places are worked out here so that the report needs no plotting library, and so that they can be tested. Every
chart has a title and a description, and stands beside a table with the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matching.evaluation.losses import Loss
from matching.evaluation.reliability import Bin, CurvePoint
from matching.evaluation.uncertainty import Estimate

WIDTH = 760
_LEFT, _RIGHT = 290, 740
_ROW = 30
_TOP = 20
_SQUARE_LEFT, _SQUARE_TOP, _SQUARE_WIDTH, _SQUARE_HEIGHT = 80, 20, 560, 340


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale from values to places in the drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value, to a tenth of a point."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self, step: float) -> tuple[Tick, ...]:
        """Return a tick at every multiple of ``step``."""
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(Tick(self.at(place * step), f"{place * step:g}") for place in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class Dot:
    """A figure with its interval, in a row of its own; ``strong`` is the one that it is all about."""

    label: str
    y: float
    x: float
    low: float
    high: float
    text: str
    strong: bool


@dataclass(frozen=True, slots=True)
class DotChart:
    """Figures under one another, each a dot on its interval; ``zero`` is the place of no difference, if in view."""

    title: str
    description: str
    height: float
    bottom: float
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    zero: float | None


def dots(
    title: str, rows: Sequence[tuple[str, Estimate]], strong: str = "", *, change: bool = False
) -> DotChart:
    """Lay out figures, or with ``change`` differences, which are told with their sign."""
    edges = [end for _, one in rows for end in (one.low, one.high)] + ([0.0] if change else [])
    step = _step(max(edges) - min(edges))
    first, last = math.floor(min(edges) / step + 1e-9), math.ceil(max(edges) / step - 1e-9)
    scale = Scale(first * step, max(last, first + 1) * step, _LEFT, _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    sign = "+" if change else ""
    laid_out = tuple(
        Dot(
            label,
            _TOP + _ROW * at + _ROW / 2,
            scale.at(one.figure),
            scale.at(one.low),
            scale.at(one.high),
            f"{one.figure:{sign}.3f}, 95 % interval {one.low:{sign}.3f} to {one.high:{sign}.3f}",
            label == strong,
        )
        for at, (label, one) in enumerate(rows)
    )
    described = "; ".join(f"{dot.label}: {dot.text}" for dot in laid_out)
    zero = scale.at(0) if change else None
    return DotChart(title, described, bottom + 40, bottom, scale.ticks(step), laid_out, zero)


def _step(span: float) -> float:
    """Return a round distance between ticks that gives about five of them."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        if span / step <= 6:
            return step
    return 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, as SVG wants them, with its name at its end."""

    name: str
    points: str
    dashed: bool
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Point:
    """A point with the ends of its interval, and what it says; ``size`` is its radius."""

    x: float
    y: float
    low: float
    high: float
    size: float
    text: str


@dataclass(frozen=True, slots=True)
class SquareChart:
    """A chart of shares (0 to 1) both ways; ``at`` is the place of an upright line that ``at_text`` explains."""

    title: str
    description: str
    across: str
    up: str
    left: float
    right: float
    top: float
    bottom: float
    across_ticks: tuple[Tick, ...]
    up_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    points: tuple[Point, ...] = ()
    diagonal: bool = False
    at: float | None = None
    at_text: str = ""


_ACROSS = Scale(0, 1, _SQUARE_LEFT, _SQUARE_LEFT + _SQUARE_WIDTH)
_UP = Scale(0, 1, _SQUARE_TOP + _SQUARE_HEIGHT, _SQUARE_TOP)


def threshold_chart(points: Sequence[CurvePoint], threshold: float) -> SquareChart:
    """Lay out what each threshold would do."""
    chosen = next(one for one in points if one.threshold >= threshold)
    return _square(
        "What each threshold would do",
        f"With the threshold of {threshold:g} in use {chosen.false_match:.0%} of the needs that nothing answers get "
        f"a match, and {chosen.wrongly_empty:.0%} of those that something answers get none. A higher threshold "
        "lowers the first and raises the second.",
        "threshold",
        "share of needs",
        lines=(
            _stairs("false match", [(one.threshold, one.false_match) for one in points], dashed=False),
            _stairs("wrongly empty", [(one.threshold, one.wrongly_empty) for one in points], dashed=True),
        ),
        at=_ACROSS.at(threshold),
        at_text=f"in use: {threshold:g}",
    )


def reliability_chart(bins: Sequence[Bin]) -> SquareChart:
    """Lay out what was said against what came true; the size of a point grows with how many candidates it counts."""
    most = max((one.count for one in bins), default=1)
    points = tuple(
        Point(
            _ACROSS.at(one.said),
            _UP.at(one.came_true.figure),
            _UP.at(one.came_true.low),
            _UP.at(one.came_true.high),
            round(4 + 4 * math.log1p(one.count) / math.log1p(most), 1),
            f"said {one.said:.2f}, came true {one.came_true.figure:.2f} of {one.count}",
        )
        for one in bins
    )
    return _square(
        "What was said, and what came true",
        "Right probabilities lie on the diagonal. " + "; ".join(point.text for point in points),
        "mean probability that was said",
        "share that came true",
        points=points,
        diagonal=True,
    )


def _square(
    title: str,
    description: str,
    across: str,
    up: str,
    *,
    lines: tuple[Line, ...] = (),
    points: tuple[Point, ...] = (),
    diagonal: bool = False,
    at: float | None = None,
    at_text: str = "",
) -> SquareChart:
    return SquareChart(
        title,
        description,
        across,
        up,
        _ACROSS.start,
        _ACROSS.end,
        _UP.end,
        _UP.start,
        _ACROSS.ticks(0.2),
        _UP.ticks(0.2),
        lines,
        points,
        diagonal,
        at,
        at_text,
    )


def _stairs(name: str, values: Sequence[tuple[float, float]], *, dashed: bool) -> Line:
    """Draw a line that holds its value back to the point before: a rate changes at thresholds, not between them."""
    corners: list[tuple[float, float]] = []
    for at, (across, up) in enumerate(values):
        corners += [(values[at - 1][0], up), (across, up)] if at else [(across, up)]
    return Line(name, _joined(corners), dashed, _ACROSS.end + 8, _UP.at(values[-1][1]) + 4)


def _joined(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_ACROSS.at(across):g},{_UP.at(up):g}" for across, up in corners)


@dataclass(frozen=True, slots=True)
class Bar:
    """One upright bar and what it says."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars side by side, the highest first."""

    title: str
    description: str
    left: float
    right: float
    top: float
    bottom: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


def loss_chart(given: Sequence[Loss]) -> BarChart:
    """Lay out what each need lost, the worst first."""
    top, bottom = 20.0, 240.0
    scale = Scale(0, max([0.2, *(one.lost for one in given)]), bottom, top)
    width = (_RIGHT - _SQUARE_LEFT) / max(len(given), 1)
    bars = tuple(
        Bar(
            round(_SQUARE_LEFT + at * width, 2),
            scale.at(one.lost),
            round(max(width - 1, 1), 2),
            round(bottom - scale.at(one.lost), 1),
            f"{one.id}: {one.lost:.3f}",
        )
        for at, one in enumerate(given)
    )
    losing = sum(one.lost > 0 for one in given)
    return BarChart(
        "What each need lost of its nDCG@10",
        f"{losing} of {len(given)} needs lost something"
        + (f", the worst {given[0].lost:.3f}." if losing else "."),
        _SQUARE_LEFT,
        _RIGHT,
        top,
        bottom,
        scale.ticks(_step(scale.high)),
        bars,
    )
