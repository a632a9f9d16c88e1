"""Who gets through the doors of technologies, in each state of a technology."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from marketplace.technologies.models import EvidenceItem, Technology
from tests.factories.technologies import date_fields, evidence_content, make_evidence, make_technology
from tests.web.access.world import EVERYBODY, INNOVATORS, Case, Who, World

EVIDENCE: dict[str, object] = {
    "type": "clinical-study",
    "issuer": "Test University",
    "summary": "Fewer falls.",
    **date_fields("issued_on", evidence_content().issued_on),
}

OWN = frozenset({Who.INNOVATOR})
STATES: dict[str, dict[str, bool]] = {
    "draft": {"listed": False},
    "listed": {},
    "archived": {"archived": True},
}
Built = tuple[str, dict[str, object]]


def technology(world: World, state: str) -> Technology:
    """Return a technology of INNOVATOR's company in a state."""
    return make_technology(world.session, world.organisations[Who.INNOVATOR], **STATES[state])


def item(world: World, state: str) -> EvidenceItem:
    """Return an evidence item of such a technology."""
    return make_evidence(world.session, technology(world, state))


def at(pattern: str, state: str, data: dict[str, object] | None = None) -> Callable[[World], Built]:
    """Build a technology, with an evidence item where the address names one."""

    def build(world: World) -> Built:
        if "{item}" in pattern:
            evidence = item(world, state)
            return pattern.format(ref=evidence.technology.ref, item=evidence.ref), data or {}
        return pattern.format(ref=technology(world, state).ref), data or {}

    return build


def changed(world: World) -> Built:
    """Build a listed technology with changes that are not listed yet."""
    one = technology(world, "listed")
    assert one.draft is not None
    one.draft.fill(replace(one.draft.content, name="Another name"))
    world.session.commit()
    return f"/our-technologies/{one.ref}/check", {"change_note": "A new name", "lock_version": "1"}


def mine(
    endpoint: str,
    method: str,
    pattern: str,
    *,
    status: int,
    draft: int = 0,
    listed: int = 0,
    archived: int = 409,
    data: dict[str, object] | None = None,
) -> list[Case]:
    """Return a case for each state: the own supplier is let in, a rival learns nothing of a draft."""
    statuses = {"draft": draft or status, "listed": listed or status, "archived": archived}
    return [
        Case(
            endpoint,
            method,
            state,
            at(pattern, state, data),
            allowed=OWN,
            status=answer,
            others={Who.RIVAL: 404} if state == "draft" else {},
            silent=answer != 303,
        )
        for state, answer in statuses.items()
    ]


HOME = "/our-technologies/{ref}"
CASES = [
    Case("technologies.register", "GET", "any time", lambda _: ("/technologies", {}), allowed=EVERYBODY),
    Case("technologies.technology", "GET", "listed", at("/technologies/{ref}", "listed"), allowed=EVERYBODY),
    Case(
        "technologies.technology",
        "GET",
        "draft",
        at("/technologies/{ref}", "draft"),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "technologies.technology",
        "GET",
        "archived",
        at("/technologies/{ref}", "archived"),
        allowed=OWN,
        refused=410,
        others={Who.ANONYMOUS: 410},
    ),
    Case(
        "technologies.past_version",
        "GET",
        "listed",
        at("/technologies/{ref}/versions/1", "listed"),
        allowed=EVERYBODY,
    ),
    Case(
        "technologies.past_version",
        "GET",
        "archived",
        at("/technologies/{ref}/versions/1", "archived"),
        allowed=OWN,
        refused=410,
        others={Who.ANONYMOUS: 410},
    ),
    Case(
        "technologies.past_version",
        "GET",
        "a version that never was",
        at("/technologies/{ref}/versions/2", "listed"),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "technologies.workspace", "GET", "any time", lambda _: ("/our-technologies", {}), allowed=INNOVATORS
    ),
    Case(
        "technologies.start", "GET", "any time", lambda _: ("/our-technologies/new", {}), allowed=INNOVATORS
    ),
    Case(
        "technologies.begin",
        "POST",
        "any time",
        lambda _: ("/our-technologies/new", {"name": "Nightlight"}),
        allowed=INNOVATORS,
        status=303,
    ),
    *mine("technologies.tasks", "GET", HOME, status=200, archived=200),
    *mine("technologies.question", "GET", HOME + "/name", status=200),
    *mine(
        "technologies.save_question",
        "POST",
        HOME + "/name",
        status=303,
        data={"name": "New name", "lock_version": "1"},
    ),
    *mine("technologies.check", "GET", HOME + "/check", status=200),
    *mine(
        "technologies.list_checked",
        "POST",
        HOME + "/check",
        status=303,
        listed=422,
        data={"lock_version": "1"},
    ),
    Case("technologies.list_checked", "POST", "listed, with changes", changed, allowed=OWN, status=303),
    *mine("technologies.confirm_discard", "GET", HOME + "/discard", status=200),
    *mine("technologies.discard", "POST", HOME + "/discard", status=303, draft=422),
    *mine("technologies.confirm_archive", "GET", HOME + "/archive", status=200),
    *mine("technologies.archive", "POST", HOME + "/archive", status=303),
    *mine("technologies.new_evidence", "GET", HOME + "/evidence/new", status=200),
    *mine("technologies.add_evidence", "POST", HOME + "/evidence/new", status=303, data=EVIDENCE),
    *mine("technologies.edit_evidence", "GET", HOME + "/evidence/{item}", status=200),
    *mine("technologies.change_evidence", "POST", HOME + "/evidence/{item}", status=303, data=EVIDENCE),
    *mine("technologies.confirm_withdrawal", "GET", HOME + "/evidence/{item}/withdraw", status=200),
    *mine("technologies.withdraw_evidence", "POST", HOME + "/evidence/{item}/withdraw", status=303),
]
