"""Fill and change the registry: reference data, ODS imports, patches."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.actor import SERVICE, Actor
from marketplace.access.policy import Permission
from marketplace.audit.actions import record
from marketplace.database import db, transaction
from marketplace.errors import DomainError, NotPermitted, NotVisible
from marketplace.organisations import ods, queries, reference, rules
from marketplace.organisations.models import HinPatch, Kind, Organisation, OrganisationImport

#: The organisation whose members run the service itself.
SERVICE_CODE = "demand-signal"


def load_reference() -> int:
    """Add the regions, ICBs, HINs and trusts that the registry starts with; return how many were new.

    What the registry already holds is left alone: an import or a person may know better by now.
    """
    with transaction() as session:
        held = {organisation.code: organisation for organisation in session.scalars(select(Organisation))}
        before = len(held)

        def add(code: str, kind: Kind, name: str, source: str, as_of: date | None, **facts: object) -> None:
            if code not in held:
                held[code] = Organisation(
                    code=code,
                    kind=kind,
                    name=name,
                    source=source,
                    source_date=as_of,
                    updated_at=clock.now(),
                    **facts,
                )
                session.add(held[code])

        add(SERVICE_CODE, Kind.SERVICE, "Demand Signal", "This service itself", None)
        for region in reference.regions():
            code = region.ods_code
            add(code, Kind.REGION, region.name, region.source, region.as_of, ods_code=code)
        for icb in reference.icbs():
            add(
                icb.ods_code,
                Kind.ICB,
                icb.name,
                icb.source,
                icb.as_of,
                ods_code=icb.ods_code,
                ons_code=icb.ons_code,
                region=held[icb.region_code],
                opened_on=icb.valid_from,
            )
        for hin in reference.hins():
            add(hin.slug, Kind.HIN, hin.name, hin.source, hin.as_of, opened_on=hin.valid_from)
        for trust in reference.trusts():
            add(
                trust.ods_code,
                Kind.TRUST,
                trust.name,
                trust.source,
                trust.as_of,
                ods_code=trust.ods_code,
                parent=held[trust.icb_code],
                region=held[trust.icb_code].region,
            )
        added = len(held) - before
        if added:
            record(session, SERVICE, "organisations.reference-loaded", "organisation", "all", added=added)
    return added


def load_demo_patches() -> int:
    """Add the demo's guess of the HIN patches, marked as not confirmed; return how many rows were new."""
    with transaction() as session:
        rows = session.execute(select(Organisation.code, Organisation.id)).all()
        ids = {row.code: row.id for row in rows}
        held = {
            (hin_id, id_)
            for hin_id, id_ in session.execute(select(HinPatch.hin_id, HinPatch.organisation_id)).all()
        }
        fresh = [
            HinPatch(
                hin_id=ids[row.hin_slug],
                organisation_id=ids[row.icb_code],
                source=row.source,
                source_date=row.as_of,
                confirmed=row.confirmed,
            )
            for row in reference.demo_hin_patches()
            if (ids[row.hin_slug], ids[row.icb_code]) not in held
        ]
        session.add_all(fresh)
        if fresh:
            record(session, SERVICE, "patch.demo-loaded", "hin", "all", added=len(fresh))
    return len(fresh)


def plan_import(path: Path) -> ods.ImportPlan:
    """Return what the file of trusts would change; changes nothing.

    Raises:
        ods.OdsFileError: for a damaged file, with its line and the reason.
        ods.ImportRefused: for a sound file that must not be applied.
    """
    return _plan(db.session, path)


def import_ods(actor: Actor, path: Path, *, shown: ods.ImportPlan | None = None) -> ods.ImportPlan:
    """Apply the file of trusts in one transaction, and return what was changed.

    ``shown`` is the plan that a person agreed to: when the file or the registry has changed since, nothing is done.
    Raises as `plan_import`.
    """
    if actor is not SERVICE and not actor.may(Permission.ORGANISATION_IMPORT):
        raise NotPermitted
    with transaction() as session:
        plan = _plan(session, path)
        if shown is not None and plan != shown:
            raise ods.ImportRefused(
                "The file or the registry has changed since the changes were shown. "
                "Nothing was changed. Run it again."
            )
        last = queries.last_import(session)
        if plan.is_empty and last is not None and last.sha256 == plan.sha256:
            return plan
        _apply(session, plan)
        row = OrganisationImport(
            filename=path.name[:200],
            sha256=plan.sha256,
            rows=plan.row_count,
            opened=len(plan.opened),
            changed=len(plan.changed),
            closed=len(plan.closed),
            imported_at=clock.now(),
        )
        session.add(row)
        session.flush()
        record(
            session,
            actor,
            "organisations.imported",
            "organisation-import",
            row.id,
            sha256=plan.sha256,
            opened=row.opened,
            changed=row.changed,
            closed=row.closed,
        )
    return plan


def _plan(session: Session, path: Path) -> ods.ImportPlan:
    file = ods.read(path, queries.known_parents(session))
    last = queries.last_import(session)
    return ods.plan(queries.current_trusts(session), file, clock.today(), last.rows if last else None)


def _apply(session: Session, plan: ods.ImportPlan) -> None:
    held = {
        organisation.ods_code: organisation
        for organisation in session.scalars(
            select(Organisation).where(Organisation.kind.in_((Kind.REGION, Kind.ICB, Kind.TRUST)))
        )
    }
    for after in (*plan.opened, *(change.after for change in plan.changed)):
        trust = held.get(after.ods_code)
        if trust is None:
            trust = Organisation(code=after.ods_code, ods_code=after.ods_code, kind=Kind.TRUST)
            session.add(trust)
            held[after.ods_code] = trust
        parent = held.get(after.parent_code) if after.parent_code else None
        is_icb = parent is not None and parent.kind is Kind.ICB
        trust.parent = parent if is_icb else None
        trust.region = parent.region if parent is not None and is_icb else parent
        trust.name, trust.opened_on, trust.closed_on = after.name, after.opened_on, after.closed_on
        _stamp(trust)
    for closure in plan.closed:
        trust = held[closure.ods_code]
        trust.closed_on = closure.closed_on
        _stamp(trust)


def _stamp(organisation: Organisation) -> None:
    organisation.source = "Organisation Data Service (ODS) file"
    organisation.source_date = clock.today()
    organisation.updated_at = clock.now()


def may_edit_patch(actor: Actor) -> bool:
    """Tell whether the actor keeps patches: an administrator, for every HIN.

    A patch says whose needs a HIN's brokers act for, so they do not extend it themselves.
    """
    return actor.may(Permission.PATCH_EDIT)


def hin_for(session: Session, actor: Actor, hin_code: str) -> Organisation:
    """Return the HIN whose patch the actor may see: brokers their own; raise `NotVisible` for any other."""
    hin = queries.by_code(session, hin_code)
    if hin is None or hin.kind is not Kind.HIN:
        raise NotVisible
    if not (actor.may(Permission.PATCH_READ, hin.id) or may_edit_patch(actor)):
        raise NotVisible
    return hin


def hin_to_edit(session: Session, actor: Actor, hin_code: str) -> Organisation:
    """Return the HIN whose patch the actor may change.

    Raises:
        NotVisible: there is no such HIN, or the actor may not see its patch.
        NotPermitted: the actor may see the patch and not change it.
    """
    hin = hin_for(session, actor, hin_code)
    if not may_edit_patch(actor):
        raise NotPermitted
    return hin


def add_to_patch(
    actor: Actor, hin_code: str, organisation_code: str, *, source: str, source_date: date, confirmed: bool
) -> None:
    """Write down that a HIN covers an ICB (with its trusts) or one trust, by which source."""
    rules.check_patch_date(source_date, clock.today())
    with transaction() as session:
        hin = hin_to_edit(session, actor, hin_code)
        covered = queries.by_code(session, organisation_code)
        if covered is None or covered.kind not in (Kind.ICB, Kind.TRUST):
            raise DomainError("Choose an organisation from the list", "organisation")
        name = covered.name
        session.add(
            HinPatch(
                hin_id=hin.id,
                organisation_id=covered.id,
                source=source,
                source_date=source_date,
                confirmed=confirmed,
            )
        )
        hin.updated_at = clock.now()
        try:
            session.flush()
        except IntegrityError as error:
            raise DomainError(f"{name} is in this patch already", "organisation") from error
        record(
            session,
            actor,
            "patch.added",
            "hin",
            hin.code,
            organisation_id=hin.id,
            covers=covered.code,
            confirmed=confirmed,
        )


def change_patch(
    actor: Actor, hin_code: str, organisation_code: str, *, source: str, source_date: date, confirmed: bool
) -> None:
    """Give a row of a patch another source and date, and say whether it is confirmed."""
    rules.check_patch_date(source_date, clock.today())
    with transaction() as session:
        hin = hin_to_edit(session, actor, hin_code)
        row = queries.patch_row(session, hin.id, organisation_code)
        if row is None:
            raise NotVisible
        row.source, row.source_date, row.confirmed = source, source_date, confirmed
        record(
            session,
            actor,
            "patch.changed",
            "hin",
            hin.code,
            organisation_id=hin.id,
            covers=organisation_code,
            confirmed=confirmed,
        )


def remove_from_patch(actor: Actor, hin_code: str, organisation_code: str) -> None:
    """Take an organisation out of a patch; the audit trail keeps that it was there."""
    with transaction() as session:
        hin = hin_to_edit(session, actor, hin_code)
        row = queries.patch_row(session, hin.id, organisation_code)
        if row is None:
            raise NotVisible
        session.delete(row)
        hin.updated_at = clock.now()
        record(
            session,
            actor,
            "patch.removed",
            "hin",
            hin.code,
            organisation_id=hin.id,
            covers=organisation_code,
        )
