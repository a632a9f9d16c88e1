"""What tests read off the page on which demand is found."""

from __future__ import annotations

import re

from tests.conftest import Browser

PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


def titles(browser: Browser) -> list[str]:
    """Return the titles of the needs on the page, in order."""
    return re.findall(r'<h3[^>]*><a href="/needs/[^"]*">([^<]*)</a>', browser.page)


def count(browser: Browser) -> str:
    """Return the words that tell how many were found."""
    found = re.search(r'role="status"[^>]*>([^<]*)<', browser.page)
    assert found
    return found[1]
