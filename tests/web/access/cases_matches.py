"""Who may see which candidates."""

from __future__ import annotations

from marketplace import clock
from marketplace.matches.models import IndexGeneration
from marketplace.matches.rules import GenerationState
from tests.factories.needs import make_draft, make_need
from tests.factories.technologies import make_technology
from tests.web.access.world import BROKERS, EVERYBODY, LEADS, SPONSORS, Case, Who, World


def published_need(world: World) -> tuple[str, dict[str, object]]:
    need = make_need(world.session, world.organisations[Who.LEAD])
    return f"/needs/{need.ref}/matches", {}


def how(asked: tuple[str, dict[str, object]]) -> tuple[str, dict[str, object]]:
    return f"{asked[0]}/how", {}


def draft_need(world: World) -> tuple[str, dict[str, object]]:
    need = make_draft(world.session, world.organisations[Who.LEAD])
    return f"/needs/{need.ref}/matches", {}


def withdrawn_need(world: World) -> tuple[str, dict[str, object]]:
    need = make_need(world.session, world.organisations[Who.LEAD], withdrawn="We found another way.")
    return f"/needs/{need.ref}/matches", {}


def listed_technology(world: World) -> tuple[str, dict[str, object]]:
    technology = make_technology(world.session, world.organisations[Who.INNOVATOR])
    return f"/technologies/{technology.ref}/needs", {}


def draft_technology(world: World) -> tuple[str, dict[str, object]]:
    technology = make_technology(world.session, world.organisations[Who.INNOVATOR], listed=False)
    return f"/technologies/{technology.ref}/needs", {}


def index_being_built(world: World) -> tuple[str, dict[str, object]]:
    serving, building = GenerationState.SERVING, GenerationState.BUILDING
    for state, done in ((serving, 40), (building, 10)):
        world.session.add(
            IndexGeneration(
                key=state.value,
                encoder="model",
                encoder_name="model",
                state=state,
                total=40,
                done=done,
                started_at=clock.now(),
                finished_at=clock.now() if state is serving else None,
            )
        )
    world.session.flush()
    return "/index", {}


MAY_READ_NEEDS = LEADS | BROKERS | SPONSORS
MAY_READ_TECHNOLOGIES = BROKERS | {Who.INNOVATOR, Who.RIVAL}

CASES = [
    Case(
        "matches.index", "GET", "any state", lambda _: ("/index", {}), allowed=frozenset({Who.ADMINISTRATOR})
    ),
    Case("matches.index", "GET", "being built", index_being_built, allowed=frozenset({Who.ADMINISTRATOR})),
    Case(
        "matches.for_need",
        "GET",
        "draft",
        draft_need,
        allowed=frozenset(),
        others=dict.fromkeys(MAY_READ_NEEDS, 404),
    ),
    Case(
        "matches.for_need",
        "GET",
        "withdrawn",
        withdrawn_need,
        allowed=frozenset(),
        others=dict.fromkeys(MAY_READ_NEEDS, 404),
    ),
    Case("matches.how", "GET", "any text", lambda _: ("/how-matching-works?q=falls", {}), allowed=EVERYBODY),
    Case(
        "matches.how_for_need",
        "GET",
        "published",
        lambda world: how(published_need(world)),
        allowed=frozenset({Who.LEAD, Who.BROKER, Who.SPONSOR}),
    ),
    *(
        Case(
            "matches.how_for_need",
            "GET",
            state,
            make,
            allowed=frozenset(),
            others=dict.fromkeys(MAY_READ_NEEDS, 404),
        )
        for state, make in (
            ("draft", lambda world: how(draft_need(world))),
            ("withdrawn", lambda world: how(withdrawn_need(world))),
        )
    ),
    Case("matches.for_technology", "GET", "listed", listed_technology, allowed=BROKERS | {Who.INNOVATOR}),
    Case(
        "matches.for_technology",
        "GET",
        "draft",
        draft_technology,
        allowed=frozenset(),
        others=dict.fromkeys(MAY_READ_TECHNOLOGIES, 404),
    ),
]
