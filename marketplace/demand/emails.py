"""The digests of saved searches: what is new is told once, at most once in a period, and never an empty e-mail."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from urllib.parse import parse_qsl

from marketplace import clock
from marketplace.access.actor import ANONYMOUS
from marketplace.database import db, transaction
from marketplace.demand import actions, finder, letters, queries, saving
from marketplace.demand.documents import public_address
from marketplace.demand.finder import Results, World
from marketplace.demand.models import SavedSearch
from marketplace.demand.queries import NEED, Shared, Thing
from marketplace.demand.rules import Asked, Fact
from marketplace.demand.saving import Key, News
from marketplace.demand.wording import described
from marketplace.web.links import public_link
from marketplace.web.words import listed

#: So many searches are looked up in what was read of the database once; then it is read anew.
CHUNK = 20


def digests() -> Iterator[None]:
    """Send what is due, one search at a step, so that other work goes on between; nothing is read when nothing is.

    A worker that dies in the middle has done what it has committed, and the next one does the rest.
    """
    waiting = iter(queries.due(db.session, clock.now()))
    db.session.rollback()
    while some := list(islice(waiting, CHUNK)):
        world = World.read(ANONYMOUS)
        db.session.rollback()
        for id_, period in some:
            digest(world, id_, period)
            yield


def digest(world: World, id_: int, period: date) -> bool:
    """Look for what is new for one search, and tell it if there is anything; return whether an e-mail was written.

    While meaning cannot be compared, a search in one's own words waits: it would miss what fits, and find what does
    not.
    """
    search = db.session.get(SavedSearch, id_)
    if search is None:
        return False
    asked = asked_by(search)
    found = finder.results(world, asked)
    there = fitting(found)
    db.session.rollback()
    if found.degraded:
        return False
    with transaction() as session:
        taken = actions.take_period(session, id_, period)
        if taken is None:
            return False
        fresh = news(there, queries.ledger(session, id_))
        shown = still_so(fresh, {fact.key: fact for fact in found.facts}, world.families)
        if not shown:
            return False
        letter = letters.digest(
            name=taken.name,
            looks_for=described(asked, world.places),
            told=[told(thing, one) for one, thing in shown],
            page=public_address("demand.find", asked),
            manage=manage_link(taken),
            stop=actions.stop_link(taken.ref),
        )
        actions.tell(session, taken, [one for one, _ in shown], letter)
    return True


def asked_by(search: SavedSearch) -> Asked:
    """Return what a saved search asks for."""
    return asked_of(search.query)


def asked_of(query: str) -> Asked:
    """Return what the part of an address after the question mark asks for."""
    return finder.read(parse_qsl(query))


def fitting(found: Results) -> dict[Key, int]:
    """Return what a search finds that fits well, with its versions, in order."""
    return {} if found.nearest else {fact.key: fact.version for fact in found.facts}


def there_now(world: World, asked: Asked) -> dict[Key, int]:
    """Return what a search finds when it is saved, none of which is news later.

    While meaning cannot be compared nobody knows what that is, so all that is open counts.
    """
    found = finder.results(world, asked)
    if found.degraded:
        return {fact.key: fact.version for fact in world.facts if fact.open}
    return fitting(found)


def news(there: Mapping[Key, int], told: Mapping[Key, int]) -> list[News]:
    """Return what is new, or says something else than when it was told."""
    newer = [(key, told[key], now) for key, now in there.items() if key in told and now > told[key]]
    wanted = {(ref, number) for (kind, ref), *numbers in newer if kind == NEED for number in numbers}
    texts = queries.versions(ANONYMOUS, wanted) if wanted else {}

    def is_material(key: Key, before: int, after: int) -> bool:
        old, new = texts.get((key[1], before)), texts.get((key[1], after))
        return old is not None and new is not None and saving.material(old, new)

    return saving.news(there, told, is_material)


def still_so(
    fresh: Sequence[News], facts: Mapping[Key, Fact], families: Mapping[str, Sequence[str]]
) -> list[tuple[News, Thing]]:
    """Return the news with what it is about, less what has changed since it was found: the next digest tells that."""
    things = queries.things(ANONYMOUS, [one.key for one in fresh], families)
    return [
        (one, thing)
        for one in fresh
        if (thing := things.get(one.key)) is not None
        and (
            isinstance(thing, Shared)
            or (thing.version == one.version and (thing.withdrawn_at is None or not facts[one.key].open))
        )
    ]


def told(thing: Thing, one: News) -> letters.Told:
    """Return one thing as a digest tells it."""
    if isinstance(thing, Shared):
        return letters.Told(
            title=thing.name,
            by=f"A family of needs, shared by {listed(thing.organisations)}",
            facts=listed(thing.regions),
            href=public_link("families.family", ref=thing.ref),
        )
    need, version = thing, thing.current
    if version is None:
        raise ValueError("only published needs are found")
    region = need.organisation.region
    if need.withdrawn_at is not None:
        return letters.Told(
            title=f"Withdrawn: {version.title}",
            by=need.organisation.name + (f", {region.name}" if region is not None else ""),
            facts=f"Reason: {need.withdrawn_reason}",
            href=public_link("needs.need", ref=need.ref),
            changed="it was withdrawn" if one.changed else "",
        )
    terms = (version.clinical_area, version.care_setting, version.timing, version.funding_state)
    return letters.Told(
        title=version.title,
        by=need.organisation.name + (f", {region.name}" if region is not None else ""),
        facts=", ".join(term.label for term in terms if term),
        href=public_link("needs.need", ref=need.ref),
        changed=(version.change_note or "its text") if one.changed else "",
    )


def manage_link(search: SavedSearch) -> str:
    """Return where the owner of a search changes it: by signing in, or by the address alone."""
    if search.user_id is not None:
        return public_link("demand.saved_one", ref=search.ref)
    return public_link("demand.by_mail", token=actions.token(actions.MANAGE, search.ref))


def fresh_for(world: World, searches: Collection[SavedSearch]) -> dict[int, list[News]]:
    """Return what each search would tell now, by its id: for pages, with as many queries for many as for few."""
    told_by = queries.ledgers(db.session, [search.id for search in searches])
    return {
        search.id: news(fitting(finder.results(world, asked_by(search))), told_by[search.id])
        for search in searches
    }
