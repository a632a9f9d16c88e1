"""A side learns nothing of the other's refusal or silence, and nobody gets contact details before both accept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.audit.models import AuditEvent
from marketplace.introductions import actions, rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind
from tests.conftest import Browser
from tests.factories.introductions import NOTE, Parties, cover, introduction_of, make_introduction
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.technologies import make_technology

ANSWERS = (None, Decision.ACCEPTED, Decision.DECLINED)
NAMES = {Side.NEED: ("lead", "second lead"), Side.SUPPLIER: ("innovator", "second innovator")}


def without_tokens(page: str) -> str:
    """Return a page without what is random in every response: form tokens, form keys and the nonce."""
    page = re.sub(r'(name="(?:csrf_token|form_key)"[^>]*value=")[^"]*"', r"\1", page)
    return re.sub(r'nonce="[^"]*"', "", page)


def pages_of(browser: Browser, ref: str, side: Side) -> dict[str, tuple[int, str]]:
    """Return everything that a side can open about an introduction, with the status, without tokens."""
    return {
        path: (browser.get(path).status_code, without_tokens(browser.page))
        for path in (
            "/",
            "/introductions",
            f"/introductions/{ref}",
            f"/introductions/{ref}/{side.value}/accept",
            f"/introductions/{ref}/{side.value}/decline",
        )
    }


def mail_of(session: Session, parties: Parties, side: Side) -> list[tuple[str, str, str]]:
    session.rollback()
    addresses = [parties.people[name].email for name in NAMES[side]]
    rows = session.execute(
        select(Email.to, Email.subject, Email.body).where(Email.to.in_(addresses)).order_by(Email.id)
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("own", ANSWERS, ids=str)
def test_a_side_gets_the_same_bytes_whether_the_other_declined_or_is_silent(
    app: Flask,
    session: Session,
    new_browser: Callable[[], Browser],
    side: Side,
    own: Decision | None,
) -> None:
    parties = Parties.make(session)
    with time_machine.travel(clock.now(), tick=False) as travel:
        introduction = make_introduction(session, parties, **{side.value: own})
        ref, end = introduction.ref, introduction.decide_by
        actor, other = parties.actor(NAMES[side.other][0]), side.other
        browser = new_browser().sign_in(parties.people[NAMES[side][0]])
        seen = []
        for decline in (False, True):
            if decline:
                with app.app_context():
                    actions.decide(actor, ref, other, False, "We have other plans", lock_version=1)
            seen.append((pages_of(browser, ref, side), mail_of(session, parties, side)))
        assert seen[0] == seen[1]
        assert seen[0][0][f"/introductions/{ref}"][0] == 200
        assert "plans" not in str(seen)
        travel.move_to(end)
        with app.app_context():
            assert actions.expire_overdue() == 1
        browser = new_browser().sign_in(parties.people[NAMES[side][0]])
        ended = pages_of(browser, ref, side)
        assert rules.NOT_GOING_AHEAD in ended[f"/introductions/{ref}"][1]
        assert "We have other plans" not in str(ended)


@pytest.mark.parametrize("side", list(Side))
def test_reminder_and_end_read_the_same_after_a_refusal_and_after_silence(
    app: Flask, session: Session, side: Side
) -> None:
    """Two introductions of the same parties, one declined by the other side: this side gets the same mail twice."""
    parties = Parties.make(session)
    with time_machine.travel(clock.now(), tick=False) as travel:
        silent = make_introduction(session, parties)
        declined = make_introduction(session, parties, **{side.other.value: Decision.DECLINED})
        words = {
            silent.ref: (silent.need.current.title, silent.technology.current.name),
            declined.ref: (declined.need.current.title, declined.technology.current.name),
        }
        end = silent.decide_by
        for moment in (rules.remind_at(end), end):
            travel.move_to(moment)
            with app.app_context():
                actions.expire_overdue()
    got: dict[str, list[str]] = {ref: [] for ref in words}
    for to, subject, body in mail_of(session, parties, side):
        for ref, names in words.items():
            if ref in body:
                text = f"{to}\n{subject}\n{body}".replace(ref, "REF")
                for name in names:
                    text = text.replace(name, "NAME")
                got[ref].append(text)
    first, second = got.values()
    assert len(first) == 4  # a reminder and the end, for each of the two people
    assert first == second


@pytest.mark.parametrize("need", ANSWERS, ids=str)
@pytest.mark.parametrize("supplier", ANSWERS, ids=str)
@pytest.mark.parametrize("ended", [False, True], ids=["open", "over"])
def test_contact_details_are_nowhere_before_both_accepted(
    app: Flask,
    session: Session,
    new_browser: Callable[[], Browser],
    need: Decision | None,
    supplier: Decision | None,
    ended: bool,
) -> None:
    parties = Parties.make(session)
    canaries: dict[str, set[str]] = {}
    for number, name in enumerate(("lead", "second lead", "innovator", "second innovator", "broker"), 1):
        person = session.merge(parties.people[name])
        person.email = f"canary-{number}@people.example"
        person.telephone = f"01632 9607{number:02}"
        person.job_title = f"Canary job {number}"
        canaries[name] = {person.email, person.telephone, person.job_title}
        parties.people[name] = person
    session.commit()
    with time_machine.travel(clock.now(), tick=False) as travel:
        introduction = make_introduction(session, parties)
        ref, end = introduction.ref, introduction.decide_by
        for side, decision in ((Side.NEED, need), (Side.SUPPLIER, supplier)):
            if decision is not None:
                with app.app_context():
                    actions.decide(
                        parties.actor(NAMES[side][0]),
                        ref,
                        side,
                        decision is Decision.ACCEPTED,
                        "Our plans have changed",
                        lock_version=1,
                    )
        if ended:
            travel.move_to(end + timedelta(minutes=1))
            with app.app_context():
                actions.expire_overdue()
        introduced = need is supplier is Decision.ACCEPTED
        told = {"lead", "innovator", "broker"} if introduced else set()
        paths = [
            "/introductions",
            f"/introductions/{ref}",
            f"/introductions/{ref}/close",
            *(f"/introductions/{ref}/{side}/{word}" for side in Side for word in ("accept", "decline")),
        ]
        for name, person in parties.people.items():
            if name == "second broker":
                continue
            browser = new_browser().sign_in(person)
            crawled = ""
            for path in paths:
                crawled += browser.get(path).get_data(as_text=True)
            for whose, details in canaries.items():
                for detail in details:
                    shown = detail in crawled
                    assert shown == (whose in told), f"{detail} of the {whose} shown to the {name}"
    session.rollback()
    for to, subject, body in session.execute(select(Email.to, Email.subject, Email.body)):
        for whose, details in canaries.items():
            own = to in details
            if whose in told and subject.startswith("You have been introduced"):
                assert all(detail in body for detail in details)
            elif not own:
                assert not any(detail in subject + body for detail in details), subject
    audit = str(session.scalars(select(AuditEvent.detail)).all())
    assert not any(detail in audit for details in canaries.values() for detail in details)


def test_a_broker_of_another_hin_reads_the_same_whatever_came_of_a_proposal(
    session: Session, new_browser: Callable[[], Browser], reindex: Callable[[], None]
) -> None:
    """The patches of two HINs may hold the same organisation; each keeps the refusals that it was told."""
    parties = Parties.make(session)
    other_hin = make_organisation(session, Kind.HIN)
    cover(session, other_hin, parties.trust)
    watcher = make_user(session, Role.BROKER, other_hin)
    asked = "Tell staff within 2 minutes of a fall"
    with time_machine.travel(clock.now(), tick=False) as travel:
        made = make_introduction(session, parties, rank=1)
        second = make_technology(session, parties.supplier, summary=asked, claims=(asked,))
        need, technology, ref = made.need.ref, made.technology.ref, made.ref
        reindex()
        travel.shift(timedelta(days=1))
        browser = new_browser().sign_in(watcher)
        paths = (
            "/",
            "/patch",
            "/patch?state=nothing-proposed",
            "/patch?state=stopped",
            f"/patch/{need}",
            f"/patch/{need}/compare?technology={technology}&technology={second.ref}",
            f"/needs/{need}/matches",
            f"/needs/{need}/introduce/{technology}",
            f"/introductions/{ref}",
            "/introductions",
        )

        def seen() -> dict[str, tuple[int, str]]:
            return {path: (browser.get(path).status_code, without_tokens(browser.page)) for path in paths}

        silent = seen()
        assert "Proposed by another HIN" in silent[f"/patch/{need}"][1]
        compared = silent[paths[5]]
        assert compared[0] == 200
        assert "Proposed by another HIN" in compared[1]
        assert "Your HIN has proposed nothing, another HIN has" in silent["/patch"][1]
        assert silent[f"/introductions/{ref}"][0] == 404
        assert not any(ref in page for path, (_, page) in silent.items() if path != f"/introductions/{ref}")
        found = introduction_of(session, ref)
        found.answer(Side.SUPPLIER, Decision.DECLINED, "We have other plans", None, clock.now())
        session.commit()
        assert seen() == silent, "the supplier declined"
        found.close("They have other plans", clock.now())
        session.commit()
        assert seen() == silent, "the broker closed it"
        again = Introduction(
            ref="again",
            need_id=found.need_id,
            technology_id=found.technology_id,
            hin_id=found.hin_id,
            note=found.note,
            proposed_at=clock.now(),
            decide_by=rules.answer_by(clock.now()),
        )
        session.add(again)
        session.commit()
        assert seen() == silent, "it was proposed again"
        words = set()
        for decision in (None, Decision.DECLINED, Decision.ACCEPTED):
            if decision is not None:
                again.answer(Side.SUPPLIER, decision, "", None, clock.now())
                again.answer(Side.NEED, Decision.ACCEPTED, "", None, clock.now())
                session.commit()
            assert seen() == silent, f"the supplier’s answer is {decision}"
            browser.get(f"/needs/{need}/introduce/{technology}")
            browser.post(f"/needs/{need}/introduce/{technology}", {"note": NOTE, "step": "propose"})
            assert "Another HIN has proposed this need and this technology to each other" in browser.text
            words.add(browser.text)
        assert len(words) == 1
