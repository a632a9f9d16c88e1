"""Digests over a simulated month, and under everything that may go wrong, compared with a count by other means."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import ANONYMOUS
from marketplace.demand import actions, emails
from marketplace.demand.finder import World
from marketplace.demand.models import SavedSearch, ToldItem
from marketplace.demand.saving import Frequency
from marketplace.needs.models import Need, NeedVersion
from marketplace.notices.models import Email
from marketplace.vocabulary import ClinicalArea
from marketplace.web.search import Found
from marketplace.worker import other_chores
from tests.factories.demand import make_saved
from tests.factories.families import make_family
from tests.factories.needs import COMPLETE, make_cycle, make_need
from tests.factories.people import make_user

#: A Monday. The clocks go back on 25 October 2026, the seventh Sunday of which this month holds three.
FIRST = date(2026, 10, 5)
DAYS = 38
CLOCKS_BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)


def utc(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Let it be noon on a Wednesday: at night no digest is sent."""
    with clock.pretend(utc(date(2026, 11, 18), 12)):
        yield


# What happens, told without the database


@dataclass
class Told:
    """A need as its history: what it is about, its texts (each with a number that tells its meaning), its end."""

    title: str
    area: str
    falls: bool
    ref: str
    meanings: list[int]
    withdrawn: bool = False


@dataclass
class Reader:
    """Somebody who keeps a search: what it wants, and what this test expects them to have been told."""

    address: str
    weekly: bool
    area: str = ""
    falls: bool = False
    stopped: bool = False
    paused: bool = False
    last: date | None = None
    known: dict[str, int] = field(default_factory=dict)
    expected: list[tuple[datetime, frozenset[tuple[str, str]]]] = field(default_factory=list)

    def wants(self, need: Told) -> bool:
        return (
            not need.withdrawn
            and (not self.area or need.area == self.area)
            and (need.falls or not self.falls)
        )

    def note_all(self, needs: list[Told]) -> None:
        self.known = {need.ref: need.meanings[-1] for need in needs if self.wants(need)}

    def look(self, needs: list[Told], now: datetime) -> None:
        """Do what a digest should do at a moment, by other means than the service does it."""
        local = now + timedelta(hours=1 if now < CLOCKS_BACK else 0)
        if local.hour < 7:
            return
        day = local.date()
        if self.weekly:
            while day.isoweekday() != 1:
                day -= timedelta(days=1)
        if self.stopped or self.paused or (self.last is not None and day <= self.last):
            return
        self.last = day
        lines = set()
        for need in filter(self.wants, needs):
            before = self.known.get(need.ref)
            if before is None:
                lines.add(("New", need.title))
            elif before != need.meanings[-1]:
                lines.add(("Changed", need.title))
            self.known[need.ref] = need.meanings[-1]
        if lines:
            self.expected.append((now, frozenset(lines)))


@pytest.fixture
def needs(app: Flask) -> list[Told]:
    """Return the history, which also answers searches by meaning: what is about falls fits well, nothing else."""
    told: list[Told] = []

    def search(_text: str, _limit: int, _among: object = None) -> Found:
        return Found(tuple(one.ref for one in told), frozenset(one.ref for one in told if one.falls))

    app.extensions["need_search"] = search
    return told


def publish(session: Session, needs: list[Told], chosen: random.Random, number: int) -> None:
    area = chosen.choice([ClinicalArea.FRAILTY, ClinicalArea.CANCER])
    title = f"Need number {number} of the month"
    need = make_need(session, title=title, clinical_area=area)
    needs.append(Told(title, area.value, chosen.random() < 0.5, need.ref, [0]))


def change(session: Session, one: Told, *, material: bool) -> None:
    need = session.scalars(select(Need).where(Need.ref == one.ref)).one()
    current = session.scalars(
        select(NeedVersion).where(NeedVersion.need_id == need.id, NeedVersion.number == need.version)
    ).one()
    content = current.content()
    meaning = one.meanings[-1] + (1 if material else 0)
    problem = content.problem.rstrip(".") + ("" if content.problem.endswith(".") else ".")
    must = (f"Tell staff within {2 + meaning} minutes of a fall", *COMPLETE.must[1:])
    need.version += 1
    version = NeedVersion(
        need_id=need.id, number=need.version, published_at=clock.now(), change_note=f"Version {need.version}"
    )
    version.fill(replace(content, problem=problem, must=must))
    session.add(version)
    session.commit()
    one.meanings.append(meaning)


def withdraw(session: Session, one: Told) -> None:
    need = session.scalars(select(Need).where(Need.ref == one.ref)).one()
    need.withdrawn_at, need.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    one.withdrawn = True


# What was written


def letters(session: Session) -> dict[str, list[tuple[datetime, frozenset[tuple[str, str]]]]]:
    """Return the digests that were written, by address: when, and the lines of each."""
    session.rollback()
    found: dict[str, list[tuple[datetime, frozenset[tuple[str, str]]]]] = {}
    for email in session.scalars(select(Email).order_by(Email.id)):
        lines = re.findall(r"^(New|Changed): (.*)$", email.body, re.M)
        assert lines, "an empty e-mail was written"
        assert len(lines) == len(set(lines)), "an e-mail tells something twice"
        found.setdefault(email.to, []).append((email.created_at, frozenset(lines)))
    return found


def run(steps: int | None = None) -> None:
    """Do the digests that are due as a worker does, which dies after some steps."""
    digests = emails.digests()
    for _ in islice(digests, steps):
        pass
    digests.close()


def run_side_by_side() -> None:
    """Do the digests with two workers that have both seen what is due before either began."""
    one, other = emails.digests(), emails.digests()
    next(one, None)
    next(other, None)
    for _ in one:
        next(other, None)
    for _ in other:
        pass


def press_stop(app: Flask, session: Session, address: str) -> None:
    """Stop the e-mails as a mail program does: one POST to the address in the last letter, with nobody signed in."""
    email = session.scalars(select(Email).where(Email.to == address).order_by(Email.id.desc())).first()
    session.rollback()
    assert email is not None
    pressed = app.test_client().post(urlsplit(email.stop).path, data={"List-Unsubscribe": "One-Click"})
    assert pressed.status_code == 200


def test_a_month_of_digests_tells_each_thing_once_and_in_time(
    app: Flask, session: Session, needs: list[Told]
) -> None:
    chosen = random.Random(20261005)
    with clock.pretend(utc(FIRST, 9)):
        make_cycle(session, opens_on=FIRST - timedelta(days=5), closes_on=FIRST + timedelta(days=90))
        for number in range(4):
            publish(session, needs, chosen, number)
        person = make_user(session, email="person@example.com")
        readers = {
            "all, daily": (Reader("person@example.com", weekly=False), person, ""),
            "all, weekly": (Reader("weekly@example.com", weekly=True), "weekly@example.com", ""),
            "paused": (Reader("pause@example.com", weekly=False), "pause@example.com", "kind=need"),
            "frailty": (
                Reader("frailty@example.com", weekly=False, area="frailty"),
                "frailty@example.com",
                "area=frailty",
            ),
            "falls": (Reader("falls@example.com", weekly=False, falls=True), "falls@example.com", "q=falls+at+night"),
            "both": (
                Reader("both@example.com", weekly=True, falls=True, area="cancer"),
                "both@example.com",
                "q=falls&area=cancer",
            ),
        }  # fmt: skip
        for reader, owner, query in readers.values():
            frequency = Frequency.WEEKLY if reader.weekly else Frequency.DAILY
            search = make_saved(session, owner, query=query, frequency=frequency, period=FIRST)
            there = emails.there_now(World.read(ANONYMOUS), emails.asked_by(search))
            reader.last = FIRST
            reader.note_all(needs)
            actions.mark_seen(ANONYMOUS, search.ref, there)
    number = 4
    for passed in range(DAYS):
        day = FIRST + timedelta(days=passed)
        down = passed in {
            6,
            7,
            8,
            20,
        }  # the worker is away: for three days with a Monday among them, and for one
        for hour in (1, 5, 6, 7, 16):
            with clock.pretend(utc(day, hour, chosen.randrange(0, 20))):
                if (passed, hour) > (0, 7):
                    for _ in range(chosen.choice([0, 0, 0, 1, 2])):
                        live = [one for one in needs if not one.withdrawn]
                        event = chosen.random()
                        if event < 0.45 or not live:
                            publish(session, needs, chosen, number)
                            number += 1
                        elif event < 0.85:
                            change(session, chosen.choice(live), material=chosen.random() < 0.6)
                        else:
                            withdraw(session, chosen.choice(live))
            now = utc(day, hour, 30)
            if (passed, hour) <= (0, 7) or down:
                continue
            if passed == 25 and hour == 16:
                # Somebody has had enough.
                with clock.pretend(now):
                    kept = letters(session)["weekly@example.com"]
                    press_stop(app, session, "weekly@example.com")
                reader = readers["all, weekly"][0]
                assert kept == reader.expected
                reader.stopped, reader.expected = True, []
            if (passed, hour) in {(11, 16), (18, 16)}:
                # Somebody wants no e-mails for a week; what comes meanwhile is told when they want them again.
                paused = readers["paused"][0]
                paused.paused = passed == 11
                paused.last = day
                frequency = Frequency.NONE if paused.paused else Frequency.DAILY
                ref = session.scalars(select(SavedSearch.ref).where(SavedSearch.query == "kind=need")).one()
                session.rollback()
                with clock.pretend(now):
                    actions.change(ANONYMOUS, ref, name="Paused", frequency=frequency)
            with clock.pretend(now):
                kind = chosen.randrange(4)
                if kind == 0:  # a worker that dies, and its successor
                    run(chosen.randrange(0, 4))
                elif kind == 1:
                    run_side_by_side()
                run()
                if kind == 2:
                    run()
            for reader, _, _ in readers.values():
                reader.look(needs, now)
    written = letters(session)
    for reader, _, _ in readers.values():
        assert written.get(reader.address, []) == reader.expected, reader.address
    # The month held what it should, so that the comparison says something.
    told = [line for reader, _, _ in readers.values() for _, lines in reader.expected for line in lines]
    assert {"New", "Changed"} == {kind for kind, _ in told}
    daily = [when for when, _ in readers["all, daily"][0].expected]
    assert len(daily) > 20
    assert min(when.hour for when in daily if when < CLOCKS_BACK) == 6
    assert min(when.hour for when in daily if when > CLOCKS_BACK) == 7
    without = {when.date() - FIRST for when, _ in readers["paused"][0].expected}
    assert without.isdisjoint(timedelta(days=number) for number in range(12, 19))
    assert timedelta(days=19) in without
    weekly = [when.date() - FIRST for when, _ in readers["both"][0].expected]
    assert timedelta(days=9) in weekly  # what was due on the Monday came in the morning after the three days
    # And the ledger has each version once, at most.
    rows = session.execute(
        select(ToldItem.saved_search_id, ToldItem.kind, ToldItem.ref, ToldItem.version)
    ).all()
    assert len(rows) == len(set(rows))


# What may go wrong


def one_due(session: Session, owner: str = "somebody@example.com", **values: object) -> SavedSearch:
    """Return a search whose digest of today is due."""
    return make_saved(session, owner, period=clock.today() - timedelta(days=2), **values)


def work(app: Flask, id_: int, period: date, together: threading.Barrier, wrote: list[bool]) -> None:
    """Make a digest as one of several workers that begin together."""
    with app.app_context():
        world = World.read(ANONYMOUS)
        together.wait()
        wrote.append(emails.digest(world, id_, period))


def test_two_workers_at_the_same_moment_write_one_email(app: Flask, session: Session) -> None:
    make_cycle(session)
    make_need(session)
    for number in range(6):
        search = one_due(session, f"reader{number}@example.com")
        id_, period = search.id, clock.today()
        session.rollback()
        wrote: list[bool] = []
        given = (app, id_, period, threading.Barrier(2), wrote)
        threads = [threading.Thread(target=copy_context().run, args=(work, *given)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(wrote) == [False, True]
    assert {address: len(found) for address, found in letters(session).items()} == {
        f"reader{number}@example.com": 1 for number in range(6)
    }


def test_what_fails_in_the_middle_is_told_whole_by_the_next_run(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cycle(session)
    make_need(session, title="A need")
    one_due(session)
    send, calls = actions.send, []

    def fail_first(*given: object, **named: object) -> None:
        calls.append(1)
        send(*given, **named)
        if len(calls) == 1:
            raise RuntimeError("the disk is full")

    monkeypatch.setattr(actions, "send", fail_first)
    with pytest.raises(RuntimeError):
        run()
    assert letters(session) == {}
    assert session.scalars(select(ToldItem)).all() == []
    run()
    run()
    assert [lines for _, lines in letters(session)["somebody@example.com"]] == [{("New", "A need")}]


def test_without_the_model_a_search_in_own_words_waits_and_is_told_when_it_is_back(
    app: Flask, session: Session, needs: list[Told]
) -> None:
    make_cycle(session)
    needs.append(Told("A need", "frailty", True, make_need(session, title="A need").ref, [0]))
    one_due(session, "words@example.com", query="q=falls")
    one_due(session, "filter@example.com", query="area=frailty")
    whole = app.extensions["need_search"]
    app.extensions["need_search"] = lambda *_: Found(
        (needs[0].ref,), frozenset({needs[0].ref}), degraded=True
    )
    run()
    assert set(letters(session)) == {"filter@example.com"}
    app.extensions["need_search"] = whole
    run()
    assert set(letters(session)) == {"filter@example.com", "words@example.com"}


def test_what_does_not_fit_well_is_never_told(app: Flask, session: Session, needs: list[Told]) -> None:
    make_cycle(session)
    needs.append(Told("Far", "frailty", False, make_need(session, title="Far").ref, [0]))
    one_due(session, query="q=falls")
    run()
    assert letters(session) == {}


def test_a_need_that_is_withdrawn_while_the_digest_is_made_is_left_out(session: Session) -> None:
    make_cycle(session)
    gone, stays = make_need(session, title="Gone"), make_need(session, title="Stays")
    search = one_due(session)
    id_ = search.id
    world = World.read(ANONYMOUS)
    session.rollback()
    gone.withdrawn_at, gone.withdrawn_reason = clock.now(), "Solved"
    session.commit()
    assert stays.ref
    assert emails.digest(world, id_, clock.today())
    assert [lines for _, lines in letters(session)["somebody@example.com"]] == [{("New", "Stays")}]


def test_nothing_is_sent_to_who_has_not_confirmed_or_may_not_sign_in_any_more(session: Session) -> None:
    make_cycle(session)
    make_need(session)
    one_due(session, confirmed=False)
    person = make_user(session)
    make_saved(session, person, period=clock.today() - timedelta(days=2))
    person.disabled_at = clock.now()
    session.commit()
    run()
    assert letters(session) == {}


def test_other_times_are_not_a_way_to_a_second_email_in_a_period(session: Session) -> None:
    make_cycle(session)
    make_need(session, title="First")
    search = one_due(session)
    run()
    make_need(session, title="Second")
    for frequency in (Frequency.WEEKLY, Frequency.NONE, Frequency.DAILY):
        actions.change(ANONYMOUS, search.ref, name="Falls", frequency=frequency)
        run()
    assert [lines for _, lines in letters(session)["somebody@example.com"]] == [{("New", "First")}]
    with clock.pretend(utc(date(2026, 11, 19), 7)):
        run()
    assert [lines for _, lines in letters(session)["somebody@example.com"]][1:] == [{("New", "Second")}]


def test_a_search_saved_today_has_its_first_digest_tomorrow_or_next_monday(session: Session) -> None:
    make_cycle(session)
    person = make_user(session)
    actor = type(ANONYMOUS)(user_id=person.id)
    for frequency in (Frequency.DAILY, Frequency.WEEKLY):
        actions.save(actor, query="", name=frequency.value, frequency=frequency, there={})
    make_need(session, title="A need")
    run()
    assert letters(session) == {}
    for day, subjects in ((19, ["1 new need: daily"]), (22, []), (23, ["1 new need: weekly"])):
        with clock.pretend(utc(date(2026, 11, day), 6, 59)):
            run()
        before = session.scalars(select(Email.subject)).all()
        with clock.pretend(utc(date(2026, 11, day), 7)):
            run()
        assert session.scalars(select(Email.subject).order_by(Email.id)).all()[len(before) :] == subjects


def test_a_long_digest_lists_the_first_and_counts_the_others(session: Session) -> None:
    make_cycle(session)
    for number in range(35):
        make_need(session, title=f"Need {number}")
    one_due(session)
    run()
    (email,) = session.scalars(select(Email)).all()
    assert email.subject == "35 new needs: Falls at night"
    assert email.body.count("\nNew: ") == 30
    assert "And 5 more, on the page of the search." in email.body
    assert len(session.scalars(select(ToldItem)).all()) == 35


def test_a_new_family_is_told_once(session: Session) -> None:
    make_cycle(session)
    needs_ = [make_need(session, title=f"Need {number}") for number in range(2)]
    search = one_due(session)
    actions.mark_seen(ANONYMOUS, search.ref, emails.there_now(World.read(ANONYMOUS), emails.asked_by(search)))
    make_family(session, *needs_, name="Falls seen sooner")
    run()
    with clock.pretend(clock.now() + timedelta(days=1)):
        run()
    assert [lines for _, lines in letters(session)["somebody@example.com"]] == [
        {("New", "Falls seen sooner")}
    ]


def test_the_worker_looks_for_digests_every_minute() -> None:
    chores = {chore.name: chore for chore in other_chores()}
    assert chores["saved searches"].every == timedelta(minutes=1)
    assert chores["saved searches"].do is emails.digests
