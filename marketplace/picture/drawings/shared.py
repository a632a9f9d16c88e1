"""What the map and the grid have in common: shades, figures, words and filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketplace.picture import rules
from marketplace.picture.finder import NETWORKS, UNKNOWN, England, Wanted
from marketplace.picture.pages import ONE_ICS, WITHOUT_THEME, WORDS_ONLY, Choice, Filter
from marketplace.picture.rules import NO_THEME, Cell, Measure, Shade
from marketplace.vocabulary import ClinicalArea
from marketplace.web.words import count

NO_DATA = "none"

OUTSIDE_ICS = {
    NETWORKS: "Health innovation networks, which cover several systems",
    UNKNOWN: "Organisations whose system is not known",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One class of the legend: its shade, what values it holds, and how many places."""

    shade: str
    words: str
    places: str


def shade_of(cell: Cell, measure: Measure, shades: Sequence[Shade]) -> str:
    """Return the number of the shade of a cell, or that there is no data."""
    value = cell.value(measure)
    return NO_DATA if value is None else str(rules.shade_of(shades, value).number)


def number_of(cell: Cell, measure: Measure) -> str:
    """Return what stands in a cell: organisations, or needs with nothing that fits of those looked at."""
    if cell.value(measure) is None:
        return "–"
    return f"{cell.organisations:,}" if measure is Measure.SHARED else f"{cell.nothing:,}/{cell.looked:,}"


def words_of(cell: Cell, measure: Measure) -> str:
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


def legend_of(cells: Iterable[Cell], measure: Measure, shades: Sequence[Shade], one: str) -> tuple[Key, ...]:
    """Return what the shades that are drawn mean; ``one`` is what a cell stands for."""
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


def filters_of(on: England, asked: Wanted, *, themes: bool) -> tuple[Filter, ...]:
    """Return what a picture can be filtered by, with what is chosen."""
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


def heading_of(on: England, asked: Wanted) -> str:
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
    return words + area_words(asked)


def area_words(asked: Wanted) -> str:
    """Return the clinical area that was asked for, as the end of a heading."""
    area = dict(ClinicalArea.choices()).get(asked.area, "")
    return f": {area}" if area else ""


def query_of(asked: Wanted) -> dict[str, str]:
    """Return what was asked for as values of an address."""
    values = {"theme": asked.theme, "area": asked.area}
    if asked.measure is not Measure.SHARED:
        values["by"] = asked.measure.value
    return {name: value for name, value in values.items() if value}


def notes_on(on: England) -> list[str]:
    """Return what a reader has to know about the figures."""
    notes = [ONE_ICS]
    if any(fact.words_only for fact in on.facts):
        notes.append(WORDS_ONLY)
    return notes


def lede_on(on: England) -> str:
    """Say how many needs of how many organisations are drawn."""
    holders = {holder for fact in on.facts for holder in fact.holders}
    return (
        f"{count(len(on.facts), 'open need')}, published or co-signed by {count(len(holders), 'organisation')}. "
        "Each is counted where its organisation is."
    )


def figures_of(cell: Cell) -> list[int]:
    """Return the figures of a cell in the order of the tables."""
    return [cell.organisations, cell.needs, cell.nothing, cell.looked]
