"""Pictures of demand in a browser: by mouse and keys, on a phone, without JavaScript, on paper, in chosen colours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.organisations.actions import load_reference
from marketplace.organisations.models import Kind, Organisation
from tests.browser.conftest import Visitor
from tests.factories.families import make_co_signature, make_family, make_theme
from tests.factories.fits import make_fit
from tests.factories.needs import make_cycle, make_need
from tests.factories.people import PASSWORD, make_user

BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
MAP = "svg.app-hexes"
PAGES = (
    "/demand/map",
    "/demand/map?by=unmatched",
    "/demand/themes",
    "/demand/ics/QJK",
    "/demand/regions/Y58",
)


@pytest.fixture
def england(app: Flask, session: Session) -> None:
    """Fill the real registry with needs in two regions, of two themes, one of which fits nothing."""
    with app.app_context():
        load_reference()
    session.rollback()
    cycle = make_cycle(session)

    def some(*codes: str) -> list[Organisation]:
        return [
            session.scalars(select(Organisation).where(Organisation.code == code)).one() for code in codes
        ]

    devon, cornwall, sussex, hin = some("QJK", "QT6", "QNX", "hin-south-west")
    trust = session.scalars(
        select(Organisation).where(Organisation.parent_id == devon.id).order_by(Organisation.name).limit(1)
    ).one()
    falls = [
        make_need(session, one, cycle=cycle, title=f"Fewer falls {number}")
        for number, one in enumerate((devon, trust, cornwall, sussex))
    ]
    skin = [
        make_need(session, one, cycle=cycle, rank=2, title="See skin early") for one in (cornwall, sussex)
    ]
    make_need(session, hin, cycle=cycle)
    make_theme(session, *falls, name="Falls and frailty", key="falls")
    make_theme(session, *skin, name="Waiting for skin clinics", key="skin")
    make_family(session, *falls[:3], name="Falls at night")
    make_co_signature(session, skin[0], devon)
    for need, fits in zip([*falls, *skin], (1, 0, 2, 0, 0, 0), strict=True):
        make_fit(session, need, fits)
    session.commit()


@pytest.mark.usefixtures("england")
@BOTH_WAYS
def test_a_reader_goes_from_the_map_to_a_system_and_on_to_a_need(
    visitor: Callable[..., Visitor], script: bool
) -> None:
    # given somebody who looks for demand
    reader = visitor(script=script).open("/demand").follow("Demand on a map of England")
    reader.picture("map")
    assert reader.page.locator(f"{MAP} a").count() == 42
    # when they ask where one theme has no good match
    reader.page.get_by_label("Theme").select_option("falls")
    reader.page.get_by_label("Shade by").select_option("unmatched")
    reader.click("Show").sees("How much of “Falls and frailty” has no good match").picture("map-theme")
    assert "theme=falls" in reader.page.url
    # and follow Devon
    reader.page.get_by_role("link", name="Devon, South West: ").click()
    reader.check().sees("What Devon integrated care system needs").picture("ics")
    # then they see the theme alone, and what its two organisations share
    expect(reader.page.get_by_label("Theme")).to_have_value("falls")
    reader.sees("Falls at night").sees("Nothing fits yet")
    reader.follow("Fewer falls 1")
    assert reader.page.title().startswith("Fewer falls 1")


@pytest.mark.usefixtures("england")
@BOTH_WAYS
def test_a_reader_goes_from_the_grid_to_a_region(visitor: Callable[..., Visitor], script: bool) -> None:
    reader = visitor(script=script).open("/demand/themes").picture("themes")
    reader.page.get_by_role("link", name="Waiting for skin clinics, South East: ").click()
    reader.check().sees("What the South East region needs").picture("region")
    expect(reader.page.get_by_label("Theme")).to_have_value("skin")
    reader.sees("1 need of 2 in this region")


@pytest.mark.usefixtures("england")
@pytest.mark.parametrize("path", PAGES)
def test_pictures_can_be_read_on_a_phone(visitor: Callable[..., Visitor], path: str) -> None:
    name = path.strip("/").replace("/", "-").replace("?", "-")
    reader = visitor(width=375).open(path).fits().picture(f"{name}-375")
    if "map" in path:
        # A finger meets a hexagon, and its number is not small print.
        box = reader.page.locator(f"{MAP} a polygon").first.bounding_box()
        assert box is not None
        assert box["width"] >= 44
        number = reader.page.locator(f"{MAP} .app-hex__number").first.bounding_box()
        assert number is not None
        assert number["height"] >= 14
    if "themes" in path:
        expect(reader.page.locator("svg.app-grid")).to_be_hidden()
        expect(reader.page.get_by_role("cell", name="3 organisations, 3 needs").first).to_be_attached()


@pytest.mark.usefixtures("england")
def test_the_map_is_gone_through_by_keys_and_can_be_skipped(visitor: Callable[..., Visitor]) -> None:
    reader = visitor().open("/demand/map")
    focused = (
        "document.activeElement.querySelector?.('title')?.textContent || document.activeElement.innerText"
    )
    reader.page.get_by_role("button", name="Show").focus()
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate(focused) == "Skip the map and go to the table"
    expect(reader.page.get_by_text("Skip the map and go to the table")).to_be_in_viewport()
    # north first
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate(focused).startswith(
        "North East and North Cumbria, North East and Yorkshire: "
    )
    edge = "getComputedStyle(document.activeElement.querySelector('.app-shade')).strokeWidth"
    assert reader.page.evaluate(edge) == "8px", "one cannot see where the focus is"
    reader.picture("map-focus")
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate(focused).startswith("Lancashire and South Cumbria")
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    reader.sees("What Lancashire and South Cumbria integrated care system needs")
    # and back: by the skip link
    reader.page.go_back()
    reader.page.get_by_text("Skip the map and go to the table").focus()
    reader.page.keyboard.press("Enter")
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate("document.activeElement.closest('#figures') !== null")


@pytest.mark.usefixtures("england")
def test_the_drawing_and_its_table_say_the_same(visitor: Callable[..., Visitor]) -> None:
    page = visitor().open("/demand/map").page
    shown = page.locator(f"{MAP} .app-hex").evaluate_all(
        "all => all.map(one => [one.querySelector('title').textContent.split(',')[0],"
        " one.querySelector('.app-hex__number').textContent])"
    )
    drawn = {name: number for name, number in shown if number != "–"}
    rows = page.locator("#figures tbody tr:has(td)").evaluate_all(
        "all => all.map(one => [one.querySelector('th').innerText.trim(), one.querySelector('td').innerText])"
    )
    table = {name: number for name, number in rows if number != "0"}
    assert drawn == {"Devon": "2", "Cornwall and the Isles of Scilly": "1", "Sussex": "1"}
    assert {name: table[name] for name in drawn} == drawn


@pytest.mark.usefixtures("england")
@pytest.mark.parametrize("path", ["/demand/map", "/demand/themes"])
def test_pictures_keep_their_shades_and_numbers_on_paper(visitor: Callable[..., Visitor], path: str) -> None:
    reader = visitor(width=794).open(path)
    reader.page.emulate_media(media="print")
    reader.fits().picture(f"{path.rsplit('/', 1)[1]}-print")
    drawing = reader.page.locator("svg[role=group]")
    expect(drawing).to_be_visible()
    expect(reader.page.get_by_role("button", name="Show")).to_be_hidden()
    expect(reader.page.get_by_text("What the shades mean")).to_be_visible()
    fill = reader.page.locator(".app-hex--1 .app-shade").first.evaluate("one => getComputedStyle(one).fill")
    assert fill == "rgb(202, 222, 240)"
    box = drawing.bounding_box()
    assert box is not None
    assert box["height"] < 1000, "it does not fit on a sheet of A4"


@pytest.mark.usefixtures("england")
def test_no_data_is_hatched_and_zero_is_not(visitor: Callable[..., Visitor]) -> None:
    page = visitor().open("/demand/map?theme=skin").page
    fills = {
        name: page.get_by_role("link", name=name)
        .locator("polygon")
        .evaluate("one => getComputedStyle(one).fill")
        for name in ("Somerset, South West", "Sussex, South East")
    }
    assert fills["Somerset, South West"].startswith('url("#no-data")')
    assert fills["Sussex, South East"] == "rgb(202, 222, 240)"


@pytest.mark.usefixtures("england")
def test_pictures_keep_their_numbers_where_a_person_sets_the_colours(visitor: Callable[..., Visitor]) -> None:
    reader = visitor()
    reader.page.emulate_media(forced_colors="active")
    reader.open("/demand/map").picture("map-forced-colours")
    expect(reader.page.locator(f"{MAP} .app-hex__number").first).to_be_visible()


@pytest.mark.usefixtures("england")
def test_a_broker_goes_from_the_desk_to_the_demand_of_the_patch(
    visitor: Callable[..., Visitor], session: Session
) -> None:
    hin = session.scalars(select(Organisation).where(Organisation.code == "hin-south-west")).one()
    assert hin.kind is Kind.HIN
    broker = make_user(session, Role.BROKER, hin)
    session.rollback()
    somebody = visitor().sign_in(broker.email, PASSWORD).open("/")
    somebody.follow("What the patch of Health Innovation South West needs").picture("hin")
    somebody.sees("What the patch of Health Innovation South West needs")
