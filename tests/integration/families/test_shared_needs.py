"""Co-signatures and families on both databases: what their last guards hold, and what a run keeps."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.access.policy import Role
from marketplace.accounts import queries as people
from marketplace.families import actions, queries, settling, suggesting
from marketplace.families.models import CoSignature, Family, FamilyMember
from marketplace.families.rules import CoSignError, Settled, State
from marketplace.matches.grouping import Near
from marketplace.needs.models import Need, PlacesRecord, Priority
from marketplace.organisations.models import HinPatch, Kind
from matching.types import Hit
from tests.factories.families import make_co_signature, make_family
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.factories.people import make_user


def test_one_organisation_has_one_standing_co_signature_of_a_need(session: Session) -> None:
    need, signer = make_need(session), make_organisation(session, Kind.ICB)
    make_co_signature(session, need, signer, taken_back_at=clock.now())
    make_co_signature(session, need, signer)
    with pytest.raises(IntegrityError, match="co_signature"):
        make_co_signature(session, need, signer, placed=False)


def test_a_place_is_taken_and_freed_and_written_down_for_the_past(session: Session) -> None:
    make_cycle(session)
    need, signer = make_need(session), make_organisation(session, Kind.ICB)
    lead = people.actor_of(session, make_user(session, Role.NEED_LEAD, signer))
    actions.co_sign(lead, need.ref, signer.code, how_many=5, note="Here too")
    with pytest.raises(CoSignError, match="already"):
        actions.co_sign(lead, need.ref, signer.code)
    found = session.scalars(select(CoSignature)).one()
    assert (found.state, found.version, queries.places_taken(signer.id, found.cycle_id)) == (
        State.STANDING,
        1,
        frozenset({1}),
    )
    actions.take_back(lead, found.ref)
    session.expire_all()
    assert session.scalars(select(CoSignature)).one().state is State.TAKEN_BACK
    assert session.scalars(select(Priority).where(Priority.organisation_id == signer.id)).all() == []
    records = session.scalars(
        select(PlacesRecord.needs).where(PlacesRecord.organisation_id == signer.id).order_by(PlacesRecord.id)
    ).all()
    assert records == [[need.id], []]


def near(*pairs: tuple[Need, Need, float]) -> Near:
    found = Near()
    for one, other, chance in pairs:
        found.hits.setdefault(one.ref, []).append(Hit(other.ref, chance))
        found.hits.setdefault(other.ref, []).append(Hit(one.ref, chance))
    return found


def kept(session: Session) -> dict[str, set[str]]:
    session.expire_all()
    rows = session.execute(
        select(Family.ref, Need.ref)
        .join(FamilyMember, FamilyMember.family_id == Family.id)
        .join(Need, Need.id == FamilyMember.need_id)
    )
    found: dict[str, set[str]] = {}
    for family, need in rows:
        found.setdefault(family, set()).add(need)
    return found


@pytest.fixture
def four(session: Session, app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Need]:
    needs = [make_need(session, title=f"Need {number}") for number in range(4)]
    # What is on the index is not what is looked at here.
    monkeypatch.setattr(suggesting, "board", lambda: [need.ref for need in needs])
    monkeypatch.setattr(suggesting.grouping, "themes_of", lambda grouped, before: ((), False))
    return needs


def run(session: Session, found: Near) -> dict[str, set[str]]:
    proposal = suggesting.propose(found)
    suggesting.keep(session, proposal)
    session.commit()
    return kept(session)


def test_a_run_keeps_families_moves_needs_between_them_and_keeps_their_names(
    session: Session, four: list[Need]
) -> None:
    one, two, three, four_ = four
    first = run(session, near((one, two, 0.9), (three, four_, 0.9)))
    assert first == {one.ref: {one.ref, two.ref}, three.ref: {three.ref, four_.ref}}
    # Need 3 has changed its text: it is like the first family now.
    moved = run(session, near((one, two, 0.9), (two, three, 0.9), (one, three, 0.9)))
    assert {one.ref, two.ref} <= moved[one.ref]
    assert run(session, near((one, two, 0.9), (three, four_, 0.9)))[one.ref] == {one.ref, two.ref}


def test_families_that_the_matcher_joins_lead_on_to_the_elder(session: Session, four: list[Need]) -> None:
    one, two, three, four_ = four
    run(session, near((one, two, 0.9), (three, four_, 0.9)))
    every = [(a, b, 0.9) for at, a in enumerate(four) for b in four[at + 1 :]]
    assert run(session, near(*every)) == {one.ref: {need.ref for need in four}}
    younger = session.scalars(select(Family).where(Family.ref == three.ref)).one()
    assert younger.merged_into is not None
    assert younger.merged_into.ref == one.ref


def test_what_a_hin_settled_outlasts_whatever_the_matcher_says(session: Session, four: list[Need]) -> None:
    one, two, three, four_ = four
    family = make_family(session, one, three, settled=True)
    other = make_family(session, two, settled=True)
    every = near((one, two, 0.99), (two, four_, 0.9))
    assert run(session, every) == {family.ref: {one.ref, three.ref}, other.ref: {two.ref, four_.ref}}


def test_a_settlement_by_an_old_page_is_refused(session: Session, four: list[Need]) -> None:
    family = make_family(session, *four)
    hin = make_organisation(session, Kind.HIN)
    session.add(
        HinPatch(
            hin_id=hin.id,
            organisation_id=four[0].organisation_id,
            source="test",
            source_date=clock.today(),
            confirmed=True,
        )
    )
    broker = people.actor_of(session, make_user(session, Role.BROKER, hin))
    settling.rename(broker, family.ref, "Unseen falls", lock_version=1)
    with pytest.raises(Settled):
        settling.dissolve(broker, family.ref, lock_version=1)
    settling.take_out(broker, family.ref, four[3].ref, lock_version=2)
    assert kept(session) == {family.ref: {need.ref for need in four[:3]}}
