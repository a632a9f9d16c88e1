"""Who gets through the doors of cycles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from marketplace import clock
from marketplace.cycles import queries, rules
from marketplace.cycles.models import CancelledCycle
from marketplace.needs.models import Cycle, Need
from tests.factories.needs import make_cycle, make_draft, make_need
from tests.web.access.world import EVERYBODY, Case, Who, World

ADMIN = frozenset({Who.ADMINISTRATOR})
LEAD = frozenset({Who.LEAD})
Asked = tuple[str, dict[str, object]]


def typed(name: str, first: int, reminder: int, lock: int, last: int) -> dict[str, object]:
    """Return a form with four dates, in days from today."""
    sent: dict[str, object] = {"name": name}
    fields = ("opens_on", "reminds_on", "locks_on", "closes_on")
    for field, days in zip(fields, (first, reminder, lock, last), strict=True):
        when = clock.today() + timedelta(days=days)
        sent |= {f"{field}-day": when.day, f"{field}-month": when.month, f"{field}-year": when.year}
    return sent


def a_cycle(world: World, *, begins: int = -30) -> Cycle:
    """Return the cycle that begins on a day, made unless it is there."""
    first = clock.today() + timedelta(days=begins)
    found = world.session.scalar(select(Cycle).where(Cycle.opens_on == first))
    return found or make_cycle(world.session, name=f"{first:%B} {first.year}", opens_on=first)


def coverage(path: str, begins: int) -> Callable[[World], Asked]:
    return lambda world: (path.format(id=a_cycle(world, begins=begins).id), {})


def moved(begins: int) -> Callable[[World], Asked]:
    """Return the door through which the end of a cycle is moved."""

    def build(world: World) -> Asked:
        cycle = a_cycle(world, begins=begins)
        form = typed(
            cycle.name,
            begins,
            (cycle.reminds_on - clock.today()).days,
            (cycle.locks_on - clock.today()).days,
            begins + 95,
        )
        return f"/cycles/{cycle.id}", form

    return build


def cancelling(begins: int) -> Callable[[World], Asked]:
    """Return the door through which a cycle is cancelled."""

    def build(world: World) -> Asked:
        cycle = a_cycle(world, begins=begins)
        seen = rules.state_of(cycle.round, queries.said_in(world.session, cycle))
        return f"/cycles/{cycle.id}/cancel", {"reason": "A mistake", "seen": seen}

    return build


def cancelled(path: str) -> Callable[[World], Asked]:
    """Return the address of a cycle that was cancelled."""

    def build(world: World) -> Asked:
        now = clock.now()
        world.session.add(
            CancelledCycle(
                id=77,
                name="Wrong",
                opens_on=now.date(),
                reminds_on=now.date(),
                locks_on=now.date(),
                closes_on=now.date(),
                cancelled_at=now,
                reason="A mistake",
            )
        )
        world.session.commit()
        return path.format(id=77), {}

    return build


def of_last_cycle(world: World) -> Need:
    past = a_cycle(world, begins=-200)
    a_cycle(world)
    return make_need(world.session, world.organisations[Who.LEAD], cycle=past)


def lapsed(world: World) -> Need:
    need, yesterday = of_last_cycle(world), clock.today() - timedelta(days=1)
    latest = world.session.scalars(select(Cycle).order_by(Cycle.opens_on.desc())).first()
    assert latest is not None
    latest.reminds_on = latest.locks_on = yesterday
    world.session.commit()
    return need


def confirmed(make: Callable[[World], Need]) -> Callable[[World], Asked]:
    return lambda world: (f"/needs/{make(world).ref}/still-true", {})


def draft(world: World) -> Need:
    a_cycle(world)
    return make_draft(world.session, world.organisations[Who.LEAD])


def withdrawn(world: World) -> Need:
    return make_need(world.session, world.organisations[Who.LEAD], withdrawn="Solved")


def still_true(world: World) -> Asked:
    of_last_cycle(world)
    return f"/organisations/{world.organisations[Who.LEAD].code}/still-true", {}


CASES = [
    Case("cycles.coverage", "GET", "no cycle", lambda _: ("/coverage", {}), allowed=EVERYBODY),
    Case("cycles.coverage", "GET", "a cycle", coverage("/coverage", -30), allowed=EVERYBODY),
    Case("cycles.coverage_of", "GET", "open", coverage("/coverage/{id}", -30), allowed=EVERYBODY),
    Case("cycles.coverage_of", "GET", "closed", coverage("/coverage/{id}", -300), allowed=EVERYBODY),
    Case(
        "cycles.coverage_of",
        "GET",
        "not open yet",
        coverage("/coverage/{id}", 30),
        allowed=frozenset(),
        others=dict.fromkeys(EVERYBODY, 404),
    ),
    Case("cycles.coverage_csv", "GET", "open", coverage("/coverage/{id}.csv", -30), allowed=EVERYBODY),
    Case(
        "cycles.coverage_csv",
        "GET",
        "not open yet",
        coverage("/coverage/{id}.csv", 30),
        allowed=frozenset(),
        others=dict.fromkeys(EVERYBODY, 404),
    ),
    Case("cycles.still_true", "GET", "needs of the last cycle", still_true, allowed=LEAD),
    Case("cycles.confirm", "POST", "not yet confirmed", confirmed(of_last_cycle), allowed=LEAD, status=303),
    Case("cycles.confirm", "POST", "locked", confirmed(lapsed), allowed=LEAD, status=422, silent=True),
    Case(
        "cycles.confirm",
        "POST",
        "draft",
        confirmed(draft),
        allowed=LEAD,
        status=409,
        others={Who.OTHER_LEAD: 404},
        silent=True,
    ),
    Case("cycles.confirm", "POST", "withdrawn", confirmed(withdrawn), allowed=LEAD, status=410, silent=True),
    Case("cycles.listing", "GET", "any time", lambda _: ("/cycles", {}), allowed=ADMIN),
    Case(
        "cycles.enter",
        "POST",
        "the next cycle",
        lambda _: ("/cycles", typed("Next", 30, 40, 50, 60)),
        allowed=ADMIN,
        status=303,
    ),
    Case("cycles.dates", "GET", "open", coverage("/cycles/{id}", -30), allowed=ADMIN),
    Case(
        "cycles.dates",
        "GET",
        "there is none",
        lambda _: ("/cycles/999", {}),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 404},
    ),
    Case("cycles.move", "POST", "open", moved(-30), allowed=ADMIN, status=303),
    Case("cycles.move", "POST", "not open yet", moved(30), allowed=ADMIN, status=303),
    Case("cycles.move", "POST", "closed", moved(-300), allowed=ADMIN, status=422, silent=True),
    Case("cycles.cancelling", "GET", "open", coverage("/cycles/{id}/cancel", -30), allowed=ADMIN),
    Case("cycles.cancelling", "GET", "closed", coverage("/cycles/{id}/cancel", -300), allowed=ADMIN),
    Case(
        "cycles.cancelling",
        "GET",
        "cancelled",
        cancelled("/cycles/{id}/cancel"),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 410},
    ),
    Case(
        "cycles.coverage_of",
        "GET",
        "cancelled",
        cancelled("/coverage/{id}"),
        allowed=frozenset(),
        others=dict.fromkeys(EVERYBODY, 410),
    ),
    Case("cycles.cancel", "POST", "not open yet", cancelling(30), allowed=ADMIN, status=303),
    Case("cycles.cancel", "POST", "open, nobody has answered", cancelling(-30), allowed=ADMIN, status=303),
    Case("cycles.cancel", "POST", "closed", cancelling(-300), allowed=ADMIN, status=422, silent=True),
]
