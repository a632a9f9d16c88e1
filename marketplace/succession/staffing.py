"""Who would be missing after a handover: told before it is confirmed, and never a reason to stop it."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts.models import Membership
from marketplace.needs.models import NeedPeople
from marketplace.succession.movers.needs import WITHDRAWN, Needs
from marketplace.succession.movers.people import People
from marketplace.succession.queries import Holdings
from marketplace.web.words import count

#: What nobody could do at an organisation without the role.
NEEDED = {
    Role.NEED_LEAD: "could write its needs or answer for them",
    Role.SPONSOR: "could approve its needs",
}


def missing(session: Session, holdings: Holdings) -> list[str]:
    """Return in plain words who would be missing at the successors; nothing until all people have a choice."""
    people = holdings.of(People.kind)
    if any(not holdings.choice(item) for item in people):
        return []
    needs: dict[str, list[int]] = defaultdict(list)
    for item in holdings.of(Needs.kind):
        for code in holdings.targets(item):
            if item.state != WITHDRAWN:
                needs[code].append(item.id)
    held = _held_after(session, holdings)
    owners = dict(
        session.execute(
            select(NeedPeople.need_id, NeedPeople.owner_id).where(
                NeedPeople.need_id.in_([id_ for ids in needs.values() for id_ in ids]),
                NeedPeople.owner_id.is_not(None),
            )
        ).all()
    )
    found = []
    for code, need_ids in needs.items():
        name, here = holdings.names[code], held[code]
        roles = {role for _, role in here}
        found += [
            f"{name} would have no {role.label.lower()}, so nobody {what}. Invite one"
            for role, what in NEEDED.items()
            if role not in roles
        ]
        leads = {user_id for user_id, role in here if role is Role.NEED_LEAD}
        alone = sum(id_ in owners and owners[id_] not in leads for id_ in need_ids)
        if alone:
            found.append(
                f"{count(alone, 'need goes', 'needs go')} to {name} without the person who leads "
                f"{'it' if alone == 1 else 'them'}. The deputy, or another lead there, is asked to take over"
            )
    return found


def _held_after(session: Session, holdings: Holdings) -> dict[str, set[tuple[int, Role]]]:
    """Return who would have which role at each successor, by its code."""
    ids = {one.id: one.code for one in holdings.change.successors}
    moving = {item.id: item for item in holdings.of(People.kind)}
    rows = session.scalars(
        select(Membership).where(
            or_(
                Membership.id.in_(moving),
                Membership.organisation_id.in_(ids)
                & or_(Membership.ended_on.is_(None), Membership.ended_on > clock.today()),
            )
        )
    )
    held: dict[str, set[tuple[int, Role]]] = defaultdict(set)
    for row in rows:
        codes = holdings.targets(moving[row.id]) if row.id in moving else [ids[row.organisation_id]]
        for code in codes:
            held[code].add((row.user_id, row.role))
    return held
