"""The Atom writer: what RFC 4287 asks for, and nothing that XML cannot hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as Tree

import pytest
from flask import Flask

from marketplace.settings import Settings
from marketplace.web import feeds
from marketplace.web.feeds import Entry, Feed

NAMES = {"a": feeds.ATOM}
MORNING = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def entry(number: int, **values: object) -> Entry:
    """Return an entry with a number."""
    return Entry(
        **{
            "id": f"tag:example.org,2026:need/{number}",
            "title": f"Need {number}",
            "href": f"https://example.org/needs/{number}",
            "updated": MORNING - timedelta(days=number),
        }
        | values  # type: ignore[arg-type] # values of a test
    )


def feed(*entries: Entry, **values: object) -> Feed:
    """Return a feed of these entries."""
    return Feed(
        **{
            "id": "tag:example.org,2026:feed/needs",
            "title": "Needs",
            "self_href": "https://example.org/needs.atom",
            "href": "https://example.org/needs",
            "entries": entries,
        }
        | values  # type: ignore[arg-type] # values of a test
    )


def read(written: bytes) -> Tree.Element:
    """Return the root of a written feed."""
    assert written.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    return Tree.fromstring(written)


def texts(root: Tree.Element, path: str) -> list[str]:
    """Return the texts at a path."""
    return [found.text or "" for found in root.findall(path, NAMES)]


def test_a_feed_has_what_the_standard_asks_for() -> None:
    root = read(feeds.written(feed(entry(1, author="An NHS Trust", summary="Falls"), entry(2))))
    assert texts(root, "a:id") == ["tag:example.org,2026:feed/needs"]
    assert texts(root, "a:title") == ["Needs"]
    assert texts(root, "a:author/a:name") == ["Demand Signal"]
    assert {link.get("rel"): link.get("href") for link in root.findall("a:link", NAMES)} == {
        "self": "https://example.org/needs.atom",
        "alternate": "https://example.org/needs",
    }
    assert texts(root, "a:entry/a:id") == [
        "tag:example.org,2026:need/1",
        "tag:example.org,2026:need/2",
    ]
    assert texts(root, "a:entry/a:author/a:name") == ["An NHS Trust"]
    assert texts(root, "a:entry/a:summary") == ["Falls"]


def test_the_feed_was_updated_when_its_newest_entry_was() -> None:
    root = read(feeds.written(feed(entry(3), entry(1), entry(2))))
    assert texts(root, "a:updated") == ["2026-11-21T07:30:00.000000Z"]


def test_an_empty_feed_is_valid_and_always_the_same() -> None:
    assert texts(read(feeds.written(feed())), "a:updated") == ["2026-01-01T00:00:00.000000Z"]
    assert feeds.written(feed()) == feeds.written(feed())


def test_moments_are_told_in_universal_time() -> None:
    summer = MORNING.astimezone(timezone(timedelta(hours=1)))
    assert feeds.moment(summer) == "2026-11-22T07:30:00.000000Z"


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\ufffe", "\ud800"])
def test_what_xml_cannot_hold_is_left_out(character: str) -> None:
    root = read(feeds.written(feed(entry(1, title=f"Fewer{character} falls", summary=f"<b>&{character}"))))
    assert texts(root, "a:entry/a:title") == ["Fewer falls"]
    assert texts(root, "a:entry/a:summary") == ["<b>&"]


def test_a_feed_is_not_longer_than_readers_want() -> None:
    root = read(feeds.written(feed(*(entry(number) for number in range(feeds.ENTRIES + 5)))))
    assert len(root.findall("a:entry", NAMES)) == feeds.ENTRIES


def answering(settings: Settings) -> Flask:
    """Return a small service with one feed."""
    app = Flask(__name__)
    app.extensions["settings"] = settings
    app.add_url_rule(
        "/feed", view_func=lambda: feeds.answer(feed(entry(1, id=feeds.tag_uri("need", "ab12"))))
    )
    return app


def test_an_id_names_the_service_and_the_thing_and_not_the_address() -> None:
    app = answering(Settings(mode="demo", public_url="https://demand.example.org:8443/x"))
    with app.app_context():
        assert feeds.tag_uri("need", "ab12", 3) == "tag:demand.example.org,2026:need/ab12/3"


def test_a_reader_that_has_the_feed_gets_a_short_answer() -> None:
    client = answering(Settings(mode="demo")).test_client()
    first = client.get("/feed")
    assert first.content_type == "application/atom+xml; charset=utf-8"
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get("/feed", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/feed", headers={"If-None-Match": '"other"'}).status_code == 200
