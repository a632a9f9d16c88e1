"""How open data is answered: pages, conditions, headers, limits, refusals, files and feeds."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
import time_machine
from flask import Flask
from jsonschema import Draft202012Validator
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.needs.models import Cycle, Need
from marketplace.opendata import rules
from marketplace.opendata.catalogue import COLLECTIONS
from marketplace.opendata.limits import Limiter
from marketplace.organisations.models import Kind, Organisation
from marketplace.vocabulary import ClinicalArea
from marketplace.web import cells, feeds
from tests.conftest import Browser, statements
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user
from tests.factories.questions import make_question
from tests.factories.technologies import make_technology
from tests.web.opendata.world import make_world

NEEDS = "/open/v1/needs"
LISTS = [f"/open/v1/{name}" for name in COLLECTIONS]
EVERY_KIND = [*LISTS, *(f"{one}.csv" for one in LISTS), f"{NEEDS}.atom", "/open/v1/questions.atom"]
EVERY_KIND += ["/open/v1/", "/open/v1/openapi.json", "/open/v1/ocds/releases"]
ATOM = {"a": feeds.ATOM}


def got(browser: Browser, address: str) -> Any:
    """Return what an address answers as JSON."""
    response = browser.client.get(address)
    assert response.status_code == 200, response.text
    return response.json


def ids(browser: Browser, address: str) -> list[str]:
    return [record["id"] for record in got(browser, address)["items"]]


def refused(response: TestResponse, status: int) -> str:
    """Return the words of a refusal as RFC 9457 has it."""
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    problem = response.json
    assert problem is not None
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert problem["title"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    return str(problem["detail"])


# The document


def test_the_document_is_valid_openapi_and_lists_every_address(app: Flask, browser: Browser) -> None:
    document = got(browser, "/open/v1/openapi.json")
    assert document["openapi"].startswith("3.1.")
    served = {
        str(rule).removeprefix("/open/v1")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("open_data_api.")
    }
    names = {f"/{name}" for name in COLLECTIONS}
    assert names | {f"{name}.csv" for name in names} | {f"{name}/{{id}}" for name in names} <= set(
        document["paths"]
    )
    assert {"/", "/openapi.json", "/ocds/releases", "/ocds/releases/{id}"} <= set(document["paths"])
    assert len(served) == 8  # a new kind of address has to be put into the document too
    operations = [path["get"]["operationId"] for path in document["paths"].values()]
    assert len(set(operations)) == len(operations)
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("additionalProperties") is False or "enum" in schema, name


@pytest.mark.parametrize("name", COLLECTIONS)
def test_what_is_answered_is_what_the_document_says(browser: Browser, session: Session, name: str) -> None:
    make_world(session)
    document = got(browser, "/open/v1/openapi.json")
    page = got(browser, f"/open/v1/{name}")
    reference = f"#/components/schemas/{COLLECTIONS[name].record.__name__}Page"
    rules_of = Draft202012Validator(
        {"$ref": reference, "components": document["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    assert [error.message for error in rules_of.iter_errors(page)] == []
    assert page["items"]
    # Every field of the schema is really answered.
    assert set(page["items"][0]) == set(COLLECTIONS[name].record.model_fields)


def test_every_field_says_what_it_is_unless_its_name_does(browser: Browser) -> None:
    schemas = got(browser, "/open/v1/openapi.json")["components"]["schemas"]
    described = {
        name: text["description"]
        for name, text in schemas["NeedRecord"]["properties"].items()
        if "description" in text
    }
    assert described["organisation"] == "The id of the organisation."
    assert "lapsed" in described["standing"]


def test_the_first_address_leads_to_all_the_others(browser: Browser, session: Session) -> None:
    make_world(session)
    index = got(browser, "/open/v1/")
    addresses = [index["ocds"], index["openapi"], index["explained"]]
    for one in index["collections"]:
        addresses += [
            one["json_address"],
            one["csv_address"],
            *([one["atom_address"]] if one["atom_address"] else []),
        ]
    assert len(addresses) == 3 + 2 * len(COLLECTIONS) + 2
    for address in addresses:
        assert browser.client.get(address.removeprefix("http://127.0.0.1:8000")).status_code == 200, address


# Pages


def test_pages_are_cut_where_asked_and_hold_each_record_once(browser: Browser, session: Session) -> None:
    refs = [make_need(session, rank=None).ref for _ in range(7)]
    found: list[str] = []
    sizes = []
    address = f"{NEEDS}?limit=3"
    while address:
        page = got(browser, address)
        sizes.append(len(page["items"]))
        found += [record["id"] for record in page["items"]]
        assert (page["next"] is None) != (page["changes"] is None)
        address = page["next"].removeprefix("http://127.0.0.1:8000") if page["next"] else ""
    assert sizes == [3, 3, 1]
    assert found == refs


def test_a_page_holds_a_hundred_unless_asked_otherwise(browser: Browser, session: Session) -> None:
    for _ in range(101):
        make_organisation(session)
    assert len(ids(browser, "/open/v1/organisations")) == 100
    assert len(ids(browser, "/open/v1/organisations?limit=1000")) == 101


def test_records_of_the_same_moment_are_not_lost_between_pages(browser: Browser, session: Session) -> None:
    now = clock.now()
    codes = [make_organisation(session, updated_at=now).code for _ in range(5)]
    first = got(browser, "/open/v1/organisations?limit=2")
    second = ids(browser, first["next"].removeprefix("http://127.0.0.1:8000").replace("limit=2", "limit=10"))
    assert [record["id"] for record in first["items"]] + second == codes


def test_filters_narrow_the_list(browser: Browser, session: Session) -> None:
    world = make_world(session)
    region = got(browser, f"/open/v1/organisations/{world.trust.code}")["region"]
    eyes = make_need(session, clinical_area=ClinicalArea.EYES)
    assert ids(browser, f"{NEEDS}?clinical_area=eyes") == [eyes.ref]
    assert world.need.ref in ids(browser, f"{NEEDS}?organisation={world.trust.code}")
    assert eyes.ref not in ids(browser, f"{NEEDS}?organisation={world.trust.code}")
    assert set(ids(browser, f"{NEEDS}?region={region}")) == {
        record["id"]
        for record in got(browser, NEEDS)["items"]
        if got(browser, f"/open/v1/organisations/{record['organisation']}")["region"] == region
    }
    assert ids(browser, f"{NEEDS}?withdrawn=only") == [world.withdrawn.ref]
    assert world.withdrawn.ref not in ids(browser, f"{NEEDS}?withdrawn=leave-out")
    assert ids(browser, f"/open/v1/need-versions?need={world.need.ref}") == [
        f"{world.need.ref}-1",
        f"{world.need.ref}-2",
    ]
    assert ids(browser, "/open/v1/technologies?clinical_area=respiratory&readiness=in-use") == [
        world.technology.ref
    ]
    assert ids(browser, "/open/v1/technologies?care_setting=theatre") == []
    assert ids(browser, f"/open/v1/passports?issuer={world.trust.code}&standing=valid") == [
        world.passport.number
    ]
    assert len(ids(browser, f"/open/v1/passports?technology={world.technology.ref}")) == 4
    assert ids(browser, f"/open/v1/questions?need={world.need.ref}") == [world.answered.ref]
    assert set(ids(browser, "/open/v1/organisations?kind=trust")) == {
        record["id"]
        for record in got(browser, "/open/v1/organisations")["items"]
        if record["kind"] == "trust"
    }


@pytest.mark.parametrize("standing", ["current", "to-confirm", "lapsed"])
def test_needs_are_found_by_how_they_stand_as_their_pages_say(
    browser: Browser, session: Session, standing: str
) -> None:
    today = clock.today()
    for name, opens, locks in (("Old", 400, 300), ("Before", 200, 100), ("Now", 10, -50)):
        make_cycle(
            session,
            name=name,
            opens_on=today - timedelta(days=opens),
            reminds_on=today - timedelta(days=opens - 5),
            locks_on=today - timedelta(days=locks),
            closes_on=today - timedelta(days=locks - 1),
        )
    cycles = {one.name: one for one in session.scalars(select(Cycle))}
    refs = {
        "lapsed": make_need(session, cycle=cycles["Old"]).ref,
        "to-confirm": make_need(session, cycle=cycles["Before"]).ref,
        "current": make_need(session, cycle=cycles["Now"]).ref,
    }
    make_need(session, withdrawn="Solved")
    assert ids(browser, f"{NEEDS}?standing={standing}") == [refs[standing]]
    assert {
        record["id"]: record["standing"] for record in got(browser, NEEDS)["items"] if record["standing"]
    } == {ref: name for name, ref in refs.items()}


def test_what_was_withdrawn_is_not_found_by_what_it_was_about(browser: Browser, session: Session) -> None:
    make_need(session, withdrawn="Solved", clinical_area=ClinicalArea.EYES)
    make_technology(session, archived=True, clinical_areas=(ClinicalArea.EYES,))
    assert ids(browser, f"{NEEDS}?clinical_area=eyes") == []
    assert ids(browser, "/open/v1/technologies?clinical_area=eyes") == []


def test_a_withdrawal_counts_at_once_whatever_a_cache_holds(browser: Browser, session: Session) -> None:
    technology = make_technology(session)
    passport = make_passport(session, technology)
    address = f"/open/v1/passports/{passport.number}"
    tag = browser.client.get(address).headers["ETag"]
    passport.revoked_at, passport.revoked_reason = clock.now(), "The certificate was false."
    session.commit()
    again = browser.client.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.json is not None
    assert (again.json["standing"], again.json["reason"]) == ("revoked", "The certificate was false.")
    assert "no-cache" in again.headers["Cache-Control"]


def test_a_file_of_an_hour_before_midnight_is_not_told_to_be_that_of_the_new_day(browser: Browser) -> None:
    before, after = datetime(2027, 6, 30, 22, 50, tzinfo=UTC), datetime(2027, 6, 30, 23, 30, tzinfo=UTC)
    with clock.pretend(before):
        tag = browser.client.get(f"{NEEDS}.csv").headers["ETag"]
        assert browser.client.get(f"{NEEDS}.csv", headers={"If-None-Match": tag}).status_code == 304
    with clock.pretend(after):
        assert browser.client.get(f"{NEEDS}.csv", headers={"If-None-Match": tag}).status_code == 200


def test_a_record_that_is_not_there_is_not_found(browser: Browser) -> None:
    for name in COLLECTIONS:
        assert name in refused(browser.client.get(f"/open/v1/{name}/nosuch-1"), 404)


# Conditions and headers


@pytest.mark.parametrize("address", EVERY_KIND)
def test_who_has_the_answer_already_gets_a_short_one(
    browser: Browser, session: Session, address: str
) -> None:
    make_world(session)
    first = browser.client.get(address)
    assert first.status_code == 200
    again = browser.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "public, no-cache"
    other = browser.client.get(address, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.data) == (200, first.data)


@pytest.mark.parametrize("address", [NEEDS, f"{NEEDS}.csv", f"{NEEDS}.atom", "/open/v1/ocds/releases"])
def test_a_change_makes_another_answer(browser: Browser, session: Session, address: str) -> None:
    need = make_need(session)
    tag = browser.client.get(address).headers["ETag"]
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    assert browser.client.get(address, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("address", EVERY_KIND)
def test_only_the_head_can_be_asked_for(browser: Browser, session: Session, address: str) -> None:
    make_world(session)
    whole, head = browser.client.get(address), browser.client.head(address)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.content_type == whole.content_type


def test_the_last_change_of_the_collection_is_told_once_it_cannot_be_mistaken(
    browser: Browser, session: Session
) -> None:
    make_need(session)
    assert "Last-Modified" not in browser.client.get(NEEDS).headers
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        told = browser.client.get(NEEDS).headers["Last-Modified"]
        assert browser.client.get(NEEDS, headers={"If-Modified-Since": told}).status_code == 304
        make_need(session)
        assert browser.client.get(NEEDS, headers={"If-Modified-Since": told}).status_code == 200


@pytest.mark.parametrize("address", [*EVERY_KIND, "/open/v1/nosuch", f"{NEEDS}?limit=x"])
def test_every_answer_may_be_read_by_pages_of_other_websites_and_sets_no_cookie(
    browser: Browser, session: Session, address: str
) -> None:
    user = make_user(session, Role.NEED_LEAD)
    make_world(session)
    anonymous = browser.client.get(address)
    browser.sign_in(user)
    signed_in = browser.client.get(address)
    for response in (anonymous, signed_in):
        headers = response.headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in headers
        assert "Vary" not in headers
    assert anonymous.data == signed_in.data


def test_a_browser_may_ask_first_whether_it_may_ask(browser: Browser) -> None:
    response = browser.client.options(NEEDS, headers={"Origin": "https://elsewhere.example"})
    assert response.status_code == 200
    assert "If-None-Match" in response.headers["Access-Control-Allow-Headers"]
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert "ETag" in response.headers["Access-Control-Expose-Headers"]


def test_the_next_page_and_the_licence_stand_in_the_head_too(browser: Browser, session: Session) -> None:
    make_need(session)
    make_need(session)
    response = browser.client.get(f"{NEEDS}?limit=1")
    assert response.json is not None
    assert f'<{response.json["next"]}>; rel="next"' in response.headers["Link"]
    assert f'<{rules.LICENCE}>; rel="license"' in response.headers["Link"]
    table = browser.client.get(f"{NEEDS}.csv?limit=1")
    following = table.headers["Link"].partition(">")[0].removeprefix("<http://127.0.0.1:8000")
    assert following.startswith(f"{NEEDS}.csv?")
    assert browser.client.get(following).text.count("\n") == 2


# Limits and refusals


def test_too_many_requests_are_refused_with_how_long_to_wait(app: Flask, browser: Browser) -> None:
    app.extensions["open_data_limiter"] = Limiter(2)
    with time_machine.travel(clock.now(), tick=False) as traveller:
        first = browser.client.get(NEEDS)
        assert first.headers["RateLimit-Policy"] == '"open";q=2;w=60'
        assert first.headers["RateLimit"] == '"open";r=1;t=60'
        traveller.shift(10)
        browser.client.get("/open/v1/passports")
        response = browser.client.get(NEEDS)
        assert "may ask 2 times a minute" in refused(response, 429)
        assert response.headers["Retry-After"] == "50"
        assert response.headers["RateLimit"] == '"open";r=0;t=50'
        assert browser.client.get("/open-data").status_code == 200
        assert browser.client.options(NEEDS).status_code == 200
        traveller.shift(50)
        assert browser.client.get(NEEDS).status_code == 200


def test_a_whole_file_counts_more_than_a_page_of_it(app: Flask, browser: Browser) -> None:
    app.extensions["open_data_limiter"] = Limiter(20)
    assert '"open";r=10;' in browser.client.get(f"{NEEDS}.csv").headers["RateLimit"]
    assert '"open";r=9;' in browser.client.get(f"{NEEDS}.csv?limit=5").headers["RateLimit"]


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("limit=0", "limit", "limit must be a whole number from 1 to 1,000."),
        ("limit=5&limit=6", "limit", "limit stands in the address more than once. Give it once."),
        ("cursor=abc", "cursor", "The cursor cannot be read."),
        (
            "updated_since=yesterday",
            "updated_since",
            "updated_since must be a date and time with its time zone",
        ),
        ("withdrawn=yes", "withdrawn", "withdrawn must be one of: include, leave-out, only."),
        ("clinical_area=Frailty", "clinical_area", "clinical_area must be one of: cancer, cardiovascular"),
        ("organization=RXX", "organization", "There is no such parameter here. You can use: limit, cursor"),
        ("<script>=1", "<script>", "There is no such parameter here."),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_plain_words(
    browser: Browser, query: str, parameter: str, words: str
) -> None:
    response = browser.client.get(f"{NEEDS}?{query}")
    assert refused(response, 400).startswith(words)
    assert response.json is not None
    assert response.json["parameter"] == parameter


def test_a_cursor_of_another_list_is_refused(browser: Browser, session: Session) -> None:
    make_need(session)
    make_need(session)
    cursor = got(browser, f"{NEEDS}?limit=1")["next"].partition("cursor=")[2]
    response = browser.client.get(f"{NEEDS}?limit=1&withdrawn=only&cursor={cursor}")
    assert "belongs to another list" in refused(response, 400)


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/open/v1/nosuch", 404),
        ("GET", "/open/v2/needs", 404),
        ("GET", "/open/", 404),
        ("POST", NEEDS, 405),
        ("DELETE", f"{NEEDS}/x", 405),
        ("GET", f"{NEEDS}?organisation=%00", 400),
    ],
)
def test_whatever_else_goes_wrong_is_a_problem_document_too(
    browser: Browser, method: str, address: str, status: int
) -> None:
    response = browser.client.open(address, method=method)
    assert refused(response, status)
    if status == 405:
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_database_that_is_away_is_told_with_when_to_come_back(
    app: Flask, browser: Browser, session: Session
) -> None:
    engine = app.extensions["engine"]
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("ALTER TABLE need RENAME TO need_away")
    response = browser.client.get(NEEDS)
    assert "cannot reach our database" in refused(response, 503)
    assert response.headers["Retry-After"] == "10"


# Files


def rows(response: TestResponse) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_file_has_the_columns_and_values_of_the_records(
    browser: Browser, session: Session, name: str
) -> None:
    make_world(session)
    response = browser.client.get(f"/open/v1/{name}.csv")
    assert response.content_type == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
    assert response.data.startswith(b'\xef\xbb\xbf"id","updated_at","withdrawn_at","page",')
    found = rows(response)
    records = got(browser, f"/open/v1/{name}?limit=1000")["items"]
    assert len(found) == len(records)
    for row, record in zip(found, records, strict=True):
        assert list(row) == list(record)
        for column, value in record.items():
            written = cells.as_it_was(row[column])
            if isinstance(value, list | bool):
                assert json.loads(written) == value
            else:
                assert written == ("" if value is None else str(value))


def test_what_people_typed_cannot_run_in_a_spreadsheet(browser: Browser, session: Session) -> None:
    evil = '=HYPERLINK("https://elsewhere.example","Click")'
    make_need(session, title=evil, problem="@SUM(1)", who_affected="-1\n=2", how_many=5, baseline="a;=cmd")
    (row,) = rows(browser.client.get(f"{NEEDS}.csv"))
    assert row["title"] == f"'{evil}"
    assert (row["problem"], row["who_affected"], row["baseline"]) == ("'@SUM(1)", "'-1\n'=2", "a;'=cmd")
    assert row["how_many"] == "5"
    assert b",5," in browser.client.get(f"{NEEDS}.csv").data


def test_a_whole_file_holds_more_than_a_page_and_is_read_bit_by_bit(
    app: Flask, browser: Browser, session: Session
) -> None:
    for number in range(1203):
        session.add(make_plain(number))
    session.commit()
    with statements(app) as sent:
        found = rows(browser.client.get("/open/v1/organisations.csv"))
    assert [row["id"] for row in found] == [f"T{number:05}" for number in range(1203)]
    reads = [line for line in sent if line.startswith(("SELECT", "WITH"))]
    assert len(reads) == 2 + 3  # what there is, when it last changed, and three bits of 500


@pytest.mark.parametrize("name", COLLECTIONS)
def test_no_cell_of_any_file_begins_like_a_formula(browser: Browser, session: Session, name: str) -> None:
    make_world(session)
    for row in rows(browser.client.get(f"/open/v1/{name}.csv")):
        for cell in row.values():
            assert cell.lstrip(" \"'\u201c\u201d")[:1] not in set("=+-@\t\r") or cell.startswith("'"), cell


def make_plain(number: int) -> Organisation:
    return Organisation(
        code=f"T{number:05}",
        name=f"Trust {number}",
        kind=Kind.TRUST,
        updated_at=datetime(2026, 1, 1, tzinfo=clock.LONDON) + timedelta(seconds=number),
    )


def test_a_page_of_a_file_can_be_had_too(browser: Browser, session: Session) -> None:
    for _ in range(3):
        make_need(session)
    assert len(rows(browser.client.get(f"{NEEDS}.csv?limit=2"))) == 2


# Feeds


def entries(browser: Browser, address: str) -> list[Tree.Element]:
    response = browser.client.get(address)
    assert response.content_type == "application/atom+xml; charset=utf-8"
    return Tree.fromstring(response.data).findall("a:entry", ATOM)


def text(element: Tree.Element, name: str) -> str:
    return element.findtext(f"a:{name}", "", ATOM)


def test_the_feed_of_needs_tells_what_is_new_changed_and_withdrawn(
    browser: Browser, session: Session
) -> None:
    world = make_world(session)
    found = {text(one, "id"): one for one in entries(browser, f"{NEEDS}.atom")}
    changed = found[f"tag:127.0.0.1,2026:need/{world.need.ref}"]
    assert "Changed: We measured again" in text(changed, "summary")
    assert changed.findtext("a:author/a:name", "", ATOM) == world.trust.name
    withdrawn = found[f"tag:127.0.0.1,2026:need/{world.withdrawn.ref}"]
    assert text(withdrawn, "title").startswith("Withdrawn: ")
    assert text(withdrawn, "summary").endswith("We solved it ourselves.")
    published = session.scalars(select(Need.ref).where(Need.published_at.is_not(None)))
    assert set(found) == {f"tag:127.0.0.1,2026:need/{ref}" for ref in published}
    moments = [text(one, "updated") for one in found.values()]
    assert moments == sorted(moments, reverse=True)


def test_the_feed_of_questions_has_the_answers_that_count(browser: Browser, session: Session) -> None:
    world = make_world(session)
    (one,) = entries(browser, "/open/v1/questions.atom")
    assert text(one, "title") == "As it was published, with one word better?"
    assert text(one, "summary") == "The answer that counts"
    link = one.find("a:link", ATOM)
    assert link is not None
    assert link.get("href") == f"http://127.0.0.1:8000/needs/{world.need.ref}#questions"


def test_a_feed_can_be_narrowed_and_is_then_another_feed(browser: Browser, session: Session) -> None:
    make_need(session)
    eyes = make_need(session, clinical_area=ClinicalArea.EYES)
    (one,) = entries(browser, f"{NEEDS}.atom?clinical_area=eyes")
    assert text(one, "id").endswith(eyes.ref)
    ids_of = {
        Tree.fromstring(browser.client.get(address).data).findtext("a:id", "", ATOM)
        for address in (
            f"{NEEDS}.atom",
            f"{NEEDS}.atom?clinical_area=eyes",
            f"{NEEDS}.atom?clinical_area=skin",
        )
        if browser.client.get(address).status_code == 200
    }
    assert len(ids_of) == 2
    assert "clinical_area must be one of" in refused(
        browser.client.get(f"{NEEDS}.atom?clinical_area=skin"), 400
    )


def test_every_page_names_the_feeds(browser: Browser, session: Session) -> None:
    need = make_need(session)
    for path in ("/", f"/needs/{need.ref}", "/open-data"):
        browser.get(path)
        assert '<link rel="alternate" type="application/atom+xml"' in browser.page, path
        assert 'href="/open/v1/needs.atom"' in browser.page, path


# Cost


@pytest.mark.parametrize(
    "address", [*LISTS, "/open/v1/ocds/releases", f"{NEEDS}.atom", "/open/v1/questions.atom"]
)
def test_a_page_asks_the_database_as_often_for_many_records_as_for_few(
    app: Flask, browser: Browser, session: Session, address: str
) -> None:
    def reads() -> int:
        with statements(app) as sent:
            assert browser.client.get(address).status_code == 200
        return sum(line.startswith(("SELECT", "WITH")) for line in sent)

    world = make_world(session)
    few = reads()
    for _ in range(8):
        make_passport(session, make_technology(session))
        need = make_need(session)
        make_question(session, need, world.technology.supplier, answer="Yes")
        make_cycle(
            session,
            opens_on=clock.today() - timedelta(days=400 + session.query(Need).count()),
        )
    assert reads() == few
    assert few <= 9


# The page for people


def test_the_page_for_people_explains_with_addresses_that_work(browser: Browser, session: Session) -> None:
    make_world(session)
    browser.get("/about")
    assert 'href="/open-data"' in browser.page
    browser.get("/open-data")
    for name, collection in COLLECTIONS.items():
        assert collection.title in browser.text
        assert f'"http://127.0.0.1:8000/open/v1/{name}.csv"' in browser.page
    ours = {
        unescape(found) for found in re.findall(r'href="http://127\.0\.0\.1:8000(/open/[^"]*)"', browser.page)
    }
    assert len(ours) > 20
    for address in ours:
        assert browser.client.get(address).status_code == 200, address
    assert "You may ask 300 times a minute" in browser.text
