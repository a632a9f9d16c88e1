"""The hex map of England: where each integrated care board stands, and how hexagons are drawn.

The places are data (`hexes.yaml`). All lengths are in the units of the drawing: a hexagon is 100 wide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from math import sqrt

import yaml

WIDTH = 100.0
#: From the middle of a hexagon to one of its corners, and of a side.
SIDE = WIDTH / sqrt(3)
#: From one row to the next.
RISE = 1.5 * SIDE
#: Axial steps to the six neighbours, clockwise from the east; the side to neighbour n joins corners n and n + 1.
STEPS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
_CORNERS = (
    (WIDTH / 2, -SIDE / 2),
    (WIDTH / 2, SIDE / 2),
    (0.0, SIDE),
    (-WIDTH / 2, SIDE / 2),
    (-WIDTH / 2, -SIDE / 2),
    (0.0, -SIDE),
)

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hex:
    """A hexagon: its place (q, r) and the lines of its short name."""

    place: Place
    name: tuple[str, ...]

    @property
    def middle(self) -> tuple[float, float]:
        """Return its middle, x to the right and y down."""
        q, r = self.place
        return WIDTH * (q + r / 2), RISE * r


@dataclass(frozen=True, slots=True)
class Area:
    """What one board covers on the map: its own hexagon, those of boards that went into it, or both."""

    hexes: tuple[Hex, ...]

    @property
    def middle(self) -> tuple[float, float]:
        """Return the mean of the middles of its hexagons."""
        xs, ys = zip(*(one.middle for one in self.hexes), strict=True)
        return sum(xs) / len(xs), sum(ys) / len(ys)

    @property
    def name(self) -> tuple[str, ...]:
        """Return the lines of its name: those of its hexagons, one after another."""
        return tuple(line for one in self.hexes for line in one.name)

    def outline(self) -> str:
        """Return its sides around the outside, from its middle, as the data of a path."""
        inside = {one.place for one in self.hexes}
        x, y = self.middle
        lines = []
        for one in self.hexes:
            left, top = one.middle[0] - x, one.middle[1] - y
            for number, place in enumerate(neighbours(one.place)):
                if place not in inside:
                    (x1, y1), (x2, y2) = _CORNERS[number], _CORNERS[(number + 1) % 6]
                    lines.append(f"M{left + x1:.1f} {top + y1:.1f}L{left + x2:.1f} {top + y2:.1f}")
        return "".join(lines)


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of the plane that a drawing shows."""

    left: float
    top: float
    width: float
    height: float


@lru_cache(maxsize=1)
def layout() -> Mapping[str, Hex]:
    """Return the hexagon of each integrated care board by ODS code."""
    text = resources.files(__package__).joinpath("hexes.yaml").read_text("utf-8")
    return {
        code: Hex((q, r), tuple(name.split("|")))
        for code, (q, r, name) in yaml.safe_load(text)["hexes"].items()
    }


def areas(standing: Collection[str], came_from: Mapping[str, Mapping[str, int]]) -> dict[str, Area]:
    """Return what each of the boards ``standing`` covers; a board that no hexagon is left for is not in it.

    The hexagon of a board that stands no more is its successors’: of several, that one’s to which most of it went, by
    the percentages of ``came_from`` (successor, then predecessor), and of equals the first by code.
    """
    covered = {code: [one] for code, one in layout().items() if code in standing}
    for code, one in layout().items():
        heirs = [(-came_from[heir][code], heir) for heir in standing if code in came_from.get(heir, {})]
        if code not in standing and heirs:
            covered.setdefault(min(heirs)[1], []).append(one)
    return {code: Area(tuple(sorted(found, key=_reading))) for code, found in covered.items()}


def _reading(one: Hex) -> Place:
    """Say where a hexagon comes as one reads the map: north to south, west to east."""
    return one.place[1], one.place[0]


def neighbours(place: Place) -> list[Place]:
    """Return the six places beside one, in the order of `STEPS`."""
    return [(place[0] + q, place[1] + r) for q, r in STEPS]


def corners() -> str:
    """Return the corners of a hexagon around its middle, as a polygon's points."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in _CORNERS)


def frame(hexes: Collection[Hex], margin: float = 8) -> Frame:
    """Return what holds these hexagons."""
    xs, ys = zip(*(one.middle for one in hexes), strict=True)
    left, top = min(xs) - WIDTH / 2 - margin, min(ys) - SIDE - margin
    return Frame(left, top, max(xs) - left + WIDTH / 2 + margin, max(ys) - top + SIDE + margin)


def borders(covered: Mapping[str, Area], region_of: Mapping[str, str]) -> str:
    """Return the sides between hexagons of different regions, as the data of a path; each side once."""
    at = {one.place: code for code, area in covered.items() for one in area.hexes}
    lines = []
    for code, one in [(code, one) for code, area in covered.items() for one in area.hexes]:
        x, y = one.middle
        for number, place in enumerate(neighbours(one.place)[:3]):  # the other three are the neighbours' own
            other = at.get(place)
            if other is not None and region_of.get(other) != region_of.get(code):
                (x1, y1), (x2, y2) = _CORNERS[number], _CORNERS[number + 1]
                lines.append(f"M{x + x1:.1f} {y + y1:.1f}L{x + x2:.1f} {y + y2:.1f}")
    return "".join(lines)
