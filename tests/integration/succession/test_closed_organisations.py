"""An organisation that has closed starts and publishes nothing new; what it has is kept and goes on elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.accounts.queries import actor_of, people_with
from marketplace.cycles import actions as cycles
from marketplace.families import actions as families
from marketplace.needs import actions as needs
from marketplace.needs import submitting
from marketplace.needs.models import Need, NeedDraft, NeedPeople
from marketplace.needs.rules import State
from marketplace.organisations.models import Organisation
from marketplace.organisations.rules import Change, OrganisationClosed
from marketplace.reviews import actions as reviews
from marketplace.succession import actions, queries
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor
from tests.factories.signing import name_deputies, seen
from tests.factories.successions import Estate, administrator, co_sign, make_estate, new, plan

MERGED = "NHS Merged Test"


def closed_today(session: Session) -> tuple[Estate, Actor, str]:
    """Return an estate whose organisation merged with another today, its lead, and the change."""
    make_cycle(session)
    estate, other = make_estate(session), make_organisation(session)
    ref = actions.record_change(
        administrator(session), plan(Change.MERGE, [estate.organisation, other], [new(MERGED)])
    )
    return estate, lead_of(session, estate.organisation), ref


def lead_of(session: Session, organisation: Organisation, role: Role = Role.NEED_LEAD) -> Actor:
    """Return who holds the role there today, as actions take them."""
    person = people_with(session, organisation.id, role)[0]
    return actor_of(session, session.get_one(User, person.id))


def create(session: Session, estate: Estate, lead: Actor) -> None:
    needs.create_draft(lead, estate.organisation.id)


def edit(session: Session, estate: Estate, lead: Actor) -> None:
    needs.start_edit(lead, estate.needs["first"].ref)


def submit_ranking(session: Session, estate: Estate, lead: Actor) -> None:
    submitting.submit_top_three(
        lead, estate.organisation.code, [estate.needs[name].ref for name in ("second", "first", "third")]
    )


def submit_new_version(session: Session, estate: Estate, lead: Actor) -> None:
    need = estate.needs["first"]
    draft = NeedDraft(need_id=need.id, saved_at=clock.now())
    draft.fill(need.current.content())  # type: ignore[union-attr] # it is published
    session.add(draft)
    session.commit()
    submitting.submit_edit(lead, need.ref, change_note="Newer figures", lock_version=1)


def confirm(session: Session, estate: Estate, lead: Actor) -> None:
    cycles.confirm(lead, estate.needs["unplaced"].ref)


def approve(session: Session, estate: Estate, lead: Actor) -> None:
    ref = estate.needs["signing"].ref
    reviews.approve(lead_of(session, estate.organisation, Role.SPONSOR), {ref: seen(session, ref)})


def check(session: Session, estate: Estate, lead: Actor) -> None:
    need = estate.needs["signing"]
    assert need.sign_off is not None
    need.sign_off.approved_at = clock.now()
    session.commit()
    patch = session.scalars(select(Organisation).where(Organisation.kind == "hin")).one()
    reviews.check(make_actor(session, Role.BROKER, patch), need.ref, seen(session, need.ref))


def publish_unchecked(session: Session, estate: Estate, lead: Actor) -> None:
    need = estate.needs["signing"]
    assert need.sign_off is not None
    need.sign_off.approved_at = clock.now() - timedelta(days=60)
    session.commit()
    reviews.publish_unchecked(
        lead_of(session, estate.organisation, Role.SPONSOR), need.ref, seen(session, need.ref)
    )


def sign_another(session: Session, estate: Estate, lead: Actor) -> None:
    families.co_sign(lead, make_need(session).ref, estate.organisation.code)


@pytest.mark.parametrize(
    "use_case",
    [
        create,
        edit,
        submit_ranking,
        submit_new_version,
        confirm,
        approve,
        check,
        publish_unchecked,
        sign_another,
    ],
)
def test_nothing_new_is_started_or_published_and_the_words_say_where_the_work_goes(
    session: Session, use_case: Callable[[Session, Estate, Actor], None]
) -> None:
    estate, lead, _ = closed_today(session)
    before = {need.ref: need.version for need in session.scalars(select(Need))}
    with pytest.raises(OrganisationClosed) as caught:
        use_case(session, estate, lead)
    session.rollback()
    message = caught.value.message
    assert message.startswith(f"{estate.organisation.name} closed on ")
    assert f"drafts are kept and go to {MERGED}" in message
    after = {need.ref: need.version for need in session.scalars(select(Need))}
    assert {ref: after[ref] for ref in before} == before


@pytest.mark.parametrize("use_case", [create, edit, submit_ranking, confirm])
def test_until_the_day_itself_everything_goes_on(
    session: Session, use_case: Callable[[Session, Estate, Actor], None]
) -> None:
    make_cycle(session)
    estate, other = make_estate(session), make_organisation(session)
    if use_case is confirm:
        places = list(estate.needs["third"].priorities)
        session.delete(places[0])
        session.commit()
    if use_case is submit_ranking:
        name_deputies(session, *(need.ref for need in estate.needs.values()))
    actions.record_change(
        administrator(session),
        plan(
            Change.MERGE,
            [estate.organisation, other],
            [new(MERGED)],
            on=clock.today() + timedelta(days=1),
        ),
    )
    use_case(session, estate, lead_of(session, estate.organisation))


def test_what_is_written_already_can_be_saved_answered_for_and_withdrawn(session: Session) -> None:
    estate, lead, _ = closed_today(session)
    draft = estate.needs["draft"]
    assert draft.draft is not None
    needs.save_draft(lead, draft.ref, {"title": "A better title"}, lock_version=draft.draft.lock_version)
    submitting.take_back(lead, estate.needs["signing"].ref)
    needs.discard_draft(lead, estate.needs["signing"].ref)
    needs.withdraw(lead, estate.needs["third"].ref, "Solved by a neighbour")
    assert session.get_one(Need, draft.id).draft.title == "A better title"  # type: ignore[union-attr] # kept
    assert session.get_one(Need, estate.needs["third"].id).state is State.WITHDRAWN


def test_a_closed_organisation_takes_a_co_signature_back_but_gives_none_anew(session: Session) -> None:
    make_cycle(session)
    estate, other, third = make_estate(session), make_organisation(session), make_organisation(session)
    signer = make_actor(session, Role.NEED_LEAD, other)
    found = co_sign(session, other, estate.needs["first"])
    found.version = 0
    session.commit()
    actions.record_change(administrator(session), plan(Change.MERGE, [other, third], [new(MERGED)]))
    with pytest.raises(OrganisationClosed):
        families.keep(signer, found.ref)
    session.rollback()
    families.take_back(signer, found.ref)
    session.refresh(found)
    assert found.taken_back_at is not None


def test_after_the_handover_the_successor_submits_what_was_a_draft(session: Session) -> None:
    estate, lead, ref = closed_today(session)
    for need in estate.needs.values():
        need.people = need.people or NeedPeople()
        need.people.owner_id = lead.user_id
    session.commit()
    name_deputies(session, estate.needs["draft"].ref)
    admin = administrator(session)
    for kind in ("need", "person", "invitation", "patch", "trust", "passport"):
        lock = queries.by_ref(session, ref).lock_version
        actions.save_choices(admin, ref, kind, {}, lock_version=lock, fill="suggested")
    change = queries.by_ref(session, ref)
    merged = change.successors[0]
    code = estate.organisation.code
    ranked = {estate.needs[name].ref: str(place) for place, name in enumerate(("first", "second"), 1)}
    cycle = estate.needs["first"].priorities[0].cycle_id
    actions.save_places(
        admin,
        ref,
        merged.code,
        {(cycle, need.ref): (ranked.get(need.ref, "unplaced"), "") for need in estate.needs.values()},
        lock_version=change.lock_version,
    )
    actions.settle(admin, ref, lock_version=queries.by_ref(session, ref).lock_version)
    session.expire_all()
    again = actor_of(session, session.get_one(User, lead.user_id))
    draft = estate.needs["draft"].ref
    submitted = submitting.submit_top_three(again, merged.code, [*ranked, draft])
    assert submitted == [draft]
    assert code != merged.code
