"""The hex map of England, one place for each integrated care system, with the same figures as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import url_for

from marketplace.organisations.models import Kind
from marketplace.picture import hexes, rules
from marketplace.picture.drawings.shared import (
    OUTSIDE_ICS,
    Key,
    figures_of,
    filters_of,
    heading_of,
    lede_on,
    legend_of,
    notes_on,
    number_of,
    query_of,
    shade_of,
    words_of,
)
from marketplace.picture.finder import England, Wanted, by_ics
from marketplace.picture.pages import Filter, address, short_name
from marketplace.picture.queries import Member
from marketplace.picture.rules import NO_THEME, Cell, Shade
from marketplace.web.pages import Link, Page
from marketplace.web.words import UNKNOWN_FILTER, day


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
    values = query_of(asked)
    return MapPage(
        lede=lede_on(on),
        filters=filters_of(on, asked, themes=True),
        heading=heading_of(on, asked),
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
        legend=legend_of(shown.values(), asked.measure, shades, "system"),
        lines=tuple(_board_line(on, one, cells) for one in _by_region(on, inside)),
        beside=tuple(beside),
        sum=_line(Link("All of England", ""), "", "", rules.total(cells)),
        notes=tuple(notes_on(on)),
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
    number = number_of(cell, asked.measure)
    region = on.regions.get(board.region, "region not known")
    words = f"{short_name(board.name)}, {region}: {words_of(cell, asked.measure)}"
    code = board.code if board.code.isupper() else ""  # our own for a board that ODS has none for is long
    seen = " ".join((*area.name, number, code)).strip()
    return HexShape(
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        shade=shade_of(cell, asked.measure, shades),
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
            *figures_of(cells.get(one.code, Cell())),
            "yes" if one.code in drawn else "no",
        ]
        for one in boards
    ]
    made += [
        ["", words, "", "", *figures_of(cells[place]), "no"]
        for place, words in OUTSIDE_ICS.items()
        if place in cells
    ]
    return made
