"""Who records, plans and confirms changes of organisations, and who reads the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

from marketplace import clock
from marketplace.needs import places
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind, Organisation, Succession, SuccessionChoice, SuccessionLink
from marketplace.organisations.rules import Change
from marketplace.succession.rules import to
from tests.factories.needs import make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.web.access.world import EVERYBODY, LEADS, Case, Who, World

_numbers = count(1)
ADMIN = frozenset({Who.ADMINISTRATOR})
GONE = {Who.ADMINISTRATOR: 404}
Asked = tuple[str, dict[str, object]]


def change_in(
    world: World,
    state: str,
    kind: Change = Change.MERGE,
    start: Organisation | None = None,
    end: Organisation | None = None,
) -> tuple[Succession, Need]:
    """Make a change in a state, with one need that holds a place of an organisation that closes."""
    session = world.session
    day = clock.today() + timedelta(days=30 if state == "planned" else 0)
    start = start or make_organisation(session)
    start.closed_on = day if kind.ends else None
    need = make_need(session, start)
    places.note(session, start.id, the_cycle(session).id)
    if kind is Change.RENAME:
        end = start
    end = end or make_organisation(session, opened_on=day)
    now = clock.now()
    change = Succession(
        ref=f"change-{next(_numbers)}",
        kind=kind,
        effective_on=day,
        old_name=start.name,
        new_name="NHS Another Name",
        source="test",
        source_date=clock.today(),
        recorded_at=now,
        settled_at=now if state == "done" else None,
        cancelled_at=now if state == "cancelled" else None,
    )
    change.links.append(SuccessionLink(from_id=start.id, to_id=end.id))
    session.add(change)
    session.flush()
    if state == "ready":
        for subject, choice in ((f"{start.id}-{need.id}", to(end.code)),):
            session.add(_choice(change, "need", subject, choice))
        place = f"place-{the_cycle(session).id}"
        session.add(_choice(change, place, f"{end.id}-{need.id}", "1"))
    session.commit()
    return change, need


def _choice(change: Succession, kind: str, subject: str, choice: str) -> SuccessionChoice:
    return SuccessionChoice(
        succession_id=change.id, kind=kind, subject=subject, choice=choice, chosen_at=clock.now()
    )


def door(part: str, state: str, **fields: object) -> Callable[[World], Asked]:
    """Return a door of a change in a state."""

    def build(world: World) -> Asked:
        change, _ = change_in(world, state, Change.RENAME if state == "a new name" else Change.MERGE)
        end = change.links[0].successor.code
        path = f"/successions/{change.ref}{part.replace('END', end)}"
        return path, {"lock_version": "1"} | fields

    return build


def led(part: str, **fields: object) -> Callable[[World], Asked]:
    """Return a door of a change from LEAD's trust to the organisation of OTHER_LEAD."""

    def build(world: World) -> Asked:
        start, end = world.organisations[Who.LEAD], world.organisations[Who.OTHER_LEAD]
        change, _ = change_in(world, "ready", start=start, end=end)
        return f"/successions/{change.ref}{part.replace('END', end.code)}", {"lock_version": "1"} | fields

    return build


def record(world: World) -> Asked:
    starts = [make_organisation(world.session) for _ in range(2)]
    day = clock.today()
    return "/successions/new", {
        "act": "record",
        "kind": "merge",
        "effective_on-day": day.day,
        "effective_on-month": day.month,
        "effective_on-year": day.year,
        "from_1": starts[0].code,
        "from_2": starts[1].code,
        "to_1": "NHS New Test",
        "source": "test",
        "source_date-day": "5",
        "source_date-month": "1",
        "source_date-year": "2026",
    }


def imported(world: World) -> Asked:
    starts = [make_organisation(world.session) for _ in range(2)]
    lines = ["change,kind,effective_on,from,to,to_name,source,source_date"]
    lines += [f"1,merge,{clock.today()},{one.code},,NHS New Test,test,2026-01-05" for one in starts]
    return "/successions/import", {"act": "record", "text": "\n".join(lines)}


def without_code(world: World) -> Organisation:
    return make_organisation(world.session, Kind.ICB, code="a-new-board", ods_code=None)


def past(part: str) -> Callable[[World], Asked]:
    def build(world: World) -> Asked:
        need = make_need(world.session)
        places.note(world.session, need.organisation_id, the_cycle(world.session).id)
        return f"/needs/as-of/{clock.today()}{part.replace('REF', need.ref)}", {}

    return build


OPEN = ("planned", "waiting", "ready")
OVER = ("done", "cancelled", "a new name")

CASES = [
    Case("succession.listing", "GET", "any", lambda _: ("/successions", {}), allowed=ADMIN),
    Case("succession.left_behind", "GET", "any", lambda _: ("/successions/left-behind", {}), allowed=ADMIN),
    Case("succession.new", "GET", "any", lambda _: ("/successions/new", {}), allowed=ADMIN),
    Case("succession.record", "POST", "a merger", record, allowed=ADMIN, status=303),
    Case("succession.import_file", "GET", "any", lambda _: ("/successions/import", {}), allowed=ADMIN),
    Case("succession.do_import", "POST", "a merger", imported, allowed=ADMIN, status=303),
    *(Case("succession.change", "GET", state, door("", state), allowed=ADMIN) for state in (*OPEN, *OVER)),
    *(
        Case(endpoint, "GET", state, door(part, state), allowed=ADMIN)
        for endpoint, part in (
            ("succession.choices", "/choices/need"),
            ("succession.confirm", "/confirm"),
            ("succession.cancel", "/cancel"),
        )
        for state in OPEN
    ),
    *(
        Case(endpoint, "GET", state, door(part, state), allowed=frozenset(), others=GONE)
        for endpoint, part in (
            ("succession.choices", "/choices/need"),
            ("succession.confirm", "/confirm"),
        )
        for state in OVER
    ),
    Case(
        "succession.choices",
        "GET",
        "no such kind",
        door("/choices/nothing", "waiting"),
        allowed=frozenset(),
        others=GONE | dict.fromkeys(LEADS, 404),
    ),
    Case(
        "succession.choose",
        "POST",
        "waiting",
        door("/choices/need", "waiting", act="fill", fill="suggested"),
        allowed=ADMIN,
        status=303,
    ),
    Case("succession.places", "GET", "ready", door("/places/END", "ready"), allowed=ADMIN),
    Case(
        "succession.places",
        "GET",
        "before the needs are chosen",
        door("/places/END", "waiting"),
        allowed=frozenset(),
        others=GONE,
    ),
    Case(
        "succession.place",
        "POST",
        "ready",
        door("/places/END", "ready", act="fill"),
        allowed=ADMIN,
        status=303,
    ),
    # The people whom it concerns choose for their needs; the successor's leads for its places, too.
    Case("succession.change", "GET", "their own", led(""), allowed=ADMIN | LEADS),
    Case("succession.choices", "GET", "their own needs", led("/choices/need"), allowed=ADMIN | LEADS),
    Case("succession.choices", "GET", "their own people", led("/choices/person"), allowed=ADMIN),
    Case(
        "succession.choose",
        "POST",
        "their own needs",
        led("/choices/need", act="fill", fill="suggested"),
        allowed=ADMIN | LEADS,
        status=303,
    ),
    Case(
        "succession.choose",
        "POST",
        "their own people",
        led("/choices/person", act="fill", fill="suggested"),
        allowed=ADMIN,
        status=303,
    ),
    Case(
        "succession.places",
        "GET",
        "of the successor",
        led("/places/END"),
        allowed=ADMIN | {Who.OTHER_LEAD},
    ),
    Case(
        "succession.place",
        "POST",
        "of the successor",
        led("/places/END", act="fill"),
        allowed=ADMIN | {Who.OTHER_LEAD},
        status=303,
    ),
    Case("succession.confirm", "GET", "their own", led("/confirm"), allowed=ADMIN),
    Case("succession.cancel", "GET", "their own", led("/cancel"), allowed=ADMIN),
    Case("succession.do_cancel", "POST", "their own", led("/cancel"), allowed=ADMIN, status=303),
    Case(
        "succession.settle",
        "POST",
        "their own, without all choices",
        led("/confirm"),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 422},
    ),
    Case("succession.settle", "POST", "ready", door("/confirm", "ready"), allowed=ADMIN, status=303),
    Case(
        "succession.settle",
        "POST",
        "waiting",
        door("/confirm", "waiting"),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 422},
    ),
    Case(
        "succession.settle",
        "POST",
        "planned",
        door("/confirm", "planned"),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 422},
    ),
    Case("succession.do_cancel", "POST", "planned", door("/cancel", "planned"), allowed=ADMIN, status=303),
    Case(
        "succession.do_cancel",
        "POST",
        "done",
        door("/cancel", "done"),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 422},
    ),
    Case(
        "succession.ods_code",
        "GET",
        "without a code",
        lambda world: (f"/organisations/{without_code(world).code}/ods-code", {}),
        allowed=ADMIN,
    ),
    Case(
        "succession.ods_code",
        "GET",
        "with a code",
        lambda world: (f"/organisations/{make_organisation(world.session).code}/ods-code", {}),
        allowed=frozenset(),
        others=GONE,
    ),
    Case(
        "succession.enter_code",
        "POST",
        "without a code",
        lambda world: (f"/organisations/{without_code(world).code}/ods-code", {"ods_code": "QZ9"}),
        allowed=ADMIN,
        status=303,
    ),
    Case(
        "succession.history",
        "GET",
        "open",
        lambda world: (f"/organisations/{world.organisations[Who.LEAD].code}/history", {}),
        allowed=EVERYBODY,
    ),
    Case(
        "succession.history",
        "GET",
        "a supplier",
        lambda world: (f"/organisations/{world.organisations[Who.INNOVATOR].code}/history", {}),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 404),
    ),
    Case("history.ask", "GET", "any", lambda _: ("/needs/as-of", {}), allowed=EVERYBODY),
    Case("history.board", "GET", "today", past(""), allowed=EVERYBODY),
    Case(
        "history.board",
        "GET",
        "a day ahead",
        lambda _: ("/needs/as-of/2099-01-01", {}),
        allowed=frozenset(),
        others=dict.fromkeys(Who, 404),
    ),
    Case("history.organisations", "GET", "today", past("/organisations"), allowed=EVERYBODY),
    Case("history.withdrawn", "GET", "today", past("/withdrawn"), allowed=EVERYBODY),
    Case("history.need", "GET", "today", past("/needs/REF"), allowed=EVERYBODY),
]
