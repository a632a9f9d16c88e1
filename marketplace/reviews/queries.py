"""Reads for the sign-off of needs: what waits for whom, and what may be compared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from marketplace.access.actor import Actor
from marketplace.access.policy import POLICY, Permission, Role
from marketplace.accounts.models import Invitation, Membership, User
from marketplace.accounts.queries import Member, in_force, members_of, organisations_with, pending_invitations
from marketplace.errors import NotVisible
from marketplace.needs import queries as needs
from marketplace.needs.models import Need, NeedPeople, NeedVersion, Priority, SignOff
from marketplace.needs.signing import Unchecked
from marketplace.organisations import queries as organisations
from marketplace.organisations.models import Organisation
from marketplace.organisations.queries import is_open


def _waiting() -> Select[SignOff]:
    return (
        select(SignOff)
        .join(Need, and_(Need.id == SignOff.need_id, Need.round == SignOff.round))
        .where(
            SignOff.returned_at.is_(None),
            SignOff.taken_back_at.is_(None),
            SignOff.version.is_(None),
            Need.withdrawn_at.is_(None),
        )
        .options(
            contains_eager(SignOff.need).joinedload(Need.organisation),
            contains_eager(SignOff.need).joinedload(Need.current),
            contains_eager(SignOff.need).joinedload(Need.draft),
            contains_eager(SignOff.need).joinedload(Need.priority).joinedload(Priority.cycle),
        )
        .order_by(Need.organisation_id, SignOff.submitted_at, SignOff.id)
    )


def to_approve(session: Session, actor: Actor) -> Sequence[SignOff]:
    """Return what waits for a sponsor of the actor's organisations, by organisation, what waits longest first."""
    ids = actor.organisations(Permission.NEED_APPROVE)
    return session.scalars(
        _waiting().where(SignOff.approved_at.is_(None), Need.organisation_id.in_(ids))
    ).all()


def approved(session: Session, actor: Actor) -> Sequence[SignOff]:
    """Return what the actor's organisations have approved and a HIN has not checked yet."""
    ids = actor.organisations(Permission.NEED_APPROVE)
    return session.scalars(
        _waiting().where(SignOff.approved_at.is_not(None), Need.organisation_id.in_(ids))
    ).all()


def checked_patch(session: Session, actor: Actor) -> frozenset[int]:
    """Return the organisations whose needs the actor may check: the patch of their HINs, without the HINs."""
    hins = actor.organisations(Permission.NEED_CHECK)
    return organisations.patch_of(session, hins) - hins


def to_check(session: Session, actor: Actor) -> Sequence[SignOff]:
    """Return what waits for the check of the actor's HINs, what was approved first on top."""
    return session.scalars(
        _waiting()
        .where(
            SignOff.approved_at.is_not(None),
            Need.organisation_id.in_(checked_patch(session, actor)),
        )
        .order_by(None)
        .order_by(SignOff.approved_at, SignOff.id)
    ).all()


def unseen(session: Session, actor: Actor) -> Sequence[SignOff]:
    """Return what stands on the board without a check of the actor's HINs, what was published first on top.

    What they have asked to change is left out: its new version comes to them.
    """
    patch = checked_patch(session, actor)
    if not patch:
        return ()
    on_board = needs.on_board(select(Need.id).select_from(Need)).correlate(None)
    return session.scalars(
        select(SignOff)
        .join(Need, and_(Need.id == SignOff.need_id, Need.round == SignOff.round))
        .where(
            SignOff.version.is_not(None),
            SignOff.checked_at.is_(None),
            SignOff.asked_at.is_(None),
            SignOff.unchecked.in_((Unchecked.SILENT, Unchecked.NO_HIN)),
            Need.organisation_id.in_(patch),
            Need.id.in_(on_board),
        )
        .options(
            contains_eager(SignOff.need).joinedload(Need.organisation),
            contains_eager(SignOff.need).joinedload(Need.priority).joinedload(Priority.cycle),
        )
        .order_by(SignOff.approved_at, SignOff.id)
    ).all()


def reviewed_need(session: Session, actor: Actor, ref: str) -> Need:
    """Return a need whose latest submission the actor may read as a reviewer, or raise `NotVisible`."""
    need = session.scalar(
        select(Need)
        .where(Need.ref == ref, Need.round > 0)
        .options(
            joinedload(Need.organisation).joinedload(Organisation.region),
            joinedload(Need.sign_off),
            joinedload(Need.current),
            joinedload(Need.draft),
            joinedload(Need.priority).joinedload(Priority.cycle),
            selectinload(Need.sign_offs).selectinload(SignOff.comments),
            selectinload(Need.sign_offs).joinedload(SignOff.hin),
        )
    )
    if need is None or need.sign_off is None:
        raise NotVisible
    if actor.may(Permission.NEED_APPROVE, need.organisation_id):
        return need
    if need.sign_off.approved_at is not None and need.organisation_id in checked_patch(session, actor):
        return need
    raise NotVisible


def sees_inside(session: Session, actor: Actor, need: Need) -> bool:
    """Tell whether the actor may read submissions that were not published: the organisation, and its HIN."""
    if actor.may(Permission.NEED_WRITE, need.organisation_id) or actor.may(
        Permission.NEED_APPROVE, need.organisation_id
    ):
        return True
    return need.organisation_id in checked_patch(session, actor)


@dataclass(frozen=True, slots=True)
class Comparable:
    """What can be compared of a need: its published versions, and for people inside what was submitted."""

    need: Need
    versions: Sequence[NeedVersion]
    submissions: Sequence[SignOff]


def comparable(session: Session, actor: Actor, ref: str) -> Comparable:
    """Return what the actor may compare of a need, or raise `NotVisible`.

    A HIN reads the submissions that a sponsor had approved; the organisation reads all.
    """
    need = session.scalar(
        select(Need)
        .where(Need.ref == ref)
        .options(
            joinedload(Need.organisation),
            selectinload(Need.versions),
            selectinload(Need.sign_offs).joinedload(SignOff.hin),
        )
    )
    if need is None:
        raise NotVisible
    own = actor.may(Permission.NEED_WRITE, need.organisation_id) or actor.may(
        Permission.NEED_APPROVE, need.organisation_id
    )
    unpublished = [one for one in need.sign_offs if one.version is None]
    if not own:
        inside = sees_inside(session, actor, need)
        unpublished = [one for one in unpublished if inside and one.approved_at is not None]
    if need.published_at is None and not unpublished:
        raise NotVisible
    return Comparable(need, need.versions, unpublished)


def led_need(session: Session, actor: Actor, ref: str) -> Need:
    """Return a need for the people who lead it: those who write for its organisation, and its deputy."""
    need = session.scalar(
        select(Need)
        .where(Need.ref == ref)
        .options(
            joinedload(Need.organisation),
            joinedload(Need.current),
            joinedload(Need.draft),
            joinedload(Need.people).joinedload(NeedPeople.owner),
            joinedload(Need.people).joinedload(NeedPeople.deputy),
        )
    )
    if need is None:
        raise NotVisible
    if actor.may(Permission.NEED_WRITE, need.organisation_id):
        return need
    belongs = any(grant.organisation_id == need.organisation_id for grant in actor.grants)
    if belongs and need.people is not None and need.people.deputy_id == actor.user_id:
        return need
    raise NotVisible


def colleagues(session: Session, organisation_id: int) -> tuple[list[Member], Sequence[Invitation]]:
    """Return who belongs to an organisation, each person once, and who is invited."""
    members = {member.user_id: member for member in reversed(members_of(session, organisation_id))}
    ordered = sorted(members.values(), key=lambda member: (member.name, member.user_id))
    return ordered, pending_invitations(session, organisation_id)


def _still_leads() -> ColumnElement[bool]:
    return (
        select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.user_id == NeedPeople.owner_id,
            Membership.organisation_id == Need.organisation_id,
            Membership.role.in_(POLICY[Permission.NEED_WRITE]),
            in_force(),
        )
        .correlate(NeedPeople, Need)
        .exists()
    )


def _left() -> Select[Need]:
    """Select the needs, published or in work, whose owner has left, by organisation."""
    return (
        select(Need)
        .join(NeedPeople, NeedPeople.need_id == Need.id)
        .where(
            Need.withdrawn_at.is_(None),
            NeedPeople.owner_id.is_not(None),
            ~_still_leads(),
        )
        .order_by(Need.organisation_id, Need.id)
    )


def without_owner(
    session: Session, organisation_ids: Collection[int] | None = None, *, lock: bool = False
) -> list[Need]:
    """Return the needs, published or in work, whose owner has left: all, or those of these organisations.

    With ``lock`` their people are held until the end, and those that another worker holds are left out.
    """
    statement = _left().options(
        contains_eager(Need.people).joinedload(NeedPeople.owner),
        joinedload(Need.organisation),
        joinedload(Need.current),
        joinedload(Need.draft),
    )
    if organisation_ids is not None:
        statement = statement.where(Need.organisation_id.in_(organisation_ids))
    if lock:
        statement = statement.with_for_update(of=NeedPeople, skip_locked=True)
    return list(session.scalars(statement))


@dataclass(frozen=True, slots=True)
class Orphan:
    """A need whose owner has left and that has no deputy; ``leads`` tells whether somebody there is a need lead."""

    need: Need
    leads: bool


def without_anybody(session: Session, limit: int) -> tuple[int, list[Orphan]]:
    """Return how many needs of open organisations nobody leads and no deputy takes over, and the first of them.

    Those whose organisation has no need lead come first: there nobody can take them over.
    """
    deputy_stays = (
        select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.user_id == NeedPeople.deputy_id,
            Membership.organisation_id == Need.organisation_id,
            in_force(),
        )
        .correlate(NeedPeople, Need)
        .exists()
    )
    wanted = (
        _left().join(Organisation, Organisation.id == Need.organisation_id).where(~deputy_stays, is_open())
    )
    led = Need.organisation_id.in_(organisations_with(Role.NEED_LEAD))
    total = session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    rows = session.execute(
        wanted.add_columns(led)
        .options(contains_eager(Need.organisation), joinedload(Need.current))
        .order_by(None)
        .order_by(led, Organisation.name, Need.id)
        .limit(limit)
    ).all()
    return total, [Orphan(need, bool(leads)) for need, leads in rows]


def deputising(session: Session, actor: Actor) -> list[Need]:
    """Return the needs without an owner of which the actor is the deputy."""
    own = {grant.organisation_id for grant in actor.grants}
    return [
        need
        for need in without_owner(session, own)
        if need.people is not None and need.people.deputy_id == actor.user_id
    ]
