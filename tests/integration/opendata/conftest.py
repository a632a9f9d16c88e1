"""Open data is asked over HTTP, so each request has a session of its own, and so has the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from benchmarks.mirror import Fetch


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """Return a session of the test's own, outside any application context."""
    with Session(app.extensions["engine"]) as own:
        yield own


@pytest.fixture
def ask(app: Flask) -> Fetch:
    """Return what a client asks with: the service itself, without a network."""
    client = app.test_client(use_cookies=False)

    def run(address: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        split = urlsplit(address)
        response = client.get(
            f"{split.path}?{split.query}" if split.query else split.path, headers=dict(headers)
        )
        return response.status_code, response.headers, response.data

    return run


@pytest.fixture
def get(ask: Fetch) -> Callable[[str], bytes]:
    """Return the body of an address that has to answer."""

    def run(address: str) -> bytes:
        status, _, body = ask(address, {})
        assert status == 200, body
        return body

    return run
