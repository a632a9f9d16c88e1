"""Who gets through the doors of organisations."""

from __future__ import annotations

from tests.factories.organisations import make_organisation
from tests.web.access.world import Case, Who, World

READERS = frozenset({Who.BROKER, Who.ADMINISTRATOR})
ADMIN = frozenset({Who.ADMINISTRATOR})
FACTS: dict[str, object] = {
    "source": "Letter of the HIN",
    "source_date-day": "5",
    "source_date-month": "1",
    "source_date-year": "2026",
    "confirmed": "y",
}
#: A broker comes through the door and is told that there is no such patch.
OTHERS = {Who.OTHER_BROKER: 404}


def hin(world: World) -> str:
    return world.organisations[Who.BROKER].code


def covered(world: World) -> str:
    parent = world.organisations[Who.LEAD].parent
    assert parent is not None
    return parent.code


CASES = [
    Case("organisations.registry", "GET", "any time", lambda _: ("/organisations", {}), allowed=ADMIN),
    Case(
        "organisations.patches",
        "GET",
        "any time",
        lambda _: ("/hins", {}),
        allowed=READERS | {Who.OTHER_BROKER},
    ),
    Case(
        "organisations.patch",
        "GET",
        "the broker's HIN",
        lambda world: (f"/hins/{hin(world)}/patch", {}),
        allowed=READERS,
        others=OTHERS,
    ),
    Case(
        "organisations.patch",
        "GET",
        "not a HIN",
        lambda world: (f"/hins/{world.organisations[Who.LEAD].code}/patch", {}),
        allowed=frozenset(),
        others=dict.fromkeys(READERS | {Who.OTHER_BROKER}, 404),
    ),
    Case(
        "organisations.add",
        "POST",
        "a trust that is not in it",
        lambda world: (
            f"/hins/{hin(world)}/patch",
            FACTS | {"organisation": make_organisation(world.session).code},
        ),
        allowed=ADMIN,
        status=303,
    ),
    Case(
        "organisations.patch_row",
        "GET",
        "an entry",
        lambda world: (f"/hins/{hin(world)}/patch/{covered(world)}", {}),
        allowed=ADMIN,
    ),
    Case(
        "organisations.patch_row",
        "GET",
        "no such entry",
        lambda world: (f"/hins/{hin(world)}/patch/NONE", {}),
        allowed=frozenset(),
        others={Who.ADMINISTRATOR: 404},
    ),
    Case(
        "organisations.change",
        "POST",
        "an entry",
        lambda world: (f"/hins/{hin(world)}/patch/{covered(world)}", FACTS),
        allowed=ADMIN,
        status=303,
    ),
    Case(
        "organisations.remove",
        "POST",
        "an entry",
        lambda world: (f"/hins/{hin(world)}/patch/{covered(world)}/remove", {}),
        allowed=ADMIN,
        status=303,
    ),
]
