"""Who may read and decide on what was submitted, compare versions, and say who leads a need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from marketplace import clock
from marketplace.needs.models import Need, NeedDraft, NeedVersion
from marketplace.needs.signing import Unchecked
from tests.factories.needs import content, make_sign_off
from tests.factories.people import make_user
from tests.web.access.cases_needs import (
    HIDDEN,
    LEAD,
    draft,
    edited,
    lead_it,
    published,
    returned,
    submitted,
    withdrawn,
)
from tests.web.access.world import BROKERS, EVERYBODY, SIGNED_IN, SPONSORS, Case, Who, World

SPONSOR = frozenset({Who.SPONSOR})
BROKER = frozenset({Who.BROKER})
REVIEWERS = SPONSORS | BROKERS
#: What reviewers of other organisations are told of a submission.
UNKNOWN = dict.fromkeys((Who.OTHER_SPONSOR, Who.OTHER_BROKER), 404)
NOT_YET = UNKNOWN | {Who.BROKER: 404}


def approved(world: World) -> Need:
    need = draft(world)
    make_sign_off(
        world.session,
        need,
        submitted_by_id=world.people[Who.LEAD].id,
        approved_by_id=world.people[Who.SPONSOR].id,
    )
    return need


def overdue(world: World) -> Need:
    need = draft(world)
    make_sign_off(
        world.session,
        need,
        submitted_by_id=world.people[Who.LEAD].id,
        approved_by_id=world.people[Who.SPONSOR].id,
        approved_at=clock.now() - timedelta(days=30),
    )
    return need


def unseen(world: World) -> Need:
    """Return a published need that its HIN did not check in its time."""
    need = published(world)
    need.draft = NeedDraft(saved_at=clock.now())
    need.draft.fill(content())
    sign_off = make_sign_off(
        world.session,
        need,
        submitted_by_id=world.people[Who.LEAD].id,
        approved_by_id=world.people[Who.SPONSOR].id,
    )
    sign_off.unchecked, sign_off.version = Unchecked.SILENT, 1
    need.draft = None
    world.session.commit()
    return need


def changed(world: World) -> Need:
    """Return a published need with two versions."""
    need = published(world)
    version = NeedVersion(need_id=need.id, number=2, change_note="Clearer", published_at=clock.now())
    version.fill(content(title="A second title"))
    world.session.add(version)
    need.version = 2
    world.session.commit()
    return need


def without_owner(world: World) -> Need:
    """Return a published need whose owner has left; the deputy is the trust's sponsor."""
    need = published(world)
    lead_it(world, need)
    assert need.people is not None
    need.people.owner_id = make_user(world.session).id
    world.session.commit()
    return need


def at(
    make: Callable[[World], Need], path: str, **data: object
) -> Callable[[World], tuple[str, dict[str, object]]]:
    """Return a state whose path and fields may hold the need's ref."""

    def build(world: World) -> tuple[str, dict[str, object]]:
        need = make(world)
        fields = {
            key: value.format(ref=need.ref) if isinstance(value, str) else value
            for key, value in data.items()
        }
        return path.format(ref=need.ref), fields

    return build


def deputy(world: World) -> tuple[str, dict[str, object]]:
    """Return the form that names the trust's sponsor."""
    need = draft(world)
    return f"/needs/{need.ref}/people", {"deputy": str(world.people[Who.SPONSOR].id)}


LOOKED = {"round": 1, "lock_version": 1}
COMMENT = "Say who is meant."

CASES = [
    Case("reviews.queue", "GET", "nothing waits", at(draft, "/sign-off"), allowed=REVIEWERS),
    Case("reviews.queue", "GET", "submitted", at(submitted, "/sign-off"), allowed=REVIEWERS),
    Case("reviews.queue", "GET", "approved", at(approved, "/sign-off"), allowed=REVIEWERS),
    Case("reviews.queue", "GET", "overdue", at(overdue, "/sign-off"), allowed=REVIEWERS),
    Case(
        "reviews.approve",
        "POST",
        "submitted",
        at(submitted, "/sign-off", need="{ref}:1:1"),
        allowed=SPONSOR,
        status=303,
        others={Who.OTHER_SPONSOR: 404},
    ),
    Case(
        "reviews.approve",
        "POST",
        "approved already",
        at(approved, "/sign-off", need="{ref}:1:1"),
        allowed=SPONSOR,
        status=409,
        others={Who.OTHER_SPONSOR: 404},
        silent=True,
    ),
    Case(
        "reviews.approve",
        "POST",
        "nothing ticked",
        at(submitted, "/sign-off"),
        allowed=SPONSORS,
        status=422,
        silent=True,
    ),
    Case(
        "reviews.review",
        "GET",
        "submitted",
        at(submitted, "/sign-off/{ref}"),
        allowed=SPONSOR,
        others=NOT_YET,
    ),
    Case(
        "reviews.review",
        "GET",
        "approved",
        at(approved, "/sign-off/{ref}"),
        allowed=SPONSOR | BROKER,
        others=UNKNOWN,
    ),
    Case(
        "reviews.review",
        "GET",
        "overdue",
        at(overdue, "/sign-off/{ref}"),
        allowed=SPONSOR | BROKER,
        others=UNKNOWN,
    ),
    Case(
        "reviews.review", "GET", "returned", at(returned, "/sign-off/{ref}"), allowed=SPONSOR, others=NOT_YET
    ),
    Case(
        "reviews.review",
        "GET",
        "never submitted",
        at(draft, "/sign-off/{ref}"),
        allowed=frozenset(),
        others=dict.fromkeys(REVIEWERS, 404),
    ),
    Case(
        "reviews.decide",
        "POST",
        "submitted, approved",
        at(submitted, "/sign-off/{ref}", act="approve", **LOOKED),
        allowed=SPONSOR,
        status=303,
        others=NOT_YET,
    ),
    Case(
        "reviews.decide",
        "POST",
        "submitted, returned",
        at(submitted, "/sign-off/{ref}", act="return", comment_title=COMMENT, **LOOKED),
        allowed=SPONSOR,
        status=303,
        others=NOT_YET,
    ),
    Case(
        "reviews.decide",
        "POST",
        "approved, checked",
        at(approved, "/sign-off/{ref}", act="check", **LOOKED),
        allowed=BROKER,
        status=303,
        others=UNKNOWN | {Who.SPONSOR: 404},
    ),
    Case(
        "reviews.decide",
        "POST",
        "approved, returned",
        at(approved, "/sign-off/{ref}", act="return", comment_title=COMMENT, **LOOKED),
        allowed=BROKER,
        status=303,
        others=UNKNOWN | {Who.SPONSOR: 409},
    ),
    Case(
        "reviews.review",
        "GET",
        "published unchecked",
        at(unseen, "/sign-off/{ref}"),
        allowed=SPONSOR | BROKER,
        others=UNKNOWN,
    ),
    Case("reviews.queue", "GET", "published unchecked", at(unseen, "/sign-off"), allowed=REVIEWERS),
    Case(
        "reviews.decide",
        "POST",
        "published unchecked, checked",
        at(unseen, "/sign-off/{ref}", act="check", **LOOKED),
        allowed=BROKER,
        status=303,
        others=UNKNOWN | {Who.SPONSOR: 404},
    ),
    Case(
        "reviews.decide",
        "POST",
        "published unchecked, changes asked for",
        at(unseen, "/sign-off/{ref}", act="return", comment_title=COMMENT, **LOOKED),
        allowed=BROKER,
        status=303,
        others=UNKNOWN | {Who.SPONSOR: 404},
    ),
    Case(
        "reviews.decide",
        "POST",
        "submitted, no decision",
        at(submitted, "/sign-off/{ref}", **LOOKED),
        allowed=SPONSOR,
        status=422,
        others=NOT_YET,
        silent=True,
    ),
    Case(
        "reviews.publish",
        "POST",
        "overdue",
        at(overdue, "/sign-off/{ref}/publish", **LOOKED),
        allowed=SPONSOR,
        status=303,
        others={Who.OTHER_SPONSOR: 404},
    ),
    Case(
        "reviews.publish",
        "POST",
        "in time",
        at(approved, "/sign-off/{ref}/publish", **LOOKED),
        allowed=SPONSOR,
        status=422,
        others={Who.OTHER_SPONSOR: 404},
        silent=True,
    ),
    Case(
        "reviews.take_back",
        "POST",
        "submitted",
        at(submitted, "/needs/{ref}/take-back"),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "reviews.take_back",
        "POST",
        "approved",
        at(approved, "/needs/{ref}/take-back"),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "reviews.take_back",
        "POST",
        "returned meanwhile",
        at(returned, "/needs/{ref}/take-back"),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
        silent=True,
    ),
    Case("reviews.compare", "GET", "one version", at(published, "/needs/{ref}/compare"), allowed=EVERYBODY),
    Case("reviews.compare", "GET", "two versions", at(changed, "/needs/{ref}/compare"), allowed=EVERYBODY),
    Case(
        "reviews.compare",
        "GET",
        "withdrawn",
        at(withdrawn, "/needs/{ref}/compare"),
        allowed=EVERYBODY,
        status=410,
    ),
    Case(
        "reviews.compare",
        "GET",
        "submitted, never published",
        at(submitted, "/needs/{ref}/compare"),
        allowed=LEAD | SPONSOR,
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "reviews.compare",
        "GET",
        "approved, never published",
        at(approved, "/needs/{ref}/compare"),
        allowed=LEAD | SPONSOR | BROKER,
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "reviews.compare",
        "GET",
        "draft",
        at(draft, "/needs/{ref}/compare"),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "reviews.people",
        "GET",
        "draft",
        at(draft, "/needs/{ref}/people"),
        allowed=LEAD | SPONSOR,
        others=dict.fromkeys(SIGNED_IN - LEAD - SPONSOR, 404),
    ),
    Case(
        "reviews.people",
        "GET",
        "the owner has left",
        at(without_owner, "/needs/{ref}/people"),
        allowed=LEAD | SPONSOR,
        others=dict.fromkeys(SIGNED_IN - LEAD - SPONSOR, 404),
    ),
    Case("reviews.name_deputy", "POST", "draft", deputy, allowed=LEAD, status=303, others=HIDDEN),
    Case(
        "reviews.name_deputy",
        "POST",
        "somebody from outside",
        at(edited, "/needs/{ref}/people", deputy="999999"),
        allowed=LEAD,
        status=422,
        others=HIDDEN,
        silent=True,
    ),
    Case(
        "reviews.take_over",
        "POST",
        "the owner has left",
        at(without_owner, "/needs/{ref}/take-over"),
        allowed=LEAD | SPONSOR,
        status=303,
    ),
    Case(
        "reviews.take_over",
        "POST",
        "the owner is there",
        at(draft, "/needs/{ref}/take-over"),
        allowed=LEAD | SPONSOR,
        status=409,
        refused=404,
        silent=True,
    ),
]
