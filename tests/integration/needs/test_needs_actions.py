from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.audit.models import AuditEvent
from marketplace.database import transaction
from marketplace.errors import Conflict, Gone, NotPermitted, NotVisible
from marketplace.needs import actions, coach, queries, rules
from marketplace.needs.models import Cycle, Need, NeedDraft, NeedVersion, Priority
from marketplace.needs.rules import NeedContent, State
from marketplace.organisations.models import Kind, Organisation
from marketplace.outbox.models import OutboxRow
from marketplace.submissions.actions import AlreadyDone
from tests.factories.needs import COMPLETE, content, make_cycle, make_draft, make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor
from tests.factories.signing import publish_edit, publish_top_three


@pytest.fixture
def trust(session: Session) -> Organisation:
    return make_organisation(session, Kind.TRUST)


@pytest.fixture
def lead(session: Session, trust: Organisation) -> Actor:
    make_cycle(session)
    return make_actor(session, Role.NEED_LEAD, trust)


def need_of(session: Session, ref: str) -> Need:
    session.rollback()
    return session.scalars(select(Need).where(Need.ref == ref)).one()


def lock_of(session: Session, ref: str) -> int:
    draft = need_of(session, ref).draft
    assert draft is not None
    return draft.lock_version


def audited(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def outbox(session: Session) -> list[tuple[str, str]]:
    """Return what the index is told; letters are not looked at here."""
    rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == rules.TOPIC).order_by(OutboxRow.id))
    return [(row.topic, row.subject_id) for row in rows]


def places(session: Session) -> dict[int, str]:
    session.rollback()
    rows = session.execute(select(Priority.rank, Need.ref).join(Need).order_by(Priority.rank))
    return {row.rank: row.ref for row in rows}


# Drafts


def test_a_draft_keeps_every_answer(session: Session, lead: Actor, trust: Organisation) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    need = need_of(session, ref)
    assert need.state is State.DRAFT
    assert need.draft is not None
    assert need.draft.content() == COMPLETE
    assert need.created_by_id == lead.user_id
    assert audited(session) == ["need.drafted"]
    assert outbox(session) == []


def test_a_draft_may_be_incomplete_but_not_wrong(session: Session, lead: Actor, trust: Organisation) -> None:
    actions.create_draft(lead, trust.id, NeedContent(title="Only this"))
    with pytest.raises(rules.WrongAnswer):
        actions.create_draft(lead, trust.id, NeedContent(title="x" * 121))
    assert len(session.scalars(select(Need)).all()) == 1


@pytest.mark.parametrize("role", [Role.INNOVATOR, Role.BROKER])
def test_only_leads_of_the_organisation_may_write(session: Session, trust: Organisation, role: Role) -> None:
    with pytest.raises(NotVisible):
        actions.create_draft(make_actor(session, role), trust.id)
    with pytest.raises(NotVisible):
        actions.create_draft(make_actor(session, Role.NEED_LEAD), trust.id)


def test_saving_changes_the_answers_that_were_sent_and_no_others(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    assert actions.save_draft(lead, ref, {"title": "New title"}, lock_version=1) == 2
    draft = need_of(session, ref).draft
    assert draft is not None
    assert draft.content() == content(title="New title")
    assert audited(session) == ["need.drafted", "need.saved"]


def test_a_finding_is_left_as_it_is_without_a_new_version_of_the_draft(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, content(title="An app against falls"))
    (key,) = (one.key for one in coach.look_over(content(title="An app against falls")))
    version = actions.save_draft(lead, ref, {}, lock_version=1, left_as_is=[key, "solution-unknown"])
    draft = need_of(session, ref).draft
    assert draft is not None
    assert (version, draft.left_as_is) == (1, [key])
    assert audited(session)[-1] == "need.left-as-is"


def test_the_second_of_two_editors_is_shown_both_texts(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    colleague = make_actor(session, Role.NEED_LEAD, trust)
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    seen = rules.fingerprint(COMPLETE, ["problem"])
    actions.save_draft(colleague, ref, {"problem": "Theirs"}, lock_version=1, seen=seen)
    with pytest.raises(rules.DraftChanged) as stale:
        actions.save_draft(lead, ref, {"problem": "Mine"}, lock_version=1, seen=seen)
    assert stale.value.theirs.problem == "Theirs"
    assert (stale.value.lock_version, stale.value.saved_by) == (2, colleague.name)
    draft = need_of(session, ref).draft
    assert draft is not None
    assert draft.problem == "Theirs"


def test_editors_of_different_answers_do_not_disturb_each_other(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    actions.save_draft(
        lead, ref, {"problem": "Theirs"}, lock_version=1, seen=rules.fingerprint(COMPLETE, ["problem"])
    )
    actions.save_draft(
        lead, ref, {"title": "Mine"}, lock_version=1, seen=rules.fingerprint(COMPLETE, ["title"])
    )
    draft = need_of(session, ref).draft
    assert draft is not None
    assert draft.content() == content(problem="Theirs", title="Mine")


def test_sending_the_same_answers_twice_changes_nothing_the_second_time(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    first = actions.save_draft(lead, ref, {"problem": "Mine"}, lock_version=1)
    assert actions.save_draft(lead, ref, {"problem": "Mine"}, lock_version=1) == first
    assert audited(session).count("need.saved") == 1


def test_a_draft_of_another_organisation_is_not_there(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    stranger = make_actor(session, Role.NEED_LEAD)
    for attempt in (
        lambda: actions.save_draft(stranger, ref, {"title": "x"}, lock_version=1),
        lambda: actions.discard_draft(stranger, ref),
        lambda: actions.withdraw(stranger, ref, "no"),
        lambda: queries.need_for(stranger, ref),
        lambda: queries.need_for(ANONYMOUS, ref),
    ):
        with pytest.raises(NotVisible):
            attempt()
    assert queries.own_need(lead, ref).ref == ref


def test_discarding_a_draft_that_was_never_published_removes_the_need(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    actions.discard_draft(lead, ref)
    session.rollback()
    assert session.scalars(select(Need)).all() == []
    assert session.scalars(select(NeedDraft)).all() == []
    with pytest.raises(NotVisible):
        actions.save_draft(lead, ref, {"title": "x"}, lock_version=1)


# The top three


def test_publishing_makes_the_drafts_public_in_their_order(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    refs = [actions.create_draft(lead, trust.id, content(title=f"Need {n}")) for n in range(3)]
    publish_top_three(lead, trust.code, [refs[2], refs[0]])
    assert places(session) == {1: refs[2], 2: refs[0]}
    need = need_of(session, refs[2])
    assert (need.state, need.version) == (State.PUBLISHED, 1)
    assert need.current is not None
    assert need.current.content() == content(title="Need 2")
    assert need.draft is None
    assert [found.ref for found in queries.published_by_refs(ANONYMOUS, refs)] == [refs[0], refs[2]]
    assert outbox(session) == [("need", refs[2]), ("need", refs[0])]
    assert audited(session)[-7:] == [
        "need.submitted",
        "need.submitted",
        "top-three.submitted",
        "need.approved",
        "need.published",
        "need.approved",
        "need.published",
    ]


def test_publishing_again_reorders_and_adds(session: Session, lead: Actor, trust: Organisation) -> None:
    refs = [actions.create_draft(lead, trust.id, content(title=f"Need {n}")) for n in range(3)]
    publish_top_three(lead, trust.code, refs[:2])
    publish_top_three(lead, trust.code, [refs[2], refs[1], refs[0]])
    assert places(session) == {1: refs[2], 2: refs[1], 3: refs[0]}
    assert [need_of(session, ref).version for ref in refs] == [1, 1, 1]


def test_a_fourth_need_is_refused_and_nothing_changes(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    refs = [actions.create_draft(lead, trust.id, content(title=f"Need {n}")) for n in range(4)]
    publish_top_three(lead, trust.code, refs[:3])
    with pytest.raises(rules.TopThreeError, match="at most 3"):
        publish_top_three(lead, trust.code, refs)
    assert places(session) == {1: refs[0], 2: refs[1], 3: refs[2]}
    assert need_of(session, refs[3]).state is State.DRAFT


def test_an_unfinished_need_is_refused(session: Session, lead: Actor, trust: Organisation) -> None:
    ref = actions.create_draft(lead, trust.id, content(must=("One",)))
    with pytest.raises(rules.NotComplete, match="not finished"):
        publish_top_three(lead, trust.code, [ref])
    assert places(session) == {}


def test_a_need_withdrawn_while_it_is_ranked_is_told_by_name(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    kept, gone = (actions.create_draft(lead, trust.id, content(title=t)) for t in ("Kept", "Gone"))
    publish_top_three(lead, trust.code, [kept, gone])
    actions.withdraw(lead, gone, "Solved elsewhere")
    with pytest.raises(rules.TopThreeError, match="“Gone” was withdrawn on") as refused:
        publish_top_three(lead, trust.code, [gone, kept])
    assert refused.value.field == gone
    assert places(session) == {1: kept}


def test_a_draft_changed_after_the_list_was_opened_is_not_published_unseen(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    actions.save_draft(lead, ref, {"title": "Changed"}, lock_version=1)
    with pytest.raises(rules.TopThreeError, match="“Changed” was changed on"):
        publish_top_three(lead, trust.code, [ref], seen={ref: 1})
    publish_top_three(lead, trust.code, [ref], seen={ref: 2})
    assert places(session) == {1: ref}


def test_another_organisations_need_cannot_be_ranked_nor_its_title_learnt(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    theirs = make_draft(session, title="Secret plan")
    with pytest.raises(rules.TopThreeError) as refused:
        publish_top_three(lead, trust.code, [theirs.ref])
    assert "Secret plan" not in refused.value.message


def test_only_the_organisations_lead_may_publish(session: Session, lead: Actor, trust: Organisation) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    with pytest.raises(NotPermitted):
        publish_top_three(make_actor(session, Role.NEED_LEAD), trust.code, [ref])


def test_without_an_open_cycle_nothing_can_be_published(session: Session, trust: Organisation) -> None:
    lead = make_actor(session, Role.NEED_LEAD, trust)
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    with pytest.raises(rules.TopThreeError, match="No cycle is open yet"):
        publish_top_three(lead, trust.code, [ref])
    today = clock.today()
    make_cycle(
        session, name="Autumn", opens_on=today - timedelta(days=9), closes_on=today - timedelta(days=1)
    )
    with pytest.raises(rules.TopThreeError, match="The cycle Autumn closed on"):
        publish_top_three(lead, trust.code, [ref])
    make_cycle(
        session,
        name="Winter",
        opens_on=today - timedelta(days=8),
        locks_on=today - timedelta(days=2),
        closes_on=today,
    )
    with pytest.raises(rules.TopThreeError, match="The cycle Winter was locked at the end of"):
        publish_top_three(lead, trust.code, [ref])
    session.execute(update(Cycle).where(Cycle.name == "Winter").values(locks_on=today))
    session.commit()
    publish_top_three(lead, trust.code, [ref])


def test_a_need_of_the_last_cycle_can_be_ranked_again_in_the_new_one(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    first, opens_on = queries.current_cycle(), clock.today()
    assert first is not None
    make_cycle(session, name="Next", opens_on=opens_on)
    assert [need.ref for need in queries.published(ANONYMOUS)] == [ref], "it stands until the new cycle locks"
    publish_top_three(lead, trust.code, [ref])
    [need] = queries.published(ANONYMOUS)
    assert (need.ref, need.version) == (ref, 1)
    assert need.priority is not None
    assert need.priority.cycle.name == "Next"
    assert [place.cycle_id for place in need.priorities] == [first.id, need.priority.cycle_id]
    assert outbox(session) == [("need", ref)] * 2


def test_withdrawing_frees_every_place_in_cycles_that_have_not_closed_and_no_other(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    refs = [actions.create_draft(lead, trust.id, content(title=f"Need {n}")) for n in range(2)]
    publish_top_three(lead, trust.code, refs)
    need, today = need_of(session, refs[0]), clock.today()
    past = make_cycle(session, opens_on=today - timedelta(days=200), closes_on=today - timedelta(days=100))
    neighbour = make_organisation(session, Kind.TRUST)
    own = make_need(session, neighbour, rank=2)
    session.add_all(
        [
            Priority(organisation_id=trust.id, cycle_id=past.id, rank=3, need_id=need.id),
            Priority(organisation_id=neighbour.id, cycle_id=the_cycle(session).id, rank=1, need_id=need.id),
        ]
    )
    session.commit()
    actions.withdraw(lead, refs[0], "The board chose another priority")
    left = session.execute(
        select(Priority.organisation_id, Priority.cycle_id, Priority.rank, Priority.need_id)
    ).all()
    other = need_of(session, refs[1])
    assert set(left) == {
        (trust.id, past.id, 3, need.id),
        (trust.id, the_cycle(session).id, 1, other.id),
        (neighbour.id, the_cycle(session).id, 1, own.id),
    }


def test_a_second_press_of_publish_leads_to_where_the_first_did(
    app: Flask, session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    with app.test_request_context():
        publish_top_three(lead, trust.code, [ref], form_key="a" * 32)
        with pytest.raises(AlreadyDone):
            publish_top_three(lead, trust.code, [ref], form_key="a" * 32)
    assert audited(session).count("top-three.submitted") == 1


# The database itself


@pytest.mark.parametrize(("rank", "constraint"), [(4, "top_three"), (0, "top_three"), (1, "priority")])
def test_the_database_refuses_a_fourth_place_and_a_place_taken_twice(
    session: Session, trust: Organisation, rank: int, constraint: str
) -> None:
    first = make_need(session, trust, rank=1)
    other = make_need(session, trust, rank=None)
    cycle_id = session.scalars(select(Priority.cycle_id)).one()
    row = {"organisation_id": trust.id, "cycle_id": cycle_id, "rank": rank, "need_id": other.id}
    with pytest.raises(IntegrityError, match=constraint), transaction():
        session.execute(insert(Priority), [row])
    assert places(session) == {1: first.ref}


@pytest.mark.parametrize(("rank", "words"), [(1, "at the same moment"), (4, "has 3 places")])
def test_a_broken_constraint_comes_out_in_plain_words(
    session: Session, trust: Organisation, rank: int, words: str
) -> None:
    make_need(session, trust, rank=1)
    other = make_need(session, trust, rank=None)
    cycle_id = session.scalars(select(Priority.cycle_id)).one()
    row = {"organisation_id": trust.id, "cycle_id": cycle_id, "rank": rank, "need_id": other.id}
    with pytest.raises(rules.TopThreeError, match=words), actions.use_case() as current:
        current.execute(insert(Priority), [row])


# Editing and withdrawing what is published


def test_people_see_the_old_version_until_the_edited_one_is_published(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    actions.start_edit(lead, ref)
    number = lock_of(session, ref)
    actions.save_draft(lead, ref, {"title": "Better title"}, lock_version=number)
    shown = need_of(session, ref)
    assert shown.current is not None
    assert shown.current.title == COMPLETE.title
    with pytest.raises(rules.WrongAnswer, match="what you changed"):
        publish_edit(lead, ref, change_note="", lock_version=number + 1)
    publish_edit(lead, ref, change_note="Clearer title", lock_version=number + 1)
    shown = need_of(session, ref)
    assert shown.current is not None
    assert (shown.version, shown.current.title, shown.current.change_note) == (
        2,
        "Better title",
        "Clearer title",
    )
    assert [version.title for version in shown.versions] == [COMPLETE.title, "Better title"]
    assert shown.draft is None
    assert outbox(session) == [("need", ref)] * 2


def test_a_draft_that_changed_after_it_was_checked_is_not_published(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    actions.start_edit(lead, ref)
    number = lock_of(session, ref)
    actions.save_draft(lead, ref, {"title": "One"}, lock_version=number)
    with pytest.raises(Conflict, match="Check the answers again"):
        publish_edit(lead, ref, change_note="note", lock_version=number)
    assert need_of(session, ref).version == 1


def test_an_edit_that_takes_an_answer_away_cannot_be_published(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    actions.start_edit(lead, ref)
    number = lock_of(session, ref)
    actions.save_draft(lead, ref, {"problem": ""}, lock_version=number)
    with pytest.raises(rules.NotComplete, match="Describe the problem"):
        publish_edit(lead, ref, change_note="note", lock_version=number + 1)


def test_ranking_publishes_an_edit_only_with_a_note_of_what_changed(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    actions.start_edit(lead, ref)
    number = lock_of(session, ref)
    actions.save_draft(lead, ref, {"title": "New"}, lock_version=number)
    publish_top_three(lead, trust.code, [ref])
    assert need_of(session, ref).version == 1
    publish_top_three(lead, trust.code, [ref], change_notes={ref: "New title"})
    assert need_of(session, ref).version == 2


def test_discarding_an_edit_leaves_the_published_version(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    actions.start_edit(lead, ref)
    number = lock_of(session, ref)
    actions.discard_draft(lead, ref)
    need = need_of(session, ref)
    assert (need.state, need.draft, places(session)) == (State.PUBLISHED, None, {1: ref})
    with pytest.raises(rules.NoDraft):
        actions.save_draft(lead, ref, {"title": "x"}, lock_version=number)


def test_a_withdrawn_need_leaves_the_board_and_those_below_move_up(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    refs = [actions.create_draft(lead, trust.id, content(title=f"Need {n}")) for n in range(3)]
    publish_top_three(lead, trust.code, refs)
    actions.start_edit(lead, refs[0])
    actions.withdraw(lead, refs[0], "The board chose another priority")
    need = need_of(session, refs[0])
    assert (need.state, need.withdrawn_reason) == (State.WITHDRAWN, "The board chose another priority")
    assert need.draft is None
    assert places(session) == {1: refs[1], 2: refs[2]}
    assert queries.published_by_refs(ANONYMOUS, [refs[0]]) == []
    assert outbox(session)[-1] == ("need", refs[0])
    assert audited(session)[-1] == "need.withdrawn"


def test_a_withdrawn_need_cannot_be_changed_any_more(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    need = make_need(session, trust, withdrawn="Solved")
    for attempt in (
        lambda: actions.save_draft(lead, need.ref, {"title": "x"}, lock_version=1),
        lambda: actions.start_edit(lead, need.ref),
        lambda: actions.withdraw(lead, need.ref, "again"),
    ):
        with pytest.raises(Gone, match="Reason: Solved"):
            attempt()


def test_a_withdrawal_needs_a_reason_and_a_published_need(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    with pytest.raises(rules.WrongAnswer, match="Enter why"):
        actions.withdraw(lead, make_need(session, trust).ref, "")
    with pytest.raises(rules.NoDraft, match="has not been published"):
        actions.withdraw(lead, make_draft(session, trust).ref, "reason")
    with pytest.raises(NotPermitted):
        actions.withdraw(make_actor(session, Role.NEED_LEAD), make_need(session, trust, rank=2).ref, "reason")


# Cycles


def test_the_current_cycle_is_the_latest_that_has_opened(session: Session) -> None:
    today = clock.today()
    assert queries.current_cycle() is None
    make_cycle(session, name="Past", opens_on=today - timedelta(days=90), closes_on=today - timedelta(days=1))
    make_cycle(session, name="Now", opens_on=today)
    make_cycle(session, name="Later", opens_on=today + timedelta(days=1))
    cycle = queries.current_cycle()
    assert cycle is not None
    assert cycle.name == "Now"


def test_published_versions_are_never_overwritten(session: Session, trust: Organisation) -> None:
    need = make_need(session, trust)
    assert session.scalars(select(NeedVersion.number)).all() == [1]
    with pytest.raises(rules.TopThreeError, match="at the same moment"), actions.use_case() as current:
        current.execute(insert(NeedVersion), [{"need_id": need.id, "number": 1, "published_at": clock.now()}])


def test_a_place_cannot_be_moved_onto_another(session: Session, trust: Organisation) -> None:
    make_need(session, trust, rank=1)
    make_need(session, trust, rank=2)
    with pytest.raises(rules.TopThreeError, match="at the same moment"), actions.use_case() as current:
        current.execute(update(Priority).where(Priority.rank == 2).values(rank=1))


def test_a_form_left_open_on_an_earlier_draft_does_not_pass_for_fresh(
    session: Session, lead: Actor, trust: Organisation
) -> None:
    ref = actions.create_draft(lead, trust.id, COMPLETE)
    publish_top_three(lead, trust.code, [ref])
    actions.start_edit(lead, ref)
    number = lock_of(session, ref)
    seen = rules.fingerprint(COMPLETE, ["problem"])
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        actions.save_draft(lead, ref, {"problem": "Theirs"}, lock_version=number)
        publish_edit(lead, ref, change_note="Clearer", lock_version=number + 1)
        actions.start_edit(lead, ref)
        with pytest.raises(rules.DraftChanged):
            actions.save_draft(lead, ref, {"problem": "Mine"}, lock_version=number, seen=seen)
