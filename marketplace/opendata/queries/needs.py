"""Needs and their versions: which were published, when each changed, and their records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    type_coerce,
)
from sqlalchemy.orm import aliased, joinedload

from marketplace import clock
from marketplace.audit.models import AuditEvent
from marketplace.clock import LONDON
from marketplace.cycles.queries import cancelled
from marketplace.database import Moment, db
from marketplace.matches.models import NeedFit
from marketplace.needs.models import (
    Cycle,
    Need,
    NeedFields,
    NeedVersion,
    PlacesRecord,
    Priority,
    SignOff,
    by_its_own,
)
from marketplace.needs.queries import cycles
from marketplace.needs.rounds import DAY, Round, stand
from marketplace.needs.rounds import Standing as NeedStanding
from marketplace.opendata.queries.moments import Changed, in_order, latest
from marketplace.opendata.queries.organisations import organisation_told
from marketplace.opendata.records import EvidenceWanted, FormerOwner, NeedRecord, NeedVersionRecord, Register
from marketplace.organisations.lineage import handings
from marketplace.organisations.models import Organisation, SuccessionMove
from marketplace.web.links import public_link


def _turns() -> Select[int, datetime]:
    """Select for each need with a place when dates last turned how it stands: by its id as ``need_id``, ``turned``.

    A need has to be confirmed once the next cycle opens, and lapses when that locks (`marketplace.needs.rounds`), so
    the moments are those of the cycles after that of its place. One that was cancelled while it was open turned it
    back. Cycles are few: they are read, and given as values.
    """
    now, opened = clock.now(), sorted(cycles(), key=lambda one: one.opens_on)
    noted = dict(
        db.session.execute(
            select(AuditEvent.subject_id, func.max(AuditEvent.at))
            .where(AuditEvent.subject_kind == "cycle")
            .group_by(AuditEvent.subject_id)
        ).all()
    )
    gone = [
        one for one in cancelled(db.session) if one.opens_on <= one.cancelled_at.astimezone(LONDON).date()
    ]
    moments = {}
    for place, cycle in enumerate(opened):
        later = opened[place + 1 : place + 3]
        days = [one.opens_on for one in later] + [one.locks_on + DAY for one in later[:1]]
        turns = [datetime.combine(day, datetime.min.time(), UTC) for day in days]
        turns += [noted[str(one.id)] for one in later if str(one.id) in noted]
        turns += [one.cancelled_at for one in gone if one.opens_on > cycle.opens_on]
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


def _checked() -> Select[Any, Any, Any]:
    return (
        select(SignOff.need_id, SignOff.version, func.max(SignOff.checked_at).label("checked"))
        .where(SignOff.version.is_not(None))
        .group_by(SignOff.need_id, SignOff.version)
    )


def _with_owner(statement: Select[int]) -> Select[int]:
    """Join a selection of needs and versions with their organisations, and with what happened to them beside that.

    That is when a need came to its organisation as ``moved``, and when a network checked a version as ``checked``.
    """
    moved, checked = _moved().subquery("moved"), _checked().subquery("checked")
    return (
        statement.join(Organisation, Organisation.id == Need.organisation_id)
        .outerjoin(moved, moved.c.need_id == Need.id)
        .outerjoin(checked, and_(checked.c.need_id == Need.id, checked.c.version == NeedVersion.number))
    )


#: Columns of what the selections of needs join by these names.
MOVED, TURNED, PLACED, CHECKED = (
    literal_column(f"{name}.{name}", Moment()) for name in ("moved", "turned", "placed", "checked")
)


def public_needs() -> Select[int]:
    """Select every need that was ever published, with its organisation and the version that stands."""
    turned, placed = _turns().subquery("turned"), _placed().subquery("placed")
    current = and_(NeedVersion.need_id == Need.id, NeedVersion.number == Need.version)
    return (
        _with_owner(select(Need.id).join(NeedVersion, current))
        .outerjoin(turned, turned.c.need_id == Need.id)
        .outerjoin(placed, placed.c.organisation_id == Need.organisation_id)
        .outerjoin(NeedFit, NeedFit.need_id == Need.id)
        .where(Need.published_at.is_not(None))
    )


def need_changed() -> ColumnElement[datetime]:
    """Return when a need's record changed: the need itself, or what the register has for it."""
    return latest(need_stood(), NeedFit.changed_at)


def need_stood() -> ColumnElement[datetime]:
    """Return when a need changed: its text, its state, how it stands, its check, or its organisation."""
    return latest(need_told(), organisation_told(), MOVED, TURNED, PLACED, CHECKED)


def version_changed() -> ColumnElement[datetime]:
    """Return when a version's record changed: published, checked, withdrawn with its need, or its organisation."""
    return latest(need_told(), organisation_told(), MOVED, CHECKED)


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


#: Who signed off which version (the need's id and the number), as records tell it.
Signs = Mapping[tuple[int, int], Mapping[str, Any]]


def _signs(need_ids: Collection[int]) -> Signs:
    rows = db.session.execute(
        select(
            SignOff.need_id,
            SignOff.version,
            SignOff.approved_at,
            SignOff.checked_at,
            Organisation.code,
            SignOff.unchecked,
        )
        .outerjoin(Organisation, Organisation.id == SignOff.hin_id)
        .where(SignOff.need_id.in_(need_ids), SignOff.version.is_not(None))
    )
    return {
        (need_id, version): {
            "approved_at": approved_at,
            "checked_at": checked_at,
            "checked_by": code if checked_at is not None else None,
            "unchecked": unchecked,
        }
        for need_id, version, approved_at, checked_at, code, unchecked in rows
        if version is not None
    }


def need_records(changed: Changed) -> list[NeedRecord]:
    """Return the records of some needs."""
    rounds = [cycle.round for cycle in cycles()]
    found = db.session.scalars(select(NeedFit).where(NeedFit.need_id.in_(changed)))
    looks = {(one.need_id, one.version): one for one in found}
    handed, signs = handings(db.session, changed.keys()), _signs(changed.keys())
    return [
        _need_record(
            need,
            rounds,
            when,
            looks.get((need.id, need.version)),
            formerly=[FormerOwner(organisation=was.code, until=was.at) for was in handed.get(need.id, ())],
            **({} if need.withdrawn_at is not None else signs.get((need.id, need.version), {})),
        )
        for need, when in in_order(needs_by_id(changed), changed)
        if need.current is not None
    ]


def _need_record(
    need: Need, rounds: Sequence[Round], when: datetime, look: NeedFit | None, **beside: Any
) -> NeedRecord:
    version, place = need.current, need.priority
    gone = need.withdrawn_at is not None
    if version is None or need.published_at is None:
        raise ValueError("never published")
    standing = None if gone or place is None else stand(place.cycle.round, rounds, clock.today()).standing
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
        standing=standing,
        register_has=None if standing in {None, NeedStanding.LAPSED} else _register(look),
        **beside,
        **({} if gone else _need_text(version)),
    )


def _register(look: NeedFit | None) -> Register:
    if look is None:
        return Register.NOT_LOOKED
    return Register.FITS if look.fits else Register.NOTHING


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
    found = versions_by_id(changed)
    signs = _signs({one.need_id for one in found.values()})
    return [
        _version_record(one, when, signs.get((one.need_id, one.number), {}))
        for one, when in in_order(found, changed)
    ]


def versions_by_id(ids: Collection[int]) -> dict[int, NeedVersion]:
    """Return versions with their needs and organisations, in one query."""
    found = db.session.scalars(
        select(NeedVersion)
        .where(NeedVersion.id.in_(ids))
        .options(joinedload(NeedVersion.need).joinedload(Need.organisation))
    )
    return {version.id: version for version in found}


def _version_record(version: NeedVersion, when: datetime, signs: Mapping[str, Any]) -> NeedVersionRecord:
    need = version.need
    gone = need.withdrawn_at is not None
    page = public_link("needs.version", ref=need.ref, number=version.number)
    told: dict[str, Any] = {
        "title": version.title,
        "change_note": version.change_note or None,
        "published_at": version.published_at,
        **signs,
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
