"""The people and organisations that the access tests use, and the shape of their cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy.orm import Session

from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts import queries
from marketplace.accounts.models import User
from marketplace.organisations.models import HinPatch, Kind, Organisation
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


class Who(StrEnum):
    """Everybody who may come to a door. The plain ones belong to the thing of the case, the others do not."""

    ANONYMOUS = "anonymous"
    LEAD = "lead of the need's trust"
    OTHER_LEAD = "lead of another organisation"
    INNOVATOR = "innovator of the technology's supplier"
    RIVAL = "innovator of a rival supplier"
    ASSESSOR = "assessor of the issuing body"
    OTHER_ASSESSOR = "assessor of another body"
    BROKER = "broker whose patch holds the trust"
    OTHER_BROKER = "broker of another HIN"
    ADMINISTRATOR = "administrator"
    SPONSOR = "sponsor of the need's trust"
    OTHER_SPONSOR = "sponsor of another organisation"


EVERYBODY = frozenset(Who)
SIGNED_IN = EVERYBODY - {Who.ANONYMOUS}
LEADS = frozenset({Who.LEAD, Who.OTHER_LEAD})
INNOVATORS = frozenset({Who.INNOVATOR, Who.RIVAL})
ASSESSORS = frozenset({Who.ASSESSOR, Who.OTHER_ASSESSOR})
BROKERS = frozenset({Who.BROKER, Who.OTHER_BROKER})
SPONSORS = frozenset({Who.SPONSOR, Who.OTHER_SPONSOR})

_ROLES: dict[Who, tuple[Role, Kind]] = {
    Who.LEAD: (Role.NEED_LEAD, Kind.TRUST),
    Who.OTHER_LEAD: (Role.NEED_LEAD, Kind.ICB),
    Who.INNOVATOR: (Role.INNOVATOR, Kind.SUPPLIER),
    Who.RIVAL: (Role.INNOVATOR, Kind.SUPPLIER),
    Who.ASSESSOR: (Role.ASSESSOR, Kind.TRUST),
    Who.OTHER_ASSESSOR: (Role.ASSESSOR, Kind.ICB),
    Who.BROKER: (Role.BROKER, Kind.HIN),
    Who.OTHER_BROKER: (Role.BROKER, Kind.HIN),
    Who.ADMINISTRATOR: (Role.ADMINISTRATOR, Kind.SERVICE),
    Who.SPONSOR: (Role.SPONSOR, Kind.TRUST),
    Who.OTHER_SPONSOR: (Role.SPONSOR, Kind.ICB),
}


@dataclass
class World:
    """One person and organisation for each `Who`; the trust of LEAD lies in an ICB that BROKER's HIN covers."""

    session: Session
    organisations: dict[Who, Organisation] = field(default_factory=dict)
    people: dict[Who, User] = field(default_factory=dict)

    @classmethod
    def make(cls, session: Session) -> World:
        """Build and commit the world."""
        world = cls(session)
        icb = make_organisation(session, Kind.ICB)
        for who, (role, kind) in _ROLES.items():
            if who is Who.SPONSOR:
                organisation = world.organisations[Who.LEAD]
            else:
                organisation = make_organisation(session, kind, parent_id=icb.id if who is Who.LEAD else None)
            world.organisations[who] = organisation
            world.people[who] = make_user(session, role, organisation)
        session.add(
            HinPatch(
                hin_id=world.organisations[Who.BROKER].id,
                organisation_id=icb.id,
                source="test",
                source_date=date(2026, 1, 1),
                confirmed=True,
            )
        )
        session.commit()
        return world

    def actor(self, who: Who) -> Actor:
        """Return a person as actions take them."""
        return queries.actor_of(self.session, self.people[who])


@dataclass(frozen=True)
class Case:
    """One route, method and state: who gets through with which status, and who is refused with which.

    ``build`` makes the state in a fresh world and returns the path and the form's fields. ``allowed`` get
    ``status``; everybody else ``refused``, or the status that ``others`` gives them. Somebody not signed in who is
    not allowed gets 303 to the sign-in page. ``page`` is a page to open first whose hidden fields are sent along.
    An allowed POST must leave an audit row (unless ``silent``); a refused one must leave none.
    """

    endpoint: str
    method: str
    state: str
    build: Callable[[World], tuple[str, dict[str, object]]]
    allowed: frozenset[Who]
    status: int = 200
    refused: int = 403
    others: Mapping[Who, int] = field(default_factory=dict)
    silent: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} ({self.state})"

    def expected(self, who: Who) -> int:
        """Return the status that this person gets."""
        if who in self.allowed:
            return self.status
        if who in self.others:
            return self.others[who]
        return 303 if who is Who.ANONYMOUS else self.refused
