from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.audit.models import AuditEvent
from marketplace.errors import Conflict, DomainError, Gone, NotPermitted, NotVisible
from marketplace.organisations.models import Kind, Organisation
from marketplace.outbox.models import OutboxRow
from marketplace.submissions.actions import AlreadyDone
from marketplace.technologies import actions, queries, rules
from marketplace.technologies.models import Technology
from marketplace.technologies.queries import Filters, PassportFilter
from marketplace.vocabulary import CareSetting, ClinicalArea, Readiness
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_actor
from tests.factories.technologies import (
    evidence_content,
    make_evidence,
    make_technology,
    technology_content,
)


@pytest.fixture
def supplier(session: Session) -> Organisation:
    return make_organisation(session, Kind.SUPPLIER, name="Silverthrush Ltd")


@pytest.fixture
def innovator(session: Session, supplier: Organisation) -> Actor:
    return make_actor(session, Role.INNOVATOR, supplier)


@pytest.fixture
def rival(session: Session) -> Actor:
    return make_actor(session, Role.INNOVATOR)


def outbox(session: Session) -> list[tuple[str, str]]:
    return [(row.topic, row.subject_id) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


def audit(session: Session) -> list[str]:
    return [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]


def test_a_draft_becomes_version_1_that_everybody_sees(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    assert queries.listed(ANONYMOUS, limit=10) == []
    assert outbox(session) == []

    assert actions.list_technology(innovator, ref) == 1

    [technology] = queries.listed(ANONYMOUS, limit=10)
    assert technology.current is not None
    assert (technology.ref, technology.current.content) == (ref, technology_content())
    assert outbox(session) == [("technology", ref)]
    assert audit(session) == ["technology.begun", "technology.listed"]


def test_the_old_version_is_seen_while_a_new_one_is_being_written(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    actions.list_technology(innovator, ref)
    lock = queries.own_by_ref(innovator, ref).draft.lock_version
    actions.save_draft(innovator, ref, {"name": "Hearthview 2"}, lock_version=lock)
    assert queries.public_by_ref(ANONYMOUS, ref).current.name == "Hearthview"

    with pytest.raises(DomainError, match="what has changed"):
        actions.list_technology(innovator, ref)
    assert actions.list_technology(innovator, ref, change_note="A new name") == 2

    technology = queries.public_by_ref(ANONYMOUS, ref)
    assert [(one.number, one.name, one.change_note) for one in technology.versions] == [
        (1, "Hearthview", ""),
        (2, "Hearthview 2", "A new name"),
    ]
    assert technology.current.number == 2


def test_an_unfinished_draft_is_not_listed(innovator: Actor, supplier: Organisation) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content(summary="", readiness=None))
    with pytest.raises(rules.Incomplete) as caught:
        actions.list_technology(innovator, ref)
    assert caught.value.missing == ("summary", "readiness")
    with pytest.raises(NotVisible):
        queries.public_by_ref(ANONYMOUS, ref)


def test_a_draft_that_was_saved_elsewhere_is_not_overwritten(
    innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id)
    first = actions.save_draft(innovator, ref, {"name": "Theirs"}, lock_version=1)
    assert first == 2
    with pytest.raises(rules.DraftChanged):
        actions.save_draft(innovator, ref, {"name": "Mine"}, lock_version=1)
    assert queries.own_by_ref(innovator, ref).draft.name == "Theirs"
    assert actions.save_draft(innovator, ref, {"name": "Mine"}, lock_version=2) == 3


def test_the_same_answer_sent_twice_is_no_conflict(innovator: Actor, supplier: Organisation) -> None:
    ref = actions.create_draft(innovator, supplier.id)
    assert actions.save_draft(innovator, ref, {"name": "Once"}, lock_version=1) == 2
    assert actions.save_draft(innovator, ref, {"name": "Once"}, lock_version=1) == 2


def test_a_form_opened_before_the_listing_is_stale_after_it(innovator: Actor, supplier: Organisation) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    actions.list_technology(innovator, ref)
    with pytest.raises(rules.DraftChanged):
        actions.save_draft(innovator, ref, {"name": "Typed before"}, lock_version=1)


def test_answers_changed_after_they_were_checked_are_not_listed(
    innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    actions.save_draft(innovator, ref, {"name": "Another"}, lock_version=1)
    with pytest.raises(rules.DraftChanged):
        actions.list_technology(innovator, ref, lock_version=1)


def test_a_form_sent_twice_makes_one_technology_and_one_version(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content(), form_key="a" * 32)
    with pytest.raises(AlreadyDone) as again:
        actions.create_draft(innovator, supplier.id, technology_content(), form_key="a" * 32)
    assert again.value.location == f"/our-technologies/{ref}"
    assert [one.ref for one in queries.own(innovator)] == [ref]

    actions.list_technology(innovator, ref, form_key="b" * 32)
    with pytest.raises(AlreadyDone) as listed:
        actions.list_technology(innovator, ref, form_key="b" * 32)
    assert listed.value.location == f"/technologies/{ref}"
    assert queries.own_by_ref(innovator, ref).version == 1


def test_changes_can_be_thrown_away(innovator: Actor, supplier: Organisation) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    with pytest.raises(DomainError, match="not been listed"):
        actions.discard_changes(innovator, ref)
    actions.list_technology(innovator, ref)
    lock = queries.own_by_ref(innovator, ref).draft.lock_version
    actions.save_draft(innovator, ref, {"name": "Changed"}, lock_version=lock)
    actions.discard_changes(innovator, ref)
    assert queries.own_by_ref(innovator, ref).draft.content == technology_content()


def test_an_archived_technology_is_gone_for_everybody_but_its_supplier(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    actions.list_technology(innovator, ref)
    actions.archive(innovator, ref)
    assert queries.listed(innovator, limit=10) == []
    with pytest.raises(Gone, match="took this technology off the register"):
        queries.public_by_ref(ANONYMOUS, ref)
    assert queries.public_by_ref(innovator, ref).ref == ref
    assert outbox(session) == [("technology", ref)] * 2
    with pytest.raises(Conflict):
        actions.archive(innovator, ref)
    with pytest.raises(Conflict, match="archived"):
        actions.save_draft(innovator, ref, {"name": "Late"}, lock_version=2)
    with pytest.raises(Conflict, match="archived"):
        actions.add_evidence(innovator, ref, evidence_content())


def test_a_rival_learns_nothing_of_a_draft_and_may_not_touch_a_listing(
    session: Session, innovator: Actor, rival: Actor, supplier: Organisation
) -> None:
    draft = make_technology(session, supplier, listed=False)
    public = make_technology(session, supplier)
    with pytest.raises(NotVisible):
        actions.save_draft(rival, draft.ref, {"name": "x"}, lock_version=1)
    with pytest.raises(NotPermitted):
        actions.save_draft(rival, public.ref, {"name": "x"}, lock_version=1)
    with pytest.raises(NotPermitted):
        actions.archive(rival, public.ref)
    with pytest.raises(NotVisible):
        actions.create_draft(rival, supplier.id)
    assert [one.ref for one in session.scalars(queries.visible_to(rival))] == [public.ref]
    seen = session.scalars(queries.visible_to(innovator).order_by(Technology.id))
    assert [one.ref for one in seen] == [draft.ref, public.ref]


def test_evidence_is_added_changed_and_withdrawn_and_the_worker_is_told(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    added = actions.add_evidence(innovator, ref, evidence_content())
    changed = actions.change_evidence(innovator, ref, added, evidence_content(number="TEST-2"))
    technology = queries.own_by_ref(innovator, ref)
    session.refresh(technology)
    assert [(item.ref, item.withdrawn_at is None) for item in technology.evidence] == [
        (added, False),
        (changed, True),
    ]
    assert [item.content for item in technology.evidence_held(clock.today())] == [
        evidence_content(number="TEST-2")
    ]

    actions.withdraw_evidence(innovator, ref, changed)
    session.refresh(technology)
    assert technology.evidence_held(clock.today()) == []
    assert outbox(session) == [("technology", ref)] * 3
    assert audit(session) == [
        "technology.begun",
        "evidence.added",
        "evidence.changed",
        "evidence.withdrawn",
    ]


def test_evidence_that_was_withdrawn_meanwhile_is_not_changed(
    innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id)
    item = actions.add_evidence(innovator, ref, evidence_content())
    actions.withdraw_evidence(innovator, ref, item)
    with pytest.raises(rules.EvidenceGone):
        actions.change_evidence(innovator, ref, item, evidence_content(number="TEST-2"))
    with pytest.raises(rules.EvidenceGone):
        actions.withdraw_evidence(innovator, ref, item)


def test_evidence_of_another_technology_cannot_be_reached(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    mine = actions.create_draft(innovator, supplier.id)
    theirs = make_evidence(session, make_technology(session))
    with pytest.raises(NotVisible):
        actions.withdraw_evidence(innovator, mine, theirs.ref)


def test_impossible_evidence_is_refused_and_leaves_no_trace(
    session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id)
    tomorrow = clock.today() + timedelta(days=1)
    with pytest.raises(DomainError, match="today or in the past"):
        actions.add_evidence(innovator, ref, evidence_content(issued_on=tomorrow))
    assert queries.own_by_ref(innovator, ref).evidence == []
    assert audit(session) == ["technology.begun"]


def refs_of(filters: Filters) -> list[str]:
    found = [one.ref for one in queries.listed(ANONYMOUS, filters, limit=50)]
    assert queries.count_listed(ANONYMOUS, filters) == len(found)
    assert sorted(queries.listed_refs(ANONYMOUS, filters)) == sorted(found)
    return found


def test_the_register_is_narrowed_by_area_setting_readiness_and_passport(session: Session) -> None:
    lungs = make_technology(session)
    heart = make_technology(
        session,
        clinical_areas=(ClinicalArea.CARDIOVASCULAR, ClinicalArea.RESPIRATORY),
        settings=(CareSetting.CARE_HOME,),
        readiness=Readiness.PILOT,
    )
    make_technology(session, listed=False)
    make_technology(session, archived=True)
    make_passport(session, heart)
    make_passport(session, lungs, suspended=True)

    assert refs_of(Filters()) == [heart.ref, lungs.ref]
    assert refs_of(Filters(clinical_area=ClinicalArea.CARDIOVASCULAR)) == [heart.ref]
    assert refs_of(Filters(clinical_area=ClinicalArea.RESPIRATORY)) == [heart.ref, lungs.ref]
    assert refs_of(Filters(setting=CareSetting.HOME)) == [lungs.ref]
    assert refs_of(Filters(setting=CareSetting.CARE_HOME)) == [heart.ref, lungs.ref]
    assert refs_of(Filters(readiness=Readiness.PILOT)) == [heart.ref]
    assert refs_of(Filters(passport=PassportFilter.YES)) == [heart.ref]
    assert refs_of(Filters(passport=PassportFilter.NO)) == [lungs.ref]


def test_a_care_home_is_not_taken_for_a_home(session: Session) -> None:
    make_technology(session, settings=(CareSetting.CARE_HOME,))
    assert refs_of(Filters(setting=CareSetting.HOME)) == []


def test_what_is_given_by_reference_keeps_its_order_and_loses_what_is_not_public(session: Session) -> None:
    one, two = make_technology(session), make_technology(session)
    draft = make_technology(session, listed=False)
    found = queries.listed_by_refs(ANONYMOUS, [two.ref, draft.ref, "nowhere0", one.ref])
    assert [technology.ref for technology in found] == [two.ref, one.ref]


def test_a_content_with_unknown_fields_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="not a question"):
        rules.with_changes(technology_content(), {"price": "1"})  # type: ignore[typeddict-unknown-key]


def test_of_people_who_save_one_draft_at_the_same_moment_one_wins_and_the_others_are_told(
    app: Flask, session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id)
    session.rollback()
    together = Barrier(4)

    def save(number: int) -> str:
        with app.app_context():
            together.wait(timeout=10)
            try:
                actions.save_draft(innovator, ref, {"name": f"Name {number}"}, lock_version=1)
            except rules.DraftChanged:
                return ""
            return f"Name {number}"

    with ThreadPoolExecutor(4) as pool:
        saved = [name for name in pool.map(save, range(4)) if name]
    session.rollback()
    draft = queries.own_by_ref(innovator, ref).draft
    assert draft is not None
    assert saved == [draft.name]
    assert draft.lock_version == 2


def test_of_parallel_copies_of_one_form_one_lists_the_technology(
    app: Flask, session: Session, innovator: Actor, supplier: Organisation
) -> None:
    ref = actions.create_draft(innovator, supplier.id, technology_content())
    session.rollback()
    together = Barrier(4)

    def press(_: int) -> str:
        with app.app_context():
            together.wait(timeout=10)
            try:
                return f"version {actions.list_technology(innovator, ref, form_key='d' * 32)}"
            except AlreadyDone as done:
                return done.location

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(press, range(4)))
    session.rollback()
    assert answers == [f"/technologies/{ref}"] * 3 + ["version 1"]
    assert queries.own_by_ref(innovator, ref).version == 1
