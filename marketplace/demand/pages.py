"""The page on which demand is found, as finished words and links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from flask import url_for

from marketplace import clock
from marketplace.demand import rules
from marketplace.demand.finder import Results, Shown
from marketplace.demand.queries import Shared, Thing
from marketplace.demand.rules import FACETS, Asked, Fact, Sort, State, What
from marketplace.demand.saving import Key
from marketplace.demand.wording import labels
from marketplace.matches.pages import FITS_BY_VALUE, Piece, Quote
from marketplace.needs.models import Cycle, Need
from marketplace.needs.pages.words import cycle_words, organisation_link, stand_tags
from marketplace.needs.rounds import Round, Standing, stand
from marketplace.web.pages import Link, Page, Tag
from marketplace.web.words import ago, count, day, listed

#: So many values of a filter are shown at once; what is chosen is always among them.
AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, with how many things somebody would see by choosing it."""

    id: str
    value: str
    text: str
    number: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One filter: values with results, then those without any. ``one`` is a filter of which one value is chosen."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    rest: tuple[Choice, ...]
    without: tuple[Choice, ...]
    chosen: int
    one: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the results."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was found, of whatever kind: what is needed to decide whether to open it."""

    title: Link
    by: Link
    where: str
    tags: tuple[Tag, ...]
    quote: tuple[Piece, ...]
    source: str
    summary: str
    facts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FindPage(Page):
    """Find demand: the search, its filters, and one page of results."""

    template = "demand/find.html"
    partial = "demand/_found.html"

    title: str = "What the NHS needs"
    cycle: str
    text: str
    counted: str
    notes: tuple[str, ...]
    facets: tuple[Facet, ...]
    orders: tuple[Order, ...]
    taken: tuple[Link, ...]
    items: tuple[Item, ...]
    nearest: bool
    narrowed: bool
    nothing_yet: bool
    none_lapsed: bool
    previous: str
    following: str
    where: str
    here: str
    feed: str
    save: str
    technologies: str

    @classmethod
    def build(
        cls,
        shown: Shown,
        things: Mapping[Key, Thing],
        quotes: Mapping[str, Quote],
        cycles: Sequence[Cycle],
    ) -> FindPage:
        """Build the page; ``cycles`` are all there are, the latest first."""
        today = clock.today()
        cycle = next((one for one in cycles if one.opens_on <= today), None)
        rounds = [one.round for one in cycles]
        found = shown.results
        asked = found.asked
        names = labels(shown.places)
        return cls(
            cycle=cycle_words(cycle, today),
            text=asked.searched,
            counted=counted(found),
            notes=found.notes,
            facets=tuple(
                facet(name, label, names[name], shown.counts[name], asked.wanted.get(name, ()))
                for name, label in FACETS.items()
            ),
            orders=orders(asked),
            taken=tuple(
                Link(names[name].get(value, value), address("demand.find", asked.without(name, value)))
                for name, values in asked.chosen.items()
                for value in values
            ),
            items=tuple(
                item(things[fact.key], fact, found.fit.get(fact.key, ""), quotes.get(fact.ref), rounds)
                for fact in shown.facts
                if fact.key in things
            ),
            nearest=found.nearest and bool(asked.text),
            narrowed=bool(asked.chosen),
            nothing_yet=shown.empty and not asked.chosen and not asked.text,
            none_lapsed=not asked.text
            and dict(asked.chosen) == {"state": (State.LAPSED.value,)}
            and not found.facts,
            previous=address("demand.find", asked.on(shown.number - 1)) if shown.number > 1 else "",
            following=address("demand.find", asked.on(shown.number + 1))
            if shown.number < shown.pages
            else "",
            where=f"Page {shown.number} of {shown.pages}" if shown.pages > 1 else "",
            here=url_for("demand.find"),
            feed=address("demand.feed", asked.on(1)),
            save=address("demand.save", asked.on(1)),
            technologies=url_for("technologies.register", q=asked.searched) if asked.text else "",
        )


def address(endpoint: str, asked: Asked) -> str:
    """Return the address of a page about what is asked for, always written the same way."""
    query = rules.query_string(asked)
    return url_for(endpoint) + (f"?{query}" if query else "")


def facet(
    name: str, label: str, words: Mapping[str, str], numbers: Counter[str], wanted: Sequence[str]
) -> Facet:
    """Return a filter with its values; those without any result are folded away, unless they are chosen."""
    every = [
        Choice(f"{name}-{value}", value, text, numbers[value], value in wanted)
        for value, text in words.items()
    ]
    useful = [choice for choice in every if choice.number or choice.chosen]
    one = name in rules.ONE_VALUE
    # A long list shows its largest values first; what is chosen stays in sight.
    long = not one and len(useful) > AT_ONCE
    first = (
        sorted(useful, key=lambda choice: (not choice.chosen, -choice.number))[:AT_ONCE] if long else useful
    )
    shown = {choice.value for choice in first}
    usual = name == "state" and tuple(wanted) == rules.USUAL_STATE
    return Facet(
        name,
        label,
        tuple(choice for choice in useful if choice.value in shown),
        tuple(choice for choice in useful if choice.value not in shown),
        () if one else tuple(choice for choice in every if not (choice.number or choice.chosen)),
        0 if usual else sum(choice.chosen for choice in every),
        one,
    )


def orders(asked: Asked) -> tuple[Order, ...]:
    """Return the orders that can be chosen: what fits best is known only where a text was typed.

    The usual one has no value, so that who types a text gets what fits best, unless another was chosen.
    """
    offered = [sort for sort in Sort if asked.text or sort is not Sort.FIT]
    return tuple(
        Order("" if sort is asked.usual else sort.value, sort.label, sort is asked.sort) for sort in offered
    )


def counted(found: Results) -> str:
    """Say how much was found."""
    asked, number = found.asked, len(found.facts)
    states = [state for state in asked.chosen.get("state", ()) if state != State.OPEN]
    noun = f"{states[0]} need" if len(asked.chosen.get("state", ())) == 1 and states else "need"
    narrowed = " with these filters" if set(asked.chosen) - ({"state"} if noun != "need" else set()) else ""
    if asked.text and (found.nearest or not number):
        return f"No {noun} fits “{asked.searched}” well{narrowed}"
    families = sum(fact.kind == What.FAMILY for fact in found.facts)
    parts = [count(number - families, noun)] if number > families or not families else []
    parts += [count(families, "family of needs", "families of needs")] if families else []
    return listed(parts) + (f" for “{asked.searched}”" if asked.text else "") + narrowed


def item(thing: Thing, fact: Fact, fit: str, quote: Quote | None, rounds: Sequence[Round]) -> Item:
    """Return one thing that was found, of whatever kind."""
    return (
        family_item(thing, fact, fit)
        if isinstance(thing, Shared)
        else need_item(thing, fact, fit, quote, rounds)
    )


def family_item(family: Shared, fact: Fact, fit: str) -> Item:
    """Return a family as one thing that was found."""
    here = url_for("families.family", ref=family.ref)
    tags = [FITS_BY_VALUE[fit]] if fit else []
    others = [title for title in family.titles if title != family.name]
    facts = [f"Changed {ago(family.changed_at, clock.today())}"]
    if fact.closes:
        facts.append(f"Open until at least {day(date.fromordinal(fact.closes))}")
    return Item(
        title=Link(family.name, here),
        by=Link(f"{count(fact.shared + 1, 'organisation shares', 'organisations share')} it", here),
        where=listed(family.regions),
        tags=(*tags, Tag("Family of needs", "purple")),
        quote=(),
        source="",
        summary=f"Also said as: {'; '.join(others)}" if others else "",
        facts=tuple(facts),
    )


def need_item(need: Need, fact: Fact, fit: str, quote: Quote | None, rounds: Sequence[Round]) -> Item:
    """Return a need as one thing that was found."""
    version, today = need.current, clock.today()
    if version is None:
        raise ValueError("only published needs are found")
    if need.withdrawn_at is not None:
        return withdrawn_item(need, version.title, need.withdrawn_at)
    where = stand(need.priority.cycle.round, rounds, today) if need.priority is not None else None
    updated = version.number > 1
    tags = [FITS_BY_VALUE[fit]] if fit else []
    tags += stand_tags(need, where)
    tags += [
        Tag(term.label, "white" if term is not version.shift else "grey")
        for term in (version.clinical_area, version.care_setting, version.shift)
        if term
    ]
    facts = [f"{'Updated' if updated else 'Published'} {ago(version.published_at, today)}"]
    if fact.closes:
        waits = where is not None and where.standing is Standing.TO_CONFIRM
        until = day(date.fromordinal(fact.closes))
        facts.append(f"Lapses after {until} unless confirmed" if waits else f"Cycle ends on {until}")
    facts.append(f"Start: {version.timing.label}" if version.timing else "")
    facts.append(version.funding_state.label if version.funding_state else "")
    if fact.shared:
        facts.append(f"Shared by {count(fact.shared, 'other organisation')}")
    region = need.organisation.region
    return Item(
        title=Link(version.title, url_for("needs.need", ref=need.ref)),
        by=organisation_link(need.organisation),
        where=region.name if region is not None else "",
        tags=tuple(tags),
        quote=quote.pieces if quote is not None else (),
        source=quote.source if quote is not None else "",
        summary=version.problem,
        facts=tuple(part for part in facts if part),
    )


def withdrawn_item(need: Need, title: str, at: datetime) -> Item:
    """Return a need that was withdrawn: why, and nothing of what it said, quotes and terms included."""
    region = need.organisation.region
    return Item(
        title=Link(title, url_for("needs.need", ref=need.ref)),
        by=organisation_link(need.organisation),
        where=region.name if region is not None else "",
        tags=(Tag("Withdrawn", "red"),),
        quote=(),
        source="",
        summary=need.withdrawn_reason,
        facts=(f"Withdrawn {ago(at, clock.today())}",),
    )


@dataclass(frozen=True, kw_only=True)
class WaitPage(Page):
    """Somebody has searched very often and waits for a moment."""

    template = "demand/wait.html"
    partial = "demand/_wait.html"

    title: str = "You have searched very often"
    seconds: str
    again: str

    @classmethod
    def build(cls, seconds: int, again: str) -> WaitPage:
        """Build the page; ``again`` is where to go on."""
        return cls(seconds=count(seconds, "second"), again=again)


def old_address(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the address that took the place of one from before, with all that it asks for."""
    query = urlencode([(name, value) for name, value in pairs if value])
    return url_for("demand.find") + (f"?{query}" if query else "")
