"""Roles of people, and invitations that wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace import clock
from marketplace.accounts.models import Invitation, Membership, User
from marketplace.organisations.models import Organisation
from marketplace.succession.movers.mover import Handover
from marketplace.succession.rules import END, EVERY, Item
from marketplace.web.words import day


class People:
    """Roles of people."""

    kind: ClassVar[str] = "person"
    heading: ClassVar[str] = "People and their roles"
    hint: ClassVar[str] = (
        "A role ends at the old organisation and begins at the new one on the day you confirm."
    )
    columns: ClassVar[tuple[str, ...]] = ("membership.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the roles that have not ended, by name."""
        rows = session.scalars(
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .where(
                Membership.organisation_id.in_(organisation_ids),
                or_(Membership.ended_on.is_(None), Membership.ended_on > clock.today()),
            )
            .options(joinedload(Membership.user))
            .order_by(Membership.organisation_id, User.name, User.id, Membership.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.organisation_id,
                state=row.role.label,
                title=row.user.name,
                detail=row.user.job_title,
                options=(EVERY, END),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """End the role, and begin it anew where it was chosen; a role that is held there already is one."""
        session, today = handover.session, handover.today
        old = session.get_one(Membership, item.id)
        until = old.ended_on  # one that was to end on a day anyway still does
        old.ended_on = max(today, old.started_on)
        session.flush()
        handover.ledger.take(item)
        for organisation in to:
            handover.note(item, organisation.id)
            held = session.scalar(
                select(Membership.id).where(
                    Membership.user_id == old.user_id,
                    Membership.organisation_id == organisation.id,
                    Membership.role == old.role,
                    or_(Membership.ended_on.is_(None), Membership.ended_on > today),
                )
            )
            handover.people[old.user_id].append(organisation.name)
            if held is None:
                session.add(
                    Membership(
                        user_id=old.user_id,
                        organisation_id=organisation.id,
                        role=old.role,
                        started_on=today,
                        ended_on=until,
                    )
                )
                session.flush()
                handover.ledger.put(organisation.id, item)
        if not to:
            handover.note(item, None)
            handover.people[old.user_id] += []


class Invitations:
    """Invitations that wait to be accepted."""

    kind: ClassVar[str] = "invitation"
    heading: ClassVar[str] = "Invitations that wait"
    hint: ClassVar[str] = "The link that was sent stays the same and leads to the new organisation."
    columns: ClassVar[tuple[str, ...]] = ("invitation.organisation_id",)

    def items(self, session: Session, organisation_ids: Collection[int]) -> list[Item]:
        """Return the invitations that can still be accepted, by address."""
        rows = session.scalars(
            select(Invitation)
            .where(
                Invitation.organisation_id.in_(organisation_ids),
                Invitation.accepted_at.is_(None),
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > clock.now(),
            )
            .order_by(Invitation.organisation_id, Invitation.email, Invitation.id)
        ).all()
        return [
            Item(
                kind=self.kind,
                id=row.id,
                owner_id=row.organisation_id,
                state=row.role.label,
                title=row.email,
                detail=f"Until {day(row.expires_at)}",
                options=(END,),
            )
            for row in rows
        ]

    def move(self, handover: Handover, item: Item, to: Sequence[Organisation], choice: str) -> None:
        """Let the invitation lead to the new organisation, or take it back."""
        row = handover.session.get_one(Invitation, item.id)
        handover.ledger.take(item)
        if to:
            row.organisation_id = to[0].id
            if not self._vouched_for(handover.session, row):
                row.invited_by_id = handover.actor.user_id
            handover.ledger.put(to[0].id, item)
        else:
            row.revoked_at = handover.at
        handover.note(item, to[0].id if to else None)

    def _vouched_for(self, session: Session, row: Invitation) -> bool:
        """Tell whether who invited belongs to the new organisation too; if not, who hands over answers for it."""
        return row.invited_by_id is None or (
            session.scalar(
                select(Membership.id).where(
                    Membership.user_id == row.invited_by_id,
                    Membership.organisation_id == row.organisation_id,
                    or_(Membership.ended_on.is_(None), Membership.ended_on > clock.today()),
                )
            )
            is not None
        )
