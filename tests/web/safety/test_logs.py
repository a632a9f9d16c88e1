"""The log holds what operators need and nothing that people typed."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest
from flask import Flask

from marketplace import logs
from tests.conftest import Browser

CANARY = "canary7f3"
EMAIL = f"{CANARY}@birds.example"


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_no_line_of_the_log_holds_what_somebody_typed(
    app: Flask, browser: Browser, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    def fail() -> NoReturn:
        raise RuntimeError(CANARY)

    app.view_functions["about.service"] = fail
    logs.configure(level)
    try:
        browser.get("/sign-in")
        wrong = browser.post("/sign-in", {"email": EMAIL, "password": f"{CANARY}-password"})
        searched = browser.get(f"/technologies?q={CANARY}")
        board = browser.get(f"/demand?q={CANARY}&area={CANARY}")
        missing = browser.get(f"/{CANARY}/{EMAIL}?q={CANARY}")
        failed = browser.get(f"/about?q={CANARY}")
    finally:
        logs.configure("ERROR")
    told = [wrong.status_code, searched.status_code, board.status_code]
    assert told == [422, 200, 200]
    assert (missing.status_code, failed.status_code) == (404, 500)
    written = capsys.readouterr()
    lines = written.err.splitlines()
    events = [json.loads(line) for line in lines]
    assert sum(event["event"] == "request" for event in events) >= 6
    errors = [event for event in events if event["event"] == "unexpected_error"]
    assert [event["error"] for event in errors] == ["RuntimeError"]
    for line in [*lines, *written.out.splitlines()]:
        assert CANARY not in line
        assert "@" not in line
        assert "?" not in line
        assert "q=" not in line
