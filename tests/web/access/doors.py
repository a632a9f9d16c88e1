"""All cases of all rooms, and a quick way in: for tests that go through every door."""

from __future__ import annotations

import importlib
import pkgutil

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

import tests.web.access as package
from marketplace.accounts import actions as accounts
from marketplace.accounts.session import TOKEN
from tests.web.access.world import Case

CASES: list[Case] = [
    case
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name)
    if module.name.startswith("cases_")
    for case in importlib.import_module(f"{package.__name__}.{module.name}").CASES
]


def signed_in(app: Flask, user_id: int) -> str:
    """Return the session cookie of a person who has just signed in."""
    with app.app_context():
        token = accounts.start(user_id, limits=accounts.Limits(5, 50, 12))
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    value = serializer.dumps({TOKEN: token, "_user_id": str(user_id), "_fresh": True, "_permanent": True})
    return value.decode() if isinstance(value, bytes) else value
