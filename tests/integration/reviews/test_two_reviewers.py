"""Ten reviewers decide at once: one decision counts, and everybody else is told. On SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.accounts import queries as accounts
from marketplace.needs.models import NeedVersion, SignOff
from marketplace.needs.signing import Decided, Step
from marketplace.organisations.models import Kind
from marketplace.reviews import actions as reviews
from tests.factories.needs import make_cycle, make_draft, make_sign_off
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user

TEN = 10


def test_of_ten_sponsors_who_decide_at_once_one_does_and_nine_are_told(app: Flask, session: Session) -> None:
    make_cycle(session)
    trust = make_organisation(session, Kind.TRUST)
    need = make_draft(session, trust)
    make_sign_off(session, need, submitted_by_id=make_user(session, Role.NEED_LEAD, trust).id)
    ref = need.ref
    actors = [accounts.actor_of(session, make_user(session, Role.SPONSOR, trust)) for _ in range(TEN)]
    session.rollback()
    barrier = threading.Barrier(TEN)

    def decide(number: int) -> str:
        with app.app_context():
            barrier.wait(timeout=30)
            try:
                if number % 2:
                    reviews.approve(actors[number], {ref: (1, 1)})
                else:
                    reviews.send_back(actors[number], ref, (1, 1), {"title": "Say of whom."})
            except Decided:
                return "told"
            return "decided"

    with ThreadPoolExecutor(TEN) as pool:
        assert Counter(pool.map(decide, range(TEN))) == {"decided": 1, "told": 9}
    session.rollback()
    [sign_off] = session.scalars(select(SignOff)).all()
    published = len(session.scalars(select(NeedVersion)).all())
    assert (sign_off.step, published) in {(Step.PUBLISHED, 1), (Step.RETURNED, 0)}
