"""Reads for open data: which rows are public, when each last changed, and the records of some of them.

Everything starts from what the public pages show to somebody who is not signed in. "When it changed" is SQL, because
pages of a list are cut in that order; it has to cover everything that the record says, or mirrors miss it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from marketplace import clock
from marketplace.audit.models import AuditEvent
from marketplace.clock import LONDON
from marketplace.database import Moment, db
from marketplace.families.models import CoSignature
from marketplace.needs.models import (
    Cycle,
    Need,
    NeedFields,
    NeedVersion,
    PlacesRecord,
    Priority,
    by_its_own,
)
from marketplace.needs.queries import cycles
from marketplace.needs.rounds import DAY, Round, stand
from marketplace.needs.rounds import Standing as NeedStanding
from marketplace.opendata.records import (
    CoSignatureRecord,
    CycleRecord,
    EvidenceRecord,
    EvidenceWanted,
    NeedRecord,
    NeedVersionRecord,
    OrganisationRecord,
    PassportRecord,
    PriorityRecord,
    QuestionRecord,
    ReliedOnRecord,
    TechnologyRecord,
)
from marketplace.organisations.models import NEED_KINDS, Kind, Organisation, SuccessionMove
from marketplace.passports.models import Passport, PassportEvidence
from marketplace.passports.rules import Standing
from marketplace.questions.models import Answer, Question
from marketplace.technologies.models import EvidenceItem, Technology, TechnologyVersion
from marketplace.technologies.rules import EXPIRING
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType
from marketplace.web.links import public_link

#: Rows to records: the ids of the rows in their order, each with the moment of its last change.
Changed = Mapping[int, datetime]


class later_of(FunctionElement[datetime]):  # noqa: N801 - named as it is called, like SQL's functions
    """The latest of two moments, neither of them NULL."""

    type = Moment()
    name = "later_of"
    inherit_cache = True


@compiles(later_of, "sqlite")
def _later_on_sqlite(element: later_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"max({compiler.process(element.clauses, **kwargs)})"


@compiles(later_of, "postgresql")
def _later_on_postgresql(element: later_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **kwargs)})"


class midnight(FunctionElement[datetime]):  # noqa: N801 - named as it is called, like SQL's functions
    """The beginning of a date in UTC, some days later: ``midnight(column, days)``."""

    type = Moment()
    name = "midnight"
    inherit_cache = True


@compiles(midnight, "sqlite")
def _midnight_on_sqlite(element: midnight, compiler: SQLCompiler, **kwargs: Any) -> str:
    day, days = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(date({day}, {days} || ' days') || ' 00:00:00.000000')"


@compiles(midnight, "postgresql")
def _midnight_on_postgresql(element: midnight, compiler: SQLCompiler, **kwargs: Any) -> str:
    day, days = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(CAST(({day} + ({days})) AS timestamp) AT TIME ZONE 'UTC')"


def latest(first: Any, *others: Any) -> ColumnElement[datetime]:
    """Return the latest of some moments; the first is never NULL, the others may be."""
    found = first
    for other in others:
        found = later_of(found, func.coalesce(other, first))
    return found  # type: ignore[no-any-return] # columns of several kinds come in


def begun(day: Any, days: int = 0) -> ColumnElement[Any]:
    """Return the moment at which a day begins, once it has begun; NULL before.

    In UTC, while pages change at midnight in England: in summer that is an hour later. Such a change is told an hour
    late and never lost; the other way round, a change made within that hour could be passed over.
    """
    when = midnight(day, literal_column(str(days)))
    return case((when <= literal(clock.now(), Moment()), when))


# Organisations and cycles ----------------------------------------------------------------------------------------

#: Suppliers are named where their technologies are; the service itself is no organisation of the NHS.
NHS_KINDS = (Kind.REGION, *NEED_KINDS)


def public_organisations() -> Select[int]:
    """Select the organisations of the NHS, from the day they open."""
    opened = or_(Organisation.opened_on.is_(None), begun(Organisation.opened_on).is_not(None))
    return select(Organisation.id).where(Organisation.kind.in_(NHS_KINDS), opened)


def organisation_changed() -> ColumnElement[datetime]:
    """Return when an organisation changed."""
    return latest(Organisation.updated_at, begun(Organisation.opened_on))


def organisation_records(changed: Changed) -> list[OrganisationRecord]:
    """Return the records of some organisations."""
    region, parent = aliased(Organisation), aliased(Organisation)
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(Organisation, region.code, parent.code)
            .outerjoin(region, region.id == Organisation.region_id)
            .outerjoin(parent, parent.id == Organisation.parent_id)
            .where(Organisation.id.in_(changed))
        ).all()
    }
    return [
        OrganisationRecord(
            id=one.code,
            updated_at=when,
            page=_organisation_page(one),
            name=one.name,
            kind=one.kind,
            ods_code=one.ods_code,
            region=region_code,
            parent=parent_code,
            closed_on=one.closed_on,
        )
        for (one, region_code, parent_code), when in _in_order(rows, changed)
    ]


def _organisation_page(organisation: Organisation) -> str | None:
    if organisation.kind not in NEED_KINDS:
        return None
    return public_link("needs.organisation", organisation_code=organisation.code)


def _in_order(rows: Mapping[int, Any], changed: Changed) -> list[tuple[Any, datetime]]:
    # A row may have gone between the two reads.
    return [(rows[row], when) for row, when in changed.items() if row in rows]


def public_cycles() -> Select[int]:
    """Select the cycles that have opened."""
    return select(Cycle.id).where(begun(Cycle.opens_on).is_not(None))


def cycle_changed() -> ColumnElement[datetime]:
    """Return when a cycle became public, or was last changed after that."""
    noted = select(func.max(AuditEvent.at)).where(
        AuditEvent.subject_kind == "cycle", AuditEvent.subject_id == cast(Cycle.id, String)
    )
    return latest(midnight(Cycle.opens_on, literal_column("0")), noted.scalar_subquery())


def cycle_records(changed: Changed) -> list[CycleRecord]:
    """Return the records of some cycles."""
    rows = {one.id: one for one in db.session.scalars(select(Cycle).where(Cycle.id.in_(changed)))}
    return [
        CycleRecord(
            id=str(one.id),
            updated_at=when,
            name=one.name,
            opens_on=one.opens_on,
            locks_on=one.locks_on,
            closes_on=one.closes_on,
        )
        for one, when in _in_order(rows, changed)
    ]


# Needs -----------------------------------------------------------------------------------------------------------


def _turns() -> Select[int, datetime]:
    """Select for each need with a place when dates last turned how it stands: by its id as ``need_id``, ``turned``.

    A need has to be confirmed once the next cycle opens, and lapses when that locks (`marketplace.needs.rounds`), so
    the moments are those of the cycles after that of its place. Cycles are few: they are read, and given as values.
    """
    now, opened = clock.now(), sorted(cycles(), key=lambda one: one.opens_on)
    noted = dict(
        db.session.execute(
            select(AuditEvent.subject_id, func.max(AuditEvent.at))
            .where(AuditEvent.subject_kind == "cycle")
            .group_by(AuditEvent.subject_id)
        ).all()
    )
    moments = {}
    for place, cycle in enumerate(opened):
        later = opened[place + 1 : place + 3]
        days = [one.opens_on for one in later] + [one.locks_on + DAY for one in later[:1]]
        turns = [datetime.combine(day, datetime.min.time(), UTC) for day in days]
        turns += [noted[str(one.id)] for one in later if str(one.id) in noted]
        if begun_turns := [turn for turn in turns if turn <= now]:
            moments[cycle.id] = literal(max(begun_turns), Moment())
    turned = case(moments, value=Priority.cycle_id) if moments else cast(null(), Moment())
    return select(Priority.need_id, func.max(type_coerce(turned, Moment())).label("turned")).group_by(
        Priority.need_id
    )


def _placed() -> Select[int, datetime]:
    # Needs of an organisation whose places change may have been confirmed in a new cycle.
    return select(PlacesRecord.organisation_id, func.max(PlacesRecord.at).label("placed")).group_by(
        PlacesRecord.organisation_id
    )


def _moved() -> Select[int, datetime]:
    return (
        select(SuccessionMove.subject_id.label("need_id"), func.max(SuccessionMove.at).label("moved"))
        .where(SuccessionMove.kind == "need")
        .group_by(SuccessionMove.subject_id)
    )


def _with_owner(statement: Select[int]) -> Select[int]:
    """Join a selection of needs with their organisations, and with when they came there as ``moved``."""
    moved = _moved().subquery("moved")
    return statement.join(Organisation, Organisation.id == Need.organisation_id).outerjoin(
        moved, moved.c.need_id == Need.id
    )


#: Columns of what the selections of needs join by these names.
MOVED, TURNED, PLACED = (literal_column(f"{name}.{name}", Moment()) for name in ("moved", "turned", "placed"))


def public_needs() -> Select[int]:
    """Select every need that was ever published, with its organisation and the version that stands."""
    turned, placed = _turns().subquery("turned"), _placed().subquery("placed")
    return (
        _with_owner(select(Need.id))
        .join(NeedVersion, and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version))
        .outerjoin(turned, turned.c.need_id == Need.id)
        .outerjoin(placed, placed.c.organisation_id == Need.organisation_id)
        .where(Need.published_at.is_not(None))
    )


def need_changed() -> ColumnElement[datetime]:
    """Return when a need's record changed: its text, its state, how it stands, or its organisation."""
    return latest(need_told(), Organisation.updated_at, MOVED, TURNED, PLACED)


def version_changed() -> ColumnElement[datetime]:
    """Return when the record of a version changed: published, withdrawn with its need, or its organisation."""
    return latest(need_told(), Organisation.updated_at, MOVED)


def need_told() -> ColumnElement[datetime]:
    """Return when something happened to a need that people want to be told of."""
    return latest(NeedVersion.published_at, Need.withdrawn_at)


def stands_so(standing: NeedStanding) -> ColumnElement[bool]:
    """Return the condition that a need that was not withdrawn stands so today."""
    today, rounds = clock.today(), cycles()
    ids = [
        one.id
        for one in rounds
        if one.opens_on <= today
        and stand(one.round, [each.round for each in rounds], today).standing is standing
    ]
    place, cycle = aliased(Priority), aliased(Cycle)
    last = (
        select(cycle.id)
        .join(place, place.cycle_id == cycle.id)
        .where(place.need_id == Need.id, by_its_own(place))
        .order_by(cycle.opens_on.desc())
        .limit(1)
        .correlate(Need)
        .scalar_subquery()
    )
    return and_(Need.withdrawn_at.is_(None), last.in_(ids))


def needs_by_id(ids: Collection[int]) -> dict[int, Need]:
    """Return needs with organisation and version, in one query."""
    found = db.session.scalars(
        select(Need)
        .where(Need.id.in_(ids), Need.published_at.is_not(None))
        .options(
            joinedload(Need.organisation),
            joinedload(Need.current),
            joinedload(Need.priority).joinedload(Priority.cycle),
        )
    )
    return {need.id: need for need in found}


def need_records(changed: Changed) -> list[NeedRecord]:
    """Return the records of some needs."""
    rounds = [cycle.round for cycle in cycles()]
    return [
        _need_record(need, rounds, when)
        for need, when in _in_order(needs_by_id(changed), changed)
        if need.current is not None
    ]


def _need_record(need: Need, rounds: Sequence[Round], when: datetime) -> NeedRecord:
    version, place = need.current, need.priority
    gone = need.withdrawn_at is not None
    if version is None or need.published_at is None:
        raise ValueError("never published")
    return NeedRecord(
        id=need.ref,
        updated_at=when,
        withdrawn_at=need.withdrawn_at,
        withdrawn_reason=need.withdrawn_reason if gone else None,
        page=public_link("needs.need", ref=need.ref),
        organisation=need.organisation.code,
        organisation_name=need.organisation.name,
        title=version.title,
        published_at=need.published_at,
        version=None if gone else version.number,
        version_published_at=None if gone else version.published_at,
        cycle=None if gone or place is None else str(place.cycle_id),
        standing=None if gone or place is None else stand(place.cycle.round, rounds, clock.today()).standing,
        **({} if gone else _need_text(version)),
    )


def _need_text(version: NeedFields) -> dict[str, Any]:
    content = version.content()
    return {
        "problem": content.problem,
        "who_affected": content.who_affected,
        "how_many": content.how_many,
        "how_many_note": content.how_many_note or None,
        "pathway_today": content.pathway_today,
        "outcome": content.outcome,
        "measure": content.measure,
        "baseline": content.baseline,
        "target": content.target,
        "must": list(content.must),
        "evidence_wanted": [
            EvidenceWanted(type=wanted.type, detail=wanted.detail) for wanted in content.evidence_wanted
        ],
        "clinical_area": content.clinical_area,
        "care_setting": content.care_setting,
        "shift": content.shift,
        "timing": content.timing,
        "funding_state": content.funding_state,
    }


def public_need_versions() -> Select[int]:
    """Select every version of every need that was ever published."""
    return _with_owner(select(NeedVersion.id).join(Need, Need.id == NeedVersion.need_id)).where(
        Need.published_at.is_not(None)
    )


def need_version_records(changed: Changed) -> list[NeedVersionRecord]:
    """Return the records of some versions of needs."""
    return [_version_record(one, when) for one, when in _in_order(versions_by_id(changed), changed)]


def versions_by_id(ids: Collection[int]) -> dict[int, NeedVersion]:
    """Return versions with their needs and organisations, in one query."""
    found = db.session.scalars(
        select(NeedVersion)
        .where(NeedVersion.id.in_(ids))
        .options(joinedload(NeedVersion.need).joinedload(Need.organisation))
    )
    return {version.id: version for version in found}


def _version_record(version: NeedVersion, when: datetime) -> NeedVersionRecord:
    need = version.need
    gone = need.withdrawn_at is not None
    page = public_link("needs.version", ref=need.ref, number=version.number)
    told: dict[str, Any] = {
        "title": version.title,
        "change_note": version.change_note or None,
        "published_at": version.published_at,
        **_need_text(version),
    }
    return NeedVersionRecord(
        id=f"{need.ref}-{version.number}",
        updated_at=when,
        withdrawn_at=need.withdrawn_at,
        page=page,
        need=need.ref,
        organisation=need.organisation.code,
        organisation_name=need.organisation.name,
        number=version.number,
        **({} if gone else told),
    )


# Priorities ------------------------------------------------------------------------------------------------------


def public_priorities() -> Select[int]:
    """Select every top three that was published in a cycle that has opened, by its latest change.

    Places are held from the day a need is sent for sign-off; they are public when it is published.
    """
    newest = select(func.max(PlacesRecord.id)).group_by(PlacesRecord.organisation_id, PlacesRecord.cycle_id)
    held = (
        select(Priority.need_id)
        .join(Need, Need.id == Priority.need_id)
        .where(_of_record(), Need.published_at.is_not(None))
    )
    emptied = select(Need.id).where(
        Need.organisation_id == PlacesRecord.organisation_id,
        Need.withdrawn_at >= midnight(Cycle.opens_on, literal_column("0")),
    )
    return (
        select(PlacesRecord.id)
        .join(Organisation, Organisation.id == PlacesRecord.organisation_id)
        .join(Cycle, Cycle.id == PlacesRecord.cycle_id)
        .where(
            PlacesRecord.id.in_(newest),
            begun(Cycle.opens_on).is_not(None),
            or_(
                held.correlate(PlacesRecord).exists(),
                emptied.correlate(PlacesRecord, Cycle).exists(),
            ),
        )
    )


def _of_record() -> ColumnElement[bool]:
    return and_(
        Priority.organisation_id == PlacesRecord.organisation_id,
        Priority.cycle_id == PlacesRecord.cycle_id,
    )


def priority_changed() -> ColumnElement[datetime]:
    """Return when a top three changed: its places, or that a need that held one was published."""
    published = select(func.max(Need.published_at)).join(Priority, Priority.need_id == Need.id)
    return latest(
        PlacesRecord.at,
        published.where(_of_record()).correlate(PlacesRecord).scalar_subquery(),
        Organisation.updated_at,
        midnight(Cycle.opens_on, literal_column("0")),
    )


def priority_records(changed: Changed) -> list[PriorityRecord]:
    """Return the records of some top threes, in two queries."""
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(PlacesRecord, Organisation)
            .join(Organisation, Organisation.id == PlacesRecord.organisation_id)
            .where(PlacesRecord.id.in_(changed))
        ).all()
    }
    places: dict[int, dict[int, str]] = {}
    for row, rank, ref in db.session.execute(
        select(PlacesRecord.id, Priority.rank, Need.ref)
        .join(Priority, _of_record())
        .join(Need, Need.id == Priority.need_id)
        .where(PlacesRecord.id.in_(changed), Need.published_at.is_not(None))
        .order_by(PlacesRecord.id, Priority.rank)
    ).all():
        places.setdefault(row, {})[rank] = ref
    return [
        PriorityRecord(
            id=f"{one.cycle_id}-{organisation.code}",
            updated_at=when,
            page=_organisation_page(organisation),
            organisation=organisation.code,
            organisation_name=organisation.name,
            cycle=str(one.cycle_id),
            first=places.get(one.id, {}).get(1),
            second=places.get(one.id, {}).get(2),
            third=places.get(one.id, {}).get(3),
        )
        for (one, organisation), when in _in_order(rows, changed)
    ]


# Co-signatures ---------------------------------------------------------------------------------------------------


def public_co_signatures() -> Select[int]:
    """Select every co-signature of a need that was published."""
    return (
        select(CoSignature.id)
        .join(Need, Need.id == CoSignature.need_id)
        .join(Organisation, Organisation.id == CoSignature.organisation_id)
        .where(Need.published_at.is_not(None))
    )


def co_signature_ended() -> ColumnElement[datetime | None]:
    """Return when a co-signature was taken back or ended, or its need was withdrawn; NULL while it stands."""
    return func.coalesce(CoSignature.taken_back_at, CoSignature.ended_at, Need.withdrawn_at)


def co_signature_changed() -> ColumnElement[datetime]:
    """Return when a co-signature was given, came back, or ended, or its organisation changed."""
    return latest(
        CoSignature.signed_at,
        CoSignature.taken_back_at,
        CoSignature.ended_at,
        Need.withdrawn_at,
        Organisation.updated_at,
    )


def co_signature_records(changed: Changed) -> list[CoSignatureRecord]:
    """Return the records of some co-signatures."""
    found = db.session.scalars(
        select(CoSignature)
        .where(CoSignature.id.in_(changed))
        .options(joinedload(CoSignature.organisation), joinedload(CoSignature.need))
    )
    rows = {one.id: one for one in found}
    records = []
    for one, when in _in_order(rows, changed):
        ended = one.taken_back_at or one.ended_at or one.need.withdrawn_at
        told: dict[str, Any] = {
            "cycle": str(one.cycle_id),
            "note": one.note or None,
            "how_many": one.how_many,
            "signed_at": one.signed_at,
        }
        records.append(
            CoSignatureRecord(
                id=one.ref,
                updated_at=when,
                withdrawn_at=ended,
                page=public_link("needs.need", ref=one.need.ref),
                need=one.need.ref,
                organisation=one.organisation.code,
                organisation_name=one.organisation.name,
                **({} if ended else told),
            )
        )
    return records


# Technologies and passports --------------------------------------------------------------------------------------


def public_technologies() -> Select[int]:
    """Select every technology that was ever listed."""
    return (
        select(Technology.id)
        .join(Organisation, Organisation.id == Technology.supplier_id)
        .join(
            TechnologyVersion,
            and_(
                TechnologyVersion.technology_id == Technology.id,
                TechnologyVersion.number == Technology.version,
            ),
        )
        .where(Technology.listed_at.is_not(None))
    )


def technology_changed() -> ColumnElement[datetime]:
    """Return when a technology's record changed: a version, evidence, its supplier, or that it was taken off."""
    own = EvidenceItem.technology_id == Technology.id
    return latest(
        TechnologyVersion.listed_at,
        Technology.archived_at,
        Organisation.updated_at,
        select(func.max(EvidenceItem.added_at)).where(own).scalar_subquery(),
        select(func.max(EvidenceItem.withdrawn_at)).where(own).scalar_subquery(),
    )


def holds(column: Any, value: str) -> ColumnElement[bool]:
    """Return the condition that a JSON list of our vocabulary holds a value, on both databases."""
    return cast(column, String).contains(f'"{value}"', autoescape=True)


def technology_records(changed: Changed) -> list[TechnologyRecord]:
    """Return the records of some technologies."""
    found = db.session.scalars(
        select(Technology)
        .where(Technology.id.in_(changed), Technology.listed_at.is_not(None))
        .options(
            joinedload(Technology.current),
            joinedload(Technology.supplier),
            selectinload(Technology.evidence),
        )
    )
    rows = {one.id: one for one in found}
    return [_technology_record(one, when) for one, when in _in_order(rows, changed)]


def _technology_record(technology: Technology, when: datetime) -> TechnologyRecord:
    page = public_link("technologies.technology", ref=technology.ref)
    version = technology.current
    if technology.archived_at is not None or version is None:
        return TechnologyRecord(
            id=technology.ref, updated_at=when, withdrawn_at=technology.archived_at, page=page
        )
    return TechnologyRecord(
        id=technology.ref,
        updated_at=when,
        page=page,
        name=version.name,
        supplier=technology.supplier.name,
        summary=version.summary,
        intended_use=version.intended_use,
        replaces=version.replaces,
        claims=list(version.claims),
        settings=[CareSetting(value) for value in version.settings],
        clinical_areas=[ClinicalArea(value) for value in version.clinical_areas],
        readiness=version.readiness,
        version=version.number,
        version_listed_at=version.listed_at,
        evidence=[
            EvidenceRecord(**_evidence(item), summary=item.summary)
            for item in technology.evidence
            # What was withdrawn before the first listing was never public.
            if item.withdrawn_at is None
            or (technology.listed_at is not None and item.withdrawn_at > technology.listed_at)
        ],
    )


def _evidence(item: EvidenceItem) -> dict[str, Any]:
    return {
        "type": EvidenceType(item.type),
        "number": item.number,
        "issuer": item.issuer,
        "scope": item.scope,
        "issued_on": item.issued_on,
        "expires_on": item.expires_on,
        "withdrawn_on": item.withdrawn_at.astimezone(LONDON).date() if item.withdrawn_at else None,
    }


def public_passports() -> Select[int]:
    """Select the whole register."""
    return select(Passport.id).join(Technology, Technology.id == Passport.technology_id)


def passport_changed() -> ColumnElement[datetime]:
    """Return when a passport's record changed: by its issuer, by the calendar, or by what it rests on."""
    issuer, supplier = aliased(Organisation), aliased(Organisation)
    lifted = select(func.max(AuditEvent.at)).where(
        AuditEvent.subject_kind == "passport",
        AuditEvent.subject_id == Passport.number,
        AuditEvent.action == "passport.reinstated",
    )
    evidence = (
        select(func.max(EvidenceItem.withdrawn_at))
        .join(PassportEvidence, PassportEvidence.evidence_id == EvidenceItem.id)
        .where(PassportEvidence.passport_id == Passport.id)
    )
    return latest(
        Passport.issued_at,
        Passport.suspended_at,
        Passport.revoked_at,
        lifted.scalar_subquery(),
        evidence.scalar_subquery(),
        begun(Passport.valid_from),
        begun(Passport.valid_to, -EXPIRING.days),
        begun(Passport.valid_to, 1),
        select(issuer.updated_at).where(issuer.id == Passport.issuer_id).scalar_subquery(),
        select(supplier.updated_at).where(supplier.id == Technology.supplier_id).scalar_subquery(),
    )


def passport_records(changed: Changed) -> list[PassportRecord]:
    """Return the records of some passports."""
    rows = {
        row[0].id: row
        for row in db.session.execute(
            select(Passport, TechnologyVersion.name)
            .join(
                TechnologyVersion,
                and_(
                    TechnologyVersion.technology_id == Passport.technology_id,
                    TechnologyVersion.number == Passport.technology_version,
                ),
            )
            .where(Passport.id.in_(changed))
            .options(
                joinedload(Passport.issuer),
                joinedload(Passport.technology).joinedload(Technology.supplier),
                selectinload(Passport.relied_on),
            )
        ).all()
    }
    return [_passport_record(one, name, when) for (one, name), when in _in_order(rows, changed)]


def _passport_record(passport: Passport, name: str, when: datetime) -> PassportRecord:
    standing = passport.standing(clock.today())
    reason = {Standing.SUSPENDED: passport.suspended_reason, Standing.REVOKED: passport.revoked_reason}
    return PassportRecord(
        id=passport.number,
        updated_at=when,
        page=public_link("passports.passport", number=passport.number),
        standing=standing,
        reason=reason.get(standing),
        technology=passport.technology.ref,
        technology_name=name,
        technology_version=passport.technology_version,
        supplier=passport.technology.supplier.name,
        issuer=passport.issuer.code,
        issuer_name=passport.issuer.name,
        scope=passport.scope,
        conditions=passport.conditions or None,
        issued_at=passport.issued_at,
        valid_from=passport.valid_from,
        valid_to=passport.valid_to,
        evidence=[ReliedOnRecord(**_evidence(item)) for item in passport.relied_on],
    )


# Questions -------------------------------------------------------------------------------------------------------


def public_questions() -> Select[int]:
    """Select the answered questions about needs that were published."""
    return (
        select(Question.id)
        .join(Need, Need.id == Question.need_id)
        .where(Question.answered_at.is_not(None), Need.published_at.is_not(None))
    )


def question_changed() -> ColumnElement[datetime]:
    """Return when a question was answered, its answer corrected, or its need withdrawn."""
    given = select(func.max(Answer.answered_at)).where(Answer.question_id == Question.id)
    return latest(Question.answered_at, given.scalar_subquery(), Need.withdrawn_at)


def questions_by_id(ids: Collection[int]) -> dict[int, Question]:
    """Return questions with their answers and needs."""
    found = db.session.scalars(
        select(Question)
        .where(Question.id.in_(ids))
        .options(
            joinedload(Question.need).joinedload(Need.organisation),
            joinedload(Question.need).joinedload(Need.current),
            selectinload(Question.answers),
        )
    )
    return {one.id: one for one in found}


def question_records(changed: Changed) -> list[QuestionRecord]:
    """Return the records of some questions: in the words in which they were published, never as they were asked."""
    records = []
    for one, when in _in_order(questions_by_id(changed), changed):
        given = one.answer
        shared: dict[str, Any] = {
            "id": one.ref,
            "updated_at": when,
            "need": one.need.ref,
            "page": public_link("needs.need", ref=one.need.ref),
        }
        if one.need.withdrawn_at is not None or given is None:
            records.append(QuestionRecord(**shared, withdrawn_at=one.need.withdrawn_at))
            continue
        records.append(
            QuestionRecord(
                **shared,
                question=given.question_text,
                answer=given.text,
                answered_at=one.answered_at,
                corrected_at=given.answered_at if given.number > 1 else None,
            )
        )
    return records
