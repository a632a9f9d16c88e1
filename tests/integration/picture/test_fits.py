"""The register is searched for every need on the board, and again when it changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.matches import fits
from marketplace.matches.models import NeedFit
from marketplace.needs.models import Need
from marketplace.organisations.models import Kind
from marketplace.worker import build_worker
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.technologies import make_technology

Reindex = Callable[[], None]
SUMMARY = (
    "A mat beside the bed of older people in care homes. It tells staff within 2 minutes of a fall at night "
    "in their own rooms, so that residents who fall are found. It works where there is no wifi."
)


@pytest.fixture
def need(session: Session) -> Need:
    return make_need(session, title="Fewer falls at night")


def looked(session: Session) -> dict[int, int]:
    session.rollback()
    session.expire_all()
    return {one.need_id: one.fits for one in session.scalars(select(NeedFit))}


def work() -> int:
    return sum(fits.steps())


def test_before_there_is_an_index_nothing_is_looked_at(session: Session, need: Need) -> None:
    assert work() == 0
    assert looked(session) == {}


@pytest.mark.parametrize(
    ("name", "summary", "fitting"),
    [("Nightlight", SUMMARY, 1), ("Payline", "Software that pays invoices of suppliers by itself.", 0)],
)
def test_it_keeps_whether_anything_fits(
    session: Session, need: Need, reindex: Reindex, name: str, summary: str, fitting: int
) -> None:
    make_technology(session, name=name, summary=summary)
    reindex()
    assert work() == 1
    assert looked(session) == {need.id: fitting}
    assert work() == 0, "nothing is due"


def test_what_was_not_looked_at_comes_first_and_the_rest_waits_its_time(
    session: Session, need: Need, reindex: Reindex, monkeypatch: pytest.MonkeyPatch
) -> None:
    reindex()
    assert work() == 1
    assert looked(session) == {need.id: 0}
    new = make_need(session)
    make_technology(session, name="Nightlight", summary=SUMMARY)
    reindex()
    assert work() == 1
    assert set(looked(session)) == {need.id, new.id}
    assert looked(session)[need.id] == 0, "the last answer stands"
    later = clock.now() + fits.AGAIN
    monkeypatch.setattr(clock, "now", lambda: later)
    assert work() == 1, "what was looked at after the change need not be looked at again"
    assert looked(session)[need.id] == 1


def test_a_need_that_changed_is_looked_at_at_once(session: Session, need: Need, reindex: Reindex) -> None:
    reindex()
    work()
    found = session.get(NeedFit, need.id)
    assert found is not None
    found.version = need.version - 1
    session.commit()
    assert work() == 1


def test_a_need_that_left_the_board_is_not_looked_at(session: Session, need: Need, reindex: Reindex) -> None:
    reindex()
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    assert work() == 0


def test_it_works_in_small_steps(session: Session, reindex: Reindex) -> None:
    cycle = make_cycle(session)
    for _ in range(fits.BATCH + 1):
        make_need(session, make_organisation(session, Kind.TRUST), cycle=cycle)
    reindex()
    assert list(fits.steps()) == [fits.BATCH, 1]


def test_the_worker_does_it_by_itself(app: Flask, session: Session, need: Need, reindex: Reindex) -> None:
    reindex()
    worker = build_worker(app)
    worker.do_chores()
    while worker.go_on():
        pass
    assert looked(session) == {need.id: 0}


def test_an_answer_by_words_only_is_asked_for_again(
    session: Session, need: Need, reindex: Reindex, monkeypatch: pytest.MonkeyPatch
) -> None:
    reindex()
    work()
    found = session.get(NeedFit, need.id)
    assert found is not None
    found.words_only = True
    session.commit()
    assert work() == 0
    later: datetime = clock.now() + fits.AGAIN + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert work() == 1
    assert not looked(session)[need.id]


def test_a_look_that_finds_the_same_is_no_change(
    session: Session, need: Need, reindex: Reindex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moments() -> tuple[datetime, datetime]:
        session.rollback()
        row = session.scalars(select(NeedFit)).one()
        return row.looked_at, row.changed_at

    reindex()
    work()
    first, began = moments()
    assert began == first
    make_technology(session, name="Nightlight", summary=SUMMARY)
    reindex()
    later = clock.now() + fits.AGAIN
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: later)
        assert work() == 1
    assert moments() == (later, later)
    make_technology(session, name="Payline", summary="Software that pays invoices of suppliers by itself.")
    reindex()
    last = later + fits.AGAIN
    monkeypatch.setattr(clock, "now", lambda: last)
    assert work() == 1
    assert moments() == (last, later)
