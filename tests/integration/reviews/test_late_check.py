"""A HIN checks later what was published without its check, or asks for changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries as people
from marketplace.accounts.models import Membership, User
from marketplace.errors import DomainError, Gone, NotVisible
from marketplace.needs import actions, signed, submitting
from marketplace.needs.rules import State
from marketplace.needs.signing import Decided, NotReady, OwnWork, Unchecked
from marketplace.organisations.models import Organisation
from marketplace.reviews import actions as reviews
from marketplace.reviews import queries as reads
from marketplace.web.words import day
from tests.factories.people import make_user
from tests.factories.signing import seen, sign_off
from tests.integration.reviews.parties import Parties, audited, letters, need_of, submitted


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
