"""What is easily forgotten when organisations change: ends of roles, invitations, trusts to come, kept searches."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from marketplace.accounts.queries import live_invitation
from marketplace.demand.finder import led_on, read
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind, Organisation
from marketplace.organisations.rules import Change
from marketplace.succession import actions, placing, queries
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.rules import END
from tests.factories.demand import make_saved
from tests.factories.joining import make_invitation
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.successions import administrator, new, plan

MERGED = "NHS Merged Test"


def merger(session: Session) -> tuple[Actor, str, Organisation, Organisation]:
    one, two, actor = make_organisation(session), make_organisation(session), administrator(session)
    return actor, actions.record_change(actor, plan(Change.MERGE, [one, two], [new(MERGED)])), one, two


def hand_over(session: Session, actor: Actor, ref: str, **fills: str) -> Organisation:
    for mover in MOVERS:
        lock = queries.by_ref(session, ref).lock_version
        fill = fills.get(mover.kind, "suggested")
        actions.save_choices(actor, ref, mover.kind, {}, lock_version=lock, fill=fill)
    actions.settle(actor, ref, lock_version=queries.by_ref(session, ref).lock_version)
    session.expire_all()
    return queries.by_ref(session, ref).successors[0]


def test_a_role_that_was_to_end_on_a_day_still_does(session: Session) -> None:
    actor, ref, one, _ = merger(session)
    person, until = make_user(session, Role.SPONSOR, one), clock.today() + timedelta(days=40)
    session.scalars(select(Membership).where(Membership.user_id == person.id)).one().ended_on = until
    session.commit()
    merged = hand_over(session, actor, ref)
    held = session.scalars(
        select(Membership).where(Membership.user_id == person.id, Membership.organisation_id == merged.id)
    ).one()
    assert (held.role, held.ended_on) == (Role.SPONSOR, until)


def test_an_invitation_still_opens_when_who_sent_it_does_not_come_along(session: Session) -> None:
    actor, ref, one, _ = merger(session)
    inviter = make_user(session, Role.NEED_LEAD, one)
    _, token = make_invitation(session, one, "new@people.example", Role.SPONSOR, inviter)
    merged = hand_over(session, actor, ref, person=END)
    assert live_invitation(session, token).organisation_id == merged.id


def test_a_trust_that_opens_later_opens_in_the_area_of_the_successor(session: Session) -> None:
    actor, ref, one, _ = merger(session)
    later = clock.today() + timedelta(days=60)
    trust = make_organisation(session, Kind.TRUST, parent_id=one.id, opened_on=later)
    merged = hand_over(session, actor, ref)
    assert session.get_one(Organisation, trust.id).parent_id == merged.id


def test_searches_and_addresses_follow_the_code_that_ods_gives_later(session: Session) -> None:
    actor, ref, one, _ = merger(session)
    code = one.code
    saved = make_saved(session, "reader@people.example", query=f"organisation={code}")
    merged = hand_over(session, actor, ref)
    assert session.get_one(type(saved), saved.id).query == "organisation=nhs-merged-test"
    actions.give_code(actor, merged.code, "QZ9")
    session.expire_all()
    assert session.get_one(type(saved), saved.id).query == "organisation=QZ9"
    for old in (code, "nhs-merged-test", "QZ9"):
        assert led_on(read([("organisation", old), ("ics", old)])).chosen == {
            "ics": ("QZ9",),
            "organisation": ("QZ9",),
        }
    assert led_on(read([("organisation", "nobody")])).chosen == {"organisation": ("nobody",)}


def test_a_need_that_was_withdrawn_after_its_cycle_closed_takes_no_place_of_the_successor(
    session: Session,
) -> None:
    today = clock.today()
    cycle = make_cycle(session, opens_on=today - timedelta(days=90), closes_on=today - timedelta(days=10))
    actor, ref, one, _ = merger(session)
    kept = make_need(session, one, rank=1, cycle=cycle, title="kept")
    gone = make_need(session, one, rank=2, cycle=cycle, title="gone")
    gone.withdrawn_at, gone.withdrawn_reason = clock.now(), "Solved otherwise"
    session.commit()
    lock = queries.by_ref(session, ref).lock_version
    actions.save_choices(actor, ref, "need", {}, lock_version=lock, fill="suggested")
    (contest,) = placing.contests(session, queries.holdings(session, queries.by_ref(session, ref)))
    assert [one.title for one in contest.candidates] == ["kept"]
    lock = queries.by_ref(session, ref).lock_version
    actions.save_places(
        actor, ref, contest.successor.code, {(cycle.id, kept.ref): ("1", "")}, lock_version=lock
    )
    merged = hand_over(session, actor, ref)
    assert {need.id for need in session.scalars(select(Need).where(Need.organisation_id == merged.id))} == {
        kept.id,
        gone.id,
    }
