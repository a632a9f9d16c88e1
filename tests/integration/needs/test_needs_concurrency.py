"""Ten people publish at once: never a fourth need, never an error page. On SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.actor import SERVICE
from marketplace.access.policy import Role
from marketplace.accounts import queries as accounts
from marketplace.audit.models import AuditEvent
from marketplace.database import db
from marketplace.needs import actions, queries, rules, submitting
from marketplace.needs.models import Need, NeedDraft, Priority, SignOff
from marketplace.organisations.models import Kind
from tests.conftest import Browser
from tests.factories.needs import COMPLETE, make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.signing import name_deputies

TEN = 10
T = TypeVar("T")


def at_once(work: Callable[[int], T]) -> list[T]:
    """Run the work in ten threads that start together, and return what each returned."""
    barrier = threading.Barrier(TEN)

    def run(number: int) -> T:
        barrier.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(TEN) as pool:
        return list(pool.map(run, range(TEN)))  # each thread starts without this one's application context


def places(session: Session) -> dict[int, int]:
    session.rollback()
    return {row.rank: row.need_id for row in session.scalars(select(Priority).order_by(Priority.rank))}


def submitted(session: Session) -> list[int]:
    return list(session.scalars(select(SignOff.need_id).order_by(SignOff.need_id)))


def placed(organisation_id: int) -> list[str]:
    """Return the refs with a place, as the page of the ranking shows them."""
    found = select(Need.ref).join(Priority, Priority.need_id == Need.id)
    return list(
        db.session.scalars(found.where(Priority.organisation_id == organisation_id).order_by(Priority.rank))
    )


def test_ten_people_who_each_add_their_need_submit_exactly_three(app: Flask, session: Session) -> None:
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST)
    code, trust_id = trust.code, trust.id
    refs = [make_draft(session, trust).ref for _ in range(TEN)]
    name_deputies(session, *refs)
    people = [make_user(session, Role.NEED_LEAD, trust) for _ in range(TEN)]
    actors = [accounts.actor_of(session, person) for person in people]
    session.rollback()

    def work(number: int) -> str:
        with app.app_context():
            while True:
                ranked = placed(trust_id)
                if len(ranked) == rules.PLACES:
                    return "full"
                try:
                    submitting.submit_top_three(actors[number], code, [*ranked, refs[number]])
                except rules.TopThreeError:
                    continue
                return "submitted"

    assert Counter(at_once(work)) == {"submitted": 3, "full": 7}
    assert sorted(places(session)) == [1, 2, 3]
    assert sorted(places(session).values()) == submitted(session)


def test_ten_people_who_fill_all_places_at_once_get_a_page_each(app: Flask, session: Session) -> None:
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST)
    code = trust.code
    refs = [make_draft(session, trust).ref for _ in range(TEN + 2)]
    name_deputies(session, *refs)
    emails = [make_user(session, Role.NEED_LEAD, trust).email for _ in range(TEN)]
    session.rollback()

    def open_page(number: int) -> Browser:
        browser = Browser(app.test_client()).sign_in(emails[number])
        browser.get(f"/organisations/{code}/top-three")
        return browser

    # In threads of their own: the fixture's application context is shared by every request of this one.
    browsers = at_once(open_page)

    def work(number: int) -> int:
        places = {f"place-{refs[number + offset]}": str(offset + 1) for offset in range(3)}
        return browsers[number].post(f"/organisations/{code}/top-three", places, follow=False).status_code

    assert Counter(at_once(work)) == {303: 1, 422: 9}
    assert sorted(places(session)) == [1, 2, 3]
    assert sorted(places(session).values()) == submitted(session)
    told = [browser.text for browser in browsers if "There is a problem" in browser.text]
    assert len(told) == 9
    assert all("must keep a place" in text for text in told)


def test_ten_people_who_reorder_and_withdraw_leave_an_order_without_gaps(
    app: Flask, session: Session
) -> None:
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST)
    code, trust_id = trust.code, trust.id
    refs = [make_need(session, trust, rank=rank).ref for rank in (1, 2, 3)]
    actor = accounts.actor_of(session, make_user(session, Role.NEED_LEAD, trust))
    session.rollback()

    def work(number: int) -> str:
        with app.app_context():
            if number == 5:
                actions.withdraw(actor, refs[1], "Not any more")
                return "withdrawn"
            ranked = [need.ref for need in queries.top_three(SERVICE, trust_id)]
            try:
                submitting.submit_top_three(actor, code, ranked[::-1])
            except rules.TopThreeError:
                return "told"
            return "reordered"

    assert set(at_once(work)) <= {"withdrawn", "told", "reordered"}
    assert sorted(places(session)) == [1, 2]


def test_of_ten_editors_of_one_answer_one_wins_and_nine_are_shown_both_texts(
    app: Flask, session: Session
) -> None:
    trust = make_organisation(session, Kind.TRUST)
    ref = make_draft(session, trust, problem=COMPLETE.problem).ref
    actor = accounts.actor_of(session, make_user(session, Role.NEED_LEAD, trust))
    seen = rules.fingerprint(COMPLETE, ["problem"])
    session.rollback()

    def work(number: int) -> str:
        with app.app_context():
            try:
                actions.save_draft(actor, ref, {"problem": f"Text {number}"}, lock_version=1, seen=seen)
            except rules.DraftChanged as error:
                return error.theirs.problem
            return f"Text {number}"

    texts = at_once(work)
    assert len(set(texts)) == 1
    draft = session.scalars(select(NeedDraft)).one()
    assert (draft.problem, draft.lock_version) == (texts[0], 2)


def test_ten_copies_of_one_form_start_one_draft(app: Flask, session: Session) -> None:
    trust = make_organisation(session, Kind.TRUST)
    person = make_user(session, Role.NEED_LEAD, trust)
    first = Browser(app.test_client()).sign_in(person.email)
    first.get("/top-three/new")
    sent = first.hidden()
    cookie = first.client.get_cookie("demand_signal")
    assert cookie is not None
    session.rollback()

    def work(_number: int) -> tuple[int, str]:
        client = app.test_client()
        client.set_cookie("demand_signal", cookie.value)
        response = client.post("/top-three/new", data=sent)
        return response.status_code, response.headers.get("Location", "").split("/")[2]

    need = set(at_once(work))
    session.rollback()
    assert need == {(303, session.scalars(select(Need.ref)).one())}
    drafted = session.scalars(select(AuditEvent).where(AuditEvent.action == "need.drafted")).all()
    assert len(drafted) == 1
