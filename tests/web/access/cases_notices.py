"""Who gets through the doors of notices."""

from __future__ import annotations

from tests.web.access.world import EVERYBODY, Case

CASES = [Case("notices.mailbox", "GET", "demo mode", lambda _: ("/mailbox", {}), allowed=EVERYBODY)]
