"""Every letter about cycles that leads get in a year, day by day, with the clock stopped at each step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries as people
from marketplace.accounts.models import Membership
from marketplace.cycles import actions
from marketplace.families import actions as families
from marketplace.needs.rounds import Round
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind, Organisation
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user

FIRST, LAST = date(2027, 2, 20), date(2028, 2, 20)
SPRING = Round(
    name="Spring 2027",
    opens_on=date(2027, 3, 1),
    reminds_on=date(2027, 4, 12),
    locks_on=date(2027, 4, 30),
    closes_on=date(2027, 8, 31),
)
AUTUMN = Round(
    name="Autumn 2027",
    opens_on=date(2027, 9, 1),
    reminds_on=date(2027, 10, 11),
    locks_on=date(2027, 10, 31),
    closes_on=date(2028, 2, 29),
)
#: The worker was away on these days, the one of the spring's reminder among them.
AWAY = (date(2027, 4, 11), date(2027, 4, 12), date(2027, 4, 13))
#: Summer time begins and ends on these nights: the clock in England is moved.
CHANGED = (date(2027, 3, 28), date(2027, 10, 31))


@dataclass
class Place:
    """An organisation with its lead."""

    organisation: Organisation
    lead: Actor

    @property
    def code(self) -> str:
        """Return the organisation's code."""
        return self.organisation.code


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), clock.LONDON)


def place(session: Session, name: str, kind: Kind = Kind.TRUST, **values: object) -> Place:
    organisation = make_organisation(session, kind, name=name, **values)
    user = make_user(session, Role.NEED_LEAD, organisation, email=f"{name.lower()}@leads.example")
    return Place(organisation, people.actor_of(session, user))


@pytest.fixture
def year(session: Session) -> dict[str, list[tuple[date, str]]]:
    """Live through the year: leads do what they do, the worker comes at night and at noon, twice each time.

    Gives what each lead was sent, on which day in England.
    """
    with clock.pretend(at(FIRST, 9)):
        early = place(session, "Early")
        second = make_user(session, Role.NEED_LEAD, early.organisation, email="second@leads.example")
        place(session, "Silent", Kind.ICB)
        forgets = place(session, "Forgets")
        signs = place(session, "Signs")
        place(session, "Closes", closed_on=date(2027, 6, 1))
        late = make_organisation(session, Kind.HIN, name="Late")
        for dates in (SPRING, AUTUMN):
            actions.enter(SERVICE, dates)
    refs: dict[str, str] = {}

    def lived(day: date) -> None:
        if day == date(2027, 3, 2):
            refs["early"] = make_need(session, early.organisation, rank=1).ref
            refs["forgets"] = make_need(session, forgets.organisation, rank=1, title="Falls at night").ref
        if day == date(2027, 3, 5):
            families.co_sign(signs.lead, refs["forgets"], signs.code)
        if day == date(2027, 4, 1):
            make_user(session, Role.NEED_LEAD, late, email="late@leads.example")
        if day == date(2027, 9, 10):
            actions.confirm(early.lead, refs["early"])
        if day == date(2027, 9, 20):
            ended = session.scalars(select(Membership).where(Membership.user_id == second.id)).one()
            ended.ended_on = day
            session.commit()

    for passed in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=passed)
        for hour, minute in ((0, 5), (12, 0)):
            with clock.pretend(at(day, hour, minute)):
                if hour:
                    lived(day)
                for _ in range(0 if day in AWAY else 2):
                    actions.catch_up()
                    families.follow()
    session.rollback()
    sent: dict[str, list[tuple[date, str]]] = {}
    for one in session.scalars(select(Email).order_by(Email.id)):
        name = one.to.split("@")[0]
        sent.setdefault(name, []).append((one.created_at.astimezone(clock.LONDON).date(), one.subject))
    return sent


def opened(dates: Round) -> tuple[date, str]:
    return dates.opens_on, f"{dates.name} is open: name your top three needs"


def reminded(dates: Round, words: str, on: date | None = None) -> tuple[date, str]:
    return on or dates.reminds_on, f"Reminder: name your top three needs by {words}"


def test_each_lead_gets_each_letter_of_a_year_once_on_its_day(
    year: dict[str, list[tuple[date, str]]],
) -> None:
    back = date(2027, 4, 14)
    spring, autumn = reminded(SPRING, "30 April 2027", back), reminded(AUTUMN, "31 October 2027")
    about_cycles = {name: [one for one in sent if "top three needs" in one[1]] for name, sent in year.items()}
    assert about_cycles == {
        "early": [opened(SPRING), opened(AUTUMN)],
        "second": [opened(SPRING), opened(AUTUMN)],
        "silent": [opened(SPRING), spring, opened(AUTUMN), autumn],
        "forgets": [opened(SPRING), opened(AUTUMN), autumn],
        "signs": [opened(SPRING), opened(AUTUMN), autumn],
        "closes": [opened(SPRING), spring],
        "late": [spring, opened(AUTUMN), autumn],
    }


def test_the_lock_and_the_lapse_bring_one_letter_to_those_who_co_sign_and_none_to_others(
    year: dict[str, list[tuple[date, str]]],
) -> None:
    lapsed = AUTUMN.locks_on + timedelta(days=1)
    others = {
        name: [one for one in sent if "top three needs" not in one[1] and one[0] > date(2027, 3, 5)]
        for name, sent in year.items()
    }
    assert {name: sent for name, sent in others.items() if sent} == {
        "signs": [(lapsed, "Your co-signature of “Falls at night” has ended")]
    }
    assert [one for sent in year.values() for one in sent if one[0] in (*AWAY, *CHANGED)] == []
