"""Two ICBs with everything that can belong to an organisation, in every state: to be merged or split."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import Actor
from marketplace.access.policy import Role
from marketplace.accounts.models import Invitation, Membership
from marketplace.accounts.rules import hashed
from marketplace.families.models import CoSignature
from marketplace.needs import places
from marketplace.needs.models import Need, Priority, SignOff
from marketplace.organisations.models import HinPatch, Kind, Organisation
from marketplace.organisations.rules import Change
from marketplace.succession.rules import ChangePlan, LinkPlan, Party
from tests.factories.needs import content, make_draft, make_need, the_cycle
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_actor, make_user
from tests.factories.questions import ANSWERED, make_question
from tests.factories.technologies import make_technology

SOURCE = "Order of the Secretary of State"
_numbers = count(1)


@dataclass
class Estate:
    """An organisation with needs in every state, people, an invitation, a patch, a trust and a passport."""

    organisation: Organisation
    needs: dict[str, Need] = field(default_factory=dict)


def make_estate(session: Session, organisation: Organisation | None = None) -> Estate:
    """Return a committed estate: needs with and without a place, withdrawn, drafted, being signed off."""
    own = organisation or make_organisation(session)
    estate = Estate(own)
    supplier = make_organisation(session, Kind.SUPPLIER)
    for rank, name in enumerate(("first", "second", "third"), start=1):
        estate.needs[name] = make_need(session, own, rank=rank, title=f"{name} of {own.code}")
    estate.needs["unplaced"] = make_need(session, own, rank=None, title=f"unplaced of {own.code}")
    estate.needs["withdrawn"] = make_need(
        session, own, withdrawn="Solved otherwise", title=f"withdrawn of {own.code}"
    )
    estate.needs["draft"] = make_draft(session, own, title=f"draft of {own.code}")
    estate.needs["signing"] = make_draft(session, own, title=f"signing of {own.code}")
    submit(session, estate.needs["signing"])
    make_question(session, estate.needs["first"], supplier, answer=ANSWERED)
    make_question(session, estate.needs["second"], supplier)
    for role in (Role.NEED_LEAD, Role.SPONSOR, Role.ASSESSOR):
        make_user(session, role, own)
    session.add(
        Invitation(
            token_hash=hashed(f"token {next(_numbers)}"),
            email=f"new{next(_numbers)}@people.example",
            organisation_id=own.id,
            role=Role.NEED_LEAD,
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(days=7),
        )
    )
    make_organisation(session, Kind.TRUST, parent_id=own.id, region_id=own.region_id)
    hin = make_organisation(session, Kind.HIN)
    session.add(
        HinPatch(
            hin_id=hin.id, organisation_id=own.id, source="test", source_date=clock.today(), confirmed=True
        )
    )
    make_passport(session, make_technology(session, supplier), own)
    places.note(session, own.id, the_cycle(session).id)
    session.commit()
    return estate


def submit(session: Session, need: Need) -> None:
    """Put a draft to its sponsor."""
    need.round = 1
    sign_off = SignOff(need_id=need.id, round=1, based_on=0, submitted_at=clock.now())
    sign_off.fill(content())
    session.add(sign_off)
    session.commit()


def co_sign(session: Session, organisation: Organisation, need: Need, rank: int = 1) -> CoSignature:
    """Let an organisation give a need of another one of its places."""
    cycle = the_cycle(session)
    session.add(Priority(organisation_id=organisation.id, cycle_id=cycle.id, rank=rank, need_id=need.id))
    found = CoSignature(
        ref=f"cosign{next(_numbers):04}",
        need_id=need.id,
        organisation_id=organisation.id,
        cycle_id=cycle.id,
        version=1,
        told_version=1,
        signed_at=clock.now(),
    )
    session.add(found)
    places.note(session, organisation.id, cycle.id)
    session.commit()
    return found


def plan(
    kind: Change,
    starts: list[Organisation],
    ends: list[Party],
    *,
    shares: list[int] | None = None,
    on: date | None = None,
    new_name: str = "",
) -> ChangePlan:
    """Return a change from every start to every end; today unless told otherwise."""
    links = [
        LinkPlan(Party(start.code, start.name), end, shares[number] if shares else None)
        for start in starts
        for number, end in enumerate(ends)
    ]
    if kind is Change.RENAME:
        party = Party(starts[0].code, starts[0].name)
        links = [LinkPlan(party, party)]
    return ChangePlan(
        kind=kind,
        effective_on=on or clock.today(),
        links=tuple(links),
        source=SOURCE,
        source_date=date(2026, 1, 5),
        new_name=new_name,
    )


def new(name: str, code: str = "") -> Party:
    """Return a successor that the registry does not hold yet."""
    return Party(code, name, new=True, kind="icb")


def administrator(session: Session) -> Actor:
    """Return an administrator as actions take them."""
    return make_actor(session, Role.ADMINISTRATOR)


def organisation_of(session: Session, code: str) -> Organisation:
    """Return the organisation with a code."""
    return session.scalars(select(Organisation).where(Organisation.code == code)).one()


def members(session: Session, organisation: Organisation) -> set[int]:
    """Return who holds a role there now."""
    return set(
        session.scalars(
            select(Membership.user_id).where(
                Membership.organisation_id == organisation.id, Membership.ended_on.is_(None)
            )
        )
    )
