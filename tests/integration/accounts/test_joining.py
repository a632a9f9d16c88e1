"""Registering, invitations and memberships on a real database."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts import actions, passwords, queries, rules
from marketplace.accounts.models import Invitation, Membership, Registration, SignInAttempt, User
from marketplace.audit.models import AuditEvent
from marketplace.errors import DomainError, NotVisible
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from tests.factories.joining import make_invitation, make_registration
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor, make_user

LIMITS = actions.Limits(account=5, address=50, hours=12)
PHRASE = "A whole new passphrase"
WHO = actions.Details("Nora New", "Director", "01632 960123")


def register(email: str = "Nora@New.example", **changes: str) -> None:
    facts = {"password": PHRASE, "company": "Newco Ltd", "about": "New things.", "address": "192.0.2.1"}
    actions.register(WHO, email=email, **facts | changes)


def link_in(session: Session, to: str) -> str:
    session.rollback()
    body = session.scalars(select(Email.body).where(Email.to == to).order_by(Email.id.desc())).first()
    assert body is not None
    found = re.search(r"http://127\.0\.0\.1:8000/(?:\S+/)(\S+)", body)
    assert found is not None
    return found[1]


def roles(session: Session, email: str) -> set[tuple[str, Role]]:
    session.rollback()
    user = queries.user_by_email(session, email)
    assert user is not None
    return {(grant.organisation_name, grant.role) for grant in queries.actor_of(session, user).grants}


def test_registering_makes_nobody_until_the_link_is_used(session: Session) -> None:
    register()
    assert session.scalars(select(User)).all() == []
    assert session.scalars(select(Organisation)).all() == []
    token = actions.confirm_registration(link_in(session, "nora@new.example"), limits=LIMITS)
    user = queries.user_of_token(session, token)
    assert user is not None
    assert (user.email, user.name, user.telephone) == ("nora@new.example", "Nora New", "01632 960123")
    assert passwords.verify(user.password_hash, PHRASE)
    assert roles(session, user.email) == {("Newco Ltd", Role.INNOVATOR)}
    company = session.scalars(select(Organisation)).one()
    assert (company.code, company.kind, company.about) == ("newco-ltd", Kind.SUPPLIER, "New things.")


def test_a_registration_link_works_once_and_for_a_day(session: Session) -> None:
    register()
    token = link_in(session, "nora@new.example")
    actions.confirm_registration(token, limits=LIMITS)
    with pytest.raises(rules.DeadLink):
        actions.confirm_registration(token, limits=LIMITS)
    late = make_registration(session, "late@new.example")
    with time_machine.travel(clock.now() + timedelta(hours=25)), pytest.raises(rules.DeadLink):
        actions.confirm_registration(late, limits=LIMITS)
    assert [user.email for user in session.scalars(select(User))] == ["nora@new.example"]


def test_registering_a_known_address_sends_its_owner_another_letter_and_makes_nothing(
    session: Session,
) -> None:
    user = make_user(session, Role.NEED_LEAD)
    register(user.email)
    session.rollback()
    assert session.scalars(select(Registration)).all() == []
    letter = session.scalars(select(Email)).one()
    assert (letter.to, letter.subject) == (user.email, "You already have a Demand Signal account")


def test_two_registrations_of_one_address_end_in_one_account(session: Session) -> None:
    first = make_registration(session, "nora@new.example")
    second = make_registration(session, "nora@new.example", company="Another Ltd")
    actions.confirm_registration(first, limits=LIMITS)
    with pytest.raises(rules.DeadLink, match="account with this e-mail address already"):
        actions.confirm_registration(second, limits=LIMITS)
    assert [organisation.name for organisation in session.scalars(select(Organisation))] == [
        "Made-up Medical Ltd"
    ]


def test_companies_of_the_same_name_get_different_codes(session: Session) -> None:
    for email in ("a@new.example", "b@new.example"):
        actions.confirm_registration(make_registration(session, email), limits=LIMITS)
    assert set(session.scalars(select(Organisation.code))) == {"made-up-medical-ltd", "made-up-medical-ltd-2"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": "nora@localhost"}, "email"),
        ({"email": "nöra@new.example"}, "email"),
        ({"password": "too short"}, "password"),
        ({"password": "nora@new.example"}, "password"),
    ],
)
def test_a_registration_that_cannot_be_says_at_which_field(
    session: Session, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        register(**changes)
    assert caught.value.field == field
    assert session.scalars(select(Registration)).all() == []


def test_registrations_of_one_address_and_of_one_place_are_limited(session: Session) -> None:
    for _ in range(rules.REGISTRATIONS):
        register()
    with pytest.raises(rules.TooManyTries):
        register()
    for number in range(rules.REGISTRATIONS * 10 - rules.REGISTRATIONS - 1):
        register(f"n{number}@new.example")
    with pytest.raises(rules.TooManyTries):
        register("another@new.example")
    register("elsewhere@new.example", address="192.0.2.2")
    stored = set(session.scalars(select(SignInAttempt.key)))
    assert not any("nora" in key or "192.0.2" in key for key in stored)


def test_tries_are_allowed_again_after_the_window(session: Session) -> None:
    for _ in range(rules.REGISTRATIONS):
        register()
    with time_machine.travel(clock.now() + rules.ATTEMPT_WINDOW + timedelta(seconds=1)):
        register()
    assert session.scalar(select(func.count()).select_from(Registration)) == rules.REGISTRATIONS + 1


def invite(actor: Actor, at: Organisation, email: str = "Bea@new.example", role: Role = Role.ASSESSOR) -> str:
    return actions.invite(actor, at.code, email=email, role=role, days=7).rpartition("/")[2]


def test_an_invited_person_joins_in_the_role_by_the_link_of_the_letter(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_actor(session, Role.NEED_LEAD, trust)
    token = invite(lead, trust)
    assert link_in(session, "bea@new.example") == token
    sign_in = actions.accept_as_new(token, WHO, password=PHRASE, limits=LIMITS)
    joined = queries.user_of_token(session, sign_in)
    assert joined is not None
    assert joined.email == "bea@new.example"
    assert roles(session, joined.email) == {(trust.name, Role.ASSESSOR)}
    with pytest.raises(rules.DeadLink):
        actions.accept_as_new(token, WHO, password=PHRASE, limits=LIMITS)


def test_an_account_that_is_there_accepts_by_being_signed_in(session: Session) -> None:
    trust, hin = make_organisation(session, Kind.TRUST), make_organisation(session, Kind.HIN)
    broker = make_actor(session, Role.BROKER, hin)
    token = invite(make_actor(session, Role.NEED_LEAD, trust), trust, broker.email, Role.NEED_LEAD)
    with pytest.raises(DomainError, match="another e-mail address"):
        actions.accept(make_actor(session, Role.BROKER), token)
    with pytest.raises(rules.DeadLink, match="account with this e-mail address already"):
        actions.accept_as_new(token, WHO, password=PHRASE, limits=LIMITS)
    assert actions.accept(broker, token) == trust.name
    assert roles(session, broker.email) == {(hin.name, Role.BROKER), (trust.name, Role.NEED_LEAD)}
    with pytest.raises(rules.DeadLink):
        actions.accept(broker, token)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("role", list(Role))
def test_only_roles_that_fit_the_kind_of_organisation_are_given(
    session: Session, kind: Kind, role: Role
) -> None:
    fits = {
        Kind.TRUST: {Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR},
        Kind.ICB: {Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR},
        Kind.HIN: {Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR, Role.BROKER},
        Kind.SUPPLIER: {Role.INNOVATOR},
        Kind.SERVICE: {Role.ADMINISTRATOR},
        Kind.REGION: set(),
    }[kind]
    at = make_organisation(session, kind)
    if role in fits:
        assert queries.live_invitation(session, invite(SERVICE, at, role=role)).role is role
    else:
        with pytest.raises(DomainError):
            invite(SERVICE, at, role=role)


def test_people_invite_to_their_own_organisation_alone(session: Session) -> None:
    trust, other = make_organisation(session, Kind.TRUST), make_organisation(session, Kind.TRUST)
    with pytest.raises(NotVisible):
        invite(make_actor(session, Role.NEED_LEAD, other), trust)
    assert session.scalars(select(Invitation)).all() == []


def test_an_administrator_invites_the_first_person_of_any_organisation_and_no_more(session: Session) -> None:
    admin = make_actor(session, Role.ADMINISTRATOR)
    trust = make_organisation(session, Kind.TRUST)
    actions.accept_as_new(invite(admin, trust), WHO, password=PHRASE, limits=LIMITS)
    with pytest.raises(DomainError, match="has people of its own"):
        invite(admin, trust, "second@new.example")
    with pytest.raises(DomainError, match="has people of its own"):
        invite(admin, trust, "assessor@new.example", Role.ASSESSOR)


def test_an_administrator_fills_a_role_that_nobody_holds_and_no_other(session: Session) -> None:
    admin, trust = make_actor(session, Role.ADMINISTRATOR), make_organisation(session, Kind.TRUST)
    make_user(session, Role.NEED_LEAD, trust)
    token = invite(admin, trust, "sponsor@new.example", Role.SPONSOR)
    assert queries.live_invitation(session, token).role is Role.SPONSOR
    make_user(session, Role.SPONSOR, trust)
    with pytest.raises(DomainError, match="has people of its own"):
        invite(admin, trust, "other@new.example", Role.SPONSOR)


def test_somebody_of_another_organisation_fills_no_role(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    make_user(session, Role.NEED_LEAD, trust)
    with pytest.raises(NotVisible):
        invite(make_actor(session, Role.SPONSOR), trust, "sponsor@new.example", Role.SPONSOR)


def test_nobody_is_invited_to_an_organisation_that_has_closed(session: Session) -> None:
    closed = make_organisation(session, Kind.TRUST, closed_on=clock.today())
    with pytest.raises(DomainError, match="has closed"):
        invite(SERVICE, closed)


def test_a_second_invitation_takes_the_first_one_back(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_actor(session, Role.NEED_LEAD, trust)
    first, second = invite(lead, trust), invite(lead, trust)
    with pytest.raises(rules.DeadLink):
        queries.live_invitation(session, first)
    assert queries.live_invitation(session, second).email == "bea@new.example"
    assert len(queries.pending_invitations(session, trust.id)) == 1


def test_somebody_who_has_the_role_already_is_not_invited_to_it(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_actor(session, Role.NEED_LEAD, trust)
    with pytest.raises(DomainError, match=r"Need lead at .* already") as caught:
        invite(lead, trust, lead.email.upper(), Role.NEED_LEAD)
    assert caught.value.field == "email"


def test_an_invitation_dies_by_time_by_revoking_and_with_the_organisation(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_user(session, Role.NEED_LEAD, trust)
    actor = queries.actor_of(session, lead)
    late = invite(actor, trust)
    with time_machine.travel(clock.now() + timedelta(days=7, seconds=1)), pytest.raises(rules.DeadLink):
        queries.live_invitation(session, late)
    invitation, taken_back = make_invitation(session, trust, "c@new.example", Role.ASSESSOR, lead)
    actions.revoke_invitation(actor, trust.code, invitation.id)
    with pytest.raises(rules.DeadLink):
        actions.accept_as_new(taken_back, WHO, password=PHRASE, limits=LIMITS)
    with pytest.raises(NotVisible):
        actions.revoke_invitation(actor, trust.code, invitation.id)
    _, orphan = make_invitation(session, trust, "d@new.example", Role.ASSESSOR, lead)
    trust.closed_on = clock.today()
    session.commit()
    with pytest.raises(rules.DeadLink, match="has closed"):
        actions.accept_as_new(orphan, WHO, password=PHRASE, limits=LIMITS)


@pytest.mark.parametrize("how", ["ended", "disabled"])
def test_an_invitation_does_not_outlive_the_right_of_who_sent_it(session: Session, how: str) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_user(session, Role.NEED_LEAD, trust)
    token = invite(queries.actor_of(session, lead), trust)
    if how == "ended":
        session.scalars(select(Membership)).one().ended_on = clock.today()
    else:
        lead.disabled_at = clock.now()
    session.commit()
    with pytest.raises(rules.DeadLink, match="no longer at the organisation"):
        actions.accept_as_new(token, WHO, password=PHRASE, limits=LIMITS)
    assert queries.user_by_email(session, "bea@new.example") is None


def test_invitations_of_one_person_are_limited(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_actor(session, Role.NEED_LEAD, trust)
    for _ in range(rules.INVITATIONS):
        actions.take_a_turn((f"invite:{lead.user_id}", rules.INVITATIONS))
    with pytest.raises(rules.TooManyTries):
        invite(lead, trust)


def test_a_role_that_ended_gives_no_rights_from_then_on_and_can_be_given_again(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_actor(session, Role.NEED_LEAD, trust)
    other = make_user(session, Role.ASSESSOR, trust)
    member = next(row for row in queries.members_of(session, trust.id) if row.user_id == other.id)
    assert actions.end_membership(lead, trust.code, member.membership_id) == other.id
    assert roles(session, other.email) == set()
    with pytest.raises(NotVisible):
        actions.end_membership(lead, trust.code, member.membership_id)
    actions.accept(queries.actor_of(session, other), invite(lead, trust, other.email))
    assert roles(session, other.email) == {(trust.name, Role.ASSESSOR)}


def test_the_last_person_cannot_leave_an_organisation_alone(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_actor(session, Role.NEED_LEAD, trust)
    admin = make_actor(session, Role.ADMINISTRATOR)
    (member,) = queries.members_of(session, trust.id)
    with pytest.raises(DomainError, match="only person here"):
        actions.end_membership(lead, trust.code, member.membership_id)
    actions.end_membership(admin, trust.code, member.membership_id)
    assert queries.members_of(session, trust.id) == []
    service = admin.grants[0]
    (last,) = queries.members_of(session, service.organisation_id)
    with pytest.raises(DomainError, match="only person here"):
        actions.end_membership(admin, service.organisation_code, last.membership_id)


def test_nothing_personal_stands_in_the_audit_trail(session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    token = invite(make_actor(session, Role.NEED_LEAD, trust), trust)
    actions.accept_as_new(token, WHO, password=PHRASE, limits=LIMITS)
    register()
    text = repr([(row.action, row.subject_id, row.detail) for row in session.scalars(select(AuditEvent))])
    assert "invitation.sent" in text
    for word in ("bea", "Nora", "Newco", "960123", token):
        assert word not in text


def test_of_ten_copies_of_an_acceptance_one_gets_through(app: Flask, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    token = invite(make_actor(session, Role.NEED_LEAD, trust), trust)
    session.rollback()
    barrier, results = threading.Barrier(10), []

    def accept() -> None:
        with app.app_context():
            barrier.wait(10)
            try:
                actions.accept_as_new(token, WHO, password=PHRASE, limits=LIMITS)
                results.append("joined")
            except rules.DeadLink:
                results.append("dead")

    threads = [threading.Thread(target=accept) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["dead"] * 9 + ["joined"]
    session.rollback()
    assert session.scalar(select(func.count()).where(User.email == "bea@new.example")) == 1


def test_the_demo_offers_the_people_that_it_marks_and_nobody_else(session: Session) -> None:
    offered, hidden = make_user(session, Role.NEED_LEAD), make_user(session, Role.NEED_LEAD)
    actions.offer_in_demo(offered.id, "Need lead")
    assert [user.id for user, _, _ in queries.demo_accounts(session)] == [offered.id]
    token = actions.demo_sign_in(offered.id, limits=LIMITS)
    assert queries.user_of_token(session, token) == offered
    with pytest.raises(NotVisible):
        actions.demo_sign_in(hidden.id, limits=LIMITS)
    offered.disabled_at = clock.now()
    session.commit()
    assert queries.demo_accounts(session) == []
    with pytest.raises(NotVisible):
        actions.demo_sign_in(offered.id, limits=LIMITS)
