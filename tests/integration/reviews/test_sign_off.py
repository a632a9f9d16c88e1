"""A need goes from its writers to the public: who may decide, what each step leaves, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.access.policy import Role
from marketplace.accounts import actions as accounts
from marketplace.accounts import queries as people
from marketplace.accounts.models import Membership, User
from marketplace.audit.models import AuditEvent
from marketplace.errors import Conflict, DomainError, Gone, NotPermitted, NotVisible
from marketplace.needs import actions, queries, rules, signed, signing, submitting
from marketplace.needs.models import Cycle, Need, Priority, SignOff
from marketplace.needs.rounds import Stage
from marketplace.needs.rules import State
from marketplace.needs.signing import Decided, NotReady, OwnWork, Step, Submitted, Unchecked
from marketplace.notices.models import Email
from marketplace.organisations.models import HinPatch, Kind, Organisation
from marketplace.reviews import actions as reviews
from marketplace.reviews import queries as reads
from marketplace.web.words import day
from tests.factories.needs import COMPLETE, content, make_cycle, make_draft
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.signing import seen, sign_off


@dataclass
class Parties:
    """A trust with two leads and two sponsors, and the HIN that covers it with a broker."""

    trust: Organisation
    hin: Organisation
    lead: Actor
    colleague: Actor
    sponsor: Actor
    second: Actor
    broker: Actor


@pytest.fixture
def parties(session: Session) -> Parties:
    make_cycle(session)
    icb = make_organisation(session, Kind.ICB)
    trust = make_organisation(session, Kind.TRUST, name="Fernside NHS Trust", parent_id=icb.id)
    hin = make_organisation(session, Kind.HIN, name="Health Innovation North")
    session.add(HinPatch(hin_id=hin.id, organisation_id=icb.id, source="test", source_date=date(2026, 1, 1)))
    session.commit()

    def actor(role: Role, at: Organisation, name: str) -> Actor:
        return people.actor_of(session, make_user(session, role, at, name=name))

    return Parties(
        trust,
        hin,
        lead=actor(Role.NEED_LEAD, trust, "Lena Lead"),
        colleague=actor(Role.NEED_LEAD, trust, "Carl Colleague"),
        sponsor=actor(Role.SPONSOR, trust, "Sonia Sponsor"),
        second=actor(Role.SPONSOR, trust, "Sunil Second"),
        broker=actor(Role.BROKER, hin, "Bea Broker"),
    )


def written(parties: Parties, title: str = "Fewer falls at night") -> str:
    """Return a complete draft of the lead, with the colleague as deputy."""
    ref = actions.create_draft(parties.lead, parties.trust.id, content(title=title))
    submitting.name_deputy(parties.lead, ref, parties.colleague.user_id)
    return ref


def submitted(parties: Parties, *titles: str) -> list[str]:
    refs = [written(parties, title) for title in titles or ("Fewer falls at night",)]
    submitting.submit_top_three(parties.lead, parties.trust.code, refs)
    return refs


def step_of(session: Session, ref: str) -> Step:
    session.rollback()
    need = session.scalars(select(Need).where(Need.ref == ref)).one()
    assert need.sign_off is not None
    return need.sign_off.step


def need_of(session: Session, ref: str) -> Need:
    session.rollback()
    return session.scalars(select(Need).where(Need.ref == ref)).one()


def letters(session: Session) -> list[tuple[str, str]]:
    """Return to whom and about what, in order."""
    session.rollback()
    return [(one.to, one.subject) for one in session.scalars(select(Email).order_by(Email.id))]


def audited(session: Session, ref: str) -> list[str]:
    session.rollback()
    return list(
        session.scalars(select(AuditEvent.action).where(AuditEvent.subject_id == ref).order_by(AuditEvent.id))
    )


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


@pytest.fixture
def unseen(session: Session, parties: Parties) -> str:
    """Return a need that its sponsor published after the HIN had said nothing in its time."""
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    with time_machine.travel(clock.now() + timedelta(days=40), tick=False):
        reviews.publish_unchecked(parties.sponsor, ref, seen(session, ref))
    return ref


LATER = timedelta(days=50)


def waiting_unseen(session: Session, actor: Actor) -> list[str]:
    session.rollback()
    return [one.need.ref for one in reads.unseen(session, actor)]


def test_a_hin_checks_later_what_was_published_unchecked_and_the_mark_goes(
    session: Session, parties: Parties, unseen: str
) -> None:
    before = len(letters(session))
    with time_machine.travel(clock.now() + LATER, tick=False):
        assert waiting_unseen(session, parties.broker) == [unseen]
        reviews.check(parties.broker, unseen, seen(session, unseen))
        assert waiting_unseen(session, parties.broker) == []
        checked_on = clock.now()
    need = need_of(session, unseen)
    assert (need.version, len(need.versions), need.sign_off and need.sign_off.unchecked) == (
        1,
        1,
        Unchecked.SILENT,
    )
    words = signed.signed_words(need.sign_off)
    assert "Not checked" not in words
    assert words.endswith(
        "and published before a health innovation network had checked it. "
        f"Checked by Health Innovation North on {day(checked_on)}."
    )
    assert audited(session, unseen)[-1] == "need.checked-later"
    assert sorted(letters(session)[before:]) == sorted(
        (one.email, "Checked: “Fewer falls at night”")
        for one in (parties.lead, parties.sponsor, parties.second)
    )
    with pytest.raises(Decided, match="published meanwhile"):
        reviews.check(parties.broker, unseen, seen(session, unseen))


def test_a_hin_that_joins_later_checks_what_nobody_could_check(session: Session, parties: Parties) -> None:
    session.get_one(User, parties.broker.user_id).disabled_at = clock.now()
    session.commit()
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    broker = people.actor_of(
        session, make_user(session, Role.BROKER, session.get_one(Organisation, parties.hin.id))
    )
    assert waiting_unseen(session, broker) == [ref]
    reviews.check(broker, ref, seen(session, ref))
    assert "Checked by Health Innovation North" in signed.signed_words(need_of(session, ref).sign_off)


def test_what_a_hin_asks_to_change_stands_beside_the_fields_of_the_next_version(
    session: Session, parties: Parties, unseen: str
) -> None:
    before = len(letters(session))
    comments = {"title": "Say of whom.", "baseline": "Of which year?"}
    reviews.ask_for_changes(parties.broker, unseen, seen(session, unseen), comments, "Nearly there")
    need = need_of(session, unseen)
    assert need.sign_off is not None
    assert need.state is State.PUBLISHED
    assert "Not checked by a health innovation network" in signed.signed_words(need.sign_off)
    assert [row.value for row in signed.changes_asked(need)] == [
        "Say of whom.",
        "Of which year?",
        "Nearly there",
    ]
    assert letters(session)[before:] == [(parties.lead.email, "Changes asked for: “Fewer falls at night”")]
    assert audited(session, unseen)[-1] == "need.changes-asked"
    assert waiting_unseen(session, parties.broker) == []
    with pytest.raises(DomainError, match="asked for already"):
        reviews.ask_for_changes(parties.broker, unseen, seen(session, unseen), {"title": "Again"})

    actions.start_edit(parties.lead, unseen)
    draft = need_of(session, unseen)
    assert [one.text for one in signed.comments_of(draft)] == ["Say of whom.", "Of which year?"]
    lock = draft.draft.lock_version if draft.draft else 0
    with pytest.raises(NotReady, match="Answer the reviewer’s comments"):
        submitting.submit_edit(parties.lead, unseen, change_note="Clearer", lock_version=lock)
    settled = {one.id: "" for one in need_of(session, unseen).comments_to_settle}
    actions.save_draft(
        parties.lead, unseen, {"title": "Fewer falls of residents"}, lock_version=lock, settled=settled
    )
    lock = need_of(session, unseen).draft.lock_version  # type: ignore[union-attr] # it is being written
    submitting.submit_edit(parties.lead, unseen, change_note="Clearer", lock_version=lock)
    sign_off(session, unseen)
    need = need_of(session, unseen)
    assert need.version == 2
    assert "and checked by Health Innovation North on" in signed.signed_words(need.sign_off)


def test_after_it_asked_for_changes_a_hin_can_still_check_the_published_text(
    session: Session, parties: Parties, unseen: str
) -> None:
    comments = {"title": "Say of whom."}
    reviews.ask_for_changes(parties.broker, unseen, seen(session, unseen), comments, "Is the baseline right?")
    reviews.check(parties.broker, unseen, seen(session, unseen))
    assert "Checked by Health Innovation North" in signed.signed_words(need_of(session, unseen).sign_off)
    need = need_of(session, unseen)
    assert (signed.changes_asked(need), signed.signing_off_of(parties.lead, need)) == ((), None)
    actions.start_edit(parties.lead, unseen)
    assert need_of(session, unseen).comments_to_settle == []


@pytest.mark.parametrize(
    ("comments", "words"), [({}, "Write a comment"), ({"title": "x" * 601}, "600 characters")]
)
def test_changes_are_asked_for_in_words_within_the_limits(
    session: Session, parties: Parties, unseen: str, comments: dict[str, str], words: str
) -> None:
    with pytest.raises(DomainError, match=words):
        reviews.ask_for_changes(parties.broker, unseen, seen(session, unseen), comments)


def test_only_the_hin_checks_later_and_nobody_their_own_work(
    session: Session, parties: Parties, unseen: str
) -> None:
    stranger = people.actor_of(session, make_user(session, Role.BROKER))
    looked = seen(session, unseen)
    for actor in (stranger, parties.lead, parties.sponsor):
        assert waiting_unseen(session, actor) == []
        with pytest.raises(NotVisible):
            reviews.check(actor, unseen, looked)
        with pytest.raises(NotVisible):
            reviews.ask_for_changes(actor, unseen, looked, {"title": "Say of whom."})
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
    with pytest.raises(OwnWork):
        reviews.check(both, unseen, looked)


def test_a_hin_that_looked_before_the_sponsor_published_reads_that_first(
    session: Session, parties: Parties
) -> None:
    [ref] = submitted(parties)
    reviews.approve(parties.sponsor, {ref: seen(session, ref)})
    looked = seen(session, ref)
    with time_machine.travel(clock.now() + timedelta(days=40), tick=False):
        reviews.publish_unchecked(parties.sponsor, ref, looked)
        with pytest.raises(Decided, match="published meanwhile"):
            reviews.check(parties.broker, ref, looked)


def test_a_new_version_on_its_way_and_a_withdrawal_end_the_late_check(
    session: Session, parties: Parties, unseen: str
) -> None:
    looked = seen(session, unseen)
    actions.start_edit(parties.lead, unseen)
    draft = need_of(session, unseen).draft
    assert draft is not None
    submitting.submit_edit(parties.lead, unseen, change_note="Clearer", lock_version=draft.lock_version)
    assert waiting_unseen(session, parties.broker) == []
    with pytest.raises((NotVisible, Decided)):
        reviews.check(parties.broker, unseen, looked)
    actions.withdraw(parties.lead, unseen, "Solved")
    with pytest.raises(Gone):
        reviews.check(parties.broker, unseen, looked)


def test_a_hin_may_check_again_when_the_new_version_was_taken_back_and_discarded(
    session: Session, parties: Parties, unseen: str
) -> None:
    reviews.ask_for_changes(parties.broker, unseen, seen(session, unseen), {}, "Is the baseline right?")
    for _ in range(2):
        actions.start_edit(parties.lead, unseen)
        draft = need_of(session, unseen).draft
        assert draft is not None
        submitting.submit_edit(parties.lead, unseen, change_note="Clearer", lock_version=draft.lock_version)
        submitting.take_back(parties.lead, unseen)
        actions.discard_draft(parties.lead, unseen)
        assert [row.value for row in signed.changes_asked(need_of(session, unseen))] == [
            "Is the baseline right?"
        ]
    reviews.check(parties.broker, unseen, seen(session, unseen))
    assert "Checked by Health Innovation North" in signed.signed_words(need_of(session, unseen).sign_off)


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


# Owner and deputy


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
