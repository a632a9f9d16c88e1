"""Whatever has a public page is open data too: each public address names its collections, or why it has none."""

from __future__ import annotations

from flask import Flask

from marketplace.opendata.catalogue import COLLECTIONS

#: Public addresses with what they show, by the names of collections.
SHOWN: dict[str, set[str]] = {
    "cycles.coverage": {"cycles", "coverage", "answers"},
    "cycles.coverage_csv": {"answers"},
    "cycles.coverage_of": {"cycles", "coverage", "answers"},
    "demand.feed": {"needs", "families"},
    "demand.find": {"needs", "families"},
    "families.family": {"families", "co-signatures"},
    "families.listing": {"families", "themes"},
    "history.board": {"places", "need-versions", "organisations", "successions"},
    "history.need": {"need-versions"},
    "history.organisations": {"organisations", "successions"},
    "history.withdrawn": {"needs"},
    "needs.need": {"needs", "co-signatures", "questions", "families", "priorities"},
    "needs.organisation": {"organisations", "priorities", "co-signatures", "needs"},
    "needs.version": {"need-versions"},
    "passports.passport": {"passports"},
    "passports.register": {"passports"},
    # What places of a picture hold follows from needs, who shares them, and where organisations stand.
    "picture.hin": {"needs", "families", "themes", "co-signatures", "organisations"},
    "picture.hin_table": {"needs", "families", "themes", "co-signatures", "organisations"},
    "picture.ics": {"needs", "families", "themes", "co-signatures", "organisations"},
    "picture.ics_table": {"needs", "families", "themes", "co-signatures", "organisations"},
    "picture.map_page": {"needs", "themes", "co-signatures", "organisations"},
    "picture.map_table": {"needs", "themes", "co-signatures", "organisations"},
    "picture.region": {"needs", "families", "themes", "co-signatures", "organisations"},
    "picture.region_table": {"needs", "families", "themes", "co-signatures", "organisations"},
    "picture.themes": {"themes"},
    "picture.themes_table": {"themes"},
    "reviews.compare": {"need-versions"},
    "succession.history": {"successions", "organisations", "needs"},
    "technologies.past_version": {"technology-versions"},
    "technologies.register": {"technologies"},
    "technologies.technology": {"technologies", "passports"},
}
#: Rooms and addresses without data of their own, and why.
NO_DATA = {
    "about.": "texts about the service",
    "accounts.": "a person's own account, and the forms that lead there",
    "demand.board": "leads to where needs are found",
    "demand.by_mail": "a person's own search",
    "demand.check_email": "a form's answer",
    "demand.confirm": "a person's own search",
    "demand.save": "a form",
    "demand.saved": "a person's own searches",
    "demand.saved_one": "a person's own search",
    "demand.search": "leads to where needs are found",
    "demand.unsubscribe": "a person's own search",
    "health.": "how the service is, for those who run it",
    "history.ask": "a form",
    "home.start": "leads to everything else",
    "matches.how": "what the matcher does with a text that somebody types",
    "notices.mailbox": "letters of the demonstration's made-up people",
    "open_data.": "the page about open data",
    "open_data_api.": "open data itself",
    "reviews.people": "who leads a need, for its own people alone",
}


def public_pages(app: Flask) -> set[str]:
    """Return the addresses that everybody may read."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        and "GET" in (rule.methods or ())
        and app.view_functions[rule.endpoint].access.permission is None  # type: ignore[attr-defined] # each view has one
    }


def test_every_public_page_is_open_data_or_says_why_not(app: Flask) -> None:
    unnamed = {
        endpoint
        for endpoint in public_pages(app) - SHOWN.keys()
        if endpoint not in NO_DATA and f"{endpoint.partition('.')[0]}." not in NO_DATA
    }
    assert unnamed == set(), "name the collections that hold what these pages show, or why there are none"


def test_no_collection_or_page_is_named_that_is_not_there(app: Flask) -> None:
    assert set().union(*SHOWN.values()) == set(COLLECTIONS)
    assert SHOWN.keys() <= public_pages(app)
