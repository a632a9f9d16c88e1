"""A real Chromium against the real service: one server for a test, one browser for the session."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright
from waitress.server import create_server
from waitress.wasyncore import close_all

from tests.browser_available import find

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here, and skip it, saying why, where there is no Chromium (in CI a skip is a failure)."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # For somebody who has no Chromium and runs pytest by hand. `make test` refuses to begin without one
            # (tests/browser_available.py), and CI counts each skip as a failure (tests/unit/test_no_skip.py).
            if find() is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Return one headless Chromium for all tests of this process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Serve the app on a free port of this machine; return its address."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    # The loop closes its own sockets: closed by this thread, they now and then vanish in the middle of its select.
    server.trigger.pull_trigger(partial(close_all, server._map))
    thread.join(timeout=5)
    assert not thread.is_alive()
    server.task_dispatcher.shutdown()


@cache
def axe() -> str:
    """Return axe's source, which is read once."""
    return AXE.read_text("utf-8")


class Visitor:
    """A person at a browser. Every page visited is checked by axe, and nothing may be logged as an error."""

    def __init__(self, context: BrowserContext, address: str, *, script: bool) -> None:
        self.address = address
        self.script = script
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        # A form page answered with 422 (or a page of 4xx) is one network line in the console: that one is right.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def open(self, path: str) -> Visitor:
        """Go to a page by address and check it."""
        self.page.goto(self.address + path)
        return self.check()

    def click(self, name: str, role: str = "button") -> Visitor:
        """Press a button or follow a link by its words, wait for the page, and check it."""
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type] # a literal elsewhere
        self.page.wait_for_load_state()
        return self.check()

    def follow(self, name: str) -> Visitor:
        """Follow a link by its words."""
        return self.click(name, "link")

    def fill(self, label: str, text: str) -> Visitor:
        """Type into a field by its label."""
        self.page.get_by_label(label, exact=False).first.fill(text)
        return self

    def choose(self, label: str) -> Visitor:
        """Tick a box or a radio by its label."""
        self.page.get_by_label(label, exact=True).first.check()
        return self

    def sees(self, text: str) -> Visitor:
        """Wait until the page shows the text."""
        self.page.get_by_text(text).first.wait_for()
        return self

    def check(self) -> Visitor:
        """Hold the page to WCAG 2.2 AA by axe, and to silence in the console."""
        assert self.errors == [], self.errors
        if self.script:
            # evaluate() runs in the page without its policy's leave; a script tag would need a nonce.
            self.page.evaluate(axe())
            found = self.page.evaluate(
                "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})"
                ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' | ')))",
                WCAG,
            )
            assert found == [], f"{self.page.url}: {found}"
        return self

    def fits(self) -> Visitor:
        """Hold the page to the width of the screen: nobody has to scroll sideways to read."""
        for _ in range(20):  # the menu folds a moment after the screen has changed
            too_wide = self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if too_wide <= 0:
                break
            self.page.wait_for_timeout(100)
        assert too_wide <= 0, f"{self.page.url} is {too_wide} pixels too wide"
        return self

    def picture(self, name: str) -> Visitor:
        """Keep a screenshot where DEMAND_SIGNAL_SCREENSHOTS names a folder."""
        if folder := os.environ.get("DEMAND_SIGNAL_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
        return self

    def sign_in(self, email: str, password: str) -> Visitor:
        """Sign in by the form."""
        self.open("/sign-in").fill("E-mail address", email)
        self.page.get_by_label("Password", exact=True).fill(password)
        return self.click("Sign in")


@pytest.fixture
def visitor(chromium: Chromium, address: str) -> Iterator[Callable[..., Visitor]]:
    """Return a maker of visitors: ``visitor()``, ``visitor(script=False)``, ``visitor(width=375)``."""
    contexts: list[BrowserContext] = []

    def make(*, script: bool = True, width: int = 1280) -> Visitor:
        context = chromium.new_context(
            java_script_enabled=script, viewport={"width": width, "height": 900}, reduced_motion="reduce"
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        return Visitor(context, address, script=script)

    yield make
    for context in contexts:
        context.close()
