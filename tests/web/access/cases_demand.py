"""Who gets through the doors of finding demand."""

from __future__ import annotations

from tests.factories.needs import make_need
from tests.web.access.world import EVERYBODY, Case, Who, World


def published(world: World, path: str) -> tuple[str, dict[str, object]]:
    make_need(world.session, world.organisations[Who.LEAD])
    return path, {}


CASES = [
    Case("demand.find", "GET", "with a need", lambda w: published(w, "/demand"), allowed=EVERYBODY),
    Case(
        "demand.find",
        "GET",
        "with a search and filters",
        lambda w: published(w, "/demand?q=falls+at+night&state=lapsed&state=open&area=frailty"),
        allowed=EVERYBODY,
    ),
    Case(
        "demand.find",
        "GET",
        "in unusual words",
        lambda w: published(w, "/demand?area=frailty&q=falls"),
        allowed=EVERYBODY,
        status=302,
    ),
    Case(
        "demand.feed", "GET", "of a search", lambda w: published(w, "/demand.atom?q=falls"), allowed=EVERYBODY
    ),
    Case(
        "demand.board", "GET", "from before", lambda w: published(w, "/needs"), allowed=EVERYBODY, status=301
    ),
    Case(
        "demand.search",
        "GET",
        "from before",
        lambda w: published(w, "/search?q=falls"),
        allowed=EVERYBODY,
        status=301,
    ),
]
