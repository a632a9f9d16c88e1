"""Shared needs for tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.families.models import CoSignature, Family, FamilyMember, Theme, ThemeMember
from marketplace.needs.models import Need, Priority
from marketplace.organisations.models import Organisation
from tests.factories.needs import the_cycle

_numbers = count(1)


def make_co_signature(
    session: Session, need: Need, organisation: Organisation, *, placed: bool = True, **values: Any
) -> CoSignature:
    """Return a committed co-signature with the next free place of the current cycle."""
    cycle = the_cycle(session)
    taken = session.scalars(
        select(Priority.rank).where(
            Priority.organisation_id == organisation.id, Priority.cycle_id == cycle.id
        )
    ).all()
    found = CoSignature(
        **{
            "ref": f"cosign{next(_numbers):06}",
            "need_id": need.id,
            "organisation_id": organisation.id,
            "cycle_id": cycle.id,
            "version": need.version,
            "told_version": need.version,
            "signed_at": clock.now(),
        }
        | values
    )
    session.add(found)
    if placed and found.taken_back_at is None and found.ended_at is None:
        place = next(rank for rank in (1, 2, 3) if rank not in taken)
        session.add(Priority(organisation_id=organisation.id, cycle_id=cycle.id, rank=place, need_id=need.id))
    session.commit()
    return found


def make_family(session: Session, *needs: Need, settled: bool = False, **values: Any) -> Family:
    """Return a committed family of these needs."""
    now = clock.now()
    family = Family(
        **{
            "ref": f"family{next(_numbers):06}",
            "created_at": now,
            "changed_at": now,
            "settled_at": now if settled else None,
        }
        | values
    )
    family.members = [FamilyMember(need_id=need.id, settled=settled, since=now) for need in needs]
    session.add(family)
    session.commit()
    return family


def make_theme(session: Session, *needs: Need, **values: Any) -> Theme:
    """Return a committed theme of these needs."""
    number = next(_numbers)
    theme = Theme(
        **{"key": f"theme-{number}", "name": f"Test theme {number}", "changed_at": clock.now()} | values
    )
    theme.members = [ThemeMember(need_id=need.id) for need in needs]
    session.add(theme)
    session.commit()
    return theme
