"""People with roles, valid by default."""

from __future__ import annotations

from itertools import count

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries
from marketplace.accounts.models import Membership, User
from marketplace.organisations.models import Kind, Organisation
from tests.factories.organisations import make_organisation

PASSWORD = "paper lantern orchard"
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)

_numbers = count(1)
_KIND = {
    Role.NEED_LEAD: Kind.ICB,
    Role.INNOVATOR: Kind.SUPPLIER,
    Role.ASSESSOR: Kind.TRUST,
    Role.BROKER: Kind.HIN,
    Role.ADMINISTRATOR: Kind.SERVICE,
    Role.SPONSOR: Kind.ICB,
}


def make_user(
    session: Session, role: Role | None = None, at: Organisation | None = None, **values: object
) -> User:
    """Return a committed person, with a role at an organisation (made when not given) unless role is None."""
    number = next(_numbers)
    user = User(
        **{
            "email": f"person{number}@people.example",
            "name": f"Person Number {number}",
            "telephone": f"01632 960{number:03}",
            "password_hash": HASH,
            "created_at": clock.now(),
        }
        | values
    )
    session.add(user)
    session.flush()
    if role is not None:
        organisation = at or make_organisation(session, _KIND[role])
        session.add(
            Membership(user_id=user.id, organisation_id=organisation.id, role=role, started_on=clock.today())
        )
    session.commit()
    return user


def make_actor(session: Session, role: Role, at: Organisation | None = None) -> Actor:
    """Return a person with the role, as actions and queries take them."""
    return queries.actor_of(session, make_user(session, role, at))
