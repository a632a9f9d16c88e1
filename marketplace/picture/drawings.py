"""The pictures of all England: a hex map by ICS, and a grid of themes and regions, each with a table beside it.

What is drawn and what stands in the table come from the same cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Kind
from marketplace.picture import hexes, rules
from marketplace.picture.finder import NETWORKS, UNKNOWN, England, Wanted, by_ics, by_theme
from marketplace.picture.pages import (
    ONE_ICS,
    WITHOUT_THEME,
    WORDS_ONLY,
    Choice,
    Filter,
    address,
    short_name,
)
from marketplace.picture.queries import Member
from marketplace.picture.rules import NO_THEME, Cell, Measure, Shade
from marketplace.vocabulary import ClinicalArea
from marketplace.web.pages import Link, Page
from marketplace.web.words import UNKNOWN_FILTER, count, day

NO_DATA = "none"
TWICE = (
    "An organisation with needs in two themes counts in both, so organisations do not add up from theme to theme. "
    "Needs do: each is in one theme at most."
)
#: The size of the grid's cells and of its margins, in units of the drawing.
CELL_WIDTH, CELL_HEIGHT = 92, 44
LEFT, TOP = 300, 64
#: Letters of a theme's name that fit beside the grid; the table has all of it.
NAME_MOST = 36

OUTSIDE_ICS = {
    NETWORKS: "Health innovation networks, which cover several systems",
    UNKNOWN: "Organisations whose system is not known",
}
OUTSIDE_REGIONS = {NETWORKS: "Networks", UNKNOWN: "Not known"}
OUTSIDE_LINES = {NETWORKS: ("Health innov.", "networks"), UNKNOWN: ("Region", "not known")}


@dataclass(frozen=True, slots=True)
class Key:
    """One class of the legend: its shade, what values it holds, and how many places."""

    shade: str
    words: str
    places: str


@dataclass(frozen=True, slots=True)
class HexShape:
    """What a board covers on the map: where, how shaded, what stands in it, and where it leads.

    ``x`` and ``y`` are its middle; ``hexes`` are its hexagons, each from there, with the lines of its name.
    ``outline`` is empty for a single hexagon.

    ``words`` say what it means. ``label`` is its name for those who speak to the page or have it read out: what one
    sees in it, in the order of the drawing, then what it means.
    """

    x: str
    y: str
    shade: str
    code: str
    number: str
    hexes: tuple[tuple[str, str, tuple[str, ...]], ...]
    outline: str
    words: str
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class MapLine:
    """A row of the map's table."""

    link: Link
    region: str
    note: str
    organisations: int
    needs: int
    nothing: str


@dataclass(frozen=True, kw_only=True)
class MapPage(Page):
    """Demand on a hex map of England."""

    template = "picture/map.html"

    title: str = "Demand on a map of England"
    lede: str
    filters: tuple[Filter, ...]
    heading: str
    description: str
    view: str
    corners: str
    borders: str
    shapes: tuple[HexShape, ...]
    legend: tuple[Key, ...]
    lines: tuple[MapLine, ...]
    beside: tuple[MapLine, ...]
    sum: MapLine
    notes: tuple[str, ...]
    empty: bool
    csv: str
    other: Link
    board: Link
    unknown: str = ""


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


# What both have in common


def _shade(cell: Cell, measure: Measure, shades: Sequence[Shade]) -> str:
    value = cell.value(measure)
    return NO_DATA if value is None else str(rules.shade_of(shades, value).number)


def _number(cell: Cell, measure: Measure) -> str:
    """Return what stands in a cell: organisations, or needs with nothing that fits of those looked at."""
    if cell.value(measure) is None:
        return "–"
    return f"{cell.organisations:,}" if measure is Measure.SHARED else f"{cell.nothing:,}/{cell.looked:,}"


def _words(cell: Cell, measure: Measure) -> str:
    """Return a cell in words."""
    if not cell.asked:
        return "no open need"
    words = [count(cell.organisations, "organisation"), count(cell.needs, "need")]
    if cell.needs and (measure is Measure.UNMATCHED or cell.nothing):
        words.append(
            f"{cell.nothing:,} of {cell.looked:,} looked at with no good match"
            if cell.looked
            else "no need looked at yet"
        )
    return ", ".join(words)


def _legend(cells: Iterable[Cell], measure: Measure, shades: Sequence[Shade], one: str) -> tuple[Key, ...]:
    values = [cell.value(measure) for cell in cells]
    keys = []
    for shade in shades:
        inside = sum(value is not None and shade.low <= value <= shade.high for value in values)
        span = f"{shade.low}" if shade.low == shade.high else f"{shade.low} to {shade.high}"
        if measure is Measure.UNMATCHED:
            words = f"{span}% of needs with no good match" if shade.number else "Every need has a good match"
        elif shade.number:
            words = f"{span} {'organisation' if shade.high == 1 else 'organisations'}"
        else:
            words = "No organisation, though others there have open needs"
        keys.append(Key(str(shade.number), words, count(inside, one)))
    missing = "No data: no open need"
    if measure is Measure.UNMATCHED:
        missing = "No data: no such need there, or none looked at yet"
    keys.append(Key(NO_DATA, missing, count(sum(value is None for value in values), one)))
    return tuple(keys)


def _filters(on: England, asked: Wanted, *, themes: bool) -> tuple[Filter, ...]:
    areas = {fact.area for fact in on.facts}
    filters = [
        Filter(
            "by",
            "Shade by",
            tuple(Choice(one.value, one.label, one is asked.measure) for one in Measure),
        )
    ]
    if themes and on.themes:
        named = [*on.themes.items(), (NO_THEME, WITHOUT_THEME)]
        filters.append(
            Filter(
                "theme",
                "Theme",
                (
                    Choice("", "All themes", not asked.theme),
                    *(Choice(key, name, key == asked.theme) for key, name in named),
                ),
            )
        )
    filters.append(
        Filter(
            "area",
            "Clinical area",
            (
                Choice("", "All areas", not asked.area),
                *(
                    Choice(value, label, value == asked.area)
                    for value, label in ClinicalArea.choices()
                    if value in areas
                ),
            ),
        )
    )
    return tuple(filters)


def _heading(on: England, asked: Wanted) -> str:
    """Return what the map shows."""
    theme = on.themes.get(asked.theme, WITHOUT_THEME.lower() if asked.theme == NO_THEME else "")
    if asked.measure is Measure.SHARED:
        words = (
            f"How many organisations share “{theme}”" if theme else "How many organisations have open needs"
        )
    else:
        words = (
            f"How much of “{theme}” has no good match"
            if theme
            else "How much of the demand has no good match"
        )
    return words + _area_words(asked)


def _grid_heading(asked: Wanted) -> str:
    """Return what the grid shows."""
    if asked.measure is Measure.SHARED:
        return "How many organisations share each theme" + _area_words(asked)
    return "How much of each theme has no good match" + _area_words(asked)


def _area_words(asked: Wanted) -> str:
    area = dict(ClinicalArea.choices()).get(asked.area, "")
    return f": {area}" if area else ""


def _values(asked: Wanted) -> dict[str, str]:
    values = {"theme": asked.theme, "area": asked.area}
    if asked.measure is not Measure.SHARED:
        values["by"] = asked.measure.value
    return {name: value for name, value in values.items() if value}


def _notes(on: England) -> list[str]:
    notes = [ONE_ICS]
    if any(fact.words_only for fact in on.facts):
        notes.append(WORDS_ONLY)
    return notes


def _lede(on: England) -> str:
    holders = {holder for fact in on.facts for holder in fact.holders}
    return (
        f"{count(len(on.facts), 'open need')}, published or co-signed by {count(len(holders), 'organisation')}. "
        "Each is counted where its organisation is."
    )


# The map


def map_page(on: England, asked: Wanted) -> MapPage:
    """Return the hex map as somebody asked for it."""
    wanted, asked = asked, _known(on, asked)
    cells = by_ics(on, asked)
    drawn = _drawn(on, cells)
    shown = {code: cells.get(code, Cell()) for code in drawn}
    shades = rules.shades(asked.measure, [cell.value(asked.measure) for cell in shown.values()])
    frame = hexes.frame(
        [one for area in drawn.values() for one in area.hexes] or list(hexes.layout().values())
    )
    inside = [on.boards[code] for code in drawn]
    outside = [one for code, one in on.boards.items() if code not in drawn and (one.stands or code in cells)]
    beside = [
        *(_board_line(on, one, cells, "It has no place on the map yet") for one in outside),
        *(
            _line(Link(words, ""), "", "", cells[place])
            for place, words in OUTSIDE_ICS.items()
            if place in cells
        ),
    ]
    values = _values(asked)
    return MapPage(
        lede=_lede(on),
        filters=_filters(on, asked, themes=True),
        heading=_heading(on, asked),
        description=(
            "A diagram of England with one hexagon for each integrated care system, north at the top; a system that "
            "came out of a merger has those of the systems before it. The table after it has the same figures."
        ),
        view=f"{frame.left:.0f} {frame.top:.0f} {frame.width:.0f} {frame.height:.0f}",
        corners=hexes.corners(),
        borders=hexes.borders(drawn, {code: on.boards[code].region for code in drawn}),
        shapes=tuple(
            _shape(on, on.boards[code], one, shown[code], asked, shades)
            for code, one in _reading_order(drawn)
        ),
        legend=_legend(shown.values(), asked.measure, shades, "system"),
        lines=tuple(_board_line(on, one, cells) for one in _by_region(on, inside)),
        beside=tuple(beside),
        sum=_line(Link("All of England", ""), "", "", rules.total(cells)),
        notes=tuple(_notes(on)),
        empty=not on.facts,
        csv=url_for("picture.map_table", **values),  # type: ignore[arg-type] # values for the query
        other=Link("Demand by theme and region", url_for("picture.themes")),
        board=Link("All open needs", url_for("demand.find")),
        unknown=UNKNOWN_FILTER if asked != wanted else "",
    )


def _known(on: England, asked: Wanted) -> Wanted:
    """Leave out a theme that there is not, such as one of an old bookmark."""
    known = not asked.theme or asked.theme in on.themes or asked.theme == NO_THEME
    return asked if known else Wanted(asked.measure, "", asked.area)


def _drawn(on: England, cells: Mapping[str, Cell]) -> dict[str, hexes.Area]:
    """Return what each board covers on the map."""
    return hexes.areas({code for code, one in on.boards.items() if _stands(one, cells)}, on.came_from)


def _stands(board: Member | None, cells: Mapping[str, Cell]) -> bool:
    """Tell whether a hexagon is drawn: its board is open, or closed and still has needs on the board."""
    return board is not None and (board.stands or board.code in cells)


def _reading_order(drawn: Mapping[str, hexes.Area]) -> list[tuple[str, hexes.Area]]:
    """Return boards as a reader goes through the map: north to south, west to east."""
    return sorted(drawn.items(), key=lambda pair: (pair[1].middle[1], pair[1].middle[0]))


def _by_region(on: England, boards: Iterable[Member]) -> list[Member]:
    return sorted(boards, key=lambda one: (on.regions.get(one.region, "~"), short_name(one.name), one.code))


def _shape(
    on: England, board: Member, area: hexes.Area, cell: Cell, asked: Wanted, shades: Sequence[Shade]
) -> HexShape:
    x, y = area.middle
    number = _number(cell, asked.measure)
    region = on.regions.get(board.region, "region not known")
    words = f"{short_name(board.name)}, {region}: {_words(cell, asked.measure)}"
    code = board.code if board.code.isupper() else ""  # our own for a board that ODS has none for is long
    seen = " ".join((*area.name, number, code)).strip()
    return HexShape(
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        shade=_shade(cell, asked.measure, shades),
        code=code,
        number=number,
        hexes=tuple((f"{one.middle[0] - x:.1f}", f"{one.middle[1] - y:.1f}", one.name) for one in area.hexes),
        outline=area.outline() if len(area.hexes) > 1 else "",
        words=words,
        label=f"{seen}. {words}",
        href=address(Kind.ICB, board.code, theme=asked.theme, area=asked.area),
    )


def _board_line(on: England, board: Member, cells: Mapping[str, Cell], note: str = "") -> MapLine:
    closed = f"Closed on {day(board.closed_on)}" if board.closed and board.closed_on else ""
    link = Link(short_name(board.name), address(Kind.ICB, board.code))
    return _line(link, on.regions.get(board.region, ""), closed or note, cells.get(board.code, Cell()))


def _line(link: Link, region: str, note: str, cell: Cell) -> MapLine:
    return MapLine(
        link=link,
        region=region,
        note=note,
        organisations=cell.organisations,
        needs=cell.needs,
        nothing=f"{cell.nothing:,} of {cell.looked:,}" if cell.looked else "No data",
    )


MAP_COLUMNS = (
    "ics_code", "ics", "region_code", "region", "organisations", "needs", "no_good_match", "looked_at", "on_map",
)  # fmt: skip


def map_rows(on: England, asked: Wanted) -> list[list[object]]:
    """Return the map's figures as rows of `MAP_COLUMNS`: every ICS, and what stands beside the map."""
    cells = by_ics(on, _known(on, asked))
    boards = [one for one in _by_region(on, on.boards.values()) if _stands(one, cells)]
    drawn = _drawn(on, cells)
    made: list[list[object]] = [
        [
            one.code,
            one.name,
            one.region,
            on.regions.get(one.region, ""),
            *_figures(cells.get(one.code, Cell())),
            "yes" if one.code in drawn else "no",
        ]
        for one in boards
    ]
    made += [
        ["", words, "", "", *_figures(cells[place]), "no"]
        for place, words in OUTSIDE_ICS.items()
        if place in cells
    ]
    return made


def _figures(cell: Cell) -> list[int]:
    return [cell.organisations, cell.needs, cell.nothing, cell.looked]


# The grid


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
    values = _values(asked)
    width, height = LEFT + CELL_WIDTH * len(columns), TOP + CELL_HEIGHT * max(1, len(rows))
    return ThemesPage(
        lede=_lede(on),
        filters=_filters(on, asked, themes=False),
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
        legend=_legend(grid.values(), asked.measure, shades, "cell"),
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
            *(note for note in _notes(on) if note != ONE_ICS),
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
        shade=_shade(cell, asked.measure, shades),
        number=_number(cell, asked.measure),
        words=f"{theme[1]}, {region[1]}: {_words(cell, asked.measure)}",
        href=address(Kind.REGION, region[0], theme=theme[0], area=asked.area) if there else "",
    )


def _theme_cell(cell: Cell, asked: Wanted, shades: Sequence[Shade]) -> ThemeCell:
    shade = _shade(cell, asked.measure, shades) if shades else ""
    return ThemeCell(_number(cell, asked.measure), _words(cell, asked.measure), shade)


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
            *_figures(found.get((theme, code), Cell())),
        ]
        for theme, name in _rows(on, found)
        for code, region in columns
    ]
