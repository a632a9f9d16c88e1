"""Find demand: words and meaning together, exact phrases, filters with counts, and order.

What can be filtered is small, so a few queries read it whole and the rest is plain Python; only what a page shows
is loaded. The number of queries does not grow with the data. The index proposes, the database decides: only what it
holds now is counted and shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from marketplace.access.actor import Actor
from marketplace.demand import queries, rules, texts
from marketplace.demand.queries import FAMILY, NEED, Places
from marketplace.demand.rules import Asked, Fact
from marketplace.demand.saving import Key
from marketplace.demand.wording import labels
from marketplace.web.forms import clean_line
from marketplace.web.paging import PER_PAGE
from marketplace.web.search import search_needs
from marketplace.web.words import UNKNOWN_FILTER, searched_for_first

#: The most that a text finds by its meaning: further ones fit ever less.
FOUND_MOST = 300
#: How many of the closest are shown when none fits well.
NEAREST = 5

ONLY_WORDS = (
    "Search compares words only just now, because our matching model is not available. "
    "Try other words for the same thing."
)
MANY_FIT = f"More than {FOUND_MOST} needs fit. The {FOUND_MOST} that fit best are shown and counted."
BY_WORDS = (
    "What has lapsed or was withdrawn is not matched any more, so this search looks for all of your words: in the "
    "texts of what has lapsed, and in the title and the reason of what was withdrawn."
)


@dataclass(frozen=True)
class World:
    """All that is public now, read once for as many searches as wanted."""

    actor: Actor
    facts: Sequence[Fact]
    places: Places
    #: The refs of each family's needs, by its own.
    families: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, actor: Actor) -> World:
        """Read it."""
        found = queries.everything(actor)
        return cls(actor, found.facts, found.places, found.families)

    def with_families(self, keys: Collection[Key]) -> set[Key]:
        """Return these things, and the families of which a need is among them."""
        found = set(keys)
        for ref, members in self.families.items():
            if any((NEED, member) in found for member in members):
                found.add((FAMILY, ref))
        return found


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that an address finds, in order; ``pool`` is what its filters' counts are made of.

    ``nearest`` says that nothing fits well, and that these are the closest. ``fit`` tells how well each fits.
    """

    asked: Asked
    facts: tuple[Fact, ...]
    pool: tuple[Fact, ...]
    fit: Mapping[Key, str]
    notes: tuple[str, ...]
    nearest: bool = False
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of results, with the counts of the filters."""

    results: Results
    counts: Mapping[str, Counter[str]]
    places: Places
    families: Mapping[str, Sequence[str]]
    facts: tuple[Fact, ...]
    number: int
    pages: int
    empty: bool

    @property
    def total(self) -> int:
        """Return how many were found on all pages."""
        return len(self.results.facts)


def read(pairs: Iterable[tuple[str, str]]) -> Asked:
    """Return what an address asks for."""
    return rules.read((name, clean_line(value)) for name, value in pairs)


def led_on(asked: Asked) -> Asked:
    """Return it with the organisations of today in place of those that they followed, as far as filters have room."""
    codes = {code for name in rules.NAMING for code in asked.chosen.get(name, ())}
    now = queries.codes_now(codes) if codes else {}
    if not now:
        return asked
    chosen = dict(asked.chosen)
    for name in rules.NAMING & chosen.keys():
        found = tuple(dict.fromkeys(code for old in chosen[name] for code in now.get(old, (old,))))
        if len(found) == 1 or name not in rules.ONE_VALUE:
            chosen[name] = found
    return replace(asked, chosen=chosen)


def shown(actor: Actor, asked: Asked) -> Shown:
    """Return the page of results that an address asks for."""
    world = World.read(actor)
    found = results(world, asked)
    last = max(1, -(-len(found.facts) // PER_PAGE))
    number = min(asked.page, last)
    return Shown(
        results=found,
        counts=rules.counts(found.pool, found.asked.wanted),
        places=world.places,
        families=world.families,
        facts=found.facts[(number - 1) * PER_PAGE : number * PER_PAGE],
        number=number,
        pages=last,
        empty=not any(fact.open for fact in world.facts),
    )


def results(world: World, asked: Asked) -> Results:
    """Return everything that an address finds."""
    notes = []
    if asked.cut:
        notes.append(searched_for_first(rules.TEXT_LIMIT))
    names = labels(world.places)
    chosen = {
        name: tuple(value for value in values if value in names[name])
        for name, values in asked.chosen.items()
    }
    known = replace(asked, chosen={name: values for name, values in chosen.items() if values})
    if dict(known.chosen) != dict(asked.chosen) or not asked.known_order:
        notes.append(UNKNOWN_FILTER)
    if not asked.text:
        found = rules.in_order(rules.passing(world.facts, known.wanted), known.sort, {})
        return Results(known, tuple(found), tuple(world.facts), {}, tuple(notes))
    return _searched(world, known, notes)


def _searched(world: World, asked: Asked, notes: list[str]) -> Results:
    """Return what fits a text; where nothing does, the closest."""
    typed, exact = asked.searched, rules.phrases(asked.searched)
    ranked = search_needs(rules.unquoted(typed), FOUND_MOST)
    places = {(NEED, ref): place for place, ref in enumerate(ranked.refs)}
    fitting: Collection[Key] = {(NEED, ref) for ref in ranked.fits}
    closest: Collection[Key] = places.keys()
    if exact:
        saying = texts.saying(world.actor, exact)
        # Who types a phrase alone wants what says it, however well the rest of it fits.
        fitting = saying & set(fitting) if rules.beside(typed) else saying
        closest = saying
    fitting, closest = world.with_families(fitting), world.with_families(closest)
    strengths = {(NEED, ref): strength for ref, strength in ranked.strengths.items()}
    for ref, members in world.families.items():
        # A family is found by the need of it that fits best.
        best = min(((NEED, one) for one in members), key=lambda key: places.get(key, len(places)))
        if best in places:
            places[FAMILY, ref], strengths[FAMILY, ref] = places[best], strengths.get(best, "")
    # The matcher holds open needs alone, so what has lapsed or was withdrawn is found by its words.
    gone = (fact.ref for fact in world.facts if not fact.open and fact.kind == NEED)
    closed = texts.with_words(world.actor, rules.words(typed), gone)
    if exact:
        closed &= saying
    pool = [fact for fact in world.facts if fact.key in (fitting if fact.open else closed)]
    found = rules.passing(pool, asked.wanted)
    if ranked.degraded:
        notes.append(ONLY_WORDS)
    elif len(ranked.fits) >= FOUND_MOST:
        notes.append(MANY_FIT)
    if asked.wanted["state"] != rules.USUAL_STATE:
        notes.append(BY_WORDS)
    fit = {fact.key: strengths.get(fact.key, "") for fact in found}
    nearest = not found
    if nearest:
        near = [fact for fact in world.facts if fact.open and fact.key in closest]
        found = rules.in_order(rules.passing(near, asked.wanted), rules.Sort.FIT, places)[:NEAREST]
    else:
        found = rules.in_order(found, asked.sort, places)
    return Results(asked, tuple(found), tuple(pool), fit, tuple(notes), nearest, ranked.degraded)
