"""A need goes from its writers to the public: who may decide, what each step leaves, and who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries as people
from marketplace.accounts.models import Membership, User
from marketplace.errors import DomainError, NotPermitted, NotVisible
from marketplace.needs import actions, queries, rules, signed, signing, submitting
from marketplace.needs.models import Cycle, Need, Priority, SignOff
from marketplace.needs.rounds import Stage
from marketplace.needs.rules import State
from marketplace.needs.signing import Decided, NotReady, OwnWork, Step, Submitted, Unchecked
from marketplace.organisations.models import Organisation
from marketplace.reviews import actions as reviews
from marketplace.reviews import queries as reads
from tests.factories.needs import COMPLETE, make_cycle
from tests.factories.people import make_user
from tests.factories.signing import seen, sign_off
from tests.integration.reviews.parties import Parties, audited, letters, need_of, step_of, submitted, written

# The whole path


def test_a_need_is_public_only_when_the_sponsor_approved_and_the_hin_checked_it(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    assert (step_of(session, ref), need_of(session, ref).state) == (Step.SUBMITTED, State.DRAFT)
    assert reviews.approve(parties.sponsor, {ref: seen(session, ref)}) == (1, 0)
    assert (step_of(session, ref), need_of(session, ref).state) == (Step.APPROVED, State.DRAFT)
    assert queries.published_by_refs(ANONYMOUS, [ref]) == []
    reviews.check(parties.broker, ref, seen(session, ref))
    need = need_of(session, ref)
    assert need.state is State.PUBLISHED
    assert need.current is not None
    assert need.current.content() == COMPLETE
    assert need.draft is None
    assert [one.ref for one in queries.published_by_refs(ANONYMOUS, [ref])] == [ref]
    assert audited(session, ref) == [
        "need.drafted",
        "need.deputy-named",
        "need.submitted",
        "need.approved",
        "need.checked",
        "need.published",
    ]
    today = signed.day(clock.now())
    assert signed.signed_words(need.sign_off) == (
        f"Approved by the organisation’s sponsor on {today}, and checked by Health Innovation North on {today}."
    )


def test_three_needs_go_through_together_with_one_letter_for_each_person(
    session: Session, parties: Parties
) -> None:
    refs = submitted(parties, "One", "Two", "Three")
    assert letters(session) == [
        (parties.sponsor.email, "For your approval: 3 needs"),
        (parties.second.email, "For your approval: 3 needs"),
        (parties.colleague.email, "You are the deputy for 3 needs"),
    ]
    reviews.approve(parties.sponsor, {ref: seen(session, ref) for ref in refs})
    assert letters(session)[3:] == [
        (parties.broker.email, "For your check: 3 needs of Fernside NHS Trust"),
    ]
    for ref in reversed(refs):
        reviews.check(parties.broker, ref, seen(session, ref))
    assert [subject for to, subject in letters(session)[4:] if to == parties.lead.email] == [
        "Published: “Three”",
        "Published: “Two”",
        "Published: “One”",
    ]
    found = select(Need.ref).join(Priority, Priority.need_id == Need.id).order_by(Priority.rank)
    assert session.scalars(found).all() == refs, "in the order of the ranking, not of the checks"


def test_of_three_one_can_be_returned_while_the_others_go_on(session: Session, parties: Parties) -> None:
    one, two, three = submitted(parties, "One", "Two", "Three")
    reviews.send_back(parties.sponsor, two, seen(session, two), {"title": "Say for whom."})
    reviews.approve(parties.sponsor, {ref: seen(session, ref) for ref in (one, three)})
    assert [step_of(session, ref) for ref in (one, two, three)] == [
        Step.APPROVED,
        Step.RETURNED,
        Step.APPROVED,
    ]


# Who


def test_nobody_approves_what_they_wrote_or_submitted(session: Session, parties: Parties) -> None:
    session.add(
        Membership(
            user_id=parties.colleague.user_id,
            organisation_id=parties.trust.id,
            role=Role.SPONSOR,
            started_on=clock.today(),
        )
    )
    session.commit()
    both = people.actor_of(session, session.get_one(User, parties.colleague.user_id))
    ref = written(parties)
    actions.save_draft(both, ref, {"title": "Fewer falls by night"}, lock_version=1)
    submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    with pytest.raises(OwnWork, match="You wrote or submitted this need"):
        reviews.approve(both, {ref: seen(session, ref)})
    assert parties.colleague.email not in [to for to, subject in letters(session) if "approval" in subject]
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    assert step_of(session, ref) is Step.APPROVED


def test_who_approved_does_not_check(session: Session, parties: Parties) -> None:
    session.add(
        Membership(
            user_id=parties.sponsor.user_id,
            organisation_id=parties.hin.id,
            role=Role.BROKER,
            started_on=clock.today(),
        )
    )
    session.commit()
    both = people.actor_of(session, session.get_one(User, parties.sponsor.user_id))
    [ref] = submitted(parties)
    reviews.approve(both, {ref: seen(session, ref)})
    with pytest.raises(OwnWork, match="check it"):
        reviews.check(both, ref, seen(session, ref))
    reviews.check(parties.broker, ref, seen(session, ref))


def test_people_of_other_organisations_do_not_even_learn_of_a_submission(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    stranger = people.actor_of(session, make_user(session, Role.SPONSOR))
    other_hin = people.actor_of(session, make_user(session, Role.BROKER))
    with pytest.raises(NotVisible):
        reviews.approve(stranger, {ref: seen(session, ref)})
    with pytest.raises(NotVisible):
        reads.reviewed_need(session, parties.broker, ref)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    for attempt in (
        lambda: reviews.check(other_hin, ref, seen(session, ref)),
        lambda: reads.reviewed_need(session, other_hin, ref),
        lambda: reviews.send_back(other_hin, ref, seen(session, ref), {"title": "?"}),
    ):
        with pytest.raises(NotVisible):
            attempt()


def test_a_lead_submits_and_a_sponsor_alone_does_not(session: Session, parties: Parties) -> None:
    ref = written(parties)
    with pytest.raises(NotPermitted):
        submitting.submit_top_three(parties.sponsor, parties.trust.code, [ref])


# Without a HIN's check


def test_the_need_of_a_hin_itself_is_checked_by_nobody_and_says_so(
    session: Session, parties: Parties
) -> None:
    lead = people.actor_of(session, make_user(session, Role.NEED_LEAD, parties.hin))
    deputy = make_user(session, Role.ASSESSOR, parties.hin)
    sponsor = people.actor_of(session, make_user(session, Role.SPONSOR, parties.hin))
    ref = actions.create_draft(lead, parties.hin.id, COMPLETE)
    submitting.name_deputy(lead, ref, deputy.id)
    submitting.submit_top_three(lead, parties.hin.code, [ref])
    assert reviews.approve(sponsor, {ref: seen(session, ref)}) == (0, 1)
    need = need_of(session, ref)
    assert need.sign_off is not None
    assert (need.state, need.sign_off.unchecked) == (State.PUBLISHED, Unchecked.OWN)
    assert "nobody checks their own" in signed.signed_words(need.sign_off)


def test_without_a_hin_that_has_people_here_approval_publishes_and_the_page_says_why(
    session: Session, parties: Parties
) -> None:
    [membership] = session.get_one(User, parties.broker.user_id).memberships
    membership.ended_on = clock.today()
    session.commit()
    [ref] = submitted(parties)
    assert reviews.approve(parties.sponsor, {ref: seen(session, ref)}) == (0, 1)
    sign = need_of(session, ref).sign_off
    assert sign is not None
    assert sign.unchecked is Unchecked.NO_HIN
    assert "Not checked by a health innovation network" in signed.signed_words(sign)


def test_a_silent_hin_holds_nothing_up_for_ever(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    approved_at = need_of(session, ref).sign_off
    assert approved_at is not None
    assert approved_at.approved_at is not None
    end = signing.check_by(approved_at.approved_at)
    before = len(letters(session))
    with time_machine.travel(end - timedelta(minutes=1), tick=False):
        reviews.tell_silence()
        with pytest.raises(DomainError, match="to check this need"):
            reviews.publish_unchecked(parties.sponsor, ref, seen(session, ref))
    assert len(letters(session)) == before
    with time_machine.travel(end, tick=False):
        for _ in range(2):
            reviews.tell_silence()
        assert [subject for _, subject in letters(session)[before:]] == [
            "Not checked in time: “Fewer falls at night”",
            "Not checked in time: “Fewer falls at night”",
        ]
        reviews.publish_unchecked(parties.sponsor, ref, seen(session, ref))
    sign = need_of(session, ref).sign_off
    assert sign is not None
    assert sign.unchecked is Unchecked.SILENT
    assert "did not answer within 10 working days" in signed.signed_words(sign)


def test_the_broker_of_a_hin_that_has_closed_checks_nothing(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    session.get_one(Organisation, parties.hin.id).closed_on = clock.today()
    session.commit()
    with pytest.raises(NotVisible):
        reviews.check(parties.broker, ref, seen(session, ref))
    with pytest.raises(NotVisible):
        reviews.send_back(parties.broker, ref, seen(session, ref), {"title": "Say of whom."})
    assert step_of(session, ref) is Step.APPROVED


def test_a_late_hin_may_still_check_until_the_sponsor_publishes(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    with time_machine.travel(clock.now() + timedelta(days=40), tick=False):
        reviews.check(parties.broker, ref, seen(session, ref))
    assert need_of(session, ref).state is State.PUBLISHED


# Cycles


def cycle_now() -> Cycle:
    found = queries.current_cycle()
    assert found is not None
    return found


def test_what_was_submitted_in_time_is_published_until_the_cycle_closes_in_its_place(
    session: Session, parties: Parties
) -> None:
    cycle = cycle_now()
    cycle.reminds_on = cycle.locks_on = clock.today()
    session.commit()
    [ref] = submitted(parties)
    with time_machine.travel(clock.now() + timedelta(days=60), tick=False):
        assert (cycle_now().closes_on, cycle_now().round.stage(clock.today())) == (
            clock.today(),
            Stage.LOCKED,
        )
        sign_off(session, ref)
        assert need_of(session, ref).state is State.PUBLISHED


def test_what_is_late_does_not_enter_a_cycle_that_has_closed_and_moves_to_the_next(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    closed = cycle_now().id
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    with time_machine.travel(clock.now() + timedelta(days=70), tick=False):
        with pytest.raises(
            rules.TopThreeError, match=r"closed on .* What was submitted is kept until the next"
        ):
            reviews.check(parties.broker, ref, seen(session, ref))
        assert need_of(session, ref).published_at is None
        following = make_cycle(session, opens_on=clock.today()).id
        reviews.check(parties.broker, ref, seen(session, ref))
        assert need_of(session, ref).state is State.PUBLISHED
        assert [place.cycle_id for place in queries.places_of(need_of(session, ref).id)] == [following]
        assert following != closed


def test_what_is_late_gets_no_new_place_after_the_lock(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    held = cycle_now().id
    today = clock.today()
    make_cycle(
        session,
        opens_on=today - timedelta(days=9),
        reminds_on=today - timedelta(days=2),
        locks_on=today - timedelta(days=1),
        closes_on=today + timedelta(days=9),
    )
    with pytest.raises(rules.TopThreeError, match="was locked at the end of"):
        sign_off(session, ref)
    assert need_of(session, ref).published_at is None
    assert [place.cycle_id for place in queries.places_of(need_of(session, ref).id)] == [held]


def test_what_is_published_after_the_next_cycle_opened_moves_to_a_free_place_of_it(
    session: Session, parties: Parties
) -> None:
    one, two = submitted(parties, "One", "Two")
    sign_off(session, one)
    make_cycle(session, name="Next", opens_on=clock.today(), closes_on=clock.today() + timedelta(days=90))
    submitting.submit_top_three(parties.lead, parties.trust.code, [one])
    sign_off(session, two)
    cycle = queries.current_cycle()
    assert cycle is not None
    found = select(Need.ref).join(Priority, Priority.need_id == Need.id)
    placed = session.scalars(found.where(Priority.cycle_id == cycle.id).order_by(Priority.rank)).all()
    assert placed == [one, two]


# Returned, answered, submitted again


def test_a_returned_need_is_submitted_again_when_each_comment_is_dealt_with(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    said = {"title": "Say for whom.", "target": "By when?", "must": ""}
    reviews.send_back(parties.sponsor, ref, seen(session, ref), said, "Nearly there.")
    assert letters(session)[-1] == (parties.lead.email, "Returned with 2 comments: “Fewer falls at night”")
    need = need_of(session, ref)
    assert need.sign_off is not None
    assert [(one.field, one.text) for one in need.comments_to_settle] == [
        ("title", "Say for whom."),
        ("target", "By when?"),
    ]
    with pytest.raises(NotReady, match="Title, Target"):
        submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    first, second = (one.id for one in need_of(session, ref).comments_to_settle)
    number = actions.save_draft(
        parties.lead, ref, {"title": "Fewer falls of residents"}, lock_version=1, settled={first: ""}
    )
    with pytest.raises(NotReady, match=": Target"):
        submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    actions.save_draft(
        parties.lead, ref, {}, lock_version=number, settled={second: "Within 12 months, as it says."}
    )
    submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    need = need_of(session, ref)
    assert [(one.round, one.step) for one in need.sign_offs] == [(1, Step.RETURNED), (2, Step.SUBMITTED)]
    assert [one.title for one in need.sign_offs] == ["Fewer falls at night", "Fewer falls of residents"]
    assert [one.reply for one in need.sign_offs[0].comments] == ["", "Within 12 months, as it says."]


def test_a_hin_returns_too_and_the_sponsor_approves_anew(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    reviews.send_back(parties.broker, ref, seen(session, ref), {"title": "Say for whom."})
    need = need_of(session, ref)
    assert need.sign_off is not None
    assert signed.reviewer(need.sign_off) == "Health Innovation North"
    [comment] = need.comments_to_settle
    actions.save_draft(parties.lead, ref, {}, lock_version=1, settled={comment.id: "It says so."})
    submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    assert step_of(session, ref) is Step.SUBMITTED


def test_a_comment_can_be_marked_as_open_again(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    reviews.send_back(parties.sponsor, ref, seen(session, ref), {"title": "Say for whom."})
    [comment] = need_of(session, ref).comments_to_settle
    actions.save_draft(parties.lead, ref, {}, lock_version=1, settled={comment.id: "Done"})
    actions.save_draft(parties.lead, ref, {}, lock_version=1, settled={comment.id: None})
    [comment] = need_of(session, ref).comments_to_settle
    assert (comment.settled_at, comment.reply) == (None, "")


def test_while_it_is_signed_off_the_text_stands_and_can_be_taken_back(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    for attempt in (
        lambda: actions.save_draft(parties.lead, ref, {"title": "Other"}, lock_version=1),
        lambda: actions.discard_draft(parties.lead, ref),
    ):
        with pytest.raises(Submitted, match="Take it back to change it"):
            attempt()
    looked = seen(session, ref)
    submitting.take_back(parties.colleague, ref)
    actions.save_draft(parties.lead, ref, {"title": "Other"}, lock_version=1)
    with pytest.raises(Decided, match="taken this need back"):
        reviews.approve(parties.sponsor, {ref: looked})
    submitting.submit_top_three(parties.lead, parties.trust.code, [ref])
    with pytest.raises(Decided, match="taken this need back meanwhile"):
        reviews.approve(parties.sponsor, {ref: looked})
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})


def test_a_deleted_draft_frees_the_place_that_it_held(session: Session, parties: Parties) -> None:
    one, two = submitted(parties, "One", "Two")
    submitting.take_back(parties.lead, one)
    actions.discard_draft(parties.lead, one)
    session.rollback()
    places = session.execute(select(Priority.rank, Need.ref).join(Need, Need.id == Priority.need_id)).all()
    assert [tuple(row) for row in places] == [(1, two)]
    assert session.scalars(select(SignOff.need_id)).all() == [need_of(session, two).id]


def test_a_submitted_need_keeps_its_place_against_a_fourth(session: Session, parties: Parties) -> None:
    refs = submitted(parties, "One", "Two", "Three")
    fourth = written(parties, "Four")
    with pytest.raises(rules.TopThreeError, match="is with its reviewers and must keep a place"):
        submitting.submit_top_three(parties.lead, parties.trust.code, [fourth, *refs[:2]])
    with pytest.raises(rules.TopThreeError, match="at most 3"):
        submitting.submit_top_three(parties.lead, parties.trust.code, [*refs, fourth])


# New versions


def test_people_see_the_published_version_until_the_new_one_is_signed_off(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    sign_off(session, ref)
    actions.start_edit(parties.lead, ref)
    draft = need_of(session, ref).draft
    assert draft is not None
    number = actions.save_draft(parties.lead, ref, {"title": "New title"}, lock_version=draft.lock_version)
    submitting.submit_edit(parties.lead, ref, change_note="Clearer", lock_version=number)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    current = need_of(session, ref).current
    assert current is not None
    assert (current.number, current.title) == (1, "Fewer falls at night")
    reviews.check(parties.broker, ref, seen(session, ref))
    current = need_of(session, ref).current
    assert current is not None
    assert (current.number, current.title, current.change_note) == (2, "New title", "Clearer")


def test_withdrawing_a_need_takes_its_new_version_back(session: Session, parties: Parties) -> None:
    [ref] = submitted(parties)
    sign_off(session, ref)
    actions.start_edit(parties.lead, ref)
    draft = need_of(session, ref).draft
    assert draft is not None
    submitting.submit_edit(parties.lead, ref, change_note="Clearer", lock_version=draft.lock_version)
    looked = seen(session, ref)
    actions.withdraw(parties.lead, ref, "Solved")
    assert step_of(session, ref) is Step.TAKEN_BACK
    with pytest.raises(Decided):
        reviews.approve(parties.sponsor, {ref: looked})


def test_a_new_order_counts_at_once_and_the_sponsors_are_told(session: Session, parties: Parties) -> None:
    one, two = submitted(parties, "One", "Two")
    sign_off(session, one, two)
    before = len(letters(session))
    submitting.submit_top_three(parties.lead, parties.trust.code, [two, one])
    told = [to for to, subject in letters(session)[before:] if "order of Fernside" in subject]
    assert {parties.sponsor.email, parties.second.email} <= set(told)
    assert [need.ref for need in queries.top_three(ANONYMOUS, parties.trust.id)] == [two, one]
    before = len(letters(session))
    submitting.submit_top_three(parties.lead, parties.trust.code, [two, one])
    assert len(letters(session)) == before, "nothing has changed"


# What is kept


def test_every_submission_is_kept_and_insiders_alone_compare_what_was_not_published(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    reviews.send_back(parties.sponsor, ref, seen(session, ref), {}, "Please speak to me.")
    actions.save_draft(parties.lead, ref, {"title": "Better"}, lock_version=1)
    submitting.submit_top_three(parties.lead, parties.trust.code, [ref])

    def rounds(actor: Actor) -> list[int]:
        return [one.round for one in reads.comparable(session, actor, ref).submissions]

    assert rounds(parties.lead) == rounds(parties.sponsor) == [1, 2]
    for outsider in (ANONYMOUS, parties.broker):
        with pytest.raises(NotVisible):
            reads.comparable(session, outsider, ref)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    assert rounds(parties.broker) == [2]
    reviews.check(parties.broker, ref, seen(session, ref))
    assert rounds(parties.lead) == [1]
    assert rounds(ANONYMOUS) == rounds(parties.broker) == []
    assert [one.number for one in reads.comparable(session, ANONYMOUS, ref).versions] == [1]
