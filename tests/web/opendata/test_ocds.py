"""Planning releases keep the rules of OCDS 1.1, and say no more than planning permits."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from jsonschema import Draft202012Validator
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.organisations.models import Kind
from tests.conftest import Browser
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.web.opendata.ocds_schema import PACKAGE
from tests.web.opendata.world import make_world

RELEASES = "/open/v1/ocds/releases"
RULES = Draft202012Validator(PACKAGE, format_checker=Draft202012Validator.FORMAT_CHECKER)


def package(browser: Browser, address: str = RELEASES) -> dict[str, Any]:
    """Return a package that keeps the rules."""
    response = browser.client.get(address)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = json.loads(response.data)
    assert [f"{error.json_path}: {error.message}" for error in RULES.iter_errors(found)] == []
    return found


def all_releases(browser: Browser, address: str = f"{RELEASES}?limit=2") -> list[dict[str, Any]]:
    """Return the releases of all packages."""
    found = []
    while address:
        one = package(browser, address)
        found += one["releases"]
        address = one["links"].get("next", "").removeprefix("http://127.0.0.1:8000")
    return found


def test_the_rules_are_rules_and_find_what_breaks_them(browser: Browser, session: Session) -> None:
    Draft202012Validator.check_schema(PACKAGE)
    make_world(session)
    found = package(browser)
    release = found["releases"][0]
    for broken in (
        {key: value for key, value in release.items() if key != "ocid"},
        release | {"date": "22 November 2026"},
        release | {"tag": ["tender"]},
        release | {"tag": []},
        release | {"initiationType": "direct"},
        release | {"tender": {"id": "1", "status": "open"}},
        release | {"parties": [release["parties"][0]] * 2},
        release | {"rationale": "In the wrong place"},
    ):
        assert list(RULES.iter_errors(found | {"releases": [broken]})), broken


def test_every_version_of_every_published_need_is_a_release_and_nothing_else(
    browser: Browser, session: Session
) -> None:
    world = make_world(session)
    found = all_releases(browser)
    of_need = [one for one in found if one["ocid"].endswith(world.need.ref)]
    assert [one["tag"] for one in of_need] == [["planning"], ["planningUpdate"]]
    assert [one["id"] for one in of_need] == [
        f"ocds-000000-{world.need.ref}-1",
        f"ocds-000000-{world.need.ref}-2",
    ]
    assert not [one for one in found if world.draft.ref in json.dumps(one)]


def test_a_withdrawn_need_has_one_release_that_says_so_without_its_text(
    browser: Browser, session: Session
) -> None:
    world = make_world(session)
    (release,) = [one for one in all_releases(browser) if one["ocid"].endswith(world.withdrawn.ref)]
    assert release["id"] == f"ocds-000000-{world.withdrawn.ref}-withdrawn"
    assert release["tender"]["status"] == "withdrawn"
    assert release["planning"]["rationale"] == "This need was withdrawn. Reason: We solved it ourselves."
    assert "Withdrawn problem text" not in json.dumps(release)
    one = package(browser, f"{RELEASES}/{release['id']}")
    assert one["releases"] == [release]


def test_what_only_a_reader_of_the_standard_knows_holds_too(browser: Browser, session: Session) -> None:
    make_world(session)
    found = package(browser)
    releases = found["releases"]
    assert len({one["id"] for one in releases}) == len(releases)
    per_process: dict[str, list[str]] = {}
    for one in releases:
        per_process.setdefault(one["ocid"], []).append(one["date"])
        # A release is not younger than its package, and the buyer is among the parties.
        assert datetime.fromisoformat(one["date"]) <= datetime.fromisoformat(found["publishedDate"])
        assert {"id": one["buyer"]["id"], "name": one["buyer"]["name"]} in [
            {"id": party["id"], "name": party["name"]}
            for party in one["parties"]
            if "buyer" in party["roles"]
        ]
        assert len({party["id"] for party in one["parties"]}) == len(one["parties"])
    assert all(len(set(dates)) == len(dates) for dates in per_process.values())


def test_like_needs_of_others_are_no_related_processes(browser: Browser, session: Session) -> None:
    # The standard's codes say framework, planning, parent, prior, unsuccessfulProcess, subContract,
    # replacementProcess and renewalProcess. To say the same as somebody else is none of them.
    world = make_world(session)
    assert len(world.family.members) > 1
    assert not [one for one in all_releases(browser) if "relatedProcesses" in one]


def test_organisations_are_named_by_their_code_in_the_list_of_the_nhs(
    browser: Browser, session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST)
    hin = make_organisation(session, Kind.HIN, ods_code=None, code="a-network")
    make_need(session, trust)
    make_need(session, hin)
    parties = {one["buyer"]["name"]: one["parties"][0] for one in all_releases(browser)}
    assert parties[trust.name]["id"] == f"GB-NHS-{trust.ods_code}"
    assert parties[trust.name]["identifier"] == {
        "scheme": "GB-NHS",
        "id": trust.ods_code,
        "legalName": trust.name,
    }
    assert parties[hin.name]["id"] == "demand-signal-a-network"
    assert "identifier" not in parties[hin.name]


def test_the_usual_prefix_is_a_placeholder_and_the_page_says_so(browser: Browser) -> None:
    browser.get("/open-data")
    assert "The prefix ocds-000000 of our process identifiers is a placeholder" in browser.text


def test_a_prefix_of_ones_own_is_used(app: Flask, browser: Browser, session: Session) -> None:
    need = make_need(session)
    app.extensions["settings"] = app.extensions["settings"].model_copy(update={"ocid_prefix": "ocds-a1b2c3"})
    (release,) = all_releases(browser)
    assert release["ocid"] == f"ocds-a1b2c3-{need.ref}"
    assert package(browser, f"{RELEASES}/{release['id']}")["releases"] == [release]
    browser.get("/open-data")
    assert "placeholder" not in browser.text


def test_only_what_changed_since_comes_and_no_package_is_empty(browser: Browser, session: Session) -> None:
    make_need(session)
    later = clock.now() + timedelta(days=1)
    with time_machine.travel(later):
        new = make_need(session)
    since = later.isoformat().replace("+00:00", "Z")
    assert [one["ocid"] for one in all_releases(browser, f"{RELEASES}?updated_since={since}")] == [
        f"ocds-000000-{new.ref}"
    ]
    response = browser.client.get(f"{RELEASES}?updated_since=2999-01-01T00:00:00Z")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "name", ["nosuch", "ocds-000000-", "ocds-000000--1", "ocds-999999-{ref}-1", "{ref}-1"]
)
def test_a_release_that_is_not_there_is_not_found(browser: Browser, session: Session, name: str) -> None:
    need = make_need(session)
    assert browser.client.get(f"{RELEASES}/{name.format(ref=need.ref)}").status_code == 404
