"""Reads about shared needs: co-signatures, families and themes. What is shown of needs is read as the actor may."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from marketplace.access.actor import Actor
from marketplace.access.policy import Permission, Role
from marketplace.database import db
from marketplace.errors import NotVisible
from marketplace.families.models import CoSignature, Family, FamilyMember, FamilyRun, Theme, ThemeMember
from marketplace.needs import queries as needed
from marketplace.needs.models import Need, NeedVersion, Priority
from marketplace.needs.rules import NeedContent
from marketplace.organisations import queries as organisations
from marketplace.organisations.models import NEED_KINDS, Organisation

# Co-signatures


def standing_of(need_id: int) -> list[CoSignature]:
    """Return the co-signatures that stand, the oldest first."""
    return list(
        db.session.scalars(
            select(CoSignature)
            .where(
                CoSignature.need_id == need_id,
                CoSignature.taken_back_at.is_(None),
                CoSignature.ended_at.is_(None),
            )
            .options(joinedload(CoSignature.organisation), joinedload(CoSignature.cycle))
            .order_by(CoSignature.signed_at, CoSignature.id)
        )
    )


def co_signatures_of(actor: Actor) -> list[CoSignature]:
    """Return what the person's organisations have co-signed, the latest first."""
    return list(
        db.session.scalars(
            select(CoSignature)
            .where(CoSignature.organisation_id.in_(actor.organisations(Permission.NEED_WRITE)))
            .options(
                joinedload(CoSignature.organisation),
                joinedload(CoSignature.cycle),
                joinedload(CoSignature.need).joinedload(Need.organisation),
                joinedload(CoSignature.need).joinedload(Need.current),
            )
            .order_by(CoSignature.signed_at.desc(), CoSignature.id.desc())
        )
    )


def co_signature(actor: Actor, ref: str, *, lock: bool = False) -> CoSignature:
    """Return a co-signature of the person's organisations, or raise `NotVisible`. ``lock``: it is about to change."""
    statement = (
        select(CoSignature)
        .where(
            CoSignature.ref == ref,
            CoSignature.organisation_id.in_(actor.organisations(Permission.NEED_WRITE)),
        )
        .options(joinedload(CoSignature.need).joinedload(Need.current), joinedload(CoSignature.organisation))
    )
    if lock:
        statement = statement.with_for_update(of=CoSignature).execution_options(populate_existing=True)
    found = db.session.scalar(statement)
    if found is None:
        raise NotVisible
    return found


def signers(actor: Actor) -> list[Organisation]:
    """Return the organisations for which the person may take places, by name."""
    return list(
        db.session.scalars(
            select(Organisation)
            .where(
                Organisation.id.in_(actor.organisations(Permission.NEED_PUBLISH)),
                Organisation.kind.in_(NEED_KINDS),
            )
            .order_by(Organisation.name, Organisation.id)
        )
    )


def places_taken(organisation_id: int, cycle_id: int) -> frozenset[int]:
    """Return which places of its top three an organisation has given away in a cycle."""
    return frozenset(
        db.session.scalars(
            select(Priority.rank).where(
                Priority.organisation_id == organisation_id, Priority.cycle_id == cycle_id
            )
        )
    )


def place_of(found: CoSignature) -> Priority | None:
    """Return the place that a co-signature takes; None when it has been freed."""
    return db.session.scalar(
        select(Priority).where(
            Priority.organisation_id == found.organisation_id,
            Priority.cycle_id == found.cycle_id,
            Priority.need_id == found.need_id,
        )
    )


def last_content(need: Need) -> NeedContent:
    """Return the text of the version that people saw last, or raise `NotVisible`."""
    if need.current is None:
        raise NotVisible
    return need.current.content()


def unsettled(session: Session) -> Sequence[CoSignature]:
    """Return, locked, the standing co-signatures whose need or cycle may have moved on.

    Those that another worker holds are left to it, so that each co-signer is told once.
    """
    return session.scalars(
        select(CoSignature)
        .where(CoSignature.taken_back_at.is_(None), CoSignature.ended_at.is_(None))
        .options(joinedload(CoSignature.need).joinedload(Need.current), joinedload(CoSignature.cycle))
        .order_by(CoSignature.id)
        .with_for_update(of=CoSignature, skip_locked=True)
    ).all()


# Families


def family(ref: str) -> Family:
    """Return a family with its members' needs, or raise `NotVisible`. Families are public."""
    found = db.session.scalar(select(Family).where(Family.ref == ref).options(*_WITH_MEMBERS))
    if found is None:
        raise NotVisible
    return found


_WITH_MEMBERS = (
    selectinload(Family.members).joinedload(FamilyMember.need).joinedload(Need.current),
    selectinload(Family.members)
    .joinedload(FamilyMember.need)
    .joinedload(Need.organisation)
    .joinedload(Organisation.region),
    joinedload(Family.settled_by_hin),
)


def locked_family(session: Session, ref: str) -> Family:
    """Return a family that is about to be settled, holding its row, or raise `NotVisible`."""
    found = session.scalar(
        select(Family)
        .where(Family.ref == ref)
        .options(*_WITH_MEMBERS)
        .with_for_update(of=Family)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotVisible
    return found


def name_of(found: Family) -> str:
    """Return a family's name: what a HIN called it, or the title of its oldest need; empty for an empty one."""
    if found.name or not found.members:
        return found.name
    eldest = min(found.members, key=lambda member: (str(member.need.published_at), member.need.ref))
    return eldest.need.current.title if eldest.need.current is not None else ""


def settling_hin(session: Session, actor: Actor, found: Family) -> Organisation | None:
    """Return the HIN for which this person may settle the family, the first by name: one with a need in its patch."""
    hins = [grant for grant in actor.grants if grant.role is Role.BROKER]
    concerned = {member.need.organisation_id for member in found.members}
    for grant in sorted(hins, key=lambda grant: (grant.organisation_name, grant.organisation_id)):
        if concerned & organisations.patch_of(session, [grant.organisation_id]):
            return session.get(Organisation, grant.organisation_id)
    return None


def to_check(session: Session, actor: Actor, limit: int) -> list[Family]:
    """Return families with a need of the broker's patch and one that no HIN has checked yet, the latest first."""
    hins = [grant.organisation_id for grant in actor.grants if grant.role is Role.BROKER]
    mine, unchecked = aliased(FamilyMember), aliased(FamilyMember)
    in_patch = (
        select(mine.family_id)
        .join(Need, Need.id == mine.need_id)
        .where(Need.organisation_id.in_(organisations.patch_of(session, hins)))
    )
    number = select(func.count()).where(FamilyMember.family_id == Family.id).scalar_subquery()
    return list(
        session.scalars(
            select(Family)
            .where(
                Family.id.in_(in_patch),
                Family.id.in_(select(unchecked.family_id).where(unchecked.settled.is_(False))),
                number > 1,
            )
            .options(selectinload(Family.members).joinedload(FamilyMember.need).joinedload(Need.current))
            .order_by(Family.created_at.desc(), Family.id)
            .limit(limit)
        )
    )


def free_ref(session: Session, ref: str) -> str:
    """Return a reference that no family has or had, made of a need's."""
    taken = set(session.scalars(select(Family.ref).where(Family.ref.startswith(ref))))
    return next(
        free
        for number in range(1, len(taken) + 2)
        if (free := ref if number == 1 else f"{ref}-{number}") not in taken
    )


def to_join(session: Session, ref: str) -> tuple[Family | None, list[Need]]:
    """Return the family that a reference means, by itself or by a need in it, and the needs to be joined.

    A need that is in no family comes alone; nothing for what does not exist or does not stand.
    """
    wanted = select(Family).where(Family.ref == ref, Family.dissolved_at.is_(None)).options(*_WITH_MEMBERS)
    found = session.scalar(wanted.where(Family.merged_into_id.is_(None)))
    need = session.scalar(
        select(Need).where(Need.ref == ref, Need.published_at.is_not(None), Need.withdrawn_at.is_(None))
    )
    if found is None and need is not None:
        member = session.get(FamilyMember, need.id)
        found = session.get(Family, member.family_id, options=_WITH_MEMBERS) if member is not None else None
    if found is not None:
        return found, [member.need for member in found.members]
    return None, [need] if need is not None else []


def family_of(need_id: int) -> Family | None:
    """Return the family that a need is in, where that has others too."""
    mine = aliased(FamilyMember)
    others = select(func.count()).where(FamilyMember.family_id == Family.id).scalar_subquery()
    return db.session.scalar(
        select(Family).join(mine, mine.family_id == Family.id).where(mine.need_id == need_id, others > 1)
    )


def sharing(need_ids: Collection[int]) -> list[CoSignature]:
    """Return the co-signatures of needs that stand, the oldest first."""
    return list(
        db.session.scalars(
            select(CoSignature)
            .where(
                CoSignature.need_id.in_(need_ids),
                CoSignature.taken_back_at.is_(None),
                CoSignature.ended_at.is_(None),
            )
            .options(joinedload(CoSignature.organisation).joinedload(Organisation.region))
            .order_by(CoSignature.signed_at, CoSignature.id)
        )
    )


@dataclass(frozen=True, slots=True)
class Shares:
    """A need of a family that stands, with those who share it."""

    need: Need
    content: NeedContent
    settled: bool
    co_signatures: tuple[CoSignature, ...]


def shares(actor: Actor, found: Family) -> tuple[list[Shares], list[Need]]:
    """Return a family's needs that stand, the oldest first, and those that do not any more."""
    on_board = {
        need.ref for need in needed.published_by_refs(actor, [member.need.ref for member in found.members])
    }
    signed: dict[int, list[CoSignature]] = {}
    for one in sharing([member.need_id for member in found.members]):
        signed.setdefault(one.need_id, []).append(one)
    members = sorted(found.members, key=lambda member: (str(member.need.published_at), member.need.ref))
    standing = [
        Shares(member.need, last_content(member.need), member.settled, tuple(signed.get(member.need_id, ())))
        for member in members
        if member.need.ref in on_board
    ]
    return standing, [member.need for member in members if member.need.ref not in on_board]


def matched(actor: Actor, found: Sequence[Shares]) -> list[Need]:
    """Return the needs of a family of which the person may see what fits, in their order.

    Those are the needs whose matches they may read, and those that an organisation of theirs co-signs. A share in the
    family opens no others: which technologies fit is for those who may read the need's matches.
    """
    readable = needed.reads_matches_of(actor)
    own = actor.organisations(Permission.NEED_MATCHES_READ)
    return [
        one.need
        for one in found
        if one.need.organisation_id in readable
        or any(signature.organisation_id in own for signature in one.co_signatures)
    ]


class Part(NamedTuple):
    """An organisation's part in a family: by a need of its own, or by co-signing one."""

    family_id: int
    need_ref: str
    organisation: str
    region: str
    how_many: int | None
    settled: bool


def parts(actor: Actor, theme: str = "") -> list[Part]:
    """Return who shares the needs of all families, as plain rows; of one theme, or of all."""
    region = aliased(Organisation)
    columns = (FamilyMember.family_id, Need.ref, Organisation.name, region.name)
    own = (
        needed.on_board(needed.visible_to(actor))
        .with_only_columns(*columns, NeedVersion.how_many, FamilyMember.settled)
        .join(FamilyMember, FamilyMember.need_id == Need.id)
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .join(Organisation, Organisation.id == Need.organisation_id)
        .outerjoin(region, region.id == Organisation.region_id)
    )
    signed = (
        needed.on_board(needed.visible_to(actor))
        .with_only_columns(*columns, CoSignature.how_many, FamilyMember.settled)
        .join(FamilyMember, FamilyMember.need_id == Need.id)
        .join(CoSignature, CoSignature.need_id == Need.id)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .outerjoin(region, region.id == Organisation.region_id)
        .where(CoSignature.taken_back_at.is_(None), CoSignature.ended_at.is_(None))
    )
    found = []
    for statement in (own, signed):
        if theme:
            of_theme = select(ThemeMember.need_id).join(Theme).where(Theme.key == theme)
            statement = statement.where(Need.id.in_(of_theme))
        rows = db.session.connection().execute(statement.order_by(Need.ref))
        found += [Part(row[0], row[1], row[2], row[3] or "", row[4], row[5]) for row in rows]
    return found


def families_by_ids(ids: Collection[int]) -> dict[int, Family]:
    """Return families with their members' titles, by id."""
    rows = db.session.scalars(
        select(Family)
        .where(Family.id.in_(ids))
        .options(
            selectinload(Family.members).joinedload(FamilyMember.need).joinedload(Need.current),
            joinedload(Family.settled_by_hin),
        )
    )
    return {row.id: row for row in rows}


# Themes


class ThemeCount(NamedTuple):
    """A theme in a region: how many organisations share it, by a need of their own or co-signed, and its needs."""

    key: str
    name: str
    region_code: str
    region_name: str
    organisations: int
    needs: int
    refs: tuple[str, ...]


def themes() -> list[tuple[str, str, int]]:
    """Return the themes that have needs on the board: key, name and how many, by name."""
    rows = db.session.execute(
        needed.on_board(select(Theme.key, Theme.name, func.count(Need.id.distinct())).select_from(Need))
        .join(ThemeMember, ThemeMember.need_id == Need.id)
        .join(Theme, Theme.id == ThemeMember.theme_id)
        .group_by(Theme.key, Theme.name)
        .order_by(Theme.name, Theme.key)
    )
    return [(key, name, number) for key, name, number in rows]


def theme_regions(actor: Actor) -> list[ThemeCount]:
    """Return who shares each theme in each region, by the theme's name and the region's: for pictures and tables.

    Organisations without a region come under an empty one. ``refs`` are the needs, so that a picture can also tell
    how many of them have a good match.
    """
    region = aliased(Organisation)
    own = (
        needed.on_board(needed.visible_to(actor))
        .with_only_columns(Theme.key, Theme.name, region.code, region.name, Organisation.id, Need.ref)
        .join(ThemeMember, ThemeMember.need_id == Need.id)
        .join(Theme, Theme.id == ThemeMember.theme_id)
    )
    standing = (CoSignature.taken_back_at.is_(None), CoSignature.ended_at.is_(None))
    by_need = own.join(Organisation, Organisation.id == Need.organisation_id)
    by_signature = (
        own.join(CoSignature, CoSignature.need_id == Need.id)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .where(*standing)
    )
    cells: dict[tuple[str, str, str, str], tuple[set[int], set[str]]] = {}
    for statement in (by_need, by_signature):
        rows = db.session.connection().execute(
            statement.outerjoin(region, region.id == Organisation.region_id)
        )
        for key, name, code, called, organisation_id, ref in rows:
            who, what = cells.setdefault((name, key, called or "", code or ""), (set(), set()))
            who.add(organisation_id)
            what.add(ref)
    return [
        ThemeCount(key, name, code, called, len(who), len(what), tuple(sorted(what)))
        for (name, key, called, code), (who, what) in sorted(cells.items())
    ]


def last_run(session: Session) -> FamilyRun | None:
    """Return the last run of suggestions."""
    return session.scalar(select(FamilyRun).order_by(FamilyRun.id.desc()).limit(1))
