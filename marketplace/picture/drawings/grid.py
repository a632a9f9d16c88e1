"""The grid of themes and regions, with the same figures as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Kind
from marketplace.picture import rules
from marketplace.picture.drawings.shared import (
    Key,
    area_words,
    figures_of,
    filters_of,
    lede_on,
    legend_of,
    notes_on,
    number_of,
    query_of,
    shade_of,
    words_of,
)
from marketplace.picture.finder import NETWORKS, UNKNOWN, England, Wanted, by_theme
from marketplace.picture.pages import ONE_ICS, WITHOUT_THEME, Filter, address
from marketplace.picture.rules import NO_THEME, Cell, Measure, Shade
from marketplace.web.pages import Link, Page

TWICE = (
    "An organisation with needs in two themes counts in both, so organisations do not add up from theme to theme. "
    "Needs do: each is in one theme at most."
)
#: The size of the grid's cells and of its margins, in units of the drawing.
CELL_WIDTH, CELL_HEIGHT = 92, 44
LEFT, TOP = 300, 64
#: Letters of a theme's name that fit beside the grid; the table has all of it.
NAME_MOST = 36
OUTSIDE_REGIONS = {NETWORKS: "Networks", UNKNOWN: "Not known"}
OUTSIDE_LINES = {NETWORKS: ("Health innov.", "networks"), UNKNOWN: ("Region", "not known")}


@dataclass(frozen=True, slots=True)
class Square:
    """A cell of the grid: where, how shaded, what stands in it, and where it leads."""

    x: str
    y: str
    middle_x: str
    middle_y: str
    shade: str
    number: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words in a drawing and where they stand."""

    x: str
    y: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ThemeCell:
    """A cell of the grid's table: the same number and shade, and all its figures in words."""

    number: str
    words: str
    shade: str


@dataclass(frozen=True, slots=True)
class ThemeLine:
    """A row of the grid's table."""

    name: Link
    cells: tuple[ThemeCell, ...]
    all: ThemeCell
    needs: int


@dataclass(frozen=True, kw_only=True)
class ThemesPage(Page):
    """Demand by theme and region."""

    template = "picture/themes.html"

    title: str = "Demand by theme and region"
    lede: str
    filters: tuple[Filter, ...]
    heading: str
    description: str
    view: str
    columns: tuple[Link, ...]
    column_words: tuple[Words, ...]
    row_words: tuple[Words, ...]
    squares: tuple[Square, ...]
    cell_width: int
    cell_height: int
    legend: tuple[Key, ...]
    lines: tuple[ThemeLine, ...]
    sum: ThemeLine
    notes: tuple[str, ...]
    empty: bool
    csv: str
    other: Link
    board: Link


def _grid_heading(asked: Wanted) -> str:
    """Return what the grid shows."""
    if asked.measure is Measure.SHARED:
        return "How many organisations share each theme" + area_words(asked)
    return "How much of each theme has no good match" + area_words(asked)


def themes_page(on: England, asked: Wanted) -> ThemesPage:
    """Return the grid as somebody asked for it."""
    asked = Wanted(asked.measure, "", asked.area)
    found = by_theme(on, asked)
    sums = rules.cells(on.facts, on.region_of, on.wants(asked))
    columns = _columns(on, sums)
    rows = _rows(on, found)
    grid = {
        (theme, column): found.get((theme, column)) or Cell(asked=sums.get(column, Cell()).asked)
        for theme, _ in rows
        for column, _ in columns
    }
    shades = rules.shades(asked.measure, [cell.value(asked.measure) for cell in grid.values()])
    values = query_of(asked)
    width, height = LEFT + CELL_WIDTH * len(columns), TOP + CELL_HEIGHT * max(1, len(rows))
    return ThemesPage(
        lede=lede_on(on),
        filters=filters_of(on, asked, themes=False),
        heading=_grid_heading(asked),
        description=(
            "A grid with a row for each theme and a column for each NHS England region. "
            "The table after it has the same figures."
        ),
        view=f"0 0 {width} {height}",
        columns=tuple(
            Link(name, address(Kind.REGION, code) if code in on.regions else "") for code, name in columns
        ),
        column_words=tuple(
            Words(
                f"{LEFT + CELL_WIDTH * (at + 0.5):.0f}",
                "28",
                name,
                OUTSIDE_LINES.get(code) or _two_lines(name),
            )
            for at, (code, name) in enumerate(columns)
        ),
        row_words=tuple(
            Words(str(LEFT - 12), f"{TOP + CELL_HEIGHT * (at + 0.5) + 5:.0f}", _cut(name))
            for at, (_, name) in enumerate(rows)
        ),
        squares=tuple(
            _square(on, asked, shades, grid[theme, code], (at, down), (theme, name), (code, region))
            for down, (theme, name) in enumerate(rows)
            for at, (code, region) in enumerate(columns)
        ),
        cell_width=CELL_WIDTH - 4,
        cell_height=CELL_HEIGHT - 4,
        legend=legend_of(grid.values(), asked.measure, shades, "cell"),
        lines=tuple(
            ThemeLine(
                Link(name, url_for("picture.map_page", **{**values, "theme": theme})),  # type: ignore[arg-type] # values for the query
                tuple(_theme_cell(grid[theme, code], asked, shades) for code, _ in columns),
                *_sums(rules.total({code: grid[theme, code] for code, _ in columns}), asked),
            )
            for theme, name in rows
        ),
        sum=ThemeLine(
            Link("All needs", ""),
            tuple(_theme_cell(sums.get(code, Cell()), asked, ()) for code, _ in columns),
            *_sums(rules.total(sums), asked),
        ),
        notes=(
            TWICE,
            *(note for note in notes_on(on) if note != ONE_ICS),
        ),
        empty=not on.facts,
        csv=url_for("picture.themes_table", **values),  # type: ignore[arg-type] # values for the query
        other=Link("Demand on a map of England", url_for("picture.map_page", **values)),  # type: ignore[arg-type] # values for the query
        board=Link("All open needs", url_for("demand.find")),
    )


def _sums(cell: Cell, asked: Wanted) -> tuple[ThemeCell, int]:
    return _theme_cell(cell, asked, ()), cell.needs


def _columns(on: England, sums: Mapping[str, Cell]) -> list[tuple[str, str]]:
    """Return the regions that are open or have needs, then what stands in none and has any."""
    outside = [(place, words) for place, words in OUTSIDE_REGIONS.items() if place in sums]
    return [*on.regions.items(), *outside]


def _rows(on: England, found: Mapping[tuple[str, str], Cell]) -> list[tuple[str, str]]:
    """Return the themes of which there are needs, the most shared first, and what is in none last."""
    sizes: dict[str, tuple[int, int]] = {}
    for (theme, _), cell in found.items():
        organisations, needs = sizes.get(theme, (0, 0))
        sizes[theme] = (organisations + cell.organisations, needs + cell.needs)
    named = sorted(
        (theme for theme in sizes if theme != NO_THEME),
        key=lambda theme: (*(-size for size in sizes[theme]), on.themes.get(theme, ""), theme),
    )
    rows = [(theme, on.themes.get(theme, theme)) for theme in named]
    return [*rows, *([(NO_THEME, WITHOUT_THEME)] if NO_THEME in sizes else [])]


def _square(
    on: England,
    asked: Wanted,
    shades: Sequence[Shade],
    cell: Cell,
    at: tuple[int, int],
    theme: tuple[str, str],
    region: tuple[str, str],
) -> Square:
    x, y = LEFT + CELL_WIDTH * at[0] + 2, TOP + CELL_HEIGHT * at[1] + 2
    there = cell.needs and region[0] in on.regions
    return Square(
        x=str(x),
        y=str(y),
        middle_x=f"{x + CELL_WIDTH / 2 - 2:.0f}",
        middle_y=f"{y + CELL_HEIGHT / 2 + 4:.0f}",
        shade=shade_of(cell, asked.measure, shades),
        number=number_of(cell, asked.measure),
        words=f"{theme[1]}, {region[1]}: {words_of(cell, asked.measure)}",
        href=address(Kind.REGION, region[0], theme=theme[0], area=asked.area) if there else "",
    )


def _theme_cell(cell: Cell, asked: Wanted, shades: Sequence[Shade]) -> ThemeCell:
    shade = shade_of(cell, asked.measure, shades) if shades else ""
    return ThemeCell(number_of(cell, asked.measure), words_of(cell, asked.measure), shade)


def _cut(name: str) -> str:
    return name if len(name) <= NAME_MOST else name[: NAME_MOST - 1].rstrip() + "…"


def _two_lines(name: str) -> tuple[str, ...]:
    """Return a name in two lines of about the same length."""
    if len(name) <= 13:
        return (name,)
    words = name.split()
    cuts = range(1, len(words))
    best = min(
        cuts, key=lambda at: abs(len(" ".join(words[:at])) - len(" ".join(words[at:]))), default=len(words)
    )
    return tuple(line for line in (" ".join(words[:best]), " ".join(words[best:])) if line)


THEME_COLUMNS = (
    "theme", "region_code", "region", "organisations", "needs", "no_good_match", "looked_at",
)  # fmt: skip


def theme_rows(on: England, asked: Wanted) -> list[list[object]]:
    """Return the grid's figures as rows of `THEME_COLUMNS`, a row for each cell; needs add up to the board's."""
    asked = Wanted(asked.measure, "", asked.area)
    found = by_theme(on, asked)
    columns = _columns(on, rules.cells(on.facts, on.region_of))
    return [
        [
            name,
            code if code in on.regions else "",
            region,
            *figures_of(found.get((theme, code), Cell())),
        ]
        for theme, name in _rows(on, found)
        for code, region in columns
    ]
