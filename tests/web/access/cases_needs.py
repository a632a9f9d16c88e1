"""Who gets through the doors of needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marketplace.needs.coach import look_over
from marketplace.needs.models import Need, NeedDraft
from marketplace.needs.rules import fingerprint
from tests.factories.needs import COMPLETE, content, make_draft, make_need, make_sign_off, the_cycle
from tests.web.access.world import EVERYBODY, LEADS, Case, Who, World

LEAD = frozenset({Who.LEAD})
ADMIN = frozenset({Who.ADMINISTRATOR})
#: A thing that other leads may not know of.
HIDDEN = {Who.OTHER_LEAD: 404}


def published(world: World, **values: Any) -> Need:
    return make_need(world.session, world.organisations[Who.LEAD], **values)


def draft(world: World) -> Need:
    the_cycle(world.session)
    need = make_draft(world.session, world.organisations[Who.LEAD], title=COMPLETE.title)
    lead_it(world, need)
    return need


def lead_it(world: World, need: Need) -> None:
    """Let the trust's lead own the need, with its sponsor as deputy."""
    assert need.people is not None
    need.people.owner_id = world.people[Who.LEAD].id
    need.people.deputy_id = world.people[Who.SPONSOR].id
    world.session.commit()


def submitted(world: World) -> Need:
    need = draft(world)
    make_sign_off(world.session, need, submitted_by_id=world.people[Who.LEAD].id)
    return need


def returned(world: World) -> Need:
    need = draft(world)
    make_sign_off(world.session, need, returned="Say who.", submitted_by_id=world.people[Who.LEAD].id)
    return need


def edited(world: World) -> Need:
    need = published(world)
    world.session.add(NeedDraft(need_id=need.id, saved_at=need.created_at, title="Edited", **_answers()))
    world.session.commit()
    lead_it(world, need)
    return need


def _answers() -> dict[str, Any]:
    row = NeedDraft()
    row.fill(COMPLETE)
    return {name: value for name, value in vars(row).items() if not name.startswith("_") and name != "title"}


def withdrawn(world: World) -> Need:
    return published(world, withdrawn="Solved by a neighbour")


def at(
    make: Callable[[World], Need], path: str, **data: object
) -> Callable[[World], tuple[str, dict[str, object]]]:
    """Return a state whose path holds the need's ref, and the organisation's code."""

    def build(world: World) -> tuple[str, dict[str, object]]:
        need = make(world)
        code = world.organisations[Who.LEAD].code
        return path.format(ref=need.ref, code=code), {
            key.format(ref=need.ref): value for key, value in data.items()
        }

    return build


ANSWER = {
    "lock_version": 1,
    "seen": fingerprint(COMPLETE, ["title"]),
    "title": "A new title",
}

AN_APP = "An app against falls"
(LEFT,) = (one.key for one in look_over(content(title=AN_APP)))


def with_findings(world: World) -> Need:
    the_cycle(world.session)
    return make_draft(world.session, world.organisations[Who.LEAD], title=AN_APP)


CASES = [
    # The public pages
    Case("needs.need", "GET", "published", at(published, "/needs/{ref}"), allowed=EVERYBODY),
    Case("needs.need", "GET", "withdrawn", at(withdrawn, "/needs/{ref}"), allowed=EVERYBODY, status=410),
    Case(
        "needs.need",
        "GET",
        "draft",
        at(draft, "/needs/{ref}"),
        allowed=LEAD,
        status=302,
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case("needs.version", "GET", "published", at(published, "/needs/{ref}/versions/1"), allowed=EVERYBODY),
    Case(
        "needs.version",
        "GET",
        "unknown number",
        at(published, "/needs/{ref}/versions/7"),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case(
        "needs.version",
        "GET",
        "draft",
        at(draft, "/needs/{ref}/versions/1"),
        allowed=frozenset(),
        refused=404,
        others={Who.ANONYMOUS: 404},
    ),
    Case("needs.organisation", "GET", "published", at(published, "/organisations/{code}"), allowed=EVERYBODY),
    Case("needs.organisation", "GET", "only drafts", at(draft, "/organisations/{code}"), allowed=EVERYBODY),
    # Our needs
    Case("needs.workspace", "GET", "any time", at(draft, "/top-three"), allowed=LEADS),
    Case("needs.start", "GET", "any time", at(draft, "/top-three/new"), allowed=LEADS),
    Case("needs.create", "POST", "any time", at(draft, "/top-three/new"), allowed=LEADS, status=303),
    Case("needs.tasks", "GET", "draft", at(draft, "/needs/{ref}/tasks"), allowed=LEAD, others=HIDDEN),
    Case("needs.tasks", "GET", "edited", at(edited, "/needs/{ref}/tasks"), allowed=LEAD, others=HIDDEN),
    Case(
        "needs.tasks",
        "GET",
        "withdrawn",
        at(withdrawn, "/needs/{ref}/tasks"),
        allowed=LEAD,
        status=410,
        others=HIDDEN,
    ),
    Case(
        "needs.tasks",
        "GET",
        "submitted",
        at(submitted, "/needs/{ref}/tasks"),
        allowed=LEAD,
        status=302,
        others=HIDDEN,
    ),
    Case("needs.tasks", "GET", "returned", at(returned, "/needs/{ref}/tasks"), allowed=LEAD, others=HIDDEN),
    Case(
        "needs.question",
        "GET",
        "submitted",
        at(submitted, "/needs/{ref}/questions/must"),
        allowed=LEAD,
        status=302,
        others=HIDDEN,
    ),
    Case(
        "needs.question",
        "GET",
        "returned",
        at(returned, "/needs/{ref}/questions/people"),
        allowed=LEAD,
        others=HIDDEN,
    ),
    Case("needs.check", "GET", "submitted", at(submitted, "/needs/{ref}/check"), allowed=LEAD, others=HIDDEN),
    Case("needs.check", "GET", "returned", at(returned, "/needs/{ref}/check"), allowed=LEAD, others=HIDDEN),
    Case(
        "needs.answer",
        "POST",
        "submitted meanwhile",
        at(submitted, "/needs/{ref}/questions/title", **ANSWER),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
        silent=True,
    ),
    Case(
        "needs.do_discard",
        "POST",
        "submitted",
        at(submitted, "/needs/{ref}/discard"),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
        silent=True,
    ),
    Case(
        "needs.question",
        "GET",
        "draft",
        at(draft, "/needs/{ref}/questions/must"),
        allowed=LEAD,
        others=HIDDEN,
    ),
    Case(
        "needs.question",
        "GET",
        "published without a draft",
        at(published, "/needs/{ref}/questions/must"),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
    ),
    Case(
        "needs.answer",
        "POST",
        "draft",
        at(draft, "/needs/{ref}/questions/title", **ANSWER),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "needs.answer",
        "POST",
        "edited",
        at(edited, "/needs/{ref}/questions/title", **ANSWER),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "needs.answer",
        "POST",
        "withdrawn meanwhile",
        at(withdrawn, "/needs/{ref}/questions/title", **ANSWER),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
        silent=True,
    ),
    Case(
        "needs.answer",
        "POST",
        "draft, only read by the coach",
        at(draft, "/needs/{ref}/questions/title", act="look", **ANSWER),
        allowed=LEAD,
        others=HIDDEN,
        silent=True,
    ),
    Case(
        "needs.answer",
        "POST",
        "withdrawn while the coach was to read it",
        at(withdrawn, "/needs/{ref}/questions/title", act="look", **ANSWER),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
        silent=True,
    ),
    Case(
        "needs.answer",
        "POST",
        "draft, with a finding left as it is",
        at(draft, "/needs/{ref}/questions/title", **ANSWER | {"title": AN_APP, "leave": LEFT}),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case(
        "needs.question",
        "GET",
        "draft, after saving, with something to look at",
        at(with_findings, "/needs/{ref}/questions/title?look=saved"),
        allowed=LEAD,
        others=HIDDEN,
    ),
    Case(
        "needs.tasks",
        "GET",
        "with findings",
        at(with_findings, "/needs/{ref}/tasks"),
        allowed=LEAD,
        others=HIDDEN,
    ),
    Case(
        "needs.check",
        "GET",
        "with findings",
        at(with_findings, "/needs/{ref}/check"),
        allowed=LEAD,
        others=HIDDEN,
    ),
    Case("needs.check", "GET", "draft", at(draft, "/needs/{ref}/check"), allowed=LEAD, others=HIDDEN),
    Case(
        "needs.submit_edit",
        "POST",
        "edited",
        at(edited, "/needs/{ref}/check", lock_version=1, change_note="Clearer"),
        allowed=LEAD,
        status=303,
        refused=403,
    ),
    Case(
        "needs.submit_edit",
        "POST",
        "draft",
        at(draft, "/needs/{ref}/check", lock_version=1, change_note="Clearer"),
        allowed=LEAD,
        status=422,
        others=HIDDEN,
        silent=True,
    ),
    Case("needs.edit", "POST", "published", at(published, "/needs/{ref}/edit"), allowed=LEAD, status=303),
    Case(
        "needs.edit",
        "POST",
        "withdrawn",
        at(withdrawn, "/needs/{ref}/edit"),
        allowed=LEAD,
        status=410,
        silent=True,
    ),
    Case("needs.discard", "GET", "draft", at(draft, "/needs/{ref}/discard"), allowed=LEAD, others=HIDDEN),
    Case(
        "needs.do_discard",
        "POST",
        "draft",
        at(draft, "/needs/{ref}/discard"),
        allowed=LEAD,
        status=303,
        others=HIDDEN,
    ),
    Case("needs.do_discard", "POST", "edited", at(edited, "/needs/{ref}/discard"), allowed=LEAD, status=303),
    # Ranking and withdrawing
    Case("needs.rank", "GET", "draft", at(draft, "/organisations/{code}/top-three"), allowed=LEAD),
    Case(
        "needs.submit",
        "POST",
        "draft",
        at(draft, "/organisations/{code}/top-three", **{"place-{ref}": "1"}),
        allowed=LEAD,
        status=303,
    ),
    Case(
        "needs.submit",
        "POST",
        "nothing chosen",
        at(draft, "/organisations/{code}/top-three"),
        allowed=LEAD,
        status=422,
        silent=True,
    ),
    Case("needs.withdraw", "GET", "published", at(published, "/needs/{ref}/withdraw"), allowed=LEAD),
    Case(
        "needs.withdraw",
        "GET",
        "draft",
        at(draft, "/needs/{ref}/withdraw"),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
    ),
    Case(
        "needs.do_withdraw",
        "POST",
        "published",
        at(published, "/needs/{ref}/withdraw", reason="Solved"),
        allowed=LEAD,
        status=303,
    ),
    Case(
        "needs.do_withdraw",
        "POST",
        "draft",
        at(draft, "/needs/{ref}/withdraw", reason="Solved"),
        allowed=LEAD,
        status=409,
        others=HIDDEN,
        silent=True,
    ),
]
