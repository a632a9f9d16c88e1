"""Who gets through the doors of passports, in each state of a technology and of a passport."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from marketplace import clock
from tests.factories.passports import make_passport
from tests.factories.technologies import date_fields, make_evidence, make_technology
from tests.web.access.world import ASSESSORS, EVERYBODY, Case, Who, World

ISSUER = frozenset({Who.ASSESSOR})
STATES: dict[str, dict[str, bool]] = {
    "valid": {},
    "suspended": {"suspended": True},
    "revoked": {"revoked": True},
}
Built = tuple[str, dict[str, object]]


def passport(pattern: str, state: str, data: dict[str, object] | None = None) -> Callable[[World], Built]:
    """Build a passport of ASSESSOR's organisation in a state."""

    def build(world: World) -> Built:
        technology = make_technology(world.session, world.organisations[Who.INNOVATOR])
        one = make_passport(world.session, technology, world.organisations[Who.ASSESSOR], **STATES[state])
        return pattern.format(number=one.number), data or {}

    return build


def assessment(state: str, step: str = "") -> Callable[[World], Built]:
    """Build a technology in a state, and the answers of an assessment of it."""

    def build(world: World) -> Built:
        technology = make_technology(
            world.session,
            world.organisations[Who.INNOVATOR],
            listed=state != "draft",
            archived=state == "archived",
        )
        item = make_evidence(world.session, technology)
        today = clock.today()
        return f"/our-passports/new/{technology.ref}", {
            "step": step,
            "technology_version": "1",
            "scope": "Adults on virtual wards",
            "evidence": item.ref,
            **date_fields("valid_from", today),
            **date_fields("valid_to", today + timedelta(days=365)),
        }

    return build


def changing(ask: str, do: str, verb: str, data: dict[str, object], possible: tuple[str, ...]) -> list[Case]:
    """Return the cases of a page that asks and of the button on it, for each state of the passport."""
    pattern = "/our-passports/{number}/" + verb
    return [
        case
        for state in STATES
        for case in (
            Case(ask, "GET", state, passport(pattern, state), allowed=ISSUER),
            Case(
                do,
                "POST",
                state,
                passport(pattern, state, data),
                allowed=ISSUER,
                status=303 if state in possible else 409,
                silent=state not in possible,
            ),
        )
    ]


REASON: dict[str, object] = {"reason": "A notice is being looked into"}
CASES = [
    Case("passports.register", "GET", "any time", lambda _: ("/passports", {}), allowed=EVERYBODY),
    *(
        Case("passports.passport", "GET", state, passport("/passports/{number}", state), allowed=EVERYBODY)
        for state in STATES
    ),
    Case(
        "passports.passport",
        "GET",
        "no such number",
        lambda _: ("/passports/DS-2026-ZZZZZZ", {}),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case("passports.workspace", "GET", "any time", lambda _: ("/our-passports", {}), allowed=ASSESSORS),
    Case("passports.pick", "GET", "any time", lambda _: ("/our-passports/new", {}), allowed=ASSESSORS),
    Case("passports.compose", "GET", "listed", assessment("listed"), allowed=ASSESSORS),
    Case(
        "passports.compose",
        "GET",
        "draft",
        assessment("draft"),
        allowed=frozenset(),
        others=dict.fromkeys(ASSESSORS, 404),
    ),
    Case("passports.compose", "GET", "archived", assessment("archived"), allowed=ASSESSORS, status=409),
    Case(
        "passports.issue",
        "POST",
        "listed, to be checked",
        assessment("listed", "check"),
        allowed=ASSESSORS,
        silent=True,
    ),
    Case(
        "passports.issue",
        "POST",
        "listed, checked",
        assessment("listed", "issue"),
        allowed=ASSESSORS,
        status=303,
    ),
    Case(
        "passports.issue",
        "POST",
        "draft",
        assessment("draft", "issue"),
        allowed=frozenset(),
        others=dict.fromkeys(ASSESSORS, 404),
    ),
    Case(
        "passports.issue",
        "POST",
        "archived",
        assessment("archived", "issue"),
        allowed=ASSESSORS,
        status=409,
        silent=True,
    ),
    *changing("passports.confirm_suspension", "passports.suspend", "suspend", REASON, ("valid",)),
    *changing("passports.confirm_lift", "passports.lift", "lift", {}, ("suspended",)),
    *changing("passports.confirm_revocation", "passports.revoke", "revoke", REASON, ("valid", "suspended")),
]
