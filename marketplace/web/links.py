"""Addresses for e-mails and the command line."""

from __future__ import annotations

from flask import current_app

from marketplace.settings import Settings


def path_of(endpoint: str, **values: str | int) -> str:
    """Return the path of a page, also outside of a request."""
    return current_app.url_map.bind("").build(endpoint, values)


def public_link(endpoint: str, **values: str | int) -> str:
    """Return the whole address of a page, from the setting alone: never from the request's Host header."""
    settings: Settings = current_app.extensions["settings"]
    return settings.public_url.rstrip("/") + path_of(endpoint, **values)
