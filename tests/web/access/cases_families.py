"""Who may co-sign a need and take that back, and who may settle a family."""

from __future__ import annotations

from collections.abc import Callable

from marketplace import clock
from marketplace.families.rules import Ending
from tests.factories.families import make_co_signature, make_family
from tests.factories.needs import make_draft, make_need
from tests.web.access.world import EVERYBODY, LEADS, Case, Who, World

Asked = tuple[str, dict[str, object]]


def to_sign(state: str) -> Callable[[World], Asked]:
    """Return the door through which a need of LEAD's trust in a state is co-signed."""

    def build(world: World) -> Asked:
        lead = world.organisations[Who.LEAD]
        if state == "draft":
            need = make_draft(world.session, lead)
        else:
            need = make_need(world.session, lead, withdrawn="Solved" if state == "withdrawn" else "")
        return f"/needs/{need.ref}/co-sign", {"how_many": "1200", "note": "More of them live far away."}

    return build


def signed(path: str, state: str) -> Callable[[World], Asked]:
    """Return a door of a co-signature that OTHER_LEAD's organisation gave."""

    def build(world: World) -> Asked:
        need = make_need(world.session, world.organisations[Who.LEAD])
        found = make_co_signature(
            world.session,
            need,
            world.organisations[Who.OTHER_LEAD],
            **{
                "standing": {},
                "changed": {"version": 0},
                "taken back": {"taken_back_at": clock.now()},
                "ended": {"ended_at": clock.now(), "ending": Ending.WITHDRAWN},
            }[state],
        )
        return f"/co-signatures/{found.ref}/{path}", {}

    return build


def family(path: str, state: str, **data: object) -> Callable[[World], Asked]:
    """Return a door of a family with a need of LEAD's trust and one of OTHER_LEAD's organisation."""

    def build(world: World) -> Asked:
        lead, other = world.organisations[Who.LEAD], world.organisations[Who.OTHER_LEAD]
        needs = [make_need(world.session, lead), make_need(world.session, other)]
        found = make_family(world.session, *([] if state == "empty" else needs))
        if state == "dissolved":
            found.dissolved_at = clock.now()
        return f"/families/{found.ref}{path}", data and {"lock_version": found.lock_version} | data

    return build


#: Brokers may settle where a need lies in their patch.
FOREIGN = {Who.OTHER_BROKER: 403}

OTHER = frozenset({Who.OTHER_LEAD})
#: The lead whose need it is comes to the door, but the co-signature does not belong to them.
STRANGER = {Who.LEAD: 404}

CASES = [
    *(
        Case(
            "families.co_sign",
            "GET",
            state,
            to_sign(state),
            allowed=LEADS if state == "published" else frozenset(),
            others={
                "published": {},
                "draft": dict.fromkeys(LEADS, 404),
                "withdrawn": dict.fromkeys(LEADS, 410),
            }[state],
        )
        for state in ("published", "draft", "withdrawn")
    ),
    *(
        Case(
            "families.do_co_sign",
            "POST",
            state,
            to_sign(state),
            allowed=OTHER if state == "published" else frozenset(),
            status=303,
            others={
                "published": {Who.LEAD: 422},
                "draft": dict.fromkeys(LEADS, 404),
                "withdrawn": dict.fromkeys(LEADS, 410),
            }[state],
        )
        for state in ("published", "draft", "withdrawn")
    ),
    Case("families.co_signatures", "GET", "any", lambda _: ("/co-signatures", {}), allowed=LEADS),
    *(
        Case(
            "families.take_back",
            "GET",
            state,
            signed("take-back", state),
            allowed=OTHER if state == "standing" else frozenset(),
            others=STRANGER | ({} if state == "standing" else {Who.OTHER_LEAD: 410}),
        )
        for state in ("standing", "taken back", "ended")
    ),
    *(
        Case(
            "families.do_take_back",
            "POST",
            state,
            signed("take-back", state),
            allowed=OTHER if state == "standing" else frozenset(),
            status=303,
            others=STRANGER | ({} if state == "standing" else {Who.OTHER_LEAD: 410}),
        )
        for state in ("standing", "taken back", "ended")
    ),
    *(
        Case(
            "families.keep",
            "POST",
            state,
            signed("keep", state),
            allowed=OTHER if state == "changed" else frozenset(),
            status=303,
            others=STRANGER | ({} if state == "changed" else {Who.OTHER_LEAD: 410}),
        )
        for state in ("changed", "taken back", "ended")
    ),
    *(
        Case(
            "families.carry_on",
            "POST",
            state,
            signed("carry-on", state),
            allowed=OTHER if state == "ended" else frozenset(),
            status=303,
            others=STRANGER | ({} if state == "ended" else {Who.OTHER_LEAD: 409}),
        )
        for state in ("ended", "standing")
    ),
    Case("families.listing", "GET", "any", lambda _: ("/families", {}), allowed=EVERYBODY),
    *(
        Case("families.family", "GET", state, family("", state), allowed=EVERYBODY)
        for state in ("two", "empty", "dissolved")
    ),
    Case(
        "families.matches",
        "GET",
        "two",
        family("/matches", "two"),
        allowed=LEADS | {Who.BROKER, Who.SPONSOR},
    ),
    *(
        Case(
            "families.settle",
            "GET",
            state,
            family("/settle", state),
            allowed=frozenset({Who.BROKER}) if state == "two" else frozenset(),
            others=FOREIGN | ({Who.BROKER: 410} if state == "dissolved" else {}),
        )
        for state in ("two", "empty", "dissolved")
    ),
    *(
        Case(
            "families.do_settle",
            "POST",
            state,
            family("/settle", state, act="rename", name="Unseen falls"),
            allowed=frozenset({Who.BROKER}) if state == "two" else frozenset(),
            status=303,
            others=FOREIGN | ({Who.BROKER: 410} if state == "dissolved" else {}),
        )
        for state in ("two", "empty", "dissolved")
    ),
]
