"""Sign-off over HTTP: approving together, returning with comments, late decisions, comparing, and who leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership, User
from marketplace.needs.models import Need, NeedDraft, NeedPeople, NeedVersion, SignOff
from marketplace.needs.signing import Step, Unchecked
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.conftest import Browser, statements
from tests.factories.needs import content, make_cycle, make_draft, make_need, make_sign_off
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


@dataclass
class Parties:
    """A trust that no HIN covers, with a lead, a deputy and two sponsors."""

    trust: Organisation
    lead: User
    deputy: User
    sponsor: User
    second: User


@pytest.fixture
def parties(session: Session) -> Parties:
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")
    lead, deputy = (
        make_user(session, Role.NEED_LEAD, trust, name=name) for name in ("Lena Lead", "Dora Deputy")
    )
    sponsor, second = (make_user(session, Role.SPONSOR, trust) for _ in range(2))
    return Parties(trust, lead, deputy, sponsor, second)


def cover(session: Session, trust: Organisation) -> Organisation:
    """Return a new HIN that covers the trust."""
    hin = make_organisation(session, Kind.HIN)
    session.add(HinPatch(hin_id=hin.id, organisation_id=trust.id, source="test", source_date=clock.today()))
    session.commit()
    return hin


def waiting(session: Session, parties: Parties, **values: object) -> Need:
    """Return a need of the lead that waits for the sponsor."""
    need = make_draft(session, parties.trust, **values)
    assert need.people is not None
    need.people.owner_id, need.people.deputy_id = parties.lead.id, parties.deputy.id
    make_sign_off(session, need, submitted_by_id=parties.lead.id)
    return need


def step_of(session: Session, need: Need) -> Step:
    session.rollback()
    return (
        session.scalars(select(SignOff).where(SignOff.need_id == need.id).order_by(SignOff.round.desc()))
        .first()
        .step
    )  # type: ignore[union-attr] # there is one


def key_of(need: Need) -> str:
    return f"{need.ref}:1:1"


# The queue


def test_a_sponsor_reads_and_approves_three_on_one_page(
    browser: Browser, session: Session, parties: Parties
) -> None:
    needs = [
        waiting(session, parties, title=title, problem=f"{title} goes wrong.")
        for title in ("One", "Two", "Three")
    ]
    browser.sign_in(parties.sponsor)
    browser.get("/sign-off")
    for words in (
        "One goes wrong.",
        "Two goes wrong.",
        "Three goes wrong.",
        "First priority",
        "Third priority",
    ):
        assert words in browser.text
    browser.post("/sign-off", {"need": [key_of(need) for need in needs]})
    assert "3 needs approved and published. No HIN checks them." in browser.text
    assert [step_of(session, need) for need in needs] == [Step.PUBLISHED] * 3


def test_approving_nothing_is_told(browser: Browser, session: Session, parties: Parties) -> None:
    waiting(session, parties)
    browser.sign_in(parties.sponsor).get("/sign-off")
    assert browser.post("/sign-off").status_code == 422
    assert "Choose at least one need to approve" in browser.text


def test_all_or_none_is_approved_when_one_was_decided_on_meanwhile(
    session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    needs = [waiting(session, parties, title=title) for title in ("One", "Two")]
    first, second = new_browser().sign_in(parties.sponsor), new_browser().sign_in(parties.second)
    first.get("/sign-off")
    second.get("/sign-off")
    first.post("/sign-off", {"need": key_of(needs[0])})
    answer = second.post("/sign-off", {"need": [key_of(need) for need in needs]})
    assert answer.status_code == 409
    assert "This need has been published meanwhile" in second.text
    assert step_of(session, needs[1]) is Step.SUBMITTED


def test_a_sponsor_who_wrote_a_need_sees_it_without_a_box_to_tick(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = make_draft(session, parties.trust)
    make_sign_off(session, need, submitted_by_id=parties.sponsor.id)
    browser.sign_in(parties.sponsor).get("/sign-off")
    assert "so another sponsor has to approve it" in browser.text
    assert 'name="need"' not in browser.page
    assert browser.post("/sign-off", {"need": key_of(need)}).status_code == 422
    assert step_of(session, need) is Step.SUBMITTED


def test_the_queue_takes_as_many_queries_for_many_as_for_few(
    app: Flask, browser: Browser, session: Session, parties: Parties
) -> None:
    browser.sign_in(parties.sponsor)
    counts = []
    for _ in range(3):
        session.rollback()
        waiting(session, parties)
        session.rollback()
        with statements(app) as sent:
            browser.get("/sign-off")
        counts.append(len(sent))
    assert counts[1] == counts[2]


# One need


def test_the_reviewer_sees_the_public_text_what_changed_and_what_the_coach_asks(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = make_need(session, parties.trust, target="6 within 12 months")
    make_draft_of(
        session, need, target="4 within 9 months", must=("Be user friendly", "Work where there is no wifi")
    )
    make_sign_off(session, need, submitted_by_id=parties.lead.id, change_note="A bolder target")
    browser.sign_in(parties.sponsor).get(f"/sign-off/{need.ref}")
    for words in (
        "What changed, in the words of the writers: A bolder target",
        "Changes since version 1",
        "Target",
        "Residents fall at night in their own rooms",
        "It is published as soon as you approve it. Its page will say that no HIN has checked it",
    ):
        assert words in browser.text
    assert "<del>" in browser.page
    assert re.search(r"<ins>.*?4 .*?</ins>", browser.page)
    assert "The coach asks about “A solution must”" in browser.text


def make_draft_of(session: Session, need: Need, **values: object) -> None:
    """Give a published need a draft with some other answers."""
    draft = NeedDraft(need_id=need.id, saved_at=clock.now())
    assert need.current is not None
    draft.fill(content(**{"title": need.current.title} | values))
    session.add(draft)
    session.commit()
    session.refresh(need)


def test_a_return_needs_words_and_an_approval_swallows_none(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = waiting(session, parties)
    page = f"/sign-off/{need.ref}"
    browser.sign_in(parties.sponsor).get(page)
    assert browser.post(page, {"act": "return"}).status_code == 422
    assert "Write a comment beside the field that should change" in browser.text
    assert browser.post(page, {"act": "approve", "comment_target": "By when?"}).status_code == 422
    assert "Return the need with it, or clear it before you sign off" in browser.text
    assert "By when?" in browser.page
    assert browser.post(page, {"act": "return", "comment_target": "x" * 601}).status_code == 422
    assert "must be 600 characters or fewer. Take out 1." in browser.text
    assert "x" * 601 in browser.page
    browser.post(page, {"act": "return", "comment_target": "By <b>when</b>?"})
    assert "The need is returned" in browser.text
    assert step_of(session, need) is Step.RETURNED


def test_what_a_late_reviewer_wrote_is_shown_with_what_happened(
    session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    need = waiting(session, parties)
    page = f"/sign-off/{need.ref}"
    first, second = new_browser().sign_in(parties.sponsor), new_browser().sign_in(parties.second)
    first.get(page)
    second.get(page)
    first.post(page, {"act": "return", "comment_title": "Say of whom."})
    answer = second.post(page, {"act": "return", "comment_target": "By when?", "note": "Nearly there."})
    assert answer.status_code == 409
    for words in (
        "returned this need with comments meanwhile",
        "What you wrote",
        "By when?",
        "Nearly there.",
    ):
        assert words in second.text


def test_a_comment_stands_beside_its_field_until_it_is_dealt_with(
    browser: Browser, session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    need = waiting(session, parties, title="Fewer falls at night")
    sponsor = new_browser().sign_in(parties.sponsor)
    sponsor.get(f"/sign-off/{need.ref}")
    sponsor.post(f"/sign-off/{need.ref}", {"act": "return", "comment_title": "Say of whom."})
    browser.sign_in(parties.lead)
    for path in (
        f"/needs/{need.ref}/tasks",
        f"/needs/{need.ref}/check",
        f"/needs/{need.ref}/questions/title",
    ):
        browser.get(path)
        assert "Say of whom." in browser.text
    browser.get(f"/needs/{need.ref}/questions/people")
    assert "Say of whom." not in browser.text
    rank = f"/organisations/{parties.trust.code}/top-three"
    browser.get(rank)
    assert browser.post(rank, {f"place-{need.ref}": "1"}).status_code == 422
    assert "Answer the reviewer’s comments on “Fewer falls at night”" in browser.text
    question = f"/needs/{need.ref}/questions/title"
    browser.get(question)
    [comment] = re.findall(r'name="comment" value="(\d+)"', browser.page)
    too_long = {"title": "Fewer falls", "comment": comment, f"reply-{comment}": "x" * 601, "act": "next"}
    assert browser.post(question, too_long).status_code == 422
    assert "Your reply must be 600 characters or fewer" in browser.text
    assert "x" * 601 in browser.page
    fields = {"title": "Fewer falls of residents", "comment": comment, "settled": comment, "act": "later"}
    browser.get(question)
    browser.post(question, fields)
    browser.get(f"/needs/{need.ref}/check")
    assert "Marked as dealt with" in browser.text
    assert "Comments to deal with" not in browser.text
    browser.get(rank)
    assert '<option value="1" selected>' in browser.page, "it has kept its place"
    browser.post(rank, {f"place-{need.ref}": "1"})
    assert "1 need submitted" in browser.text
    sponsor.get(f"/sign-off/{need.ref}")
    assert "Said when it was returned last Say of whom. Marked as dealt with" in sponsor.text
    assert "Changes since the text that was returned" in sponsor.text


def test_a_submitted_need_leads_to_its_answers_and_can_be_taken_back(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = waiting(session, parties)
    browser.sign_in(parties.lead)
    response = browser.get(f"/needs/{need.ref}/questions/title")
    assert response.request.path == f"/needs/{need.ref}/check"
    assert "Waiting for the sponsor" in browser.text
    assert "/questions/title" not in browser.page
    browser.post(f"/needs/{need.ref}/take-back")
    assert "The need is yours again" in browser.text
    assert step_of(session, need) is Step.TAKEN_BACK


def test_an_answer_typed_while_a_colleague_submitted_is_given_back(
    session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    need = make_draft(session, parties.trust, title="Fewer falls")
    browser = new_browser().sign_in(parties.lead)
    session.rollback()
    browser.get(f"/needs/{need.ref}/questions/title")
    session.rollback()
    make_sign_off(session, need, submitted_by_id=parties.deputy.id)
    answer = browser.post(f"/needs/{need.ref}/questions/title", {"title": "My careful words", "act": "next"})
    assert answer.status_code == 409
    assert "is with its reviewers. Take it back to change it" in browser.text
    assert "My careful words" in browser.text


def test_without_a_sponsor_the_way_on_is_said(browser: Browser, session: Session) -> None:
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST)
    lead = make_user(session, Role.NEED_LEAD, trust)
    need = make_draft(session, trust)
    make_sign_off(session, need, submitted_by_id=lead.id)
    browser.sign_in(lead).get(f"/needs/{need.ref}/check")
    assert "Your organisation has no sponsor here yet" in browser.text
    assert f'href="/organisations/{trust.code}/people"' in browser.page


def test_a_hin_reads_no_earlier_round_that_a_sponsor_never_approved(
    session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    broker = make_user(session, Role.BROKER, cover(session, parties.trust))
    need = waiting(session, parties, title="Fewer falls on wards")
    rounds: list[tuple[str, int | None, str]] = [
        ("First wording", parties.sponsor.id, "Said by the HIN"),
        ("Second wording", None, "Said inside the trust"),
        ("Third wording", parties.sponsor.id, ""),
    ]
    need.sign_offs[0].taken_back_at = clock.now()
    assert need.draft is not None
    for target, approved_by_id, returned in rounds:
        need.draft.target = target
        make_sign_off(
            session,
            need,
            submitted_by_id=parties.lead.id,
            approved_by_id=approved_by_id,
            returned=returned,
        )
    hin, sponsor = new_browser().sign_in(broker), new_browser().sign_in(parties.sponsor)
    for reader in (hin, sponsor):
        assert reader.get(f"/sign-off/{need.ref}").status_code == 200
    assert "Said by the HIN" in hin.text
    assert re.search(r"<del>.*?First.*?</del>", hin.page)
    assert "Said inside the trust" not in hin.text
    assert "Second" not in hin.text
    assert "Said inside the trust" in sponsor.text
    assert re.search(r"<del>.*?Second.*?</del>", sponsor.page)


def test_an_overdue_need_is_published_as_not_checked_from_the_queue(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = make_draft(session, parties.trust)
    make_sign_off(
        session,
        need,
        submitted_by_id=parties.lead.id,
        approved_by_id=parties.sponsor.id,
        approved_at=clock.now() - timedelta(days=20),
    )
    browser.sign_in(parties.sponsor).get("/sign-off")
    assert "Overdue" in browser.text
    browser.post(f"/sign-off/{need.ref}/publish", {"round": 1, "lock_version": 1})
    assert "Its page says that the HIN has not checked it" in browser.text
    browser.client.delete_cookie("demand_signal")
    browser.get(f"/needs/{need.ref}")
    assert "the health innovation network did not answer within 10 working days" in browser.text
    assert parties.sponsor.name not in browser.text


def test_nobody_is_asked_to_answer_by_a_day_that_has_passed(
    new_browser: Callable[[], Browser], session: Session, parties: Parties
) -> None:
    broker = make_user(session, Role.BROKER, cover(session, parties.trust))
    need = make_draft(session, parties.trust)
    make_sign_off(
        session,
        need,
        submitted_by_id=parties.lead.id,
        approved_by_id=parties.sponsor.id,
        approved_at=clock.now() - timedelta(days=20),
    )
    hin, lead = new_browser().sign_in(broker), new_browser().sign_in(parties.lead)
    hin.get("/")
    assert "1 need waits for your check. This one was due by" in hin.text
    hin.get(f"/sign-off/{need.ref}")
    assert "The HIN’s time to check ended on" in hin.text
    assert "Overdue" in hin.text
    assert "To check by" not in hin.text
    lead.get(f"/needs/{need.ref}/check")
    assert "had until" in lead.text
    assert "The sponsor may now publish it as not checked" in lead.text
    assert "After that the sponsor" not in lead.text


# Comparing


def two_versions(session: Session, trust: Organisation) -> Need:
    need = make_need(session, trust, title="Old title", target="6 within 12 months")
    version = NeedVersion(need_id=need.id, number=2, change_note="Clearer", published_at=clock.now())
    version.fill(content(title="New title", target="6 within 12 months"))
    session.add(version)
    need.version = 2
    session.commit()
    return need


def test_anybody_compares_two_published_versions(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = two_versions(session, parties.trust)
    browser.get(f"/needs/{need.ref}/compare")
    assert "1 answer differs." in browser.text
    assert "<del>" in browser.page
    assert "[removed: Old ]" in browser.text
    assert "[added: New ]" in browser.text
    assert "Show the 16 answers that are the same" in browser.text
    browser.get(f"/needs/{need.ref}/compare?from=version-2&to=version-2")
    assert "You chose the same version twice" in browser.text
    browser.get(f"/needs/{need.ref}/compare?from=version-9&to=round-1")
    assert "We did not know one of the versions" in browser.text


def test_what_was_only_submitted_is_compared_by_insiders_alone(
    browser: Browser, session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    need = two_versions(session, parties.trust)
    make_draft_of(session, need, title="Secret third title")
    make_sign_off(session, need, submitted_by_id=parties.lead.id)
    public = new_browser()
    public.get(f"/needs/{need.ref}/compare?to=round-1")
    assert "Secret third title" not in public.text
    assert "Submitted on" not in public.text
    browser.sign_in(parties.sponsor).get(f"/needs/{need.ref}/compare?from=version-2&to=round-1")
    assert "waiting for the sponsor (not public)" in browser.text
    assert "[added: Secret third ]" in browser.text


# Who leads a need


def test_the_deputy_takes_over_from_the_start_page(
    browser: Browser, session: Session, parties: Parties
) -> None:
    need = waiting(session, parties, title="Fewer falls")
    [membership] = parties.lead.memberships
    membership.ended_on = clock.today()
    session.commit()
    browser.sign_in(parties.deputy).get("/")
    assert "Take over “Fewer falls”" in browser.text
    assert "Needs that nobody leads any more" not in browser.text, "told once, as the deputy's"
    browser.get(f"/needs/{need.ref}/people")
    assert "Lena Lead, who led this need, has left." in browser.text
    browser.post(f"/needs/{need.ref}/take-over")
    assert "You lead this need now. Name a deputy for it." in browser.text
    assert "This need has no deputy." in browser.text


def test_a_broker_who_also_leads_needs_sees_no_drafts_of_trusts_that_they_do_not_write_for(
    browser: Browser, session: Session, parties: Parties
) -> None:
    hin = cover(session, parties.trust)
    second = make_organisation(session, Kind.TRUST)
    session.add(HinPatch(hin_id=hin.id, organisation_id=second.id, source="test", source_date=clock.today()))
    broker = make_user(session, Role.BROKER, hin)
    for at in (hin, second):
        session.add(
            Membership(
                user_id=broker.id, organisation_id=at.id, role=Role.NEED_LEAD, started_on=clock.today()
            )
        )
    secret = waiting(session, parties, title="Secret draft")
    public = make_need(session, parties.trust, rank=None, title="Public need")
    own = make_draft(session, second, title="Our own draft")
    left = make_user(session)
    for need in (secret, public, own):
        assert need.people is not None
        need.people.owner_id = left.id
    session.commit()
    browser.sign_in(broker).get("/")
    assert "Needs that nobody leads any more (2)" in browser.text
    assert "Public need" in browser.text
    assert "Our own draft" in browser.text
    assert "Secret draft" not in browser.text


def test_the_only_person_of_an_organisation_is_told_what_to_do(browser: Browser, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    lead = make_user(session, Role.NEED_LEAD, trust)
    need = make_draft(session, trust)
    assert need.people is not None
    need.people.owner_id = lead.id
    session.commit()
    browser.sign_in(lead).get(f"/needs/{need.ref}/people")
    assert "so nobody can be the deputy yet. Invite a colleague" in browser.text
    assert 'name="deputy"' not in browser.page


# After publication


def test_a_broker_checks_what_was_published_unchecked_and_its_page_says_so(
    browser: Browser, session: Session, parties: Parties
) -> None:
    ref, broker = published_unchecked(session, parties)
    browser.get(f"/needs/{ref}")
    assert "Not checked by a health innovation network" in browser.text
    browser.sign_in(broker).get("/")
    assert "Published without your check (1)" in browser.text
    browser.get("/sign-off")
    assert "Published without your check" in browser.text
    assert f'href="/sign-off/{ref}"' in browser.page
    browser.get(f"/sign-off/{ref}")
    assert "It is public already, as not checked." in browser.text
    browser.post(f"/sign-off/{ref}", {"act": "check"})
    assert "The need is checked, and its page says so." in browser.text
    assert "Published without your check" not in browser.text
    browser.get(f"/needs/{ref}")
    assert "Not checked" not in browser.text
    assert "published before a health innovation network had checked it. Checked by" in browser.text


def test_a_broker_asks_for_changes_and_the_lead_reads_them_where_they_are_dealt_with(
    session: Session, parties: Parties, new_browser: Callable[[], Browser]
) -> None:
    ref, broker = published_unchecked(session, parties)
    hin, lead = new_browser().sign_in(broker), new_browser().sign_in(parties.lead)
    hin.get(f"/sign-off/{ref}")
    assert hin.post(f"/sign-off/{ref}", {"act": "return"}).status_code == 422
    assert "Write a comment beside the field that should change" in hin.text
    hin.post(f"/sign-off/{ref}", {"act": "return", "comment_title": "Say of whom."})
    assert "Its writers are told" in hin.text
    hin.get(f"/sign-off/{ref}")
    assert "Ask for changes" not in hin.text
    assert 'value="check"' in hin.page
    lead.get("/")
    assert "The HIN asks for changes" in lead.text
    lead.get(f"/needs/{ref}")
    assert "asks for changes. Title Say of whom." in lead.text
    lead.post(f"/needs/{ref}/edit")
    assert "Say of whom." in lead.text
    everybody = new_browser()
    everybody.get(f"/needs/{ref}")
    assert "Say of whom." not in everybody.text
    assert "Not checked by a health innovation network" in everybody.text


def published_unchecked(session: Session, parties: Parties) -> tuple[str, User]:
    """Return a need on the board that its HIN did not check, and the HIN's broker."""
    broker = make_user(session, Role.BROKER, cover(session, parties.trust))
    need = make_need(session, parties.trust)
    need.people = NeedPeople(owner_id=parties.lead.id, deputy_id=parties.deputy.id)
    need.draft = NeedDraft(saved_at=clock.now())
    need.draft.fill(content())
    sign_off = make_sign_off(
        session, need, approved_by_id=parties.sponsor.id, submitted_by_id=parties.lead.id
    )
    sign_off.unchecked, sign_off.version, sign_off.based_on = Unchecked.SILENT, 1, 0
    need.draft = None
    session.commit()
    ref = need.ref
    session.rollback()
    return ref, broker
