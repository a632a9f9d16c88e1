"""Let the demo's brokers settle some of the families that the matcher suggests, once there are any."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from marketplace.access.actor import SERVICE
from marketplace.accounts import queries as people
from marketplace.accounts.models import User
from marketplace.audit.actions import record
from marketplace.audit.models import AuditEvent
from marketplace.database import db, transaction
from marketplace.demo import content as demo_content
from marketplace.demo.shapes import DemoContent, DemoSettlement
from marketplace.families import settling
from marketplace.families.models import Family, FamilyMember, FamilyRun
from marketplace.needs.models import Need, NeedVersion

_DONE = "demo.families-settled"


def settle_families(content: DemoContent | None = None) -> None:
    """Settle what the content says, once: families that the matcher did not suggest like that are left to people.

    It cannot be part of the replayed history, as suggestions need the index, which is filled after that.
    """
    done = db.session.scalar(select(AuditEvent.id).where(AuditEvent.action == _DONE).limit(1))
    suggested = db.session.scalar(select(FamilyRun.id).limit(1))
    if done is not None or suggested is None:
        db.session.rollback()
        return
    content = content or demo_content.load()
    for wanted in content.settlements:
        _settle(content, wanted)
    with transaction() as session:
        record(session, SERVICE, _DONE, "demo", "families")


def _settle(content: DemoContent, wanted: DemoSettlement) -> None:
    titles = {need.title for need in content.needs if need.key in wanted.needs}
    email = next(person.email for person in content.people if person.key == wanted.broker)
    family = db.session.scalar(
        select(Family)
        .join(Family.members)
        .join(FamilyMember.need)
        .join(Need.current)
        .where(NeedVersion.title.in_(titles), Family.settled_at.is_(None), Family.dissolved_at.is_(None))
        .options(selectinload(Family.members).joinedload(FamilyMember.need).joinedload(Need.current))
        .order_by(Family.ref)
        .limit(1)
    )
    found = (
        {member.need.current.title for member in family.members if member.need.current is not None}
        if family is not None
        else set()
    )
    if family is None or not titles <= found:
        return
    broker = people.actor_of(db.session, db.session.scalars(select(User).where(User.email == email)).one())
    ref, lock = family.ref, family.lock_version
    db.session.rollback()
    settling.accept(broker, ref, lock_version=lock)
