"""The hex map and the grid of themes and regions."""

from __future__ import annotations

import csv
import io
import re

import pytest
from sqlalchemy.orm import Session

from marketplace.organisations.models import Kind, Organisation
from marketplace.vocabulary import ClinicalArea
from tests.conftest import Browser
from tests.factories.families import make_co_signature, make_theme
from tests.factories.fits import make_fit
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation


@pytest.fixture
def devon(session: Session) -> Organisation:
    """Publish needs in Devon and Cornwall, of a network, and of a trust of which nobody knows where it lies."""
    region = make_organisation(session, Kind.REGION, code="Y58", name="South West")
    devon, cornwall = (
        make_organisation(
            session, Kind.ICB, code=code, name=f"NHS {name} Integrated Care Board", region_id=region.id
        )
        for code, name in (("QJK", "Devon"), ("QT6", "Cornwall"))
    )
    make_organisation(
        session, Kind.ICB, code="QSL", name="NHS Somerset Integrated Care Board", region_id=region.id
    )
    trust = make_organisation(session, Kind.TRUST, parent_id=devon.id, region_id=region.id)
    falls = [make_need(session, one) for one in (devon, trust)]
    make_need(session, cornwall, clinical_area=ClinicalArea.DERMATOLOGY)
    make_need(session, make_organisation(session, Kind.HIN))
    make_need(session, make_organisation(session, Kind.TRUST))
    make_theme(session, *falls, name="Falls <at> night", key="falls")
    make_fit(session, falls[0], 0)
    make_fit(session, falls[1], 1)
    return devon


def cells(page: str) -> dict[str, str]:
    """Return the words of each cell of a drawing, with its shade."""
    return {
        words: shade
        for shade, words in re.findall(r'class="app-hex app-hex--(\w+)"[^>]*>\s*<title>([^<]*)</title>', page)
    }


def test_the_map_shades_each_system_by_who_shares(browser: Browser, devon: Organisation) -> None:
    browser.get("/demand/map")
    assert cells(browser.page) == {
        "Somerset, South West: no open need": "none",
        "Devon, South West: 2 organisations, 2 needs, 1 of 2 looked at with no good match": "2",
        "Cornwall, South West: 1 organisation, 1 need": "1",
    }
    assert 'href="/demand/ics/QJK"' in browser.page
    assert "Health innovation networks, which cover several systems 1 1 No data" in browser.text
    assert "Organisations whose system is not known 1 1 No data" in browser.text
    assert "All of England 5 5 1 of 2" in browser.text


def test_the_first_sentence_and_the_last_line_count_the_same_organisations(
    browser: Browser, session: Session, devon: Organisation
) -> None:
    one, other = (
        make_organisation(session, Kind.TRUST, parent_id=devon.id, region_id=devon.region_id)
        for _ in range(2)
    )
    make_co_signature(session, make_need(session, one), other)
    browser.get("/demand/map")
    assert "6 open needs, published or co-signed by 7 organisations." in browser.text
    assert "All of England 7 6 " in browser.text


def test_a_theme_is_zero_where_others_have_needs_and_no_data_where_nobody_has(
    browser: Browser, devon: Organisation
) -> None:
    browser.get("/demand/map?theme=falls")
    assert "How many organisations share “Falls <at> night”" in browser.text
    found = cells(browser.page)
    assert found["Cornwall, South West: 0 organisations, 0 needs"] == "0"
    assert found["Somerset, South West: no open need"] == "none"
    assert 'href="/demand/ics/QJK?theme=falls"' in browser.page
    assert "All of England 2 2 1 of 2" in browser.text


def test_the_map_shades_by_what_has_no_good_match(browser: Browser, devon: Organisation) -> None:
    browser.get("/demand/map?by=unmatched")
    assert cells(browser.page) == {
        "Somerset, South West: no open need": "none",
        "Devon, South West: 2 organisations, 2 needs, 1 of 2 looked at with no good match": "3",
        "Cornwall, South West: 1 organisation, 1 need, no need looked at yet": "none",
    }
    assert "41 to 60% of needs with no good match (1 system)" in browser.text
    assert "No data: no such need there, or none looked at yet (2 systems)" in browser.text


def test_the_grid_has_themes_from_families_and_a_row_for_the_rest(
    browser: Browser, devon: Organisation
) -> None:
    browser.get("/demand/themes")
    found = cells(browser.page)
    words = "2 organisations, 2 needs, 1 of 2 looked at with no good match"
    assert found[f"Falls &lt;at&gt; night, South West: {words}"] == "2"
    assert found["In no theme yet, South West: 1 organisation, 1 need"] == "1"
    assert found["Falls &lt;at&gt; night, Networks: 0 organisations, 0 needs"] == "0"
    assert found["In no theme yet, Not known: 1 organisation, 1 need"] == "1"
    assert 'href="/demand/regions/Y58?theme=falls"' in browser.page
    assert 'href="/demand/map?theme=falls"' in browser.page


def test_what_is_not_known_in_an_address_is_left_out(browser: Browser, devon: Organisation) -> None:
    assert browser.get("/demand/map?by=x&theme=gone&area=y").status_code == 200
    assert "We did not know one of the filters" in browser.text, "a bookmark of a theme that is no more"
    assert "All of England 5 5 1 of 2" in browser.text
    assert browser.get("/demand/themes?by=x&area=y").status_code == 200


def test_an_area_narrows_both(browser: Browser, devon: Organisation) -> None:
    browser.get("/demand/map?area=dermatology")
    assert "All of England 1 1 No data" in browser.text
    assert "How many organisations have open needs: Skin" in browser.text
    browser.get("/demand/themes?area=dermatology")
    assert "Falls" not in "".join(cells(browser.page))


@pytest.mark.parametrize("path", ["/demand/map", "/demand/themes"])
def test_before_anything_is_published_it_says_so(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200
    assert "No need is open yet." in browser.text


@pytest.mark.parametrize("path", ["/demand/map", "/demand/themes"])
def test_nothing_is_styled_or_run_in_the_page(browser: Browser, devon: Organisation, path: str) -> None:
    response = browser.get(path)
    assert "style-src 'self'" in response.headers["Content-Security-Policy"]
    drawing = browser.page[browser.page.index('<svg class="app-') : browser.page.rindex("</svg>")]
    assert " style=" not in drawing
    assert "<style" not in drawing
    assert "<script" not in drawing
    assert re.search(r"\son\w+=", drawing) is None


@pytest.mark.parametrize(("path", "rows"), [("/demand/map.csv", 5), ("/demand/themes.csv", 6)])
def test_tables_add_up_to_the_board(browser: Browser, devon: Organisation, path: str, rows: int) -> None:
    text = browser.get(path).get_data(as_text=True).removeprefix("\ufeff")
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == rows
    assert sum(int(row["needs"]) for row in found) == 5
    assert sum(int(row["no_good_match"]) for row in found) == 1
    assert sum(int(row["looked_at"]) for row in found) == 2
