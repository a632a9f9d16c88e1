"""What is told once is told once by two workers too. On PostgreSQL alone: SQLite lets one writer in at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.database import Base
from marketplace.families import actions as families
from marketplace.families.models import CoSignature
from marketplace.needs.models import NeedPeople, SignOff
from marketplace.notices.models import Email
from marketplace.organisations.models import Kind
from marketplace.reviews import actions as reviews
from tests.factories.families import make_co_signature
from tests.factories.needs import make_draft, make_need, make_sign_off
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


def silence(session: Session) -> None:
    """Let a HIN's time run out."""
    trust = make_organisation(session, Kind.TRUST)
    sponsor = make_user(session, Role.SPONSOR, trust)
    make_sign_off(
        session,
        make_draft(session, trust),
        approved_by_id=sponsor.id,
        approved_at=clock.now() - timedelta(days=40),
    )


def departure(session: Session) -> None:
    """Let the owner of a need leave while another lead stays."""
    trust = make_organisation(session, Kind.TRUST)
    make_user(session, Role.NEED_LEAD, trust)
    need = make_need(session, trust)
    assert need.people is not None
    need.people.owner_id = make_user(session).id
    session.commit()


def withdrawal(session: Session) -> None:
    """Let a need be withdrawn that another organisation has co-signed."""
    signer = make_organisation(session, Kind.ICB)
    make_user(session, Role.NEED_LEAD, signer)
    make_co_signature(session, make_need(session, withdrawn="The ward has closed."), signer)


@pytest.mark.parametrize(
    ("happen", "marked", "tell"),
    [
        (silence, SignOff, reviews.tell_silence),
        (departure, NeedPeople, reviews.tell_of_owners_who_left),
        (withdrawal, CoSignature, families.follow),
    ],
)
def test_what_another_worker_is_telling_is_left_to_it(
    app: Flask,
    session: Session,
    happen: Callable[[Session], None],
    marked: type[Base],
    tell: Callable[[], None],
) -> None:
    happen(session)
    session.rollback()
    engine: Engine = app.extensions["engine"]

    def letters() -> int:
        session.rollback()
        return len(session.scalars(select(Email.id)).all())

    with Session(engine) as other:
        other.execute(select(marked).with_for_update())
        tell()
        assert letters() == 0
    tell()
    assert letters() == 1
