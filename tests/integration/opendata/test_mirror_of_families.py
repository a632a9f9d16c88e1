"""A mirror learns of whatever happens to families, themes, coverage and changes of organisations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.mirror import Fetch, Mirror
from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.cycles import queries as cycles
from marketplace.cycles.rules import tally
from marketplace.database import db, transaction
from marketplace.families import actions as families
from marketplace.families import settling, suggesting
from marketplace.families.models import Family
from marketplace.matches.grouping import Family as Group
from marketplace.matches.grouping import Theme as Field
from marketplace.matches.models import NeedFit
from marketplace.needs import actions as needs
from marketplace.needs import places
from marketplace.needs.models import Cycle, Need, SignOff
from marketplace.organisations import actions as organisations
from marketplace.organisations.models import Kind, Organisation
from marketplace.organisations.rules import Change
from marketplace.succession import actions as successions
from marketplace.succession.rules import ChangePlan, LinkPlan, Party
from tests.factories.needs import make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor
from tests.integration.opendata.changes import changing, up_to_date
from tests.web.opendata.world import World, make_world

Record = dict[str, Any]


def of(mirror: Mirror, name: str, id_: str) -> Record:
    found: Record = mirror.copies[f"/{name}"].records[id_]
    return found


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


@pytest.fixture
def broker(session: Session, world: World) -> Actor:
    return make_actor(session, Role.BROKER, world.family.settled_by_hin or world.trust)


def version_of(session: Session, ref: str) -> int:
    session.rollback()
    return session.scalars(select(Family.lock_version).where(Family.ref == ref)).one()


def others(session: Session, world: World) -> Need:
    """Return the second need of the world's family."""
    return next(
        member.need
        for member in world.family.members
        if member.need_id != world.need.id and member.need.withdrawn_at is None
    )


# Families


def test_whatever_a_hin_settles_comes(
    app: Flask, session: Session, ask: Fetch, world: World, broker: Actor
) -> None:
    ref, second = world.family.ref, others(session, world).ref
    lonely = make_need(session, world.trust, rank=None)
    mirror = up_to_date(app, session, ask)

    def settle(does: Callable[..., object], *given: object) -> object:
        version = version_of(session, ref)
        with app.app_context():
            return does(broker, ref, *given, lock_version=version)

    with changing(app, mirror, 2):
        settle(settling.rename, "A new name")
    assert of(mirror, "families", ref)["name"] == "A new name"
    with changing(app, mirror, 3):
        settle(settling.join, lonely.ref)
    assert lonely.ref in {one["need"] for one in of(mirror, "families", ref)["needs"]}
    with changing(app, mirror, 4):
        part = str(settle(settling.split, [second, lonely.ref]))
    assert {one["need"] for one in of(mirror, "families", part)["needs"]} == {second, lonely.ref}
    assert second not in {one["need"] for one in of(mirror, "families", ref)["needs"]}
    with changing(app, mirror, 5):
        settle(settling.join, part)
    assert of(mirror, "families", part)["merged_into"] == ref
    assert of(mirror, "families", part)["withdrawn_at"] is not None
    with changing(app, mirror, 6):
        settle(settling.take_out, second)
    assert second not in {one["need"] for one in of(mirror, "families", ref)["needs"]}
    with changing(app, mirror, 7):
        settle(settling.dissolve)
    gone = of(mirror, "families", ref)
    assert (gone["state"], gone["needs"], gone["must"]) == ("dissolved", [], [])
    assert gone["withdrawn_at"] is not None


def test_whatever_the_matcher_suggests_comes(app: Flask, session: Session, ask: Fetch, world: World) -> None:
    wanted = [make_need(session, rank=1) for _ in range(4)]
    refs, ids = [one.ref for one in wanted], {one.ref: one.id for one in wanted}
    mirror = up_to_date(app, session, ask)

    def run(groups: list[tuple[str, ...]], named: str = "", **joint: suggesting.Joint) -> None:
        grouped = [Group(one[0], one, formerly=()) for one in groups]
        fields = [Field("falls", named, tuple(one[0] for one in groups))] if named else []
        with app.app_context(), transaction() as inside:
            suggesting.keep(inside, suggesting.Proposal(grouped, fields, ids, False, joint))

    with changing(app, mirror, 2):
        run([(refs[0], refs[1])], "Falls")
    assert [one["need"] for one in of(mirror, "families", refs[0])["needs"]] == refs[:2]
    assert of(mirror, "themes", "falls")["needs"] == sorted(refs[:2])
    with changing(app, mirror, 3):
        run([(refs[0],), (refs[1], refs[2], refs[3])], "Falls at night")
    assert [one["need"] for one in of(mirror, "families", refs[0])["needs"]] == refs[:1]
    assert of(mirror, "themes", "falls")["name"] == "Falls at night"
    with changing(app, mirror, 4):
        run([(refs[1], refs[2], refs[3])], **{refs[1]: [[[refs[3], 1, 0], [refs[1], 1, 0]]]})
    assert of(mirror, "themes", "falls")["withdrawn_at"] is not None
    first = of(mirror, "families", refs[1])["must"][0]
    assert first["needs"] == sorted([refs[1], refs[3]])
    with changing(app, mirror, 5), app.app_context(), transaction() as inside:
        whole = Group(refs[0], tuple(refs), formerly=(refs[1],))
        suggesting.keep(inside, suggesting.Proposal([whole], [], ids, False))
    assert of(mirror, "families", refs[1])["merged_into"] == refs[0]
    assert len(of(mirror, "families", refs[0])["needs"]) == 4


def test_what_becomes_of_the_needs_of_a_family_comes_with_it(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    ref, first, second = world.family.ref, world.need.ref, others(session, world).ref
    theme, cycle = world.theme.key, the_cycle(session).id
    lead = make_actor(session, Role.NEED_LEAD, world.trust)
    other = make_organisation(session, Kind.TRUST)
    signer = make_actor(session, Role.NEED_LEAD, other)
    session.commit()
    mirror = up_to_date(app, session, ask)
    before = of(mirror, "families", ref)
    assert (before["people"], before["people_given_by"]) == (world.need.versions[0].how_many + 500, 2)
    with changing(app, mirror, 2), app.app_context():
        families.co_sign(signer, first, other.code, how_many=7)
    assert other.code in of(mirror, "families", ref)["organisations"]
    assert of(mirror, "families", ref)["people"] == before["people"] + 7
    assert of(mirror, "answers", f"{cycle}-{other.code}")["named"] == 1
    with changing(app, mirror, 3), app.app_context():
        needs.withdraw(lead, second, "It was solved in another way.")
    after = of(mirror, "families", ref)
    assert {one["need"]: one["standing"] for one in after["needs"]}[second] is False
    assert all(second not in one["needs"] for one in after["must"])
    assert of(mirror, "themes", theme)["needs"] == [first]


def test_what_lapses_leaves_families_and_themes_on_its_day(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    today = clock.today()
    session.add(
        Cycle(
            name="The next",
            opens_on=today + timedelta(days=90),
            reminds_on=today + timedelta(days=100),
            locks_on=today + timedelta(days=120),
            closes_on=today + timedelta(days=150),
        )
    )
    session.commit()
    ref, need, theme = world.family.ref, world.need.ref, world.theme.key
    mirror = up_to_date(app, session, ask)
    for days, standing in ((100, True), (119, True), (122, False)):
        with changing(app, mirror, 24 * days):
            pass
        members = {one["need"]: one["standing"] for one in of(mirror, "families", ref)["needs"]}
        assert members[need] is standing, days
        assert (need in of(mirror, "themes", theme)["needs"]) is standing, days


def test_what_the_register_has_for_a_need_comes_with_the_need_and_its_theme(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    need, theme = world.need, world.theme.key
    mirror = up_to_date(app, session, ask)
    assert of(mirror, "needs", need.ref)["register_has"] == "fits"
    assert sum(one["fits"] for one in of(mirror, "themes", theme)["parts"]) == 1
    with changing(app, mirror, 2):
        look = session.get_one(NeedFit, need.id)
        look.fits, look.looked_at, look.changed_at = 0, clock.now(), clock.now()
        session.commit()
    assert of(mirror, "needs", need.ref)["register_has"] == "nothing"
    assert sum(one["nothing"] for one in of(mirror, "themes", theme)["parts"]) == 2


def test_a_check_that_comes_after_a_need_was_published_comes_with_the_need_and_its_version(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    need, hin = world.need, world.family.settled_by_hin
    assert hin is not None
    mirror = up_to_date(app, session, ask)
    assert of(mirror, "needs", need.ref)["unchecked"] == "silent"
    assert of(mirror, "needs", need.ref)["checked_at"] is None
    with changing(app, mirror, 2):
        sign_off = session.scalars(select(SignOff).where(SignOff.need_id == need.id)).one()
        sign_off.checked_at, sign_off.hin_id = clock.now(), hin.id
        session.commit()
    for name, id_ in (("needs", need.ref), ("need-versions", f"{need.ref}-2")):
        assert of(mirror, name, id_)["checked_by"] == hin.code, name
        assert of(mirror, name, id_)["checked_at"] is not None, name
    assert of(mirror, "need-versions", f"{need.ref}-1")["checked_by"] is None


# Coverage


def test_coverage_counts_what_its_page_counts(app: Flask, session: Session, ask: Fetch, world: World) -> None:
    mirror = up_to_date(app, session, ask)
    compare_with_pages(app, mirror)


def compare_with_pages(app: Flask, mirror: Mirror) -> None:
    """Compare each cycle's records with what the page of coverage is made of, by kind and region."""
    with app.app_context():
        for cycle in db.session.scalars(select(Cycle).where(Cycle.opens_on <= clock.today())):
            on = min(clock.today(), cycle.closes_on)
            answers = cycles.answers(db.session, cycle.id, on)
            record = of(mirror, "coverage", str(cycle.id))
            assert (record["answered"], record["asked"]) == (tally(answers).answered, tally(answers).total)
            parts = {
                (one["kind"], one["region"] or ""): (one["answered"], one["asked"]) for one in record["parts"]
            }
            for place in {(one.kind, one.region_code) for one in answers}:
                found = tally(one for one in answers if (one.kind, one.region_code) == place)
                assert parts.pop((place[0].value, place[1])) == (found.answered, found.total)
            assert parts == {}
            named = {
                one["organisation"]: one["named"]
                for one in mirror.copies["/answers"].living.values()
                if one["cycle"] == str(cycle.id)
            }
            assert named == {one.code: one.named for one in answers}


def test_an_answer_and_organisations_that_open_and_close_come_with_the_count(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    opening = make_organisation(session, Kind.TRUST, opened_on=clock.today() + timedelta(days=5))
    closing = make_organisation(session, Kind.TRUST, closed_on=clock.today() + timedelta(days=9))
    cycle = the_cycle(session).id
    session.commit()
    mirror = up_to_date(app, session, ask)
    whole = of(mirror, "coverage", str(cycle))
    with changing(app, mirror, 2):
        make_need(session, closing, rank=1)
        places.note(session, closing.id, cycle)
        session.commit()
    assert of(mirror, "coverage", str(cycle))["answered"] == whole["answered"] + 1
    with changing(app, mirror, 24 * 6):
        pass
    assert of(mirror, "answers", f"{cycle}-{opening.code}")["answered"] is False
    assert of(mirror, "coverage", str(cycle))["asked"] == whole["asked"] + 1
    with changing(app, mirror, 24 * 10):
        pass
    gone = of(mirror, "answers", f"{cycle}-{closing.code}")
    assert (gone["withdrawn_at"] is not None, gone["named"]) == (True, None)
    assert of(mirror, "coverage", str(cycle))["asked"] == whole["asked"]
    with time_machine.travel(clock.now() + timedelta(days=10)):
        compare_with_pages(app, mirror)


# Changes of organisations


def rename(organisation: Organisation, days: int) -> ChangePlan:
    party = Party(organisation.code, organisation.named)
    return ChangePlan(
        kind=Change.RENAME,
        effective_on=clock.today() + timedelta(days=days),
        links=(LinkPlan(party, party),),
        source="Their website",
        source_date=clock.today(),
        new_name="Quite Another NHS Trust",
    )


def test_a_new_name_comes_on_its_day_wherever_the_organisation_is_named(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    code, need = world.trust.code, world.need.ref
    plan = rename(world.trust, 20)
    session.rollback()
    with app.app_context():
        ref = successions.record_change(SERVICE, plan)
    mirror = up_to_date(app, session, ask)
    assert of(mirror, "successions", ref)["new_name"] == "Quite Another NHS Trust"
    assert of(mirror, "needs", need)["organisation_name"] != "Quite Another NHS Trust"
    with changing(app, mirror, 24 * 21):
        pass
    assert of(mirror, "organisations", code)["name"] == "Quite Another NHS Trust"
    assert of(mirror, "needs", need)["organisation_name"] == "Quite Another NHS Trust"
    assert of(mirror, "need-versions", f"{need}-1")["organisation_name"] == "Quite Another NHS Trust"


def test_a_merger_comes_when_it_is_recorded_and_goes_when_it_is_taken_back(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    one, other, into = (make_organisation(session, Kind.TRUST) for _ in range(3))
    ids = (one.code, other.code, into.code)
    parties = [Party(each.code, each.name) for each in (one, other, into)]
    session.commit()
    mirror = up_to_date(app, session, ask)
    with changing(app, mirror, 2), app.app_context():
        ref = successions.record_change(
            SERVICE,
            ChangePlan(
                kind=Change.MERGE,
                effective_on=clock.today() + timedelta(days=20),
                links=(LinkPlan(parties[0], parties[2]), LinkPlan(parties[1], parties[2])),
                source="The order",
                source_date=clock.today(),
            ),
        )
    found = of(mirror, "successions", ref)
    assert [(link["predecessor"], link["successor"]) for link in found["links"]] == [
        (ids[0], ids[2]),
        (ids[1], ids[2]),
    ]
    assert of(mirror, "organisations", ids[0])["closed_on"] == found["effective_on"]
    with changing(app, mirror, 3), app.app_context():
        successions.cancel(SERVICE, ref)
    gone = of(mirror, "successions", ref)
    assert gone["withdrawn_at"] is not None
    assert {key for key, value in gone.items() if value not in (None, [])} == {
        "id",
        "updated_at",
        "withdrawn_at",
    }
    assert of(mirror, "organisations", ids[0])["closed_on"] is None


def test_an_organisation_that_gets_its_code_leads_on_from_what_it_was_known_by(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    board = make_organisation(session, Kind.ICB, code="a-new-board", ods_code=None)
    trust = make_organisation(session, Kind.TRUST, parent_id=board.id)
    need = make_need(session, board, rank=1)
    cycle, ref, code = the_cycle(session).id, need.ref, trust.code
    places.note(session, board.id, cycle)
    session.commit()
    mirror = up_to_date(app, session, ask)
    assert of(mirror, "priorities", f"{cycle}-a-new-board")["first"] == ref
    with changing(app, mirror, 2), app.app_context():
        successions.give_code(SERVICE, "a-new-board", "QZZ")
    former = of(mirror, "organisations", "a-new-board")
    assert (former["replaced_by"], former["withdrawn_at"] is not None) == ("QZZ", True)
    assert of(mirror, "organisations", "QZZ")["ods_code"] == "QZZ"
    assert of(mirror, "organisations", code)["parent"] == "QZZ"
    assert of(mirror, "needs", ref)["organisation"] == "QZZ"
    assert of(mirror, "priorities", f"{cycle}-a-new-board")["organisation"] == "QZZ"
    assert of(mirror, "answers", f"{cycle}-a-new-board")["organisation"] == "QZZ"
    status, _, body = ask(f"/open/v1/priorities/{cycle}-a-new-board", {})
    assert (status, b"QZZ" in body) == (200, True)


def test_a_patch_that_changes_comes_with_its_network(
    app: Flask, session: Session, ask: Fetch, world: World
) -> None:
    hin = world.family.settled_by_hin
    assert hin is not None
    code, trust = hin.code, world.trust.code
    admin = make_actor(session, Role.ADMINISTRATOR, make_organisation(session, Kind.SERVICE))
    session.commit()
    mirror = up_to_date(app, session, ask)
    before = of(mirror, "organisations", code)["patch"]
    with changing(app, mirror, 2), app.app_context():
        organisations.add_to_patch(
            admin, code, trust, source="A list", source_date=clock.today(), confirmed=True
        )
    assert of(mirror, "organisations", code)["patch"] == sorted([*before, trust])
    with changing(app, mirror, 3), app.app_context():
        organisations.remove_from_patch(admin, code, trust)
    assert of(mirror, "organisations", code)["patch"] == before
