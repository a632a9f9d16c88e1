from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries as accounts
from marketplace.accounts.models import Membership, User
from marketplace.audit.models import AuditEvent
from marketplace.errors import DomainError, NotPermitted, NotVisible
from marketplace.organisations.models import Kind, Organisation
from marketplace.outbox.models import OutboxRow
from marketplace.passports import actions, queries, rules
from marketplace.passports.models import Passport
from marketplace.passports.queries import Filters
from marketplace.passports.rules import PassportContent, Standing
from marketplace.submissions.actions import AlreadyDone
from marketplace.technologies import actions as technologies
from marketplace.technologies.models import Technology
from tests.conftest import statements
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_actor, make_user
from tests.factories.technologies import make_evidence, make_technology


@pytest.fixture
def body(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST, name="Test Assessing Trust")


@pytest.fixture
def assessor(session: Session, body: Organisation) -> Actor:
    return make_actor(session, Role.ASSESSOR, body)


@pytest.fixture
def technology(session: Session) -> Technology:
    technology = make_technology(session)
    make_evidence(session, technology)
    return technology


def content(technology: Technology, **changes: object) -> PassportContent:
    today = clock.today()
    return PassportContent(
        **{
            "scope": "Adults on virtual wards",
            "conditions": "Not for people under 18",
            "valid_from": today,
            "valid_to": today + timedelta(days=700),
            "evidence": tuple(item.ref for item in technology.evidence),
        }
        | changes
    )


def outbox(session: Session) -> list[tuple[str, str]]:
    return [(row.topic, row.subject_id) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


def audit(session: Session) -> list[str]:
    return [event.action for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]


def test_a_passport_freezes_the_version_and_what_it_relied_on(
    session: Session, assessor: Actor, body: Organisation, technology: Technology
) -> None:
    number = actions.issue(assessor, technology.ref, content(technology))
    found = queries.by_number(number.lower())
    assert number.startswith(f"DS-{clock.today().year}-")
    assert found.passport.issuer_id == body.id
    assert found.passport.technology_version == 1
    assert [item.number for item in found.passport.relied_on] == ["TEST-20114"]
    assert found.passport.standing(clock.today()) is Standing.VALID
    assert outbox(session) == [("technology", technology.ref)]
    assert audit(session) == ["passport.issued"]


def test_an_assessor_of_the_supplier_is_refused(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    session.add(
        Membership(
            user_id=assessor.user_id,
            organisation_id=technology.supplier_id,
            role=Role.INNOVATOR,
            started_on=clock.today(),
        )
    )
    session.commit()
    both = accounts.actor_of(session, session.get_one(User, assessor.user_id))
    with pytest.raises(rules.ConflictOfInterest, match="You belong to the supplier"):
        actions.issue(both, technology.ref, content(technology))
    assert session.scalar(select(func.count()).select_from(Passport)) == 0


def test_only_an_assessor_issues_and_only_for_their_own_body(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    other = make_organisation(session, Kind.ICB)
    with pytest.raises(NotPermitted):
        actions.issue(assessor, technology.ref, content(technology, issuer_id=other.id))
    lead = make_actor(session, Role.NEED_LEAD, other)
    with pytest.raises(NotPermitted):
        actions.issue(lead, technology.ref, content(technology, issuer_id=other.id))


def test_an_assessor_of_two_bodies_says_for_which(
    session: Session, body: Organisation, technology: Technology
) -> None:
    user = make_user(session, Role.ASSESSOR, body)
    other = make_organisation(session, Kind.ICB)
    session.add(
        Membership(user_id=user.id, organisation_id=other.id, role=Role.ASSESSOR, started_on=clock.today())
    )
    session.commit()
    actor = accounts.actor_of(session, user)
    with pytest.raises(DomainError) as caught:
        actions.issue(actor, technology.ref, content(technology))
    assert caught.value.field == "issuer"
    number = actions.issue(actor, technology.ref, content(technology, issuer_id=other.id))
    assert queries.by_number(number).passport.issuer_id == other.id


def test_a_technology_that_was_not_listed_cannot_be_assessed(session: Session, assessor: Actor) -> None:
    draft = make_technology(session, listed=False)
    with pytest.raises(NotVisible):
        actions.issue(assessor, draft.ref, content(draft, evidence=("abc",)))


def test_a_technology_that_was_archived_or_changed_meanwhile_is_told(
    session: Session, assessor: Actor
) -> None:
    archived = make_technology(session, archived=True)
    with pytest.raises(rules.TechnologyChanged, match="off the register"):
        actions.issue(assessor, archived.ref, content(archived, evidence=("abc",)))
    technology = make_technology(session)
    item = make_evidence(session, technology)
    innovator = make_actor(session, Role.INNOVATOR, technology.supplier)
    technologies.save_draft(innovator, technology.ref, {"name": "Hearthview 2"}, lock_version=1)
    technologies.list_technology(innovator, technology.ref, change_note="A new name")
    with pytest.raises(rules.TechnologyChanged, match="version 2"):
        actions.issue(
            assessor, technology.ref, content(technology, evidence=(item.ref,), technology_version=1)
        )


def test_withdrawn_expired_or_foreign_evidence_cannot_be_relied_on(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    withdrawn = make_evidence(session, technology, withdrawn=True)
    expired = make_evidence(session, technology, expires_on=clock.today() - timedelta(days=1))
    foreign = make_evidence(session, make_technology(session))
    for item in (withdrawn, expired, foreign):
        with pytest.raises(DomainError) as caught:
            actions.issue(assessor, technology.ref, content(technology, evidence=(item.ref,)))
        assert caught.value.field == "evidence"


def test_a_form_sent_twice_issues_one_passport(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    number = actions.issue(assessor, technology.ref, content(technology), form_key="c" * 32)
    with pytest.raises(AlreadyDone) as again:
        actions.issue(assessor, technology.ref, content(technology), form_key="c" * 32)
    assert again.value.location == f"/passports/{number}"
    assert session.scalar(select(func.count()).select_from(Passport)) == 1


def test_a_passport_is_suspended_reinstated_and_revoked(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    number = actions.issue(assessor, technology.ref, content(technology))

    def standing() -> Standing:
        return queries.by_number(number).passport.standing(clock.today())

    with pytest.raises(rules.StandingChanged):
        actions.lift(assessor, number)
    actions.suspend(assessor, number, "A notice is being looked into")
    assert standing() is Standing.SUSPENDED
    with pytest.raises(rules.StandingChanged, match="suspended already"):
        actions.suspend(assessor, number, "Again")
    actions.lift(assessor, number)
    assert standing() is Standing.VALID
    actions.revoke(assessor, number, "The certificate was withdrawn")
    assert standing() is Standing.REVOKED
    with pytest.raises(rules.StandingChanged, match="revoked on"):
        actions.revoke(assessor, number, "Again")
    with pytest.raises(rules.StandingChanged):
        actions.lift(assessor, number)
    assert outbox(session) == [("technology", technology.ref)] * 4
    assert audit(session) == [
        "passport.issued",
        "passport.suspended",
        "passport.reinstated",
        "passport.revoked",
    ]


def test_nobody_but_the_issuer_changes_a_passport(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    number = actions.issue(assessor, technology.ref, content(technology))
    other = make_actor(session, Role.ASSESSOR)
    with pytest.raises(NotPermitted):
        actions.suspend(other, number, "A reason")
    with pytest.raises(NotPermitted):
        actions.revoke(other, number, "A reason")
    with pytest.raises(DomainError, match="Enter the reason"):
        actions.revoke(assessor, number, "")
    with pytest.raises(NotVisible):
        actions.revoke(assessor, "DS-2026-ZZZZZZ", "A reason")
    assert queries.by_number(number).passport.standing(clock.today()) is Standing.VALID


def test_the_database_and_the_rule_agree_on_every_standing(session: Session, technology: Technology) -> None:
    today = clock.today()
    days = [
        (today + timedelta(days=begin), today + timedelta(days=end))
        for begin, end in ((-10, 91), (-10, 90), (-10, 0), (-10, -1), (0, 400), (1, 400), (-400, 91))
    ]
    item = make_evidence(session, technology)
    for begin, end in days:
        for suspended in (False, True):
            for revoked in (False, True):
                make_passport(
                    session,
                    technology,
                    valid_from=begin,
                    valid_to=end,
                    suspended=suspended,
                    revoked=revoked,
                    relied_on=[item],
                )
    every = session.scalars(select(Passport)).all()
    for standing in Standing:
        expected = {one.id for one in every if one.standing(today) is standing}
        assert expected, standing
        assert set(session.scalars(select(Passport.id).where(queries.stands(standing, today)))) == expected
        found = queries.registered(Filters(standing=standing), limit=100)
        assert {entry.passport.id for entry in found} == expected


def test_the_best_passport_of_each_technology_is_found_in_one_query(app: Flask, session: Session) -> None:
    one, two, three = (make_technology(session) for _ in range(3))
    make_passport(session, one, revoked=True)
    soon = make_passport(session, one, valid_to=clock.today() + timedelta(days=30))
    long = make_passport(session, one, valid_to=clock.today() + timedelta(days=600))
    make_passport(session, one, suspended=True)
    held = make_passport(session, two, suspended=True)
    ids = [one.id, two.id, three.id]
    with statements(app) as sent:
        best = queries.best_standing(ids)
    assert {id_: (badge.number, badge.standing) for id_, badge in best.items()} == {
        ids[0]: (long.number, Standing.VALID),
        ids[1]: (held.number, Standing.SUSPENDED),
    }
    assert soon.number != long.number
    assert len([one for one in sent if one.startswith("SELECT")]) == 1
    assert set(session.scalars(queries.in_force())) == {ids[0]}
    assert queries.best_standing([]) == {}


def test_the_register_is_searched_by_number_name_and_issuer(
    session: Session, body: Organisation, technology: Technology
) -> None:
    mine = make_passport(session, technology, body)
    other = make_passport(session, make_technology(session, name="Stepdown Desk"))

    def numbers(filters: Filters) -> list[str]:
        found = [entry.passport.number for entry in queries.registered(filters, limit=10)]
        assert queries.count_registered(filters) == len(found)
        return found

    assert numbers(Filters()) == [other.number, mine.number]
    assert numbers(Filters(text=f" {mine.number.lower()} ")) == [mine.number]
    assert numbers(Filters(text="stepdown")) == [other.number]
    assert numbers(Filters(text="100%")) == []
    assert numbers(Filters(issuer=body.code)) == [mine.number]
    assert (body.code, body.name) in queries.issuers()


def test_the_demo_can_issue_in_the_past_by_moving_the_clock(
    session: Session, assessor: Actor, technology: Technology
) -> None:
    item = make_evidence(session, technology, issued_on=date(2020, 1, 1), expires_on=date(2024, 1, 1))
    with time_machine.travel("2022-06-01 12:00Z", tick=False):
        number = actions.issue(
            assessor,
            technology.ref,
            content(
                technology,
                valid_from=date(2022, 6, 1),
                valid_to=date(2024, 5, 31),
                evidence=(item.ref,),
            ),
        )
    assert number.startswith("DS-2022-")
    assert queries.by_number(number).passport.standing(clock.today()) is Standing.EXPIRED
