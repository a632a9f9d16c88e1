from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from marketplace.access.policy import Role
from marketplace.accounts.models import User
from marketplace.organisations.models import Kind, Organisation
from tests.factories.needs import make_cycle
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


@pytest.fixture
def trust(session: Session) -> Organisation:
    make_cycle(session, name="Spring")
    return make_organisation(session, Kind.TRUST, name="Fernside NHS Trust")


@pytest.fixture
def lead(session: Session, trust: Organisation) -> User:
    return make_user(session, Role.NEED_LEAD, trust)


@pytest.fixture
def colleague(session: Session, trust: Organisation) -> User:
    return make_user(session, Role.NEED_LEAD, trust)
