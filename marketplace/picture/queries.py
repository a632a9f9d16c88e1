"""Reads for pictures of demand: the needs on the board as small facts, and where their organisations stand.

The number of queries never grows with what they read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, String, and_, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.access.actor import ANONYMOUS, Actor
from marketplace.database import db
from marketplace.errors import NotVisible
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.matches.models import NeedFit
from marketplace.needs import queries as needs
from marketplace.needs.models import Need, NeedVersion, Priority
from marketplace.organisations import lineage
from marketplace.organisations import queries as organisations
from marketplace.organisations.models import NEED_KINDS, HinPatch, Kind, Organisation
from marketplace.picture.rules import Fact
from marketplace.remembered import Part, remembered


@dataclass(frozen=True, slots=True)
class Member:
    """An organisation that can publish needs, and where it stands: in which ICS (itself for an ICB) and region.

    ``ics`` and ``region`` are empty where that is not known; a HIN stands in no ICS.
    """

    id: int
    code: str
    name: str
    kind: Kind
    ics: str = ""
    region: str = ""
    opened_on: date | None = None
    closed_on: date | None = None

    @property
    def closed(self) -> bool:
        """Tell whether it is no more."""
        return self.closed_on is not None and self.closed_on <= clock.today()

    @property
    def stands(self) -> bool:
        """Tell whether it is there today: begun, and not closed."""
        return not self.closed and (self.opened_on is None or self.opened_on <= clock.today())


@dataclass(frozen=True, slots=True)
class FamilyFact:
    """A family: its name (empty until a HIN gives one), and how many organisations have published a need of it."""

    name: str
    organisations: int


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation whose part of the NHS is looked at, and the organisations in it, itself first.

    ``elsewhere`` are the codes of those that another HIN's patch holds too; ``heirs`` code and name of those
    of its kind to which everything of a closed one was handed over; ``unconfirmed`` counts entries of a HIN's patch.
    """

    organisation: Organisation
    members: tuple[Member, ...]
    elsewhere: tuple[str, ...] = ()
    heirs: tuple[tuple[str, str], ...] = ()
    unconfirmed: int = 0


def everybody() -> tuple[Member, ...]:
    """Return all organisations that can publish needs, as `members` does; read once, until one changes."""
    return remembered("members", (Part.BOARD,), lambda: tuple(members()))


def members(wanted: ColumnElement[bool] | None = None) -> list[Member]:
    """Return the organisations that can publish needs, all or some, closed ones included: by kind and name."""
    parent, region, upper = aliased(Organisation), aliased(Organisation), aliased(Organisation)
    statement = (
        select(
            Organisation.id,
            Organisation.code,
            Organisation.name,
            Organisation.kind,
            Organisation.opened_on,
            Organisation.closed_on,
            parent.code,
            region.code,
            upper.code,
        )
        .outerjoin(parent, and_(parent.id == Organisation.parent_id, parent.kind == Kind.ICB))
        .outerjoin(region, and_(region.id == Organisation.region_id, region.kind == Kind.REGION))
        .outerjoin(upper, and_(upper.id == parent.region_id, upper.kind == Kind.REGION))
        .where(Organisation.kind.in_(NEED_KINDS))
    )
    if wanted is not None:
        statement = statement.where(wanted)
    order = {Kind.HIN: 0, Kind.ICB: 1, Kind.TRUST: 2}
    found = [
        Member(
            id=id_,
            code=code,
            name=name,
            kind=kind,
            ics=code if kind is Kind.ICB else ics or "",
            region=own or above or "",
            opened_on=opened_on,
            closed_on=closed_on,
        )
        for id_, code, name, kind, opened_on, closed_on, ics, own, above in db.session.execute(statement)
    ]
    return sorted(found, key=lambda one: (order[one.kind], one.name, one.code))


def places(kind: Kind) -> dict[str, str]:
    """Return the names of the ICBs or regions by code, by name; closed ones included."""
    rows = db.session.execute(
        select(Organisation.code, Organisation.name)
        .where(Organisation.kind == kind)
        .order_by(Organisation.name, Organisation.code)
    )
    return {code: name for code, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def place(kind: Kind, code: str) -> Place:
    """Return an ICS, the patch of a HIN, or a region, with the organisations in it; raise `NotVisible` for none."""
    found = lineage.by_former_code(db.session, code) or organisations.by_code(db.session, code)
    if found is None or found.kind is not kind:
        raise NotVisible
    if kind is Kind.ICB:
        return Place(found, _first(found, members(_in_ics(found.id))), heirs=_heirs(found))
    if kind is Kind.HIN:
        inside = members(Organisation.id.in_(organisations.patch_of(db.session, [found.id])))
        guesses = select(func.count()).where(HinPatch.hin_id == found.id, HinPatch.confirmed.is_(False))
        return Place(
            found,
            _first(found, inside),
            _also_elsewhere(found.id, inside),
            _heirs(found),
            db.session.scalar(guesses) or 0,
        )
    upper = select(Organisation.id).where(Organisation.kind == Kind.ICB, Organisation.region_id == found.id)
    return Place(
        found,
        tuple(
            members(
                or_(
                    Organisation.region_id == found.id,
                    and_(Organisation.region_id.is_(None), Organisation.parent_id.in_(upper)),
                )
            )
        ),
    )


def _heirs(found: Organisation) -> tuple[tuple[str, str], ...]:
    if found.closed_on is None or found.closed_on > clock.today():
        return ()
    heirs = lineage.successors_of(db.session, found.id)
    return tuple((one.code, one.name) for one in heirs if one.kind is found.kind)


def _in_ics(icb_id: int) -> ColumnElement[bool]:
    trusts = and_(Organisation.parent_id == icb_id, Organisation.kind == Kind.TRUST)
    return or_(Organisation.id == icb_id, trusts)


def _first(own: Organisation, found: list[Member]) -> tuple[Member, ...]:
    return tuple(sorted(found, key=lambda one: one.id != own.id))


def _also_elsewhere(hin_id: int, inside: Collection[Member]) -> tuple[str, ...]:
    """Return the codes of organisations that another HIN's patch holds too, by itself or through its ICB."""
    others = set(db.session.scalars(select(HinPatch.organisation_id).where(HinPatch.hin_id != hin_id)))
    boards = {one.code for one in inside if one.id in others}
    return tuple(one.code for one in inside if one.id in others or (one.ics and one.ics in boards))


def facts(_actor: Actor) -> tuple[Fact, ...]:
    """Return the needs on the board, by organisation and place, with who co-signs them.

    They are the same for everybody, so they are read once for all, until one of them changes.
    """
    return remembered("picture", (Part.BOARD, Part.PICTURE), _facts)


def _facts() -> tuple[Fact, ...]:
    statement = (
        needs.on_board(needs.visible_to(ANONYMOUS))
        .with_only_columns(
            Need.id,
            Need.ref,
            NeedVersion.title,
            Priority.rank,
            Need.organisation_id,
            # As plain text: making an enum member of each costs more than the query.
            type_coerce(NeedVersion.clinical_area, String),
            Theme.key,
            Family.ref,
            NeedFit.fits,
            NeedFit.words_only,
        )
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .outerjoin(NeedFit, and_(NeedFit.need_id == Need.id, NeedFit.version == Need.version))
        .outerjoin(ThemeMember, ThemeMember.need_id == Need.id)
        .outerjoin(Theme, Theme.id == ThemeMember.theme_id)
        .outerjoin(FamilyMember, FamilyMember.need_id == Need.id)
        .outerjoin(Family, and_(Family.id == FamilyMember.family_id, *_lives()))
        .order_by(Need.organisation_id, Priority.rank, Need.id)
    )
    # By the connection, not the session: no objects are wanted, and ten thousand plain rows are read faster.
    rows = db.session.connection().execute(statement).all()
    signers = _co_signers()
    return tuple(
        Fact(
            need_id=id_,
            ref=ref,
            title=title,
            rank=rank,
            organisation_id=owner,
            area=area or "",
            theme=theme or "",
            family=family or "",
            fits=fits,
            words_only=bool(words_only),
            co_signers=tuple(signers.get(id_, ())),
        )
        for id_, ref, title, rank, owner, area, theme, family, fits, words_only in rows
    )


def facts_of(actor: Actor, owners: Collection[int]) -> list[Fact]:
    """Return the needs on the board of some organisations."""
    return [fact for fact in facts(actor) if fact.organisation_id in owners]


def co_signed_by(actor: Actor, signers: Collection[int]) -> list[Fact]:
    """Return the needs on the board of other organisations that some of these took for one of their own."""
    signing = frozenset(signers)
    return [
        fact
        for fact in facts(actor)
        if fact.co_signers and fact.organisation_id not in signing and not signing.isdisjoint(fact.co_signers)
    ]


def _lives() -> tuple[ColumnElement[bool], ...]:
    return Family.dissolved_at.is_(None), Family.merged_into_id.is_(None)


def _standing() -> tuple[ColumnElement[bool], ...]:
    return CoSignature.taken_back_at.is_(None), CoSignature.ended_at.is_(None)


def _co_signers() -> dict[int, list[int]]:
    statement = (
        select(CoSignature.need_id, CoSignature.organisation_id)
        .where(*_standing())
        .order_by(CoSignature.need_id, CoSignature.organisation_id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for need_id, signer in db.session.execute(statement):
        found[need_id].append(signer)
    return found


def themes() -> dict[str, str]:
    """Return the names of the themes by key, by name."""
    rows = db.session.execute(select(Theme.key, Theme.name).order_by(Theme.name, Theme.key))
    return {key: name for key, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def families(actor: Actor, refs: Collection[str]) -> dict[str, FamilyFact]:
    """Return families by reference: what they are called, and how many organisations hold them on the whole board."""
    rows = db.session.execute(
        needs.on_board(needs.visible_to(actor))
        .with_only_columns(Family.ref, Family.name, func.count(Need.organisation_id.distinct()))
        .join(FamilyMember, FamilyMember.need_id == Need.id)
        .join(Family, Family.id == FamilyMember.family_id)
        .where(Family.ref.in_(refs))
        .group_by(Family.ref, Family.name)
    )
    return {ref: FamilyFact(name, organisations) for ref, name, organisations in rows}
