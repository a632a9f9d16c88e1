"""A merger and a split with needs in every state: everything goes where it was chosen, and the counts add up."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts import queries as people
from marketplace.accounts.models import User
from marketplace.audit.models import AuditEvent
from marketplace.errors import NotPermitted
from marketplace.needs.models import Need, Priority
from marketplace.needs.rules import State
from marketplace.notices.models import Email
from marketplace.organisations.models import HinPatch, Succession, SuccessionMove
from marketplace.organisations.rules import Change
from marketplace.succession import actions, placing, queries, rules
from marketplace.succession.movers.areas import Trusts
from marketplace.succession.movers.catalogue import MOVERS
from marketplace.succession.rules import UNPLACED, WITHDRAW, ChangePlan, LinkPlan, NotReady, Party, to
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor
from tests.factories.successions import (
    Estate,
    administrator,
    co_sign,
    make_estate,
    members,
    new,
    organisation_of,
    plan,
)

MERGED = "NHS Merged Test"


def choose_all(session: Session, actor, ref: str, kind: str, choice: str) -> None:
    lock = queries.by_ref(session, ref).lock_version
    actions.save_choices(actor, ref, kind, {}, lock_version=lock, fill=choice)


def choose_everything(session: Session, actor, ref: str, choice: str = "suggested") -> None:
    for mover in MOVERS:
        choose_all(session, actor, ref, mover.kind, choice)


def choose_places(session: Session, actor, ref: str, wanted: dict[str, tuple[str, str]]) -> None:
    change = queries.by_ref(session, ref)
    for contest in placing.contests(session, queries.holdings(session, change)):
        actions.save_places(
            actor,
            ref,
            contest.successor.code,
            {
                (contest.cycle.id, one.ref): wanted.get(one.title, (UNPLACED, ""))
                for one in contest.candidates
            },
            lock_version=queries.by_ref(session, ref).lock_version,
        )


def settle(session: Session, actor, ref: str) -> None:
    actions.settle(actor, ref, lock_version=queries.by_ref(session, ref).lock_version)


def merger(session: Session) -> tuple[Estate, Estate, object, str]:
    left, right = make_estate(session), make_estate(session)
    actor = administrator(session)
    ref = actions.record_change(
        actor, plan(Change.MERGE, [left.organisation, right.organisation], [new(MERGED)])
    )
    return left, right, actor, ref


def total(rows: list[list[str | int]], kind: str, state: str = "") -> int:
    return sum(int(row[3]) for row in rows if row[1] == kind and (not state or row[2] == state))


def test_a_merger_hands_over_needs_in_every_state_and_the_counts_add_up(session: Session) -> None:
    left, right, actor, ref = merger(session)
    one, two = left.organisation.code, right.organisation.code
    choose_everything(session, actor, ref)
    choose_places(
        session,
        actor,
        ref,
        {
            f"first of {one}": ("1", ""),
            f"first of {two}": ("2", ""),
            f"second of {two}": ("3", ""),
            f"third of {two}": (WITHDRAW, "The merged board has decided to do without it"),
        },
    )
    settle(session, actor, ref)

    change = queries.by_ref(session, ref)
    merged = change.successors[0]
    for state, before, after in (
        ("Draft", 2, 2),
        ("Being signed off", 2, 2),
        ("Open", 6, 3),
        ("Published, without a place", 2, 4),
        ("Withdrawn", 2, 3),
    ):
        assert total(change.before, "need", state) == before
        assert [row for row in change.after if row[1:3] == ["need", state]] == [
            [merged.code, "need", state, after]
        ]
    assert (total(change.before, "need"), total(change.after, "need")) == (14, 14)
    assert (total(change.before, "place"), total(change.after, "place")) == (6, 3)
    assert {row[0] for row in change.after} == {merged.code}
    ranked = session.execute(
        select(Need.ref).join(Priority).where(Priority.organisation_id == merged.id).order_by(Priority.rank)
    ).scalars()
    assert list(ranked) == [left.needs["first"].ref, right.needs["first"].ref, right.needs["second"].ref]
    gone = session.get_one(Need, right.needs["third"].id)
    assert gone.state is State.WITHDRAWN
    assert gone.withdrawn_reason == "The merged board has decided to do without it"
    kept = session.get_one(Need, left.needs["second"].id)
    assert (kept.state, kept.organisation_id, kept.priority) == (State.PUBLISHED, merged.id, None)


def test_nothing_is_left_behind_by_a_merger(session: Session) -> None:
    left, right, actor, ref = merger(session)
    held = {orphan.organisation.id for orphan in queries.orphans(session)}
    assert held == {left.organisation.id, right.organisation.id}
    kinds = {orphan.item.kind for orphan in queries.orphans(session)}
    assert kinds == {"need", "person", "invitation", "patch", "trust", "passport"}
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {})
    settle(session, actor, ref)
    assert queries.orphans(session) == []


def test_a_split_hands_each_thing_to_the_successor_that_was_chosen_for_it(session: Session) -> None:
    estate, actor = make_estate(session), administrator(session)
    ref = actions.record_change(
        actor,
        plan(
            Change.SPLIT, [estate.organisation], [new("NHS East Test"), new("NHS West Test")], shares=[60, 40]
        ),
    )
    change = queries.by_ref(session, ref)
    east, west = change.successors
    holdings = queries.holdings(session, change)
    westward = {estate.needs[name].id for name in ("second", "third", "draft", "withdrawn")}
    actions.save_choices(
        actor,
        ref,
        "need",
        {item.subject: to(west.code if item.id in westward else east.code) for item in holdings.of("need")},
        lock_version=change.lock_version,
    )
    choose_everything(session, actor, ref)
    code = estate.organisation.code
    choose_places(
        session,
        actor,
        ref,
        {f"first of {code}": ("1", ""), f"second of {code}": ("2", ""), f"third of {code}": ("1", "")},
    )
    settle(session, actor, ref)

    east, west = queries.by_ref(session, ref).successors
    owned = {name: session.get_one(Need, need.id).organisation_id for name, need in estate.needs.items()}
    assert {name for name, owner in owned.items() if owner == west.id} == {
        "second",
        "third",
        "draft",
        "withdrawn",
    }
    assert {name for name, owner in owned.items() if owner == east.id} == {"first", "unplaced", "signing"}
    placed = session.execute(
        select(Priority.organisation_id, Priority.rank, Priority.need_id).order_by(Priority.need_id)
    ).all()
    assert [tuple(row) for row in placed] == [
        (east.id, 1, estate.needs["first"].id),
        (west.id, 2, estate.needs["second"].id),
        (west.id, 1, estate.needs["third"].id),
    ]
    # Everybody was given to both, so that nobody is locked out: that was the suggestion.
    assert members(session, east) == members(session, west) != set()
    assert members(session, estate.organisation) == set()
    both = session.scalars(select(HinPatch.organisation_id).where(HinPatch.confirmed.is_(False))).all()
    assert sorted(both) == sorted([east.id, west.id])
    assert queries.orphans(session) == []
    change = queries.by_ref(session, ref)
    assert (total(change.before, "need"), total(change.after, "need")) == (7, 7)
    assert (total(change.before, "person"), total(change.after, "person")) == (3, 6)


def test_choices_can_be_saved_half_way_and_nothing_moves_before_all_are_made_and_confirmed(
    session: Session,
) -> None:
    left, _, actor, ref = merger(session)
    merged = queries.by_ref(session, ref).successors[0]
    subject = f"{left.organisation.id}-{left.needs['first'].id}"
    lock = queries.by_ref(session, ref).lock_version
    waiting = actions.save_choices(actor, ref, "need", {subject: to(merged.code)}, lock_version=lock)
    assert waiting == 13
    with pytest.raises(NotReady, match="choices are still to be made"):
        settle(session, actor, ref)
    session.rollback()
    assert session.get_one(Need, left.needs["first"].id).organisation_id == left.organisation.id
    assert session.scalars(select(SuccessionMove)).all() == []
    saved = queries.holdings(session, queries.by_ref(session, ref))
    assert [saved.choice(item) for item in saved.of("need") if item.subject == subject] == [to(merged.code)]


def test_more_needs_than_places_are_never_settled_without_a_choice(session: Session) -> None:
    _, _, actor, ref = merger(session)
    choose_everything(session, actor, ref)
    with pytest.raises(NotReady, match="Choose what becomes of"):
        settle(session, actor, ref)


def test_a_handover_cannot_be_confirmed_before_its_day(session: Session) -> None:
    estate, actor = make_estate(session), administrator(session)
    other = make_organisation(session)
    tomorrow = clock.today().replace(year=clock.today().year + 1)
    ref = actions.record_change(
        actor, plan(Change.MERGE, [estate.organisation, other], [new(MERGED)], on=tomorrow)
    )
    choose_everything(session, actor, ref)
    with pytest.raises(NotReady, match="It can be confirmed from"):
        settle(session, actor, ref)


def test_who_saw_an_older_plan_cannot_confirm_it(session: Session) -> None:
    _, _, actor, ref = merger(session)
    seen = queries.by_ref(session, ref).lock_version
    choose_everything(session, actor, ref)
    with pytest.raises(rules.ChangedMeanwhile):
        actions.settle(actor, ref, lock_version=seen)


def test_a_handover_is_done_once(session: Session) -> None:
    _, _, actor, ref = merger(session)
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {})
    settle(session, actor, ref)
    with pytest.raises(NotReady, match="already"):
        settle(session, actor, ref)


def test_counts_that_do_not_add_up_undo_the_whole_handover(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, _, actor, ref = merger(session)
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {})
    monkeypatch.setattr(Trusts, "move", lambda *_: None)
    with pytest.raises(rules.DoesNotAddUp):
        settle(session, actor, ref)
    session.rollback()
    assert session.get_one(Need, left.needs["first"].id).organisation_id == left.organisation.id
    assert queries.by_ref(session, ref).settled_at is None


def test_who_closes_hands_over_only_after_what_comes_to_it_has_come(session: Session) -> None:
    left, right, through, other = (make_estate(session) for _ in range(4))
    actor = administrator(session)
    through_it = rules.Party(through.organisation.code, through.organisation.name)
    first = actions.record_change(
        actor, plan(Change.MERGE, [left.organisation, right.organisation], [through_it])
    )
    second = actions.record_change(
        actor, plan(Change.MERGE, [through.organisation, other.organisation], [new(MERGED)])
    )
    choose_everything(session, actor, second)
    choose_places(session, actor, second, {})
    with pytest.raises(NotReady, match="First confirm or cancel this change"):
        settle(session, actor, second)
    session.rollback()
    for ref in (first, second):
        choose_everything(session, actor, ref)
        choose_places(session, actor, ref, {})
        settle(session, actor, ref)
    assert queries.orphans(session) == []


def test_people_keep_their_roles_until_the_handover_and_are_told_where_they_belong(session: Session) -> None:
    left, _, actor, ref = merger(session)
    lead = session.scalars(
        select(User).where(User.id.in_(members(session, left.organisation))).order_by(User.id)
    ).first()
    assert lead is not None
    assert [grant.organisation_id for grant in people.actor_of(session, lead).grants] == [
        left.organisation.id
    ]
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {})
    settle(session, actor, ref)
    merged = organisation_of(session, queries.by_ref(session, ref).successors[0].code)
    assert [grant.organisation_id for grant in people.actor_of(session, lead).grants] == [merged.id]
    subjects = session.scalars(select(Email.subject).where(Email.to == lead.email).order_by(Email.id)).all()
    assert subjects[-1] == f"You now belong to {MERGED}"


def test_a_need_that_one_of_two_merging_organisations_co_signed_takes_one_place(session: Session) -> None:
    left, other = make_estate(session), make_organisation(session)
    signature = co_sign(session, other, left.needs["first"])
    actor = administrator(session)
    ref = actions.record_change(actor, plan(Change.MERGE, [left.organisation, other], [new(MERGED)]))
    choose_everything(session, actor, ref)
    (contest,) = placing.contests(session, queries.holdings(session, queries.by_ref(session, ref)))
    assert [one.title for one in contest.candidates] == [
        f"{name} of {left.organisation.code}" for name in ("first", "second", "third")
    ]
    code = left.organisation.code
    choose_places(
        session,
        actor,
        ref,
        {f"first of {code}": ("1", ""), f"second of {code}": ("2", ""), f"third of {code}": ("3", "")},
    )
    settle(session, actor, ref)
    session.refresh(signature)
    assert signature.ended_at is not None
    assert total(queries.by_ref(session, ref).after, "co-signature") == 0


def test_a_co_signature_of_another_need_goes_to_the_successor_with_its_place(session: Session) -> None:
    one, two, third = (make_organisation(session) for _ in range(3))
    elsewhere = make_estate(session, third)
    signature = co_sign(session, one, elsewhere.needs["first"])
    actor = administrator(session)
    ref = actions.record_change(actor, plan(Change.MERGE, [one, two], [new(MERGED)]))
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {f"first of {third.code}": ("1", "")})
    settle(session, actor, ref)
    merged = queries.by_ref(session, ref).successors[0]
    session.refresh(signature)
    assert signature.organisation_id == merged.id
    place = session.scalars(select(Priority).where(Priority.organisation_id == merged.id)).one()
    assert (place.rank, place.need_id) == (1, elsewhere.needs["first"].id)


def test_a_transfer_moves_what_was_chosen_and_leaves_the_rest(session: Session) -> None:
    estate, other = make_estate(session), make_organisation(session)
    actor = administrator(session)
    ref = actions.record_change(
        actor, plan(Change.TRANSFER, [estate.organisation], [rules.Party(other.code, other.name)])
    )
    change = queries.by_ref(session, ref)
    actions.save_choices(
        actor,
        ref,
        "need",
        {f"{estate.organisation.id}-{estate.needs['first'].id}": to(other.code)},
        lock_version=change.lock_version,
    )
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {f"first of {estate.organisation.code}": ("1", "")})
    settle(session, actor, ref)
    places = session.execute(
        select(Priority.organisation_id, Priority.rank, Priority.need_id).order_by(Priority.need_id)
    ).all()
    assert [tuple(row) for row in places] == [
        (other.id, 1, estate.needs["first"].id),
        (estate.organisation.id, 1, estate.needs["second"].id),
        (estate.organisation.id, 2, estate.needs["third"].id),
    ]
    assert len(members(session, estate.organisation)) == 3
    assert organisation_of(session, estate.organisation.code).closed_on is None


def test_a_rehearsal_tells_the_sums_and_changes_nothing(session: Session) -> None:
    left, right, _, ref = merger(session)
    session.commit()
    emails = len(session.scalars(select(Email)).all())
    found = actions.rehearse(ref)
    assert (total(found.before, "need"), total(found.after, "need")) == (14, 14)
    assert found.guessed > 0
    assert queries.by_ref(session, ref).settled_at is None
    assert session.get_one(Need, left.needs["first"].id).organisation_id == left.organisation.id
    assert session.get_one(Need, right.needs["first"].id).organisation_id == right.organisation.id
    assert len(session.scalars(select(Email)).all()) == emails


def test_only_administrators_record_and_confirm_and_who_leads_nothing_chooses_nothing(
    session: Session,
) -> None:
    left, right, _, ref = merger(session)
    lead = make_actor(session, Role.NEED_LEAD, left.organisation)
    with pytest.raises(NotPermitted):
        actions.settle(lead, ref, lock_version=1)
    for role in (Role.SPONSOR, Role.ASSESSOR):
        with pytest.raises(NotPermitted):
            actions.save_choices(
                make_actor(session, role, left.organisation), ref, "need", {}, lock_version=1
            )
        session.rollback()
    with pytest.raises(NotPermitted):
        actions.record_change(lead, plan(Change.MERGE, [left.organisation, right.organisation], [new("X")]))


def test_the_handover_is_audited_with_its_sums(session: Session) -> None:
    _, _, actor, ref = merger(session)
    choose_everything(session, actor, ref)
    choose_places(session, actor, ref, {})
    settle(session, actor, ref)
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "succession.settled")).one()
    change = session.scalars(select(Succession).where(Succession.ref == ref)).one()
    assert (event.subject_id, event.detail["after"]) == (ref, change.after)


def test_leads_choose_for_the_needs_of_their_own_organisation_and_for_nothing_else(session: Session) -> None:
    left, right, _, ref = merger(session)
    lead = make_actor(session, Role.NEED_LEAD, left.organisation)
    change = queries.by_ref(session, ref)
    part = queries.part_of(lead, change)
    seen = queries.holdings(session, change, part)
    # Drafts of the other organisation stay private until they are handed over.
    assert {item.owner_id for item in seen.items} == {left.organisation.id}
    assert {item.kind for item in seen.items} == {"need"}
    assert (
        actions.save_choices(lead, ref, "need", {}, lock_version=change.lock_version, fill="suggested") == 0
    )
    change = queries.by_ref(session, ref)
    merged = change.successors[0]
    chosen = queries.holdings(session, change)
    assert {item.owner_id for item in chosen.of("need") if chosen.choice(item) == to(merged.code)} == {
        left.organisation.id
    }
    foreign = f"{right.organisation.id}-{right.needs['first'].id}"
    actions.save_choices(lead, ref, "need", {foreign: to(merged.code)}, lock_version=change.lock_version)
    chosen = queries.holdings(session, queries.by_ref(session, ref))
    assert not any(chosen.choice(item) for item in chosen.of("need") if item.subject == foreign)
    lock = queries.by_ref(session, ref).lock_version
    for refused in ("person", "passport", "patch"):
        with pytest.raises(NotPermitted):
            actions.save_choices(lead, ref, refused, {}, lock_version=lock, fill="suggested")
        session.rollback()
    with pytest.raises(NotPermitted):
        actions.save_places(lead, ref, merged.code, {}, lock_version=lock)
    session.rollback()
    with pytest.raises(NotPermitted):
        actions.settle(lead, ref, lock_version=lock)


def test_a_lead_of_the_successor_chooses_for_all_needs_that_come_and_for_their_places(
    session: Session,
) -> None:
    left, right, _, ref = merger(session)
    merged = queries.by_ref(session, ref).successors[0]
    lead = make_actor(session, Role.NEED_LEAD, merged)
    choose_all(session, lead, ref, "need", "suggested")
    choose_places(session, lead, ref, {f"first of {left.organisation.code}": ("1", "")})
    change = queries.by_ref(session, ref)
    holdings = queries.holdings(session, change)
    assert all(holdings.choice(item) for item in holdings.of("need"))
    (contest,) = placing.contests(session, holdings)
    assert contest.problem(holdings) is None
    assert {item.kind for item in holdings.missing()} == {
        "person",
        "invitation",
        "patch",
        "trust",
        "passport",
    }
    assert right.needs


def test_who_leads_an_organisation_of_neither_side_has_no_part_in_a_change(session: Session) -> None:
    _, _, _, ref = merger(session)
    stranger = make_actor(session, Role.NEED_LEAD)
    with pytest.raises(NotPermitted):
        queries.part_of(stranger, queries.by_ref(session, ref))
    with pytest.raises(NotPermitted):
        actions.save_choices(stranger, ref, "need", {}, lock_version=1, fill="suggested")


def test_a_lead_of_a_successor_has_no_part_in_what_cannot_come_to_it(session: Session) -> None:
    left, right = make_estate(session), make_estate(session)
    ends = [make_organisation(session), make_organisation(session)]
    links = [
        LinkPlan(Party(start.organisation.code), Party(end.code))
        for start, end in zip((left, right), ends, strict=True)
    ]
    mixed = ChangePlan(
        kind=Change.MIXED,
        effective_on=clock.today(),
        links=tuple(links),
        source="Order",
        source_date=clock.today(),
    )
    ref = actions.record_change(administrator(session), mixed)
    lead = make_actor(session, Role.NEED_LEAD, ends[0])
    change = queries.by_ref(session, ref)
    seen = queries.holdings(session, change, queries.part_of(lead, change))
    assert {item.owner_id for item in seen.items} == {left.organisation.id}
    foreign = f"{right.organisation.id}-{right.needs['draft'].id}"
    actions.save_choices(
        lead, ref, "need", {foreign: to(ends[1].code)}, lock_version=change.lock_version, fill="suggested"
    )
    chosen = queries.holdings(session, queries.by_ref(session, ref))
    assert not any(chosen.choice(item) for item in chosen.items if item.owner_id == right.organisation.id)


def test_where_both_stay_only_the_giver_s_leads_choose_and_see_its_drafts(session: Session) -> None:
    giver, taker = make_estate(session), make_organisation(session)
    ref = actions.record_change(
        administrator(session),
        plan(Change.TRANSFER, [giver.organisation], [Party(taker.code, taker.name)]),
    )
    change = queries.by_ref(session, ref)
    with pytest.raises(NotPermitted):
        queries.part_of(make_actor(session, Role.NEED_LEAD, taker), change)
    own = queries.part_of(make_actor(session, Role.NEED_LEAD, giver.organisation), change)
    assert (own.owners, own.ends) == (frozenset({giver.organisation.id}), frozenset())
