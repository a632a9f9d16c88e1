"""Who gets through the door of the start page: everybody, to a page of their own."""

from __future__ import annotations

from tests.web.access.world import EVERYBODY, Case, Who

CASES = [
    Case("home.start", "GET", "any time", lambda _: ("/", {}), allowed=EVERYBODY),
    Case(
        "home.health",
        "GET",
        "any time",
        lambda _: ("/service-health", {}),
        allowed=frozenset({Who.ADMINISTRATOR}),
    ),
]
