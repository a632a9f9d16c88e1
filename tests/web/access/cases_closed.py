"""What the people of an organisation that has closed may still do while its handover waits.

What is there stays readable and can be served; nothing new is started, signed off or published in its name.
"""

from __future__ import annotations

from collections.abc import Callable

from marketplace import clock
from marketplace.organisations.models import Succession, SuccessionLink
from marketplace.organisations.rules import Change
from tests.factories.organisations import make_organisation
from tests.web.access import cases_cycles, cases_families, cases_needs, cases_passports, cases_reviews
from tests.web.access.cases_needs import ADMIN, HIDDEN, LEAD
from tests.web.access.cases_reviews import BROKER, LOOKED, NOT_YET, REVIEWERS, SPONSOR, UNKNOWN
from tests.web.access.world import LEADS, Case, Who, World

Asked = tuple[str, dict[str, object]]
STATE = "its organisation has closed"


def closed(build: Callable[[World], Asked], who: Who = Who.LEAD) -> Callable[[World], Asked]:
    """Return the door after the organisation of a person has closed today; its handover waits."""

    def built(world: World) -> Asked:
        asked = build(world)
        close(world, who)
        return asked

    return built


def close(world: World, who: Who) -> None:
    """Close a person's organisation today: it becomes another one, and nothing is handed over yet."""
    own = world.organisations[who]
    heir = make_organisation(world.session, own.kind, region_id=own.region_id, opened_on=clock.today())
    own.closed_on = clock.today()
    world.session.add(
        Succession(
            ref=f"closing-{own.code}",
            kind=Change.MERGE,
            effective_on=clock.today(),
            source="test",
            source_date=clock.today(),
            recorded_at=clock.now(),
            links=[SuccessionLink(from_id=own.id, to_id=heir.id)],
        )
    )
    world.session.commit()


def need(make: Callable[..., object], path: str, **data: object) -> Callable[[World], Asked]:
    """Return a door of a need whose organisation has closed."""
    return closed(cases_needs.at(make, path, **data))  # type: ignore[arg-type] # a maker of cases_needs


draft, published, edited = cases_needs.draft, cases_needs.published, cases_needs.edited
submitted, withdrawn = cases_needs.submitted, cases_needs.withdrawn
approved, overdue = cases_reviews.approved, cases_reviews.overdue

READ = [
    Case(
        "needs.organisation", "GET", STATE, need(published, "/organisations/{code}"), allowed=frozenset(Who)
    ),
    Case("needs.need", "GET", STATE, need(published, "/needs/{ref}"), allowed=frozenset(Who)),
    Case("needs.workspace", "GET", STATE, need(draft, "/top-three"), allowed=LEADS),
    Case("needs.start", "GET", STATE, need(draft, "/top-three/new"), allowed=LEADS),
    Case("needs.tasks", "GET", STATE, need(draft, "/needs/{ref}/tasks"), allowed=LEAD, others=HIDDEN),
    Case("needs.check", "GET", STATE, need(draft, "/needs/{ref}/check"), allowed=LEAD, others=HIDDEN),
    Case("needs.rank", "GET", STATE, need(draft, "/organisations/{code}/top-three"), allowed=LEAD),
    Case("cycles.still_true", "GET", STATE, closed(cases_cycles.still_true), allowed=LEAD),
    Case("reviews.queue", "GET", STATE, need(submitted, "/sign-off"), allowed=REVIEWERS),
    Case("reviews.review", "GET", STATE, need(submitted, "/sign-off/{ref}"), allowed=SPONSOR, others=NOT_YET),
    Case(
        "families.co_sign",
        "GET",
        STATE,
        closed(cases_families.to_sign("published"), Who.OTHER_LEAD),
        allowed=LEADS,
    ),
    Case("succession.left_behind", "GET", STATE, need(draft, "/successions/left-behind"), allowed=ADMIN),
]

REFUSED = [
    Case(
        "needs.create",
        "POST",
        STATE,
        need(draft, "/top-three/new"),
        allowed=frozenset({Who.OTHER_LEAD}),
        status=303,
        others={Who.LEAD: 422},
    ),
    Case(
        "needs.edit",
        "POST",
        STATE,
        need(published, "/needs/{ref}/edit"),
        allowed=LEAD,
        status=409,
        silent=True,
    ),
    Case(
        "needs.submit_edit",
        "POST",
        STATE,
        need(edited, "/needs/{ref}/check", lock_version=1, change_note="Newer figures"),
        allowed=LEAD,
        status=422,
        others=HIDDEN | {Who.OTHER_LEAD: 403},
        silent=True,
    ),
    Case(
        "needs.submit",
        "POST",
        STATE,
        need(draft, "/organisations/{code}/top-three", **{"place-{ref}": "1"}),
        allowed=LEAD,
        status=422,
        silent=True,
    ),
    Case(
        "cycles.confirm",
        "POST",
        STATE,
        closed(cases_cycles.confirmed(cases_cycles.of_last_cycle)),
        allowed=LEAD,
        status=422,
        silent=True,
    ),
    Case(
        "reviews.approve",
        "POST",
        STATE,
        closed(cases_reviews.at(submitted, "/sign-off", need="{ref}:1:1")),
        allowed=SPONSOR,
        status=422,
        others={Who.OTHER_SPONSOR: 404},
        silent=True,
    ),
    Case(
        "reviews.decide",
        "POST",
        f"{STATE}, approved",
        need(submitted, "/sign-off/{ref}", act="approve", **LOOKED),
        allowed=SPONSOR,
        status=422,
        others=NOT_YET,
        silent=True,
    ),
    Case(
        "reviews.decide",
        "POST",
        f"{STATE}, checked by the HIN",
        need(approved, "/sign-off/{ref}", act="check", round=1, lock_version=1),
        allowed=BROKER,
        status=422,
        others=UNKNOWN | {Who.SPONSOR: 404},
        silent=True,
    ),
    Case(
        "reviews.publish",
        "POST",
        STATE,
        need(overdue, "/sign-off/{ref}/publish", **LOOKED),
        allowed=SPONSOR,
        status=409,
        others={Who.OTHER_SPONSOR: 404},
        silent=True,
    ),
    Case(
        "families.do_co_sign",
        "POST",
        STATE,
        closed(cases_families.to_sign("published"), Who.OTHER_LEAD),
        allowed=LEADS,
        status=422,
        silent=True,
    ),
    Case(
        "families.keep",
        "POST",
        STATE,
        closed(cases_families.signed("keep", "changed"), Who.OTHER_LEAD),
        allowed=frozenset({Who.OTHER_LEAD}),
        status=409,
        others={Who.LEAD: 404},
        silent=True,
    ),
    Case(
        "passports.issue",
        "POST",
        STATE,
        closed(cases_passports.assessment("listed", "issue"), Who.ASSESSOR),
        allowed=frozenset({Who.OTHER_ASSESSOR}),
        status=303,
        others={Who.ASSESSOR: 422},
    ),
    Case(
        "accounts.invite",
        "POST",
        STATE,
        closed(
            lambda world: (
                f"/organisations/{world.organisations[Who.LEAD].code}/invitations",
                {"email": "new@people.example", "role": "need-lead"},
            )
        ),
        allowed=frozenset({Who.LEAD, Who.SPONSOR, Who.ADMINISTRATOR}),
        status=422,
        refused=404,
        silent=True,
    ),
]

SERVED = [
    Case(
        "needs.answer",
        "POST",
        STATE,
        need(draft, "/needs/{ref}/questions/title", **cases_needs.ANSWER),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "needs.do_discard",
        "POST",
        STATE,
        need(draft, "/needs/{ref}/discard"),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "needs.do_withdraw",
        "POST",
        STATE,
        need(published, "/needs/{ref}/withdraw", reason="Solved otherwise"),
        allowed=LEAD,
        status=303,
    ),
    Case(
        "reviews.take_back",
        "POST",
        STATE,
        need(submitted, "/needs/{ref}/take-back"),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "reviews.decide",
        "POST",
        f"{STATE}, returned",
        need(submitted, "/sign-off/{ref}", act="return", comment_title="Say who is meant.", **LOOKED),
        allowed=SPONSOR,
        status=303,
        others=NOT_YET,
    ),
    Case(
        "families.do_take_back",
        "POST",
        STATE,
        closed(cases_families.signed("take-back", "standing"), Who.OTHER_LEAD),
        allowed=frozenset({Who.OTHER_LEAD}),
        status=303,
        others={Who.LEAD: 404},
    ),
    *(
        Case(
            do,
            "POST",
            STATE,
            closed(cases_passports.passport("/our-passports/{number}/" + verb, "valid", data), Who.ASSESSOR),
            allowed=frozenset({Who.ASSESSOR}),
            status=303,
        )
        for do, verb, data in (
            ("passports.suspend", "suspend", cases_passports.REASON),
            ("passports.revoke", "revoke", cases_passports.REASON),
        )
    ),
]

CASES = [*READ, *REFUSED, *SERVED]
