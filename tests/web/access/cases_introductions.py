"""Who gets through the doors of introductions and of the broker's patch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from marketplace import clock
from marketplace.introductions import rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from tests.factories.introductions import NOTE
from tests.factories.needs import make_need
from tests.factories.technologies import make_technology
from tests.web.access.world import BROKERS, EVERYBODY, INNOVATORS, LEADS, Case, Who, World

READERS = frozenset({Who.LEAD, Who.INNOVATOR, Who.BROKER})
#: People whose role may come to the door, and who do not belong to the introduction: for them it does not exist.
STRANGERS = {Who.OTHER_LEAD: 404, Who.RIVAL: 404, Who.OTHER_BROKER: 404}

#: Every state of an introduction: the answers of the need side and of the supplier, and whether it was closed.
STATES: dict[str, tuple[Decision | None, Decision | None, bool]] = {
    "proposed": (None, None, False),
    "need side accepted": (Decision.ACCEPTED, None, False),
    "need side declined": (Decision.DECLINED, None, False),
    "supplier accepted": (None, Decision.ACCEPTED, False),
    "supplier declined": (None, Decision.DECLINED, False),
    "introduced": (Decision.ACCEPTED, Decision.ACCEPTED, False),
    "closed": (None, Decision.ACCEPTED, True),
}
OPEN = [state for state in STATES if state not in ("introduced", "closed")]

_numbers = count(1)


def introduction(world: World, state: str) -> Introduction:
    need, supplier, closed = STATES[state]
    now = clock.now()
    found = Introduction(
        ref=f"introduction{next(_numbers)}",
        need_id=make_need(world.session, world.organisations[Who.LEAD]).id,
        technology_id=make_technology(world.session, world.organisations[Who.INNOVATOR]).id,
        hin_id=world.organisations[Who.BROKER].id,
        broker_id=world.people[Who.BROKER].id,
        note=NOTE,
        proposed_at=now,
        decide_by=rules.answer_by(now),
    )
    world.session.add(found)
    world.session.flush()
    for side, decision, who in ((Side.NEED, need, Who.LEAD), (Side.SUPPLIER, supplier, Who.INNOVATOR)):
        if decision is not None:
            found.answer(side, decision, "", world.people[who].id, now)
    if closed:
        found.close("The ward has closed", now)
    world.session.commit()
    return found


def at(path: str, state: str, **data: object) -> Callable[[World], tuple[str, dict[str, object]]]:
    def build(world: World) -> tuple[str, dict[str, object]]:
        found = introduction(world, state)
        side = next((side for side in Side if f"/{side.value}/" in path), None)
        number = found.side_lock_version(side) if side else found.lock_version
        return path.format(ref=found.ref), data and {"lock_version": number} | data

    return build


def pair(
    path: str, *, withdrawn: bool = False, archived: bool = False, **data: object
) -> Callable[[World], tuple[str, dict[str, object]]]:
    def build(world: World) -> tuple[str, dict[str, object]]:
        need = make_need(
            world.session,
            world.organisations[Who.LEAD],
            withdrawn="The service has closed" if withdrawn else "",
        )
        technologies = [
            make_technology(world.session, world.organisations[Who.INNOVATOR], archived=archived)
            for _ in range(2)
        ]
        one, two = (technology.ref for technology in technologies)
        return path.format(need=need.ref, technology=one, other=two), data

    return build


PROPOSE = "/needs/{need}/introduce/{technology}"

CASES = [
    Case(
        "introductions.listing",
        "GET",
        "any time",
        lambda _: ("/introductions", {}),
        allowed=LEADS | INNOVATORS | BROKERS,
    ),
    *(
        Case(
            "introductions.introduction",
            "GET",
            state,
            at("/introductions/{ref}", state),
            allowed=READERS,
            others=STRANGERS,
        )
        for state in STATES
    ),
    *(
        Case(
            "introductions.answer",
            "GET",
            f"{side} side, {answer}, {state}",
            at(f"/introductions/{{ref}}/{side}/{answer}", state),
            allowed=frozenset({mine}),
            others=STRANGERS | {Who.OTHER_BROKER: 403},
        )
        for side, mine in (("need", Who.LEAD), ("supplier", Who.INNOVATOR))
        for answer in ("accept", "decline")
        for state in ("proposed", "introduced", "closed")
    ),
    *(
        Case(
            "introductions.do_answer",
            "POST",
            f"{side} side, {answer}, {state}",
            at(f"/introductions/{{ref}}/{side}/{answer}", state, reason="It does not fit our plans"),
            allowed=frozenset({mine}) if state in OPEN else frozenset(),
            status=303,
            others=STRANGERS | {Who.OTHER_BROKER: 403} | ({} if state in OPEN else {mine: 409}),
        )
        for side, mine in (("need", Who.LEAD), ("supplier", Who.INNOVATOR))
        for answer in ("accept", "decline")
        for state in (STATES if answer == "accept" else ("proposed", "introduced", "closed"))
    ),
    *(
        Case(
            "introductions.close",
            "GET",
            state,
            at("/introductions/{ref}/close", state),
            allowed=frozenset({Who.BROKER}),
            others={Who.OTHER_BROKER: 404},
        )
        for state in ("proposed", "introduced", "closed")
    ),
    *(
        Case(
            "introductions.do_close",
            "POST",
            state,
            at("/introductions/{ref}/close", state, reason="The supplier was bought"),
            allowed=frozenset({Who.BROKER}) if state in OPEN else frozenset(),
            status=303,
            others={Who.OTHER_BROKER: 404} | ({} if state in OPEN else {Who.BROKER: 409}),
        )
        for state in STATES
    ),
    Case("introductions.propose", "GET", "both open", pair(PROPOSE), allowed=frozenset({Who.BROKER})),
    Case(
        "introductions.propose",
        "GET",
        "need withdrawn",
        pair(PROPOSE, withdrawn=True),
        allowed=frozenset({Who.BROKER}),
    ),
    Case(
        "introductions.do_propose",
        "POST",
        "both open",
        pair(PROPOSE, note=NOTE, step="propose"),
        allowed=frozenset({Who.BROKER}),
        status=303,
    ),
    Case(
        "introductions.do_propose",
        "POST",
        "need withdrawn",
        pair(PROPOSE, withdrawn=True, note=NOTE, step="propose"),
        allowed=frozenset(),
        others={Who.BROKER: 422},
    ),
    Case(
        "introductions.do_propose",
        "POST",
        "technology archived",
        pair(PROPOSE, archived=True, note=NOTE, step="propose"),
        allowed=frozenset(),
        others={Who.BROKER: 422},
    ),
    Case("introductions.patch", "GET", "any time", lambda _: ("/patch", {}), allowed=BROKERS),
    Case(
        "introductions.patch_need", "GET", "published", pair("/patch/{need}"), allowed=frozenset({Who.BROKER})
    ),
    Case(
        "introductions.patch_need",
        "GET",
        "unknown",
        lambda _: ("/patch/nothing", {}),
        allowed=frozenset(),
        others=dict.fromkeys(BROKERS, 404),
    ),
    Case(
        "introductions.compare",
        "GET",
        "two technologies",
        pair("/patch/{need}/compare?technology={technology}&technology={other}"),
        allowed=frozenset({Who.BROKER}),
    ),
]

assert {Who.ANONYMOUS, Who.ADMINISTRATOR, Who.ASSESSOR} <= EVERYBODY - READERS
