"""Each need has a lead and a deputy, who takes over when the lead leaves."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import actions as accounts
from marketplace.accounts import queries as people
from marketplace.accounts.models import User
from marketplace.errors import Conflict, DomainError, NotPermitted, NotVisible
from marketplace.needs import actions, submitting
from marketplace.needs.signing import NotReady
from marketplace.notices.models import Email
from marketplace.reviews import actions as reviews
from marketplace.reviews import queries as reads
from tests.factories.needs import COMPLETE, content, make_draft
from tests.factories.people import make_user
from tests.factories.signing import sign_off
from tests.integration.reviews.parties import Parties, letters, need_of, submitted, written


def test_a_need_without_a_deputy_is_not_submitted(session: Session, parties: Parties) -> None:
    ref = actions.create_draft(parties.lead, parties.trust.id, COMPLETE)
    with pytest.raises(NotReady, match="has no deputy"):
        submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    with pytest.raises(DomainError, match="somebody else"):
        submitting.name_deputy(parties.lead, ref, parties.lead.user_id)
    with pytest.raises(DomainError, match="a person of your organisation"):
        submitting.name_deputy(parties.lead, ref, parties.broker.user_id)


def test_the_deputy_of_the_last_need_is_that_of_the_next_while_they_are_there(
    session: Session, parties: Parties
) -> None:
    written(parties, "One")
    second = need_of(session, actions.create_draft(parties.lead, parties.trust.id, content(title="Two")))
    assert second.people is not None
    assert (second.people.owner_id, second.people.deputy_id) == (
        parties.lead.user_id,
        parties.colleague.user_id,
    )
    leave(session, parties, parties.colleague)
    third = need_of(session, actions.create_draft(parties.lead, parties.trust.id, content(title="Three")))
    assert third.people is not None
    assert third.people.deputy_id is None


def leave(session: Session, parties: Parties, who: Actor) -> None:
    members = people.members_of(session, parties.trust.id)
    for member in members:
        if member.user_id == who.user_id:
            accounts.end_membership(parties.sponsor, parties.trust.code, member.membership_id)


def test_a_need_whose_owner_left_is_told_once_to_deputy_leads_and_hin(
    session: Session, parties: Parties
) -> None:
    third = make_user(session, Role.NEED_LEAD, parties.trust)
    refs = submitted(parties, "One", "Two")
    sign_off(session, *refs)
    assert reads.without_owner(session) == []
    leave(session, parties, parties.lead)
    before = len(letters(session))
    for _ in range(2):
        reviews.tell_of_owners_who_left()
    told = letters(session)[before:]
    subject = "Nobody leads 2 needs of Fernside NHS Trust any more"
    assert sorted(told) == sorted(
        (to, subject)
        for to in (
            parties.colleague.email,
            third.email,
            parties.broker.email,
            *extra_brokers(session, parties),
        )
    )


def test_the_hin_is_told_of_a_need_that_nobody_leads_by_its_published_title_alone(
    session: Session, parties: Parties
) -> None:
    [drafted, sent] = submitted(parties, "Public one", "Public two")
    sign_off(session, drafted, sent)
    for ref, title in ((drafted, "Secret draft"), (sent, "Secret submission")):
        actions.start_edit(parties.lead, ref)
        draft = need_of(session, ref).draft
        assert draft is not None
        actions.save_draft(parties.lead, ref, {"title": title}, lock_version=draft.lock_version)
    draft = need_of(session, sent).draft
    assert draft is not None
    submitting.submit_edit(parties.lead, sent, change_note="Clearer", lock_version=draft.lock_version)
    leave(session, parties, parties.lead)
    session.rollback()
    before = session.scalars(select(Email.id).order_by(Email.id.desc())).first() or 0
    reviews.tell_of_owners_who_left()
    session.rollback()
    told = {one.to: one.subject + one.body for one in session.scalars(select(Email).where(Email.id > before))}
    inside, outside = told[parties.colleague.email], told[parties.broker.email]
    assert "Secret draft" in inside
    assert "Secret submission" in inside
    assert "Public one" in outside
    assert "Public two" in outside
    assert "Secret" not in outside


def extra_brokers(session: Session, parties: Parties) -> list[str]:
    """Return the brokers that the factory's sign-off brought in."""
    return [
        one.email
        for one in people.people_with(session, parties.hin.id, Role.BROKER)
        if one.id != parties.broker.user_id
    ]


def test_the_deputy_takes_over_with_one_click_and_can_write_then(session: Session, parties: Parties) -> None:
    ref = written(parties)
    submitting.name_deputy(parties.lead, ref, parties.sponsor.user_id)
    with pytest.raises(Conflict, match="Lena Lead leads this need"):
        submitting.take_over(parties.sponsor, ref)
    leave(session, parties, parties.lead)
    sponsor = people.actor_of(session, session.get_one(User, parties.sponsor.user_id))
    assert [need.ref for need in reads.deputising(session, sponsor)] == [ref]
    submitting.take_over(sponsor, ref)
    people_now = need_of(session, ref).people
    assert people_now is not None
    assert (people_now.owner_id, people_now.deputy_id) == (parties.sponsor.user_id, None)
    sponsor = people.actor_of(session, session.get_one(User, parties.sponsor.user_id))
    actions.save_draft(sponsor, ref, {"title": "Mine now"}, lock_version=1)
    with pytest.raises(Conflict, match="Sonia Sponsor leads this need"):
        submitting.take_over(parties.colleague, ref)


def test_another_lead_takes_over_and_strangers_do_not(session: Session, parties: Parties) -> None:
    ref = written(parties)
    leave(session, parties, parties.lead)
    with pytest.raises(NotVisible):
        submitting.take_over(people.actor_of(session, make_user(session, Role.NEED_LEAD)), ref)
    with pytest.raises(NotPermitted):
        submitting.take_over(parties.second, ref)
    submitting.take_over(parties.colleague, ref)
    people_now = need_of(session, ref).people
    assert people_now is not None
    assert people_now.owner_id == parties.colleague.user_id


def test_a_need_whose_owner_left_is_taken_over_before_it_is_submitted(
    session: Session, parties: Parties
) -> None:
    ref = written(parties)
    leave(session, parties, parties.lead)
    with pytest.raises(NotReady, match=r"has left\. Take it over"):
        submitting.submit_top_three(parties.colleague, parties.trust.code, [ref])


def test_a_need_from_before_there_were_owners_is_led_by_who_submits_it(
    session: Session, parties: Parties
) -> None:
    ref = make_draft(session, parties.trust).ref
    submitting.name_deputy(parties.lead, ref, parties.colleague.user_id)
    submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    people_now = need_of(session, ref).people
    assert people_now is not None
    assert people_now.owner_id == parties.lead.user_id
