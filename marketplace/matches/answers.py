"""What matchers answered, kept in this process for as long as they take in nothing new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from matching.types import Results

#: So many answers are kept, the last ones: each has the reasons of its candidates with it.
ANSWERS_MOST = 128


class Answers:
    """What matchers answered, kept for as long as they take in nothing new.

    A person looks at the candidates of one need again and again, in other orders and on other pages.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = 0
        self._kept: OrderedDict[Hashable, Results] = OrderedDict()

    def of(self, seen: int, key: Hashable, ask: Callable[[], Results]) -> Results:
        """Return the answer to what ``key`` names, asked for anew unless it was given at this state of the index.

        One that was found by words alone is not kept: the model may be back with the next.
        """
        with self._lock:
            if seen != self._seen:
                self._kept.clear()
                self._seen = seen
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        found = ask()
        with self._lock:
            if not found.degraded and seen == self._seen:
                self._kept[key] = found
                if len(self._kept) > ANSWERS_MOST:
                    self._kept.popitem(last=False)
        return found
