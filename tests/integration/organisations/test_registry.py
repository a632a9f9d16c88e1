"""Filling and changing the registry on a real database."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.access.actor import SERVICE
from marketplace.access.policy import Role
from marketplace.audit.models import AuditEvent
from marketplace.errors import DomainError, NotPermitted, NotVisible
from marketplace.organisations import actions, ods, queries
from marketplace.organisations.models import HinPatch, Kind, Organisation, OrganisationImport
from tests.factories.organisations import make_organisation
from tests.factories.people import make_actor


def count(session: Session, kind: Kind) -> int:
    return (
        session.scalar(select(func.count()).select_from(Organisation).where(Organisation.kind == kind)) or 0
    )


def ods_row(organisation: Organisation, **changes: str) -> list[str]:
    fields = [""] * 27
    fields[0], fields[1] = organisation.code, organisation.name.upper()
    fields[2] = organisation.region.code if organisation.region else ""
    fields[3] = organisation.parent.code if organisation.parent else ""
    fields[10] = f"{organisation.opened_on:%Y%m%d}" if organisation.opened_on else ""
    for position, value in changes.items():
        fields[int(position.removeprefix("f"))] = value
    return fields


def write(path: Path, rows: list[list[str]]) -> Path:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    path.write_text(text.getvalue(), "utf-8")
    return path


@pytest.fixture
def trusts(session: Session) -> list[Organisation]:
    actions.load_reference()
    return list(
        session.scalars(
            select(Organisation).where(Organisation.kind == Kind.TRUST).order_by(Organisation.code)
        )
    )


def test_the_registry_starts_with_regions_boards_networks_and_trusts(session: Session) -> None:
    assert actions.load_reference() == 7 + 42 + 15 + 207 + 1
    assert [count(session, kind) for kind in (Kind.REGION, Kind.ICB, Kind.HIN, Kind.TRUST, Kind.SERVICE)] == [
        7,
        42,
        15,
        207,
        1,
    ]
    leicester = queries.by_code(session, "RWE")
    assert leicester is not None
    assert leicester.parent is not None
    assert leicester.region is not None
    assert (leicester.parent.code, leicester.region.code) == ("QK1", "Y60")
    assert leicester.source_date == date(2024, 8, 31)
    assert "rcpch" in leicester.source


def test_loading_the_reference_again_changes_nothing(session: Session) -> None:
    actions.load_reference()
    renamed = queries.by_code(session, "RWE")
    assert renamed is not None
    renamed.name = "A name that an import brought"
    session.commit()
    assert actions.load_reference() == 0
    assert session.scalar(select(Organisation.name).where(Organisation.code == "RWE")) == renamed.name


def test_the_demo_patches_are_marked_as_not_confirmed(session: Session) -> None:
    actions.load_reference()
    assert actions.load_demo_patches() == 42
    assert actions.load_demo_patches() == 0
    assert set(session.scalars(select(HinPatch.confirmed))) == {False}


@time_machine.travel("2026-11-20 12:00Z", tick=False)
def test_an_import_opens_changes_and_closes_and_never_deletes(
    session: Session, trusts: list[Organisation], tmp_path: Path
) -> None:
    gone, renamed, moved, shut = (trusts[0], trusts[1], trusts[2], trusts[3])
    codes = [trust.code for trust in (gone, renamed, moved, shut)]
    rows = [ods_row(trust) for trust in trusts[1:]]
    rows[0][1] = "ANOTHER NAME NHS TRUST"
    rows[1][2:4] = ["Y56", "QRV"]
    rows[2][11] = "20260401"
    new = [""] * 27
    new[0:4] = ["RZ9", "NEW HOSPITALS NHS TRUST", "Y60", "QK1"]
    plan = actions.import_ods(SERVICE, write(tmp_path / "etr.csv", [*rows, new]))
    assert [closure.ods_code for closure in plan.closed] == sorted([gone.code, shut.code])
    session.expire_all()
    found = {code: queries.by_code(session, code) for code in [*codes, "RZ9"]}
    closed, other_name, other_place, ended, opened = found.values()
    assert closed is not None
    assert closed.closed_on == date(2026, 11, 20)
    assert other_name is not None
    assert other_name.name == "Another Name NHS Trust"
    assert other_place is not None
    assert other_place.parent is not None
    assert other_place.region is not None
    assert (other_place.parent.code, other_place.region.code) == ("QRV", "Y56")
    assert ended is not None
    assert ended.closed_on == date(2026, 4, 1)
    assert opened is not None
    assert opened.region is not None
    assert (opened.name, opened.region.code, opened.source_date) == (
        "New Hospitals NHS Trust",
        "Y60",
        date(2026, 11, 20),
    )
    assert count(session, Kind.TRUST) == 208
    run = session.scalars(select(OrganisationImport)).one()
    assert (run.filename, run.rows, run.opened, run.closed, len(run.sha256)) == ("etr.csv", 207, 1, 2, 64)


def test_importing_the_same_file_again_changes_and_writes_nothing(
    session: Session, trusts: list[Organisation], tmp_path: Path
) -> None:
    path = write(tmp_path / "etr.csv", [ods_row(trust) for trust in trusts])
    actions.import_ods(SERVICE, path)
    again = actions.import_ods(SERVICE, path)
    assert again.is_empty
    assert session.scalar(select(func.count()).select_from(OrganisationImport)) == 1
    imports = select(func.count()).where(AuditEvent.action == "organisations.imported")
    assert session.scalar(imports) == 1


def test_a_damaged_file_changes_nothing(session: Session, trusts: list[Organisation], tmp_path: Path) -> None:
    rows = [ods_row(trust) for trust in trusts]
    rows[0][1] = "ANOTHER NAME NHS TRUST"
    rows[100].append("one column too many")
    with pytest.raises(ods.OdsFileError) as caught:
        actions.import_ods(SERVICE, write(tmp_path / "etr.csv", rows))
    assert caught.value.line == 101
    session.expire_all()
    assert session.scalar(select(Organisation.name).where(Organisation.code == rows[0][0])) == trusts[0].name


def test_a_plan_that_was_shown_is_not_applied_to_another_file(
    session: Session, trusts: list[Organisation], tmp_path: Path
) -> None:
    path = write(tmp_path / "etr.csv", [ods_row(trust) for trust in trusts])
    shown = actions.plan_import(path)
    write(path, [ods_row(trust, f1="SOMETHING ELSE NHS TRUST") for trust in trusts])
    with pytest.raises(ods.ImportRefused, match="changed since"):
        actions.import_ods(SERVICE, path, shown=shown)
    assert session.scalar(select(func.count()).select_from(OrganisationImport)) == 0


def test_only_administrators_and_the_service_import(
    session: Session, trusts: list[Organisation], tmp_path: Path
) -> None:
    path = write(tmp_path / "etr.csv", [ods_row(trust) for trust in trusts])
    with pytest.raises(NotPermitted):
        actions.import_ods(make_actor(session, Role.BROKER), path)
    assert actions.import_ods(make_actor(session, Role.ADMINISTRATOR), path).row_count == 207


def test_a_patch_holds_the_trusts_of_its_boards_and_the_network_itself(session: Session) -> None:
    hin = make_organisation(session, Kind.HIN)
    icb, other_icb = make_organisation(session), make_organisation(session)
    trust = make_organisation(session, Kind.TRUST, parent_id=icb.id)
    lone = make_organisation(session, Kind.TRUST, parent_id=other_icb.id)
    outside = make_organisation(session, Kind.TRUST, parent_id=other_icb.id)
    admin = make_actor(session, Role.ADMINISTRATOR)
    for code in (icb.code, lone.code):
        actions.add_to_patch(
            admin, hin.code, code, source="Letter", source_date=date(2026, 1, 5), confirmed=True
        )
    assert queries.patch_of(session, [hin.id]) == {hin.id, icb.id, trust.id, lone.id}
    assert queries.patch_of(session, []) == frozenset()
    assert [found.id for found in queries.covering_hins(session, trust.id)] == [hin.id]
    assert queries.covering_hins(session, outside.id) == []
    assert [found.id for found in queries.covering_hins(session, hin.id)] == [hin.id]


def test_no_broker_edits_a_patch_and_an_administrator_every_one(session: Session) -> None:
    hin, icb = make_organisation(session, Kind.HIN), make_organisation(session)
    facts = {"source": "Letter", "source_date": date(2026, 1, 5), "confirmed": False}
    with pytest.raises(NotVisible):
        actions.add_to_patch(make_actor(session, Role.BROKER), hin.code, icb.code, **facts)
    with pytest.raises(NotPermitted):
        actions.add_to_patch(make_actor(session, Role.BROKER, hin), hin.code, icb.code, **facts)
    admin = make_actor(session, Role.ADMINISTRATOR)
    actions.add_to_patch(admin, hin.code, icb.code, **facts)
    with pytest.raises(DomainError, match="in this patch already"):
        actions.add_to_patch(admin, hin.code, icb.code, **facts)
    actions.change_patch(admin, hin.code, icb.code, **facts | {"source": "Board paper", "confirmed": True})
    row = queries.patch_row(session, hin.id, icb.code)
    assert row is not None
    assert (row.source, row.confirmed) == ("Board paper", True)
    actions.remove_from_patch(admin, hin.code, icb.code)
    assert queries.patch_row(session, hin.id, icb.code) is None


def test_a_region_or_a_supplier_cannot_be_in_a_patch(session: Session) -> None:
    hin = make_organisation(session, Kind.HIN)
    supplier = make_organisation(session, Kind.SUPPLIER)
    with pytest.raises(DomainError, match="Choose an organisation"):
        actions.add_to_patch(
            make_actor(session, Role.ADMINISTRATOR),
            hin.code,
            supplier.code,
            source="Letter",
            source_date=date(2026, 1, 5),
            confirmed=False,
        )


def test_filters_offer_what_is_open(session: Session) -> None:
    make_organisation(session, Kind.REGION, name="B region", code="ZZB")
    make_organisation(session, Kind.REGION, name="A region", code="ZZA")
    make_organisation(session, Kind.TRUST, name="Closed", closed_on=date(2025, 1, 1))
    make_organisation(session, Kind.SUPPLIER, name="Company")
    make_organisation(session, Kind.TRUST, name="Open trust", code="ZZT")
    choices = queries.filter_choices(session)
    assert choices.regions == (("ZZA", "A region"), ("ZZB", "B region"))
    assert choices.organisations == (("ZZT", "Open trust"),)


def test_a_new_supplier_gets_a_code_that_is_free(session: Session) -> None:
    assert queries.free_code(session, "Höhe & Söhne Ltd.") == "hohe-and-sohne-ltd"
    make_organisation(session, Kind.SUPPLIER, code="hohe-and-sohne-ltd")
    assert queries.free_code(session, "Höhe & Söhne Ltd.") == "hohe-and-sohne-ltd-2"
