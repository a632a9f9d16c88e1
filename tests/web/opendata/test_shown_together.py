"""What open data says of families, themes and coverage is what the public pages say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.families.models import Family
from marketplace.families.suggesting import suggest_now
from marketplace.needs.models import NeedVersion
from marketplace.organisations.models import Kind
from tests.conftest import Browser
from tests.factories.families import make_co_signature
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.web.opendata.world import make_succession, make_world

Reindex = Callable[[], None]


def got(browser: Browser, address: str) -> dict[str, object]:
    found = browser.client.get(f"/open/v1/{address}").get_json()
    assert isinstance(found, dict)
    return found


def suggested(app: Flask, session: Session, reindex: Reindex) -> Family:
    """Return a family of two needs that the matcher has suggested; the second is a little other."""
    make_cycle(session)
    region = make_organisation(session, Kind.REGION)
    for name, age, must in (
        ("Elmbrook", 9, ("Work where there is no wifi", "Cost less than £5 a day")),
        ("Fernside", 8, ("Work also where there is no wifi at all",)),
    ):
        trust = make_organisation(session, Kind.TRUST, name=name, region_id=region.id)
        make_need(
            session,
            trust,
            title=f"Falls at night in {name}",
            problem="Residents fall at night in their own rooms and nobody sees it.",
            published_at=clock.now() - timedelta(days=age),
            how_many=1400,
            must=must,
        )
    reindex()
    with app.app_context():
        suggest_now()
    session.rollback()
    return session.scalars(select(Family)).one()


def test_a_family_is_told_as_its_page_tells_it(
    app: Flask, browser: Browser, session: Session, reindex: Reindex
) -> None:
    family = suggested(app, session, reindex)
    record = got(browser, f"families/{family.ref}")
    browser.get(f"/families/{family.ref}")
    assert record["name"] in browser.text
    assert record["state"] == "suggested"
    assert len(record["organisations"]) == 2
    assert "2 organisations share 2 needs. About 2,800 people in all" in browser.text
    assert (record["people"], record["people_given_by"]) == (2800, 2)
    headings = re.findall(r'<h3 class="nhsuk-heading-s app-typed">([^<]*)</h3>', browser.page)
    assert [one["text"] for one in record["must"]] == headings
    assert {len(one["needs"]) for one in record["must"]} == {1, 2}


def test_of_a_joint_list_only_what_still_stands_is_told(
    app: Flask, browser: Browser, session: Session, reindex: Reindex
) -> None:
    family = suggested(app, session, reindex)
    eldest, other = (member.need for member in family.members)
    newer = NeedVersion(need_id=eldest.id, number=2, published_at=clock.now())
    newer.fill(eldest.versions[0].content())
    newer.must = ["Quite another thing"]
    session.add(newer)
    eldest.version = 2
    session.commit()
    told = got(browser, f"families/{family.ref}")["must"]
    assert [(one["text"], one["needs"]) for one in told] == [
        ("Quite another thing", [eldest.ref]),
        ("Work also where there is no wifi at all", [other.ref]),
    ]
    other.withdrawn_at, other.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    body = browser.client.get(f"/open/v1/families/{family.ref}").get_data(as_text=True)
    assert "wifi" not in body


def test_a_family_that_went_into_another_says_so_and_no_more(browser: Browser, session: Session) -> None:
    world = make_world(session)
    merged = session.scalars(select(Family).where(Family.merged_into_id.is_not(None))).one()
    record = got(browser, f"families/{merged.ref}")
    assert {key for key, value in record.items() if value not in (None, [], 0)} == {
        "id",
        "updated_at",
        "withdrawn_at",
        "page",
        "state",
        "merged_into",
    }
    assert record["merged_into"] == world.family.ref
    assert browser.client.get(f"/families/{merged.ref}").location.endswith(world.family.ref)


def test_families_are_narrowed_by_state_need_organisation_and_theme(
    browser: Browser, session: Session
) -> None:
    world = make_world(session)

    def ids(query: str) -> set[str]:
        items = got(browser, f"families?{query}")["items"]
        assert isinstance(items, list)
        return {one["id"] for one in items}

    assert ids("state=settled") == {world.family.ref}
    assert ids(f"need={world.need.ref}") == {world.family.ref}
    assert ids(f"organisation={world.trust.code}") == {world.family.ref}
    assert ids(f"theme={world.theme.key}") == {world.family.ref}
    assert ids("state=dissolved&withdrawn=leave-out") == set()
    assert len(ids("state=dissolved")) == len(ids("state=merged")) == 1


def test_a_theme_is_counted_as_the_grid_of_themes_and_regions_counts_it(
    browser: Browser, session: Session
) -> None:
    world = make_world(session)
    elsewhere = make_organisation(session, Kind.REGION, name="Elsewhere")
    make_co_signature(
        session, world.need, make_organisation(session, Kind.TRUST, region_id=elsewhere.id), how_many=3
    )
    table = list(
        csv.DictReader(io.StringIO(browser.client.get("/demand/themes.csv").data.decode("utf-8-sig")))
    )
    assert table, "the grid is empty"
    told = got(browser, f"themes/{world.theme.key}")
    parts = {
        one["region"] or "": (
            one["organisations"],
            one["needs"],
            one["nothing"],
            one["fits"] + one["nothing"],
        )
        for one in told["parts"]
    }
    columns = ("organisations", "needs", "no_good_match", "looked_at")
    counted: dict[str, list[int]] = {}
    for row in table:
        if row["theme"] == told["name"]:
            sums = counted.setdefault(row["region_code"], [0, 0, 0, 0])
            counted[row["region_code"]] = [
                before + int(row[column] or 0) for before, column in zip(sums, columns, strict=True)
            ]
    assert {code: tuple(sums) for code, sums in counted.items() if sums[0]} == parts
    assert parts[elsewhere.code] == (1, 0, 0, 0)


def test_changes_of_organisations_are_found_by_either_side(browser: Browser, session: Session) -> None:
    one, other = make_organisation(session, Kind.TRUST), make_organisation(session, Kind.TRUST)
    change = make_succession(session, one, other)
    make_succession(session, make_organisation(session, Kind.TRUST), make_organisation(session, Kind.TRUST))
    for code in (one.code, other.code):
        items = got(browser, f"successions?organisation={code}")["items"]
        assert [each["id"] for each in items] == [change.ref]
    link = got(browser, f"successions/{change.ref}")["links"][0]
    assert (link["predecessor"], link["successor_name"]) == (one.code, other.name)
    browser.get(f"/organisations/{one.code}/history")
    assert link["successor_name"] in browser.text
    assert "The order of the department" in browser.text
