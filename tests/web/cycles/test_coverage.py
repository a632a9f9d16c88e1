"""The public page of who has answered."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.needs.models import Cycle, Priority
from marketplace.organisations.models import Kind, Organisation
from marketplace.web.words import UNKNOWN_FILTER
from tests.conftest import Browser, statements
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation

PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def north(session: Session) -> Organisation:
    return make_organisation(session, Kind.REGION, code="ZZNO", name="North")


@pytest.fixture
def cycle(session: Session, north: Organisation) -> Cycle:
    """Return a cycle in which one trust has named three, one one, one none, and so on."""
    south = make_organisation(session, Kind.REGION, code="ZZSO", name="South")
    now = make_cycle(session, name="Spring 2027")
    three = make_organisation(session, Kind.TRUST, code="ZZ3", name="Three Trust", region_id=north.id)
    for rank in (1, 2, 3):
        make_need(session, three, rank=rank)
    one = make_organisation(session, Kind.TRUST, code="ZZ1", name="One Trust", region_id=south.id)
    make_need(session, one, rank=1)
    make_organisation(session, Kind.TRUST, code="ZZ0", name="Silent Trust", region_id=north.id)
    icb = make_organisation(session, Kind.ICB, code="ZZI", name="Southern ICB", region_id=south.id)
    make_draft(session, icb)
    make_organisation(session, Kind.HIN, code="zz-hin", name="HIN Coast")
    make_organisation(
        session, Kind.TRUST, code="ZZC", name="Closed Trust", closed_on=clock.today(), region_id=north.id
    )
    make_organisation(
        session, Kind.TRUST, code="ZZF", name="Coming Trust", opened_on=clock.today() + timedelta(days=1)
    )
    make_organisation(session, Kind.SUPPLIER, name="A supplier")
    return now


def listed(browser: Browser) -> dict[str, str]:
    """Return the organisations of the list with their tag."""
    return dict(
        re.findall(r'<li><a href="/organisations/([^"]*)">[^<]*</a> <strong[^>]*>([^<]*)<', browser.page)
    )


def test_before_the_first_cycle_the_page_says_what_it_will_tell(browser: Browser) -> None:
    assert browser.get("/coverage").status_code == 200
    assert "No cycle has opened yet, so nobody has been asked." in browser.text


@pytest.mark.usefixtures("cycle")
def test_everybody_reads_who_has_answered_by_kind_and_region(browser: Browser) -> None:
    browser.get("/coverage")
    assert "0 of 1 ICS, 2 of 3 trusts and 0 of 1 HIN – Demand Signal" in browser.text, "the title tells it"
    assert "Cycle Spring 2027, open for answers until" in browser.text
    rows = re.findall(r'<tr role="row" class="nhsuk-table__row">(.*?)</tr>', browser.page, re.S)
    cells = [
        [re.sub(r"<[^>]*>", "", cell).split() for cell in re.findall(r"<td.*?</td>", row, re.S)]
        for row in rows
    ]
    assert [" ".join(word for cell in row for word in cell) for row in cells] == [
        "Region North Integrated care systems none NHS trusts 1 of 2",
        "Region South Integrated care systems 0 of 1 NHS trusts 1 of 1",
    ]


@pytest.mark.usefixtures("cycle")
def test_the_list_tells_without_blame_who_has_not_answered_and_who_in_part(browser: Browser) -> None:
    browser.get("/coverage")
    assert listed(browser) == {
        "ZZ0": "Has not yet answered",
        "ZZ1": "1 of 3 needs",
        "ZZI": "Has not yet answered",
        "zz-hin": "Has not yet answered",
    }
    assert "4 organisations: not yet answered, or with 1 or 2 of 3 needs" in browser.text


@pytest.mark.usefixtures("cycle")
@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("show=partly", {"ZZ1"}),
        ("show=three", {"ZZ3"}),
        ("show=all&kind=trust", {"ZZ0", "ZZ1", "ZZ3"}),
        ("show=all&region=ZZSO", {"ZZ1", "ZZI"}),
        ("q=silent", {"ZZ0"}),
        ("q=zz-hin", {"zz-hin"}),
        ("q=nowhere", set()),
        ("show=rubbish&kind=supplier&region=zz", {"ZZ0", "ZZ1", "ZZI", "zz-hin"}),
    ],
)
def test_the_list_is_filtered_by_its_address(browser: Browser, query: str, codes: set[str]) -> None:
    browser.get(f"/coverage?{query}")
    assert set(listed(browser)) == codes


def test_htmx_gets_the_list_alone(browser: Browser, cycle: Cycle) -> None:
    browser.client.get(f"/coverage/{cycle.id}", headers=PART)
    response = browser.client.get(f"/coverage/{cycle.id}?q=silent", headers=PART)
    page = response.get_data(as_text=True)
    assert "Silent Trust" in page
    assert "<html" not in page
    assert "hx-" not in page


def test_a_longer_list_is_folded_by_region(browser: Browser, session: Session, north: Organisation) -> None:
    make_cycle(session)
    for number in range(21):
        make_organisation(session, Kind.TRUST, name=f"Trust {number}", region_id=north.id)
    browser.get("/coverage")
    assert "North: 21 organisations" in browser.text
    assert browser.page.count("nhsuk-details__summary-text") == 1


def test_an_earlier_cycle_is_counted_as_it_was_when_it_closed(
    browser: Browser, session: Session, cycle: Cycle
) -> None:
    today = clock.today()
    past = make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100)
    )
    gone = make_organisation(
        session, Kind.ICB, code="ZZG", name="Merged ICB", closed_on=today - timedelta(days=50)
    )
    need = make_need(session, gone, cycle=past)
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    browser.get("/coverage")
    assert f'<a href="/coverage/{past.id}">Autumn</a>' in browser.page
    browser.get(f"/coverage/{past.id}?show=all")
    assert "1 of 2 ICSs" in browser.text
    assert listed(browser)["ZZG"] == "1 of 3 needs"
    assert "As it was when the cycle closed" in browser.text
    assert f'<a href="/coverage/{cycle.id}">Spring 2027</a>' in browser.page


def test_a_place_held_for_a_need_that_nobody_has_published_does_not_count(
    browser: Browser, session: Session, cycle: Cycle
) -> None:
    trust = make_organisation(session, Kind.TRUST, code="ZZH", name="Holding Trust")
    draft = make_draft(session, trust)
    session.add(Priority(organisation_id=trust.id, cycle_id=cycle.id, rank=1, need_id=draft.id))
    session.commit()
    browser.get("/coverage?q=holding")
    assert listed(browser) == {"ZZH": "Has not yet answered"}


def test_the_list_is_there_as_a_file_that_no_spreadsheet_runs(
    browser: Browser, session: Session, cycle: Cycle
) -> None:
    make_organisation(session, Kind.HIN, code="zz-a", name="=1+1")
    make_organisation(session, Kind.HIN, code="zz-b", name='"East; =1+1')
    response = browser.client.get(f"/coverage/{cycle.id}.csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="coverage-{cycle.opens_on}.csv"'
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert {(row["code"], row["needs_named"], row["answered"]) for row in rows} == {
        ("ZZ3", "3", "yes"),
        ("ZZ1", "1", "yes"),
        ("ZZ0", "0", "not yet"),
        ("ZZI", "0", "not yet"),
        ("zz-hin", "0", "not yet"),
        ("zz-a", "0", "not yet"),
        ("zz-b", "0", "not yet"),
    }
    # What a program that cuts at semicolons would take for a formula is made harmless too.
    assert {row["organisation"] for row in rows} >= {"\"East; '=1+1"}
    [first] = [row for row in rows if row["code"] == "zz-a"]
    assert first | {"as_of": ""} == {
        "cycle": "Spring 2027", "as_of": "", "code": "zz-a", "organisation": "'=1+1", "kind": "hin",
        "region_code": "", "region": "", "needs_named": "0", "answered": "not yet",
    }  # fmt: skip
    assert {row["as_of"] for row in rows} == {clock.today().isoformat()}


def test_three_hundred_organisations_cost_as_many_queries_as_one(
    app: Flask, browser: Browser, session: Session, north: Organisation
) -> None:
    make_cycle(session)
    make_need(session, make_organisation(session, Kind.TRUST, region_id=north.id))

    def sent() -> int:
        with statements(app) as found:
            assert browser.get("/coverage?show=all").status_code == 200
        return len(found)

    few = sent()
    for number in range(300):
        trust = make_organisation(session, Kind.TRUST, name=f"Trust {number}", region_id=north.id)
        if number % 3 == 0:
            make_need(session, trust)
    assert sent() == few
    assert "101 of 301 trusts" in browser.text


@pytest.mark.usefixtures("cycle")
@pytest.mark.parametrize("query", ["show=everybody", "kind=pharmacy", "region=Y99"])
def test_a_filter_that_is_not_known_is_told_and_left_out(browser: Browser, query: str) -> None:
    browser.get("/coverage")
    assert UNKNOWN_FILTER not in browser.text
    without = browser.text.split("Organisation by organisation")[1]
    browser.get(f"/coverage?{query}")
    assert browser.text.count(UNKNOWN_FILTER) == 1
    told = browser.text.split("Organisation by organisation")[1]
    assert told.replace(f"{UNKNOWN_FILTER} ", "") == without
