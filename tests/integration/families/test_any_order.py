"""What is stored of families and themes follows from the needs, whatever the order in which they were written."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.factory import create_app
from marketplace.families.models import Family, FamilyMember, Theme, ThemeMember
from marketplace.families.suggesting import suggest_now
from marketplace.matches import grouping
from marketplace.matches.finder import Finders, State
from marketplace.matches.indexer import Indexer
from marketplace.needs.models import Need, Priority
from marketplace.organisations.models import Kind, Organisation
from marketplace.settings import Mode, Settings
from marketplace.worker import build_worker
from matching.alike import limits
from tests.conftest import Browser
from tests.factories.families import make_family
from tests.factories.needs import make_cycle, make_need
from tests.factories.organisations import make_organisation
from tests.fakes.matching import HashEncoder

NOW = datetime.fromisoformat("2026-11-02T09:00:00+00:00")
#: Each line is a problem in three wordings, told by three organisations; the last few stand alone.
TOLD = (
    (
        "Residents fall at night in their own rooms and nobody sees it.",
        "Nobody sees when residents fall in their rooms at night.",
        "At night residents fall in their own rooms, and nobody sees the fall.",
    ),
    (
        "Infusion pumps are lost and porters search every store for them.",
        "Porters search every store for infusion pumps that are lost.",
        "Lost infusion pumps: porters search each store for pumps.",
    ),
    (
        "Letters to patients with a learning disability are hard to read.",
        "Patients with a learning disability find our letters hard to read.",
        "Our letters are hard to read for patients with a learning disability.",
    ),
    (
        "Wounds of residents are photographed by carers and the pictures reach no nurse.",
        "Pictures of the wounds of residents that carers photograph reach no nurse.",
        "Carers photograph wounds of residents, and no nurse is reached by the pictures.",
    ),
    ("Blood samples wait for the van at the surgery until the afternoon.",),
    ("Interpreters are booked by telephone and often do not come.",),
)


@dataclass(frozen=True)
class Told:
    """A need as it is written into each database. Some are of the same moment, so that age does not order them."""

    ref: str
    title: str
    problem: str
    days: int


NEEDS = tuple(
    Told(f"need{row}{place}", f"{problem.split(',')[0][:50]} ({place})", problem, days=40 - 10 * (row // 2))
    for row, problems in enumerate(TOLD)
    for place, problem in enumerate(problems)
)

#: Families that a HIN has settled: those of residents, which are near each other and make a theme.
SETTLED = ("need00", "need30")

Stored = tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]]


def saying(problem: str) -> dict[str, Any]:
    """Return the answers of a need of which every field speaks of its problem alone."""
    alone = ("clinical_area", "care_setting", "shift", "timing", "funding_state", "how_many")
    fields = ("problem", "who_affected", "pathway_today", "outcome", "measure", "baseline", "target")
    return (
        dict.fromkeys(fields, problem)
        | dict.fromkeys(alone)
        | {"must": (problem,), "evidence_wanted": (), "how_many_note": ""}
    )


def write(session: Session, needs: Sequence[Told]) -> None:
    """Write organisations and needs in this order, and what a HIN has settled."""
    make_cycle(session, name="Autumn", opens_on=clock.today() - timedelta(days=60))
    written: dict[str, Need] = {}
    for told in needs:
        organisation = make_organisation(
            session, Kind.TRUST, code=f"T{told.ref[4:]}", name=f"Trust {told.ref[4:]}"
        )
        need = make_need(
            session,
            organisation,
            title=told.title,
            **saying(told.problem),
            published_at=clock.now() - timedelta(days=told.days),
        )
        need.ref = told.ref
        written[told.ref] = need
        session.commit()
    for ref in SETTLED:
        members = [need for own, need in sorted(written.items()) if own.startswith(ref[:-1])]
        make_family(session, *members, settled=True, ref=ref)
    session.rollback()


def index_and_suggest(app: Flask) -> None:
    """Do what the worker does when needs have changed."""
    finders: Finders = app.extensions["finders"]
    with app.app_context():
        Indexer(app.extensions["engine"], finders.encoders).enqueue_differences()
    worker = build_worker(app)
    while worker.run_once():
        pass
    with app.app_context():
        suggest_now()


def stored(app: Flask) -> Stored:
    """Return the rows of families and themes by what they are called, without any number of the database's own."""
    families: dict[str, list[str]] = {}
    themes: dict[str, tuple[str, tuple[str, ...], list[str]]] = {}
    with Session(app.extensions["engine"]) as session:
        for family, need in session.execute(
            select(Family.ref, Need.ref)
            .join(FamilyMember, FamilyMember.family_id == Family.id)
            .join(Need, Need.id == FamilyMember.need_id)
        ):
            families.setdefault(family, []).append(need)
        for theme in session.scalars(select(Theme)):
            themes[theme.key] = (theme.name, tuple(theme.said), [])
        for key, need in session.execute(
            select(Theme.key, Need.ref)
            .join(ThemeMember, ThemeMember.theme_id == Theme.id)
            .join(Need, Need.id == ThemeMember.need_id)
        ):
            themes[key][2].append(need)
    return (
        {ref: tuple(sorted(members)) for ref, members in families.items()},
        {key: (name, said, tuple(sorted(members))) for key, (name, said, members) in themes.items()},
    )


@contextmanager
def another_service(migrated_file: Path, path: Path) -> Iterator[Flask]:
    """Give the service with an empty database of its own."""
    shutil.copy(migrated_file, path)
    settings = Settings(
        DATABASE_URL=f"sqlite:///{path}",
        password_memory_kib=64,
        password_rounds=1,
        log_level="ERROR",
        mode=Mode.DEMO,
    )
    app = create_app(settings, HashEncoder())
    finders: Finders = app.extensions["finders"]
    finders.state = State.READY
    engine: Engine = app.extensions["engine"]
    try:
        yield app
    finally:
        engine.dispose()


@pytest.fixture(autouse=True)
def wide_themes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let families that have little in common form themes: the stand-in for the model knows words alone."""
    monkeypatch.setattr(grouping, "limits", lambda: replace(limits(), theme=0.1))


@pytest.fixture
def first(app: Flask) -> Stored:
    """Return what is stored when the needs are written as they stand above."""
    with time_machine.travel(NOW, tick=False):
        with Session(app.extensions["engine"]) as session:
            write(session, NEEDS)
        index_and_suggest(app)
        return stored(app)


def test_like_needs_are_stored_as_families_and_near_families_as_a_theme(
    first: Stored,
) -> None:
    families, themes = first
    assert families == {f"need{row}0": tuple(f"need{row}{place}" for place in range(3)) for row in range(4)}
    assert [len(members) for _, _, members in themes.values()] == [6]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_needs_written_in_another_order_are_stored_as_the_same_families_and_themes(
    first: Stored, migrated_file: Path, tmp_path: Path, seed: int
) -> None:
    order = list(NEEDS)
    random.Random(seed).shuffle(order)
    assert order != list(NEEDS)
    with (
        time_machine.travel(NOW, tick=False),
        another_service(migrated_file, tmp_path / "other.db") as other,
    ):
        with Session(other.extensions["engine"]) as session:
            write(session, order)
        index_and_suggest(other)
        assert stored(other) == first


def test_a_family_keeps_its_address_while_needs_come_and_the_oldest_goes(app: Flask, first: Stored) -> None:
    browser = Browser(app.test_client())
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        with Session(app.extensions["engine"]) as session:
            older = _one_more(session, "needolder", days=50)
            younger = _one_more(session, "needyounger", days=1)
        index_and_suggest(app)
        now = {*first[0]["need10"], older, younger}
        assert set(stored(app)[0]["need10"]) == now
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        with Session(app.extensions["engine"]) as session:
            gone = session.scalars(select(Need).where(Need.ref == "need10")).one()
            session.execute(delete(Priority).where(Priority.need_id == gone.id))
            gone.withdrawn_at, gone.withdrawn_reason = clock.now(), "Solved"
            session.commit()
        index_and_suggest(app)
        assert set(stored(app)[0]["need10"]) == now - {"need10"}
        for ref in first[0]:
            assert browser.get(f"/families/{ref}").status_code == 200


def _one_more(session: Session, ref: str, *, days: int) -> str:
    problem = TOLD[1][0]
    organisation: Organisation = make_organisation(session, Kind.TRUST)
    need = make_need(
        session,
        organisation,
        title="Infusion pumps are lost (more)",
        **saying(problem),
        published_at=clock.now() - timedelta(days=days),
    )
    need.ref = ref
    session.commit()
    return ref
