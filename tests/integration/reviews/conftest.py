from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries as people
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.factories.needs import make_cycle
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user
from tests.integration.reviews.parties import Parties


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
