"""Introductions with both sides and a broker, valid by default and proposed by the action that the pages use."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries as accounts
from marketplace.accounts.models import User
from marketplace.introductions import rules
from marketplace.introductions.models import Introduction
from marketplace.introductions.rules import Decision, Side
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.factories.needs import make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.factories.technologies import make_technology

NOTE = "The ward loses two hours a day to this, and the technology answers three of the four must-haves."

_numbers = count(1)


def cover(session: Session, hin: Organisation, organisation: Organisation) -> None:
    """Put an organisation into a HIN's patch."""
    session.add(
        HinPatch(
            hin_id=hin.id,
            organisation_id=organisation.id,
            source="test",
            source_date=clock.today(),
            confirmed=True,
        )
    )
    session.commit()


@dataclass
class Parties:
    """Two sides with two people each, and a HIN with two brokers whose patch holds the need's trust."""

    session: Session
    trust: Organisation
    supplier: Organisation
    hin: Organisation
    people: dict[str, User] = field(default_factory=dict)

    @classmethod
    def make(cls, session: Session) -> Self:
        """Build and commit everybody."""
        icb = make_organisation(session, Kind.ICB)
        parties = cls(
            session,
            make_organisation(session, Kind.TRUST, parent_id=icb.id),
            make_organisation(session, Kind.SUPPLIER),
            make_organisation(session, Kind.HIN),
        )
        cover(session, parties.hin, icb)
        for role, organisation, names in (
            (Role.NEED_LEAD, parties.trust, ("lead", "second lead")),
            (Role.INNOVATOR, parties.supplier, ("innovator", "second innovator")),
            (Role.BROKER, parties.hin, ("broker", "second broker")),
        ):
            for name in names:
                parties.people[name] = make_user(
                    session, role, organisation, name=f"The {name}", job_title=f"Job of the {name}"
                )
        return parties

    def actor(self, name: str) -> Actor:
        """Return a person as actions take them."""
        return accounts.actor_of(self.session, self.people[name])


def make_introduction(
    session: Session,
    parties: Parties,
    *,
    need: Decision | None = None,
    supplier: Decision | None = None,
    closed: bool = False,
    overdue: bool = False,
    rank: int | None = None,
) -> Introduction:
    """Return a committed introduction of the two parties, with the answers given; written straight to the tables.

    It is for tests of pages in a state; tests of how a state comes about use the actions.
    """
    now = clock.now()
    decide_by = now if overdue else rules.answer_by(now)
    introduction = Introduction(
        ref=f"intro{next(_numbers):06}",
        need_id=make_need(session, parties.trust, rank=rank).id,
        technology_id=make_technology(session, parties.supplier).id,
        hin_id=parties.hin.id,
        broker_id=parties.people["broker"].id,
        note=NOTE,
        proposed_at=now,
        decide_by=decide_by,
    )
    session.add(introduction)
    session.flush()
    for side, decision, who in ((Side.NEED, need, "lead"), (Side.SUPPLIER, supplier, "innovator")):
        if decision is not None:
            reason = "" if decision is Decision.ACCEPTED else "It does not fit our plans for this year"
            introduction.answer(side, decision, reason, parties.people[who].id, now)
    if closed:
        introduction.close("The ward has been closed", now)
    session.commit()
    return introduction


def introduction_of(session: Session, ref: str) -> Introduction:
    """Return it as the database has it now."""
    session.rollback()
    found = session.scalar(
        select(Introduction).where(Introduction.ref == ref).execution_options(populate_existing=True)
    )
    assert found is not None
    return found
