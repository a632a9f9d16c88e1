"""How many requests one address may make: counted in memory, for each process by itself.

Reading open data writes nothing, so the counts are not in the database like those of sign-in. Several processes
count each for itself; docs/decisions says how to set one limit for all. The memory is bounded whatever is asked:
addresses that have not asked for longest are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from marketplace import clock
from marketplace.web.limits import subscriber

WINDOW = timedelta(minutes=1)
#: Addresses that are remembered; some 200 bytes each.
ADDRESSES_MOST = 20_000
#: A whole CSV file counts like so many requests: it can hold thousands of records.
WHOLE_FILE = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an address stands: whether it may go on, its limit, what is left of it, and seconds until it is whole."""

    allowed: bool
    limit: int
    left: int
    seconds: int


class Limiter:
    """Counts requests in windows of a minute that begin with an address's first request."""

    def __init__(self, per_minute: int, most: int = ADDRESSES_MOST) -> None:
        self.per_minute = per_minute
        self._most = most
        self._windows: OrderedDict[str, tuple[datetime, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._windows)

    def count(self, address: str, cost: int = 1) -> Standing:
        """Count a request of an address and say where it stands. A refused request costs nothing more."""
        now, key = clock.now(), subscriber(address)
        with self._lock:
            began, used = self._windows.pop(key, (now, 0))
            if not timedelta() <= now - began < WINDOW:
                began, used = now, 0
            allowed = used + cost <= self.per_minute or used == 0
            used = min(used + cost, self.per_minute) if allowed else used
            self._windows[key] = began, used
            while len(self._windows) > self._most:
                self._windows.popitem(last=False)
        seconds = -(-(began + WINDOW - now) // timedelta(seconds=1))
        return Standing(allowed, self.per_minute, self.per_minute - used, seconds)
