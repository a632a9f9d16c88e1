"""Find needs on the public board: filters, search and order.

What can be filtered is small (three needs for each organisation), so one query reads it whole and the rest is plain
Python; only the needs of the page shown are loaded. The number of queries does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from marketplace.access.actor import Actor
from marketplace.needs import queries, rules
from marketplace.needs.models import Cycle, Need
from marketplace.needs.rounds import Round
from marketplace.needs.rules import FACETS, Fact, Filters, Sort
from marketplace.web.forms import clean_line
from marketplace.web.search import like_needs, search_needs
from marketplace.web.words import UNKNOWN_FILTER, searched_for_first

PER_PAGE = 20
TEXT_LIMIT = 200
#: The most needs that a search shows: further ones fit ever less.
FOUND_MOST = 100
#: How many of the closest are shown when none fits well.
NEAREST = 5

#: The most like needs that a page shows, and how many more are asked for.
LIKES_MOST = 5
LIKES_SPARE = 10

LIKES_ONLY_WORDS = (
    "We compared words only just now, because our matching model is not available. Some may be missing."
)
#: The value of ``show`` in the board's address that asks for what has lapsed.
LAPSED = "lapsed"
LAPSED_WORDS = "Lapsed needs are not matched any more, so this search looks for your words in their texts."
ONLY_WORDS = (
    "Search compares words only just now, because our matching model is not available. "
    "Try other words for the same thing."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBoard:
    """What the board shows for what somebody asked.

    ``facts`` are what the filters' counts are made of, ``total`` counts what was found on all pages, ``needs`` are
    those of page ``number`` of ``pages`` (from 1). ``nearest`` says that nothing fits well and these are the closest.
    """

    cycle: Cycle | None
    rounds: tuple[Round, ...]
    filters: Filters
    facts: tuple[Fact, ...]
    total: int
    needs: tuple[Need, ...]
    number: int
    pages: int
    regions: Mapping[str, str]
    notes: tuple[str, ...]
    nearest: bool
    empty: bool


def board(actor: Actor, asked: MultiDict[str, str]) -> OnBoard:
    """Return what the board shows for an address."""
    filters, notes = read_filters(asked)
    facts = queries.board_facts(actor, lapsed=filters.lapsed)
    known = {name: {fact.facets[name] for fact in facts} for name in FACETS}
    chosen = {name: value for name, value in filters.chosen.items() if value in known[name]}
    if (chosen != dict(filters.chosen) or asked.get("sort", "") not in {"", *Sort}) and facts:
        notes.append(UNKNOWN_FILTER)
    filters = replace(filters, chosen=chosen)
    counted, nearest = facts, False
    shown = rules.sorted_facts(rules.chosen_facts(facts, chosen), filters.sort)
    if filters.text and filters.lapsed:
        notes.append(LAPSED_WORDS)
        holding = queries.lapsed_with(actor, filters.text)
        counted = [fact for fact in facts if fact.ref in holding]
        shown = [fact for fact in shown if fact.ref in holding]
    elif filters.text:
        found = search_needs(filters.text, FOUND_MOST, [fact.ref for fact in facts])
        if found.degraded:
            notes.append(ONLY_WORDS)
        fitting = [fact for fact in shown if fact.ref in found.fits]
        nearest = not fitting
        if nearest:
            close = [fact for fact in shown if fact.ref in set(found.refs)]
            shown = rules.sorted_facts(close, Sort.BEST, found.refs)[:NEAREST]
        else:
            shown = rules.sorted_facts(fitting, filters.sort, found.refs)
            counted = [fact for fact in facts if fact.ref in found.fits]
    rounds = tuple(cycle.round for cycle in queries.cycles())
    last = max(1, -(-len(shown) // PER_PAGE))
    number = min(max(1, asked.get("page", 1, type=int)), last)
    part = shown[(number - 1) * PER_PAGE : number * PER_PAGE]
    return OnBoard(
        cycle=queries.current_cycle(),
        rounds=rounds,
        filters=filters,
        facts=tuple(counted),
        total=len(shown),
        needs=tuple(queries.board_items(actor, [fact.ref for fact in part], lapsed=filters.lapsed)),
        number=number,
        pages=last,
        regions=queries.region_names(),
        notes=tuple(notes),
        nearest=nearest,
        empty=not facts,
    )


@dataclass(frozen=True, slots=True)
class Likes:
    """Needs of other organisations that say the same, with what is shared in words, and what to tell about them."""

    needs: tuple[tuple[Need, tuple[str, ...]], ...] = ()
    note: str = ""


def likes(actor: Actor, need: Need, *, draft: bool = False) -> Likes:
    """Return what other organisations have published like a need, or like its draft.

    The index proposes; what is shown is read again as this person may see it.
    """
    # A few more than are shown: some are the organisation's own, some may just have been withdrawn.
    alike = like_needs(need.ref, LIKES_MOST + LIKES_SPARE, draft=draft)
    shared = {one.ref: one.shared for one in alike.found}
    if not shared:
        return Likes()
    found = queries.published_by_refs(actor, list(shared))
    others = [one for one in found if one.organisation_id != need.organisation_id][:LIKES_MOST]
    note = LIKES_ONLY_WORDS if alike.degraded and others else ""
    return Likes(tuple((one, shared[one.ref]) for one in others), note)


def read_filters(asked: MultiDict[str, str]) -> tuple[Filters, list[str]]:
    """Return the filters of an address and what to tell about them."""
    notes = []
    text = clean_line(asked.get("q", ""))
    if len(text) > TEXT_LIMIT:
        text = text[:TEXT_LIMIT].rstrip()
        notes.append(searched_for_first(TEXT_LIMIT))
    usual = Sort.BEST if text else Sort.NEWEST
    try:
        sort = Sort(asked.get("sort", usual.value))
    except ValueError:
        sort = usual
    lapsed = asked.get("show") == LAPSED
    if sort is Sort.BEST and (lapsed or not text):
        sort = Sort.NEWEST
    return Filters(text, {name: asked[name] for name in FACETS if asked.get(name)}, sort, lapsed), notes
