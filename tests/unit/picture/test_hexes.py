"""The layout of the hex map, which is made by hand."""

from __future__ import annotations

import pytest

from marketplace.organisations import reference
from marketplace.picture import hexes
from marketplace.picture.hexes import Area, Hex

REGIONS = {icb.ods_code: icb.region_code for icb in reference.icbs()}


def reached(start: str, codes: set[str]) -> set[str]:
    """Return the codes that can be reached from one by going from neighbour to neighbour among them."""
    at = {hexes.layout()[code].place: code for code in codes}
    found, waiting = {start}, [start]
    while waiting:
        for place in hexes.neighbours(hexes.layout()[waiting.pop()].place):
            code = at.get(place)
            if code is not None and code not in found:
                found.add(code)
                waiting.append(code)
    return found


def test_every_board_of_the_registry_has_a_hexagon_and_no_hexagon_is_of_another_board() -> None:
    assert set(hexes.layout()) == set(REGIONS)


def test_no_two_boards_stand_on_one_hexagon() -> None:
    places = [one.place for one in hexes.layout().values()]
    assert len(set(places)) == len(places) == 42


@pytest.mark.parametrize("region", sorted(set(REGIONS.values())))
def test_the_boards_of_a_region_stand_together(region: str) -> None:
    codes = {code for code, own in REGIONS.items() if own == region}
    assert reached(min(codes), codes) == codes


def test_england_stands_together() -> None:
    assert reached("QHM", set(REGIONS)) == set(REGIONS)


@pytest.mark.parametrize(
    ("north", "south"), [("QHM", "QWO"), ("QOP", "QHL"), ("QJM", "QMF"), ("QR1", "QT6"), ("QRV", "QNX")]
)
def test_north_is_above(north: str, south: str) -> None:
    assert hexes.layout()[north].middle[1] < hexes.layout()[south].middle[1]


@pytest.mark.parametrize(
    ("west", "east"), [("QT6", "QKS"), ("QYG", "QF7"), ("QOC", "QMM"), ("QUY", "QMF"), ("QE1", "QOQ")]
)
def test_west_is_left(west: str, east: str) -> None:
    assert hexes.layout()[west].middle[0] < hexes.layout()[east].middle[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("QJK", "QT6"), ("QJK", "QSL"), ("QVV", "QRL"), ("QKK", "QMF"), ("QHM", "QE1"), ("QUE", "QJG"),
        ("QOP", "QYG"), ("QWO", "QF7"), ("QNX", "QKS"), ("QXU", "QNX"), ("QR1", "QUY"), ("QGH", "QWU"),
    ],
)  # fmt: skip
def test_these_neighbours_are_neighbours(one: str, other: str) -> None:
    assert hexes.layout()[other].place in hexes.neighbours(hexes.layout()[one].place)


def test_short_names_fit_into_their_hexagons() -> None:
    assert {code: one.name for code, one in hexes.layout().items() if not 1 <= len(one.name) <= 2} == {}
    assert [line for one in hexes.layout().values() for line in one.name if len(line) > 13] == []


def test_a_side_between_two_regions_is_drawn_once_and_one_within_a_region_is_not() -> None:
    pair = {"A": Area((Hex((0, 0), ("A",)),)), "B": Area((Hex((1, 0), ("B",)),))}
    assert hexes.borders(pair, {"A": "1", "B": "2"}) == "M50.0 -28.9L50.0 28.9"
    assert hexes.borders(pair, {"A": "1", "B": "1"}) == ""


def test_the_frame_holds_every_corner() -> None:
    found = hexes.frame(list(hexes.layout().values()))
    assert found.left == -58 - 50  # Cornwall's middle is half a hexagon west of Devon's
    assert found.width == pytest.approx(5.5 * 100 + 100 + 16)
    assert found.height == pytest.approx(11 * hexes.RISE + 2 * hexes.SIDE + 16)


def covered(standing: set[str], came_from: dict[str, dict[str, int]]) -> dict[str, list[tuple[str, ...]]]:
    return {code: [one.name for one in area.hexes] for code, area in hexes.areas(standing, came_from).items()}


def test_a_merged_board_covers_the_hexagons_of_those_that_it_came_from() -> None:
    assert covered({"NEW", "QMF"}, {"NEW": {"QRV": 100, "QMJ": 100}}) == {
        "QMF": [("NE", "London")],
        "NEW": [("NW", "London"), ("NC", "London")],
    }


def test_a_board_that_takes_over_another_keeps_its_own_hexagon() -> None:
    assert covered({"QMJ"}, {"QMJ": {"QRV": 100}}) == {"QMJ": [("NW", "London"), ("NC", "London")]}


def test_a_hexagon_of_a_split_board_goes_where_most_of_it_went_and_of_equals_to_the_first_code() -> None:
    shares = {"A": {"QNQ": 40}, "B": {"QNQ": 60}}
    assert covered({"A", "B"}, shares) == {"B": [("Frimley",)]}
    assert covered({"A", "B"}, {"B": {"QNQ": 50}, "A": {"QNQ": 50}}) == {"A": [("Frimley",)]}


def test_a_board_that_still_stands_keeps_its_hexagon_and_one_without_past_has_none() -> None:
    assert covered({"QNQ", "NEW", "OTHER"}, {"NEW": {"QNQ": 30}}) == {"QNQ": [("Frimley",)]}


def test_hexagons_of_one_board_are_outlined_together_around_their_middle() -> None:
    pair = Area((Hex((0, 0), ("A",)), Hex((1, 0), ("B",))))
    assert pair.middle == (50.0, 0.0)
    lines = pair.outline().split("M")[1:]
    assert len(lines) == len(set(lines)) == 10
    assert not [line for line in lines if line.startswith("0.0 ") and "L0.0 " in line], (
        "the side between is drawn"
    )
    assert hexes.borders({"AB": pair}, {"AB": "1"}) == ""
