"""Pictures of demand over HTTP. They tell of published needs alone, so they are there for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from marketplace.access.doors import current_actor, public
from marketplace.organisations.models import Kind
from marketplace.picture import finder, pages
from marketplace.picture.drawings import grid, hexmap
from marketplace.web.cells import csv_rows
from marketplace.web.pages import fragment

picture = Blueprint("picture", __name__, url_prefix="/demand")

WHY = "published needs are there for everybody to see, summed up too; which technologies fit is told to nobody else"


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Answer with a table as a file, marked as UTF-8 for spreadsheets."""
    body = "\ufeff" + csv_rows([columns, *rows])
    response = Response(body, content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def place(kind: Kind, code: str) -> ResponseReturnValue:
    """Show what a place needs; lead from an address of before to where its needs are now."""
    seen = finder.seen(current_actor(), kind, code)
    if seen.moved_to:
        return redirect(pages.address(kind, seen.moved_to), 301)
    return fragment(pages.place_page(seen, finder.read(request.args), request.args.get("page", "")))


def place_table(kind: Kind, code: str) -> ResponseReturnValue:
    """Answer with what a place needs as a table, under an address of before too."""
    seen = finder.seen(current_actor(), kind, code)
    if seen.moved_to:
        return redirect(pages.address(kind, seen.moved_to, "_table"), 301)
    name = f"demand-{kind.value}-{seen.place.organisation.code}".lower()
    return table(name, pages.COLUMNS, pages.rows(seen, finder.read(request.args)))


@picture.get("/ics/<code>")
@public(WHY)
def ics(code: str) -> ResponseReturnValue:
    """Show what an ICS needs: its board and its trusts."""
    return place(Kind.ICB, code)


@picture.get("/ics/<code>/needs.csv")
@public(WHY)
def ics_table(code: str) -> ResponseReturnValue:
    """Answer with the needs of an ICS as a table."""
    return place_table(Kind.ICB, code)


@picture.get("/hin/<code>")
@public(WHY)
def hin(code: str) -> ResponseReturnValue:
    """Show what the patch of a HIN needs."""
    return place(Kind.HIN, code)


@picture.get("/hin/<code>/needs.csv")
@public(WHY)
def hin_table(code: str) -> ResponseReturnValue:
    """Answer with the needs of a HIN's patch as a table."""
    return place_table(Kind.HIN, code)


@picture.get("/regions/<code>")
@public(WHY)
def region(code: str) -> ResponseReturnValue:
    """Show what a region needs: its ICSs."""
    return place(Kind.REGION, code)


@picture.get("/regions/<code>/needs.csv")
@public(WHY)
def region_table(code: str) -> ResponseReturnValue:
    """Answer with the needs of a region as a table."""
    return place_table(Kind.REGION, code)


@picture.get("/map")
@public(WHY)
def map_page() -> ResponseReturnValue:
    """Show demand on a hex map of England."""
    return fragment(hexmap.map_page(finder.england(current_actor()), finder.wanted(request.args)))


@picture.get("/map.csv")
@public(WHY)
def map_table() -> ResponseReturnValue:
    """Answer with the figures of the map as a table."""
    on = finder.england(current_actor())
    return table("demand-map", hexmap.MAP_COLUMNS, hexmap.map_rows(on, finder.wanted(request.args)))


@picture.get("/themes")
@public(WHY)
def themes() -> ResponseReturnValue:
    """Show demand as a grid of themes and regions."""
    return fragment(grid.themes_page(finder.england(current_actor()), finder.wanted(request.args)))


@picture.get("/themes.csv")
@public(WHY)
def themes_table() -> ResponseReturnValue:
    """Answer with the figures of the grid as a table."""
    on = finder.england(current_actor())
    return table("demand-themes", grid.THEME_COLUMNS, grid.theme_rows(on, finder.wanted(request.args)))
