"""Cycles and needs, valid and complete by default, written without the actions so that any state can be made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.needs.models import (
    Cycle,
    Need,
    NeedDraft,
    NeedPeople,
    NeedVersion,
    Priority,
    ReviewComment,
    SignOff,
)
from marketplace.needs.rules import NeedContent, Wanted
from marketplace.organisations.models import Organisation
from marketplace.vocabulary import CareSetting, ClinicalArea, EvidenceType, FundingState, Shift, Timing
from tests.factories.organisations import make_organisation

_numbers = count(1)

COMPLETE = NeedContent(
    title="Fewer falls at night",
    problem="Residents fall at night in their own rooms and nobody sees it.",
    who_affected="Older people who live in care homes",
    how_many=11000,
    how_many_note="residents in 330 homes",
    pathway_today="Staff ring 999 and wait.",
    outcome="Residents fall less often and are found within minutes.",
    measure="Falls for each 1,000 bed days",
    baseline="8.1",
    target="6 within 12 months",
    must=("Tell staff within 2 minutes of a fall", "Work where there is no wifi"),
    evidence_wanted=(Wanted(EvidenceType.REAL_WORLD, "Results from at least 10 care homes"),),
    clinical_area=ClinicalArea.FRAILTY,
    care_setting=CareSetting.CARE_HOME,
    shift=Shift.SICKNESS_TO_PREVENTION,
    timing=Timing.WITHIN_6_MONTHS,
    funding_state=FundingState.BID,
)


def content(**values: Any) -> NeedContent:
    """Return complete content with some answers changed."""
    return replace(COMPLETE, **values)


def make_cycle(session: Session, **values: Any) -> Cycle:
    """Return a committed cycle that is open today.

    Unless told otherwise it locks and closes on the same day, and reminds seven days before if it is open then.
    """
    opens_on = values.get("opens_on", clock.today() - timedelta(days=30))
    closes_on = values.get("closes_on", opens_on + timedelta(days=90))
    locks_on = values.get("locks_on", closes_on)
    cycle = Cycle(
        **{
            "name": f"Cycle {next(_numbers)}",
            "opens_on": opens_on,
            "reminds_on": max(opens_on + timedelta(days=1), locks_on - timedelta(days=7)),
            "locks_on": locks_on,
            "closes_on": closes_on,
        }
        | values
    )
    session.add(cycle)
    session.commit()
    return cycle


def the_cycle(session: Session) -> Cycle:
    """Return the latest cycle that has opened, made when there is none."""
    latest = session.scalar(
        select(Cycle).where(Cycle.opens_on <= clock.today()).order_by(Cycle.opens_on.desc()).limit(1)
    )
    return latest or make_cycle(session)


def make_draft(session: Session, organisation: Organisation | None = None, **values: Any) -> Need:
    """Return a committed need that was never published; ``values`` are answers."""
    need = _need(organisation or make_organisation(session))
    need.draft = NeedDraft(saved_at=clock.now())
    need.draft.fill(content(**{"title": f"Test need {next(_numbers)}"} | values))
    session.add(need)
    session.commit()
    return need


def make_need(
    session: Session,
    organisation: Organisation | None = None,
    *,
    rank: int | None = 1,
    cycle: Cycle | None = None,
    withdrawn: str = "",
    published_at: datetime | None = None,
    **values: Any,
) -> Need:
    """Return a committed published need; ``values`` are answers, ``withdrawn`` is the reason of a withdrawal."""
    organisation = organisation or make_organisation(session)
    now = published_at or clock.now()
    need = _need(organisation, published_at=now, version=1)
    if withdrawn:
        need.withdrawn_at, need.withdrawn_reason = clock.now(), withdrawn
    session.add(need)
    session.flush()
    version = NeedVersion(need_id=need.id, number=1, published_at=now)
    version.fill(content(**{"title": f"Test need {next(_numbers)}"} | values))
    session.add(version)
    if rank is not None and not withdrawn:
        session.add(
            Priority(
                organisation_id=organisation.id,
                cycle_id=(cycle or the_cycle(session)).id,
                rank=rank,
                need_id=need.id,
            )
        )
    session.commit()
    return need


def make_sign_off(
    session: Session, need: Need, *, approved_by_id: int | None = None, returned: str = "", **values: Any
) -> SignOff:
    """Return the committed submission of a draft: waiting, approved, or returned with a comment on who it is for.

    The need keeps the first place that is free, as a submission does.
    """
    assert need.draft is not None
    now = clock.now()
    need.round += 1
    sign_off = SignOff(
        **{
            "need_id": need.id,
            "round": need.round,
            "based_on": need.version,
            "submitted_at": now,
            "writers": [values["submitted_by_id"]] if values.get("submitted_by_id") else [],
        }
        | values
    )
    sign_off.fill(need.draft.content())
    if approved_by_id is not None:
        sign_off.approved_at, sign_off.approved_by_id = sign_off.approved_at or now, approved_by_id
    if returned:
        sign_off.returned_at = now
        sign_off.comments.append(ReviewComment(field="who_affected", text=returned))
    session.add(sign_off)
    cycle = the_cycle(session)
    places = select(Priority).where(
        Priority.organisation_id == need.organisation_id, Priority.cycle_id == cycle.id
    )
    held = session.scalars(places).all()
    if need.id not in {one.need_id for one in held} and need.published_at is None:
        free = min({1, 2, 3} - {one.rank for one in held})
        session.add(
            Priority(organisation_id=need.organisation_id, cycle_id=cycle.id, rank=free, need_id=need.id)
        )
    session.commit()
    session.refresh(need)
    return sign_off


def _need(organisation: Organisation, **values: Any) -> Need:
    return Need(
        **{
            "ref": f"need{next(_numbers):06}",
            "organisation_id": organisation.id,
            "created_at": clock.now(),
            "people": NeedPeople(),
        }
        | values
    )
