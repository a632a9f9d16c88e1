"""Who may see pictures of demand: everybody; a place of another kind, or none, is not there for anybody."""

from __future__ import annotations

from collections.abc import Callable

from marketplace.organisations.models import Kind
from tests.factories.needs import make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.web.access.world import EVERYBODY, Case, Who, World

Asked = tuple[str, dict[str, object]]
KINDS = {"ics": Kind.ICB, "hin": Kind.HIN, "region": Kind.REGION}
ADDRESSES = {"ics": "ics", "hin": "hin", "region": "regions"}


def of(name: str, ending: str, kind: Kind) -> Callable[[World], Asked]:
    """Return a place's address, with needs on the board where it can have some."""

    def build(world: World) -> Asked:
        place = make_organisation(world.session, kind)
        if kind is not Kind.REGION:
            make_need(world.session, place)
            make_draft(world.session, place)
        make_need(world.session, world.organisations[Who.LEAD])
        return f"/demand/{ADDRESSES[name]}/{place.code}{ending}", {}

    return build


def picture(path: str) -> Callable[[World], Asked]:
    """Return a picture's address, with a need on the board."""

    def build(world: World) -> Asked:
        make_need(world.session, world.organisations[Who.LEAD])
        return path, {}

    return build


CASES = [
    *(
        Case(f"picture.{name}{table}", "GET", "there", of(name, ending, kind), allowed=EVERYBODY)
        for name, kind in KINDS.items()
        for table, ending in (("", ""), ("_table", "/needs.csv"))
    ),
    *(
        Case(
            f"picture.{name}{table}",
            "GET",
            "of another kind",
            of(name, ending, Kind.TRUST),
            allowed=EVERYBODY,
            status=404,
        )
        for name in KINDS
        for table, ending in (("", ""), ("_table", "/needs.csv"))
    ),
    Case("picture.map_page", "GET", "any", picture("/demand/map"), allowed=EVERYBODY),
    Case("picture.map_table", "GET", "any", picture("/demand/map.csv"), allowed=EVERYBODY),
    Case("picture.themes", "GET", "any", picture("/demand/themes"), allowed=EVERYBODY),
    Case("picture.themes_table", "GET", "any", picture("/demand/themes.csv"), allowed=EVERYBODY),
]
