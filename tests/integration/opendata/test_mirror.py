"""A client that was written from the published document alone keeps a true copy, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.mirror import Fetch, Mirror
from marketplace import clock
from marketplace.access.actor import SERVICE
from marketplace.access.policy import Role
from marketplace.cycles import actions as cycles
from marketplace.needs import actions as needs
from marketplace.needs import places
from marketplace.needs.models import Cycle, Need, NeedVersion, Priority
from marketplace.opendata import catalogue
from marketplace.organisations.models import Change, Kind, Organisation, Succession, SuccessionMove
from marketplace.passports import actions as passports
from marketplace.passports.models import Passport
from marketplace.questions.models import Answer, Question
from marketplace.technologies import actions as technologies
from marketplace.technologies.models import Technology
from tests.factories.needs import make_cycle, make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor
from tests.integration.opendata.changes import DOCUMENT, copied, truth, up_to_date
from tests.web.opendata.world import World, make_newer, make_world


def change_everything(app: Flask, session: Session, world: World) -> None:
    """Do what people do: publish, withdraw, suspend, correct an answer, rename."""
    assessor = make_actor(session, Role.ASSESSOR, world.trust)
    lead = make_actor(session, Role.NEED_LEAD, world.trust)
    number, need_ref = world.passport.number, world.need.ref
    second = NeedVersion(
        need_id=world.need.id,
        number=3,
        change_note="Once more",
        published_at=clock.now(),
        title="A new title",
    )
    second.fill(world.need.versions[0].content())
    second.title = "A new title"
    session.add(second)
    world.need.version = 3
    correction = Answer(
        question_id=world.answered.id,
        number=3,
        question_text="Corrected once more?",
        text="Yes, corrected",
        answered_at=clock.now(),
    )
    session.add(correction)
    network = session.scalars(select(Organisation).where(Organisation.kind == Kind.HIN)).one()
    for renamed in (world.trust, network):
        renamed.name, renamed.updated_at = f"{renamed.name} with a new name", clock.now()
    make_need(session, world.trust, rank=None, title="A need that is new")
    session.commit()
    with app.app_context():
        passports.suspend(assessor, number, "A safety notice is being looked into.")
        needs.withdraw(lead, need_ref, "It was solved in another way.")


def test_the_first_copy_holds_every_record_of_every_collection(
    app: Flask, session: Session, ask: Fetch
) -> None:
    world = make_world(session)
    mirror = Mirror(DOCUMENT, ask)
    mirror.update()
    assert set(mirror.copies) == {f"/{name}" for name in catalogue.COLLECTIONS}
    assert copied(mirror) == truth(app)
    # And against the tables themselves, so that the two cannot be wrong in the same way.
    published = session.scalars(select(Need.ref).where(Need.published_at.is_not(None)))
    assert set(mirror.copies["/needs"].records) == set(published)
    assert set(mirror.copies["/technologies"].records) == {world.technology.ref, world.archived.ref}
    assert set(mirror.copies["/passports"].records) == set(session.scalars(select(Passport.number)))
    assert set(mirror.copies["/cycles"].records) == {str(one) for one in session.scalars(select(Cycle.id))}
    nhs = session.scalars(select(Organisation.code).where(Organisation.kind != Kind.SUPPLIER))
    assert set(mirror.copies["/organisations"].records) == set(nhs)
    answered = session.scalars(select(Question.ref).where(Question.answered_at.is_not(None)))
    assert set(mirror.copies["/questions"].records) == set(answered)
    versions = session.execute(select(Need.ref, NeedVersion.number).join(Need.versions)).all()
    assert set(mirror.copies["/need-versions"].records) == {f"{ref}-{number}" for ref, number in versions}
    ranked = session.execute(
        select(Priority.cycle_id, Organisation.code, Priority.rank, Need.ref)
        .join(Organisation, Organisation.id == Priority.organisation_id)
        .join(Need, Need.id == Priority.need_id)
    ).all()
    places = {
        (record["id"], rank + 1, record[place])
        for record in mirror.copies["/priorities"].records.values()
        for rank, place in enumerate(("first", "second", "third"))
        if record[place]
    }
    ranked = [row for row in ranked if row[-1] != world.draft.ref]
    assert places == {(f"{cycle}-{code}", rank, ref) for cycle, code, rank, ref in ranked}


def test_small_pages_give_the_same_copy(app: Flask, session: Session, ask: Fetch) -> None:
    make_world(session)
    mirror = Mirror(DOCUMENT, ask, limit=1)
    mirror.update()
    assert copied(mirror) == truth(app)


def test_asking_for_changes_brings_the_copy_up_to_date(app: Flask, session: Session, ask: Fetch) -> None:
    world = make_world(session)
    mirror = up_to_date(app, session, ask)
    before = truth(app)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        change_everything(app, session, world)
        came = mirror.update()
        assert copied(mirror) == truth(app)
    after = truth(app)
    assert after != before
    assert (
        mirror.copies["/needs"].records[world.need.ref]["withdrawn_reason"] == "It was solved in another way."
    )
    assert mirror.copies["/passports"].records[world.passport.number]["standing"] == "suspended"
    # Only what had changed came, and the minute before it.
    assert came < sum(len(records) for records in after.values())


def test_what_is_lifted_taken_off_and_emptied_comes_too(app: Flask, session: Session, ask: Fetch) -> None:
    world = make_world(session)
    assessor = make_actor(session, Role.ASSESSOR, world.trust)
    innovator = make_actor(session, Role.INNOVATOR, world.technology.supplier)
    lead = make_actor(session, Role.NEED_LEAD, world.trust)
    number, ref = world.passport.number, world.technology.ref
    needs_of = [
        one.ref for one in session.scalars(select(Need).where(Need.organisation_id == world.trust.id))
    ]
    published = [one for one in needs_of if one != world.draft.ref]
    session.rollback()
    with app.app_context():
        passports.suspend(assessor, number, "A safety notice is being looked into.")
    mirror = up_to_date(app, session, ask)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        with app.app_context():
            passports.lift(assessor, number)
            technologies.archive(innovator, ref)
            for one in published:
                needs.withdraw(lead, one, "It was solved in another way.")
        mirror.update()
        assert copied(mirror) == truth(app)
    assert mirror.copies["/passports"].records[number]["standing"] == "valid"
    assert mirror.copies["/technologies"].records[ref]["withdrawn_at"] is not None
    emptied = [
        (record["first"], record["second"], record["third"])
        for record in mirror.copies["/priorities"].records.values()
        if record["organisation"] == world.trust.code
    ]
    assert emptied == [(None, None, None)]


def test_what_the_calendar_changes_comes_too(app: Flask, session: Session, ask: Fetch) -> None:
    make_world(session)
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
    mirror = up_to_date(app, session, ask)
    moved = {}
    for days in (1, 100, 300, 635, 645, 700, 735):
        before = copied(mirror)
        with time_machine.travel(clock.now() + timedelta(days=days)):
            if days == 700:  # or the last minute before the newest would bring what changes next
                make_newer(session)
            came = mirror.update()
            assert copied(mirror) == truth(app), days
        # Of what has not changed little comes again.
        assert came < sum(len(copy.records) for copy in mirror.copies.values()) * 3 / 4, days
        moved[days] = copied(mirror) != before
    # The next cycle opens after 90 days and locks after 120; passports end soon after 640 days, and end after 730.
    assert moved == {1: False, 100: True, 300: True, 635: False, 645: True, 700: True, 735: True}


def test_nothing_new_is_told_in_a_few_bytes(session: Session, ask: Fetch) -> None:
    make_world(session)
    answers: list[tuple[int, bytes]] = []

    def noting(address: str, headers: dict[str, str]) -> tuple[int, object, bytes]:
        status, told, body = ask(address, headers)
        answers.append((status, body))
        return status, told, body

    mirror = Mirror(DOCUMENT, noting)  # type: ignore[arg-type] # headers are read alike
    for _ in range(3):
        mirror.update()
    answers.clear()
    assert mirror.update() == 0
    assert set(answers) == {(304, b"")}


def test_a_client_that_asks_too_often_waits_and_goes_on(app: Flask, session: Session, ask: Fetch) -> None:
    make_world(session)
    app.extensions["open_data_limiter"].per_minute = 4
    with time_machine.travel(clock.now(), tick=False) as traveller:
        mirror = Mirror(DOCUMENT, ask, wait=lambda seconds: traveller.shift(seconds))
        mirror.update()
    assert copied(mirror) == truth(app)


def test_a_need_that_changes_while_pages_are_read_is_not_missed(
    app: Flask, session: Session, get: Callable[[str], bytes]
) -> None:
    world = make_world(session)
    seen: dict[str, str] = {}
    address = "/open/v1/needs?limit=1"
    first = True
    while address:
        page = json.loads(get(address))
        seen |= {record["id"]: record["title"] for record in page["items"]}
        if first:
            # The first record moves to the end, and another need is published meanwhile.
            changed = session.scalars(select(Need).where(Need.ref == page["items"][0]["id"])).one()
            version = NeedVersion(need_id=changed.id, number=changed.version + 1, published_at=clock.now())
            version.fill(changed.versions[0].content())
            version.title = "Changed meanwhile"
            session.add(version)
            changed.version += 1
            new = make_need(session, world.trust, rank=None, title="Published meanwhile")
            session.commit()
            first = False
        address = page["next"].removeprefix("http://127.0.0.1:8000") if page["next"] else ""
    assert seen[changed.ref] == "Changed meanwhile"
    assert seen[new.ref] == "Published meanwhile"
    assert set(seen) == set(session.scalars(select(Need.ref).where(Need.published_at.is_not(None))))


def test_technologies_that_were_never_listed_are_in_no_copy(session: Session, ask: Fetch) -> None:
    world = make_world(session)
    mirror = Mirror(DOCUMENT, ask)
    mirror.update()
    assert world.unlisted.ref not in json.dumps(copied(mirror))
    assert session.scalar(select(Technology.id).where(Technology.ref == world.unlisted.ref)) is not None


def test_a_need_that_is_confirmed_in_a_new_cycle_comes_too(app: Flask, session: Session, ask: Fetch) -> None:
    world = make_world(session)
    old = session.scalars(select(Cycle).order_by(Cycle.opens_on)).first()
    need = make_need(session, cycle=old)
    mirror = up_to_date(app, session, ask)
    assert mirror.copies["/needs"].records[need.ref]["standing"] == "to-confirm"
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        cycle = the_cycle(session)
        session.add(
            Priority(organisation_id=need.organisation_id, cycle_id=cycle.id, rank=1, need_id=need.id)
        )
        places.note(session, need.organisation_id, cycle.id)
        session.commit()
        mirror.update()
        assert copied(mirror) == truth(app)
    assert mirror.copies["/needs"].records[need.ref]["standing"] == "current"
    assert need.organisation_id != world.trust.id


def test_a_need_that_is_current_again_because_a_cycle_was_cancelled_comes_too(
    app: Flask, session: Session, ask: Fetch
) -> None:
    make_world(session)
    latest, need = the_cycle(session), make_need(session, rank=2)
    ref, opens_on = need.ref, clock.today() + timedelta(days=1)
    latest.reminds_on = latest.locks_on = latest.closes_on = clock.today()
    wrong = make_cycle(session, opens_on=opens_on, closes_on=opens_on + timedelta(days=30))
    with time_machine.travel(clock.now() + timedelta(days=2)):
        mirror = Mirror(DOCUMENT, ask)
        mirror.update()
    assert mirror.copies["/needs"].records[ref]["standing"] == "to-confirm"
    with time_machine.travel(clock.now() + timedelta(days=3)):
        wrong_id = wrong.id
        with app.app_context():
            cycles.cancel(SERVICE, wrong_id, "A mistake")
        mirror.update()
        assert copied(mirror)["/needs"] == truth(app)["/needs"]
        # Answers of organisations that were asked in it are not told one by one: they go with the cycle.
        assert copied(mirror)["/cycles"] == truth(app)["/cycles"]
        assert copied(mirror)["/coverage"] == truth(app)["/coverage"]
    assert mirror.copies["/needs"].records[ref]["standing"] == "current"
    assert mirror.copies["/cycles"].records[str(wrong_id)]["withdrawn_reason"] == "A mistake"
    assert mirror.copies["/coverage"].records[str(wrong_id)]["withdrawn_at"] is not None


def test_a_need_that_moves_to_another_organisation_comes_too(
    app: Flask, session: Session, ask: Fetch
) -> None:
    world = make_world(session)
    heir = make_organisation(session, Kind.TRUST)
    mirror = up_to_date(app, session, ask)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        succession = Succession(
            ref="merger000001",
            kind=next(iter(Change)),
            effective_on=clock.today(),
            source="test",
            source_date=clock.today(),
            recorded_at=clock.now(),
        )
        session.add(succession)
        session.flush()
        session.add(
            SuccessionMove(
                succession_id=succession.id,
                kind="need",
                subject_id=world.need.id,
                from_id=world.trust.id,
                to_id=heir.id,
                at=clock.now(),
            )
        )
        world.need.organisation_id = heir.id
        session.commit()
        mirror.update()
        assert copied(mirror) == truth(app)
    assert mirror.copies["/needs"].records[world.need.ref]["organisation"] == heir.code
    assert mirror.copies["/need-versions"].records[f"{world.need.ref}-1"]["organisation"] == heir.code


def test_a_place_held_while_a_need_is_signed_off_is_told_when_it_is_published(
    app: Flask, session: Session, ask: Fetch
) -> None:
    world = make_world(session)
    mirror = up_to_date(app, session, ask)

    def third() -> object:
        (record,) = (
            one
            for one in mirror.copies["/priorities"].records.values()
            if one["page"].endswith(world.trust.code)
        )
        return record["third"]

    assert third() is None
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        version = NeedVersion(need_id=world.draft.id, number=1, published_at=clock.now())
        version.fill(world.need.versions[0].content())
        session.add(version)
        world.draft.version, world.draft.published_at = 1, clock.now()
        session.commit()
        mirror.update()
        assert copied(mirror) == truth(app)
    assert third() == world.draft.ref


def test_evidence_that_is_withdrawn_comes_with_the_technology_and_the_passports_that_rest_on_it(
    app: Flask, session: Session, ask: Fetch
) -> None:
    world = make_world(session)
    innovator = make_actor(session, Role.INNOVATOR, world.technology.supplier)
    technology, number = world.technology.ref, world.passport.number
    evidence = [one.ref for one in world.passport.relied_on]
    mirror = up_to_date(app, session, ask)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        with app.app_context():
            for one in evidence:
                technologies.withdraw_evidence(innovator, technology, one)
        mirror.update()
        assert copied(mirror) == truth(app)
    assert mirror.copies["/passports"].records[number]["evidence"][0]["withdrawn_on"] is not None


def test_a_supplier_with_a_new_name_comes_with_its_technologies_and_passports(
    app: Flask, session: Session, ask: Fetch
) -> None:
    world = make_world(session)
    mirror = up_to_date(app, session, ask)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        supplier = world.technology.supplier
        supplier.name, supplier.updated_at = "Another name Ltd", clock.now()
        session.commit()
        mirror.update()
        assert copied(mirror) == truth(app)
    assert mirror.copies["/technologies"].records[world.technology.ref]["supplier"] == "Another name Ltd"
