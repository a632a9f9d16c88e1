"""Serve an application on a free port of this machine, and fetch from it as a browser with one connection does."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from waitress.server import create_server


@contextmanager
def served(app: Flask) -> Iterator[int]:
    """Serve until the block ends; yield the port."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.task_dispatcher.shutdown(
            cancel_pending=True, timeout=5
        )  # before the socket that it wakes is closed
        server.close()
        thread.join(timeout=5)


class Client:
    """One connection that stays open, with a cookie."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": cookie} if cookie else {}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Fetch a page; raises unless it is answered with 200."""
        self._connection.request("GET", path, headers={**self._headers, **(headers or {})})
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} was answered with {response.status}")
        return body


def medians(
    works: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Return the median time of each piece of work in milliseconds, taken in turns so that noise hits all alike.

    With ``time.process_time`` it is the time that processors worked, which hardly changes when others use them too.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():  # once outside the clock: caches and lazy imports
        work()
    for _ in range(rounds):
        for name, work in works.items():
            started = clock()
            work()
            times[name].append((clock() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}
