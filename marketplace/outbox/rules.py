"""How often and how long work is tried again, by topic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: The topic of e-mails that wait to be sent; mail servers are away for hours, and their mail is worth waiting for.
EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Patience:
    """How many tries a row gets, and the longest pause between two of them."""

    tries: int
    longest: timedelta

    def pause(self, attempts: int) -> timedelta:
        """Return the pause after so many tries: 2, 8, 32, 128 s and so on, up to the longest."""
        return min(timedelta(seconds=2 * 4 ** (attempts - 1)), self.longest)


_USUAL = Patience(tries=5, longest=timedelta(minutes=5))
_OWN = {EMAIL: Patience(tries=19, longest=timedelta(hours=2))}  # about a day in all


def patience(topic: str) -> Patience:
    """Return how patient the service is with rows of a topic."""
    return _OWN.get(topic, _USUAL)
