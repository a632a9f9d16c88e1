from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.audit.models import AuditEvent
from marketplace.errors import Conflict, DomainError, NotPermitted, NotVisible
from marketplace.introductions import actions, queries, rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Seen, Side, State, Stop
from marketplace.needs.models import Need
from marketplace.notices.models import Email
from marketplace.submissions.actions import AlreadyDone
from marketplace.technologies.models import Technology
from tests.factories.introductions import (
    NOTE,
    Parties,
    introduction_of,
    make_introduction,
)
from tests.factories.needs import make_need
from tests.factories.people import make_actor, make_user
from tests.factories.technologies import make_technology

WEDNESDAY = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)


@pytest.fixture
def parties(session: Session) -> Parties:
    return Parties.make(session)


@pytest.fixture
def need(session: Session, parties: Parties) -> Need:
    return make_need(session, parties.trust)


@pytest.fixture
def technology(session: Session, parties: Parties) -> Technology:
    return make_technology(session, parties.supplier)


def audited(session: Session) -> list[str]:
    session.rollback()
    return list(
        session.scalars(
            select(AuditEvent.action).where(AuditEvent.subject_kind == "introduction").order_by(AuditEvent.id)
        )
    )


def mail_to(session: Session, address: str) -> list[Email]:
    session.rollback()
    return list(session.scalars(select(Email).where(Email.to == address).order_by(Email.id)))


def subjects_to(session: Session, parties: Parties, name: str) -> list[str]:
    return [email.subject.split(":")[0] for email in mail_to(session, parties.people[name].email)]


def test_a_broker_proposes_and_both_sides_are_told(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    ref = actions.propose(parties.actor("broker"), need.ref, technology.ref, NOTE)
    introduction = introduction_of(session, ref)
    assert (introduction.need_id, introduction.technology_id) == (need.id, technology.id)
    assert (introduction.hin_id, introduction.broker_id) == (parties.hin.id, parties.people["broker"].id)
    assert introduction.decide_by == rules.answer_by(introduction.proposed_at)
    assert rules.state(introduction.course, clock.now()) is State.PROPOSED
    assert audited(session) == ["introduction.proposed"]
    for name in ("lead", "second lead", "innovator", "second innovator"):
        (email,) = mail_to(session, parties.people[name].email)
        assert email.subject.startswith("Introduction proposed: ")
        assert NOTE in email.body
        assert f"/introductions/{ref}" in email.body


def test_a_broker_of_another_hin_may_not_propose(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    with pytest.raises(NotPermitted):
        actions.propose(make_actor(session, Role.BROKER), need.ref, technology.ref, NOTE)
    assert audited(session) == []


@pytest.mark.parametrize("name", ["lead", "innovator"])
def test_a_side_may_not_propose(
    session: Session, parties: Parties, need: Need, technology: Technology, name: str
) -> None:
    with pytest.raises(NotPermitted):
        actions.propose(parties.actor(name), need.ref, technology.ref, NOTE)


def test_a_broker_who_is_lead_of_the_need_may_not_propose_it(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    both = make_user(session, Role.BROKER, parties.hin)
    parties.people["both"] = both
    session.add(
        Membership(
            user_id=both.id,
            organisation_id=parties.trust.id,
            role=Role.NEED_LEAD,
            started_on=clock.today(),
        )
    )
    session.commit()
    with pytest.raises(DomainError, match="Ask another broker"):
        actions.propose(parties.actor("both"), need.ref, technology.ref, NOTE)


def test_the_same_two_are_not_proposed_twice_at_a_time(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    actions.propose(parties.actor("broker"), need.ref, technology.ref, NOTE)
    with pytest.raises(DomainError, match="proposed to each other already"):
        actions.propose(parties.actor("second broker"), need.ref, technology.ref, NOTE)
    assert session.scalar(select(func.count()).select_from(Introduction)) == 1


def test_a_closed_proposal_may_be_made_again(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    broker = parties.actor("broker")
    first = actions.propose(broker, need.ref, technology.ref, NOTE)
    actions.close(broker, first, "The ward moves to another site first")
    second = actions.propose(broker, need.ref, technology.ref, NOTE)
    assert rules.state(introduction_of(session, second).course, clock.now()) is State.PROPOSED
    assert audited(session) == ["introduction.proposed", "introduction.closed", "introduction.proposed"]


def test_a_proposal_that_ran_out_of_time_does_not_stand_in_the_way_of_the_next(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    broker = parties.actor("broker")
    with clock.pretend(WEDNESDAY):
        first = actions.propose(broker, need.ref, technology.ref, NOTE)
    with clock.pretend(WEDNESDAY + timedelta(days=20)):
        actions.propose(broker, need.ref, technology.ref, NOTE)
        assert rules.stop(introduction_of(session, first).course, clock.now()) is Stop.NO_ANSWER
    assert audited(session) == ["introduction.proposed", "introduction.expired", "introduction.proposed"]


def test_two_who_were_introduced_are_not_proposed_again(session: Session, parties: Parties) -> None:
    made = make_introduction(session, parties, need=Decision.ACCEPTED, supplier=Decision.ACCEPTED)
    with pytest.raises(DomainError, match="have been introduced to each other already"):
        actions.propose(parties.actor("broker"), made.need.ref, made.technology.ref, NOTE)


def test_a_withdrawn_need_and_an_archived_technology_are_refused_plainly(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    broker = parties.actor("broker")
    technology.archived_at = clock.now()
    session.commit()
    with pytest.raises(DomainError, match="no longer listed"):
        actions.propose(broker, need.ref, technology.ref, NOTE)
    need.withdrawn_at = clock.now()
    session.commit()
    with pytest.raises(DomainError, match="need has been withdrawn"):
        actions.propose(broker, need.ref, technology.ref, NOTE)


def test_a_form_sent_twice_proposes_once(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    broker = parties.actor("broker")
    ref = actions.propose(broker, need.ref, technology.ref, NOTE, form_key="a" * 32)
    with pytest.raises(AlreadyDone) as again:
        actions.propose(broker, need.ref, technology.ref, NOTE, form_key="a" * 32)
    assert again.value.location == f"/introductions/{ref}"
    assert audited(session) == ["introduction.proposed"]


@pytest.mark.parametrize("first", list(Side))
def test_contact_details_go_out_when_the_second_side_accepts(
    session: Session, parties: Parties, need: Need, technology: Technology, first: Side
) -> None:
    ref = actions.propose(parties.actor("broker"), need.ref, technology.ref, NOTE)
    names = {Side.NEED: "lead", Side.SUPPLIER: "innovator"}
    seen = actions.decide(parties.actor(names[first]), ref, first, True, lock_version=1)
    assert seen is Seen.ACCEPTED
    seen = actions.decide(parties.actor(names[first.other]), ref, first.other, True, lock_version=1)
    assert seen is Seen.INTRODUCED
    for name in ("lead", "innovator", "broker"):
        email = mail_to(session, parties.people[name].email)[-1]
        assert email.subject.startswith("You have been introduced: ")
        for other in ("lead", "innovator", "broker"):
            person = parties.people[other]
            for detail in (person.name, person.job_title, person.email, person.telephone):
                assert detail in email.body
    assert subjects_to(session, parties, "second lead") == ["Introduction proposed"]


def test_a_refusal_is_told_to_the_broker_alone(
    session: Session, parties: Parties, need: Need, technology: Technology
) -> None:
    ref = actions.propose(parties.actor("broker"), need.ref, technology.ref, NOTE)
    actions.decide(parties.actor("lead"), ref, Side.NEED, False, "We chose another way", lock_version=1)
    introduction = introduction_of(session, ref)
    assert introduction.need_reason == "We chose another way"
    assert rules.stop(introduction.course, clock.now()) is Stop.DECLINED_BY_NEED
    assert rules.seen_by(Side.SUPPLIER, introduction.course, clock.now()) is Seen.TO_ANSWER
    assert subjects_to(session, parties, "broker") == [f"{parties.trust.name} declined"]
    assert subjects_to(session, parties, "innovator") == ["Introduction proposed"]
    details = session.scalars(select(AuditEvent.detail).where(AuditEvent.subject_id == ref)).all()
    assert "another way" not in str(details)


def test_a_refusal_needs_a_reason(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties).ref
    with pytest.raises(DomainError, match="why you decline") as refused:
        actions.decide(parties.actor("lead"), ref, Side.NEED, False, "", lock_version=1)
    assert refused.value.field == "reason"
    assert introduction_of(session, ref).need_decision is None


def test_an_answer_may_be_changed_until_the_introduction_is_made(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties, need=Decision.ACCEPTED, supplier=Decision.DECLINED).ref
    lead, innovator = parties.actor("lead"), parties.actor("innovator")
    actions.decide(lead, ref, Side.NEED, False, "Our budget was cut", lock_version=2)
    actions.decide(lead, ref, Side.NEED, True, lock_version=3)
    assert actions.decide(innovator, ref, Side.SUPPLIER, True, lock_version=2) is Seen.INTRODUCED
    with pytest.raises(Conflict, match="can no longer be changed"):
        actions.decide(lead, ref, Side.NEED, False, "Too late", lock_version=4)


def test_of_two_colleagues_the_second_is_told(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties).ref
    actions.decide(parties.actor("lead"), ref, Side.NEED, True, lock_version=1)
    with pytest.raises(Conflict, match="colleague"):
        actions.decide(parties.actor("second lead"), ref, Side.NEED, False, "No beds", lock_version=1)
    assert introduction_of(session, ref).need_decision is Decision.ACCEPTED


def test_an_answer_of_the_other_side_does_not_make_a_form_stale(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties, supplier=Decision.DECLINED).ref
    assert actions.decide(parties.actor("lead"), ref, Side.NEED, True, lock_version=1) is Seen.ACCEPTED


def test_strangers_learn_nothing_and_the_wrong_side_may_not_answer(
    session: Session, parties: Parties
) -> None:
    ref = make_introduction(session, parties).ref
    strangers: list[Callable[[], Actor]] = [
        lambda: make_actor(session, Role.NEED_LEAD),
        lambda: make_actor(session, Role.INNOVATOR),
        lambda: make_actor(session, Role.BROKER),
        lambda: make_actor(session, Role.ADMINISTRATOR),
    ]
    for stranger in strangers:
        for side in Side:
            with pytest.raises(NotVisible):
                actions.decide(stranger(), ref, side, True, lock_version=1)
        with pytest.raises(NotVisible):
            actions.close(stranger(), ref, "Not mine to close")
    with pytest.raises(NotPermitted):
        actions.decide(parties.actor("lead"), ref, Side.SUPPLIER, True, lock_version=1)
    with pytest.raises(NotPermitted):
        actions.decide(parties.actor("broker"), ref, Side.NEED, True, lock_version=1)
    with pytest.raises(NotPermitted):
        actions.close(parties.actor("lead"), ref, "Not mine to close")
    assert audited(session) == []


def test_nobody_accepts_when_the_need_has_been_withdrawn(session: Session, parties: Parties) -> None:
    introduction = make_introduction(session, parties, supplier=Decision.ACCEPTED)
    introduction.need.withdrawn_at = clock.now()
    session.commit()
    with pytest.raises(DomainError, match="need has been withdrawn"):
        actions.decide(parties.actor("lead"), introduction.ref, Side.NEED, True, lock_version=1)
    assert introduction_of(session, introduction.ref).need_decision is None


def test_closing_tells_both_sides_the_same_and_keeps_the_reason(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties, supplier=Decision.DECLINED).ref
    actions.close(parties.actor("second broker"), ref, "The supplier is being bought")
    letters = {
        (email.subject, email.body)
        for name in ("lead", "second lead", "innovator", "second innovator")
        for email in mail_to(session, parties.people[name].email)
    }
    assert len(letters) == 1
    ((subject, body),) = letters
    assert subject.startswith("Not going ahead: ")
    assert "being bought" not in body
    assert introduction_of(session, ref).closed_reason == "The supplier is being bought"
    with pytest.raises(Conflict, match="closed already"):
        actions.close(parties.actor("broker"), ref, "Closed once more")


def test_a_broker_with_an_old_page_is_told_of_the_answer_that_came(
    session: Session, parties: Parties
) -> None:
    ref = make_introduction(session, parties).ref
    actions.decide(parties.actor("lead"), ref, Side.NEED, True, lock_version=1)
    with pytest.raises(Conflict, match="An answer has come meanwhile"):
        actions.close(parties.actor("broker"), ref, "Nobody answers", lock_version=1)


def test_time_closes_what_was_not_answered_and_leaves_the_rest(session: Session, parties: Parties) -> None:
    with clock.pretend(WEDNESDAY):
        silent = make_introduction(session, parties).ref
        half = make_introduction(session, parties, need=Decision.ACCEPTED).ref
        made = make_introduction(session, parties, need=Decision.ACCEPTED, supplier=Decision.ACCEPTED).ref
        end = rules.answer_by(WEDNESDAY)
    with clock.pretend(end - timedelta(seconds=1)):
        assert actions.expire_overdue() == 0
    with clock.pretend(end):
        assert actions.expire_overdue() == 2
        assert actions.expire_overdue() == 0
    states = {ref: rules.state(introduction_of(session, ref).course, end) for ref in (silent, half, made)}
    assert states == {silent: State.STOPPED, half: State.STOPPED, made: State.INTRODUCED}
    assert audited(session) == ["introduction.expired"] * 2
    assert subjects_to(session, parties, "innovator").count("Not going ahead") == 2
    assert subjects_to(session, parties, "broker").count("Closed") == 2


def test_time_closes_what_lost_its_need(session: Session, parties: Parties) -> None:
    introduction = make_introduction(session, parties)
    introduction.need.withdrawn_at = clock.now()
    session.commit()
    assert actions.expire_overdue() == 1
    assert introduction_of(session, introduction.ref).closed_reason == "The need was withdrawn"


def test_a_side_that_has_not_answered_is_reminded_once(session: Session, parties: Parties) -> None:
    with clock.pretend(WEDNESDAY):
        make_introduction(session, parties, need=Decision.ACCEPTED)
        when = rules.remind_at(rules.answer_by(WEDNESDAY))
    for moment, expected in (
        (when - timedelta(seconds=1), []),
        (when, ["Reminder"]),
        (when + timedelta(hours=1), ["Reminder"]),
    ):
        with clock.pretend(moment):
            actions.expire_overdue()
        assert subjects_to(session, parties, "innovator") == expected
    assert subjects_to(session, parties, "lead") == []


def test_a_late_worker_closes_without_a_reminder(session: Session, parties: Parties) -> None:
    with clock.pretend(WEDNESDAY):
        make_introduction(session, parties)
    with clock.pretend(WEDNESDAY + timedelta(days=30)):
        assert actions.expire_overdue() == 1
    assert subjects_to(session, parties, "innovator") == ["Not going ahead"]


def leave(session: Session, person: User) -> None:
    """End every role of a person."""
    for membership in session.scalars(select(Membership).where(Membership.user_id == person.id)):
        membership.ended_on = clock.today()
    session.commit()


def take_a_side(session: Session, parties: Parties, person: User, side: Side) -> None:
    """Give a person the role that answers for a side, besides what they hold."""
    at, role = (parties.trust, Role.NEED_LEAD) if side is Side.NEED else (parties.supplier, Role.INNOVATOR)
    session.add(Membership(user_id=person.id, organisation_id=at.id, role=role, started_on=clock.today()))
    session.commit()


@pytest.mark.parametrize("why", ["left", *Side])
def test_a_broker_who_left_or_took_a_side_is_told_nothing_more_and_the_hins_other_brokers_are(
    session: Session, parties: Parties, why: str | Side
) -> None:
    declined, made, unanswered = (make_introduction(session, parties) for _ in range(3))
    broker, second = parties.people["broker"], parties.people["second broker"]
    if isinstance(why, Side):
        take_a_side(session, parties, broker, why)
    else:
        leave(session, broker)
    lead, innovator = parties.actor("lead"), parties.actor("innovator")
    actions.decide(
        innovator, declined.ref, Side.SUPPLIER, False, "We have other plans this year", lock_version=1
    )
    actions.decide(lead, made.ref, Side.NEED, True, lock_version=1)
    actions.decide(innovator, made.ref, Side.SUPPLIER, True, lock_version=1)
    with time_machine.travel(unanswered.decide_by, tick=False):
        actions.expire_overdue()
    names = ("declined", "accepted", "Closed", "You have been introduced")
    told = subjects_to(session, parties, "second broker")
    assert [sum(name in subject for subject in told) for name in names] == [1, 1, 2, 1]
    assert not any(
        name in subject
        for subject in subjects_to(session, parties, "broker")
        for name in ("declined", "accepted", "Closed", "introduced")
    )
    letter = mail_to(session, parties.people["lead"].email)[0]
    assert letter.subject.startswith("You have been introduced")
    assert broker.email not in letter.body
    assert second.email in letter.body
    shown = queries.contacts(session, introduction_of(session, made.ref))
    assert [contact.email for _, contact in shown] == [
        parties.people["lead"].email,
        parties.people["innovator"].email,
        second.email,
    ]


def test_a_broker_who_stays_is_told_alone(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties).ref
    actions.decide(parties.actor("lead"), ref, Side.NEED, True, lock_version=1)
    assert len(mail_to(session, parties.people["broker"].email)) == 1
    assert mail_to(session, parties.people["second broker"].email) == []


def test_a_hin_without_brokers_is_written_to_by_nobody(session: Session, parties: Parties) -> None:
    ref = make_introduction(session, parties).ref
    for name in ("broker", "second broker"):
        leave(session, parties.people[name])
    actions.decide(parties.actor("lead"), ref, Side.NEED, True, lock_version=1)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Email)) == 0
