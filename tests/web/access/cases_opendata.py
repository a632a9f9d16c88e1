"""Open data is for everybody, and the same for everybody."""

from __future__ import annotations

from collections.abc import Callable

from marketplace.settings import Settings
from tests.factories.needs import make_need
from tests.factories.questions import ANSWERED, make_question
from tests.web.access.world import EVERYBODY, Case, Who, World

PREFIX = Settings.model_fields["ocid_prefix"].default


def with_need(path: str, *, withdrawn: str = "") -> Callable[[World], tuple[str, dict[str, object]]]:
    """Return an address once there is a need with an answered question."""

    def build(world: World) -> tuple[str, dict[str, object]]:
        need = make_need(world.session, world.organisations[Who.LEAD], withdrawn=withdrawn)
        make_question(world.session, need, world.organisations[Who.INNOVATOR], answer=ANSWERED)
        return path.format(ref=need.ref), {}

    return build


CASES = [
    Case("open_data.explained", "GET", "any", with_need("/open-data"), allowed=EVERYBODY),
    Case("open_data_api.index", "GET", "any", with_need("/open/v1/"), allowed=EVERYBODY),
    Case("open_data_api.document", "GET", "any", with_need("/open/v1/openapi.json"), allowed=EVERYBODY),
    Case("open_data_api.page", "GET", "any", with_need("/open/v1/needs"), allowed=EVERYBODY),
    Case("open_data_api.table", "GET", "any", with_need("/open/v1/questions.csv"), allowed=EVERYBODY),
    Case("open_data_api.feed", "GET", "needs", with_need("/open/v1/needs.atom"), allowed=EVERYBODY),
    Case("open_data_api.feed", "GET", "questions", with_need("/open/v1/questions.atom"), allowed=EVERYBODY),
    Case("open_data_api.record", "GET", "published", with_need("/open/v1/needs/{ref}"), allowed=EVERYBODY),
    Case(
        "open_data_api.record",
        "GET",
        "withdrawn",
        with_need("/open/v1/needs/{ref}", withdrawn="Solved"),
        allowed=EVERYBODY,
    ),
    Case(
        "open_data_api.record",
        "GET",
        "none",
        with_need("/open/v1/needs/nosuchneed"),
        allowed=EVERYBODY,
        status=404,
    ),
    Case("open_data_api.releases", "GET", "any", with_need("/open/v1/ocds/releases"), allowed=EVERYBODY),
    Case(
        "open_data_api.release",
        "GET",
        "published",
        with_need(f"/open/v1/ocds/releases/{PREFIX}-{{ref}}-1"),
        allowed=EVERYBODY,
    ),
    Case(
        "open_data_api.release",
        "GET",
        "withdrawn",
        with_need(f"/open/v1/ocds/releases/{PREFIX}-{{ref}}-1", withdrawn="Solved"),
        allowed=EVERYBODY,
        status=404,
    ),
]
