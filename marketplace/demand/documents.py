"""What is found as an Atom feed: the same search, for programs that look again and again."""

from __future__ import annotations

from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.demand import finder, queries, rules
from marketplace.demand.finder import World
from marketplace.demand.queries import FAMILY, NEED, Shared, Thing
from marketplace.demand.rules import Asked, Sort
from marketplace.demand.wording import described
from marketplace.web.feeds import ENTRIES, Entry, Feed, tag_uri
from marketplace.web.links import public_link
from marketplace.web.words import day, listed


def public_address(endpoint: str, asked: Asked) -> str:
    """Return the whole address of a page about what is asked for."""
    query = rules.query_string(asked.on(1))
    return public_link(endpoint) + (f"?{query}" if query else "")


def feed_of(_actor: Actor, asked: Asked) -> Feed:
    """Return what fits a search as a feed, the newest versions first.

    Whoever asks gets the same feed: readers are not signed in, and shared caches may keep it. What does not fit well
    is left out, as nobody wants to be called for it.
    """
    world = World.read(ANONYMOUS)
    found = finder.results(world, asked)
    facts = [] if found.nearest else rules.in_order(found.facts, Sort.NEWEST, {})[:ENTRIES]
    things = queries.things(ANONYMOUS, [fact.key for fact in facts], world.families)
    usual = rules.query_string(asked.on(1))
    return Feed(
        id=tag_uri("demand", usual) if usual else tag_uri("demand"),
        title=f"Demand Signal: {described(found.asked, world.places)}",
        subtitle="Needs of NHS organisations in England, as this search finds them",
        self_href=public_address("demand.feed", asked),
        href=public_address("demand.find", asked),
        entries=[entry(things[fact.key]) for fact in facts if fact.key in things],
    )


def entry(thing: Thing) -> Entry:
    """Return one thing as an entry; its id is its own, whichever search it was found by."""
    if isinstance(thing, Shared):
        return Entry(
            id=tag_uri(FAMILY, thing.ref),
            title=thing.name,
            href=public_link("families.family", ref=thing.ref),
            updated=thing.changed_at,
            author=listed(thing.organisations),
            summary="; ".join(thing.titles),
        )
    need, version = thing, thing.current
    if version is None:
        raise ValueError("only published needs are found")
    if need.withdrawn_at is not None:
        # What it said was withdrawn with it, as on its page.
        return Entry(
            id=tag_uri(NEED, need.ref),
            title=f"Withdrawn: {version.title}",
            href=public_link("needs.need", ref=need.ref),
            updated=need.withdrawn_at,
            published=need.published_at,
            author=need.organisation.name,
            summary=f"Withdrawn on {day(need.withdrawn_at)}. {need.withdrawn_reason}",
        )
    terms = (version.clinical_area, version.care_setting, version.shift)
    changed = f"Changed: {version.change_note} " if version.change_note else ""
    return Entry(
        id=tag_uri(NEED, need.ref),
        title=version.title,
        href=public_link("needs.need", ref=need.ref),
        updated=version.published_at,
        published=need.published_at,
        author=need.organisation.name,
        summary=changed + version.problem,
        categories=[(term.value, term.label) for term in terms if term],
    )
