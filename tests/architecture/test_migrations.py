from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa
from alembic import op
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace import clock, migrating
from marketplace.access.actor import SERVICE
from marketplace.access.policy import Role
from marketplace.audit.actions import record
from marketplace.audit.models import AuditEvent
from marketplace.database import Base, make_engine, transaction
from marketplace.families.models import Family, FamilyRun, Theme
from marketplace.introductions.rules import Decision
from marketplace.matches.models import NeedFit
from marketplace.matches.rules import NEED_TOPIC
from marketplace.needs.models import Cycle, Need, NeedDraft, Priority
from marketplace.outbox.actions import enqueue
from marketplace.remembered import TABLES
from tests.conftest import BOTH
from tests.factories.families import make_family, make_theme
from tests.factories.fits import make_fit
from tests.factories.introductions import Parties, make_introduction
from tests.factories.joining import make_invitation, make_registration, make_reset
from tests.factories.needs import content, make_cycle, make_draft, make_need
from tests.factories.organisations import make_organisation
from tests.factories.passports import make_passport
from tests.factories.people import make_user


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def fill(engine: Engine) -> None:
    """Put rows that point at one another into the tables of every room."""
    with Session(engine) as session:
        parties = Parties.make(session)
        introduction = make_introduction(session, parties, need=Decision.ACCEPTED)
        make_draft(session, parties.trust)
        make_passport(session, introduction.technology)
        make_reset(session, parties.people["lead"])
        make_registration(session, "newcomer@people.example")
        make_invitation(
            session, parties.trust, "colleague@people.example", Role.NEED_LEAD, parties.people["lead"]
        )
        with transaction(session):
            enqueue(session, NEED_TOPIC, "need000001")
            record(session, SERVICE, "test.done", "test", 1)


def counts(engine: Engine) -> dict[str, int]:
    """Count the rows of each table."""
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
        }


def test_the_models_and_the_migrated_schema_agree(database_url: str) -> None:
    engine = make_engine(database_url)
    assert migrating.differences(engine) == []
    engine.dispose()


def test_every_table_that_lists_are_remembered_of_draws_stamps(database_url: str) -> None:
    engine = make_engine(database_url)
    tables = [table for some in TABLES.values() for table in some]
    verbs = ("insert", "update", "delete")
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            wanted = {
                f"{table}_draws_stamp_{verb}"
                for tables in TABLES.values()
                for table in tables
                for verb in verbs
            }
        else:
            found = connection.execute(sa.text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"))
            wanted = {f"{table}_draws_stamp" for table in tables}
        missing = wanted - set(found.scalars())
    engine.dispose()
    assert missing == set(), "a migration that makes such a table anew makes its triggers anew (decision 22)"


def test_migrations_of_a_database_in_use_go_down_to_nothing_and_up_again(database_url: str) -> None:
    engine = make_engine(database_url)
    fill(engine)
    for revision in (*migrating.known_revisions()[-2::-1], "base"):
        migrating.downgrade(engine, revision)
        with engine.connect() as connection:
            assert (migrating.current_revision(connection) or "base") == revision
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    migrating.upgrade(engine)
    with engine.connect() as connection:
        assert migrating.current_revision(connection) == migrating.known_revisions()[-1]
    assert migrating.differences(engine) == []
    engine.dispose()


def test_taking_back_a_column_of_people_keeps_the_people_and_what_points_at_them(database_url: str) -> None:
    engine = make_engine(database_url)
    fill(engine)
    before = counts(engine)
    migrating.downgrade(engine, "0009")
    migrating.upgrade(engine)
    assert counts(engine) == before | {"registration": 0}
    assert before["person"] == 6
    engine.dispose()


def test_families_of_before_get_the_moments_that_are_known_of_them(database_url: str) -> None:
    engine = make_engine(database_url)
    with Session(engine) as session:
        first, second = make_need(session), make_need(session)
        kept = make_family(session, first, second, created_at=clock.now() - timedelta(days=9))
        gone = make_family(
            session,
            created_at=clock.now() - timedelta(days=8),
            merged_into_id=kept.id,
            merged_at=clock.now(),
        )
        kept.members[1].since = joined = clock.now() - timedelta(days=3)
        kept.members[0].since = clock.now() - timedelta(days=9)
        theme = make_theme(session, first)
        session.add(
            FamilyRun(
                fingerprint="x",
                ran_at=clock.now() - timedelta(days=2),
                milliseconds=1,
                needs=2,
                degraded=False,
            )
        )
        make_fit(session, first, 1, looked_at=clock.now() - timedelta(days=1))
        with transaction(session):
            record(session, SERVICE, "family.merged", "family", gone.ref, into=kept.ref)
        ids, merged = (kept.id, gone.id, theme.id, first.id), clock.now()
    migrating.downgrade(engine, "0023")
    migrating.upgrade(engine)
    with Session(engine) as session:
        kept, gone = session.get_one(Family, ids[0]), session.get_one(Family, ids[1])
        assert (kept.changed_at, kept.merged_at, kept.joint) == (joined, None, [])
        assert gone.merged_at == gone.changed_at
        assert abs(gone.changed_at - merged) < timedelta(minutes=1)
        ran, mark = session.execute(select(FamilyRun.ran_at, FamilyRun.fingerprint)).one()
        assert mark == "", "the next run is due"
        assert session.get_one(Theme, ids[2]).changed_at == ran
        look = session.get_one(NeedFit, ids[3])
        assert look.changed_at == look.looked_at
    engine.dispose()


def test_cycles_and_places_live_through_the_migration_that_gave_cycles_their_lock(database_url: str) -> None:
    engine = make_engine(database_url)
    fill(engine)
    today = clock.today()
    with Session(engine) as session:
        before = make_cycle(
            session, opens_on=today - timedelta(days=99), closes_on=today - timedelta(days=90), name="Before"
        )
        need = make_need(session, cycle=make_cycle(session))
        now_in = session.scalars(select(Priority)).one()
        other = make_organisation(session)
        session.add_all(
            [
                Priority(organisation_id=need.organisation_id, cycle_id=before.id, rank=2, need_id=need.id),
                Priority(organisation_id=other.id, cycle_id=now_in.cycle_id, rank=3, need_id=need.id),
            ]
        )
        session.commit()
        kept = (now_in.organisation_id, now_in.cycle_id, now_in.rank, now_in.need_id)
    migrating.downgrade(engine, "0013")
    migrating.upgrade(engine)
    with Session(engine) as session:
        assert [
            (place.organisation_id, place.cycle_id, place.rank, place.need_id)
            for place in session.scalars(select(Priority))
        ] == [kept]
        cycle = session.scalars(select(Cycle).where(Cycle.name == "Before")).one()
        assert (cycle.opens_on, cycle.reminds_on, cycle.locks_on, cycle.closes_on) == (
            today - timedelta(days=99),
            today - timedelta(days=98),
            today - timedelta(days=90),
            today - timedelta(days=90),
        )
        assert make_cycle(session, opens_on=today + timedelta(days=99)).id not in {cycle.id, kept[1]}
    engine.dispose()


def test_who_wrote_a_draft_before_there_was_sign_off_is_still_known(database_url: str) -> None:
    engine = make_engine(database_url)
    with Session(engine) as session:
        people = [make_user(session, Role.NEED_LEAD).id for _ in range(5)]
        first, second, third, fourth, other = people
        new, edited = make_draft(session), make_need(session)
        old = make_draft(session)
        edited.draft = NeedDraft(saved_at=clock.now(), saved_by_id=fourth)
        edited.draft.fill(content())
        assert new.draft is not None
        new.created_by_id, edited.created_by_id, new.draft.saved_by_id = first, first, third
        old.created_by_id = other
        session.commit()
        refs = {new.ref: [first, second, third], edited.ref: [third, fourth], old.ref: [other]}
        with transaction(session):
            for action, ref, who in (
                ("need.drafted", new.ref, first),
                ("need.saved", new.ref, second),
                ("need.viewed", new.ref, other),
                ("need.drafted", edited.ref, first),
                ("need.saved", edited.ref, second),
                ("need.edit-started", edited.ref, third),
            ):
                session.add(
                    AuditEvent(
                        at=clock.now(), actor_id=who, action=action, subject_kind="need", subject_id=ref
                    )
                )
    migrating.downgrade(engine, "0014")
    migrating.upgrade(engine)
    with Session(engine) as session:
        found = session.execute(select(Need.ref, NeedDraft.writers).join(NeedDraft.need))
        assert {row.ref: row.writers for row in found} == refs
    engine.dispose()


def test_a_cycle_of_one_day_gets_a_second_so_that_its_reminder_has_a_day(database_url: str) -> None:
    engine = make_engine(database_url)
    migrating.downgrade(engine, "0013")
    today = clock.today()
    with engine.connect().execution_options(writes=True) as connection:
        cycles = sa.table(
            "cycle",
            sa.column("name", sa.String),
            sa.column("opens_on", sa.Date),
            sa.column("closes_on", sa.Date),
        )
        connection.execute(sa.insert(cycles).values(name="One day", opens_on=today, closes_on=today))
        connection.commit()
    migrating.upgrade(engine)
    with Session(engine) as session:
        cycle = session.scalars(select(Cycle)).one()
        tomorrow = today + timedelta(days=1)
        assert (cycle.opens_on, cycle.reminds_on, cycle.locks_on, cycle.closes_on) == (
            today,
            tomorrow,
            tomorrow,
            tomorrow,
        )
    engine.dispose()


@pytest.mark.parametrize(
    ("revision", "last_step", "tables"),
    [
        ("0010", "add_column", {"registration"}),
        ("0003", "execute", {"audit_event", "email", "outbox", "submission"}),
    ],
)
def test_an_interrupted_migration_leaves_nothing_and_the_next_run_completes_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch, revision: str, last_step: str, tables: set[str]
) -> None:
    made: set[str] = set()

    def interrupt(*_: object, **__: object) -> NoReturn:
        made.update(sa.inspect(op.get_bind()).get_table_names())
        raise RuntimeError("the process was stopped")

    engine = make_engine(database_url)
    before = f"{int(revision) - 1:04}"
    migrating.downgrade(engine, before)
    with monkeypatch.context() as patch:
        patch.setattr(op, last_step, interrupt)
        with pytest.raises(RuntimeError, match="stopped"):
            migrating.upgrade(engine)
    assert tables <= made, "the migration was not interrupted in its middle"
    with engine.connect() as connection:
        assert migrating.current_revision(connection) == before
        assert not tables & set(sa.inspect(connection).get_table_names())
    migrating.upgrade(engine)
    with engine.connect() as connection:
        assert migrating.current_revision(connection) == migrating.known_revisions()[-1]
    assert migrating.differences(engine) == []
    engine.dispose()


def test_no_migration_makes_a_table_anew() -> None:
    """SQLite's batch mode drops the old table, which fails as soon as rows of another table point at it."""
    files = sorted((migrating.MIGRATIONS / "versions").glob("*.py"))
    assert [file.name for file in files if "op.batch_alter_table" in file.read_text("utf-8")] == []


def test_migrations_are_numbered_in_one_line() -> None:
    numbers = migrating.known_revisions()
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_a_database_newer_than_the_code_is_refused(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}", create=True)
    migrating.upgrade(engine)
    with engine.connect().execution_options(writes=True) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(migrating.UnknownRevision, match="9999"):
        migrating.upgrade(engine)
    engine.dispose()
