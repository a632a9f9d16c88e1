"""Who gets through the doors of accounts and home."""

from __future__ import annotations

from tests.factories.people import PASSWORD
from tests.web.access.world import EVERYBODY, SIGNED_IN, Case, Who

CASES = [
    Case("home.start", "GET", "any time", lambda _: ("/", {}), allowed=EVERYBODY),
    Case(
        "accounts.sign_in",
        "GET",
        "any time",
        lambda _: ("/sign-in", {}),
        allowed=frozenset({Who.ANONYMOUS}),
        others=dict.fromkeys(SIGNED_IN, 302),
    ),
    Case(
        "accounts.do_sign_in",
        "POST",
        "right password",
        lambda world: ("/sign-in", {"email": world.people[Who.LEAD].email, "password": PASSWORD}),
        allowed=EVERYBODY,
        status=303,
    ),
    Case(
        "accounts.sign_out",
        "POST",
        "any time",
        lambda _: ("/sign-out", {}),
        allowed=EVERYBODY,
        status=303,
        silent=True,
    ),
]
