"""Three needs of two organisations, for tests of the page on which demand is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from marketplace.organisations.models import Kind, Organisation
from marketplace.vocabulary import CareSetting, ClinicalArea, Shift
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation


@pytest.fixture
def north(session: Session) -> Organisation:
    return make_organisation(session, Kind.REGION, name="North")


@pytest.fixture
def three(session: Session, north: Organisation) -> None:
    trust = make_organisation(session, Kind.TRUST, code="ZZNT", name="Northern Trust", region_id=north.id)
    icb = make_organisation(session, Kind.ICB, code="ZZSI", name="Southern ICB")
    make_cycle(session)
    days = [datetime(2026, 10, n, tzinfo=UTC) for n in (1, 2, 3)]
    make_need(session, trust, rank=2, title="Falls in wards", published_at=days[0],
              care_setting=CareSetting.ACUTE_WARD, shift=None)  # fmt: skip
    make_need(session, trust, rank=1, title="Faster scans", published_at=days[1],
              clinical_area=ClinicalArea.DIAGNOSTICS, shift=Shift.ANALOGUE_TO_DIGITAL)  # fmt: skip
    make_need(
        session, icb, rank=3, title="Falls at home", published_at=days[2], care_setting=CareSetting.HOME
    )
