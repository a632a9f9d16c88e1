"""Decisions about finding demand: what an address asks for, what is counted, and in which order it is shown.

Pure functions over plain values. A thing that is found is a `Fact`, whatever it is: a need, or what joins needs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple
from urllib.parse import urlencode

from marketplace.vocabulary import Term, Timing

#: Longest text that is searched for, in characters; the rest is cut, and the page says so.
TEXT_LIMIT = 500
#: Longest value of a filter that is read, and most values of one filter.
VALUE_LIMIT, VALUES_MOST = 60, 60
#: The largest page number that is read; what lies behind the last page is the last page.
PAGE_MOST = 100_000


class State(Term):
    """Where something that was published stands now."""

    OPEN = "open", "Open now"
    LAPSED = "lapsed", "Lapsed, confirmed by nobody"
    WITHDRAWN = "withdrawn", "Withdrawn"


class What(Term):
    """What can be found."""

    NEED = "need", "Needs of one organisation"
    FAMILY = "family", "Families of needs that several share"


class Sort(Term):
    """The order of what is found."""

    FIT = "fit", "Best fit first"
    NEWEST = "newest", "Newest first"
    CLOSING = "closing", "Closing soonest first"
    SHARED = "shared", "Most shared first"
    RANK = "rank", "Highest priority first"


#: Orders and filters as addresses of before name them.
_RENAMED = {"best": Sort.FIT}
_NAMES_BEFORE = {"show": "state"}

#: The filters, in the order of page and address: name in the address, and label.
FACETS: Mapping[str, str] = {
    "state": "State",
    "region": "Region",
    "type": "Kind of organisation",
    "ics": "Integrated care system",
    "organisation": "Organisation",
    "area": "Clinical area",
    "setting": "Care setting",
    "shift": "10 Year Health Plan shift",
    "timing": "When they want to start",
    "funding": "Funding",
    "evidence": "Evidence asked for",
    "kind": "Single needs and families",
}
_PLACES = {name: at for at, name in enumerate(FACETS)}
#: Filters with so many values that a person chooses one from a list.
ONE_VALUE = frozenset({"organisation"})
#: Filters whose values are codes of organisations.
NAMING = frozenset({"ics", "organisation"})
#: What is searched where nobody chose a state.
USUAL_STATE = (State.OPEN.value,)
TIMINGS = tuple(timing.value for timing in Timing)


class Fact(NamedTuple):
    """What is filtered, counted and sorted by; small, because thousands are made for one page.

    ``age`` counts how many are newer. ``closes`` is the day on which it closes as an ordinal number, 0 for what has
    closed or has no day. ``shared`` counts other organisations that have it too. ``values`` are in the order of
    `FACETS`; a filter may have several values of one thing.
    """

    kind: str
    ref: str
    version: int
    rank: int
    age: int
    closes: int
    shared: int
    by: str
    values: tuple[tuple[str, ...], ...]

    @property
    def open(self) -> bool:
        """Tell whether it is open now."""
        return self.values[0] == USUAL_STATE

    @property
    def key(self) -> tuple[str, str]:
        """Return what names it among things of all kinds."""
        return self.kind, self.ref


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for. ``chosen`` maps names of `FACETS` to wanted values, any of which will do.

    ``order`` is the order as it was asked for, empty for the usual one; one that is not known stays, and is told.
    """

    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: str = ""
    page: int = 1

    @property
    def cut(self) -> bool:
        """Tell whether the text is longer than what is searched for."""
        return len(self.text) > TEXT_LIMIT

    @property
    def searched(self) -> str:
        """Return the text that is searched for."""
        return self.text[:TEXT_LIMIT].rstrip()

    @property
    def usual(self) -> Sort:
        """Return the order where none is chosen; what fits best is known only where a text was typed."""
        return Sort.FIT if self.text else Sort.NEWEST

    @property
    def sort(self) -> Sort:
        """Return the order."""
        sort = Sort(self.order) if self.order in set(Sort) else self.usual
        return self.usual if sort is Sort.FIT else sort

    @property
    def known_order(self) -> bool:
        """Tell whether the order is one that there is."""
        return self.order in {"", *Sort}

    @property
    def wanted(self) -> dict[str, tuple[str, ...]]:
        """Return the filters with the state that is meant where none is chosen."""
        return {"state": USUAL_STATE, **self.chosen}

    def on(self, page: int) -> Asked:
        """Return the same on another page."""
        return replace(self, page=page)

    def without(self, name: str, value: str) -> Asked:
        """Return the same without one value of a filter, on the first page."""
        left = tuple(one for one in self.chosen.get(name, ()) if one != value)
        others = {key: values for key, values in self.chosen.items() if key != name}
        return replace(self, chosen=_ordered(others | ({name: left} if left else {})), page=1)


def read(pairs: Iterable[tuple[str, str]]) -> Asked:
    """Return what the names and values of an address ask for; ``q`` has been cleaned by the caller.

    Names that are not known and empty values are left out; values that are not known stay, so that it can be told.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(_NAMES_BEFORE.get(name, name), []).append(value.strip())
    chosen = {
        name: tuple(sorted({value[:VALUE_LIMIT] for value in given[name] if value}))[:VALUES_MOST]
        for name in FACETS
        if name in given
    }
    chosen = {name: values[:1] if name in ONE_VALUE else values for name, values in chosen.items() if values}
    if chosen.get("state") == USUAL_STATE:
        del chosen["state"]
    text = given.get("q", [""])[0]
    order = given.get("sort", [""])[0][:VALUE_LIMIT]
    order = _RENAMED.get(order, order)
    if order == (Sort.FIT if text else Sort.NEWEST) or (order == Sort.FIT and not text):
        order = ""
    number = given.get("page", [""])[0]
    page = int(number) if re.fullmatch(r"[1-9][0-9]{0,8}", number) else 1
    return Asked(text, _ordered(chosen), str(order), min(page, PAGE_MOST))


def _ordered(chosen: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: chosen[name] for name in FACETS if name in chosen}


def query_string(asked: Asked) -> str:
    """Return the address's part after the question mark: the same search always has the same one."""
    pairs = [("q", asked.text)] if asked.text else []
    pairs += [(name, value) for name, values in asked.chosen.items() for value in values]
    pairs += [("sort", asked.order)] if asked.order else []
    pairs += [("page", str(asked.page))] if asked.page > 1 else []
    return urlencode(pairs)


# What was typed

#: Straight and typographic quotation marks, in pairs that belong together.
_QUOTED = re.compile(r"\"([^\"]*)\"|“([^”“]*)”|„([^“”]*)[“”]|«([^»]*)»")
_WORD = re.compile(r"\w+")
#: Words that say nothing of what is looked for.
_SMALL = frozenset(
    _WORD.findall(
        "a about an and any are as at be by can do for from have how i in into is it its more need needs of on or "
        "our over than that the their them they this to up us want wants we what when where which who why will with"
    )
)


def phrases(text: str) -> tuple[str, ...]:
    """Return what stands between quotation marks, each once: these words are to be found exactly so."""
    found = (next(filter(None, one.groups()), "") for one in _QUOTED.finditer(text))
    return tuple(dict.fromkeys(" ".join(one.split()) for one in found if _WORD.search(one)))


def unquoted(text: str) -> str:
    """Return the text without quotation marks."""
    return " ".join(re.sub(r"[\"“”„«»]", " ", text).split())


def beside(text: str) -> str:
    """Return what stands outside quotation marks."""
    return unquoted(_QUOTED.sub(" ", text))


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text that say something, each once, in small letters and without a plural's end."""
    found = [word.casefold() for word in _WORD.findall(text)]
    kept = [word for word in found if word not in _SMALL and len(word) > 1] or found
    return tuple(dict.fromkeys(word[:-1] if re.fullmatch(r"[a-z]{3,}[^s]s", word) else word for word in kept))


def words_of(text: str) -> list[str]:
    """Return every word of a text."""
    return _WORD.findall(text)


def says(text: str, phrase: str) -> bool:
    """Tell whether a text has these words in this order, whatever stands between them but no other word."""
    wanted = r"[\W_]+".join(re.escape(word) for word in _WORD.findall(phrase))
    return re.search(rf"(?<!\w){wanted}(?!\w)", text, re.IGNORECASE) is not None


# What is found


def passing(facts: Iterable[Fact], wanted: Mapping[str, Collection[str]]) -> list[Fact]:
    """Return the facts that have one of the wanted values of every filter."""
    found = list(facts)
    for name, values in wanted.items():
        at, any_of = _PLACES[name], frozenset(values)
        found = [fact for fact in found if not any_of.isdisjoint(fact.values[at])]
    return found


def counts(facts: Sequence[Fact], wanted: Mapping[str, Collection[str]]) -> dict[str, Counter[str]]:
    """Count, for each filter and value, what somebody would see by choosing it beside the other filters."""
    shown = passing(facts, wanted)
    found = {}
    for name, at in _PLACES.items():
        others = {key: values for key, values in wanted.items() if key != name}
        rows = passing(facts, others) if name in wanted else shown
        found[name] = Counter(chain.from_iterable(fact.values[at] for fact in rows))
    return found


def in_order(facts: Iterable[Fact], sort: Sort, places: Mapping[tuple[str, str], int]) -> list[Fact]:
    """Return the facts in order; ``places`` are those of the search, for what fits best. The newest break ties."""
    found = sorted(facts, key=lambda fact: (fact.age, fact.kind, fact.ref))
    if sort is Sort.FIT:
        found.sort(key=lambda fact: places.get(fact.key, len(places)))
    elif sort is Sort.CLOSING:
        soon = _PLACES["timing"]
        found.sort(key=lambda fact: (not fact.closes, fact.closes, _start(fact.values[soon])))
    elif sort is Sort.SHARED:
        found.sort(key=lambda fact: -fact.shared)
    elif sort is Sort.RANK:
        found.sort(key=lambda fact: (fact.rank, fact.by))
    return found


def _start(timing: Sequence[str]) -> int:
    """Return how soon something is to start, the soonest first."""
    return min((TIMINGS.index(value) for value in timing if value in TIMINGS), default=len(TIMINGS))
