"""What a system, a patch and a region need, for everybody and for their own people."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.needs.models import Need
from marketplace.organisations.models import (
    Change,
    FormerCode,
    HinPatch,
    Kind,
    Organisation,
    Succession,
    SuccessionLink,
)
from marketplace.vocabulary import ClinicalArea
from tests.conftest import Browser
from tests.factories.families import make_co_signature, make_family, make_theme
from tests.factories.fits import make_fit
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


@dataclass
class Dale:
    """A region with one system of a board and two trusts, a network that covers it, and their needs."""

    region: Organisation
    icb: Organisation
    ash: Organisation
    birch: Organisation
    hin: Organisation
    needs: dict[str, Need]


@pytest.fixture
def dale(session: Session) -> Dale:
    region = make_organisation(session, Kind.REGION, name="North")
    icb = make_organisation(session, Kind.ICB, name="NHS Dale Integrated Care Board", region_id=region.id)
    ash, birch = (
        make_organisation(session, Kind.TRUST, name=name, parent_id=icb.id, region_id=region.id)
        for name in ("Ash Trust", "Birch Trust")
    )
    hin = make_organisation(session, Kind.HIN, name="Dale Network")
    session.add(HinPatch(hin_id=hin.id, organisation_id=icb.id, source="test", source_date=date(2026, 1, 1)))
    needs = {
        "falls": make_need(session, ash, title="Fewer falls at night"),
        "fall": make_need(session, birch, title="Find people who fell"),
        "skin": make_need(session, icb, title="See skin early", clinical_area=ClinicalArea.DERMATOLOGY),
        "pay": make_need(session, birch, rank=2, title="=Pay on time"),
    }
    make_family(session, needs["falls"], needs["fall"], name="Falls at night")
    make_theme(session, needs["falls"], needs["fall"], name="Falls and frailty", key="falls")
    make_fit(session, needs["falls"], 2)
    make_fit(session, needs["fall"], 0)
    make_fit(session, needs["skin"], 3)
    session.commit()
    return Dale(region, icb, ash, birch, hin, needs)


def test_a_system_shows_its_board_beside_its_trusts(browser: Browser, dale: Dale) -> None:
    assert browser.get(f"/demand/ics/{dale.icb.code}").status_code == 200
    assert "What Dale integrated care system needs" in browser.text
    assert "The needs of the integrated care board and of 2 trusts, side by side." in browser.text
    # Needs, shared, alone, good match, nothing fits, not looked at.
    assert "NHS Dale Integrated Care Board 1 0 1 1 0 0" in browser.text
    assert "Ash Trust 1 1 0 1 0 0" in browser.text
    assert "Birch Trust 2 1 1 0 1 1" in browser.text
    assert "All 4 2 2 2 1 1" in browser.text
    assert "4 needs in this system: 2 shared, 2 alone" in browser.text
    shared, alone = browser.text.index("Shared in this system"), browser.text.index("Alone in this system")
    assert shared < browser.text.index("Falls at night Shared by Ash Trust and Birch Trust") < alone
    assert shared < browser.text.index("Find people who fell") < alone < browser.text.index("See skin early")


def test_a_network_and_a_region_show_the_same_needs(browser: Browser, dale: Dale) -> None:
    browser.get(f"/demand/hin/{dale.hin.code}")
    assert "Dale Network 0 0 0 0 0 0 NHS Dale Integrated Care Board 1 0 1 1 0 0 Ash Trust 1" in browser.text
    assert "4 needs in this patch: 2 shared, 2 alone" in browser.text
    assert "1 entry of this patch is not confirmed yet." in browser.text
    browser.get(f"/demand/regions/{dale.region.code}")
    assert "Dale integrated care system 4 2 2 2 1 1 All 4 2 2 2 1 1" in browser.text
    assert "4 needs in this region: 2 shared, 2 alone" in browser.text


def test_everybody_reads_whether_anything_fits_and_nobody_else_what(browser: Browser, dale: Dale) -> None:
    browser.get(f"/demand/ics/{dale.icb.code}")
    for words in ("Has a good match", "Nothing fits yet", "Not yet looked at"):
        assert words in browser.text
    assert "/matches" not in browser.page
    assert "technologies fit" not in browser.text


def test_its_own_people_see_how_many_fit_and_go_there(browser: Browser, session: Session, dale: Dale) -> None:
    lead = make_user(session, Role.NEED_LEAD, dale.ash)
    ref, other = dale.needs["falls"].ref, dale.needs["skin"].ref
    code = dale.icb.code
    session.rollback()
    browser.sign_in(lead).get(f"/demand/ics/{code}")
    assert "2 technologies fit" in browser.text
    assert f"/needs/{ref}/matches" in browser.page
    assert f"/needs/{other}/matches" not in browser.page, "another organisation's matches are not theirs"


def test_a_broker_sees_them_for_the_whole_patch(browser: Browser, session: Session, dale: Dale) -> None:
    broker = make_user(session, Role.BROKER, dale.hin)
    refs, code = [dale.needs[name].ref for name in ("falls", "fall", "skin")], dale.hin.code
    session.rollback()
    browser.sign_in(broker).get(f"/demand/hin/{code}")
    assert all(f"/needs/{ref}/matches" in browser.page for ref in refs)
    assert "3 or more technologies fit" in browser.text
    assert "See what comes closest" in browser.text


@pytest.mark.parametrize(
    ("query", "counted", "shown"),
    [
        ("held=shared", "2 needs of 4 in this system: 2 shared, 0 alone", ["Fewer falls", "Find people"]),
        ("held=alone", "2 needs of 4 in this system: 0 shared, 2 alone", ["See skin early", "=Pay on time"]),
        ("register=nothing", "1 need of 4 in this system: 1 shared, 0 alone", ["Find people"]),
        ("register=not-looked", "1 need of 4 in this system: 0 shared, 1 alone", ["=Pay on time"]),
        ("area=dermatology", "1 need of 4 in this system: 0 shared, 1 alone", ["See skin early"]),
        ("theme=falls", "2 needs of 4 in this system: 2 shared, 0 alone", ["Fewer falls", "Find people"]),
        ("theme=none", "2 needs of 4 in this system: 0 shared, 2 alone", ["See skin early", "=Pay on time"]),
        ("theme=falls&register=not-looked", "0 needs of 4", []),
        ("held=x&register=y&area=z", "4 needs in this system", ["Fewer falls", "=Pay on time"]),
    ],
)
def test_a_list_can_be_narrowed(
    browser: Browser, dale: Dale, query: str, counted: str, shown: list[str]
) -> None:
    browser.get(f"/demand/ics/{dale.icb.code}?{query}")
    assert counted in browser.text
    listed = browser.text[browser.text.index(counted) :]
    for title in ("Fewer falls", "Find people", "See skin early", "=Pay on time"):
        if counted.startswith("4"):
            continue
        assert (title in listed) == (title in shown)
    assert "Birch Trust 2 1 1 0 1 1" in browser.text, "the table goes on telling of all"


def test_nothing_found_is_said(browser: Browser, dale: Dale) -> None:
    browser.get(f"/demand/ics/{dale.icb.code}?theme=falls&area=dermatology")
    assert "No need in this system has all of this." in browser.text
    assert "Clear the filters" in browser.text


def test_a_place_where_nobody_has_published(browser: Browser, session: Session) -> None:
    icb = make_organisation(session, Kind.ICB)
    browser.get(f"/demand/ics/{icb.code}")
    assert "No need is open in this system yet." in browser.text


def test_what_was_co_signed_elsewhere_is_told_apart(browser: Browser, session: Session, dale: Dale) -> None:
    far = make_need(session, title="Far away")
    make_co_signature(session, far, dale.icb)
    browser.get(f"/demand/ics/{dale.icb.code}")
    at = browser.text.index("Co-signed from elsewhere")
    assert browser.text.index("Far away") > at
    assert "All 4 2 2 2 1 1" in browser.text, "it counts where it was published"


def test_a_family_that_others_hold_elsewhere_says_so(browser: Browser, session: Session, dale: Dale) -> None:
    far = make_need(session, title="Far away")
    make_family(session, far, dale.needs["skin"])
    browser.get(f"/demand/ics/{dale.icb.code}")
    assert "1 organisation elsewhere needs this too" in browser.text


def test_where_a_trust_lies_is_said_where_it_is_not_known(
    browser: Browser, session: Session, dale: Dale
) -> None:
    make_organisation(session, Kind.TRUST, name="Lost Trust", region_id=dale.region.id)
    browser.get(f"/demand/regions/{dale.region.code}")
    assert "The ICS of Lost Trust is not known." in browser.text
    browser.get(f"/demand/ics/{dale.icb.code}")
    assert "Each trust counts in one ICS" in browser.text


def test_the_table_holds_what_the_page_does_and_nothing_that_runs(browser: Browser, dale: Dale) -> None:
    response = browser.get(f"/demand/ics/{dale.icb.code}/needs.csv?register=not-looked")
    assert response.mimetype == "text/csv"
    assert "attachment" in response.headers["Content-Disposition"]
    [row] = csv.DictReader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff")))
    assert row["title"] == "'=Pay on time"
    assert (row["organisation"], row["shared_or_alone"], row["register"]) == (
        "Birch Trust",
        "alone",
        "not-looked",
    )
    assert row["ics_code"] == dale.icb.code
    everything = browser.get(f"/demand/ics/{dale.icb.code}/needs.csv").get_data(as_text=True)
    assert len(list(csv.DictReader(io.StringIO(everything)))) == 4
    assert "fits" in everything
    assert "technolog" not in everything.split("\n", 1)[1].lower()


@pytest.mark.parametrize("kind", ["ics", "hin", "regions"])
def test_a_place_that_is_not_there(browser: Browser, dale: Dale, kind: str) -> None:
    assert browser.get(f"/demand/{kind}/{dale.ash.code}").status_code == 404


def test_ways_lead_there_from_an_organisation_and_from_the_desks(
    browser: Browser, session: Session, dale: Dale, new_browser: object
) -> None:
    lead, broker = make_user(session, Role.NEED_LEAD, dale.ash), make_user(session, Role.BROKER, dale.hin)
    icb, hin, region, ash = dale.icb.code, dale.hin.code, dale.region.code, dale.ash.code
    session.rollback()
    browser.get(f"/organisations/{ash}")
    assert f'href="/demand/ics/{icb}"' in browser.page
    assert f'href="/demand/regions/{region}"' in browser.page
    browser.get(f"/organisations/{hin}")
    assert f'href="/demand/hin/{hin}"' in browser.page
    browser.get("/demand")
    assert 'href="/demand/map"' in browser.page
    assert 'href="/demand/themes"' in browser.page
    browser.sign_in(lead).get("/")
    assert f'href="/demand/ics/{icb}"' in browser.page
    assert callable(new_browser)
    other = new_browser()
    other.sign_in(broker).get("/")
    assert f'href="/demand/hin/{hin}"' in other.page


def test_long_lists_have_pages(browser: Browser, session: Session, dale: Dale) -> None:
    for number in range(25):
        trust = make_organisation(session, Kind.TRUST, name=f"Trust {number}", parent_id=dale.icb.id)
        make_need(session, trust, title=f"Need of many {number:02}")
    browser.get(f"/demand/ics/{dale.icb.code}")
    assert browser.page.count("Need of many") < 25 * 2
    assert "Page 2 of 2" in browser.text
    browser.get(f"/demand/ics/{dale.icb.code}?page=2")
    assert "Page 1 of 2" in browser.text


def hand_over(session: Session, closed: Organisation, *heirs: Organisation, settled: bool = True) -> None:
    """Close an organisation today; what it had goes to others, or still waits to be handed over."""
    closed.closed_on = clock.today()
    session.add(
        Succession(
            ref=f"succession{closed.id}",
            kind=Change.MERGE if len(heirs) == 1 else Change.SPLIT,
            effective_on=clock.today(),
            source="test",
            source_date=clock.today(),
            recorded_at=clock.now(),
            settled_at=clock.now() if settled else None,
            links=[SuccessionLink(from_id=closed.id, to_id=heir.id) for heir in heirs],
        )
    )
    session.commit()


def test_the_address_of_a_merged_system_leads_to_its_successor(browser: Browser, session: Session) -> None:
    closed, heir = (make_organisation(session, Kind.ICB, name=name) for name in ("Old Board", "New Board"))
    hand_over(session, closed, heir)
    for ending in ("", "/needs.csv"):
        response = browser.client.get(f"/demand/ics/{closed.code}{ending}")
        assert (response.status_code, response.location) == (301, f"/demand/ics/{heir.code}{ending}")


def test_a_split_system_names_its_successors(browser: Browser, session: Session) -> None:
    closed = make_organisation(session, Kind.ICB, name="Old Board")
    heirs = [make_organisation(session, Kind.ICB, name=f"{part} Board") for part in ("East", "West")]
    hand_over(session, closed, *heirs)
    assert browser.get(f"/demand/ics/{closed.code}").status_code == 200
    assert "Now part of East Board Now part of West Board" in browser.text
    assert "Old Board closed on" in browser.text


def test_a_closed_system_keeps_its_page_until_its_needs_are_handed_over(
    browser: Browser, session: Session
) -> None:
    closed, heir = (make_organisation(session, Kind.ICB) for _ in range(2))
    make_need(session, closed, title="Still here")
    hand_over(session, closed, heir, settled=False)
    assert browser.get(f"/demand/ics/{closed.code}").status_code == 200
    assert "Still here" in browser.text


def test_an_address_with_a_former_code_leads_to_the_code_of_today(browser: Browser, session: Session) -> None:
    icb = make_organisation(session, Kind.ICB)
    session.add(FormerCode(code="ZZOLD", organisation_id=icb.id, ended_at=clock.now()))
    session.commit()
    response = browser.client.get("/demand/ics/ZZOLD")
    assert (response.status_code, response.location) == (301, f"/demand/ics/{icb.code}")
