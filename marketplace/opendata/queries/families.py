"""Families of needs: all that there were, when each changed, and their records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select
from sqlalchemy.orm import aliased, joinedload

from marketplace.database import Moment, db
from marketplace.families import rules
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.needs.models import Need, NeedVersion
from marketplace.needs.queries import on_board
from marketplace.opendata.queries import needs
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.queries.organisations import organisation_told
from marketplace.opendata.records import FamilyMember as MemberRecord
from marketplace.opendata.records import FamilyRecord, FamilyState, JointMust, Wording
from marketplace.organisations.models import Organisation
from marketplace.web.links import public_link

_HIN = aliased(Organisation)


def _membered() -> Select[int, datetime]:
    """Select when the needs of each family changed last: their text, their state, their organisation."""
    return (
        needs.public_needs()
        .join(FamilyMember, FamilyMember.need_id == Need.id)
        .with_only_columns(FamilyMember.family_id, func.max(needs.need_stood()).label("membered"))
        .group_by(FamilyMember.family_id)
    )


def signed(of: Any, column: Any) -> Select[Any]:
    """Select when co-signatures of needs that are members of something changed last, as ``signed`` by ``column``."""
    moment = latest(
        CoSignature.signed_at, CoSignature.taken_back_at, CoSignature.ended_at, organisation_told()
    )
    return (
        select(column, func.max(moment).label("signed"))
        .join(CoSignature, CoSignature.need_id == of.need_id)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .group_by(column)
    )


#: Columns of what the selections of families and themes join by these names.
MEMBERED, SIGNED = (literal_column(f"{name}.{name}", Moment()) for name in ("membered", "signed"))


def public_families() -> Select[int]:
    """Select every family that there was, the emptied, dissolved and merged ones included: their pages stay."""
    membered = _membered().subquery("membered")
    own = signed(FamilyMember, FamilyMember.family_id).subquery("signed")
    return (
        select(Family.id)
        .outerjoin(membered, membered.c.family_id == Family.id)
        .outerjoin(own, own.c.family_id == Family.id)
        .outerjoin(_HIN, _HIN.id == Family.settled_by_hin_id)
    )


def family_changed() -> ColumnElement[datetime]:
    """Return when a family's record changed: its members, what they say, who shares them, or who settled it."""
    return latest(Family.changed_at, MEMBERED, SIGNED, organisation_told(_HIN))


def family_ended() -> ColumnElement[datetime | None]:
    """Return when a family was dissolved or went into another; NULL while it is there."""
    return func.coalesce(Family.dissolved_at, Family.merged_at)


def in_state(state: FamilyState) -> ColumnElement[bool]:
    """Return the condition that a family is in a state."""
    there = and_(Family.dissolved_at.is_(None), Family.merged_into_id.is_(None))
    return {
        FamilyState.SUGGESTED: and_(there, Family.settled_at.is_(None)),
        FamilyState.SETTLED: and_(there, Family.settled_at.is_not(None)),
        FamilyState.DISSOLVED: Family.dissolved_at.is_not(None),
        FamilyState.MERGED: and_(Family.dissolved_at.is_(None), Family.merged_into_id.is_not(None)),
    }[state]


def with_need(ref: str) -> ColumnElement[bool]:
    """Return the condition that a need is in a family."""
    held = select(FamilyMember.family_id).join(Need, Need.id == FamilyMember.need_id).where(Need.ref == ref)
    return Family.id.in_(held)


def with_organisation(code: str) -> ColumnElement[bool]:
    """Return the condition that a need of an organisation is in a family."""
    held = (
        select(FamilyMember.family_id)
        .join(Need, Need.id == FamilyMember.need_id)
        .join(Organisation, Organisation.id == Need.organisation_id)
        .where(Organisation.code == code)
    )
    return Family.id.in_(held)


def with_theme(key: str) -> ColumnElement[bool]:
    """Return the condition that a need of a family is of a theme."""
    held = (
        select(FamilyMember.family_id)
        .join(ThemeMember, ThemeMember.need_id == FamilyMember.need_id)
        .join(Theme, Theme.id == ThemeMember.theme_id)
        .where(Theme.key == key)
    )
    return Family.id.in_(held)


@dataclass(frozen=True, slots=True)
class _Member:
    """A need of a family, as far as the family's record tells of it."""

    need_id: int
    ref: str
    organisation: str
    checked: bool
    standing: bool
    title: str
    how_many: int | None
    version: int
    must: Sequence[str]


def family_records(changed: Changed) -> list[FamilyRecord]:
    """Return the records of some families."""
    found = db.session.scalars(
        select(Family)
        .where(Family.id.in_(changed))
        .options(joinedload(Family.settled_by_hin), joinedload(Family.merged_into))
    )
    rows = {one.id: one for one in found}
    members = _members(changed)
    signers = _signers(changed)
    return [_record(one, members.get(one.id, []), signers, when) for one, when in in_order(rows, changed)]


def _members(families: Collection[int]) -> dict[int, list[_Member]]:
    """Return the needs of some families, the oldest first."""
    standing = set(
        db.session.scalars(
            on_board(select(Need.id))
            .join(FamilyMember, FamilyMember.need_id == Need.id)
            .where(FamilyMember.family_id.in_(families))
        )
    )
    rows = db.session.execute(
        select(
            FamilyMember.family_id,
            Need.id,
            Need.ref,
            Organisation.code,
            FamilyMember.settled,
            NeedVersion.title,
            NeedVersion.how_many,
            NeedVersion.number,
            NeedVersion.must,
        )
        .join(Need, Need.id == FamilyMember.need_id)
        .join(Organisation, Organisation.id == Need.organisation_id)
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .where(FamilyMember.family_id.in_(families))
        .order_by(FamilyMember.family_id, Need.published_at, Need.ref)
    )
    found: dict[int, list[_Member]] = {}
    for family, id_, ref, code, settled, title, how_many, version, must in rows:
        member = _Member(id_, ref, code, settled, id_ in standing, title, how_many, version, tuple(must))
        found.setdefault(family, []).append(member)
    return found


def _signers(families: Collection[int]) -> dict[int, list[tuple[str, int | None]]]:
    """Return who co-signs the needs of some families and how many people each gave, by need."""
    rows = db.session.execute(
        select(CoSignature.need_id, Organisation.code, CoSignature.how_many)
        .join(FamilyMember, FamilyMember.need_id == CoSignature.need_id)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .where(
            FamilyMember.family_id.in_(families),
            CoSignature.taken_back_at.is_(None),
            CoSignature.ended_at.is_(None),
        )
    )
    found: dict[int, list[tuple[str, int | None]]] = {}
    for need_id, code, how_many in rows:
        found.setdefault(need_id, []).append((code, how_many))
    return found


def _record(
    family: Family,
    members: Sequence[_Member],
    signers: Mapping[int, Sequence[tuple[str, int | None]]],
    when: datetime,
) -> FamilyRecord:
    shared: dict[str, Any] = {
        "id": family.ref,
        "updated_at": when,
        "withdrawn_at": family.dissolved_at or family.merged_at,
        "page": public_link("families.family", ref=family.ref),
    }
    if family.dissolved_at is None and family.merged_into is not None:
        return FamilyRecord(**shared, state=FamilyState.MERGED, merged_into=family.merged_into.ref)
    state = FamilyState.SETTLED if family.settled_at is not None else FamilyState.SUGGESTED
    hin = family.settled_by_hin
    standing = [one for one in members if one.standing]
    most: dict[str, int | None] = {}
    for member in standing:
        own = (member.organisation, member.how_many)
        for code, how_many in (own, *signers.get(member.need_id, ())):
            given = [number for number in (most.get(code), how_many) if number is not None]
            most[code] = max(given, default=None)
    people = rules.people(list(most.values()))
    return FamilyRecord(
        **shared,
        name=family.name or (members[0].title if members else None),
        state=FamilyState.DISSOLVED if family.dissolved_at is not None else state,
        settled_by=hin.code if hin is not None else None,
        settled_by_name=hin.name if hin is not None else None,
        settled_at=family.settled_at,
        needs=[
            MemberRecord(
                need=one.ref, organisation=one.organisation, checked=one.checked, standing=one.standing
            )
            for one in members
        ],
        organisations=sorted(most),
        people=people.total if people.gave else None,
        people_given_by=people.gave,
        must=_joint(family, standing),
    )


def _joint(family: Family, standing: Sequence[_Member]) -> list[JointMust]:
    """Return the joint list of must-haves: what most ask for first.

    What the last run brought together holds for the versions that it read. What needs say that are newer, or that the
    run has not seen, stands by itself until the next one; nothing of a need that does not stand any more is told.
    """
    said: dict[tuple[str | int, ...], tuple[str, str]] = {
        (one.ref, one.version, place): (one.ref, text)
        for one in standing
        for place, text in enumerate(one.must)
    }
    together = [[said.pop(tuple(place)) for place in one if tuple(place) in said] for one in family.joint]
    groups = [
        [Wording(need=ref, text=text) for ref, text in one]
        for one in (*together, *([alone] for alone in said.values()))
        if one
    ]
    found = [
        JointMust(
            text=group[0].text,
            needs=sorted({one.need for one in group}),
            wordings=sorted(group, key=lambda one: one.need),
        )
        for group in groups
    ]
    return sorted(found, key=lambda one: (-len(one.needs), one.needs, one.text))
