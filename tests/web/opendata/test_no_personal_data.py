"""Nothing in the open data names or describes a person, and nothing in it is private."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.accounts.models import User
from marketplace.opendata.catalogue import COLLECTIONS
from tests.conftest import Browser
from tests.web.opendata.world import SENTINEL, World, make_world

FEEDS = [f"/open/v1/{one.name}.atom" for one in COLLECTIONS.values() if one.feed]
LISTS = [f"/open/v1/{name}" for name in COLLECTIONS]


def everything(browser: Browser) -> Iterator[tuple[str, str]]:
    """Yield every address of the open data, pages and single records included, with its body."""
    fixed = ["/open/v1/", "/open/v1/openapi.json", "/open/v1/ocds/releases", "/open-data"]
    for address in [*fixed, *FEEDS, *LISTS, *(f"{one}.csv" for one in LISTS)]:
        body = answered(browser, address)
        yield address, body
        if address in LISTS:
            for record in json.loads(body)["items"]:
                yield record["id"], answered(browser, f"{address}/{record['id']}")


def answered(browser: Browser, address: str) -> str:
    response = browser.client.get(address)
    assert response.status_code == 200, address
    return response.get_data(as_text=True)


def test_no_field_of_any_answer_holds_anything_of_an_account(browser: Browser, session: Session) -> None:
    make_world(session)
    people = list(session.scalars(select(User)))
    personal = {SENTINEL.lower(), "people.example", "01632 960"}
    assert len(people) == 4
    # The sentinel is in whatever an account holds of a person, so that each of these would be found.
    for person in people:
        for value in (person.name, person.email, person.telephone, person.job_title):
            assert SENTINEL.lower() in value.lower()
    answers = list(everything(browser))
    assert len(answers) > 40
    found = [(address, word) for address, body in answers for word in personal if word in body.lower()]
    assert found == []


def test_the_search_for_personal_data_finds_some_where_there_is_some(
    app: Flask, browser: Browser, session: Session
) -> None:
    world = make_world(session)
    person = session.scalars(select(User)).first()
    assert person is not None
    world.trust.name = f"The trust of {person.name}"
    session.commit()
    hits = [address for address, body in everything(browser) if SENTINEL in body]
    assert {"/open/v1/organisations", "/open/v1/needs", "/open/v1/needs.csv", "/open/v1/needs.atom"} <= set(
        hits
    )
    assert {"/open/v1/ocds/releases", "/open/v1/priorities", "/open/v1/passports.csv"} <= set(hits)


def private_words(world: World) -> dict[str, str]:
    """Return words that stand only in what is not public, with what they are of."""
    return {
        "A draft that nobody may see": "a draft",
        "Draft problem text": "a draft",
        "Withdrawn problem text": "a need that was withdrawn",
        "Unlisted summary text": "a technology that was never listed",
        "Archived summary text": "a technology that was taken off",
        "As it was asked, before the lead changed it?": "a question before it was published",
        "-2 was the first answer": "an answer before it was corrected",
        "A question that waits for its answer?": "a question that waits",
        "A question that was set aside?": "a question that was set aside",
        "About a need that is gone?": "a question about a withdrawn need",
        "Private note text": "an administrator's note on a change of organisations",
        "Cancelled source text": "a change of organisations that was taken back",
        "Taken back note text": "a co-signature that was taken back",
        "Gone answer text": "an answer about a withdrawn need",
        world.draft.ref: "a draft",
        world.unlisted.ref: "a technology that was never listed",
        world.waiting.ref: "a question that waits",
        world.declined.ref: "a question that was set aside",
    }


def test_nothing_that_the_pages_do_not_show_is_in_any_answer(browser: Browser, session: Session) -> None:
    words = private_words(make_world(session))
    found = [
        (address, what)
        for address, body in everything(browser)
        for word, what in words.items()
        if word in body
    ]
    assert found == []


def test_nobody_can_tell_from_an_answer_who_asked(browser: Browser, session: Session) -> None:
    world = make_world(session)
    record = browser.client.get(f"/open/v1/questions/{world.answered.ref}").json
    assert record is not None
    assert set(record) == {
        "id",
        "updated_at",
        "withdrawn_at",
        "page",
        "need",
        "question",
        "answer",
        "answered_at",
        "corrected_at",
    }
    assert record["question"] == "As it was published, with one word better?"
    assert world.technology.supplier.name not in json.dumps(record)


@pytest.mark.parametrize("state", ["need", "draft", "withdrawn", "technology", "archived", "unlisted"])
def test_a_record_shows_what_its_page_shows(browser: Browser, session: Session, state: str) -> None:
    world = make_world(session)
    thing = getattr(world, state)
    collection = "technologies" if state in {"technology", "archived", "unlisted"} else "needs"
    record = browser.client.get(f"/open/v1/{collection}/{thing.ref}")
    page = browser.client.get(f"/{collection}/{thing.ref}")
    expected = {200: 200, 404: 404, 410: 200}[page.status_code]
    assert record.status_code == expected
    if page.status_code == 410:
        assert record.json is not None
        assert record.json["withdrawn_at"] is not None
        kept = {"id", "updated_at", "withdrawn_at", "page", "withdrawn_reason", "organisation"}
        kept |= {"organisation_name", "published_at", "title"}
        assert {key for key, value in record.json.items() if value not in (None, [])} <= kept
