"""How often one visitor may ask for something that costs much: counted in this process, nothing is written.

A page that is read must not write, and what is protected is this process's own processor: so each process counts for
itself, and several let through as many times more. Attempts to guess a password are counted in the database instead
(`marketplace.accounts.actions.take_a_turn`).
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from datetime import datetime

from marketplace import clock

#: Visitors that are remembered, the latest ones.
REMEMBERED = 10_000


class TooOften(Exception):
    """A visitor has to wait for some seconds. Answered with 429."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Turns:
    """A bucket of turns for each visitor: full at first, and filled again evenly, ``each_minute``."""

    def __init__(self, each_minute: int) -> None:
        self.each_minute = each_minute
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str) -> None:
        """Take one turn, or raise `TooOften` with the seconds until the next."""
        now = clock.now()
        with self._lock:
            left, since = self._left.pop(visitor, (float(self.each_minute), now))
            passed = max(0.0, (now - since).total_seconds())
            left = min(float(self.each_minute), left + passed * self.each_minute / 60)
            self._left[visitor] = (left - 1 if left >= 1 else left, now)
            while len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            raise TooOften(max(1, round((1 - left) * 60 / self.each_minute)))


def subscriber(address: str) -> str:
    """Return what one subscriber is counted by: an IPv4 address, or the network of 64 bits of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
